"""Why records are one person: the link that holds each, and what argued against it."""

from dataclasses import dataclass

import polars as pl

from profile_pipeline.linkage.clusters import BELOW, REFUSED
from profile_pipeline.linkage.review import words

TOGETHER = "held by the evidence of several records taken together"
ALONE = "the only identity of this person"


@dataclass(frozen=True)
class Explanation:
    """Why a person's records are one person. Restricted.

    `records`: one row a record, `dataset, file, row, record_id, identity, held_by` (the identity it
    is most strongly linked to), `match_weight, speaks_for, speaks_against, reason` (of the link,
    where weights alone don't tell why it holds). `against`: identities of other persons that were
    considered, with `decision` and `reason`. `weakest_link`: the match weight of the weakest link
    that the person can't do without; None with one identity.
    """

    person_id: str
    records: pl.DataFrame
    against: pl.DataFrame
    weakest_link: float | None


def explain_person(
    person_id: str,
    record_person: pl.DataFrame,
    record_cluster: pl.DataFrame,
    links: pl.DataFrame,
    evidence: pl.DataFrame,
) -> Explanation:
    """Explain a person in plain words.

    `record_person` meets its contract; the other frames are those of `persons.Linkage`. A person
    whom nobody knows gives an explanation without records.
    """
    held = record_cluster.join(
        record_person.filter(pl.col("person_id") == person_id).select("record_id"), on="record_id"
    )
    inside = held["identity"].unique().to_list()
    both = pl.col("identity_a").is_in(inside) & pl.col("identity_b").is_in(inside)
    one = pl.col("identity_a").is_in(inside) != pl.col("identity_b").is_in(inside)
    joined = words(evidence.filter(both)).join(
        links.select("identity_a", "identity_b", "decision", "reason"),
        on=["identity_a", "identity_b"],
    )
    said = ("match_weight", "speaks_for", "speaks_against")
    directed = pl.concat(
        joined.select(
            pl.col(here).alias("identity"), pl.col(there).alias("held_by"), *said, "reason"
        )
        for here, there in (("identity_a", "identity_b"), ("identity_b", "identity_a"))
    )
    strongest = directed.sort("match_weight", "held_by", descending=[True, False]).unique(
        "identity", keep="first", maintain_order=True
    )
    lone = ALONE if len(inside) == 1 else TOGETHER
    records = (
        held.join(strongest, on="identity", how="left")
        .with_columns(pl.col("speaks_for").fill_null(lone))
        .select("dataset", "file", "row", "record_id", "identity", "held_by", *said, "reason")
        .sort("dataset", "file", "row")
    )
    against = (
        words(evidence.filter(one))
        .join(
            links.filter(pl.col("decision").is_in([REFUSED, BELOW, "clerical"])).select(
                "identity_a", "identity_b", "decision", "reason"
            ),
            on=["identity_a", "identity_b"],
        )
        .select("identity_a", "identity_b", *said, "decision", "reason")
        .sort("match_weight", "identity_a", "identity_b", descending=[True, False, False])
    )
    weakest = weakest_links(held.with_columns(pl.lit(person_id).alias("cluster")), evidence)
    value = weakest["weakest_link"].item() if len(weakest) == 1 else None
    return Explanation(person_id, records, against, value)


def waterfall(evidence: pl.DataFrame, identity_a: str, identity_b: str) -> pl.DataFrame:
    """Return how a pair's match weight adds up: `comparison, level, weight, total`, prior first."""
    pair = evidence.filter(
        (pl.col("identity_a") == min(identity_a, identity_b))
        & (pl.col("identity_b") == max(identity_a, identity_b))
    )
    names = [c.removeprefix("weight_") for c in evidence.columns if c.startswith("weight_")]
    steps = pl.concat(
        [
            pair.select(
                pl.lit("prior").alias("comparison"),
                pl.lit("chance that any two identities are one person").alias("level"),
                (
                    pl.col("match_weight") - pl.sum_horizontal(f"weight_{name}" for name in names)
                ).alias("weight"),
            ),
            *(
                pair.select(
                    pl.lit(name).alias("comparison"),
                    pl.col(f"level_{name}").alias("level"),
                    pl.col(f"weight_{name}").alias("weight"),
                )
                for name in names
            ),
        ]
    )
    return steps.with_columns(pl.col("weight").cum_sum().round(4).alias("total"))


def weakest_links(record_cluster: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    """Return for each cluster of several identities the weakest link it can't do without.

    Of all ways to hold the cluster together the strongest is taken (a spanning tree by falling
    weight). Columns `cluster, identities, weakest_link` (match weight; null when some identity is
    held only by several records' evidence together or by a decision).
    """
    place = record_cluster.select("identity", "cluster").unique()
    found = (
        trees(record_cluster, evidence)
        .group_by("cluster")
        .agg(pl.col("match_weight").min().alias("weakest_link"), pl.len().alias("n"))
    )
    sizes = place.group_by("cluster").agg(pl.len().cast(pl.Int64).alias("identities"))
    return (
        sizes.filter(pl.col("identities") > 1)
        .join(found, on="cluster", how="left")
        .with_columns(pl.when(pl.col("n") == pl.col("identities") - 1).then(pl.col("weakest_link")))
        .select("cluster", "identities", "weakest_link")
        .sort("cluster")
    )


def trees(record_cluster: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    """Return the scored pairs that hold each cluster together at its strongest, by falling weight.

    Columns `cluster, identity_a, identity_b, match_weight`: a spanning tree of each cluster, or a
    forest where no scored pair joins its parts.
    """
    place = record_cluster.select("identity", "cluster").unique()
    of = dict(place.iter_rows())
    inside = (
        evidence.select("identity_a", "identity_b", "match_weight")
        .join(place.rename({"identity": "identity_a", "cluster": "a"}), on="identity_a")
        .join(place.rename({"identity": "identity_b", "cluster": "b"}), on="identity_b")
        .filter(pl.col("a") == pl.col("b"))
        .sort("match_weight", "identity_a", "identity_b", descending=[True, False, False])
    )
    root: dict[str, str] = {}
    held: list[tuple[str, str, str, float]] = []

    def find(identity: str) -> str:
        while root.setdefault(identity, identity) != identity:
            root[identity] = root.setdefault(root[identity], root[identity])
            identity = root[identity]
        return identity

    for a, b, weight in inside.select("identity_a", "identity_b", "match_weight").iter_rows():
        first, second = find(a), find(b)
        if first != second:
            root[second] = first
            held.append((of[a], a, b, weight))
    schema = {
        "cluster": pl.String, "identity_a": pl.String, "identity_b": pl.String,
        "match_weight": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(held, schema=schema, orient="row")
