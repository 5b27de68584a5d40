"""Restricted information reports: kept out of what leaves the desk, and how many they are.

A report is restricted unless intake found that it may be released. Editions count nothing that a
restricted report says: no place, person or indicator. How many reports came, were graded and are
left out, and why, is told of all of them: that speaks of how they were handled.
"""

from collections.abc import Mapping

import polars as pl

from profile_pipeline.analysis.counting import quarters_counted
from profile_pipeline.plan.settings import ProfileSettings
from profile_pipeline.tables import MEASURES, NOT_RECORDED, PROFILE, ROW_KEY, TOTAL, conform

REPORT = f"records.{MEASURES['information_report'].name}"
# What a report's handling is told by; every other column says what the report says.
HANDLED = (
    *ROW_KEY,
    "quarter",
    "date",
    "reliability",
    "accuracy",
    "handling_code",
    "sanitised",
    "consent",
    "assessed_as",
    "handling",
    "releasable",
    "restricted_because",
    "by_default",
)
GRADES = ("1", "2", "3", "4", "5")
COUNTED, BY_DECISION, LEFT_OUT = "counted", "counted by a decision of the plan", "left out"


def restricted_rows(reports: pl.DataFrame) -> pl.DataFrame:
    """Return `dataset, file, row` of the reports that may not leave the analyst's desk."""
    return reports.filter(_restricted()).select(ROW_KEY).unique(maintain_order=True)


def withhold(frames: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return the frames without a row that comes from a restricted information report.

    The reports themselves stay, blank but for how they were handled (HANDLED). Frames that don't
    name file and row (people, counts of people) are left as they are: they have to be made again
    from what this gives back. `quality.*` stays whole, as it speaks of the deliveries.

    Args:
        frames: frames by `schema.table`, `records.information_report` among them.
    """
    restricted = restricted_rows(frames[REPORT])
    kept = {
        name: frame.join(restricted, on=ROW_KEY, how="anti", maintain_order="left")
        if set(ROW_KEY) <= set(frame.columns) and not name.startswith("quality.")
        else frame
        for name, frame in frames.items()
    }
    reports = frames[REPORT]
    kept[REPORT] = reports.with_columns(
        pl.when(~_restricted()).then(pl.col(name)).alias(name)
        for name in reports.columns
        if name not in HANDLED
    )
    return kept


def information_reports(reports: pl.DataFrame, settings: ProfileSettings) -> pl.DataFrame:
    """Return profile.information_reports: how the period's reports were handled (counts).

    Aspects: `editions` (counted, or left out and why), `grades` (a grade from 1 to 5 for both of
    reliability and accuracy, for one, for none; "don't know" is no grade), `assessed as`,
    `consent`.

    Args:
        reports: records.information_report, whole.
        settings: settings of the profile.
    """
    counted = reports.filter(pl.col("quarter").is_in(quarters_counted(settings)))
    graded = [
        pl.col(name).is_in(GRADES).fill_null(value=False) for name in ("reliability", "accuracy")
    ]
    aspects = {
        "editions": pl.when(_restricted())
        .then(pl.format("{}: {}", pl.lit(LEFT_OUT), pl.col("restricted_because").fill_null("")))
        .when(pl.col("by_default").fill_null(value=False))
        .then(pl.lit(BY_DECISION))
        .otherwise(pl.lit(COUNTED)),
        "grades": pl.when(graded[0] & graded[1])
        .then(pl.lit("both grades"))
        .when(graded[0] | graded[1])
        .then(pl.lit("one grade"))
        .otherwise(pl.lit("no grade")),
        "assessed as": pl.col("assessed_as").fill_null(NOT_RECORDED),
        "consent": pl.col("consent").fill_null(NOT_RECORDED),
    }
    parts = [
        counted.select(aspect=pl.lit(aspect), category=category)
        for aspect, category in aspects.items()
    ]
    long = pl.concat(parts)
    frame = (
        pl.concat([long, long.with_columns(category=pl.lit(TOTAL))])
        .group_by("aspect", "category")
        .agg(reports=pl.len())
        .sort("aspect", pl.col("category") == TOTAL, "category")
    )
    return conform(frame, PROFILE["information_reports"])


def _restricted() -> pl.Expr:
    return ~pl.col("releasable").fill_null(value=False)
