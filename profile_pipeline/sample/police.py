"""Files of the police and of the panel they lead."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from profile_pipeline.sample.cards import Habits, cards, of_rows, retyped
from profile_pipeline.sample.codes_out import POLICE, coded, days, some
from profile_pipeline.sample.events import days_of, each, file_of, moments, repeats, stamps
from profile_pipeline.sample.people import People
from profile_pipeline.sample.place import (
    BLUE_HERON,
    BLUE_HERON_SPELLINGS,
    POLICE_STATION,
    Place,
)
from profile_pipeline.sample.setting import END, START, Days, scaled
from profile_pipeline.sample.writing import Layout, rows

HABITS = Habits(
    short_form=0.05,
    spelling=0.3,
    typing=0.025,
    middle_name=0.08,
    no_ethnicity=0.18,
    swapped_names=0.01,
)

MISSING = Layout(
    dataset="missing_reports",
    ending="csv",
    roles={"child": ("Nominal", "Name", "Date of birth")},
    dated="Reported",
    born="Date of birth",
    free_text="Log",
    postcode="Home postcode",
    reference="Report no",
    encoding="cp1252",
)
# More reports, beyond the first, of a child who goes missing at all; a few have dozens.
MORE_MISSING = {
    "open": 5.5,
    "closed": 3.5,
    "screened": 2.0,
    "unseen": 2.6,
    "other": 0.7,
    "visitor": 0.3,
}
FOUND = (
    "Friend's address",
    "Home",
    "Park",
    "Town centre",
    "Hotel",
    "Takeaway",
    "Address not known",
    "Railway station",
    "Licensed premises",
)
LOGS = (
    "Returned by patrol.", "Located at a friend's address, safe and well.",
    "Seen getting out of a car.",
    "Found with other young people from the home.", "Returned of own accord, tired and hungry.",
    "Would not say where the night was spent; new telephone.", "Located by bus station staff.", "",
)  # fmt: skip


def missing_reports(rng: Generator, people: People, place: Place) -> pl.DataFrame:
    """Return reports of missing and absent children with their return interviews.

    Of those found, about 45% are interviewed within 72 hours, 40% later and 15% never.
    """
    everyone = people.children
    who = everyone.filter("missing")
    mean = np.array([MORE_MISSING[g] for g in who["group"]]) * np.where(
        who["home"].to_numpy() >= 0, 1.7, 1.0
    )
    child = each(who, repeats(rng, mean, 0.45, 110))
    day = days_of(rng, everyone, child)
    reported = moments(rng, day, 22.0)
    total = len(child)
    card = of_rows(cards(rng, everyone, HABITS), pl.Series(child))
    last_seen = reported - (rng.gamma(2.0, 110, total) + 15).astype("timedelta64[m]")
    away = (
        np.where(rng.random(total) < 0.9, rng.gamma(1.4, 420, total), rng.gamma(2.0, 2600, total))
        + 20
    )
    found = reported + away.astype("timedelta64[m]")
    found[rng.random(total) < 0.008] = np.datetime64("NaT")
    interview, held = _interviews(rng, found)
    in_care, home = _placed(everyone, child, day)
    names = people_home_names(place)
    postcodes = place.postcodes["postcode"].to_numpy()
    outside = rng.choice(place.outside["postcode"].to_numpy(), total)
    found_at = np.where(rng.random(total) < 0.09, outside, rng.choice(postcodes, total))
    found_at = np.where(rng.random(total) < 0.35, "", found_at)
    where = np.where(
        in_care, "Care placement", np.where(rng.random(total) < 0.06, "School", "Home")
    )
    upper = card["surname"].str.to_uppercase()
    full = upper + ", " + retyped(rng, card["forename"], 0.01)
    return rows(
        {
            "Report no": pl.Series([f"M{100000 + n}" for n in rng.permutation(total)]),
            "Nominal": everyone["police_id"].gather(child),
            "Name": full,
            "Date of birth": days(card["born"], MISSING.form),
            "Gender": card["sex"],
            "Self-defined ethnicity": coded(card["ethnicity"], POLICE),
            "Home postcode": card["postcode"],
            "Reported": days(stamps(reported), "%d/%m/%Y %H:%M"),
            "Category": some(rng, ("Missing", "Absent"), total, (0.72, 0.28)),
            "Risk": some(rng, ("Low", "Medium", "High"), total, (0.2, 0.62, 0.18)),
            "Reported from": pl.Series(where.tolist()),
            "Care home": pl.Series(
                [names[h] if c and h >= 0 else "" for h, c in zip(home, in_care, strict=True)]
            ),
            "Last seen": days(stamps(last_seen), "%d/%m/%Y %H:%M"),
            "Found": days(stamps(found), "%d/%m/%Y %H:%M"),
            "Found at": some(
                rng, FOUND, total, (0.34, 0.22, 0.1, 0.12, 0.04, 0.04, 0.07, 0.05, 0.02)
            ),
            "Found postcode": pl.Series(found_at.tolist()),
            "Interview offered": pl.Series(
                np.where(
                    np.isnat(found), "", np.where(held | (rng.random(total) < 0.5), "Y", "N")
                ).tolist()
            ),
            "Interview held": days(stamps(interview), "%d/%m/%Y %H:%M"),
            "Interview by": pl.Series(
                np.where(
                    held,
                    some(
                        rng,
                        ("Compass project", "Social worker", "Police"),
                        total,
                        (0.55, 0.3, 0.15),
                    ).to_numpy(),
                    "",
                ).tolist()
            ),
            "Log": some(rng, LOGS, total),
        },
        quarter=file_of(rng, day),
        at=stamps(reported),
        child=pl.Series(child),
        differences=card["differences"],
    )


def _interviews(
    rng: Generator, found: NDArray[np.datetime64]
) -> tuple[NDArray[np.datetime64], NDArray[np.bool_]]:
    total = len(found)
    kind = rng.random(total)
    hours = np.where(kind < 0.45, rng.uniform(6, 70, total), rng.uniform(76, 420, total))
    interview = found + (hours * 60).astype("timedelta64[m]")
    held = (
        (kind < 0.85)
        & ~np.isnat(found)
        & (interview < np.datetime64(END) + np.timedelta64(14, "D"))
    )
    interview[~held] = np.datetime64("NaT")
    return interview, held


def _placed(
    everyone: pl.DataFrame, child: NDArray[np.int64], day: Days
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return whether the child is looked after on the day, and the home's row or -1."""
    begin = everyone["care_from"].to_numpy()[child].astype("datetime64[D]")
    end = everyone["care_to"].to_numpy()[child].astype("datetime64[D]")
    in_care = everyone["looked_after"].to_numpy()[child] & (begin <= day)
    in_care &= np.isnat(end) | (end >= day)
    return in_care, everyone["home"].to_numpy()[child]


