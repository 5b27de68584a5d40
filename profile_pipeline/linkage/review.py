"""The clerical review queue: the pairs whose answer would tell most, first."""

import polars as pl

from profile_pipeline.linkage.clusters import BELOW, IMPLIED, JOINED, REFUSED, TAKES_BACK, Clusterer
from profile_pipeline.plan.settings import LinkageSettings

FIELDS = (
    "forename", "surname", "other_names", "dob", "sex", "postcode", "nhs", "upn", "local_ids",
    # Shown where there is no postcode or date of birth, as weights rest on them then.
    "sector", "born_from", "born_to",
)  # fmt: skip


def words(pairs: pl.DataFrame) -> pl.DataFrame:
    """Add `speaks_for` and `speaks_against`: the levels of each comparison, with match weights.

    What takes back part of what speaks for a pair stands beside it.
    """
    names = [
        column.removeprefix("level_") for column in pairs.columns if column.startswith("level_")
    ]

    def said(sign: int) -> pl.Expr:
        parts = []
        for name in names:
            weight = pl.col(f"weight_{name}")
            side = weight.abs() if name in TAKES_BACK else weight
            parts.append(
                pl.when(side * sign > 0).then(
                    pl.concat_str(
                        pl.col(f"level_{name}"),
                        pl.when(weight > 0).then(pl.lit(" (+")).otherwise(pl.lit(" (")),
                        weight.round(1).cast(pl.String),
                        pl.lit(")"),
                    )
                )
            )
        return pl.concat_str(parts, separator="; ", ignore_nulls=True)

    return pairs.with_columns(said(1).alias("speaks_for"), said(-1).alias("speaks_against"))


SUSPECT_SHARE = 0.2  # of the queue that suspects may take, after all children
_ANOTHER = " (another record)"
_SHOWN_BESIDE = {
    "forename": "forename", "dob": "date of birth", "nhs": "NHS number", "upn": "UPN",
}  # fmt: skip
REACHES = "together they show {least} indicators or more, apart neither does"
TOUCHES = "one of them, or both together, is in the priority cohort"
HOLDS = "a person is held together by this link, which is below the threshold"
DECIDED = "decided to be different people"  # as `clusters.Clusterer.refusal` says it
WEAK = "joined, but below the weight that needs no doubt"
THROUGH_OTHERS = "joined through other records; of the links between the two parts the strongest"


