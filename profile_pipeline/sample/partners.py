"""Files of youth offending, sexual health, the street project and housing."""

import numpy as np
import polars as pl
from numpy.random import Generator

from profile_pipeline.sample.cards import Habits, cards, of_rows
from profile_pipeline.sample.codes_out import NHS, TEXT, coded, days, loose, sexes, some
from profile_pipeline.sample.events import days_of, each, file_of, repeats, stamps
from profile_pipeline.sample.people import People
from profile_pipeline.sample.setting import END
from profile_pipeline.sample.writing import Layout, rows

YOUTH_OFFENDING = Layout(
    dataset="youth_offending",
    ending="csv",
    roles={"child": ("YOT no", "Surname", "First name", "DOB")},
    dated="Offence date",
    born="DOB",
    form="%d.%m.%Y",
    free_text="Worker's note",
    postcode="Postcode",
    reference="YOT no",
    encoding="cp1252",
    delimiter=";",
    lacks={"2015-16 Q1": "Gang concern"},
)


def youth_offending(rng: Generator, people: People) -> pl.DataFrame:
    """Return offences of the young people the service works with."""
    everyone = people.children
    who = everyone.filter("offending")
    child = each(who, repeats(rng, np.full(who.height, 0.8), 0.7, 15))
    day = days_of(rng, everyone, child, 1.2)
    total = len(child)
    habits = Habits(short_form=0.07, spelling=0.24, typing=0.02, no_ethnicity=0.1)
    card = of_rows(cards(rng, everyone, habits), pl.Series(child))
    return rows(
        {
            "YOT no": everyone["youth_id"].gather(child),
            "Surname": card["surname"],
            "First name": card["forename"],
            "DOB": days(card["born"], YOUTH_OFFENDING.form),
            "Gender": sexes(card["sex"], "Female", "Male"),
            "Ethnic group": coded(card["ethnicity"], TEXT),
            "Postcode": card["postcode"],
            "Offence date": days(stamps(day), YOUTH_OFFENDING.form),
            "Offence": some(
                rng,
                (
                    "Theft",
                    "Criminal damage",
                    "Common assault",
                    "Public order",
                    "Possession of drugs",
                    "Burglary",
                ),
                total,
                (0.28, 0.18, 0.22, 0.12, 0.14, 0.06),
            ),
            "Disposal": some(
                rng,
                (
                    "Youth caution",
                    "Youth conditional caution",
                    "Referral order",
                    "Youth rehabilitation order",
                    "Pending",
                ),
                total,
                (0.3, 0.15, 0.3, 0.1, 0.15),
            ),
            "Gang concern": pl.Series(
                np.where(everyone["gang"].to_numpy()[child], "Y", "N").tolist()
            ),
            "Worker's note": some(
                rng,
                (
                    "",
                    "Engaging well.",
                    "Seen with older people in a car.",
                    "Mother attends.",
                    "New clothes and telephone, cannot say from where.",
                ),
                total,
            ),
        },
        quarter=file_of(rng, day),
        at=stamps(day),
        child=pl.Series(child),
        differences=card["differences"],
    )


SEXUAL_HEALTH = Layout(
    dataset="sexual_health",
    ending="csv",
    roles={"child": ("nhs_number", "date_of_birth")},
    dated="attended",
    born="date_of_birth",
    form="%Y-%m-%d",
    postcode="postcode_sector",
    missed=("2014-15 Q2", "2015-16 Q3"),
)


def sexual_health(rng: Generator, people: People) -> pl.DataFrame:
    """Return attendances, without names: NHS number, date of birth and sector alone."""
    everyone = people.children
    age = (np.datetime64(END) - everyone["born"].to_numpy().astype("datetime64[D]")).astype(
        int
    ) / 365.25
    girl = everyone["sex"].to_numpy() == "F"
    known = np.isin(everyone["group"].to_numpy(), ["open", "closed"])
    chance = np.where(known, 0.25, 0.05) * np.where(girl, 1.0, 0.25) * (age >= 14.5)
    attends = everyone["sti"].to_numpy() | (rng.random(everyone.height) < chance)
    who = everyone.filter(pl.Series(attends))
    child = each(who, repeats(rng, np.full(who.height, 0.7), 0.8, 9))
    day = days_of(rng, everyone, child, 2.0)
    total = len(child)
    habits = Habits(
        day_and_month=0.01, no_birth=0.01, no_postcode=0.06, no_ethnicity=0.14, wrong_digit=0.004
    )
    card = of_rows(cards(rng, everyone, habits), pl.Series(child))
    first = np.concatenate([[True], child[1:] != child[:-1]]) if total else np.zeros(0, dtype=bool)
    found = everyone["sti"].to_numpy()[child] & (first | (rng.random(total) < 0.3))
    # Planted: health sees many of the children concerned and tells of few.
    concern = known[child] & (rng.random(total) < 0.05)
    sent = np.where(concern, "Concern", np.where(rng.random(total) < 0.3, "No concern", ""))
    nhs = everyone["nhs"].to_numpy().astype(object)
    nhs[rng.random(everyone.height) < 0.03] = ""
    return rows(
        {
            "nhs_number": pl.Series(nhs[child].tolist(), dtype=pl.String),
            "date_of_birth": days(card["born"], "%Y-%m-%d"),
            "gender": sexes(card["sex"], "2", "1"),
            "ethnic_category": coded(card["ethnicity"], NHS),
            "postcode_sector": card["postcode"].str.replace(r".{2}$", ""),
            "attended": days(stamps(day), "%Y-%m-%d"),
            "sti_diagnosed": pl.Series(np.where(found, "Y", "N").tolist()),
            "cse_proforma": pl.Series(sent.tolist()),
        },
        quarter=file_of(rng, day),
        at=stamps(day),
        child=pl.Series(child),
        differences=card["differences"],
    ).filter((pl.col("nhs_number") != "") | (pl.col("date_of_birth") != ""))


