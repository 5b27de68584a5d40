"""What is true of the borough, reckoned from the rows that were written: for tests and accuracy.

`record_map.csv` dataset, file, row, role, person: whom each row speaks of (no line: nobody),
`persons.csv`, `person_indicators.csv` (events by child and indicator), `trap_pairs.csv` (twins,
siblings, namesakes), `at_risk_by_quarter.csv`, `dirty_rows.csv` and `facts.json`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from profile_pipeline.sample.dirt import EXPECTED
from profile_pipeline.sample.people import People
from profile_pipeline.sample.place import BLUE_HERON, WARDS, Place
from profile_pipeline.sample.setting import (
    BOROUGH,
    END,
    LAST,
    LAST_DAYS,
    QUARTERS,
)
from profile_pipeline.sample.writing import Layout, csv_text

QUARTERS_FROM = int(QUARTERS[0][:4])
LEVELS = {"At risk": "at_risk", "Significant risk": "significant", "Serious risk": "serious"}


def open_at_end(tracker: pl.DataFrame, people: People) -> pl.DataFrame:
    """Return `quarter, person, level, sex, ethnicity, looked_after, ward` of the children at risk.

    Distinct child, open at the end of the quarter, the latest screening counts, the borough's own,
    under 18 on the last day. `tracker` has the rows as written and the hidden columns.
    """
    listed = tracker.filter(
        pl.col("_child").is_not_null(), pl.col("Responsible authority") == BOROUGH
    )
    standing = listed.sort("_quarter", "_child", "Screened on").unique(
        ["_quarter", "_child"], keep="last", maintain_order=True
    )
    children = people.children.select(
        "child",
        "person",
        "group",
        "sex",
        "ethnicity",
        "ward",
        adult=pl.col("born").dt.offset_by("18y"),
    )
    last_days = pl.DataFrame(
        {
            "_quarter": range(len(QUARTERS)),
            "quarter": QUARTERS,
            "last_day": pl.Series(LAST_DAYS).cast(pl.Date),
        }
    )
    return (
        standing.join(children, left_on="_child", right_on="child")
        .join(last_days, on="_quarter")
        .filter(
            pl.col("Status") == "Open",
            pl.col("Level").is_in(list(LEVELS)),
            pl.col("adult") > pl.col("last_day"),
        )
        .select(
            "quarter",
            "person",
            level=pl.col("Level").replace_strict(LEVELS),
            sex="sex",
            ethnicity="ethnicity",
            looked_after=pl.col("Legal status").str.starts_with("LAC"),
            ward="ward",
        )
        .sort("quarter", "person")
    )


def cohort_counts(at_risk: pl.DataFrame) -> pl.DataFrame:
    """Return `quarter, all, at_risk, significant, serious` (counts) for every quarter."""
    counted = at_risk.group_by("quarter").agg(
        pl.len().alias("all"), *((pl.col("level") == v).sum().alias(v) for v in LEVELS.values())
    )
    quarters = pl.DataFrame({"quarter": QUARTERS})
    return quarters.join(counted, on="quarter", how="left", maintain_order="left").fill_null(0)


def write_truth(
    folder: Path,
    *,
    seed: int,
    size: int,
    people: People,
    place: Place,
    told: pl.DataFrame,
    frames: Mapping[str, pl.DataFrame],
    layouts: Sequence[Layout],
    hotspot_of: Sequence[str],
) -> None:
    """Write the truth's files; `told` is what `writing.write_dataset` returned."""
    ids = people.children["person"].to_list()
    suspects = people.suspects["person"].to_list()
    lines = told.with_columns(
        person=pl.coalesce(
            pl.col("child").replace_strict(
                range(len(ids)), ids, return_dtype=pl.String, default=None
            ),
            pl.col("suspect").replace_strict(
                range(len(suspects)), suspects, return_dtype=pl.String, default=None
            ),
        )
    )
    csv_text(
        folder / "record_map.csv",
        lines.filter(pl.col("role") != "").select(
            "dataset", "file", "row", "role", "person", "differences"
        ),
    )
    csv_text(folder / "persons.csv", _persons(people))
    csv_text(folder / "trap_pairs.csv", people.pairs)
    csv_text(folder / "person_indicators.csv", person_indicators(frames, layouts, people))
    dirty = (
        lines.filter(pl.col("planted").is_in(list(EXPECTED)))
        .unique(["dataset", "file", "row"], keep="first", maintain_order=True)
        .select(
            "dataset",
            "file",
            "row",
            "planted",
            fate=pl.col("planted").replace_strict(
                {k: v[0] for k, v in EXPECTED.items()}, default=None
            ),
            rule=pl.col("planted").replace_strict(
                {k: v[1] for k, v in EXPECTED.items()}, default=None
            ),
        )
    )
    csv_text(folder / "dirty_rows.csv", dirty)
    at_risk = open_at_end(frames["cse_tracker"], people)
    csv_text(
        folder / "at_risk_by_quarter.csv",
        at_risk.with_columns(ward=_ward_names(at_risk["ward"])),
    )
    facts = {
        "borough": BOROUGH,
        "seed": seed,
        "children": size,
        "as_at": END.isoformat(),
        "cohort_by_quarter": cohort_counts(at_risk).to_dicts(),
        "last_quarter": _last_quarter(at_risk),
        "return_interviews": _interviews(frames["missing_reports"], people),
        "hotspots": _hotspots(place, hotspot_of),
        "premises": _premises(frames["information_reports"]),
        "delivery_gaps": {
            "never_delivered": ["camhs"],
            "missed_quarters": {x.dataset: list(x.missed) for x in layouts if x.missed},
            "missing_columns": {x.dataset: dict(x.lacks) for x in layouts if x.lacks},
            "renamed_columns": {
                x.dataset: {k: list(v) for k, v in x.renamed.items()} for x in layouts if x.renamed
            },
        },
        "notes_of_check": notes(layouts),
        "planted": {
            "under_identified": ["ethnic group Asian", "boys", "ward Eastmarsh"],
            "never_screened": "Homeless support",
            "ward_with_one_known_child": "Dovecote",
            "few_referrals_from": ["health", "parent or community"],
        },
        "rows": {
            key: int(value)
            for key, value in lines.unique(["dataset", "file", "row"])
            .group_by("dataset")
            .len()
            .sort("dataset")
            .iter_rows()
        },
        "dirty": {
            f"{d}: {p}": int(n)
            for d, p, n in dirty.group_by("dataset", "planted")
            .len()
            .sort("dataset", "planted")
            .iter_rows()
        },
    }
    (folder / "facts.json").write_bytes((json.dumps(facts, indent=1) + "\n").encode())


