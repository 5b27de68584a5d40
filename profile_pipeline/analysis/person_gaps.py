"""Gaps about who is who: children harmed and not listed, suspects in doubt, suspects under 18.

Rows as in `gaps`; counts of persons alone, as marks, so that disclosure control reaches them.
Suspects of whom only restricted information reports speak are not in an edition's people.person,
and so not counted there. Where no tracker is held, nobody is known to be missing from it.
"""

import polars as pl

from profile_pipeline.analysis.counting import SUSPECT
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.marks import number, sentence
from profile_pipeline.tables import (
    DECISION,
    PERSON,
    PERSON_OVERLAP,
    POSSIBLE_SAME_PERSON,
    SUSPECT_CROSS_ROLE,
)

CSE_TEAM = "CSE team"
POLICE = "Police"
CHILDREN_S_SERVICES = "Children's services"
ANALYST = "Analyst"
# States of a clerical decision (linkage.decisions) that people should look at again.
CONTRADICTS = "contradicts another decision"
LOST = "no record of the identity is left"


def harmed_unlisted(evidence: Evidence) -> pl.DataFrame:
    """Return one row on children recorded as harmed whom the CSE team has never listed.

    Counts `harmed, unlisted`; texts tell the second alone, as the two together would tell how many
    are left. No row where there is no such child, or no tracker that could tell.
    """
    return (
        evidence.table(PERSON_OVERLAP)
        .filter(pl.col("status") == "harmed")
        .select(harmed=pl.len(), unlisted=(~pl.col("known_to_cse")).sum())
        .filter(pl.col("unlisted") > 0)
    )


def harmed_not_known(evidence: Evidence) -> pl.DataFrame:
    """Children recorded as harmed by an offence, and never in the CSE team's tracker."""
    return harmed_unlisted(evidence).select(
        theme=pl.lit("victims"),
        finding=sentence(
            number(pl.col("unlisted")),
            " children recorded as harmed have never been in the CSE team's tracker.",
        ),
        evidence=pl.lit(
            "Children with a record of harm in the period, against the tracker of every quarter "
            "(people.person_overlap; the analyst's priority cohort names them first)."
        ),
        agency=pl.lit(CSE_TEAM),
        question=pl.lit(
            "Who looks at each of these children now, and by when? The analyst gives who they are."
        ),
        priority=pl.lit("high"),
    )


def suspects_in_doubt(evidence: Evidence) -> pl.DataFrame:
    """Suspects who may be one person with another and are counted as two."""
    suspects = _suspects(evidence)
    pairs = evidence.table(POSSIBLE_SAME_PERSON)
    for side in ("person_a", "person_b"):
        pairs = pairs.join(suspects, left_on=side, right_on="person_id", how="semi")
    doubtful = pl.concat([pairs["person_a"], pairs["person_b"]]).n_unique()
    return (
        pl.DataFrame({"doubtful": [doubtful], "suspects": [suspects["person_id"].n_unique()]})
        .filter(pl.col("doubtful") > 0)
        .select(
            theme=pl.lit("suspects"),
            finding=sentence(
                number(pl.col("doubtful")),
                " of ",
                number(pl.col("suspects")),
                " suspects may be the same person as another, and are counted apart.",
            ),
            evidence=pl.lit(
                "Names, nicknames, crimes, vehicles or premises agree, and not enough to join them "
                "(people.possible_same_person)."
            ),
            agency=pl.lit(POLICE),
            question=pl.lit(
                "Which of these are one person? The analyst gives the pairs, side by side."
            ),
            priority=pl.lit("medium"),
        )
    )


def _suspects(evidence: Evidence) -> pl.DataFrame:
    """Return `person_id` of the suspects that may be counted."""
    return evidence.table(PERSON).filter(pl.col("role") == SUSPECT).select("person_id")


def suspects_under_18(evidence: Evidence) -> pl.DataFrame:
    """Suspects under 18, and suspects who may themselves be a child recorded as harmed."""
    found = evidence.table(SUSPECT_CROSS_ROLE).join(_suspects(evidence), on="person_id", how="semi")
    young, child = pl.col("under_18") == "yes", pl.col("child_person_id").is_not_null()
    harmed = child & (pl.col("harmed") == "yes").fill_null(False)
    suspect = pl.col("person_id")
    return (
        found.select(
            young=suspect.filter(young).n_unique(),
            child=suspect.filter(child).n_unique(),
            harmed=suspect.filter(harmed).n_unique(),
        )
        .filter((pl.col("young") > 0) | (pl.col("child") > 0))
        .select(
            theme=pl.lit("suspects"),
            finding=sentence(
                number(pl.col("young")),
                " suspects were under 18",
                pl.when(pl.col("child") > 0)
                .then(
                    sentence(
                        "; ",
                        number(pl.col("child")),
                        " may themselves be a child whom agencies record, ",
                        number(pl.col("harmed")),
                        " of them a child recorded as harmed.",
                    )
                )
                .otherwise(pl.lit(", none of whom is known to be a child whom agencies record.")),
            ),
            evidence=pl.lit(
                "By age on the day of the record, and by names, dates of birth and numbers "
                "(people.suspect_cross_role). They stay two persons in every count."
            ),
            agency=pl.lit(CHILDREN_S_SERVICES),
            question=pl.lit(
                "Has each of them been assessed as a child who may be exploited or harmed?"
            ),
            priority=pl.lit("high"),
        )
    )


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
