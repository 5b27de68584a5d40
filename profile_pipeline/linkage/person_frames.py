"""Frames of people that are made of a linkage: its records, identities and persons."""

import polars as pl

from profile_pipeline import tables
from profile_pipeline.linkage.explain import weakest_links
from profile_pipeline.linkage.identities import enough
from profile_pipeline.linkage.persons import Linkage, assign_at_threshold
from profile_pipeline.plan.settings import LinkageSettings

OTHER_THRESHOLDS = (2.0, 8.0, 11.0)  # beside the default and the strict one


def record_person(records: pl.DataFrame, duplicates: pl.DataFrame) -> pl.DataFrame:
    """Return people.record_person: the linked records, and those that repeat them.

    Args:
        records: the records of all roles with their persons, as from `persons.assign_person_ids`.
        duplicates: quality.duplicate; a row that repeats another speaks of the same persons.
    """
    repeats = duplicates.join(
        records.rename({"row": "kept_row"}), on=("dataset", "file", "kept_row"), how="inner"
    ).with_columns(
        record_id=pl.concat_str(
            "dataset",
            pl.lit(":"),
            "file",
            pl.lit(":"),
            pl.col("row").cast(pl.String),
            pl.lit(":"),
            "role",
        )
    )
    both = pl.concat([records, repeats.select(records.columns)])
    return tables.conform(both, tables.RECORD_PERSON).sort(tables.RECORD_PERSON.key)


def identity(linkage: Linkage) -> pl.DataFrame:
    """Return people.identity of a role."""
    held = linkage.identities.select("identity", (~enough("fore", "sur")).alias("too_little"))
    frame = linkage.record_cluster.join(held, on="identity", maintain_order="left").with_columns(
        (pl.len().over("cluster") == 1).alias("alone")
    )
    return tables.conform(frame, tables.IDENTITY)


def threshold_person(linkage: Linkage, settings: LinkageSettings) -> pl.DataFrame:
    """Return the records' persons at other thresholds; of suspects at the strict one alone.

    Those of children are people.threshold_person.
    """
    strict, own = settings.strict_threshold, linkage.threshold
    wanted = {strict, own, *OTHER_THRESHOLDS} if linkage.role == "child" else {strict}
    parts = []
    for threshold in sorted(wanted):
        same = threshold == own
        frame = linkage.record_cluster if same else assign_at_threshold(linkage, threshold)
        parts.append(
            frame.with_columns(
                pl.lit(threshold, dtype=pl.Float64).alias("threshold"),
                pl.lit(threshold == strict).alias("strict"),
            )
        )
    return tables.union(parts, tables.THRESHOLD_PERSON)


def person_link(
    linkage: Linkage, records: pl.DataFrame, at_thresholds: pl.DataFrame
) -> pl.DataFrame:
    """Return people.person_link of a role.

    Args:
        linkage: the linkage of the role.
        records: its records with `person_id`, as from `persons.assign_person_ids`.
        at_thresholds: as from `threshold_person`.
    """
    place = linkage.record_cluster.join(records.select("record_id", "person_id"), on="record_id")
    weakest = weakest_links(linkage.record_cluster, linkage.evidence).select(
        "cluster", "weakest_link"
    )
    strict = at_thresholds.filter("strict").select("record_id", pl.col("cluster").alias("part"))
    frame = (
        place.join(strict, on="record_id", how="left")
        .group_by("person_id", "cluster")
        .agg(
            pl.col("identity").n_unique().cast(pl.Int64).alias("identities"),
            pl.col("part").n_unique().cast(pl.Int64).alias("parts_at_strict"),
        )
        .join(weakest, on="cluster", how="left")
        .with_columns(
            pl.lit(linkage.role).alias("role"),
            (pl.col("parts_at_strict") == 1).alias("stays_at_strict"),
        )
        .sort("person_id")
    )
    return tables.conform(frame, tables.PERSON_LINK)
