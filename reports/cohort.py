"""The priority cohort, for the analyst alone: who has several indicators, and every row behind it.

Counted, never scored: children stand by number of indicators and then by id, ties as ties. The
workbook holds person-level data and belongs in the restricted folder only.
"""

from collections.abc import Mapping

import polars as pl

from profile_pipeline.file_rows import FILE_ROW, with_file_row
from profile_pipeline.tables import (
    COHORT_LINK,
    FILE_ROWS,
    INDICATOR_EVENT,
    PERSON,
    PERSON_INDICATORS,
    PERSON_OVERLAP,
    RECORD_PERSON,
    SUBJECT_KEY,
    conform,
    empty,
)
from profile_pipeline.workbooks import Sheet, workbook_bytes

NOTICE = (
    "What this is: children of the area with {least} or more indicators that count in overlap, "
    + "in the last four quarters, from the records of several agencies.",
    "What it is for: to bring to professional judgement children whom no single agency sees "
    + "whole. It decides nothing.",
    "What it is not: a score, a ranking of need, or a list of children harmed. Children with the "
    + "same number of indicators are ties; within a tie they stand in the order of their ids.",
    "An indicator is something an agency recorded. It has little evidence as a predictor, may be "
    + "wrong, and may be a sign of other harm or of none.",
    "Absence of data is not low risk: a child whom an agency doesn't record, or whose agency "
    + "sent nothing, has fewer indicators here for that reason alone.",
    "Records are joined by computer. 'Weakest link' is the match weight of the loosest join that a "
    + "child's records can't do without; the columns behind it say whether they stay together "
    + "under the strict threshold, and how many indicators then remain. "
    + "`profile-pipeline explain` with the child's id tells each join in words.",
    "Before anything is done for a child, check on the sheet "
    + "'sources' that the rows are the child's own, in the agencies' files: 'row of the file' "
    + "is the row a spreadsheet shows, headings and blank rows included.",
    "Handling: person-level data, for the analyst alone. Share the minimum necessary, record "
    + "the decision and the reason, and correct what turns out wrong.",
)


def priority_cohort(
    person_overlap: pl.DataFrame,
    person_indicators: pl.DataFrame,
    person: pl.DataFrame,
    indicator_event: pl.DataFrame,
    record_person: pl.DataFrame,
    at_least: int,
    labels: Mapping[str, str] | None = None,
    counted: frozenset[str] | None = None,
    cohort_link: pl.DataFrame | None = None,
    file_row: pl.DataFrame | None = None,
) -> bytes:
    """Return `priority_cohort.xlsx`: notice, children, their indicators, and the source rows.

    Person-level: for the restricted folder.

    Args:
        person_overlap: people.person_overlap.
        person_indicators: people.person_indicators.
        person: people.person.
        indicator_event: records.indicator_event.
        record_person: people.record_person.
        at_least: indicators from which a child is in the cohort (`overlap_at_least`).
        labels: indicators' labels by id; ids stand where there is none.
        counted: ids of indicators that count in overlap; the others are shown and marked.
        cohort_link: people.cohort_link, what each child's records rest on; left out when not given.
        file_row: quality.file_row, where rows stand in the agencies' files.
    """
    overlap = conform(person_overlap, PERSON_OVERLAP)
    cohort = overlap.filter(pl.col("indicators") >= at_least).sort(
        ["indicators", "person_id"], descending=[True, False]
    )
    ids = cohort.select("person_id", "indicators")
    held = conform(person_indicators, PERSON_INDICATORS).join(ids, on="person_id", how="inner")
    held = _label(held, labels, counted).sort(
        ["indicators", "person_id", "indicator"], descending=[True, False, False]
    )
    places = empty(FILE_ROWS) if file_row is None else file_row
    sheets = [
        Sheet("notice", pl.DataFrame({"please read": [n.format(least=at_least) for n in NOTICE]})),
        Sheet("children", _children(cohort, held, person, cohort_link)),
        Sheet("indicators", _indicators(held)),
        Sheet("sources", _sources(ids, indicator_event, record_person, labels, counted, places)),
    ]
    return workbook_bytes(sheets, "Priority cohort (restricted)", whole_numbers=False)


