"""The linkage's accuracy, and what can't be linked, as an edition may print them."""

import polars as pl

from profile_pipeline.plan.settings import Edition
from profile_pipeline.tables import LINKAGE_ACCURACY, SUPPRESSED, UNLINKABLE_SHARE, conform


def safe_linkage(
    linkage_accuracy: pl.DataFrame, unlinkable_share: pl.DataFrame, edition: Edition
) -> dict[str, pl.DataFrame]:
    """Return `linkage_accuracy` and `unlinkable_share` as text.

    They speak of pairs and of records, not of people; still, a share is withheld where its count,
    or what it leaves of the whole, is small, or its denominator is. Counts themselves are left out.

    Columns of the first: `dimension, category, measure, value, lower, upper, note` (percent); of
    the second: `dimension, category, percent, lower, upper, higher` (`higher` than everyone else's
    beyond chance: yes or empty), children's records only.
    """
    accuracy = conform(linkage_accuracy, LINKAGE_ACCURACY)
    few = pl.col("pairs_decided") < edition.minimum_denominator
    told = accuracy.select(
        "dimension",
        "category",
        "measure",
        *(
            pl.when(few | pl.col(name).is_null())
            .then(pl.lit(""))
            .otherwise(_percent(100 * pl.col(name)))
            .alias(name)
            for name in ("value", "lower", "upper")
        ),
        pl.col("note").fill_null(
            pl.when("beyond_chance").then(pl.lit("lower beyond chance")).otherwise(pl.lit(""))
        ),
    )
    shares = conform(unlinkable_share, UNLINKABLE_SHARE).filter(pl.col("role") == "child")
    left = pl.col("records") - pl.col("too_little")
    small = pl.any_horizontal(
        pl.col("too_little").is_between(1, edition.suppress_up_to),
        left.is_between(1, edition.suppress_up_to),
        pl.col("records") < edition.minimum_denominator,
    )
    bare = shares.select(
        "dimension",
        "category",
        *(
            pl.when(small).then(pl.lit(SUPPRESSED)).otherwise(_percent(pl.col(name))).alias(name)
            for name in ("percent", "lower", "upper")
        ),
        pl.when(pl.col("beyond_chance") & ~small)
        .then(pl.lit("yes"))
        .otherwise(pl.lit(""))
        .alias("higher"),
    )
    return {"linkage_accuracy": told, "unlinkable_share": bare}


def _percent(value: pl.Expr) -> pl.Expr:
    return value.round(1).map_elements(lambda number: f"{number:.1f}", return_dtype=pl.String)