def queue(
    identities: pl.DataFrame,
    clusters: pl.DataFrame,
    links: pl.DataFrame,
    settings: LinkageSettings,
    shown: pl.DataFrame | None = None,
    cohort_from: int = 0,
    loose: pl.DataFrame | None = None,
    answered: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the pairs for a person to decide, most telling first, at most `review_limit`.

    Pairs that were refused, that fell short of the threshold but not of `review_from` (one pair for
    each two clusters), or that were joined with less weight than `strict_threshold`. They are taken
    in this order:

    1. pairs whose persons, taken together, show `cohort_from` indicators or more, and apart do not:
       the answer puts a child in the priority cohort or leaves it out;
    2. links below the threshold that a person is held together by;
    3. the rest, by how likely the linkage is to have decided wrongly (a quarter where a rule held
       apart what agreed) times the order of magnitude of the records that would move, twice as much
       for pairs that touch that cohort, as false merges gather there;
    4. pairs that fell short and that a rule forbids besides: they hardly need a person.

    Those taken stand with the pairs that touch the cohort first.

    Columns `identity_a, identity_b, match_weight, decision, reason, speaks_for, speaks_against,
    records, in_cohort, matters` (why it comes early, in words), each field of the identities as
    `<field>_a`, `<field>_b`, and `beside_a`, `beside_b`: what all records of either person give,
    with counts of records. A number that the identity lacks is that of another record, and says so.

    Args:
        identities: distinct identities.
        clusters: `identity, cluster`.
        links: the scored pairs with their levels, `decision` and `reason`.
        settings: settings of the linkage.
        shown: `identity, indicator`, what the identities' records show; None where not known.
        cohort_from: indicators from which a person is in the priority cohort.
        loose: `identity_a, identity_b` of the links below the threshold that hold a person.
        answered: `identity_a, identity_b` of pairs decided already, which aren't asked again.
    """
    both = ["identity_a", "identity_b"]
    no_pair = links.select(both).clear()
    holding = (no_pair if loose is None else loose.select(both)).with_columns(
        pl.lit(True).alias("holds")
    )
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
    placed = (
        links.join(a, on="identity_a")
        .join(b, on="identity_b")
        .join(holding, on=both, how="left")
        .with_columns(pl.col("holds").fill_null(False))
    )
    apart = pl.col("cluster_a") != pl.col("cluster_b")
    # What people decided of two persons is not asked again by another pair of their records.
    decided = (pl.col("reason") == DECIDED).fill_null(False)
    refused = apart & (pl.col("decision") == REFUSED) & ~decided
    short = apart & (pl.col("decision") == BELOW)
    weak = (pl.col("decision") == JOINED) & (pl.col("match_weight") < settings.strict_threshold)
    open_pairs = placed.filter(
        refused
        | (short & (pl.col("match_weight") >= settings.review_from))
        | weak
        | pl.col("holds")
    ).with_columns(
        pl.when(weak)
        .then(pl.concat_str(pl.lit(WEAK), "reason", separator=": ", ignore_nulls=True))
        .when(pl.col("holds") & (pl.col("decision") == IMPLIED))
        .then(pl.lit(THROUGH_OTHERS))
        .otherwise("reason")
        .alias("reason")
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
        .join(no_pair if answered is None else answered.select(both), on=both, how="anti")
        .with_columns(_telling().alias("telling"))
    )
    chosen = (
        chosen.join(
            _many_indicators(chosen, clusters, shown, cohort_from),
            on=["identity_a", "identity_b"],
            how="left",
        )
        .with_columns(
            pl.col("in_cohort", "reaches").fill_null(False),
            _forbidden(chosen, identities, clusters).alias("forbidden"),
        )
        .with_columns(
            (pl.col("telling") * pl.when("in_cohort").then(2.0).otherwise(1.0)).alias("telling"),
            pl.col("forbidden").is_not_null().alias("hardly"),
        )
        .sort(
            "hardly", "reaches", "holds", "telling", *both,
            descending=[False, True, True, True, False, False],
        )
        .head(settings.review_limit)
        .sort(
            "hardly", "reaches", "in_cohort", "holds", "telling", *both,
            descending=[False, True, True, True, True, False, False],
        )
        .with_columns(
            pl.coalesce("reason", "forbidden").alias("reason"),
            pl.concat_str(
                pl.when("holds").then(pl.lit(HOLDS)),
                pl.when("reaches")
                .then(pl.lit(REACHES.format(least=cohort_from)))
                .when("in_cohort")
                .then(pl.lit(TOUCHES)),
                separator="; ",
                ignore_nulls=True,
            ).alias("matters")
        )
    )  # fmt: skip
    fields = identities.select("identity", *FIELDS)
    touched = pl.concat([chosen["cluster_a"], chosen["cluster_b"]]).unique()
    beside = _beside(identities, clusters.filter(pl.col("cluster").is_in(touched.implode())))
    for side in "ab":
        frame = fields.rename(
            {"identity": f"identity_{side}", **{f: f"{f}_{side}" for f in FIELDS}}
        )
        chosen = chosen.join(frame, on=f"identity_{side}", how="left", maintain_order="left").join(
            beside.select(
                pl.col("cluster").alias(f"cluster_{side}"),
                *(pl.col(name).alias(f"{name}_beside") for name in ("nhs", "upn")),
                pl.col("beside").alias(f"beside_{side}"),
            ),
            on=f"cluster_{side}",
            how="left",
            maintain_order="left",
        )  # fmt: skip
        chosen = chosen.with_columns(
            pl.when(apart & pl.col(f"{name}_{side}").is_null())
            .then(pl.col(f"{name}_beside") + _ANOTHER)
            .otherwise(f"{name}_{side}")
            .alias(f"{name}_{side}")
            for name in ("nhs", "upn")
        ).drop("nhs_beside", "upn_beside")
    return words(chosen).select(
        "identity_a", "identity_b", "match_weight", "decision", "reason", "speaks_for",
        "speaks_against", "records", "in_cohort", "matters",
        *(f"{f}_{side}" for f in FIELDS for side in "ab"), "beside_a", "beside_b",
    )  # fmt: skip


def suspects_room(suspects: int, limit: int) -> int:
    """Return how many of the queue's pairs are suspects', of so many that could be asked."""
    return min(suspects, int(limit * SUSPECT_SHARE))


def together(children: pl.DataFrame, suspects: pl.DataFrame, limit: int) -> pl.DataFrame:
    """Return one queue: children first, then suspects up to SUSPECT_SHARE of the limit."""
    room = suspects_room(suspects.height, limit)
    return pl.concat([children.head(limit - room), suspects.head(room)], how="diagonal_relaxed")


def _forbidden(pairs: pl.DataFrame, identities: pl.DataFrame, clusters: pl.DataFrame) -> pl.Series:
    """Return why a rule would part the persons of pairs that fell short; null where none would."""
    work = Clusterer(identities)
    for cluster, identity in clusters.select("cluster", "identity").sort("identity").iter_rows():
        if cluster in work.index:
            work.join(work.index[cluster], work.index[identity])
    said = [
        work.refusal(work.index[a], work.index[b]) if decision == BELOW else None
        for a, b, decision in pairs.select("identity_a", "identity_b", "decision").iter_rows()
    ]
    return pl.Series(said, dtype=pl.String)


def _telling() -> pl.Expr:
    """How likely the linkage is to be wrong, times the order of magnitude of the records."""
    chance = 1 / (1 + 2 ** (-pl.col("match_weight")))
    wrong = (
        pl.when(pl.col("decision") == REFUSED)
        .then(0.25)
        .when(pl.col("decision") == JOINED)
        .then(1 - chance)
        .otherwise(chance)
    )
    return (wrong * (1 + pl.col("records")).log(2)).round(6)


def _beside(identities: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """Return `cluster, nhs, upn` (given most) and `beside`: all that its records give, counted."""
    whole = clusters.join(identities, on="identity")
    told = pl.concat(
        whole.select(
            "cluster",
            pl.lit(order, dtype=pl.Int64).alias("order"),
            pl.lit(field).alias("field"),
            pl.lit(label).alias("label"),
            pl.col(field).alias("value"),
            "records",
        )
        for order, (field, label) in enumerate(_SHOWN_BESIDE.items())
    ).drop_nulls("value")
    counted = (
        told.group_by("cluster", "order", "field", "label", "value")
        .agg(pl.col("records").sum())
        .sort("cluster", "order", "records", "value", descending=[False, False, True, False])
    )
    day = pl.col("value").str.replace(r"^(\d{4})(\d{2})(\d{2})$", "$1-$2-$3")
    text = pl.when(pl.col("field") == "dob").then(day).otherwise("value")
    by_field = counted.group_by("cluster", "order", "label", maintain_order=True).agg(
        pl.format("{} ({})", text, "records").str.join(", ").alias("values")
    )
    said = by_field.group_by("cluster", maintain_order=True).agg(
        pl.format("{}: {}", "label", "values").str.join("\n").alias("beside")
    )
    most = counted.group_by("cluster", "field", maintain_order=True).agg(pl.col("value").first())
    for name in ("nhs", "upn"):
        found = most.filter(pl.col("field") == name).select("cluster", pl.col("value").alias(name))
        said = said.join(found, on="cluster", how="left", maintain_order="left")
    return said


def _many_indicators(
    pairs: pl.DataFrame, clusters: pl.DataFrame, shown: pl.DataFrame | None, cohort_from: int
) -> pl.DataFrame:
    """Return `identity_a, identity_b, in_cohort, reaches`.

    `in_cohort`: the pair's persons together show so many indicators; `reaches`: and neither alone.
    """
    both = ["identity_a", "identity_b"]
    if shown is None:
        never = pl.lit(False)
        return pairs.select(*both, never.alias("in_cohort"), never.alias("reaches"))
    of_cluster = shown.join(clusters, on="identity").select("cluster", "indicator").unique()
    sides = [
        pairs.select(*both, pl.col(side).alias("cluster")).join(of_cluster, on="cluster")
        for side in ("cluster_a", "cluster_b")
    ]
    each = pl.col("indicator").filter(pl.col("cluster") == pl.col("cluster").max()).n_unique()
    other = pl.col("indicator").filter(pl.col("cluster") == pl.col("cluster").min()).n_unique()
    many = pl.col("indicator").n_unique() >= cohort_from
    return (
        pl.concat(sides)
        .group_by(both)
        .agg(
            many.alias("in_cohort"),
            (many & (each < cohort_from) & (other < cohort_from)).alias("reaches"),
        )
    )
