"""The pairs drawn for the accuracy estimate, over all and by ethnic group, and when to stop."""

import polars as pl

from profile_pipeline import tables
from profile_pipeline.linkage import decisions as clerical
from profile_pipeline.linkage.accuracy import estimate, sample_pairs
from profile_pipeline.linkage.clusters import BELOW, DIFFERENT, JOINED, SAME
from profile_pipeline.linkage.decisions import PAIR
from profile_pipeline.linkage.fairness import ENOUGH, ethnic_category
from profile_pipeline.linkage.persons import Linkage
from profile_pipeline.linkage.review import FIELDS
from profile_pipeline.plan.settings import LinkageSettings

STOPS = (25, 50, 100, 150, 200, 300)  # pairs of the sample after which one may stop
SPARE = 5  # pairs drawn for a group beyond those its figure needs, as some can't be told


def review_sample(
    linkage: Linkage, evidence: pl.DataFrame, answered: pl.DataFrame, settings: LinkageSettings
) -> pl.DataFrame:
    """Return the pairs of children to decide for the accuracy estimate, those decided left out.

    The order may be stopped at any point. Weights are with it for the estimate, not for the reader.
    """
    pairs = _as_links(evidence)
    wanted = settings.review_sample + answered.height
    drawn = (
        sample_pairs(pairs, wanted, settings.seed)
        .join(answered, on=PAIR, how="anti", maintain_order="left")
        .head(settings.review_sample)
    )
    return _with_fields(drawn, linkage)


def review_groups(
    linkage: Linkage,
    subjects: pl.DataFrame,
    evidence: pl.DataFrame,
    sample: pl.DataFrame,
    states: pl.DataFrame,
    settings: LinkageSettings,
) -> pl.DataFrame:
    """Return further pairs to decide, so that every ethnic group can have a figure of its own.

    Drawn within a group as the sample is among all, for groups of which the sample and decisions
    on samples hold fewer than ENOUGH pairs. Columns as the sample's, and `drawn_for`.
    """
    pairs = _as_links(evidence)
    of_cluster = (
        linkage.record_cluster.join(subjects, on=tables.SUBJECT_KEY)
        .with_columns(ethnic_category().alias("group"))
        .filter(pl.col("group") != tables.NOT_RECORDED)
        .group_by("cluster", "group")
        .len()
        .sort("cluster", "len", "group", descending=[False, True, False])
        .unique("cluster", keep="first", maintain_order=True)
    )
    of_identity = (
        linkage.record_cluster.select("identity", "cluster")
        .unique()
        .join(of_cluster, on="cluster")
        .select("identity", "group")
    )
    member = pl.concat(
        pairs.select(PAIR)
        .join(of_identity.rename({"identity": side}), on=side)
        .select(*PAIR, "group")
        for side in PAIR
    ).unique()
    decided = clerical.of_sample(states, (clerical.SAMPLE_SHEET, clerical.GROUPS_SHEET))
    taken = pl.concat([sample.select(PAIR), decided.select(PAIR)]).unique()
    answered = clerical.to_apply(states).select(PAIR)
    parts = [sample.clear().with_columns(pl.lit(None, dtype=pl.String).alias("drawn_for"))]
    groups: list[str] = member["group"].unique().sort().to_list()
    for group in groups if settings.review_sample else []:
        inside = member.filter(pl.col("group") == group).select(PAIR)
        wanted = ENOUGH + SPARE - inside.join(taken, on=PAIR, how="semi").height
        if wanted <= 0:
            continue
        own = pairs.join(inside, on=PAIR, how="semi")
        drawn = (
            sample_pairs(own, wanted + taken.height + answered.height, settings.seed)
            .join(pl.concat([taken, answered]), on=PAIR, how="anti", maintain_order="left")
            .head(wanted)
        )
        taken = pl.concat([taken, drawn.select(PAIR)])
        parts.append(_with_fields(drawn, linkage).with_columns(pl.lit(group).alias("drawn_for")))
    return pl.concat(parts)


def review_stopping(
    evidence: pl.DataFrame, sample: pl.DataFrame, states: pl.DataFrame, seed: int
) -> pl.DataFrame:
    """Return the estimate's limits by pairs of the sample decided, if all agree with it.

    Columns `pairs, precision_lower, precision_upper, recall_lower, recall_upper`; decisions there
    already count.
    """
    links, known = _as_links(evidence), clerical.of_sample(states)
    agreed = sample.select(
        *PAIR,
        pl.when("linked").then(pl.lit(SAME)).otherwise(pl.lit(DIFFERENT)).alias("decision"),
    )
    rows = []
    for pairs in (count for count in STOPS if count <= sample.height):
        answers = pl.concat([known.select(agreed.columns), agreed.head(pairs)])
        figure = estimate(links, answers, seed)
        limits = [
            limit
            for name in ("precision", "recall")
            for limit in (figure[name].lower, figure[name].upper)
        ]
        rows.append((pairs, *limits))
    names = ("precision_lower", "precision_upper", "recall_lower", "recall_upper")
    schema = {"pairs": pl.Int64, **dict.fromkeys(names, pl.Float64)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _as_links(evidence: pl.DataFrame) -> pl.DataFrame:
    """Return the scored pairs of children as the linkage by itself decides them."""
    by_itself = pl.when("linked").then(pl.lit(JOINED)).otherwise(pl.lit(BELOW))
    return evidence.filter(pl.col("role") == "child").select(
        *PAIR, "match_weight", by_itself.alias("decision")
    )


def _with_fields(pairs: pl.DataFrame, linkage: Linkage) -> pl.DataFrame:
    """Return the pairs with what either identity says."""
    fields = linkage.identities.select("identity", *FIELDS)
    for side in "ab":
        named = fields.rename(
            {"identity": f"identity_{side}", **{f: f"{f}_{side}" for f in FIELDS}}
        )
        pairs = pairs.join(named, on=f"identity_{side}", how="left", maintain_order="left")
    return pairs