STREET_PROJECT = Layout(
    dataset="street_project",
    ending="xlsx",
    roles={"child": ("Known as", "Surname if given")},
    dated="Seen on",
    form="%d/%m/%y",
    free_text="Notes",
    postcode="Area",
    titles=("Compass street project: young people seen, {quarter}",),
    sheet="Contacts",
    numbers=("Age",),
)


def street_project(rng: Generator, people: People) -> pl.DataFrame:
    """Return contacts of a voluntary project, which writes a nickname and an age."""
    everyone = people.children
    who = everyone.filter("voluntary")
    child = each(who, repeats(rng, np.full(who.height, 1.2), 0.9, 12))
    day = days_of(rng, everyone, child, 1.2)
    total = len(child)
    card = of_rows(
        cards(
            rng, everyone, Habits(short_form=0.75, spelling=0.3, no_postcode=0.3, no_ethnicity=0.25)
        ),
        pl.Series(child),
    )
    surname = rng.random(everyone.height)[child] < 0.3
    age = (
        (day - everyone["born"].to_numpy()[child].astype("datetime64[D]")).astype(int) / 365.25
    ).astype(int)
    age = age + rng.choice([-1, 0, 0, 0, 0, 0, 1], total)
    group = everyone["group"].to_numpy()[child]
    worried = rng.random(total) < np.where(
        np.isin(group, ["open", "closed"]), 0.5, np.where(group == "unseen", 0.3, 0.06)
    )
    concern = np.where(
        worried,
        rng.choice(["CSE", "Sexual exploitation", "cse concern"], total),
        rng.choice(["Family", "Housing", "Drugs and alcohol", "School", "Friends"], total),
    )
    return rows(
        {
            "Known as": card["forename"],
            "Surname if given": pl.Series(
                np.where(surname, card["surname"].to_numpy(), "").tolist()
            ),
            "Age": pl.Series(age).cast(pl.String),
            "Sex": sexes(card["sex"], "Girl", "Boy"),
            "Ethnicity": loose(rng, card["ethnicity"]),
            "Area": card["postcode"].str.extract(r"^(\S+)", 1).fill_null(""),
            "Seen on": days(stamps(day), STREET_PROJECT.form),
            "Concern": pl.Series(concern.tolist()),
            "Notes": some(
                rng,
                (
                    "",
                    "Came with two friends.",
                    "Asked about somewhere to sleep.",
                    "Talked about a man who gives lifts.",
                    "Wants to come again.",
                ),
                total,
            ),
        },
        quarter=file_of(rng, day),
        at=stamps(day),
        child=pl.Series(child),
        differences=card["differences"],
    )


YOUTH_HOUSING = Layout(
    dataset="youth_housing",
    ending="csv",
    roles={"child": ("Surname", "Forename", "DOB")},
    dated="Approached",
    born="DOB",
    form="%d %B %Y",
    free_text="Reason",
    postcode="Last settled postcode",
    reference="Case",
    encoding="utf-16",
    delimiter="\t",
    titles=("Thornmere Housing Options", "Approaches of 16 and 17 year olds, {quarter}"),
    totals=True,
)


def youth_housing(rng: Generator, people: People) -> pl.DataFrame:
    """Return approaches of homeless young people; planted: none was ever screened."""
    everyone = people.children
    who = everyone.filter("housing")
    child = each(who, repeats(rng, np.full(who.height, 0.3), 1.0, 4))
    born = everyone["born"].to_numpy()[child].astype("datetime64[D]")
    total = len(child)
    day = born + np.timedelta64(5845, "D") + rng.integers(0, 700, total).astype("timedelta64[D]")
    inside = (day >= np.datetime64("2014-04-01")) & (day <= np.datetime64(END))
    child, day, total = child[inside], day[inside], int(inside.sum())
    card = of_rows(cards(rng, everyone, Habits(spelling=0.2, old_address=0.5)), pl.Series(child))
    return rows(
        {
            "Case": pl.Series([f"H{700 + n}" for n in range(total)], dtype=pl.String),
            "Surname": card["surname"],
            "Forename": card["forename"],
            "DOB": days(card["born"], YOUTH_HOUSING.form),
            "Gender": sexes(card["sex"], "Female", "Male"),
            "Ethnic group": coded(card["ethnicity"], TEXT).replace(
                {"White British": "Local white"}
            ),
            "Last settled postcode": card["postcode"],
            "Approached": days(stamps(day), YOUTH_HOUSING.form),
            "Reason": some(
                rng,
                (
                    "Parents no longer willing",
                    "Relationship breakdown",
                    "Violence at home",
                    "Leaving care",
                ),
                total,
            ),
        },
        quarter=file_of(rng, day),
        at=stamps(day),
        child=pl.Series(child),
        differences=card["differences"],
    )
