"""Suspects beside one another and beside children: who may be one person, and is treated as two.

Nothing here joins anybody. Suspects under 18 stand apart, because a child who harms is often a
child who is harmed; both tables are restricted.
"""

from pathlib import Path

import polars as pl

from profile_pipeline import tables
from profile_pipeline.ages import age_on
from profile_pipeline.linkage import learnt as learning
from profile_pipeline.linkage import model as scoring
from profile_pipeline.linkage.clusters import CLERICAL, IMPLIED, JOINED, Clusterer
from profile_pipeline.linkage.identities import enough
from profile_pipeline.linkage.persons import SUSPECT_CAUTION, Linkage, connected
from profile_pipeline.linkage.review import words
from profile_pipeline.linkage.shared import SHARED
from profile_pipeline.plan.settings import LinkageSettings
from profile_pipeline.tables import SUBJECT_KEY

PAIR = ["identity_a", "identity_b"]
ADULT = 18  # years
FITS = 2  # named suspects of one nickname; a nickname of more points at nobody
STRONGLY = -3.0  # match weight (bits) of a comparison from which it speaks strongly against
SEEN = "seen at premises of the same name (not weighed)"
SURE, POSSIBLE = "the same person", "possibly the same person"
_OF_SUSPECTS = ("aliases", "cases", "premises")
_ROLE = "suspect "  # before a suspect's identity, as a child's may say the very same


