"""What became of every received row: exactly one fate each, checked in every run."""

import polars as pl

from profile_pipeline.errors import ContractError
from profile_pipeline.tables import FATE, FATES, conform


def fates_of(
    received: pl.DataFrame,
    *,
    dataset: str,
    superseded: pl.DataFrame,
    duplicates: pl.DataFrame,
    quarantine: pl.DataFrame,
) -> pl.DataFrame:
    """Return one row a received row with its fate, before anyone is known to be kept apart.

    Args:
        received: every row of every file, `_file, _row, _quarter`.
        dataset: the dataset's id.
        superseded: `file` of older deliveries.
        duplicates: `file, row` that stand earlier in the same file.
        quarantine: tables.QUARANTINE of the dataset.
    """
    rules = quarantine.group_by("file", "row").agg(pl.col("rule").unique().sort().str.join(", "))
    rows = received.select(
        pl.lit(dataset).alias("dataset"),
        pl.col("_file").alias("file"),
        pl.col("_row").alias("row"),
        pl.col("_quarter").alias("quarter"),
    )
    marked = (
        rows.join(rules, on=("file", "row"), how="left")
        .join(
            duplicates.select("file", "row", pl.lit(value=True).alias("dup")),
            on=("file", "row"),
            how="left",
        )
        .join(
            superseded.select("file", pl.lit(value=True).alias("old")),
            on="file",
            how="left",
        )
    )
    return conform(
        marked.with_columns(
            fate=pl.when("old")
            .then(pl.lit("superseded"))
            .when("dup")
            .then(pl.lit("duplicate"))
            .when(pl.col("rule").is_not_null())
            .then(pl.lit("quarantined"))
            .otherwise(pl.lit("harmonised")),
            rule=pl.when("old")
            .then(pl.lit("superseded"))
            .when("dup")
            .then(pl.lit("exact_duplicate"))
            .otherwise("rule"),
        ),
        FATE,
    ).sort(FATE.key)


def keep_apart(fates: pl.DataFrame, apart: pl.DataFrame) -> pl.DataFrame:
    """Return the fates with harmonised rows of `apart` (dataset, file, row, reason) kept apart."""
    marked = fates.join(
        apart.select("dataset", "file", "row", pl.lit(value=True).alias("apart")).unique(),
        on=("dataset", "file", "row"),
        how="left",
    )
    is_apart = pl.col("apart").fill_null(value=False) & (pl.col("fate") == "harmonised")
    return conform(
        marked.with_columns(
            rule=pl.when(is_apart).then(pl.lit("not_the_areas_responsibility")).otherwise("rule"),
            fate=pl.when(is_apart).then(pl.lit("kept_apart")).otherwise("fate"),
        ),
        FATE,
    ).sort(FATE.key)


def check_conservation(fates: pl.DataFrame, deliveries: pl.DataFrame) -> pl.DataFrame:
    """Return rows received and rows by fate for every file; raise ContractError when they differ.

    Columns: `dataset, file, rows`, then one column a fate (counts). `deliveries` is
    quality.delivery.
    """
    arrived = (
        deliveries.filter(pl.col("rows").is_not_null()).select("dataset", "file", "rows").unique()
    )
    counted = fates.group_by("dataset", "file").agg(
        *((pl.col("fate") == fate).sum().cast(pl.Int64).alias(fate) for fate in FATES),
        pl.col("row").n_unique().cast(pl.Int64).alias("fated"),
        pl.len().cast(pl.Int64).alias("told"),
    )
    joined = arrived.join(counted, on=("dataset", "file"), how="full", coalesce=True).with_columns(
        pl.col("rows", "fated", "told", *FATES).fill_null(0)
    )
    # Twice the one row and never the other would be the right count.
    wrong = joined.filter((pl.col("rows") != pl.col("fated")) | (pl.col("rows") != pl.col("told")))
    if wrong.height or not set(fates["fate"].unique()) <= set(FATES):
        files = ", ".join(sorted(wrong["file"].to_list())[:5])
        raise ContractError(f"the fates of received rows do not add up in {files}")
    return joined.select("dataset", "file", "rows", *FATES).sort("dataset", "file")
