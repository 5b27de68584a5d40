"""The priority cohort, for the analyst alone: who has several indicators, and every row behind it.

Counted, never scored: children stand by number of indicators and then by id, ties as ties. The
workbook holds person-level data and belongs in the restricted folder only.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from profile_pipeline.file_rows import in_words, with_file_row
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
    "Column 'why the child is here' holds what counts in the last four quarters and nothing "
    + "else; 'earlier, or not counted' is what else is on record.",
    "Sheet 'harmed, not known' comes first: children recorded as harmed by an offence who have "
    + "never been in the CSE team's tracker, whatever their number of indicators. Fill in who "
    + "looks at each child and by when.",
    "Before anything is done for a child, check on the sheet "
    + "'sources' that the rows are the child's own, in the agencies' files: 'where in the file' "
    + "tells the row that a spreadsheet shows, headings and blank rows included.",
    "Handling: person-level data, for the analyst alone. Share the minimum necessary, record "
    + "the decision and the reason, and correct what turns out wrong.",
)


NO_TRACKER = (
    "The CSE team's tracker is not held, so who of the children recorded as harmed is known to the "
    "team can't be told: that nobody stands here doesn't mean that there is nobody."
)
# Null, so neither yes nor no, where no tracker is held.
HARMED_UNLISTED = (pl.col("status") == "harmed") & ~pl.col("known_to_cse")
THRESHOLDS = (
    "How the counts move with the linkage: children by number of indicators in the last four "
    "quarters, if records were joined from another match weight on. A lower weight joins more "
    "records, and more of them wrongly.",
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
    *,
    window: Sequence[str] | None = None,
    harm: frozenset[str] = frozenset(),
    file_row: pl.DataFrame | None = None,
    by_threshold: pl.DataFrame | None = None,
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
        window: the last four quarters, as in records.indicator_event; None: as
            people.person_indicators counts them.
        harm: ids of indicators that record a child as harmed.
        file_row: quality.file_row, where rows stand in the agencies' files.
        by_threshold: analysis.overlap_by_threshold; its sheet is left out when not given.
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
    events = _placed(indicator_event, record_person, places)
    recent = _recent(events, window)
    sheets = [
        Sheet("notice", pl.DataFrame({"please read": [n.format(least=at_least) for n in NOTICE]})),
        Sheet("harmed, not known", _harmed(overlap, events, person, labels, harm), _told(overlap)),
        Sheet("children", _children(cohort, held, person, cohort_link, recent)),
        Sheet("indicators", _indicators(held)),
        Sheet("sources", _sources(ids, events, labels, counted, window)),
    ]
    if by_threshold is not None:
        sheets.append(Sheet("other thresholds", _thresholds(by_threshold, at_least), THRESHOLDS))
    return workbook_bytes(sheets, "Priority cohort (restricted)", whole_numbers=False)


def _label(
    frame: pl.DataFrame, labels: Mapping[str, str] | None, counted: frozenset[str] | None
) -> pl.DataFrame:
    counts = pl.lit(True) if counted is None else pl.col("indicator").is_in(sorted(counted))
    return frame.with_columns(
        pl.col("indicator").replace(dict(labels or {})).alias("label"), counts.alias("counts")
    )


def _yes_no(said: str | pl.Expr) -> pl.Expr:
    """Yes, no, or not held where it is null."""
    flag = pl.col(said) if isinstance(said, str) else said
    return (
        pl.when(flag)
        .then(pl.lit("yes"))
        .when(~flag)
        .then(pl.lit("no"))
        .otherwise(pl.lit("not held"))
    )


def _placed(
    indicator_event: pl.DataFrame, record_person: pl.DataFrame, places: pl.DataFrame
) -> pl.DataFrame:
    """Return the indicators' events with the person each speaks of, and their `place` in words."""
    events = conform(indicator_event, INDICATOR_EVENT).join(
        conform(record_person, RECORD_PERSON).select(*SUBJECT_KEY, "person_id"),
        on=list(SUBJECT_KEY),
        how="inner",
    )
    return with_file_row(events, places).with_columns(in_words().alias("place"))


def _told(overlap: pl.DataFrame) -> tuple[str, ...]:
    """Say that the list is empty for want of a tracker, where it is: not that nobody is on it."""
    unknown = overlap.filter(pl.col("status") == "harmed", pl.col("known_to_cse").is_null())
    return (NO_TRACKER,) if unknown.height else ()


def _recent(events: pl.DataFrame, window: Sequence[str] | None) -> pl.DataFrame | None:
    """Return `person_id, indicator, first, last, datasets` of events in the window."""
    if window is None:
        return None
    return (
        events.filter(pl.col("quarter").is_in(list(window)))
        .group_by("person_id", "indicator")
        .agg(
            pl.col("date").min().alias("first"),
            pl.col("date").max().alias("last"),
            pl.col("dataset").unique().sort().alias("datasets"),
        )
    )