# Indicator -> dataset and the rows of it that are evidence.
_OVER_A_TENTH = pl.col("sessions_unauthorised") >= 0.1 * pl.col("sessions_possible")
_EVERY_ROW = pl.lit(value=True)
EVIDENCE: tuple[tuple[str, str, pl.Expr], ...] = (
    ("missing_from_home_or_care", "missing_reports", _EVERY_ROW),
    ("unauthorised_absence", "attendance", _OVER_A_TENTH),
    ("excluded_from_school", "exclusions", _EVERY_ROW),
    ("offending", "youth_offending", _EVERY_ROW),
    ("sexually_transmitted_infection", "sexual_health", pl.col("sti_diagnosed") == "Y"),
    ("substance_misuse", "assessments", pl.col("Factors").str.contains(r"\b2A\b")),
    ("domestic_abuse", "assessments", pl.col("Factors").str.contains(r"\b3A\b")),
    ("mental_health", "assessments", pl.col("Factors").str.contains(r"\b4A\b")),
    ("gang_involvement", "assessments", pl.col("Factors").str.contains(r"\b13A\b")),
    ("gang_involvement", "youth_offending", pl.col("Gang concern") == "Y"),
    ("homelessness", "youth_housing", _EVERY_ROW),
    ("looked_after", "looked_after", _EVERY_ROW),
)


def person_indicators(
    frames: Mapping[str, pl.DataFrame], layouts: Sequence[Layout], people: People
) -> pl.DataFrame:
    """Return `person, indicator, events, events_last_year` from the rows that can be used.

    Rows of quarters that never came, of the file that lacks the column, planted duplicates and
    rows that can't be used are left out: this is what perfect linkage would find.
    """
    lost = [kind for kind, (fate, _) in EXPECTED.items() if fate != "harmonised"]
    layout_of = {layout.dataset: layout for layout in layouts}
    first_of_last_year = len(QUARTERS) - 4
    parts = []
    for indicator, dataset, holds in EVIDENCE:
        layout = layout_of[dataset]
        lacking = list(layout.lacks) if indicator == "gang_involvement" else []
        unseen = [QUARTERS.index(quarter) for quarter in (*layout.missed, *lacking)]
        snapshot = layout.dated is None
        own_quarter = pl.col("_quarter") if snapshot else _quarter_of(pl.col("_at"))
        parts.append(
            frames[dataset]
            .filter(
                holds,
                pl.col("_child").is_not_null(),
                ~pl.col("_planted").is_in(lost),
                ~pl.col("_quarter").is_in(unseen),
            )
            .select(
                child="_child",
                indicator=pl.lit(indicator),
                last_year=own_quarter >= first_of_last_year,
            )
        )
    ids = people.children.select("child", "person")
    return (
        pl.concat(parts)
        .join(ids, on="child")
        .group_by("person", "indicator")
        .agg(
            events=pl.len(),
            events_last_year=pl.col("last_year").sum(),
        )
        .sort("person", "indicator")
    )