def people_home_names(place: Place) -> list[str]:
    """Return the names of the children's homes in the register's order."""
    return place.homes["Home"].to_list()


CRIMES = Layout(
    dataset="exploitation_crimes",
    ending="csv",
    roles={
        "child": ("Victim surname", "Victim forename", "Victim DOB"),
        "suspect": ("Suspect surname", "Suspect forename", "Suspect aka", "Suspect DOB"),
    },
    dated="Recorded",
    born="Victim DOB",
    form="%d-%b-%Y",
    free_text="Place",
    postcode="Victim postcode",
    reference="Crime no",
    delimiter="|",
    titles=("Mid Shires Police: crimes flagged as child sexual exploitation, {quarter}",),
)
OFFENCES = (
    ("17/14", "Sexual assault of a female child"), ("22A/1",
    "Sexual activity offence against a child"),
    ("88A/1", "Meeting a child following grooming"), ("86/2",
    "Taking or making indecent images of a child"),
    ("36/1", "Child abduction"), ("71/10", "Causing or inciting exploitation of a child"),
    ("19F/1", "Rape of a child"),
)  # fmt: skip
HARMED = {
    "open": 0.46,
    "closed": 0.28,
    "screened": 0.05,
    "unseen": 0.14,
    "other": 0.07,
    "visitor": 0.0,
}


@dataclass(frozen=True)
class Crimes:
    """Crime rows, with the planted hotspot (or none) of each."""

    rows: pl.DataFrame
    hotspot: list[str]
    numbers: list[str]


