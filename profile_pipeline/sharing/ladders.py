"""Ladders: how categories widen before any count is suppressed.

A dimension climbs a rung while more than a third of its counts above zero (all quarters together)
would be suppressed. A wider category says more than a hole; but a ladder never hides who is not
recorded, and a dimension without a ladder stays as it is.
"""

import polars as pl

from profile_pipeline.plan.settings import Edition
from profile_pipeline.tables import NOT_RECORDED, TOTAL

Rung = dict[str, str]

# Ages and ethnic groups of `tables.py`; White British stands apart on every rung because the
# profile's question is who else is missing.
LADDERS: tuple[tuple[Rung, ...], ...] = (
    (
        {"under 10": "under 12", "10-11": "under 12"},
        {"under 10": "under 14", "10-11": "under 14", "12-13": "under 14"},
    ),
    (
        {"35-44": "35 and over", "45 and over": "35 and over"},
        {"25-34": "25 and over", "35-44": "25 and over", "45 and over": "25 and over"},
    ),
    (
        {"Mixed": "Mixed or Other", "Other": "Mixed or Other"},
        dict.fromkeys(("Mixed", "Asian", "Black", "Other"), "Asian, Black, Mixed or Other"),
        dict.fromkeys(("White other", "Mixed", "Asian", "Black", "Other"), "all but White British"),
    ),
)

TOO_MANY = 1 / 3  # share of a dimension's counts above zero that may be small: more climbs a rung


def choose_rung(counts: pl.DataFrame, edition: Edition) -> Rung:
    """Return the mapping to apply to one dimension; empty when it stays as it is.

    Args:
        counts: the dimension's rows: `quarter`, `category`, `count`; `all` and `not recorded` are
            left out of the judgement.
        edition: the edition whose threshold decides.
    """
    counts = counts.filter(~pl.col("category").is_in([TOTAL, NOT_RECORDED]))
    names = set(counts["category"].to_list())
    ladder = next((rungs for rungs in LADDERS if names & rungs[-1].keys()), ())
    for rung in ({}, *ladder):
        widened = (
            counts.with_columns(pl.col("category").replace(rung))
            .group_by("quarter", "category")
            .agg(pl.col("count").sum())
            .filter(pl.col("count") > 0)
        )
        small = widened.filter(pl.col("count") <= edition.suppress_up_to)
        if len(small) <= TOO_MANY * len(widened):
            return rung
    return ladder[-1] if ladder else {}


def choose_rungs(frame: pl.DataFrame, count: str, edition: Edition) -> pl.DataFrame:
    """Return which categories widen: `dimension`, `category`, `wider`; no row for the others.

    Args:
        frame: a table of `quarter, dimension, category` and a count.
        count: name of the count column.
        edition: the edition whose threshold decides.
    """
    moves = [
        {"dimension": str(dimension), "category": old, "wider": new}
        for (dimension,), rows in frame.group_by("dimension", maintain_order=True)
        for old, new in choose_rung(
            rows.select("quarter", "category", pl.col(count).alias("count")), edition
        ).items()
    ]
    return pl.DataFrame(
        moves, schema={"dimension": pl.String, "category": pl.String, "wider": pl.String}
    )


def collapse(frame: pl.DataFrame, count: str, moves: pl.DataFrame) -> pl.DataFrame:
    """Return a table of `quarter, dimension, category` with its categories widened by the moves.

    Counts are added: each person has one category of a dimension. Row order is kept; a widened
    category stands where its first part stood, its percent is the parts' sum.
    """
    wider = frame.join(moves, on=["dimension", "category"], how="left", maintain_order="left")
    return (
        wider.with_columns(pl.coalesce("wider", "category").alias("category"))
        .group_by("quarter", "dimension", "category", maintain_order=True)
        .agg(
            pl.when(pl.col(count).is_not_null().any()).then(pl.col(count).sum()),
            pl.when(pl.col("percent").is_not_null().any()).then(pl.col("percent").sum()),
            pl.col("not_recorded_percent").first(),
        )
        .select(frame.columns)
    )
