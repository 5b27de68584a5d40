"""Gaps about suspects: not named, not described, in doubt, children themselves, acting together.

Counts of persons alone, as marks, so that disclosure control reaches them. Suspects of whom only
restricted information reports speak are not in an edition's people.person, and so not counted.
"""

import polars as pl

from profile_pipeline.analysis.counting import SUSPECT, last_four_quarters
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.gap_rows import (
    CHILDREN_S_SERVICES,
    POLICE,
    Rule,
    above_limit,
    none,
    one,
)
from profile_pipeline.analysis.holding import ROLE, ever_held
from profile_pipeline.marks import cell, number, sentence, share_of, total
from profile_pipeline.tables import (
    HOLDING,
    MEASURES,
    NOT_RECORDED,
    PERSON,
    PERSON_RECORD,
    POSSIBLE_SAME_PERSON,
    PROFILE,
    SUSPECT_CROSS_ROLE,
    TOTAL,
)


def crimes_without_suspect(evidence: Evidence) -> pl.DataFrame:
    """Recorded crimes that name no suspect."""
    limit = evidence.settings.gaps.not_recorded_percent
    held = evidence.table(HOLDING)
    if not (held.is_empty() or ever_held(held, ROLE, SUSPECT)):
        return none()  # who is suspected isn't held at all: a gap of its own
    key = ["dataset", "file", "row"]
    named = evidence.table(PERSON_RECORD).filter(pl.col("role") == SUSPECT).select(key).unique()
    offences = (
        evidence.table(MEASURES["offence"])
        .select(*key, pl.coalesce("reference", pl.concat_str("file", "row")).alias("crime"))
        .join(named.with_columns(named=pl.lit(True)), on=key, how="left")
        .group_by("dataset", "crime")
        .agg(pl.col("named").fill_null(False).any())
    )
    counts = offences.group_by("dataset").agg(crimes=pl.len(), unnamed=(~pl.col("named")).sum())
    return above_limit(
        evidence.named(counts),
        "unnamed",
        "crimes",
        limit,
        theme="suspects",
        finding=" of crimes name no suspect (whole period).",
        evidence=f" crimes; the limit is {limit:g}% (records.offence).",
        question="For which of these crimes is a nickname, vehicle or description held elsewhere?",
        priority="high",
    )


def suspects_not_described(evidence: Evidence) -> pl.DataFrame:
    """Sex, age, appearance or relationship not recorded of too many suspects, last year."""
    limit = evidence.settings.gaps.not_recorded_percent
    year = evidence.table(PROFILE["suspect_profile"]).filter(
        pl.col("quarter").is_in(last_four_quarters(evidence.settings.as_at)),
        pl.col("dimension").is_in(["sex", "age_band", "appearance", "relationship"]),
        pl.col("suspects").is_not_null(),
    )
    figure = cell(
        "suspect_profile",
        pl.col("quarter"),
        pl.col("dimension"),
        pl.col("category"),
        column="suspects",
    )
    counts = (
        year.group_by("dimension", maintain_order=True)
        .agg(
            unknown=pl.col("suspects").filter(pl.col("category") == NOT_RECORDED).sum(),
            whole=pl.col("suspects").filter(pl.col("category") == TOTAL).sum(),
            all_unknown=total(figure.filter(pl.col("category") == NOT_RECORDED)),
            all=total(figure.filter(pl.col("category") == TOTAL)),
        )
        .filter(pl.col("whole") > 0, pl.col("unknown") / pl.col("whole") * 100 > limit)
        .with_columns(words=pl.col("dimension").str.replace("_", " "))
    )
    return counts.select(
        theme=pl.lit("suspects"),
        finding=sentence(
            "The ",
            pl.col("words"),
            " of suspects is not recorded in ",
            share_of(pl.col("all_unknown"), pl.col("all")),
            " of cases.",
        ),
        evidence=sentence(
            pl.col("all_unknown"),
            " of ",
            pl.col("all"),
            " counts of a suspect in a "
            f"quarter, last four quarters; the limit is {limit:g}% (suspect_profile).",
        ),
        agency=pl.lit(POLICE),
        question=sentence("Can the ", pl.col("words"), " of these suspects be completed?"),
        priority=pl.lit("medium"),
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
                        " may themselves be a child whom agencies record",
                        pl.when(pl.col("harmed") > 0)
                        .then(
                            sentence(", ", number(pl.col("harmed")), " of them recorded as harmed.")
                        )
                        .otherwise(pl.lit(", none of them as harmed.")),
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


def _suspects(evidence: Evidence) -> pl.DataFrame:
    """Return `person_id` of the suspects that may be counted."""
    return evidence.table(PERSON).filter(pl.col("role") == SUSPECT).select("person_id")


def no_network_picture(evidence: Evidence) -> pl.DataFrame:
    """Who acts with whom is in no table (IICSA: no picture of networks)."""
    if "analysis.suspect_network" in evidence.tables:
        return none()
    return one(
        "suspects",
        "Which suspects act together is not known: no dataset tells of groups or networks.",
        "No table of associations between suspects.",
        POLICE,
        "What is held on groups, networks and organised crime groups that touch these suspects?",
        "medium",
    )


RULES: tuple[Rule, ...] = (
    crimes_without_suspect,
    suspects_not_described,
    suspects_in_doubt,
    suspects_under_18,
    no_network_picture,
)
