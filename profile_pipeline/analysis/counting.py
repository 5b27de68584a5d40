"""What every count of the profile shares: quarters counted, ages, categories always complete.

No rule of the method itself: who is counted is decided in the module of each table.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from profile_pipeline.plan.settings import ProfileSettings
from profile_pipeline.quarters import (
    last_day,
    previous_quarter,
    quarter_of,
    quarters_between,
)
from profile_pipeline.tables import AGE_BANDS, NOT_RECORDED, ROW_KEY, SUSPECT_AGE_BANDS, TOTAL

AGE_BAND_FROM = (0, 10, 12, 14, 16, 18)
SUSPECT_AGE_BAND_FROM = (0, 18, 25, 35, 45)
CHILD = "child"
SUSPECT = "suspect"
ADULT_AGE = 18
QUARTERS_IN_YEAR = 4


def quarters_counted(settings: ProfileSettings) -> list[str]:
    """Return the quarters of the period that have begun by the as-at date, in order."""
    end = min(settings.period.end, settings.as_at)
    return quarters_between(settings.period.start, end) if settings.period.start <= end else []


def quarters_ended(settings: ProfileSettings) -> list[str]:
    """Return the quarters of the period that have ended by the as-at date, in order.

    A snapshot "at the end of the quarter" can't exist for a quarter that still runs.
    """
    return [label for label in quarters_counted(settings) if last_day(label) <= settings.as_at]


def last_four_quarters(as_at: date) -> list[str]:
    """Return the labels of the four quarters that end with the as-at date's own, in order."""
    labels = [quarter_of(as_at)]
    while len(labels) < QUARTERS_IN_YEAR:
        labels.insert(0, previous_quarter(labels[0]))
    return labels


def without_rows(frame: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the frame without the rows named by `dataset, file, row` (kept apart, for one)."""
    return frame.join(rows.select(ROW_KEY), on=ROW_KEY, how="anti", maintain_order="left")


def age_band(age: pl.Expr) -> pl.Expr:
    """Return the band of a child's age (`under 10`, `10-11` ... `16-17`); 18 and over is null."""
    return _band(age, AGE_BAND_FROM, (*AGE_BANDS, None))


def suspect_age_band(age: pl.Expr) -> pl.Expr:
    """Return the band of a suspect's age (`under 18` ... `45 and over`)."""
    return _band(age, SUSPECT_AGE_BAND_FROM, SUSPECT_AGE_BANDS)


def _band(age: pl.Expr, starts: Sequence[int], names: Sequence[str | None]) -> pl.Expr:
    band = pl.lit(None, dtype=pl.String)
    for start, name in zip(starts, names, strict=True):
        band = pl.when(age >= start).then(pl.lit(name, dtype=pl.String)).otherwise(band)
    return band


def yes_no(flag: pl.Expr) -> pl.Expr:
    """Return `yes` or `no`; null stays null."""
    return pl.when(flag).then(pl.lit("yes")).when(flag.not_()).then(pl.lit("no"))


def ethnic_category(group: pl.Expr, code: pl.Expr) -> pl.Expr:
    """Return the ethnic group with White split into `White British` and `White other`.

    White without a code is null: which of the two it is was not recorded.
    """
    white = (
        pl.when(code == "WBRI")
        .then(pl.lit("White British"))
        .when(code.is_not_null())
        .then(pl.lit("White other"))
    )
    return pl.when(group == "White").then(white).otherwise(group)


def recorded(value: pl.Expr) -> pl.Expr:
    """Return the text, null where an agency wrote that it isn't known."""
    unknown = ("", "not known", "unknown", "not recorded", "not stated", "n/k")
    return pl.when(value.str.strip_chars().str.to_lowercase().is_in(unknown).not_()).then(value)


def categories_of(values: pl.Series) -> list[str]:
    """Return the categories that occur, in alphabetical order."""
    return sorted(set(values.drop_nulls().to_list()))


def by_category(
    units: pl.DataFrame,
    value: pl.Expr,
    quarters: Sequence[str],
    dimension: str,
    categories: Sequence[str] | None = None,
    count: str = "children",
) -> pl.DataFrame:
    """Count a dimension's categories in each quarter, zeros, `not recorded` and `all` included.

    Args:
        units: one row a quarter and counted unit (child, suspect or event), with `quarter`.
        value: the category of a unit; null is not recorded.
        quarters: quarters to print, in order; units of others are left out.
        dimension: name of the dimension.
        categories: categories to print, in order; those that occur, sorted, when not given.
            A value outside the list counts as not recorded, so that categories add up to `all`.
        count: name of the column that counts.

    Returns:
        `quarter, dimension, category`, the count, `percent` (of those recorded, 0-100; null for
        `not recorded` and without a denominator) and `not_recorded_percent` (of all, 0-100).
    """
    valued = units.filter(pl.col("quarter").is_in(quarters)).select(
        "quarter", value.alias("category")
    )
    names = list(categories) if categories is not None else categories_of(valued["category"])
    valued = valued.with_columns(
        category=pl.when(pl.col("category").is_in(names))
        .then(pl.col("category"))
        .otherwise(pl.lit(NOT_RECORDED))
    )
    counted = (
        pl.concat([valued, valued.with_columns(category=pl.lit(TOTAL))])
        .group_by("quarter", "category")
        .agg(pl.len().cast(pl.Int64).alias(count))
    )
    frame = pl.DataFrame({"quarter": list(quarters)}, schema={"quarter": pl.String}).join(
        pl.DataFrame({"category": [*names, NOT_RECORDED, TOTAL]}, schema={"category": pl.String}),
        how="cross",
    )
    frame = frame.join(
        counted, on=["quarter", "category"], how="left", maintain_order="left"
    ).with_columns(pl.col(count).fill_null(0))
    total = pl.col(count).filter(pl.col("category") == TOTAL).sum().over("quarter")
    unknown = pl.col(count).filter(pl.col("category") == NOT_RECORDED).sum().over("quarter")
    known = total - unknown
    share = pl.when(pl.col("category") == TOTAL).then(known).otherwise(pl.col(count)) / known * 100
    return frame.select(
        "quarter",
        pl.lit(dimension).alias("dimension"),
        "category",
        count,
        pl.when((known > 0) & (pl.col("category") != NOT_RECORDED)).then(share).alias("percent"),
        pl.when(total > 0).then(unknown / total * 100).alias("not_recorded_percent"),
    )
