"""Person ids that outlive a run: kept by identity, never derived from a name or date of birth.

The registry lives in the profile's `review/` folder. A cluster of identities keeps the person id
with which it shares most identities (the lower number on a tie), so re-runs, new quarters and
corrected files leave ids as they are; corrections, merges and splits are logged.
"""

import polars as pl

PREFIX = {"child": "C", "suspect": "S"}
DIGITS = {"child": 6, "suspect": 4}
REGISTRY_SCHEMA = {"identity": pl.String, "person_id": pl.String, "former_ids": pl.String}
CHANGE_SCHEMA = {
    "change": pl.String,
    "old_person_id": pl.String,
    "new_person_id": pl.String,
    "identities": pl.Int64,
}


def empty_registry() -> pl.DataFrame:
    """Return a registry that knows nobody."""
    return pl.DataFrame(schema=REGISTRY_SCHEMA)


def _highest(registry: pl.DataFrame) -> int:
    numbers = registry.select(
        pl.concat_str("person_id", "former_ids", separator=" ", ignore_nulls=True)
        .str.extract_all(r"\d+")
        .explode(empty_as_null=True)
        .cast(pl.Int64)
    ).to_series()
    highest = numbers.max()
    return int(highest) if isinstance(highest, int) else 0


def assign(
    clusters: pl.DataFrame,
    registry: pl.DataFrame | None,
    role: str = "child",
    corrected: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return person ids for clusters, the new registry and the log of changes.

    `clusters` has `identity, cluster`. The first frame has `identity, person_id`; the registry
    `identity, person_id, former_ids` (space-separated, so that an old id can still be looked up and
    is never given again); the log `change` (merge, split or corrected), `old_person_id,
    new_person_id, identities`. `corrected` (`identity, became`: `corrections.carried`) lets what a
    corrected file made of an identity stand for it. New ids are numbered in the order of the keyed
    hashes, which says nothing about people and doesn't depend on the order of rows.
    """
    known = empty_registry() if registry is None else registry.select(list(REGISTRY_SCHEMA))
    standing = known.with_columns(pl.lit(False).alias("mended"))
    if corrected is not None:
        became = corrected.join(known, on="identity").select(
            pl.col("became").alias("identity"),
            "person_id",
            "former_ids",
            pl.lit(True).alias("mended"),
        )
        own = became.join(known, on="identity", how="anti").sort("identity", "person_id")
        standing = pl.concat([standing, own.unique("identity", keep="first", maintain_order=True)])
    joined = clusters.select("identity", "cluster").join(standing, on="identity", how="left")
    claims = (
        joined.drop_nulls("person_id")
        .group_by("cluster", "person_id")
        .agg(pl.len().alias("shared"))
        .with_columns(pl.col("person_id").str.extract(r"(\d+)").cast(pl.Int64).alias("number"))
        .sort("shared", "number", "cluster", descending=[True, False, False])
    )
    kept: dict[str, str] = {}
    taken: set[str] = set()
    for cluster, person in claims.select("cluster", "person_id").iter_rows():
        if cluster not in kept and person not in taken:
            kept[cluster] = person
            taken.add(person)
    fresh = (
        joined.group_by("cluster")
        .agg(pl.col("identity").min())
        .filter(~pl.col("cluster").is_in(list(kept)))
        .sort("identity")
        .with_row_index("place", offset=_highest(known) + 1)
        .select(
            "cluster",
            pl.concat_str(
                pl.lit(PREFIX.get(role, "P")),
                pl.col("place").cast(pl.String).str.zfill(DIGITS.get(role, 6)),
            ).alias("new_id"),
        )
    )
    old = pl.DataFrame(
        {"cluster": list(kept), "new_id": list(kept.values())},
        schema={"cluster": pl.String, "new_id": pl.String},
    )
    assigned = joined.join(pl.concat([old, fresh]), on="cluster", maintain_order="left")
    moved = assigned.filter(
        pl.col("person_id").is_not_null() & (pl.col("person_id") != pl.col("new_id"))
    )
    # An id that lives on elsewhere was split; one that doesn't was merged into another.
    log = (
        moved.group_by("person_id", "new_id")
        .agg(pl.len().cast(pl.Int64).alias("identities"))
        .select(
            pl.when(pl.col("person_id").is_in(list(taken)))
            .then(pl.lit("split"))
            .otherwise(pl.lit("merge"))
            .alias("change"),
            pl.col("person_id").alias("old_person_id"),
            pl.col("new_id").alias("new_person_id"),
            "identities",
        )
    )
    mended = (
        assigned.filter("mended", pl.col("person_id") == pl.col("new_id"))
        .group_by(
            pl.lit("corrected").alias("change"),
            pl.col("person_id").alias("old_person_id"),
            pl.col("new_id").alias("new_person_id"),
        )
        .agg(pl.len().cast(pl.Int64).alias("identities"))
    )
    log = pl.concat([log, mended]).sort("old_person_id", "new_person_id", "change")
    former = (
        pl.when(pl.col("person_id").is_not_null() & (pl.col("person_id") != pl.col("new_id")))
        .then(pl.concat_str("former_ids", "person_id", separator=" ", ignore_nulls=True))
        .otherwise(pl.col("former_ids"))
    )
    current = assigned.select(
        "identity", pl.col("new_id").alias("person_id"), former.alias("former_ids")
    )
    gone = known.join(current, on="identity", how="anti")
    renewed = pl.concat([gone, current]).sort("identity")
    return current.select("identity", "person_id").sort("identity"), renewed, log