def crimes(rng: Generator, people: People, place: Place, children: int) -> Crimes:
    """Return crimes with victim, suspect and place; a third lie in the planted hotspots."""
    everyone = people.children
    total = scaled(300, children)
    child = _weighted(rng, everyone, HARMED, total)
    day = days_of(rng, everyone, child, 1.1)
    spot = _spots(rng, place, total)
    year = np.timedelta64(366, "D")
    # H2 is new in the last year; H3 belongs to the first one mostly.
    born = everyone["born"].to_numpy()[child].astype("datetime64[D]")
    late = np.datetime64("2015-04-01") + rng.integers(0, 365, total).astype("timedelta64[D]")
    day = np.where(spot == 1, np.minimum(late, born + np.timedelta64(6570, "D")), day)
    early = (spot == 2) & (rng.random(total) < 0.75) & (day >= np.datetime64("2015-04-01"))
    day = np.where(early, np.maximum(day - year, np.datetime64(START)), day).astype("datetime64[D]")
    east, north, kind, online = _places(rng, people, place, child, spot)
    # A second suspect gives a crime a second row.
    again = np.flatnonzero(rng.random(total) < 0.08)
    index = np.concatenate([np.arange(total), again])
    suspect = _suspects_of(rng, people, len(index))
    non_recent = rng.random(total) < 0.12
    back = np.where(non_recent, rng.integers(370, 900, total), rng.integers(0, 40, total))
    began = day - back.astype("timedelta64[D]")
    ended = began + np.minimum(rng.integers(0, 12, total), back).astype("timedelta64[D]")
    card = of_rows(cards(rng, everyone, HABITS), pl.Series(child))
    number = [
        f"MS/{10000 + n}/{d.astype(object).year % 100}"
        for n, d in zip(rng.permutation(total), day, strict=True)
    ]
    kinds = rng.integers(0, len(OFFENCES), total)
    outcome = some(
        rng,
        ("", "1", "14", "15", "16", "18", "20"),
        total,
        (0.42, 0.1, 0.08, 0.12, 0.14, 0.12, 0.02),
    )
    named = rng.random(total) > 0.03
    known = people.suspects[suspect.tolist()]
    no_suspect = rng.random(len(index)) < 0.36
    aka_only = rng.random(len(index)) < 0.18

    def victim(values: pl.Series) -> pl.Series:
        shown = np.where(named, values.fill_null("").to_numpy(), "")
        return pl.Series(shown[index].tolist())

    def of_suspect(values: pl.Series, hide: NDArray[np.bool_]) -> pl.Series:
        return pl.Series(np.where(no_suspect | hide, "", values.fill_null("").to_numpy()).tolist())

    nick = known["nickname"].to_numpy() != ""
    hidden = aka_only & nick
    never = np.zeros(len(index), dtype=bool)
    frame = rows(
        {
            "Crime no": pl.Series(number)[index.tolist()],
            "Recorded": days(stamps(day), CRIMES.form)[index.tolist()],
            "From": days(stamps(began), CRIMES.form)[index.tolist()],
            "To": days(stamps(ended), CRIMES.form)[index.tolist()],
            "HO code": pl.Series([OFFENCES[k][0] for k in kinds])[index.tolist()],
            "Offence": pl.Series([OFFENCES[k][1] for k in kinds])[index.tolist()],
            "Victim surname": victim(card["surname"]),
            "Victim forename": victim(card["forename"]),
            "Victim DOB": victim(days(card["born"], CRIMES.form)),
            "Victim sex": victim(card["sex"]),
            "Victim ethnicity": victim(coded(card["ethnicity"], POLICE)),
            "Victim postcode": victim(card["postcode"]),
            "Suspect surname": of_suspect(retyped(rng, known["surname"], 0.05), hidden),
            "Suspect forename": of_suspect(retyped(rng, known["forename"], 0.05), hidden),
            "Suspect aka": of_suspect(known["nickname"], rng.random(len(index)) < 0.4),
            "Suspect DOB": of_suspect(
                days(known["born"], CRIMES.form), hidden | (rng.random(len(index)) < 0.25)
            ),
            "Suspect sex": of_suspect(known["sex"], never),
            "Suspect IC": pl.Series(
                np.where(
                    no_suspect,
                    "",
                    np.where(rng.random(len(index)) < 0.38, "IC9", known["appearance"].to_numpy()),
                ).tolist()
            ),
            "Relationship": of_suspect(
                some(
                    rng,
                    ("Acquaintance", "Stranger", "Online contact", "Associate of family", ""),
                    len(index),
                    (0.35, 0.2, 0.2, 0.1, 0.15),
                ),
                never,
            ),
            "Easting": pl.Series(east)[index.tolist()],
            "Northing": pl.Series(north)[index.tolist()],
            "Place type": pl.Series(kind)[index.tolist()],
            "Place": some(
                rng,
                ("", "Rear of the shops", "Car park", "Footpath by the canal", "Rented room"),
                total,
                (0.5, 0.15, 0.15, 0.1, 0.1),
            )[index.tolist()],
            "Online": pl.Series(np.where(online, "Y", "N").tolist())[index.tolist()],
            "Non-recent": pl.Series(np.where(non_recent, "Y", "N").tolist())[index.tolist()],
            "Outcome": outcome[index.tolist()],
        },
        quarter=pl.Series(file_of(rng, day))[index.tolist()],
        at=stamps(day)[index.tolist()],
        child=pl.Series(child)[index.tolist()],
        suspect=known["suspect"],
        differences=card["differences"][index.tolist()],
    )
    names = place.hotspots["hotspot"].to_list()
    return Crimes(frame, [names[s] if s >= 0 else "" for s in spot], number)