def _quarter_of(day: pl.Expr) -> pl.Expr:
    """Return the number of the quarter, 0 to 7."""
    months = (day.dt.year() - QUARTERS_FROM) * 12 + day.dt.month().cast(pl.Int32) - 4
    return (months // 3).cast(pl.Int64)


def notes(layouts: Sequence[Layout]) -> list[str]:
    """Return the gaps that `check` should tell of, in its own words."""
    told = [
        f"{layout.dataset}: nothing arrived for {', '.join(layout.missed)}."
        for layout in layouts
        if layout.missed
    ]
    lacking = (
        "youth_offending: column 'Gang concern' (indicator gang_involvement)"
        " is missing in 2015-16 Q1."
    )
    return [*told, lacking, "camhs: never delivered."]


def _ward_names(ward: pl.Series) -> pl.Series:
    return pl.Series([WARDS[number] if number >= 0 else "" for number in ward], dtype=pl.String)


def _persons(people: People) -> pl.DataFrame:
    children = people.children.select(
        "person",
        role=pl.lit("child"),
        group="group",
        forename="forename",
        surname="surname",
        born="born",
        sex="sex",
        ethnicity="ethnicity",
        ward="ward",
        postcode="postcode",
        nhs="nhs",
        upn="upn",
        looked_after="looked_after",
        responsible=pl.col("group") != "visitor",
    )
    children = children.with_columns(ward=_ward_names(children["ward"]))
    suspects = people.suspects.select(
        "person", "forename", "surname", "born", "sex", role=pl.lit("suspect")
    )
    return pl.concat([children, suspects], how="diagonal")


def _last_quarter(at_risk: pl.DataFrame) -> dict[str, int]:
    last = at_risk.filter(pl.col("quarter") == LAST)
    return {
        "children": last.height,
        "female": int((last["sex"] == "F").sum()),
        "male": int((last["sex"] == "M").sum()),
        "white_british": int((last["ethnicity"] == "WBRI").sum()),
        "looked_after": int(last["looked_after"].sum()),
    }


def _interviews(missing: pl.DataFrame, people: People) -> dict[str, int]:
    """Return counts over the borough's own episodes, each report once."""
    own = people.children.filter(pl.col("group") != "visitor").select(_child="child")
    read = (
        missing.filter(
            ~pl.col("_planted").is_in(["no_date", "impossible_date", "adult", "no_identifier"])
        )
        .unique("Report no", keep="first", maintain_order=True)
        .join(own, on="_child", how="semi")
        .select(
            found=pl.col("Found").str.to_datetime("%d/%m/%Y %H:%M", strict=False),
            held=pl.col("Interview held").str.to_datetime("%d/%m/%Y %H:%M", strict=False),
        )
    )
    due = read.filter(pl.col("found").is_not_null())
    hours = (due["held"] - due["found"]).dt.total_seconds() / 3600
    in_time = int((hours <= 72).sum())
    none = int(due["held"].null_count())
    return {
        "episodes": read.height,
        "due": due.height,
        "within_72_hours": in_time,
        "late": due.height - in_time - none,
        "none": none,
    }


def _hotspots(place: Place, hotspot_of: Sequence[str]) -> list[dict[str, Any]]:
    counts = dict(zip(*np.unique(np.array(hotspot_of), return_counts=True), strict=True))
    return [
        {
            "hotspot": row["hotspot"],
            "easting_m": row["easting"],
            "northing_m": row["northing"],
            "spread_m": row["spread_m"],
            "crimes": int(counts.get(row["hotspot"], 0)),
            "note": row["note"],
        }
        for row in place.hotspots.iter_rows(named=True)
    ]


def _premises(reports: pl.DataFrame) -> dict[str, Any]:
    lounge = reports.filter(
        pl.col("Premises address").str.contains("14 Saddler"),
        pl.col("_planted") != "exact_duplicate",
    )
    return {
        "licence": BLUE_HERON[0],
        "reports": lounge.height,
        "reports_last_four_quarters": lounge.filter(
            pl.col("_at").dt.date() >= pl.date(2015, 4, 1)
        ).height,
        "spellings": lounge["Trading name"].n_unique(),
    }
