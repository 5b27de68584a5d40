"""Gaps about children: not screened, not heard after missing, not listed, referred or noticed.

Counts of persons alone, as marks, so that disclosure control reaches them. Where no tracker is
held, nobody is known to be missing from it.
"""

import polars as pl

from profile_pipeline.analysis.counting import QUARTERS_IN_YEAR, last_four_quarters
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.gap_rows import CSE_TEAM, POLICE, Rule
from profile_pipeline.analysis.representation import MAYBE_UNDER, UNDER
from profile_pipeline.marks import cell, difference, number, sentence, share, share_of, total
from profile_pipeline.tables import (
    MEASURES,
    NOT_RECORDED,
    PERSON_OVERLAP,
    PROFILE,
    REFERRAL_SOURCE,
    TOTAL,
)


def unscreened_groups(evidence: Evidence) -> pl.DataFrame:
    """A group that is to be screened routinely and never or rarely is."""
    limit = evidence.settings.gaps.screened_percent
    listed = pl.DataFrame(
        [(group.group, list(group.datasets)) for group in evidence.settings.screening_groups],
        schema={"group": pl.String, "dataset": pl.List(pl.String)},
        orient="row",
    ).explode("dataset")
    holders = (
        evidence.named(listed)
        .group_by("group", maintain_order=True)
        .agg(agency=pl.col("agency").unique().sort().str.join(", "))
    )
    never = pl.col("screened") == 0
    screened, children = (
        cell("screening_coverage", pl.col("group"), column=column)
        for column in ("screened", "children")
    )
    return (
        evidence.table(PROFILE["screening_coverage"])
        .filter(pl.col("children") > 0, pl.col("percent") < limit)
        .join(holders, on="group", how="left", maintain_order="left")
        .select(
            pl.col("agency").fill_null(CSE_TEAM),
            theme=pl.lit("screening"),
            finding=pl.when(never)
            .then(sentence("No child of the group '", pl.col("group"), "' was ever screened."))
            .otherwise(
                sentence(
                    "Only ",
                    share_of(screened, children),
                    " of the group '",
                    pl.col("group"),
                    "' were ever screened.",
                )
            ),
            evidence=sentence(
                screened,
                " of ",
                children,
                f" children; the group is to be screened routinely and {limit:g}% is the least "
                "expected (screening_coverage).",
            ),
            question=sentence(
                "Who screens children of the group '",
                pl.col("group"),
                "', and where do the results go?",
            ),
            priority=pl.when(never).then(pl.lit("high")).otherwise(pl.lit("medium")),
        )
    )


def interviews_of_the_year(evidence: Evidence) -> pl.DataFrame:
    """Return one row on the return interviews of the last four quarters.

    Counts `due, late, none, quarters` (those held, of the four; `window` in words) and marks of the
    figures: `all_due, all_in_time, all_late, all_none`, and `all_failed` of late and none together.
    """
    return (
        evidence.table(PROFILE["return_interviews"])
        .filter(
            pl.col("quarter").is_in(last_four_quarters(evidence.settings.as_at)),
            pl.col("none").is_not_null(),
        )
        .select(
            pl.col("due", "late", "none").sum(),
            quarters=pl.len(),
            all_due=total(_interviews("due")),
            all_in_time=total(_interviews("within_72_hours")),
            all_late=total(_interviews("late")),
            all_none=total(_interviews("none")),
            all_failed=total(_interviews("late"), _interviews("none")),
        )
        .with_columns(
            window=pl.when(pl.col("quarters") < QUARTERS_IN_YEAR)
            .then(pl.format("{} of the last four quarters (the others are not held)", "quarters"))
            .otherwise(pl.lit("the last four quarters"))
        )
    )


def return_interviews_late(evidence: Evidence) -> pl.DataFrame:
    """Too many return interviews late or none recorded in the last four quarters."""
    limit = evidence.settings.gaps.late_or_no_interview_percent
    providers = (
        evidence.named(evidence.table(MEASURES["missing_episode"]).select("dataset").unique())[
            "agency"
        ]
        .unique()
        .sort()
        .to_list()
    )
    failed = pl.col("late") + pl.col("none")
    return (
        interviews_of_the_year(evidence)
        .filter(pl.col("due") > 0, failed / pl.col("due") * 100 > limit)
        .select(
            theme=pl.lit("screening"),
            finding=sentence(
                share_of(pl.col("all_failed"), pl.col("all_due")),
                " of return interviews due in ",
                pl.col("window"),
                " were late or none is recorded: what these children could have said is not known.",
            ),
            evidence=sentence(
                pl.col("all_late"),
                " late and ",
                pl.col("all_none"),
                " not held as far as is recorded, of ",
                pl.col("all_due"),
                f" due; the limit is {limit:g}% (return_interviews).",
            ),
            agency=pl.lit(", ".join(providers) or POLICE),
            question=pl.lit(
                "Which interviews were held and not recorded, and what keeps the others from being "
                "held within the time?"
            ),
            priority=pl.lit("high"),
        )
    )


def _interviews(column: str) -> pl.Expr:
    """Return the mark of a quarter's figure of return_interviews."""
    return cell("return_interviews", pl.col("quarter"), column=column)


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


