"""Gaps of holding: what nobody supplies, or for no quarter: unknown, which is not nought.

The profile's needs, the strategy's indicators, a period long enough to show a pattern, figures of
neighbours to compare with, and an estimate of the children whom no list holds.
"""

from collections.abc import Mapping

import polars as pl

from profile_pipeline.analysis.counting import SUSPECT, quarters_ended
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.gap_rows import ANALYST, CSE_TEAM, Rule, none, one
from profile_pipeline.analysis.holding import (
    FIELD,
    MEASURE,
    NOT_SUPPLIED,
    ROLE,
    not_held,
    quarters_held,
)
from profile_pipeline.analysis.overlap import NO_SOURCE
from profile_pipeline.marks import sentence
from profile_pipeline.tables import HOLDING, PROFILE, REGIONAL_SUMMARY

# What a profile needs and who may hold it: what can't be told, by sector, the question, priority.
ALL_SECTORS = "All agencies (statutory, health, education and voluntary sector)"
NEEDED = {
    (MEASURE, "cse_tracker"): (
        "The CSE team's tracker is not held: how many children are open, at what level, and who is "
        "known to the team can't be told",
        "CSE team or children's services (statutory sector)",
        "Can the team send its list of children, with level, status and dates, as it stands at the "
        "end of each quarter?",
        "high",
    ),
    (FIELD, "cse_tracker.screening_date"): (
        "No date of screening is held: how many children of the groups at greater risk were "
        "screened can't be told",
        "CSE team (statutory sector)",
        "Can the tracker give the date on which each child was screened?",
        "medium",
    ),
    (MEASURE, "offence"): (
        "Crimes are not held: how many there were, and where, can't be told; that no hotspot is "
        "shown says nothing",
        "Police (statutory sector)",
        "Can recorded crimes with a CSE flag be sent each quarter, with date, place and outcome?",
        "high",
    ),
    (ROLE, SUSPECT): (
        "Suspects are not held: who causes harm, and how many, can't be told",
        "Police (statutory sector)",
        "Can persons suspected in CSE crimes, and those named in information reports, be sent with "
        "the crime or report they belong to?",
        "high",
    ),
    (MEASURE, "missing_episode"): (
        "Missing episodes are not held one by one: how often children are missing, from where, and "
        "where they are found can't be told",
        "Police, or children's services (statutory sector)",
        "Can each missing episode be sent with the times of report and return and the kinds of "
        "place?",
        "high",
    ),
    (FIELD, "missing_episode.returned_at"): (
        "When missing children returned is not held: how many return interviews were due can't be "
        "told",
        "Police, or children's services (statutory sector)",
        "Can the time of the return be sent with each missing episode?",
        "medium",
    ),
    (FIELD, "missing_episode.interview_at"): (
        "Return interviews are not held: whether children who were missing were heard can't be "
        "told",
        "Children's services (statutory sector), or who interviews for them (voluntary sector)",
        "Can the date and time of each return interview be sent with its missing episode?",
        "high",
    ),
    (MEASURE, "information_report"): (
        "Information reports are not held: what practitioners and the public noticed can't be told",
        ALL_SECTORS,
        "Are information report forms in use, and who can send their log each quarter?",
        "medium",
    ),
    (MEASURE, "disruption"): (
        "Disruption and outcomes are not held: what was done against those who pose risk can't be "
        "told",
        "Police and licensing (statutory sector)",
        "Can arrests, warning notices, orders, charges, convictions and licensing actions be sent "
        "each quarter?",
        "high",
    ),
}
SHORT = {
    (MEASURE, "cse_tracker"): "the CSE team's tracker",
    (FIELD, "cse_tracker.screening_date"): "dates of screening",
    (MEASURE, "offence"): "crimes",
    (ROLE, SUSPECT): "suspects",
    (MEASURE, "missing_episode"): "missing episodes one by one",
    (FIELD, "missing_episode.returned_at"): "returns of missing children",
    (FIELD, "missing_episode.interview_at"): "return interviews",
    (MEASURE, "information_report"): "information reports",
    (MEASURE, "disruption"): "disruption and outcomes",
}
# A need that is told with another: without any tracker its dates need no gap of their own.
PART_OF = {
    (FIELD, "cse_tracker.screening_date"): (MEASURE, "cse_tracker"),
    (FIELD, "missing_episode.returned_at"): (MEASURE, "missing_episode"),
}