def possible_same_person(
    suspects: Linkage,
    record_person: pl.DataFrame,
    settings: LinkageSettings,
    around: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return people.possible_same_person: suspects who may be one person but are kept apart.

    One row for two persons, by the pair of their records that agrees best, from a match weight of
    `review_from` up (log2), and below it where a record without a name has the nickname of at most
    FITS named suspects. Those that people decided to be different are left out.

    Args:
        suspects: the linkage of suspects.
        record_person: people.record_person of suspects.
        settings: settings of the linkage.
        around: the premises that rows name (`circumstances.circumstances`); None where not known.
    """
    place = suspects.record_cluster.join(
        record_person.select(*SUBJECT_KEY, "person_id"), on=SUBJECT_KEY
    )
    person = place.select("identity", "person_id").unique()
    by_nickname = _nickname_alone(suspects, person).with_columns(pl.lit(True).alias("nickname"))
    apart = (
        _seen_together(words(suspects.evidence), suspects, around)
        .join(suspects.links.select(*PAIR, "decision", "reason"), on=PAIR)
        .join(by_nickname, on=PAIR, how="left")
        .filter(
            ~pl.col("decision").is_in([JOINED, IMPLIED, CLERICAL]),
            (pl.col("match_weight") >= settings.review_from) | pl.col("nickname"),
        )
        .join(person.rename({"identity": "identity_a", "person_id": "a"}), on="identity_a")
        .join(person.rename({"identity": "identity_b", "person_id": "b"}), on="identity_b")
        .filter(pl.col("a") != pl.col("b"))
    )
    turned = pl.col("a") > pl.col("b")
    pairs = (
        apart.with_columns(
            pl.min_horizontal("a", "b").alias("person_a"),
            pl.max_horizontal("a", "b").alias("person_b"),
            pl.when(turned).then("identity_b").otherwise("identity_a").alias("identity_a"),
            pl.when(turned).then("identity_a").otherwise("identity_b").alias("identity_b"),
            pl.col("reason").fill_null("too little evidence").alias("why_apart"),
        )
        .sort("match_weight", *PAIR, descending=[True, False, False])
        .unique(["person_a", "person_b"], keep="first", maintain_order=True)
    )
    return tables.conform(pairs, tables.POSSIBLE_SAME_PERSON)


def _nickname_alone(suspects: Linkage, person: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs of a record without a name and a named suspect of the same nickname.

    Only where the nickname is that of at most FITS named suspects, and nothing speaks strongly
    against. Columns `identity_a, identity_b`.
    """
    weights = [name for name in suspects.evidence.columns if name.startswith("weight_")]
    if "level_alias" not in suspects.evidence.columns:
        return suspects.evidence.select(PAIR).clear()
    named = (pl.col("fore").is_not_null() & pl.col("sur").is_not_null()).alias("named")
    told = suspects.identities.select("identity", named).join(person, on="identity")
    told = told.with_columns(pl.col("named").any().over("person_id"))
    pairs = suspects.evidence.filter(
        pl.col("level_alias") == SHARED["alias"][1],
        pl.all_horizontal(pl.col(name).fill_null(0.0) >= STRONGLY for name in weights),
    ).select(PAIR)
    for side, letter in zip(PAIR, "ab", strict=True):
        pairs = pairs.join(
            told.select(
                pl.col("identity").alias(side),
                pl.col("named").alias(f"named_{letter}"),
                pl.col("person_id").alias(f"person_{letter}"),
            ),
            on=side,
        )
    one = pl.col("named_a") != pl.col("named_b")
    alone, fits = (
        pl.when(pl.col("named_a") == wanted).then("person_a").otherwise("person_b")
        for wanted in (False, True)
    )
    return (
        pairs.filter(one)
        .with_columns(alone.alias("alone"), fits.alias("fits"))
        .filter(pl.col("fits").n_unique().over("alone") <= FITS)
        .select(PAIR)
    )


def _seen_together(
    pairs: pl.DataFrame, suspects: Linkage, around: pl.DataFrame | None
) -> pl.DataFrame:
    """Return the pairs in words, with premises of one name that both were seen at told beside."""
    if around is None or "premises_names" not in around.columns:
        return pairs
    seen = (
        suspects.record_cluster.join(around, on=["dataset", "file", "row"])
        .select("identity", pl.col("premises_names").alias("seen"))
        .explode("seen")
        .drop_nulls("seen")
        .unique()
    )
    both = seen.rename({"identity": "identity_a"}).join(
        seen.rename({"identity": "identity_b"}), on="seen"
    )
    shared = both.select(PAIR).unique().with_columns(pl.lit(SEEN).alias("premises_alike"))
    registered = pl.col("speaks_for").fill_null("").str.contains(SHARED["premises"][1])
    return pairs.join(shared, on=PAIR, how="left", maintain_order="left").with_columns(
        pl.concat_str(
            pl.when(pl.col("speaks_for") != "").then("speaks_for"),
            pl.when(~registered).then("premises_alike"),
            separator="; ",
            ignore_nulls=True,
        ).alias("speaks_for")
    )


def cross_role(
    subjects: pl.DataFrame,
    children: Linkage,
    suspects: Linkage,
    record_person: pl.DataFrame,
    settings: LinkageSettings,
    key: bytes,
    model: Path | None = None,
    indicators: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return people.suspect_cross_role: suspects under 18, and those also recorded as a child.

    `under_18` (yes, no, not known) is by the youngest age that a record gives on its own date.
    A suspect is `the same person` as a child from the threshold of suspects up, where nothing
    forbids it and one child only fits; `possibly` so from `review_from`. Only suspects who hold
    enough to be linked and an age, date of birth or number are compared. The two remain two persons
    in every count.

    Args:
        subjects: records.subject.
        children: the linkage of children.
        suspects: the linkage of suspects.
        record_person: people.record_person of both.
        settings: settings of the linkage.
        key: key of the identity hashes.
        model: the children's saved model; None for default parameters.
        indicators: key of a record and `indicator`, over the whole period, with `counts` (in
            overlap) and `harm` (recorded as harmed) where these differ by indicator.
    """
    ages = _under_18(subjects, record_person)
    found = _also_children(children, suspects, settings, key, model)
    person = pl.concat(
        [
            one.record_cluster.join(record_person.select(*SUBJECT_KEY, "person_id"), on=SUBJECT_KEY)
            .select(pl.concat_str(pl.lit(before), "identity").alias("identity"), "person_id")
            .unique()
            for one, before in ((children, ""), (suspects, _ROLE))
        ]
    )
    named = (
        found.join(person, on="identity")
        .join(person.rename({"identity": "child", "person_id": "child_person_id"}), on="child")
        .sort("match_weight", "identity", "child", descending=[True, False, False])
        .unique(["person_id", "child_person_id"], keep="first", maintain_order=True)
    )
    # Two children that fit (twins, namesakes): neither is said to be the suspect.
    sure = (pl.col("match_weight") >= settings.threshold + SUSPECT_CAUTION) & (
        pl.len().over("person_id") == 1
    )
    counted = _counted(record_person, indicators)
    found = (
        ages.join(named, on="person_id", how="left")
        .filter((pl.col("under_18") == "yes") | pl.col("child_person_id").is_not_null())
        .with_columns(
            pl.when(pl.col("child_person_id").is_not_null())
            .then(pl.when(sure).then(pl.lit(SURE)).otherwise(pl.lit(POSSIBLE)))
            .alias("standing")
        )
        .join(counted, on="child_person_id", how="left")
        .sort("person_id", "match_weight", "child_person_id", descending=[False, True, False])
    )
    return tables.conform(found, tables.SUSPECT_CROSS_ROLE)


def _under_18(subjects: pl.DataFrame, record_person: pl.DataFrame) -> pl.DataFrame:
    """Return `person_id, under_18` of every suspect."""
    age = pl.coalesce(age_on(pl.col("date_of_birth"), pl.col("date")), "age_years").min()
    return (
        record_person.filter(pl.col("role") == "suspect")
        .select(*SUBJECT_KEY, "person_id")
        .join(subjects.select(*SUBJECT_KEY, "date", "date_of_birth", "age_years"), on=SUBJECT_KEY)
        .group_by("person_id")
        .agg(age.alias("age"))
        .select(
            "person_id",
            pl.when(pl.col("age") < ADULT)
            .then(pl.lit("yes"))
            .when(pl.col("age").is_not_null())
            .then(pl.lit("no"))
            .otherwise(pl.lit("not known"))
            .alias("under_18"),
        )
        .sort("person_id")
    )


def _also_children(
    children: Linkage,
    suspects: Linkage,
    settings: LinkageSettings,
    key: bytes,
    model: Path | None,
) -> pl.DataFrame:
    """Return pairs of a suspect's `identity` and a `child`'s that may be one person, in words."""
    nobody = pl.DataFrame(
        schema={
            "identity": pl.String, "child": pl.String, "match_weight": pl.Float64,
            "speaks_for": pl.String, "speaks_against": pl.String,
        }
    )  # fmt: skip
    known = children.identities
    told = pl.any_horizontal(pl.col("born_from", "nhs", "upn").is_not_null())
    oldest = known["born_from"].min()
    young = (
        pl.lit(True)
        if oldest is None
        else pl.col("born_to").is_null() | (pl.col("born_to") >= oldest)
    )
    # What suspects alone are compared by (circumstances.py) stays out: no child has it.
    asked = (
        suspects.identities.drop(_OF_SUSPECTS, strict=False)
        .filter(enough("fore", "sur"), told, young)
        .with_columns(pl.concat_str(pl.lit(_ROLE), "identity").alias("identity"))
    )
    alike = pl.any_horizontal(
        pl.col(name).is_in(asked[name].drop_nulls().unique().implode())
        for name in ("dob", "dob_swapped", "name_key", "sur_sound", "nhs", "upn")
    ).fill_null(False)
    candidates = known.filter(alike)
    if asked.is_empty() or candidates.is_empty():
        return nobody
    both = pl.concat([candidates, asked], how="diagonal_relaxed").sort("identity")
    pairs = scoring.score(
        connected(None), both, seed=settings.seed, from_weight=settings.review_from, model=model,
        key=key,
    )  # fmt: skip
    # A child's identity is a hash in hexadecimal, and so stands before a suspect's.
    pairs = pairs.filter(
        ~pl.col("identity_a").str.starts_with(_ROLE), pl.col("identity_b").str.starts_with(_ROLE)
    )
    judge = Clusterer(both, learning.known(model, both, key) or children.learnt)
    fits = [judge.refusal(judge.index[a], judge.index[b]) is None for a, b in pairs[PAIR].rows()]
    return (
        words(pairs)
        .filter(pl.Series(fits, dtype=pl.Boolean))
        .select(
            pl.col("identity_b").alias("identity"),
            pl.col("identity_a").alias("child"),
            *(name for name in nobody.columns if name not in ("identity", "child")),
        )
    )


def _counted(record_person: pl.DataFrame, indicators: pl.DataFrame | None) -> pl.DataFrame:
    """Return `child_person_id, indicators, harmed`: how many different ones each child shows."""
    if indicators is None:
        nothing = {"child_person_id": pl.String, "indicators": pl.Int64, "harmed": pl.String}
        return pl.DataFrame(schema=nothing)
    told = indicators.with_columns(
        pl.lit(value).alias(name)
        for name, value in (("counts", True), ("harm", False))
        if name not in indicators.columns
    )
    child = record_person.filter(pl.col("role") == "child").select(*SUBJECT_KEY, "person_id")
    harmed = pl.col("harm").fill_null(False).any()
    return (
        child.join(told, on=SUBJECT_KEY, how="left")
        .group_by(pl.col("person_id").alias("child_person_id"))
        .agg(
            pl.col("indicator")
            .filter(pl.col("counts").fill_null(False))
            .n_unique()
            .cast(pl.Int64)
            .alias("indicators"),
            pl.when(harmed).then(pl.lit("yes")).otherwise(pl.lit("no")).alias("harmed"),
        )
    )
