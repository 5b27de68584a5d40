"""Frames of the clerical review that are made of the linkages of all roles, and of decisions."""

import polars as pl

from profile_pipeline import tables
from profile_pipeline.linkage import decisions as clerical
from profile_pipeline.linkage.clusters import IMPLIED, JOINED, cluster
from profile_pipeline.linkage.decisions import PAIR
from profile_pipeline.linkage.persons import Linkage
from profile_pipeline.linkage.review import suspects_room, together
from profile_pipeline.plan.settings import LinkageSettings

NOT_ASKED = " (not in the review queue, which is full)"


def evidence(linkages: list[Linkage], settings: LinkageSettings) -> pl.DataFrame:
    """Return the scored pairs of all roles, with what the linkage by itself makes of each."""
    parts = []
    for linkage in linkages:
        links = linkage.links
        if linkage.decisions is not None:
            links = cluster(
                linkage.identities,
                linkage.evidence,
                threshold=linkage.threshold,
                strict=settings.strict_threshold,
                learnt=linkage.learnt,
            ).links
        by_itself = links.select(*PAIR, pl.col("decision").is_in([JOINED, IMPLIED]).alias("linked"))
        parts.append(
            linkage.evidence.join(
                by_itself, on=PAIR, how="left", maintain_order="left"
            ).with_columns(pl.lit(linkage.role).alias("role"))
        )
    return pl.concat(parts, how="diagonal_relaxed").sort(
        "match_weight", *PAIR, descending=[True, False, False]
    )


def decision_states(linkages: list[Linkage], states: list[pl.DataFrame]) -> pl.DataFrame:
    """Return people.decision: every decision with its state, of whichever role, or of nobody now.

    Args:
        linkages: the linkages of all roles.
        states: for each of them the decisions as they stood before (`decisions.effective`).
    """
    found = []
    for linkage, before in zip(linkages, states, strict=True):
        refused = linkage.contradictions.select(
            pl.col("identity_a").alias("applied_a"),
            pl.col("identity_b").alias("applied_b"),
            pl.lit(True).alias("refused"),
        )
        refused = pl.concat(
            [
                refused,
                refused.select(
                    pl.col("applied_b").alias("applied_a"),
                    pl.col("applied_a").alias("applied_b"),
                    "refused",
                ),
            ]
        ).unique()
        found.append(
            before.join(refused, on=["applied_a", "applied_b"], how="left")
            .with_columns(
                pl.when(pl.col("refused").fill_null(False))
                .then(pl.lit(clerical.CONTRADICTS))
                .otherwise("state")
                .alias("state")
            )
            .drop("refused")
        )
    every = pl.concat(found).unique(maintain_order=True)
    own = [name for name in clerical.SCHEMA if name != "superseded"]
    applies = pl.col("state").is_in([clerical.COUNTS])
    # A decision about children is lost among suspects, and the other way round.
    somewhere = every.filter(~pl.col("state").is_in([clerical.LOST])).select(own).unique()
    gone = pl.col("state") == clerical.LOST
    kept = pl.concat(
        [every.filter(~gone), every.filter(gone).join(somewhere, on=own, how="anti")]
    ).unique()
    return tables.conform(kept, tables.DECISION).sort(
        applies, *own, "state", "applied_a", "applied_b", descending=[True, *[False] * 10]
    )


def contradictions(states: pl.DataFrame) -> pl.DataFrame:
    """Return the decisions that contradict others: both identities, who, when, source."""
    return states.filter(pl.col("state") == clerical.CONTRADICTS).select(
        *PAIR, "decision", "who", "decided_on", "source"
    )


def review_queue(
    linkages: list[Linkage],
    answered: pl.DataFrame,
    settings: LinkageSettings,
    indicators: pl.DataFrame | None,
    cohort_from: int,
) -> pl.DataFrame:
    """Return the pairs to decide: children's by what hangs on them, then a share of suspects.

    Args:
        linkages: the linkages of all roles.
        answered: `identity_a, identity_b` of pairs decided already, which aren't asked again.
        settings: settings of the linkage.
        indicators: key of a record and `indicator`, those that place a child in the priority
            cohort; None where not known.
        cohort_from: indicators from which a child is in it.
    """
    queues: dict[str, pl.DataFrame] = {}
    room = 0  # children's links below the threshold come in whatever room suspects take
    for one in sorted(linkages, key=lambda each: each.role != "suspect"):
        told = None
        if indicators is not None and one.role == "child":
            held = one.record_cluster.join(indicators, on=tables.SUBJECT_KEY)
            told = held.select("identity", "indicator").unique()
        # Pairs decided already leave the queue, and others take their place.
        narrower = settings.model_copy(update={"review_limit": settings.review_limit - room})
        queues[one.role] = one.queue(narrower, told, cohort_from, answered).with_columns(
            pl.lit(one.role).alias("role")
        )
        if one.role == "suspect":
            room = suspects_room(queues[one.role].height, settings.review_limit)
    others = [queues[one.role] for one in linkages if one.role != "suspect"]
    return together(
        pl.concat(others, how="diagonal_relaxed"), queues["suspect"], settings.review_limit
    )


def oversize(linkage: Linkage, queue: pl.DataFrame, answered: pl.DataFrame) -> pl.DataFrame:
    """Return people.oversize of a role, saying which loosely held persons nobody is asked about."""
    asked = pl.concat([queue.select(PAIR), answered.select(PAIR)])
    left_out = linkage.loose.join(asked, on=PAIR, how="anti")["cluster"].unique()
    return linkage.oversize.with_columns(
        pl.when(pl.col("cluster").is_in(left_out.implode()))
        .then(pl.col("reason") + NOT_ASKED)
        .otherwise("reason")
        .alias("reason"),
        pl.lit(linkage.role).alias("role"),
    )
