"""Files of the schools: attendance and exclusions."""

import numpy as np
import polars as pl
from numpy.random import Generator

from profile_pipeline.sample.cards import Habits, cards, of_rows
from profile_pipeline.sample.codes_out import TEXT, coded, days, dfe, sexes, some
from profile_pipeline.sample.events import days_of, each, file_of, repeats, stamps
from profile_pipeline.sample.people import People
from profile_pipeline.sample.place import Place
from profile_pipeline.sample.setting import FIRST_DAYS, LAST_DAYS, QUARTERS
from profile_pipeline.sample.writing import Layout, rows

HABITS = Habits(
    short_form=0.03, spelling=0.07, typing=0.008, no_postcode=0.01, no_ethnicity=0.04, no_birth=0.0
)
SESSIONS = (112, 44, 140, 118)  # possible in April-June, July-September, and so on

ATTENDANCE = Layout(
    dataset="attendance",
    ending="parquet",
    roles={"child": ("upn", "surname", "forename", "date_of_birth")},
    born="date_of_birth",
    postcode="postcode",
)


def attendance(rng: Generator, people: People, place: Place) -> pl.DataFrame:
    """Return sessions possible and missed of the pupils that schools worry about, by quarter.

    A pupil of the list is of statutory school age (5 to 15 at the start of the quarter). A tenth or
    more unauthorised marks the pupils who are absent, in some quarters and not in others.
    """
    everyone = people.children
    listed = everyone["absence"].to_numpy() | (rng.random(everyone.height) < 0.28)
    listed |= ~_has_record(everyone)
    listed &= everyone["group"].to_numpy() != "visitor"
    who = everyone.filter(pl.Series(listed))
    number, which = (a.ravel() for a in np.indices((len(QUARTERS), who.height)))
    born = who["born"].to_numpy().astype("datetime64[D]")[which]
    year = (FIRST_DAYS[number] - born).astype(int) / 365.25
    there = (year < 16) & (rng.random(len(which)) < 0.93)
    number, which, year = number[there], which[there], year[there]
    child = who["child"].to_numpy()[which]
    total = len(child)
    possible = np.array(SESSIONS)[number % 4] - rng.integers(0, 5, total)
    absent = everyone["absence"].to_numpy()[child] & (rng.random(total) < 0.72)
    share = np.where(absent, rng.beta(3, 9, total), rng.beta(1, 90, total))
    without = np.minimum(np.round(possible * share).astype(int), possible)
    with_leave = np.round((possible - without) * rng.beta(1.4, 26, total)).astype(int)
    card = of_rows(cards(rng, everyone, HABITS), pl.Series(child))
    school = everyone["school"].to_numpy()[child]
    names, urns = place.schools["School"].to_list(), place.schools["URN"].to_list()
    # A designated safeguarding lead notes a concern about exploitation for few of those known.
    known = np.isin(everyone["group"].to_numpy(), ["open", "closed"]) & (
        rng.random(everyone.height) < 0.2
    )
    upn = everyone["upn"].to_numpy().astype(object)
    upn[rng.random(everyone.height) < 0.02] = ""
    return rows(
        {
            "upn": pl.Series(upn[child].tolist(), dtype=pl.String),
            "surname": card["surname"],
            "forename": card["forename"],
            "date_of_birth": card["born"],
            "sex": card["sex"],
            "ethnicity": dfe(card["ethnicity"]),
            "postcode": card["postcode"],
            "school": pl.Series([names[s] for s in school]),
            "school_urn": pl.Series([urns[s] for s in school]),
            "year_group": pl.Series(np.clip(np.floor(year).astype(int) - 4, 1, 11)),
            "sessions_possible": pl.Series(possible),
            "sessions_authorised": pl.Series(with_leave),
            "sessions_unauthorised": pl.Series(without),
            "safeguarding_note": pl.Series(np.where(known[child], "CSE", "").tolist()),
        },
        quarter=pl.Series(number),
        at=stamps(LAST_DAYS[number]),
        child=pl.Series(child),
        differences=card["differences"],
    )


def _has_record(everyone: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    things = ("missing", "exclusion", "offending", "looked_after", "assessed", "sti", "housing")
    return np.asarray(everyone.select(pl.any_horizontal(things)).to_series().to_numpy())


EXCLUSIONS = Layout(
    dataset="exclusions",
    ending="xlsx",
    roles={"child": ("UPN", "Surname", "Forename", "DOB")},
    dated="From",
    born="DOB",
    form="%Y-%m-%d",
    free_text="Reason",
    postcode="Postcode",
    titles=("Exclusions reported by schools, {quarter}", ""),
    sheet="Exclusions",
    totals=True,
    dates=("DOB", "From"),
    numbers=("Days",),
)
REASONS = (
    "DB - persistent disruptive behaviour",
    "PA - physical assault against a pupil",
    "VA - verbal abuse",
    "DA - drug and alcohol related",
    "OT - other",
)


def exclusions(rng: Generator, people: People, place: Place) -> pl.DataFrame:
    """Return exclusions: few children have many, most have one; two in a hundred are permanent."""
    everyone = people.children
    # Nobody is excluded who left school at 16, before the period or soon after it began.
    at_school = pl.col("born") > pl.date(1998, 3, 1)
    who = everyone.filter(pl.col("exclusion"), at_school)
    child = each(who, repeats(rng, np.full(who.height, 1.1), 0.8, 14))
    day = days_of(rng, everyone, child, 1.1, until=5990)
    # Schools exclude on school days.
    day = day + np.isin((day.astype(int) + 3) % 7, [5, 6]) * np.timedelta64(2, "D")
    day = np.minimum(day, LAST_DAYS[-1])
    total = len(child)
    card = of_rows(cards(rng, everyone, HABITS), pl.Series(child))
    permanent = rng.random(total) < 0.02
    lengths = np.where(
        permanent, "", rng.choice(["0.5", "1", "2", "3", "5"], total, p=[0.1, 0.3, 0.3, 0.2, 0.1])
    )
    names = place.schools["School"].to_list()
    return rows(
        {
            "UPN": everyone["upn"].gather(child),
            "Surname": card["surname"],
            "Forename": card["forename"],
            "DOB": days(card["born"], "%Y-%m-%d"),
            "Gender": sexes(card["sex"], "F", "M"),
            "Ethnic group": coded(card["ethnicity"], TEXT),
            "Postcode": card["postcode"],
            "School": pl.Series([names[s] for s in everyone["school"].to_numpy()[child]]),
            "Type": pl.Series(np.where(permanent, "Permanent", "Fixed period").tolist()),
            "From": days(stamps(day), "%Y-%m-%d"),
            "Days": pl.Series(lengths.tolist()),
            "Reason": some(rng, REASONS, total, (0.36, 0.2, 0.16, 0.08, 0.2)),
        },
        quarter=file_of(rng, day),
        at=stamps(day),
        child=pl.Series(child),
        differences=card["differences"],
    )
