"""Whether the linkage serves all alike: accuracy and what can't be linked, by group.

Accuracy is told from decisions on a sample of pairs, without truth. It is that of the linkage by
itself, before people's decisions mend it, and of the pairs that are compared at all: links that no
block brings together are missed too, and are in no figure. A group
differs beyond chance when its 95% interval lies wholly on the worse side of everyone else's.
"""

from collections.abc import Iterator

import polars as pl

from profile_pipeline.linkage.accuracy import PAIR, Estimate, estimate
from profile_pipeline.linkage.clusters import BELOW, JOINED
from profile_pipeline.linkage.decisions import GROUPS_SHEET, SAMPLE_SHEET, of_sample
from profile_pipeline.tables import (
    LINKAGE_ACCURACY,
    NOT_RECORDED,
    SUBJECT_KEY,
    TOTAL,
    UNLINKABLE_SHARE,
    conform,
)

ENOUGH = 20  # decided pairs of a group below which its accuracy is not told
LEAST_DIFFERENCE = 1.0  # percentage points below which a difference is no finding
COHORT = "priority_cohort"
Z95 = 1.959963984540054
NONE_YET = (
    "not yet estimated: no pair of the sample has been decided"
    " (restricted/clerical_review.xlsx, sheet Sample)"
)


def wilson(count: pl.Expr, total: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Return the 95% limits of a share in percent (Wilson 1927); null without a denominator."""
    n = total.cast(pl.Float64)
    share, spread = count / n, 1 + Z95**2 / n
    centre = (share + Z95**2 / (2 * n)) / spread
    half = Z95 / spread * (share * (1 - share) / n + Z95**2 / (4 * n**2)).sqrt()
    some = pl.when(n > 0)
    return (
        some.then(100 * (centre - half).clip(0.0, 1.0)),
        some.then(100 * (centre + half).clip(0.0, 1.0)),
    )


def ethnic_category() -> pl.Expr:
    """The ethnic group with White split, from `ethnic_group` and `ethnicity_code`."""
    white = pl.col("ethnic_group") == "White"
    return (
        pl.when(white & (pl.col("ethnicity_code") == "WBRI"))
        .then(pl.lit("White British"))
        .when(white & pl.col("ethnicity_code").is_not_null())
        .then(pl.lit("White other"))
        .when(white)
        .then(pl.lit("White, not further recorded"))
        .otherwise(pl.col("ethnic_group"))
        .fill_null(NOT_RECORDED)
    )


def unlinkable_share(
    identity: pl.DataFrame,
    subject: pl.DataFrame,
    record_person: pl.DataFrame,
    looked_after: pl.DataFrame,
) -> pl.DataFrame:
    """Return people.unlinkable_share: records too bare to be linked, by group, with intervals.

    Groups are those the record itself gives, as nothing else is known of such a record; of a child
    who is looked after, whatever record says so. A bare record elsewhere can't be known for a
    looked-after child's, so all others are `not recorded` and hold some of theirs. Records of one
    person are no independent draws, so the limits are somewhat too narrow.

    Args:
        identity: people.identity.
        subject: records.subject.
        record_person: people.record_person.
        looked_after: records.looked_after.
    """
    cared_for = _looked_after(record_person, looked_after)
    held = subject.select(*SUBJECT_KEY, "sex", "ethnic_group", "ethnicity_code")
    person = record_person.select(*SUBJECT_KEY, "person_id")
    both = identity.join(held, on=SUBJECT_KEY, how="left")
    records = both.join(person, on=SUBJECT_KEY, how="left").with_columns(
        ethnic_category().alias("ethnic_group"),
        pl.col("sex").fill_null(NOT_RECORDED),
        pl.when(pl.col("role").is_in(["child", "suspect"]))
        .then("role")
        .otherwise(pl.lit("other"))
        .alias("role"),
        pl.when(pl.col("person_id").is_in(cared_for.implode())).then(pl.lit("yes"))
        .otherwise(pl.lit(NOT_RECORDED)).alias("looked_after"),
        pl.lit(TOTAL).alias(TOTAL),
    )  # fmt: skip
    parts = []
    for dimension in (TOTAL, "dataset", "ethnic_group", "sex", "looked_after"):
        told = pl.col("role") == "child" if dimension == "looked_after" else pl.lit(True)
        counts = (
            records.filter(told)
            .group_by("role", pl.col(dimension).alias("category"))
            .agg(
                pl.len().cast(pl.Int64).alias("records"),
                pl.col("too_little").sum().cast(pl.Int64),
                pl.col("alone").sum().cast(pl.Int64),
            )
            .with_columns(pl.lit(dimension).alias("dimension"))
        )
        parts.append(counts)
    counted = pl.concat(parts, how="diagonal").with_columns(
        *(
            (pl.col(name).sum().over("role", "dimension") - pl.col(name)).alias(f"rest_{name}")
            for name in ("records", "too_little")
        )
    )
    lower, upper = wilson(pl.col("too_little"), pl.col("records"))
    _, rest_upper = wilson(pl.col("rest_too_little"), pl.col("rest_records"))
    percent = 100 * pl.col("too_little") / pl.col("records")
    rest = 100 * pl.col("rest_too_little") / pl.col("rest_records")
    frame = counted.with_columns(
        percent.alias("percent"), lower.alias("lower"), upper.alias("upper")
    ).with_columns(
        (
            (pl.col("dimension") != TOTAL)
            & (pl.col("rest_records") > 0)
            & (pl.col("lower") > rest_upper)
            & (pl.col("percent") - rest >= LEAST_DIFFERENCE)
        )
        .fill_null(False)
        .alias("beyond_chance")
    )
    ordered = frame.with_columns(pl.col("percent", "lower", "upper").round(2)).sort(
        "role", "dimension", "category"
    )
    return conform(ordered, UNLINKABLE_SHARE)


def linkage_accuracy(
    evidence: pl.DataFrame,
    decision: pl.DataFrame,
    identity: pl.DataFrame,
    record_person: pl.DataFrame,
    person: pl.DataFrame,
    looked_after: pl.DataFrame,
    seed: int,
    cohort: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return people.linkage_accuracy: precision and recall of children's links, with intervals.

    A pair belongs to a group (the priority cohort among them, as false merges gather there) when
    either of its persons does, to a source when either identity has a record there. Without
    decisions every row says so; a group with fewer than ENOUGH decided pairs has no figure.

    Args:
        evidence: people.evidence (`linked`: by the linkage itself, without decisions).
        decision: people.decision; those on sheet Sample count, and for ethnic groups those on
            sheet Groups too.
        identity: people.identity.
        record_person: people.record_person.
        person: people.person.
        looked_after: records.looked_after.
        seed: seed of the draws behind the intervals.
        cohort: `person_id` of the priority cohort; None where it isn't known.
    """
    pairs = evidence.filter(pl.col("role") == "child").with_columns(
        pl.when("linked").then(pl.lit(JOINED)).otherwise(pl.lit(BELOW)).alias("decision")
    )
    answers, more = of_sample(decision), of_sample(decision, (SAMPLE_SHEET, GROUPS_SHEET))
    groups = _groups(identity, record_person, person, looked_after, cohort)
    rows = []
    for dimension, category, inside in _parts(pairs, groups):
        mine = pairs.join(inside, on=PAIR, how="semi") if inside is not None else pairs
        # The pairs drawn for a group are a sample of the group, and of nothing else.
        found = _estimates(mine, more if dimension == "ethnic_group" else answers, seed)
        others = pairs.join(mine, on=PAIR, how="anti")
        rest = _estimates(others, answers, seed) if inside is not None else None
        none = NONE_YET if answers.is_empty() and dimension in (TOTAL, COHORT) else None
        rows += [_row(dimension, category, name, mine, found, rest, none) for name in found]
    schema = LINKAGE_ACCURACY.polars_schema
    return conform(pl.DataFrame(rows, schema=schema, orient="row"), LINKAGE_ACCURACY)


def _parts(
    pairs: pl.DataFrame, groups: pl.DataFrame
) -> Iterator[tuple[str, str, pl.DataFrame | None]]:
    """Give each group's name and pairs; None for all of them."""
    yield TOTAL, TOTAL, None
    sides = [
        pairs.select(PAIR).join(groups.rename({"identity": side}), on=side)
        for side in PAIR
    ]  # fmt: skip
    member = pl.concat([frame.select("dimension", "category", *PAIR) for frame in sides]).unique()
    for dimension, category in (
        member.select("dimension", "category").unique().sort("dimension", "category").iter_rows()
    ):
        yield (
            dimension,
            category,
            member.filter(
                (pl.col("dimension") == dimension) & (pl.col("category") == category)
            ).select(PAIR),
        )


def _groups(
    identity: pl.DataFrame,
    record_person: pl.DataFrame,
    person: pl.DataFrame,
    looked_after: pl.DataFrame,
    cohort: pl.DataFrame | None,
) -> pl.DataFrame:
    """Return `identity, dimension, category` of every child's identity."""
    place = (
        identity.filter(pl.col("role") == "child")
        .select(*SUBJECT_KEY, "identity")
        .join(record_person.select(*SUBJECT_KEY, "person_id"), on=SUBJECT_KEY)
    )
    cared_for = _looked_after(place, looked_after)
    told = person.with_columns(
        ethnic_category().alias("ethnic_group"),
        pl.col("sex").fill_null(NOT_RECORDED),
        pl.when(pl.col("person_id").is_in(cared_for.implode()))
        .then(pl.lit("yes"))
        .otherwise(pl.lit("no"))
        .alias("looked_after"),
    ).select("person_id", "ethnic_group", "sex", "looked_after")
    of_person = (
        place.select("identity", "person_id")
        .unique()
        .join(told, on="person_id")
        .unpivot(
            index="identity",
            on=["ethnic_group", "sex", "looked_after"],
            variable_name="dimension",
            value_name="category",
        )
    )
    sources = place.select(
        "identity", pl.lit("source").alias("dimension"), pl.col("dataset").alias("category")
    )
    parts = [of_person, sources]
    if cohort is not None:
        members = place.join(cohort.select("person_id"), on="person_id", how="semi")
        parts.append(
            members.select(
                "identity", pl.lit(COHORT).alias("dimension"), pl.lit("yes").alias("category")
            )
        )
    return pl.concat(parts).unique().sort("identity", "dimension", "category")


def _looked_after(record_person: pl.DataFrame, looked_after: pl.DataFrame) -> pl.Series:
    """Return the children of whom some record says that they are looked after."""
    row = ["dataset", "file", "row"]
    of_child = record_person.filter(pl.col("role") == "child")
    return of_child.join(looked_after.select(row), on=row, how="semi")["person_id"].unique()


def _estimates(pairs: pl.DataFrame, answers: pl.DataFrame, seed: int) -> dict[str, Estimate | None]:
    """Return precision and recall; None each where too few pairs are decided."""
    links = pairs.select(*PAIR, "match_weight", "decision")
    decided = answers.join(links.select(PAIR), on=PAIR, how="semi")
    if len(decided) < ENOUGH:
        return {"precision": None, "recall": None}
    return dict(estimate(links, decided, seed))


def _row(
    dimension: str,
    category: str,
    measure: str,
    pairs: pl.DataFrame,
    found: dict[str, Estimate | None],
    rest: dict[str, Estimate | None] | None,
    none: str | None,
) -> tuple[object, ...]:
    mine = found[measure]
    if mine is None:
        note = none or f"fewer than {ENOUGH} pairs decided"
        return dimension, category, measure, None, None, None, 0, len(pairs), False, note
    other = rest[measure] if rest else None
    worse = other is not None and mine.upper < other.lower
    far = other is not None and 100 * (other.value - mine.value) >= LEAST_DIFFERENCE
    return (
        dimension, category, measure, mine.value, mine.lower, mine.upper, mine.reviewed,
        len(pairs), worse and far, None,
    )  # fmt: skip
