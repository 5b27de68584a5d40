"""Link records to persons: children, and apart from them suspects and people of other roles.

`link_children` and `link_suspects` take harmonised records and give clusters with every decision's
reason; `assign_person_ids` turns clusters into person ids that outlive the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Required, TypedDict, Unpack

import polars as pl

from profile_pipeline import tables
from profile_pipeline.linkage import clusters as clustering
from profile_pipeline.linkage import learnt as learning
from profile_pipeline.linkage import model as scoring
from profile_pipeline.linkage import registry as registers
from profile_pipeline.linkage.circumstances import suspect_forms
from profile_pipeline.linkage.explain import trees
from profile_pipeline.linkage.identities import ROW_KEY, collapse, enough
from profile_pipeline.linkage.review import queue
from profile_pipeline.plan.settings import LinkageSettings

if TYPE_CHECKING:
    import duckdb

OVERSIZE = 12  # distinct dates of birth and names make a cluster of this many suspicious
# Bits above the threshold that a link between suspects needs: at the default threshold 6.63 bits,
# odds of 99 to 1, as 99 in 100 links between suspects are to be right. Chosen with the exam's truth
# in view (docs/linkage.md, "Suspects").
SUSPECT_CAUTION = 1.63
SCORED_FROM = -6.0  # match weight from which pairs are kept as evidence


@dataclass(frozen=True)
class Linkage:
    """What a linkage found. All frames are restricted: they speak of people.

    `record_cluster`: `dataset, file, row, role, record_id, identity, cluster`.
    `identities`: distinct identities with their compared forms.
    `links`: meets tables.LINK.
    `evidence`: the pairs with level and weight of each comparison.
    `oversize`: clusters held loosely or large.
    `loose`: `cluster, identity_a, identity_b, match_weight`: links below the threshold that a
    cluster can't do without, those that people decided left out.
    `unlinkable`: by dataset, records that hold too little to be linked, and records left alone.
    `contradictions`: clerical decisions that contradict one another and were not applied.
    """

    role: str
    threshold: float
    record_cluster: pl.DataFrame
    identities: pl.DataFrame
    links: pl.DataFrame
    evidence: pl.DataFrame
    oversize: pl.DataFrame
    loose: pl.DataFrame
    unlinkable: pl.DataFrame
    contradictions: pl.DataFrame
    decisions: pl.DataFrame | None = None
    learnt: learning.Learnt | None = None

    def queue(
        self,
        settings: LinkageSettings,
        shown: pl.DataFrame | None = None,
        cohort_from: int = 0,
        answered: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """Return the clerical queue, with what identities show where that is known."""
        return queue(
            self.identities,
            self.record_cluster.select("identity", "cluster").unique(),
            self.evidence.join(
                self.links.select("identity_a", "identity_b", "decision", "reason"),
                on=["identity_a", "identity_b"],
                maintain_order="left",
            ),
            settings,
            shown,
            cohort_from,
            self.loose,
            answered,
        )


def connected(con: duckdb.DuckDBPyConnection | None) -> duckdb.DuckDBPyConnection:
    """Return the connection, or one in memory, as the linkage uses it."""
    import duckdb as engine

    own = con if con is not None else engine.connect()
    if con is None:
        own.execute("set threads=2").fetchall()
    own.execute("set enable_progress_bar=false").fetchall()
    return own


class LinkOptions(TypedDict, total=False):
    """How records are linked, whatever their role; `settings` and `key` must be given.

    `key` makes identity hashes unguessable and must be kept with the registry. `decisions` has
    `identity_a, identity_b, decision` (same, different or can't tell) and may have `when`. With
    `model`, a Splink model saved before is used instead of training afresh; `save_model_to` keeps
    the one used. `con` is the connection that Splink works in.
    """

    settings: Required[LinkageSettings]
    key: Required[bytes]
    decisions: pl.DataFrame | None
    model: Path | None
    save_model_to: Path | None
    con: duckdb.DuckDBPyConnection | None


def link_children(subjects: pl.DataFrame, **options: Unpack[LinkOptions]) -> Linkage:
    """Link the records of children: `subjects` meets records.subject and holds children only."""
    return _link("child", subjects, **options)


def link_others(subjects: pl.DataFrame, **options: Unpack[LinkOptions]) -> Linkage:
    """Link people of other roles that a plan names (resident, pupil): exactly as children."""
    return _link("other", subjects, **options)


def link_suspects(
    subjects: pl.DataFrame, *, around: pl.DataFrame | None = None, **options: Unpack[LinkOptions]
) -> Linkage:
    """Link the records of suspects, apart from children and with higher caution.

    As `link_children`. `around` has the crimes and premises that rows speak of
    (`circumstances.circumstances`). Suspects are often known by a nickname alone. What a shared
    nickname, crime, vehicle or premises tells is learnt from records that give names beside it
    (`shared`); where it tells too little, records join nobody, and possible same persons are in
    `review`.
    """
    return _link("suspect", subjects, around=around, **options)


def _link(
    role: str,
    subjects: pl.DataFrame,
    *,
    settings: LinkageSettings,
    key: bytes,
    decisions: pl.DataFrame | None = None,
    model: Path | None = None,
    save_model_to: Path | None = None,
    con: duckdb.DuckDBPyConnection | None = None,
    around: pl.DataFrame | None = None,
) -> Linkage:
    identities, of_record = collapse(subjects, key, around)
    if role == "suspect":
        identities = suspect_forms(identities, of_record, around)
    pairs = scoring.score(
        connected(con),
        identities,
        seed=settings.seed,
        from_weight=min(SCORED_FROM, settings.review_from),
        model=model,
        save_to=save_model_to,
        key=key,
        engine=settings.engine,
    )
    threshold = settings.threshold + (SUSPECT_CAUTION if role == "suspect" else 0.0)
    done = _clustered(
        identities,
        pairs,
        threshold,
        settings.strict_threshold,
        decisions,
        learning.known(model, identities, key),
    )
    if save_model_to is not None and save_model_to.exists():
        learning.save(save_model_to, identities, done.learnt, key)
    record_cluster = of_record.join(done.clusters, on="identity", maintain_order="left").sort(
        ROW_KEY
    )
    links = tables.conform(done.links, tables.LINK)
    loose = loose_links(record_cluster, links, threshold)
    return Linkage(
        role=role,
        threshold=threshold,
        record_cluster=record_cluster,
        identities=identities,
        links=links,
        evidence=pairs,
        oversize=oversize(identities, done.clusters, loose, threshold),
        loose=loose,
        unlinkable=unlinkable(identities, record_cluster),
        contradictions=done.contradictions,
        decisions=decisions,
        learnt=done.learnt,
    )


def _clustered(
    identities: pl.DataFrame,
    pairs: pl.DataFrame,
    threshold: float,
    strict: float,
    decisions: pl.DataFrame | None,
    learnt: learning.Learnt | None,
) -> clustering.Clustered:
    """Return the clusters; who decides that two are the same means the persons whose they are.

    Else a date of birth wrongly recorded in one of the two would part the other from its own
    records. So the linkage is first asked who these persons are without such decisions.
    """

    def found(
        decided: pl.DataFrame | None,
        held: pl.DataFrame | None = None,
        *,
        lonely: bool = True,
    ) -> clustering.Clustered:
        return clustering.cluster(
            identities, pairs, threshold=threshold, strict=strict, decisions=decided,
            learnt=learnt, held=held, lonely=lonely,
        )  # fmt: skip

    if decisions is None:
        return found(None)
    same = decisions.filter(pl.col("decision") == clustering.SAME)
    if same.is_empty():
        return found(decisions)
    before = found(decisions.filter(pl.col("decision") != clustering.SAME), lonely=False).clusters
    touched = before.join(
        pl.concat([same.select(identity="identity_a"), same.select(identity="identity_b")]),
        on="identity",
        how="semi",
    )
    held = (
        before.join(touched.select("cluster").unique(), on="cluster", how="semi")
        .select(pl.col("cluster").alias("identity_a"), pl.col("identity").alias("identity_b"))
        .filter(pl.col("identity_a") != pl.col("identity_b"))
        .sort("identity_a", "identity_b")
    )
    return found(decisions, held)


def assign_person_ids(
    linkage: Linkage, registry: pl.DataFrame | None, corrected: pl.DataFrame | None = None
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return people.record_person, the new registry, and the log of merges, splits, corrections.

    `registry` has `identity, person_id, former_ids`, as returned by an earlier call; None at first.
    `corrected` is as from `corrections.carried`.
    """
    ids, renewed, log = registers.assign(
        linkage.record_cluster.select("identity", "cluster").unique(),
        registry,
        linkage.role,
        corrected,
    )
    records = linkage.record_cluster.join(ids, on="identity", maintain_order="left")
    return tables.conform(records, tables.RECORD_PERSON), renewed, log


def assign_at_threshold(linkage: Linkage, threshold: float) -> pl.DataFrame:
    """Return `dataset, file, row, role, record_id, cluster` at another match weight.

    Same pairs, constraints and decisions; nothing is scored again. For showing how counts and the
    prevalence estimate move with the linkage.
    """
    done = _clustered(
        linkage.identities,
        linkage.evidence,
        threshold,
        LinkageSettings().strict_threshold,
        linkage.decisions,
        linkage.learnt,
    )
    return (
        linkage.record_cluster.drop("cluster")
        .join(done.clusters, on="identity", maintain_order="left")
        .select(*ROW_KEY, "record_id", "cluster")
    )


def loose_links(
    record_cluster: pl.DataFrame, links: pl.DataFrame, threshold: float
) -> pl.DataFrame:
    """Return the links below the threshold that clusters can't do without (`explain.trees`).

    A lone record whose one candidate falls short joins by such a link. Those that people decided
    are left out. Columns `cluster, identity_a, identity_b, match_weight`.
    """
    decided = links.filter(pl.col("decision") == clustering.CLERICAL)
    return (
        trees(record_cluster, links)
        .filter(pl.col("match_weight") < threshold)
        .join(decided, on=["identity_a", "identity_b"], how="anti")
        .sort("match_weight", "identity_a", "identity_b")
    )


def oversize(
    identities: pl.DataFrame, clusters: pl.DataFrame, loose: pl.DataFrame, threshold: float
) -> pl.DataFrame:
    """Return clusters that a person should look at, with the reason in words.

    Columns `cluster, identities, records, reason`. `loose` is as from `loose_links`.
    """
    weakest = loose.group_by("cluster").agg(pl.col("match_weight").min().alias("weakest"))
    summary = (
        clusters.join(identities, on="identity")
        .group_by("cluster")
        .agg(
            pl.len().cast(pl.Int64).alias("identities"),
            pl.col("records").sum().cast(pl.Int64),
            pl.col("dob").drop_nulls().n_unique().alias("births"),
            pl.col("nhs_sure").drop_nulls().n_unique().alias("nhs"),
            pl.col("upn").drop_nulls().n_unique().alias("upns"),
            pl.col("fore_first").drop_nulls().n_unique().alias("forenames"),
        )
        .join(weakest, on="cluster", how="left")
    )
    why = pl.concat_str(
        pl.when(pl.col("nhs") > 1).then(pl.lit("several NHS numbers")),
        pl.when(pl.col("upns") > 1).then(pl.lit("several UPNs")),
        pl.when(pl.col("births") > 2).then(pl.lit("more than two dates of birth")),
        pl.when((pl.col("identities") >= OVERSIZE) & (pl.col("forenames") > 3)).then(
            pl.lit("many identities and forenames")
        ),
        pl.when(pl.col("weakest").is_not_null()).then(
            pl.format(
                "held loosely: by a link of match weight {}, below the threshold of "
                f"{threshold:g}",
                pl.col("weakest").round(1),
            )
        ),
        separator=", ",
        ignore_nulls=True,
    )
    return (
        summary.with_columns(why.alias("reason"))
        .filter(pl.col("reason") != "")
        .select("cluster", "identities", "records", "reason")
        .sort("records", "cluster", descending=[True, False])
    )


def unlinkable(identities: pl.DataFrame, record_cluster: pl.DataFrame) -> pl.DataFrame:
    """Return, by dataset, how many records hold too little to be linked and how many stayed alone.

    Columns `dataset, records, too_little, alone`. Too little: not `identities.enough`.
    """
    held = identities.select("identity", (~enough("fore", "sur")).alias("too_little"))
    size = record_cluster.group_by("cluster").len("size")
    return (
        record_cluster.join(held, on="identity")
        .join(size, on="cluster")
        .group_by("dataset")
        .agg(
            pl.len().cast(pl.Int64).alias("records"),
            pl.col("too_little").sum().cast(pl.Int64),
            (pl.col("size") == 1).sum().cast(pl.Int64).alias("alone"),
        )
        .sort("dataset")
    )
