"""Files of the council and of the CSE team it hosts: tracker, looked-after list, assessments."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from profile_pipeline.sample.cards import Habits, cards, of_rows
from profile_pipeline.sample.codes_out import TEXT, coded, days, dfe, sexes, some
from profile_pipeline.sample.events import days_of, each, file_of, repeats, stamps
from profile_pipeline.sample.people import People
from profile_pipeline.sample.place import Place
from profile_pipeline.sample.setting import (
    BOROUGH,
    FIRST_DAYS,
    LAST_DAYS,
    NEIGHBOURS,
    QUARTERS,
    quarter_index,
)
from profile_pipeline.sample.writing import Layout, rows

LAST_NUMBER = len(QUARTERS) - 1
HABITS = Habits(
    short_form=0.015,
    spelling=0.1,
    typing=0.012,
    no_postcode=0.01,
    old_address=0.12,
    no_ethnicity=0.02,
)

TRACKER = Layout(
    dataset="cse_tracker",
    ending="xlsx",
    roles={"child": ("Ref", "Council no", "Surname", "First name", "Known as", "DOB")},
    born="DOB",
    form="%Y-%m-%d",
    free_text="Outcome",
    postcode="Postcode",
    reference="Ref",
    titles=(
        "Thornmere CSE team",
        "Tracker at the end of {quarter}",
        "Open, closed in the quarter, screened",
        "",
    ),
    sheet="Tracker",
    totals=True,
    dates=("DOB", "Referred", "Screened on", "Closed"),
    renamed={"Surname": ("Family name", "2015-16 Q1")},
    days_to_send=6,
)
LEVELS = ("at_risk", "significant", "serious")
LEVEL_TEXT = {
    "at_risk": "At risk",
    "significant": "Significant risk",
    "serious": "Serious risk",
    "none": "No current risk",
}
CARE_TEXT = {"C2": "LAC - s31 full care order", "C1": "LAC - interim care order", "V2": "LAC - s20"}


@dataclass(frozen=True)
class Cases:
    """The tracker's cases: quarter of referral and of closing (8 still open), levels."""

    child: NDArray[np.int64]
    opened: NDArray[np.int64]
    closed: NDArray[np.int64]
    first_level: NDArray[np.str_]
    last_level: NDArray[np.str_]
    changes: NDArray[np.int64]
    authority: NDArray[np.str_]


def cases(rng: Generator, people: People) -> Cases:
    """Return the CSE team's cases; numbers open grow towards the end, as published figures do."""
    everyone = people.children
    group, level = everyone["group"].to_numpy(), everyone["level"].to_numpy()
    visitors = np.flatnonzero(group == "visitor")
    guests = visitors[: min(5, len(visitors))]
    child = np.concatenate([np.flatnonzero(np.isin(group, ["open", "closed", "screened"])), guests])
    kind = group[child]
    total = len(child)
    opened, closed = np.zeros(total, dtype=np.int64), np.full(total, LAST_NUMBER + 1)
    weights = np.array([0.16, 0.05, 0.06, 0.08, 0.1, 0.12, 0.14, 0.14, 0.15])
    opened[:] = rng.choice(9, total, p=weights) - 1
    was_closed = kind == "closed"
    ending = np.array([0.16, 0.15, 0.14, 0.13, 0.12, 0.11, 0.10, 0.09])
    closed[was_closed] = rng.choice(LAST_NUMBER + 1, was_closed.sum(), p=ending)
    opened[was_closed] = np.maximum(closed[was_closed] - rng.integers(1, 6, was_closed.sum()), -2)
    screened = kind == "screened"
    opened[screened] = rng.integers(0, LAST_NUMBER + 1, screened.sum())
    last = level[child].astype("<U12")
    closing = kind != "open"
    last[closing] = rng.choice(LEVELS, closing.sum(), p=[0.78, 0.12, 0.10])
    last[screened] = "none"
    first = last.copy()
    step = rng.random(total)
    rose = np.isin(last, ["significant", "serious"]) & (step < 0.3)
    first[rose] = np.where(last[rose] == "serious", "significant", "at_risk")
    fell = (last == "at_risk") & (step < 0.05)
    first[fell] = "significant"
    # Nobody stays open past the eighteenth birthday, but for two whom the team keeps on its list.
    adult = everyone["born"].to_numpy()[child].astype("datetime64[D]") + np.timedelta64(6574, "D")
    turned = np.where(adult <= LAST_DAYS[-1], quarter_index(adult), LAST_NUMBER + 1)
    kept_on = np.flatnonzero(
        was_closed & (turned <= LAST_NUMBER) & (turned > opened) & (turned > 0)
    )[:2]
    closed = np.minimum(closed, np.maximum(turned, opened))
    closed[kept_on] = LAST_NUMBER + 1
    authority = np.where(kind == "visitor", rng.choice(NEIGHBOURS[:3], total), BOROUGH)
    return Cases(
        child=child,
        opened=opened,
        closed=closed,
        first_level=first,
        last_level=last,
        changes=opened + rng.integers(1, 4, total),
        authority=authority,
    )


