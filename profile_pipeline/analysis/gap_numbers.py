"""The exact gaps under the numbers that editions print, so that an answer finds its question."""

import polars as pl


def numbered_alike(gaps: pl.DataFrame, edition: pl.DataFrame) -> pl.DataFrame:
    """Return the exact gaps under the numbers that the editions print; those they lack come last.

    A gap is the same when all its words are, whatever its figures.

    Args:
        gaps: wording.intelligence_gaps.
        edition: edition.intelligence_gaps.
    """
    words = ["theme", "agency", "finding", "question"]
    plain = [
        pl.col(name).str.replace_all(r"\{\w+:[^{}]*\}", "#").alias(f"_{name}") for name in words
    ]
    key = [f"_{name}" for name in words]

    def keyed(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(plain).with_columns(_nth=pl.int_range(pl.len()).over(key))

    last = edition["gap"].str.slice(1).cast(pl.Int64).max() or 0
    both = keyed(gaps).join(
        keyed(edition).select(*key, "_nth", _gap="gap"),
        on=[*key, "_nth"],
        how="left",
        maintain_order="left",
    )
    after = pl.col("_gap").is_null().cast(pl.Int64).cum_sum() + last
    own = pl.concat_str(pl.lit("G"), after.cast(pl.String).str.zfill(3))
    return both.with_columns(gap=pl.coalesce("_gap", own)).select(gaps.columns).sort("gap")