def _harmed(
    overlap: pl.DataFrame,
    events: pl.DataFrame,
    person: pl.DataFrame,
    labels: Mapping[str, str] | None,
    harm: frozenset[str],
) -> pl.DataFrame:
    """Children recorded as harmed whom the CSE team has never listed, latest harm first."""
    unlisted = overlap.filter(HARMED_UNLISTED)
    said = pl.format("{}, {}: {}, {}", "date", "label", "file", "place")
    rows = (
        events.filter(pl.col("indicator").is_in(sorted(harm)))
        .join(unlisted.select("person_id"), on="person_id", how="semi")
        .sort("person_id", "date", "dataset", "file", "row")
        .with_columns(pl.col("indicator").replace(dict(labels or {})).alias("label"))
        .group_by("person_id", maintain_order=True)
        .agg(said.str.join("\n").alias("recorded as harmed by"), pl.col("date").max())
    )
    blank = pl.lit(None, dtype=pl.String)
    return (
        unlisted.join(rows, on="person_id", how="left")
        .join(
            conform(person, PERSON).select("person_id", "sex", "ethnic_group", "ward"),
            on="person_id",
            how="left",
        )
        .sort("date", "person_id", descending=[True, False], nulls_last=True)
        .select(
            "person_id",
            blank.alias("who looks at the child"),
            blank.alias("by when"),
            pl.col("date").alias("latest harm recorded"),
            "recorded as harmed by",
            pl.col("indicators").alias("number of indicators"),
            *(pl.col(c).fill_null("not recorded") for c in ("sex", "ethnic_group", "ward")),
        )
    )


def _children(
    cohort: pl.DataFrame,
    held: pl.DataFrame,
    person: pl.DataFrame,
    cohort_link: pl.DataFrame | None,
    recent: pl.DataFrame | None,
) -> pl.DataFrame:
    """One row a child; the last columns say what put the child here, and what else there is."""
    now = pl.col("counts") & (pl.col("events_last_year") > 0)
    if recent is None:
        recent = held.select(
            "person_id", "indicator", pl.col("first_date").alias("first"),
            pl.col("last_date").alias("last"), pl.col("sources").list.sort().alias("datasets"),
        )  # fmt: skip
    dated = held.join(recent, on=["person_id", "indicator"], how="left", maintain_order="left")
    said = {
        "why the child is here": pl.format(
            "{} ({} to {}; {}; {})",
            "label",
            pl.col("first").dt.to_string("%Y-%m-%d"),
            pl.col("last").dt.to_string("%Y-%m-%d"),
            _events("events_last_year"),
            pl.col("datasets").list.join(", "),
        ),
        "earlier, or not counted": pl.format(
            "{} ({}{} to {}; {}; {})",
            "label",
            pl.when("counts").then(pl.lit("")).otherwise(pl.lit("not counted; ")),
            pl.col("first_date").dt.to_string("%Y-%m-%d"),
            pl.col("last_date").dt.to_string("%Y-%m-%d"),
            _events("events"),
            pl.col("sources").list.sort().list.join(", "),
        ),
    }
    ties = pl.len().over("indicators")
    firmness = _firmness(cohort_link)
    frame = cohort.join(
        conform(person, PERSON).select("person_id", "sex", "ethnic_group", "ward"),
        on="person_id",
        how="left",
        maintain_order="left",
    ).join(firmness, on="person_id", how="left", maintain_order="left")
    for (name, text), which in zip(said.items(), (now, ~now), strict=True):
        reasons = (
            dated.filter(which)
            .group_by("person_id", maintain_order=True)
            .agg(text.str.join("\n").alias(name))
        )
        frame = frame.join(reasons, on="person_id", how="left", maintain_order="left")
    return frame.select(
        "person_id",
        pl.col("indicators").alias("number of indicators"),
        ties.alias("children with this number"),
        "agencies",
        _yes_no("known_to_cse").alias("known to CSE team"),
        _yes_no("at_risk_now").alias("at risk now"),
        _yes_no(HARMED_UNLISTED).alias("harmed, not known to CSE team"),
        pl.col("status").str.replace_all("_", " ").fill_null("not held"),
        *(pl.col(c).fill_null("not recorded") for c in ("sex", "ethnic_group", "ward")),
        *(name for name in firmness.columns if name != "person_id"),
        *said,
    )


def _events(column: str) -> pl.Expr:
    return pl.format(
        "{} {}",
        column,
        pl.when(pl.col(column) == 1).then(pl.lit("event")).otherwise(pl.lit("events")),
    )


def _thresholds(by_threshold: pl.DataFrame, at_least: int) -> pl.DataFrame:
    """One row a threshold: children by number of indicators, and those in the cohort."""
    counts = by_threshold.sort("threshold", "indicators")
    within = counts.group_by("threshold", maintain_order=True).agg(
        pl.col("children")
        .filter(pl.col("indicators") >= at_least)
        .sum()
        .alias(f"{at_least} or more (the cohort)")
    )
    wide = counts.pivot(on="indicators", index="threshold", values="children", sort_columns=False)
    named = {
        name: f"{name} indicator{'' if name == '1' else 's'}"
        for name in wide.columns
        if name != "threshold"
    }
    return (
        within.join(wide.rename(named), on="threshold", how="left", maintain_order="left")
        .with_columns(pl.all().fill_null(0))
        .rename({"threshold": "match weight from which records join"})
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
    events: pl.DataFrame,
    labels: Mapping[str, str] | None,
    counted: frozenset[str] | None,
    window: Sequence[str] | None,
) -> pl.DataFrame:
    """One row an indicator's event: where it stands in the file, as delivered, that it rests on."""
    inside = pl.col("quarter").is_in(list(window or ()))
    word = pl.when(inside).then(pl.lit("yes")).otherwise(pl.lit("no"))
    recent = () if window is None else (word.alias("in the last four quarters"),)
    return (
        _label(events.join(ids, on="person_id", how="inner"), labels, counted)
        .sort(
            ["indicators", "person_id", "indicator", "date", "dataset", "file", "row"],
            descending=[True, *[False] * 6],
        )
        .select(
            "person_id",
            pl.col("label").alias("indicator"),
            _yes_no("counts").alias("counts in overlap"),
            *recent,
            "date",
            "quarter",
            "dataset",
            "file",
            pl.col("place").alias("where in the file"),
        )
    )