def tracker(rng: Generator, people: People, made: Cases) -> pl.DataFrame:
    """Return the tracker as it stood at the end of each quarter.

    A few children stand twice in a file, with an earlier and a later screening.
    """
    everyone = people.children
    number, case = (a.ravel() for a in np.indices((len(QUARTERS), len(made.child))))
    group = everyone["group"].to_numpy()[made.child][case]
    opened, closed = made.opened[case], made.closed[case]
    screened = group == "screened"
    listed = np.where(screened, number == opened, (number >= opened) & (number <= closed))
    number, case = number[listed], case[listed]
    opened, closed, screened = opened[listed], closed[listed], screened[listed]
    referred, screening, ended = _case_days(rng, people, made)
    level = np.where(number >= made.changes[case], made.last_level[case], made.first_level[case])
    level = np.where(number == LAST_NUMBER, made.last_level[case], level)
    changed = level != made.first_level[case]
    rescreened = np.minimum(
        FIRST_DAYS[np.clip(made.changes, 0, LAST_NUMBER)] + np.timedelta64(20, "D"), LAST_DAYS[-1]
    )[case]
    shown = np.where(changed, np.minimum(rescreened, LAST_DAYS[number]), screening[case])
    twice = np.flatnonzero(changed & ~screened & (number < closed))
    twice = rng.permutation(twice)[: max(1, len(twice) // 40)]
    row = np.concatenate([np.arange(len(case)), twice])
    again = np.arange(len(row)) >= len(case)
    number, case, closed, screened, shown, level = (
        a[row] for a in (number, case, closed, screened, shown, level)
    )
    level = np.where(again, made.first_level[case], level)
    shown = np.where(again, np.minimum(screening[case], shown - np.timedelta64(1, "D")), shown)
    shut = ~screened & (closed == number)
    status = np.where(screened, "NFA", np.where(shut, "Closed", "Open"))
    child = made.child[case]
    card = of_rows(cards(rng, everyone, HABITS), pl.Series(child))
    facts = _facts(rng, people, made)

    def fact(name: str) -> pl.Series:
        return facts[name].gather(pl.Series(case))

    total = len(child)
    in_team = everyone["council_id"].to_numpy()[child]
    frame = rows(
        {
            "Ref": everyone["team_ref"].gather(child),
            "Council no": pl.Series(np.where(fact("has_number").to_numpy(), in_team, "").tolist()),
            "Surname": card["surname"],
            "First name": card["forename"],
            "Known as": fact("known_as"),
            "DOB": days(card["born"], "%Y-%m-%d"),
            "Gender": sexes(card["sex"], "Female", "Male"),
            "Ethnicity": coded(card["ethnicity"], TEXT),
            "Disability": pl.Series(
                np.where(
                    everyone["disability"].to_numpy()[child], "Learning disability", "None"
                ).tolist()
            ),
            "Postcode": card["postcode"],
            "Responsible authority": pl.Series(made.authority[case].tolist()),
            "Legal status": pl.Series(
                _legal(people, child, number, fact("plan").to_numpy()).tolist()
            ),
            "Education": fact("education"),
            "Referred": days(stamps(referred[case]), "%Y-%m-%d"),
            "Referred by": fact("source"),
            "Screened because": fact("because"),
            "Screened on": days(stamps(shown), "%Y-%m-%d"),
            "Level": pl.Series([LEVEL_TEXT[text] for text in level]),
            "Model": fact("model"),
            "Online or offline": fact("method"),
            "Status": pl.Series(status.tolist()),
            "Outcome": some(
                rng,
                ("Support continues", "Work with the family", "Key worker allocated", ""),
                total,
            ),
            "Closed": pl.Series(
                np.where(shut, days(stamps(ended[case]), "%Y-%m-%d").to_numpy(), "").tolist()
            ),
        },
        quarter=pl.Series(number),
        at=stamps(referred[case]),
        child=pl.Series(child),
        differences=card["differences"],
    )
    return frame.with_columns(_planted=pl.Series(np.where(again, "listed_twice", "").tolist()))


def _case_days(
    rng: Generator, people: People, made: Cases
) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64], NDArray[np.datetime64]]:
    """Return the days of referral, first screening and closing of each case."""
    total = len(made.child)
    start = FIRST_DAYS[np.maximum(made.opened, 0)] - np.where(
        made.opened < 0, -made.opened * 91, 0
    ).astype("timedelta64[D]")
    referred = start + rng.integers(0, 60, total).astype("timedelta64[D]")
    screening = referred + rng.integers(2, 29, total).astype("timedelta64[D]")
    closing = np.clip(made.closed, 0, LAST_NUMBER)
    ended = np.maximum(
        FIRST_DAYS[closing] + rng.integers(5, 85, total).astype("timedelta64[D]"), screening
    )
    return referred, screening, np.minimum(ended, LAST_DAYS[closing])