def _weighted(
    rng: Generator, everyone: pl.DataFrame, shares: dict[str, float], total: int
) -> NDArray[np.int64]:
    """Return children drawn by group; within a group some are drawn far more often than others."""
    group = everyone["group"].to_numpy()
    sizes = {g: max(1, int((group == g).sum())) for g in shares}
    # Under 18 for a month of the period at least: born after May 1996, as all are.
    weight = np.array([shares[g] / sizes[g] for g in group]) * rng.gamma(0.8, 1.0, len(group))
    return np.asarray(rng.choice(len(group), total, p=weight / weight.sum()))


def _spots(rng: Generator, place: Place, total: int) -> NDArray[np.int64]:
    """Return the number of the hotspot each crime lies in, -1 for none."""
    shares = place.hotspots["share"].to_list()
    counts = [round(share * total) for share in shares]
    numbers = np.repeat([*range(len(shares)), -1], [*counts, total - sum(counts)])
    return np.asarray(rng.permutation(numbers))


def _places(
    rng: Generator, people: People, place: Place, child: NDArray[np.int64], spot: NDArray[np.int64]
) -> tuple[list[str], list[str], list[str], NDArray[np.bool_]]:
    """Return easting, northing and kind of place as written, and whether it was online."""
    total = len(child)
    directory = place.postcodes.select("easting", "northing").to_numpy()
    where = dict(zip(place.postcodes["postcode"], range(place.postcodes.height), strict=True))
    points = directory[rng.integers(0, len(directory), total)] + rng.normal(0, 60, (total, 2))
    centres = place.hotspots.select("easting", "northing").to_numpy()
    spread = place.hotspots["spread_m"].to_numpy()
    at_spot = spot >= 0
    near = centres[spot] + np.clip(rng.normal(0, 1, (total, 2)), -2.2, 2.2) * spread[spot][:, None]
    points = np.where(at_spot[:, None], near, points)
    draw = rng.random(total)
    online = ~at_spot & (draw < 0.36)
    default = ~at_spot & (draw >= 0.36) & (draw < 0.45)
    blank = ~at_spot & (draw >= 0.45) & (draw < 0.49)
    homes = people.children["postcode"].gather(child)
    home = np.array([where.get(code, 0) for code in homes])
    points = np.where(online[:, None], directory[home], points)
    points = np.where(default[:, None], np.array(POLICE_STATION), points)
    usual = rng.choice(
        [
            "Dwelling",
            "Street",
            "Park",
            "Hotel",
            "Car park",
            "Takeaway",
            "Outside a school",
            "Shopping centre",
        ],
        total,
        p=[0.4, 0.2, 0.1, 0.07, 0.08, 0.06, 0.04, 0.05],
    )
    of_spot = np.stack(
        [
            rng.choice(["Park", "Street", "Dwelling"], total, p=[0.45, 0.3, 0.25]),
            rng.choice(["Licensed premises", "Street", "Takeaway"], total, p=[0.55, 0.3, 0.15]),
            rng.choice(["Hotel", "Car park", "Street"], total, p=[0.4, 0.4, 0.2]),
        ]
    )
    kind = np.where(at_spot, of_spot[np.maximum(spot, 0), np.arange(total)], usual)
    kind = np.where(online, "Online", np.where(default, "Not known", np.where(blank, "", kind)))
    east = [("" if b else f"{x:.0f}") for b, x in zip(blank, points[:, 0], strict=True)]
    north = [("" if b else f"{y:.0f}") for b, y in zip(blank, points[:, 1], strict=True)]
    return east, north, kind.tolist(), online


def _suspects_of(rng: Generator, people: People, total: int) -> NDArray[np.int64]:
    weight = people.suspects["weight"].to_numpy()
    return np.asarray(rng.choice(people.suspects.height, total, p=weight / weight.sum()))


