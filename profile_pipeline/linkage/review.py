"""The clerical review queue: the pairs whose answer would tell most, first."""

import polars as pl

from profile_pipeline.linkage.clusters import BELOW, JOINED, REFUSED
from profile_pipeline.plan.settings import LinkageSettings

FIELDS = (
    "forename", "surname", "other_names", "dob", "sex", "postcode", "nhs", "upn", "local_ids",
)  # fmt: skip


def words(pairs: pl.DataFrame) -> pl.DataFrame:
    """Add `speaks_for` and `speaks_against`: the levels of each comparison, with match weights."""
    names = [
        column.removeprefix("level_") for column in pairs.columns if column.startswith("level_")
    ]

    def said(sign: int) -> pl.Expr:
        parts = [
            pl.when(pl.col(f"weight_{name}") * sign > 0).then(
                pl.concat_str(
                    pl.col(f"level_{name}"),
                    pl.lit(" (" + ("+" if sign > 0 else "")),
                    pl.col(f"weight_{name}").round(1).cast(pl.String),
                    pl.lit(")"),
                )
            )
            for name in names
        ]
        return pl.concat_str(parts, separator="; ", ignore_nulls=True)

    return pairs.with_columns(said(1).alias("speaks_for"), said(-1).alias("speaks_against"))


def queue(
    identities: pl.DataFrame,
    clusters: pl.DataFrame,
    links: pl.DataFrame,
    settings: LinkageSettings,
    shown: pl.DataFrame | None = None,
    cohort_from: int = 0,
) -> pl.DataFrame:
    """Return the pairs for a person to decide, most telling first, at most `review_limit`.

    Pairs that were refused, that fell short of the threshold but not of `review_from` (one pair for
    each two clusters), or that were joined with less weight than `strict_threshold`. What a pair
    tells: the records that would come together, or be parted, times how open the question is.
    First come pairs whose persons, taken together, show `cohort_from` indicators or more: false
    merges gather there. Columns `identity_a, identity_b, match_weight, decision, reason,
    speaks_for, speaks_against, records, in_cohort`, and each field of the identities as
    `<field>_a`, `<field>_b`.

    Args:
        identities: distinct identities.
        clusters: `identity, cluster`.
        links: the scored pairs with their levels, `decision` and `reason`.
        settings: settings of the linkage.
        shown: `identity, indicator`, what the identities' records show; None where not known.
        cohort_from: indicators from which a person is in the priority cohort.
    """
    sizes = (
        clusters.join(identities.select("identity", "records"), on="identity")
        .group_by("cluster")
        .agg(pl.col("records").sum())
    )
    own = identities.select("identity", pl.col("records").alias("own"))
    of = clusters.join(sizes, on="cluster").join(own, on="identity")
    a = of.rename(
        {"identity": "identity_a", "cluster": "cluster_a", "records": "records_a", "own": "own_a"}
    )
    b = of.rename(
        {"identity": "identity_b", "cluster": "cluster_b", "records": "records_b", "own": "own_b"}
    )
    placed = links.join(a, on="identity_a").join(b, on="identity_b")
    apart = pl.col("cluster_a") != pl.col("cluster_b")
    refused = apart & (pl.col("decision") == REFUSED)
    short = apart & (pl.col("decision") == BELOW)
    loose = (pl.col("decision") == JOINED) & (pl.col("match_weight") < settings.strict_threshold)
    open_pairs = placed.filter(
        refused | (short & (pl.col("match_weight") >= settings.review_from)) | loose
    ).with_columns(
        pl.when(loose)
        .then(pl.lit("joined, but below the weight that needs no doubt"))
        .otherwise("reason")
        .alias("reason")
    )
    doubt = (
        pl.when(pl.col("decision") == REFUSED)
        .then(0.25)
        .otherwise(pl.col("match_probability") * (1 - pl.col("match_probability")))
    )
    pair = pl.concat_str(
        pl.min_horizontal("cluster_a", "cluster_b"), pl.max_horizontal("cluster_a", "cluster_b")
    )
    chosen = (
        open_pairs.with_columns(
            pl.when(apart)
            .then(pair)
            .otherwise(pl.concat_str("identity_a", "identity_b"))
            .alias("between"),
            pl.when(apart)
            .then(pl.col("records_a") * pl.col("records_b"))
            .otherwise(pl.col("own_a") * pl.col("own_b"))
            .cast(pl.Int64)
            .alias("records"),
        )
        .sort("match_weight", "identity_a", "identity_b", descending=[True, False, False])
        .unique("between", keep="first", maintain_order=True)
        .with_columns((doubt * pl.col("records")).alias("telling"))
    )
    chosen = (
        chosen.join(
            _many_indicators(chosen, clusters, shown, cohort_from),
            on=["identity_a", "identity_b"],
            how="left",
        )
        .with_columns(pl.col("in_cohort").fill_null(False))
        .sort(
            "in_cohort", "telling", "identity_a", "identity_b",
            descending=[True, True, False, False],
        )
        .head(settings.review_limit)
    )  # fmt: skip
    fields = identities.select("identity", *FIELDS)
    sides = [
        fields.rename({"identity": f"identity_{side}", **{f: f"{f}_{side}" for f in FIELDS}})
        for side in "ab"
    ]
    for side, frame in zip("ab", sides, strict=True):
        chosen = chosen.join(frame, on=f"identity_{side}", how="left", maintain_order="left")
    return words(chosen).select(
        "identity_a", "identity_b", "match_weight", "decision", "reason", "speaks_for",
        "speaks_against", "records", "in_cohort", *(f"{f}_{side}" for f in FIELDS for side in "ab"),
    )  # fmt: skip


def _many_indicators(
    pairs: pl.DataFrame, clusters: pl.DataFrame, shown: pl.DataFrame | None, cohort_from: int
) -> pl.DataFrame:
    """Return `identity_a, identity_b, in_cohort` of pairs whose persons together show so many."""
    both = ["identity_a", "identity_b"]
    if shown is None:
        return pairs.select(*both, pl.lit(False).alias("in_cohort"))
    of_cluster = shown.join(clusters, on="identity").select("cluster", "indicator").unique()
    sides = [
        pairs.select(*both, pl.col(side).alias("cluster")).join(of_cluster, on="cluster")
        for side in ("cluster_a", "cluster_b")
    ]
    return (
        pl.concat(sides)
        .group_by(both)
        .agg((pl.col("indicator").n_unique() >= cohort_from).alias("in_cohort"))
    )