def _label(
    frame: pl.DataFrame, labels: Mapping[str, str] | None, counted: frozenset[str] | None
) -> pl.DataFrame:
    counts = pl.lit(True) if counted is None else pl.col("indicator").is_in(sorted(counted))
    return frame.with_columns(
        pl.col("indicator").replace(dict(labels or {})).alias("label"), counts.alias("counts")
    )


def _yes_no(column: str) -> pl.Expr:
    flag = pl.col(column)
    return (
        pl.when(flag)
        .then(pl.lit("yes"))
        .when(~flag)
        .then(pl.lit("no"))
        .otherwise(pl.lit("not held"))
    )


def _children(
    cohort: pl.DataFrame,
    held: pl.DataFrame,
    person: pl.DataFrame,
    cohort_link: pl.DataFrame | None,
) -> pl.DataFrame:
    """One row a child; a last column says in words what put the child here."""
    dated = pl.format(
        "{} ({}{} to {}; {} events; {})",
        "label",
        pl.when("counts").then(pl.lit("")).otherwise(pl.lit("not counted; ")),
        pl.col("first_date").dt.to_string("%Y-%m-%d"),
        pl.col("last_date").dt.to_string("%Y-%m-%d"),
        "events",
        pl.col("sources").list.sort().list.join(", "),
    )
    reasons = held.group_by("person_id", maintain_order=True).agg(
        dated.str.join("\n").alias("why the child is here")
    )
    ties = pl.len().over("indicators")
    firmness = _firmness(cohort_link)
    return (
        cohort.join(
            conform(person, PERSON).select("person_id", "sex", "ethnic_group", "ward"),
            on="person_id",
            how="left",
            maintain_order="left",
        )
        .join(reasons, on="person_id", how="left", maintain_order="left")
        .join(firmness, on="person_id", how="left", maintain_order="left")
        .select(
            "person_id",
            pl.col("indicators").alias("number of indicators"),
            ties.alias("children with this number"),
            "agencies",
            _yes_no("known_to_cse").alias("known to CSE team"),
            _yes_no("at_risk_now").alias("at risk now"),
            pl.col("status").str.replace_all("_", " ").fill_null("not held"),
            *(pl.col(c).fill_null("not recorded") for c in ("sex", "ethnic_group", "ward")),
            *(name for name in firmness.columns if name != "person_id"),
            "why the child is here",
        )
    )


def _firmness(cohort_link: pl.DataFrame | None) -> pl.DataFrame:
    """Return `person_id` and, where told, what the child's records rest on, for people."""
    if cohort_link is None:
        return pl.DataFrame(schema={"person_id": pl.String})
    return conform(cohort_link, COHORT_LINK).select(
        "person_id",
        pl.col("weakest_link").round(1).alias("weakest link"),
        _yes_no("stays_at_strict").alias("stays together when strict"),
        pl.col("indicators_at_strict").alias("indicators then"),
    )


def _indicators(held: pl.DataFrame) -> pl.DataFrame:
    return held.select(
        "person_id",
        pl.col("label").alias("indicator"),
        _yes_no("counts").alias("counts in overlap"),
        "first_date",
        "last_date",
        "events",
        pl.col("events_last_year").alias("events in last four quarters"),
        pl.col("sources").list.sort().list.join(", "),
    )


def _sources(
    ids: pl.DataFrame,
    indicator_event: pl.DataFrame,
    record_person: pl.DataFrame,
    labels: Mapping[str, str] | None,
    counted: frozenset[str] | None,
    places: pl.DataFrame,
) -> pl.DataFrame:
    """One row an indicator's event: the file and row, as delivered, that it rests on."""
    rows = (
        conform(indicator_event, INDICATOR_EVENT)
        .join(
            conform(record_person, RECORD_PERSON).select(*SUBJECT_KEY, "person_id"),
            on=list(SUBJECT_KEY),
            how="inner",
        )
        .join(ids, on="person_id", how="inner")
    )
    return (
        _label(with_file_row(rows, places), labels, counted)
        .sort(
            ["indicators", "person_id", "indicator", "date", "dataset", "file", "row"],
            descending=[True, *[False] * 6],
        )
        .select(
            "person_id",
            pl.col("label").alias("indicator"),
            _yes_no("counts").alias("counts in overlap"),
            "date",
            "quarter",
            "dataset",
            "file",
            pl.col(FILE_ROW).alias("row of the file"),
            pl.col("row").alias("row (data rows from 0)"),
        )
    )
