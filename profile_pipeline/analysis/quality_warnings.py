"""Faults that inspectors found in other problem profiles, looked for in this one.

IICSA (Child sexual exploitation by organised networks, 2022, part H) found profiles that rest on
three months of data, were never refreshed, give no type of exploitation in a third of reports and
no level of risk in 39%. Texts hold no count of people, so that every edition may print them.
"""

import polars as pl

from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.gaps import never_refreshed, open_rows, short_period
from profile_pipeline.analysis.quality_rag import COMPLETE
from profile_pipeline.tables import DELIVERY, QUALITY_RAG, QUALITY_WARNING, conform

IICSA = "IICSA 2022, part H"
ALL = "all"
YES, NO, NOT_TOLD = "yes", "no", "not told"


def quality_warnings(evidence: Evidence) -> pl.DataFrame:
    """Return analysis.quality_warning: one row a fault that is not there, else a row a dataset."""
    rows = [
        *_period(evidence),
        *_refresh(evidence),
        *_fields(evidence),
        *_tracker(evidence, "no type of exploitation", "model", "type (model) of exploitation"),
        *_tracker(evidence, "no level of risk", "risk_level", "level of risk"),
    ]
    frame = pl.DataFrame(rows, schema=QUALITY_WARNING.polars_schema, orient="row")
    return conform(frame, QUALITY_WARNING)


Row = tuple[str, str, str, str, str]


def _period(evidence: Evidence) -> list[Row]:
    least = evidence.settings.gaps.minimum_months
    short = not short_period(evidence).is_empty()
    said = f"The period is {'shorter than' if short else 'at least'} {least} months."
    return [("period too short", ALL, YES if short else NO, said, IICSA)]


def _refresh(evidence: Evidence) -> list[Row]:
    fault, most = "never refreshed", evidence.settings.gaps.refresh_months
    loaded = evidence.table(DELIVERY).filter(pl.col("status") == "loaded")
    if loaded.is_empty():
        return [(fault, ALL, NOT_TOLD, "No file of any dataset was used.", IICSA)]
    old = never_refreshed(evidence)
    if old.is_empty():
        said = f"Every dataset that came has a delivery of the last {most} months."
        return [(fault, ALL, NO, said, IICSA)]
    # Findings name title and quarter; they hold no counts.
    return [
        (fault, dataset, YES, finding, IICSA)
        for dataset, finding in old.select("dataset", "finding").sort("dataset").iter_rows()
    ]


def _fields(evidence: Evidence) -> list[Row]:
    """Core fields red in a dataset's newest delivery."""
    fault = "core field missing"
    judged = evidence.table(QUALITY_RAG).filter(pl.col("measure").str.starts_with(COMPLETE))
    if judged.is_empty():
        return [(fault, ALL, NOT_TOLD, "No field of any dataset could be judged.", IICSA)]
    newest = judged.group_by("dataset").agg(pl.col("quarter").max())
    red = (
        evidence.named(judged.join(newest, on=["dataset", "quarter"]))
        .filter(pl.col("rag") == "red")
        .with_columns(
            field=pl.col("measure").str.strip_prefix(COMPLETE).str.strip_suffix("_code")
            .str.replace_all("_", " ")
        )
        .group_by("dataset", "title", "quarter")
        .agg(pl.col("field").sort().str.join(", "))
        .sort("dataset")
    )  # fmt: skip
    if red.is_empty():
        said = "No core field is red in the newest delivery of any dataset."
        return [(fault, ALL, NO, said, IICSA)]
    return [
        (fault, dataset, YES, f"{title}, {quarter}, too rarely gives: {fields}.", IICSA)
        for dataset, title, quarter, fields in red.iter_rows()
    ]


def _tracker(evidence: Evidence, fault: str, field: str, words: str) -> list[Row]:
    limits = evidence.settings.gaps
    limit = limits.no_type_percent if field == "model" else limits.not_recorded_percent
    rows = open_rows(evidence)
    if field == "model":
        rows = rows.filter(pl.col("risk_level").is_in(evidence.settings.tracker.at_risk_levels))
    counts = (
        evidence.named(rows.group_by("dataset").agg(percent=pl.col(field).is_null().mean() * 100))
        .select("dataset", "title", "percent")
        .sort("dataset")
    )
    if counts.is_empty():
        return [(fault, ALL, NOT_TOLD, "No row of an open child was received.", IICSA)]
    bad = counts.filter(pl.col("percent") > limit)
    if bad.is_empty():
        said = f"The {words} is missing for no more than {limit:g}% of open children."
        return [(fault, ALL, NO, said, IICSA)]
    return [
        (
            fault,
            dataset,
            YES,
            f"{title}: more than {limit:g}% of the rows of open children give no {words}.",
            IICSA,
        )
        for dataset, title, _ in bad.iter_rows()
    ]
