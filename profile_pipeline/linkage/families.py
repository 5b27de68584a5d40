"""Relatives at one home: how many the identities hold, as far as names, births and homes show.

Relatives share surname and home as one person's records do. Where data hold many, another forename
or date of birth beside both is a relative rather than an error; where they hold none, an error.
"""

import math

import polars as pl

# Pairs of relatives, for each record with a home, from which data hold families. FEBRL, which holds
# none, shows 0.01 beyond chance; a borough of children 0.14, whole households 0.65.
FAMILIES = 0.05


def homes(identities: pl.DataFrame) -> pl.DataFrame:
    """Return `sur`, `initial`, `home` (address or else postcode) and `year` where all are given."""
    return identities.select(
        "sur",
        pl.col("fore").str.slice(0, 1).alias("initial"),
        pl.coalesce("address", "postcode").alias("home"),
        pl.col("dob").str.slice(0, 4).cast(pl.Int64).alias("year"),
    ).drop_nulls()


def _strangers(rows: pl.DataFrame, *shared: str) -> float:
    """Return how many pairs agree in these columns and neither in initial nor in year of birth."""

    def pairs(*columns: str) -> float:
        sizes = rows.group_by(*columns).len() if columns else rows.select(pl.len().alias("len"))
        n = sizes["len"].cast(pl.Float64)
        return float((n * (n - 1) / 2).sum())

    return (
        pairs(*shared)
        - pairs(*shared, "initial")
        - pairs(*shared, "year")
        + pairs(*shared, "initial", "year")
    )


def relatives(rows: pl.DataFrame) -> tuple[float, float]:
    """Return how many pairs are relatives at one home, and a standard error of that count.

    `rows` as from `homes`. One surname and home, another initial and year of birth; those whom
    surname and home bring together by chance are taken off.
    """
    found = _strangers(rows, "sur", "home")
    by_chance = _strangers(rows, "sur") * _strangers(rows, "home") / max(1.0, _strangers(rows))
    return max(0.0, found - by_chance), math.sqrt(found) + 1


def hold_families(identities: pl.DataFrame) -> bool:
    """Whether relatives at one home are many among the identities."""
    rows = homes(identities)
    return len(rows) > 0 and relatives(rows)[0] >= FAMILIES * len(rows)
