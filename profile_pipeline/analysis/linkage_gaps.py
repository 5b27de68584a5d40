"""Gaps of linkage: records that can't be joined, how sure the joins are, decisions not applied."""

import polars as pl

from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.gap_rows import ANALYST, Rule, none, one
from profile_pipeline.marks import number, sentence, share
from profile_pipeline.tables import (
    DECISION,
    LINKAGE_ACCURACY,
    NOT_RECORDED,
    PERSON_RECORD,
    UNLINKABLE_SHARE,
    is_child,
)

# States of a clerical decision (linkage.decisions) that people should look at again.
CONTRADICTS = "contradicts another decision"
LOST = "no record of the identity is left"


def unlinkable_records(evidence: Evidence) -> pl.DataFrame:
    """Children's records with too little identity to tell whose they are.

    Enough is an NHS number, pupil number or local id, or both names with a date of birth or a full
    postcode.
    """
    least = evidence.settings.gaps.linked_percent
    identified = (
        pl.col("nhs_number").is_not_null()
        | pl.col("upn").is_not_null()
        | (pl.col("local_ids").list.len() > 0).fill_null(False)
        | (
            pl.col("forename").is_not_null()
            & pl.col("surname").is_not_null()
            & (pl.col("date_of_birth").is_not_null() | pl.col("postcode").is_not_null())
        )
    )
    return (
        evidence.named(
            evidence.table(PERSON_RECORD)
            .filter(is_child(pl.col("role")))
            .group_by("dataset")
            .agg(records=pl.len(), weak=(~identified).sum())
        )
        .filter((pl.col("records") - pl.col("weak")) / pl.col("records") * 100 < least)
        .select(
            "agency",
            theme=pl.lit("data quality"),
            finding=sentence(
                share(pl.col("weak"), pl.col("records")),
                " of the records of ",
                pl.col("title"),
                " say too little of whom they are about to be joined with others.",
            ),
            evidence=sentence(
                number(pl.col("weak")),
                " of ",
                number(pl.col("records")),
                f" records lack an id, or names with date of birth or postcode; at least {least:g}%"
                " should have them (records.subject, ",
                pl.col("dataset"),
                ").",
            ),
            question=sentence(
                "Can '",
                pl.col("title"),
                "' carry an NHS number, pupil number, or full name with date of birth?",
            ),
            priority=pl.lit("medium"),
        )
    )


def linkage_accuracy(evidence: Evidence) -> pl.DataFrame:
    """The accuracy of the links isn't measured, or isn't measured by ethnic group."""
    told = evidence.table(LINKAGE_ACCURACY).drop_nulls("value")
    question = (
        "Can a sample of links, balanced by ethnic group, be reviewed before the next edition?"
    )
    if told.is_empty():
        return one(
            "data quality",
            "How many links are wrong or missed is not measured, overall or by ethnic group.",
            "No clerical review of a sample of links has been held.",
            ANALYST,
            question,
            "medium",
        )
    groups = told.filter(
        pl.col("dimension") == "ethnic_group", ~pl.col("category").str.starts_with("White")
    )
    if groups.filter(pl.col("category") != NOT_RECORDED).height:
        return none()
    return one(
        "data quality",
        "How many links are wrong or missed is not measured by ethnic group.",
        "Too few pairs of the sample are decided for any group but the largest"
        " (people.linkage_accuracy).",
        ANALYST,
        question,
        "medium",
    )


def unequal_linkage(evidence: Evidence) -> pl.DataFrame:
    """A group whose links are worse, or whose records can't be linked, beyond chance.

    A group stands out when its 95% interval lies wholly on the worse side of everyone else's and
    the difference is a percentage point or more.
    """
    worse = (
        evidence.table(LINKAGE_ACCURACY)
        .filter("beyond_chance", pl.col("dimension") != "source")
        .select(
            dimension="dimension",
            category="category",
            what=pl.when(pl.col("measure") == "recall")
            .then(pl.lit("more links are missed"))
            .otherwise(pl.lit("more links are wrong")),
            rests=pl.lit(
                "Its 95% interval from reviewed pairs lies below that of all others"
                " (people.linkage_accuracy)."
            ),
        )
    )
    bare = (
        evidence.table(UNLINKABLE_SHARE)
        .filter(
            "beyond_chance",
            pl.col("role") == "child",
            pl.col("dimension").is_in(["ethnic_group", "sex", "looked_after"]),
        )
        .select(
            "dimension",
            "category",
            what=pl.lit("more records hold too little to be linked"),
            rests=pl.lit(
                "The share's 95% interval lies above that of all others (people.unlinkable_share)."
            ),
        )
    )
    both = pl.concat([worse, bare]).filter(pl.col("category") != NOT_RECORDED)
    name = (
        pl.when(pl.col("dimension") == "ethnic_group")
        .then(sentence("children recorded as ", pl.col("category")))
        .when(pl.col("dimension") == "looked_after")
        .then(
            pl.when(pl.col("category") == "yes")
            .then(pl.lit("looked-after children"))
            .otherwise(pl.lit("children not looked after"))
        )
        .when(pl.col("dimension") == "priority_cohort")
        .then(pl.lit("children with most indicators (the priority cohort)"))
        .otherwise(sentence(pl.col("category"), " children"))
    )
    return both.select(
        theme=pl.lit("data quality"),
        finding=sentence(
            "Of ", name, ", ", pl.col("what"), " than of other children, beyond chance: what the "
            "profile says of them is less sure, and some may be missing from it.",
        ),
        evidence="rests",
        agency=pl.lit(ANALYST),
        question=pl.lit(
            "Can these children's pairs be reviewed first, and can the agencies send full names in "
            "both orders, spellings used, dates of birth and numbers for them?"
        ),
        priority=pl.lit("high"),
    )  # fmt: skip


def decisions_not_applied(evidence: Evidence) -> pl.DataFrame:
    """Clerical decisions that contradict others, or whose records are gone."""
    said = {
        CONTRADICTS: (
            " clerical decisions on who is who contradict one another and were not applied.",
            "Which of these decisions holds? Decide the pairs again, with a later day.",
            "high",
        ),
        LOST: (
            " clerical decisions on who is who no longer find the records they were taken on.",
            "Have these records been withdrawn or corrected, and is the decision still needed?",
            "low",
        ),
    }
    counted = (
        evidence.table(DECISION)
        .filter(pl.col("state").is_in(list(said)))
        .group_by("state")
        .agg(n=pl.struct("identity_a", "identity_b", "decision", "who", "decided_on").n_unique())
    )
    told = [pl.col("state").replace_strict({k: v[i] for k, v in said.items()}) for i in range(3)]
    return counted.select(
        theme=pl.lit("data quality"),
        finding=sentence(number(pl.col("n")), told[0]),
        evidence=pl.lit("people.decision; the clerical review's sheet 'Decisions' lists them."),
        agency=pl.lit(ANALYST),
        question=told[1],
        priority=told[2],
    )


RULES: tuple[Rule, ...] = (
    unlinkable_records,
    linkage_accuracy,
    unequal_linkage,
    decisions_not_applied,
)