def _facts(rng: Generator, people: People, made: Cases) -> pl.DataFrame:
    """Return what the team writes of a case, the same in every quarter."""
    everyone = people.children[made.child.tolist()]
    total = len(made.child)
    missing, excluded = everyone["missing"].to_numpy(), everyone["exclusion"].to_numpy()
    offending, absent = everyone["offending"].to_numpy(), everyone["absence"].to_numpy()
    because = np.where(
        missing,
        "Missing from home or care",
        np.where(
            excluded,
            "Temporarily excluded",
            np.where(offending, "Known to youth offending", "Professional's concern"),
        ),
    )
    education = np.where(absent, "Mainstream - poor attendance", "Mainstream - attending")
    education = np.where(excluded & (rng.random(total) < 0.4), "Short stay school", education)
    age = (LAST_DAYS[-1] - everyone["born"].to_numpy().astype("datetime64[D]")).astype(int) / 365.25
    education = np.where(
        age >= 16.6,
        rng.choice(["College", "NEET", "Training"], total, p=[0.5, 0.35, 0.15]),
        education,
    )
    return pl.DataFrame(
        {
            "has_number": rng.random(total) < 0.86,
            "known_as": pl.Series(
                np.where(
                    rng.random(total) < 0.12,
                    some(
                        rng, ("Bee", "Kiki", "Jay", "Mims", "Tee", "Lola", "Dee"), total
                    ).to_numpy(),
                    "",
                ).tolist()
            ),
            "plan": some(
                rng, ("CIN plan", "CP plan", "Early help", "None"), total, (0.42, 0.18, 0.2, 0.2)
            ),
            "education": pl.Series(education.tolist()),
            "source": some(
                rng,
                (
                    "Children's Services",
                    "Police",
                    "School",
                    "Children's home",
                    "Youth Offending Service",
                    "Voluntary sector",
                    "Health",
                    "Parent",
                    "",
                ),
                total,
                (0.47, 0.22, 0.12, 0.05, 0.05, 0.05, 0.015, 0.015, 0.01),
            ),
            "because": pl.Series(because.tolist()),
            "model": some(
                rng,
                (
                    "Inappropriate relationship",
                    "Relationship of control",
                    "Organised or networked",
                    "Peer on peer",
                    "Online grooming",
                    "",
                ),
                total,
                (0.26, 0.24, 0.1, 0.1, 0.16, 0.14),
            ),
            "method": some(rng, ("Online", "Offline", "Both", ""), total, (0.22, 0.3, 0.26, 0.22)),
        }
    )