def unlisted_children(evidence: Evidence) -> pl.DataFrame:
    """Return one row on children with several indicators whom the CSE team has never listed.

    Counts `children, unlisted` and marks of both figures: `all_children, all_unlisted`. No row
    where there is no such child.
    """
    children, known = total(_overlaps("children")), total(_overlaps("known_to_cse"))
    return (
        evidence.table(PROFILE["overlap_distribution"])
        .filter(
            pl.col("indicators") >= evidence.settings.overlap_at_least,
            pl.col("known_to_cse").is_not_null(),
        )
        .select(
            pl.col("children").sum(),
            unlisted=pl.col("children").sum() - pl.col("known_to_cse").sum(),
            all_children=children,
            all_unlisted=difference(children, known),
        )
        .filter(pl.col("unlisted") > 0)
    )


def _overlaps(column: str) -> pl.Expr:
    """Return the mark of a figure of overlap_distribution."""
    return cell("overlap_distribution", pl.col("indicators").cast(pl.String), column=column)


def few_referrals(evidence: Evidence) -> pl.DataFrame:
    """A source that refers very few of the children who were ever open."""
    sources = evidence.table(REFERRAL_SOURCE)
    limit = evidence.settings.gaps.referral_share_percent
    total = pl.col("children").filter(pl.col("referral_source") == TOTAL).sum()
    very_few = pl.col("percent") < limit / 2
    return (
        sources.with_columns(total=total)
        .filter(~pl.col("referral_source").is_in([TOTAL, NOT_RECORDED]), pl.col("percent") < limit)
        .select(
            theme=pl.lit("victims"),
            finding=sentence(
                "Few children are referred by: ",
                pl.col("referral_source"),
                " (",
                share(pl.col("children"), pl.col("total")),
                ").",
            ),
            evidence=sentence(
                number(pl.col("children")),
                " of ",
                number(pl.col("total")),
                f" children ever open in the period; the limit is {limit:g}% (referral sources).",
            ),
            agency=_capital(pl.col("referral_source")),
            question=pl.lit(
                "What do you see of children at risk that doesn't become a referral, and why?"
            ),
            priority=pl.when(very_few).then(pl.lit("high")).otherwise(pl.lit("low")),
        )
    )


def _capital(text: pl.Expr) -> pl.Expr:
    """Return a text with its first letter capital, the rest as it stands."""
    return text.str.slice(0, 1).str.to_uppercase() + text.str.slice(1)


def hidden_groups(evidence: Evidence) -> pl.DataFrame:
    """A group with a smaller share of the known than of the children who show several signs."""
    least = evidence.settings.overlap_at_least
    words = pl.col("dimension").str.replace("_", " ")
    sure = pl.col("finding") == UNDER
    return (
        evidence.table(PROFILE["representation"])
        .filter(pl.col("finding").is_in([UNDER, MAYBE_UNDER]))
        .with_columns(group=sentence(words, ": ", pl.col("category")))
        .select(
            theme=pl.lit("victims"),
            finding=sentence(
                "Possibly under-identified, ",
                pl.col("group"),
                ": a smaller share of the children open now than of those with "
                f"{least} or more indicators",
                pl.when(sure).then(pl.lit("")).otherwise(pl.lit(", which chance may explain")),
                ". A prompt to look, not a finding about the group.",
            ),
            evidence=sentence(
                cell("representation", pl.col("dimension"), pl.col("category"), column="known"),
                " open now, ",
                cell("representation", pl.col("dimension"), pl.col("category"), column="at_risk"),
                f" with {least} or more indicators (representation).",
            ),
            agency=pl.lit(CSE_TEAM),
            question=sentence(
                "Which agencies see these children (",
                pl.col("group"),
                "), and what keeps a concern from being raised or screened?",
            ),
            # What is known peaks at 14 to 15: ages differ for reasons of their own.
            priority=pl.when(sure & (pl.col("dimension") != "age"))
            .then(pl.lit("high"))
            .otherwise(pl.lit("medium")),
        )
    )


def open_children_unknowns(evidence: Evidence) -> pl.DataFrame:
    """What the tracker doesn't say of too many open children (action 1.5 asks for all of it)."""
    limit = evidence.settings.gaps.not_recorded_percent
    asked = (
        "risk_level",
        "ethnic_group",
        "legal_status",
        "education",
        "disability",
        "model",
        "method",
        "referral_source",
    )
    latest = (
        evidence.table(PROFILE["victim_profile"])
        .filter(pl.col("children").is_not_null())
        .filter(pl.col("quarter") == pl.col("quarter").max(), pl.col("dimension").is_in(asked))
    )
    unknown, whole = (
        cell("victim_profile", pl.col("quarter"), pl.col("dimension"), category, column="children")
        for category in (NOT_RECORDED, TOTAL)
    )
    return (
        latest.filter(pl.col("category") == NOT_RECORDED, pl.col("not_recorded_percent") > limit)
        .with_columns(words=pl.col("dimension").str.replace("_", " "))
        .select(
            theme=pl.lit("victims"),
            finding=sentence(
                "The ",
                pl.col("words"),
                " of ",
                share_of(unknown, whole),
                " of open children is not recorded.",
            ),
            evidence=sentence(
                unknown,
                " of ",
                whole,
                " children in ",
                pl.col("quarter"),
                f"; the limit is {limit:g}% (victim_profile).",
            ),
            agency=pl.lit(CSE_TEAM),
            question=sentence("Can the ", pl.col("words"), " be recorded for every open child?"),
            priority=pl.lit("medium"),
        )
    )


RULES: tuple[Rule, ...] = (
    unscreened_groups,
    return_interviews_late,
    harmed_not_known,
    few_referrals,
    hidden_groups,
    open_children_unknowns,
)