def needs_not_held(evidence: Evidence) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the needs held for no quarter of the period: kind and name -> state and datasets."""
    absent = {
        (kind, name): (state, datasets)
        for kind, name, state, datasets in not_held(evidence.table(HOLDING)).iter_rows()
    }
    return {key: absent[key] for key in NEEDED if key in absent and PART_OF.get(key) not in absent}


def not_held_at_all(evidence: Evidence) -> pl.DataFrame:
    """What the profile needs and nobody supplies, or of which nothing usable came: not nought."""
    titles = dict(evidence.datasets.select("dataset", "title").iter_rows())
    rows = [
        one(
            "collection",
            f"{finding}.",
            (
                "No dataset of the plan supplies it"
                if state == NOT_SUPPLIED
                else f"Nothing usable was received of {_titles(datasets, titles)}"
            )
            + " (quality.holding).",
            agency,
            question,
            priority,
        )
        for key, (state, datasets) in needs_not_held(evidence).items()
        for finding, agency, question, priority in [NEEDED[key]]
    ]
    return pl.concat(rows) if rows else none()


def _titles(datasets: str, titles: Mapping[str, str]) -> str:
    """Return the titles of datasets that are named by their ids, comma-separated."""
    return ", ".join(f"'{titles.get(dataset, dataset)}'" for dataset in datasets.split(", "))


def lists_held(evidence: Evidence) -> str:
    """Return in words how much of the tracker is held, to follow its name; empty for all of it."""
    held = evidence.table(HOLDING).filter(
        pl.col("kind") == MEASURE, pl.col("name") == "cse_tracker"
    )
    quarters = quarters_held(held, MEASURE, "cse_tracker")
    if len(quarters) == held.height:
        return ""
    return f", of which {len(quarters)} of {held.height} quarters are held"


# Who is likely to record an indicator, by sector, for those that no dataset evidences.
INDICATOR_HOLDERS = {
    "missing_from_home_or_care": "Police (statutory sector)",
    "unauthorised_absence": "Schools (education sector)",
    "excluded_from_school": "Schools (education sector)",
    "missing_education": "Children missing education team (education sector)",
    "offending": "Youth offending service (statutory sector)",
    "sexually_transmitted_infection": "Sexual health service (health sector)",
    "substance_misuse": "Substance misuse service (health sector)",
    "homelessness": "Housing (statutory sector)",
    "domestic_abuse": "Police, or children's services (statutory sector)",
    "looked_after": "Children's services (statutory sector)",
    "mental_health": "Child and adolescent mental health service (health sector)",
    "gang_involvement": "Police, or youth offending service (statutory sector)",
    "cse_crime": "Police (statutory sector)",
    "cse_assessment_factor": "Children's services (statutory sector)",
    "health_cse_concern": "Sexual health service (health sector)",
    "voluntary_cse_concern": "Voluntary projects (voluntary sector)",
    "school_cse_concern": "Schools (education sector)",
    "named_in_information_report": "Police (statutory sector)",
    "child_in_need": "Children's services (statutory sector)",
}


def silent_indicators(evidence: Evidence) -> pl.DataFrame:
    """An indicator of the strategy that no dataset evidences: unknown, not absent."""
    labels = evidence.indicators.select("indicator", "label")
    return (
        evidence.table(PROFILE["indicator_prevalence"])
        .filter(pl.col("sources") == NO_SOURCE, pl.col("children").fill_null(0) == 0)
        .join(labels, on="indicator", how="left", maintain_order="left")
        .with_columns(label=pl.coalesce("label", "indicator"))
        .select(
            theme=pl.lit("collection"),
            finding=sentence("No dataset evidences the indicator: ", pl.col("label"), "."),
            evidence=pl.lit("Source 'none' in indicator_prevalence; unknown, not absent."),
            agency=pl.col("indicator").replace_strict(INDICATOR_HOLDERS, default=CSE_TEAM),
            question=pl.when(pl.col("indicator").is_in(list(INDICATOR_HOLDERS)))
            .then(sentence("Can you supply records of it: ", pl.col("label"), "?"))
            .otherwise(
                sentence(
                    "Which agency records it, in screening or in information reports: ",
                    pl.col("label"),
                    "?",
                )
            ),
            priority=pl.lit("medium"),
        )
    )


def short_period(evidence: Evidence) -> pl.DataFrame:
    """A period too short to show a pattern (IICSA: three months did not allow analysis).

    Counted to the as-at date: of a year that has just begun only what has passed is covered.
    """
    period, least = evidence.settings.period, evidence.settings.gaps.minimum_months
    end = min(period.end, evidence.settings.as_at)
    months = (end.year - period.start.year) * 12 + end.month - period.start.month + 1
    if months >= least:
        return none()
    return one(
        "collection",
        f"The profile covers {months} months; a pattern needs at least {least}.",
        "Period of the profile (profile.yaml).",
        "All agencies",
        f"Can you send the earlier quarters, so that the period is {least} months or more?",
        "high",
    )


def no_neighbours(evidence: Evidence) -> pl.DataFrame:
    """No neighbouring or regional figures for the latest quarter to compare with."""
    ended = quarters_ended(evidence.settings)
    regional = evidence.table(REGIONAL_SUMMARY)
    if not ended or regional.filter(pl.col("quarter") == ended[-1]).height:
        return none()
    return one(
        "collection",
        f"No figures of neighbouring authorities or the region are held for {ended[-1]}.",
        "No row for the quarter in analysis.regional_summary.",
        evidence.settings.area.region or "Regional CSE co-ordinator",
        f"Can you share the regional totals by risk level for {ended[-1]}?",
        "low",
    )


def no_prevalence(evidence: Evidence) -> pl.DataFrame:
    """How many children no list holds is not estimated."""
    estimates = evidence.table(PROFILE["prevalence_estimate"])
    if estimates["estimate"].count():
        return none()
    return one(
        "victims",
        "How many children are harmed whom no agency has listed is not estimated.",
        "No estimate in prevalence_estimate.",
        ANALYST,
        "Do three or more agencies list children independently, so that an estimate may be tried?",
        "low",
    )


RULES: tuple[Rule, ...] = (
    not_held_at_all,
    silent_indicators,
    short_period,
    no_neighbours,
    no_prevalence,
)
