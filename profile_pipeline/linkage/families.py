"""Relatives at one home: how many the identities hold, as far as names, births and homes show.

Relatives share surname and home as one person's records do. Where data hold many, another forename
or date of birth beside both is a relative rather than an error; where they hold none, an error.
"""

import math

import polars as pl

# Pairs of relatives, for each record with a home, from which data hold families. FEBRL, which
# holds none, shows 0.01 beyond chance; a borough of children 0.14, whole households 0.65. Where
# hardly any home comes with a date of birth a wrong forename looks like a relative: twice as many.
FAMILIES, AT_LEAST = 0.05, 10


def homes(identities: pl.DataFrame, home: pl.Expr | None = None) -> pl.DataFrame:
    """Return `sur`, `initial`, `home` where all are given, and `year` where most of them tell it.

    `home` is the address, or else the postcode, if not given; records without a year of birth are
    left out where most have one.
    """
    rows = identities.select(
        "sur",
        pl.col("fore").str.slice(0, 1).alias("initial"),
        (pl.coalesce("address", "postcode") if home is None else home).alias("home"),
        pl.col("dob").str.slice(0, 4).cast(pl.Int64).alias("year"),
    ).drop_nulls(["sur", "initial", "home"])
    return rows.drop("year") if 2 * rows["year"].null_count() > len(rows) else rows.drop_nulls()


def strangers(rows: pl.DataFrame, *shared: str) -> float:
    """Return how many pairs agree in these columns and neither in initial nor in year of birth."""

    def pairs(*columns: str) -> float:
        sizes = rows.group_by(*columns).len() if columns else rows.select(pl.len().alias("len"))
        n = sizes["len"].cast(pl.Float64)
        return float((n * (n - 1) / 2).sum())

    apart = pairs(*shared) - pairs(*shared, "initial")
    if "year" not in rows.columns:
        return apart
    return apart - pairs(*shared, "year") + pairs(*shared, "initial", "year")


def relatives(rows: pl.DataFrame) -> tuple[float, float]:
    """Return how many pairs are relatives at one home, and a standard error of that count.

    `rows` as from `homes`. One surname and home, another initial and year of birth; those whom
    surname and home bring together by chance are taken off.
    """
    found = strangers(rows, "sur", "home")
    by_chance = strangers(rows, "sur") * strangers(rows, "home") / max(1.0, strangers(rows))
    return max(0.0, found - by_chance), math.sqrt(found) + 1


def hold_families(identities: pl.DataFrame) -> bool:
    """Whether relatives at one home are many among the identities."""
    rows = homes(identities)
    least = (1 if "year" in rows.columns else 2) * FAMILIES * len(rows)
    least = max(AT_LEAST, least)
    # What chance brings together is only taken off, so few pairs are too few without it.
    return strangers(rows, "sur", "home") >= least and relatives(rows)[0] >= least


def one_home(identities: pl.DataFrame, column: str) -> float:
    """Return the chance that two different people, relatives among them, agree in `column`."""
    rows = homes(identities, pl.col(column))
    return strangers(rows, "home") / max(1.0, strangers(rows))


def one_surname(identities: pl.DataFrame) -> float:
    """Return the chance that two different people of one home bear one surname."""
    rows = homes(identities)
    return (strangers(rows, "sur", "home") + 0.5) / (strangers(rows, "home") + 1)