def _legal(
    people: People, child: NDArray[np.int64], number: NDArray[np.int64], plan: NDArray[np.str_]
) -> NDArray[np.str_]:
    """Return the legal status at the end of the quarter."""
    everyone = people.children
    begin = everyone["care_from"].to_numpy()[child].astype("datetime64[D]")
    end = everyone["care_to"].to_numpy()[child].astype("datetime64[D]")
    day = LAST_DAYS[number]
    in_care = (
        everyone["looked_after"].to_numpy()[child] & (begin <= day) & (np.isnat(end) | (end > day))
    )
    order = np.array([CARE_TEXT[code] for code in everyone["care_order"]])[child]
    return np.where(in_care, order, plan)


LOOKED_AFTER = Layout(
    dataset="looked_after",
    ending="csv",
    roles={"child": ("Child ID", "Surname", "Forename", "Date of birth", "UPN")},
    born="Date of birth",
    postcode="Home postcode",
    encoding="cp1252",
    delimiter="\t",
)


def looked_after(rng: Generator, people: People, place: Place) -> pl.DataFrame:
    """Return the children looked after at any time in each quarter."""
    everyone = people.children
    inside = everyone.filter("looked_after")
    number, which = (a.ravel() for a in np.indices((len(QUARTERS), inside.height)))
    begin = inside["care_from"].to_numpy().astype("datetime64[D]")[which]
    end = inside["care_to"].to_numpy().astype("datetime64[D]")[which]
    adult = inside["born"].to_numpy().astype("datetime64[D]")[which] + np.timedelta64(6574, "D")
    there = (
        (begin <= LAST_DAYS[number])
        & (np.isnat(end) | (end >= FIRST_DAYS[number]))
        & (adult > FIRST_DAYS[number])
    )
    number, which, begin, end = number[there], which[there], begin[there], end[there]
    end = np.where(end <= LAST_DAYS[number], end, np.datetime64("NaT"))
    child = inside["child"].to_numpy()[which]
    card = of_rows(cards(rng, everyone, HABITS), pl.Series(child))
    home = everyone["home"].to_numpy()[child]
    urns = place.homes["URN"].to_list()
    away = everyone["placed_away"].to_numpy()[child]
    return rows(
        {
            "Child ID": everyone["council_id"].gather(child),
            "UPN": _shown(everyone["upn"].gather(child), rng.random(everyone.height)[child] > 0.08),
            "Surname": card["surname"],
            "Forename": card["forename"],
            "Date of birth": days(card["born"], LOOKED_AFTER.form),
            "Sex": sexes(card["sex"], "2", "1"),
            "Ethnicity": dfe(card["ethnicity"]),
            "Home postcode": card["postcode"],
            "Period began": days(stamps(begin), LOOKED_AFTER.form),
            "Period ended": days(stamps(end), LOOKED_AFTER.form),
            "Legal status": everyone["care_order"].gather(child),
            "Need": some(
                rng, ("N1", "N2", "N4", "N5", "N6"), everyone.height, (0.6, 0.05, 0.1, 0.15, 0.1)
            ).gather(child),
            "Placement": pl.Series(np.where(home >= 0, "K2", np.where(away, "U6", "U1")).tolist()),
            "Placed outside": pl.Series(np.where(away, "Y", "N").tolist()),
            "Placement postcode": everyone["placement_postcode"].gather(child),
            "Home URN": pl.Series([urns[h] if h >= 0 else "" for h in home]),
        },
        quarter=pl.Series(number),
        at=stamps(begin),
        child=pl.Series(child),
        differences=card["differences"],
    )


def _shown(values: pl.Series, show: NDArray[np.bool_]) -> pl.Series:
    return pl.Series(np.where(show, values.fill_null("").to_numpy(), "").tolist(), dtype=pl.String)