INFORMATION = Layout(
    dataset="information_reports",
    ending="xlsx",
    roles={
        "child": ("Child surname", "Child forename", "Child DOB"),
        "suspect": ("Person of concern surname", "Person of concern forename", "Known as"),
    },
    dated="Date and time",
    born="Child DOB",
    form="%Y-%m-%d",
    free_text="Information",
    postcode="Child postcode",
    reference="Report no",
    titles=("Information reports (appendix A)", "Collated by the intelligence desk, {quarter}", ""),
    sheet="Reports",
    totals=True,
    dates=("Date and time", "Child DOB"),
)
NAMED = {
    "open": 0.42,
    "closed": 0.2,
    "screened": 0.1,
    "unseen": 0.18,
    "other": 0.08,
    "visitor": 0.02,
}
TEXTS = (
    "Young people seen going in after midnight; staff did not ask their age.",
    "A car waits outside the school most afternoons and collects the same children.",
    "Child has a second telephone and is contacted by adults on it.",
    "Child told a worker that an older man buys food and drinks for a group of children.",
    "Person of concern gives children lifts and asks them to bring friends.",
    "Children from the home are met at the corner by two men.",
    "Parent reports messages from an adult asking to meet.",
    "Flat used for parties at weekends, several children reported there.",
)


def information_reports(
    rng: Generator, people: People, place: Place, children: int
) -> pl.DataFrame:
    """Return information reports; many name one shisha lounge, under six spellings."""
    everyone = people.children
    total = scaled(390, children)
    child = _weighted(rng, everyone, NAMED, total)
    day = days_of(rng, everyone, child, 1.2)
    heron = rng.random(total) < 0.085
    late = np.datetime64("2015-04-01") + rng.integers(0, 365, total).astype("timedelta64[D]")
    day = np.where(heron & (rng.random(total) < 0.8), late, day).astype("datetime64[D]")
    moment = moments(rng, day, 15.0)
    other = ~heron & (rng.random(total) < 0.2)
    register = place.premises.filter(pl.col("Licence no") != BLUE_HERON[0])
    premises = register[rng.integers(0, register.height, total).tolist()]
    name = np.where(other, premises["Trading name"].to_numpy(), "")
    name = np.where(heron, rng.choice(BLUE_HERON_SPELLINGS, total), name)
    address = np.where(other, premises["Address"].to_numpy(), "")
    address = np.where(
        heron, rng.choice([BLUE_HERON[3], "14 Saddlers Row", BLUE_HERON[3]], total), address
    )
    # A child named with the lounge in the last year must be under 18 then; else nobody is named.
    born = everyone["born"].to_numpy()[child].astype("datetime64[D]")
    under_18 = (day - born).astype(np.int64) < 6570
    named = (rng.random(total) < 0.5) & under_18
    who = rng.random(total) < 0.55
    nick_only = rng.random(total) < 0.4
    suspect = people.suspects[_suspects_of(rng, people, total).tolist()]
    nick = suspect["nickname"].to_numpy() != ""
    card = of_rows(
        cards(
            rng,
            everyone,
            Habits(short_form=0.15, spelling=0.25, typing=0.03, no_birth=0.2, no_postcode=0.3),
        ),
        pl.Series(child),
    )

    def given(values: pl.Series, show: NDArray[np.bool_]) -> pl.Series:
        return pl.Series(np.where(show, values.fill_null("").to_numpy(), "").tolist())

    graded = rng.random(total) > 0.15
    licensed = heron | other
    return rows(
        {
            "Report no": pl.Series([f"IR{2000 + n}" for n in rng.permutation(total)]),
            "Date and time": days(stamps(moment), "%Y-%m-%d %H:%M"),
            "Agency": some(
                rng,
                (
                    "Police",
                    "Children's Services",
                    "School",
                    "Compass project",
                    "Children's home",
                    "Member of the public",
                    "Health",
                ),
                total,
                (0.34, 0.24, 0.14, 0.1, 0.1, 0.05, 0.03),
            ),
            "How known": some(rng, ("Witnessed", "Professional", "Public"), total, (0.2, 0.6, 0.2)),
            "Reliability (5 = always reliable)": given(
                some(
                    rng,
                    ("5", "4", "3", "2", "1", "Don't know"),
                    total,
                    (0.15, 0.3, 0.25, 0.1, 0.05, 0.15),
                ),
                graded,
            ),
            "Accuracy (1 = known true)": given(
                some(
                    rng,
                    ("1", "2", "3", "4", "5", "Don't know"),
                    total,
                    (0.15, 0.3, 0.25, 0.1, 0.03, 0.17),
                ),
                graded,
            ),
            "Will talk to police": some(rng, ("Y", "N", ""), total, (0.3, 0.4, 0.3)),
            "Licensed premises": pl.Series(np.where(licensed, "Yes", "No").tolist()),
            "Trading name": pl.Series(name.tolist()),
            "Premises address": pl.Series(address.tolist()),
            "Child surname": given(card["surname"], named),
            "Child forename": given(card["forename"], named),
            "Child DOB": given(days(card["born"], "%Y-%m-%d"), named),
            "Child postcode": given(card["postcode"], named),
            "Person of concern surname": given(suspect["surname"], who & ~(nick_only & nick)),
            "Person of concern forename": given(suspect["forename"], who & ~(nick_only & nick)),
            "Known as": given(suspect["nickname"], who),
            "Vehicle": given(suspect["vehicle"], who),
            "Handling": some(rng, ("P", "C"), total, (0.85, 0.15)),
            "Information": some(rng, TEXTS, total),
            "Sanitised": some(rng, ("Y", "N", ""), total, (0.85, 0.1, 0.05)),
            "Consent": some(
                rng,
                ("Sought", "Limited", "Dispensed with", ""),
                total,
                (0.55, 0.05, 0.35, 0.05),
            ),
            "Reason for consent": pl.Series(["Child at risk of significant harm"] * total),
        },
        quarter=file_of(rng, day),
        at=stamps(moment),
        child=pl.Series(child),
        suspect=suspect["suspect"],
        differences=card["differences"],
    )