ASSESSMENTS = Layout(
    dataset="assessments",
    ending="csv",
    roles={"child": ("Council no", "Surname", "Forename", "DOB", "NHS no", "UPN")},
    dated="Referred on",
    born="DOB",
    free_text="Summary",
    postcode="Postcode",
    encoding="utf-8-sig",
    delimiter=";",
)
FACTORS = {"substance": "2A", "mental": "4A", "domestic": "3A", "gang": "13A", "missing": "10A"}
SUMMARIES = (
    "",
    "Strategy meeting held.",
    "Family known to early help.",
    "Parent worried about contact by adults.",
    "See chronology.",
)


def assessments(rng: Generator, people: People) -> pl.DataFrame:
    """Return referrals to Children's Services with the factors the assessment found."""
    everyone = people.children
    who = everyone.filter("assessed")
    child = each(who, repeats(rng, np.full(who.height, 0.5), 1.0, 6))
    day = days_of(rng, everyone, child, 1.5)
    total = len(child)
    factors = np.array([""] * total, dtype=object)
    first = np.concatenate([[True], child[1:] != child[:-1]])
    for thing, code in FACTORS.items():
        chance = 0.4 if thing == "missing" else 1.0
        # The first assessment finds what there is; a later one finds most of it again.
        has = everyone[thing].to_numpy()[child] & (
            rng.random(total) < np.where(first, chance, 0.6 * chance)
        )
        factors[has] = factors[has] + f"{code} "
    named = everyone["cse_factor"].to_numpy()[child] & (first | (rng.random(total) < 0.5))
    factors[named] = factors[named] + "11A "
    other = (factors == "") | (rng.random(total) < 0.2)
    factors[other] = factors[other] + rng.choice(["8B ", "6A ", "7A ", "17A "], other.sum()).astype(
        object
    )
    card = of_rows(cards(rng, everyone, HABITS), pl.Series(child))
    finished = day + rng.integers(10, 55, total).astype("timedelta64[D]")
    status = rng.choice(
        ["Open assessment", "CIN plan", "CP plan", "Closed"], total, p=[0.15, 0.3, 0.12, 0.43]
    )
    closed = finished + rng.integers(20, 200, total).astype("timedelta64[D]")
    group = np.array([f"[{code}] {TEXT[code]}" if code else "NOBT" for code in card["ethnicity"]])
    return rows(
        {
            "Council no": everyone["council_id"].gather(child),
            "Surname": card["surname"],
            "Forename": card["forename"],
            "DOB": days(card["born"], ASSESSMENTS.form),
            "Gender": sexes(card["sex"], "2", "1"),
            "Ethnicity": pl.Series(group.tolist()),
            "Disabled": pl.Series(
                np.where(everyone["disability"].to_numpy()[child], "Y", "N").tolist()
            ),
            "NHS no": _shown(
                everyone["nhs"].gather(child), rng.random(everyone.height)[child] < 0.7
            ),
            "UPN": _shown(everyone["upn"].gather(child), rng.random(everyone.height)[child] < 0.75),
            "Postcode": card["postcode"],
            "Referred on": days(stamps(day), ASSESSMENTS.form),
            "Source": some(
                rng, ("3A", "4", "5B", "1A", "10", "6"), total, (0.22, 0.36, 0.14, 0.1, 0.1, 0.08)
            ),
            "Primary need": some(
                rng, ("N1", "N4", "N5", "N6", "N2"), total, (0.5, 0.16, 0.16, 0.12, 0.06)
            ),
            "Authorised": days(stamps(finished), ASSESSMENTS.form),
            "Factors": pl.Series([text.strip() for text in factors]),
            "Case status": pl.Series(status.tolist()),
            "Closed on": pl.Series(
                np.where(
                    status == "Closed", days(stamps(closed), ASSESSMENTS.form).to_numpy(), ""
                ).tolist()
            ),
            "Summary": some(rng, SUMMARIES, total),
        },
        quarter=file_of(rng, day),
        at=stamps(day),
        child=pl.Series(child),
        differences=card["differences"],
    )