PANEL = Layout(
    dataset="panel_outcomes",
    ending="xlsx",
    roles={"suspect": ("Surname", "Forename", "Alias", "DOB"), "child": ("Child council no",)},
    dated="Date",
    reference="Panel ref",
    titles=("Outcomes of the exploitation panel", "Quarter: {quarter}"),
    sheet="Outcomes",
    dates=("Date", "DOB", "Notice ends"),
)
ACTIONS = (
    ("Abduction warning notice", "Notice served"), ("Arrest", "Arrested on suspicion"),
    ("Charge", "Charged"),
    ("Conviction", "Sentenced"), ("Other disruption", "Premises visited with licensing"),
    ("Other disruption", "Vehicle stopped and checked"), ("Other disruption", "Tenancy action"),
)  # fmt: skip


def panel_outcomes(rng: Generator, people: People, made: Crimes, children: int) -> pl.DataFrame:
    """Return the panel's actions against persons posing risk and places."""
    total = scaled(84, children)
    suspect = people.suspects[_suspects_of(rng, people, total).tolist()]
    day = np.datetime64(START) + np.floor(rng.random(total) ** 0.8 * 730).astype("timedelta64[D]")
    kind = rng.choice(len(ACTIONS), total, p=[0.24, 0.26, 0.1, 0.05, 0.15, 0.12, 0.08])
    against_place = kind == 4
    linked = (rng.random(total) < 0.45) & np.isin(kind, [1, 2, 3])
    child = _weighted(rng, people.children, HARMED, total)
    shown = (rng.random(total) < 0.4) & ~against_place
    ends = day + np.timedelta64(182, "D")

    def of_person(values: pl.Series) -> pl.Series:
        return pl.Series(np.where(against_place, "", values.fill_null("").to_numpy()).tolist())

    return rows(
        {
            "Panel ref": pl.Series([f"EP{300 + n}" for n in range(total)]),
            "Date": days(stamps(day), "%Y-%m-%d"),
            "Surname": of_person(suspect["surname"]),
            "Forename": of_person(suspect["forename"]),
            "Alias": of_person(suspect["nickname"]),
            "DOB": of_person(days(suspect["born"], "%Y-%m-%d")),
            "Action": pl.Series([ACTIONS[k][0] for k in kind]),
            "Detail": pl.Series([ACTIONS[k][1] for k in kind]),
            "Crime no": pl.Series(np.where(linked, rng.choice(made.numbers, total), "").tolist()),
            "Child council no": pl.Series(
                np.where(shown, people.children["council_id"].gather(child).to_numpy(), "").tolist()
            ),
            "Place": pl.Series(np.where(against_place, BLUE_HERON[1], "").tolist()),
            "Notice ends": pl.Series(
                np.where(kind == 0, days(stamps(ends), "%Y-%m-%d").to_numpy(), "").tolist()
            ),
        },
        quarter=file_of(rng, day, 0.0),
        at=stamps(day),
        child=pl.Series(child),
        suspect=suspect["suspect"],
    )
