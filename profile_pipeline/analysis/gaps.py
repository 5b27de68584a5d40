"""Intelligence gaps: what is not known, who may hold the answer, and by when it is asked for.

Each rule is a small function from the evidence to rows `theme, finding, evidence, agency,
question, priority`; `RULES` lists them. A limit comes from `gaps:` in `profile.yaml` unless its
constant says otherwise. No text holds a name, a value of a cell or the name of premises.
"""

from collections.abc import Callable
from datetime import timedelta

import polars as pl

from profile_pipeline.analysis.counting import (
    QUARTERS_IN_YEAR,
    SUSPECT,
    last_four_quarters,
    quarters_ended,
)
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.handling import restricted_rows
from profile_pipeline.analysis.holding import (
    FIELD,
    MEASURE,
    NOT_SUPPLIED,
    ROLE,
    ever_held,
    not_held,
    quarters_held,
)
from profile_pipeline.analysis.overlap import NO_SOURCE
from profile_pipeline.analysis.person_gaps import (
    decisions_not_applied,
    harmed_not_known,
    suspects_in_doubt,
    suspects_under_18,
)
from profile_pipeline.analysis.representation import MAYBE_UNDER, UNDER
from profile_pipeline.marks import cell, difference, held, number, sentence, share, share_of, total
from profile_pipeline.quarters import last_day
from profile_pipeline.tables import (
    CONTEXT_DELIVERY,
    DELIVERY,
    EXPECTATION,
    GEO_HOTSPOTS,
    HOLDING,
    LEVEL_SCHEMES,
    LINKAGE_ACCURACY,
    MEASURES,
    MISSING_COLUMN,
    NOT_RECORDED,
    OFFENDING_LOCATION,
    PERSON_RECORD,
    PLACE,
    PREMISES_REPORTS,
    PROFILE,
    REFERRAL_SOURCE,
    REGIONAL_SUMMARY,
    ROW_KEY,
    TOTAL,
    UNKNOWN_VALUE,
    UNLINKABLE_SHARE,
    conform,
    is_child,
)

PRIORITIES = ("high", "medium", "low")
THEMES = ("collection", "data quality", "screening", "victims", "suspects", "locations")
ROW = ("theme", "finding", "evidence", "agency", "question", "priority")

CSE_TEAM = "CSE team"
POLICE = "Police"
LICENSING = "Licensing authority"
ANALYST = "Analyst"

# Rows that can't be used, in percent of those received. No source found: a working limit.
QUARANTINE_PERCENT = 5.0

GRADES = ("1", "2", "3", "4", "5")

Rule = Callable[[Evidence], pl.DataFrame]


def intelligence_gaps(evidence: Evidence) -> pl.DataFrame:
    """Return profile.intelligence_gaps: every gap the rules find, numbered G001 and on.

    Ordered by priority, then theme, then agency and finding, so that the same tables give the same
    numbers.
    """
    columns = pl.Schema(dict.fromkeys(ROW, pl.String))
    rows = pl.concat([rule(evidence).select(ROW).cast(columns) for rule in RULES])
    due = evidence.settings.as_at + timedelta(days=evidence.settings.gaps.days_to_answer)
    ordered = (
        rows.unique(maintain_order=True)
        .sort(
            pl.col("priority").replace_strict(dict(zip(PRIORITIES, range(3), strict=True))),
            pl.col("theme").replace_strict(dict(zip(THEMES, range(6), strict=True))),
            "agency",
            "finding",
        )
        .with_row_index("order", offset=1)
        .with_columns(
            gap=pl.concat_str(pl.lit("G"), pl.col("order").cast(pl.String).str.zfill(3)),
            due=pl.lit(due),
        )
    )
    return conform(ordered, PROFILE["intelligence_gaps"])


# --- collection -----------------------------------------------------------------------------------


def never_delivered(evidence: Evidence) -> pl.DataFrame:
    """A dataset the plan asks for, of which no file has ever come."""
    return (
        evidence.named(evidence.table(DELIVERY))
        .group_by("dataset", "agency", "title")
        .agg(
            came=(pl.col("status") != "missing").any(),
            quarters=pl.col("quarter").n_unique(),
            first=pl.col("quarter").min(),
            last=pl.col("quarter").max(),
        )
        .filter(~pl.col("came"))
        .select(
            "agency",
            theme=pl.lit("collection"),
            finding=sentence("Nothing has ever been received of: ", pl.col("title"), "."),
            evidence=sentence(
                "No file of '",
                pl.col("dataset"),
                "' for any of ",
                pl.col("quarters"),
                pl.when(pl.col("quarters") == 1)
                .then(pl.lit(" quarter"))
                .otherwise(pl.lit(" quarters")),
                " (quality.delivery).",
            ),
            question=sentence(
                "Can you supply '",
                pl.col("dataset"),
                "' for ",
                pl.col("first"),
                " to ",
                pl.col("last"),
                ", and if not, what prevents it?",
            ),
            priority=pl.lit("high"),
        )
    )


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
    rows = [
        _one(
            "collection",
            f"{finding}.",
            (
                "No dataset of the plan supplies it"
                if state == NOT_SUPPLIED
                else f"Nothing usable was received of '{datasets}'"
            )
            + " (quality.holding).",
            agency,
            question,
            priority,
        )
        for key, (state, datasets) in needs_not_held(evidence).items()
        for finding, agency, question, priority in [NEEDED[key]]
    ]
    return pl.concat(rows) if rows else _none()


def missed_quarters(evidence: Evidence) -> pl.DataFrame:
    """Quarters for which no file came, of a dataset that came in others."""
    return (
        evidence.named(evidence.table(DELIVERY))
        .sort("quarter")
        .group_by("dataset", "agency", "title", maintain_order=True)
        .agg(
            came=(pl.col("status") != "missing").any(),
            missed=pl.col("quarter").filter(pl.col("status") == "missing").unique().sort(),
        )
        .filter(pl.col("came"), pl.col("missed").list.len() > 0)
        .with_columns(pl.col("missed").list.join(", "))
        .select(
            "agency",
            theme=pl.lit("collection"),
            finding=sentence(pl.col("title"), " is missing for ", pl.col("missed"), "."),
            evidence=sentence(
                "No file of '", pl.col("dataset"), "' for these quarters (quality.delivery)."
            ),
            question=sentence("Can you send '", pl.col("dataset"), "' for ", pl.col("missed"), "?"),
            priority=pl.lit("high"),
        )
    )


def unusable_files(evidence: Evidence) -> pl.DataFrame:
    """A file that came and could not be read, or not be used."""
    return (
        evidence.named(evidence.table(DELIVERY))
        .filter(pl.col("status").is_in(["unreadable", "unusable"]))
        .select(
            "agency",
            theme=pl.lit("collection"),
            finding=sentence(
                "The file of ",
                pl.col("title"),
                " for ",
                pl.col("quarter"),
                " is ",
                pl.col("status"),
                ".",
            ),
            evidence=sentence(
                pl.col("file").fill_null("No file name"),
                ": ",
                pl.col("problem").fill_null("no reason is held"),
                " (quality.delivery)",
            ),
            question=sentence(
                "Can you send '", pl.col("dataset"), "' for ", pl.col("quarter"), " again?"
            ),
            priority=pl.lit("high"),
        )
    )


def empty_files(evidence: Evidence) -> pl.DataFrame:
    """A file that came with its headings and no row: nothing happened, or nothing was sent."""
    return (
        evidence.named(evidence.table(DELIVERY))
        .filter(pl.col("status") == "loaded", pl.col("rows") == 0)
        .select(
            "agency",
            theme=pl.lit("collection"),
            finding=sentence(
                "The file of ", pl.col("title"), " for ", pl.col("quarter"), " holds no row."
            ),
            evidence=sentence(pl.col("file"), " has headings alone (quality.delivery)."),
            question=sentence(
                "Was there nothing to tell in '",
                pl.col("dataset"),
                "' for ",
                pl.col("quarter"),
                ", or did the extract fail?",
            ),
            priority=pl.lit("high"),
        )
    )


def repeated_files(evidence: Evidence) -> pl.DataFrame:
    """A quarter's file that is, byte by byte, that of another quarter: one of them is not right."""
    key = ("dataset", "sha256")
    return (
        evidence.named(evidence.table(DELIVERY))
        .filter(pl.col("status") == "loaded", pl.col("rows") > 0, pl.col("sha256").is_not_null())
        .group_by(*key, "agency", "title")
        .agg(quarters=pl.col("quarter").unique().sort(), files=pl.col("file").unique().sort())
        .filter(pl.col("quarters").list.len() > 1, pl.col("files").list.len() > 1)
        .with_columns(pl.col("quarters", "files").list.join(", "))
        .select(
            "agency",
            theme=pl.lit("collection"),
            finding=sentence(
                "The files of ", pl.col("title"), " for ", pl.col("quarters"), " are the same."
            ),
            evidence=sentence(pl.col("files"), " do not differ in a byte (quality.delivery)."),
            question=sentence(
                "Which of these quarters is it, and can you send '",
                pl.col("dataset"),
                "' for the others?",
            ),
            priority=pl.lit("high"),
        )
    )


def unreadable_context(evidence: Evidence) -> pl.DataFrame:
    """A register or layer of the plan that could not be read."""
    return (
        evidence.table(CONTEXT_DELIVERY)
        .filter(pl.col("status") != "loaded")
        .select(
            "agency",
            theme=pl.lit("collection"),
            finding=sentence("A register or layer could not be read: ", pl.col("source"), "."),
            evidence=sentence(
                pl.col("problem").fill_null("no reason is held"), " (quality.context_delivery)"
            ),
            question=sentence("Can you send '", pl.col("file"), "' again?"),
            priority=pl.lit("high"),
        )
    )


def partial_context(evidence: Evidence) -> pl.DataFrame:
    """A register or layer that was read and covers the area, or the children of it, in part."""
    return (
        evidence.table(CONTEXT_DELIVERY)
        .filter(pl.col("status") == "loaded", pl.col("problem").is_not_null())
        .select(
            "agency",
            theme=pl.lit("collection"),
            finding=sentence(
                "A register or layer tells of the area in part only: ", pl.col("source"), "."
            ),
            evidence=sentence(pl.col("problem"), " (quality.context_delivery)"),
            question=sentence("Can you send '", pl.col("file"), "' for the whole area?"),
            priority=pl.lit("medium"),
        )
    )


def unmet_expectations(evidence: Evidence) -> pl.DataFrame:
    """A dataset that doesn't meet what the plan expects of it as a whole."""
    return evidence.named(
        evidence.table(EXPECTATION).filter(~pl.col("passed"), pl.col("level") == "dataset")
    ).select(
        "agency",
        theme=pl.lit("data quality"),
        finding=sentence(pl.col("title"), " does not meet: ", pl.col("description")),
        evidence=sentence(
            "Rows that fail: ",
            number(pl.col("failed")),
            " of ",
            number(pl.col("checked")),
            " (quality.expectation).",
        ),
        question=sentence("Why, and can '", pl.col("dataset"), "' be completed?"),
        priority=pl.when(pl.col("severity") == "critical")
        .then(pl.lit("high"))
        .otherwise(pl.lit("medium")),
    )


def missing_columns(evidence: Evidence) -> pl.DataFrame:
    """A column that the plan asks for and a file lacks, with what can't be told without it."""
    return (
        evidence.named(evidence.table(MISSING_COLUMN))
        .group_by("dataset", "agency", "title", "column")
        .agg(
            quarters=pl.col("quarter").unique().sort().str.join(", "),
            files=pl.col("file").unique().sort().str.join(", "),
            used_for=pl.col("used_for").unique().sort().str.join("; "),
        )
        .select(
            "agency",
            theme=pl.lit("collection"),
            finding=sentence(
                pl.col("title"),
                " came without '",
                pl.col("column"),
                "' for ",
                pl.col("quarters"),
                "; without it can't be told: ",
                pl.col("used_for"),
                ".",
            ),
            evidence=sentence(
                "Column '",
                pl.col("column"),
                "' is not in ",
                pl.col("files"),
                " (quality.missing_column).",
            ),
            question=sentence(
                "Can you send '",
                pl.col("dataset"),
                "' for ",
                pl.col("quarters"),
                " again with '",
                pl.col("column"),
                "'?",
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
        return _none()
    return _one(
        "collection",
        f"The profile covers {months} months; a pattern needs at least {least}.",
        "Period of the profile (profile.yaml).",
        "All agencies",
        f"Can you send the earlier quarters, so that the period is {least} months or more?",
        "high",
    )


def levels_changed(evidence: Evidence) -> pl.DataFrame:
    """Risk levels that changed within the period: what came before and after isn't one series."""
    settings = evidence.settings
    rows = [
        _one(
            "data quality",
            f"Risk levels changed on {change.first_day:%d.%m.%Y}: counts by level before and after"
            " are not one series.",
            f"{change.why} (tracker in profile.yaml). "
            + (
                "Later levels are counted by the crosswalk of the plan."
                if change.crosswalk
                else "Later levels are counted as they are written."
            ),
            CSE_TEAM,
            "Can the children open on that day be graded by both schemes?",
            "medium",
        )
        for change in settings.tracker.level_changes
        if settings.period.start < change.first_day <= settings.as_at
    ]
    return pl.concat(rows) if rows else _none()


def levels_unexplained(evidence: Evidence) -> pl.DataFrame:
    """Open children whose level is of a scheme that the plan doesn't know of: a break of its own.

    They are counted at the level as written.
    """
    rule = evidence.settings.tracker
    ended = quarters_ended(evidence.settings)
    strange = pl.DataFrame(
        [(q, level) for q in ended for level in rule.unexplained_on(last_day(q))],
        schema={"quarter": pl.String, "risk_level": pl.String},
        orient="row",
    )
    found = open_rows(evidence).join(strange, on=["quarter", "risk_level"], how="semi")
    order = [level for scheme in LEVEL_SCHEMES for level in scheme]
    return evidence.named(
        found.group_by("dataset").agg(
            pl.col("quarter").unique().sort().str.join(", "),
            pl.col("risk_level").unique().sort_by(
                pl.col("risk_level").unique().replace_strict(order, range(len(order)))
            ).str.replace_all("_", " ").str.join(", "),
        )
    ).select(
        "agency",
        "dataset",
        theme=pl.lit("data quality"),
        finding=sentence(
            "Break in the series: the risk levels of ", pl.col("title"), " in ",
            pl.col("quarter"), " (", pl.col("risk_level"), ") are not those of the plan, and no"
            " crosswalk says what they mean.",
        ),
        evidence=sentence(
            "Open children with such a level are counted as open, at the level as written"
            " (records.cse_tracker); `tracker: level_changes` in profile.yaml names none of these"
            " levels then."
        ),
        question=sentence(
            "When did the levels in '", pl.col("dataset"), "' change, and which earlier level does"
            " each of them stand for?"
        ),
        priority=pl.lit("high"),
    )  # fmt: skip


def never_refreshed(evidence: Evidence) -> pl.DataFrame:
    """A dataset whose newest quarter is long past (IICSA: profiles that were never refreshed).

    By the quarter of the delivery, not the date of the file: a copy made today is no newer for it.
    """
    most = evidence.settings.gaps.refresh_months
    newest = (
        evidence.named(evidence.table(DELIVERY).filter(pl.col("status") == "loaded"))
        .group_by("dataset", "agency", "title")
        .agg(pl.col("quarter").max())
    )
    ends = {quarter: last_day(quarter) for quarter in newest["quarter"].unique()}
    as_at = pl.lit(evidence.settings.as_at)
    ended = pl.col("quarter").replace_strict(
        list(ends), list(ends.values()), default=None, return_dtype=pl.Date
    )
    return (
        newest.with_columns(ended=ended)
        .filter(pl.col("ended").dt.offset_by(f"{most}mo") < as_at)
        .select(
            "agency",
            "dataset",
            theme=pl.lit("collection"),
            finding=sentence(
                pl.col("title"),
                " was last refreshed for ",
                pl.col("quarter"),
                f", more than {most} months before the date of this profile.",
            ),
            evidence=sentence(
                "The newest delivery of '", pl.col("dataset"), "' (quality.delivery)."
            ),
            question=sentence("Can you send '", pl.col("dataset"), "' up to date?"),
            priority=pl.lit("high"),
        )
    )


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


def no_neighbours(evidence: Evidence) -> pl.DataFrame:
    """No neighbouring or regional figures for the latest quarter to compare with."""
    ended = quarters_ended(evidence.settings)
    regional = evidence.table(REGIONAL_SUMMARY)
    if not ended or regional.filter(pl.col("quarter") == ended[-1]).height:
        return _none()
    return _one(
        "collection",
        f"No figures of neighbouring authorities or the region are held for {ended[-1]}.",
        "No row for the quarter in analysis.regional_summary.",
        evidence.settings.area.region or "Regional CSE co-ordinator",
        f"Can you share the regional totals by risk level for {ended[-1]}?",
        "low",
    )


# --- data quality ---------------------------------------------------------------------------------

CORE_WORDS = {
    "ethnicity_code": "Ethnic group",
    "sex": "Sex",
    "date_of_birth": "Date of birth",
}


def not_recorded_fields(evidence: Evidence) -> pl.DataFrame:
    """Ethnic group, sex or date of birth not recorded for too many children of a dataset.

    A dataset that never gives a field isn't asked for it and is left out.
    """
    limit = evidence.settings.gaps.not_recorded_percent
    counts = (
        evidence.named(
            evidence.table(PERSON_RECORD)
            .filter(is_child(pl.col("role")))
            .group_by("dataset")
            .agg(pl.len().alias("records"), pl.col(*CORE_WORDS).null_count())
        )
        .unpivot(
            on=list(CORE_WORDS),
            index=["dataset", "agency", "title", "records"],
            variable_name="field",
            value_name="unknown",
        )
        .filter(
            pl.col("unknown") < pl.col("records"),
            pl.col("unknown") / pl.col("records") * 100 > limit,
        )
    )
    words = pl.col("field").replace_strict(CORE_WORDS)
    priority = pl.when(pl.col("field") == "ethnicity_code").then(pl.lit("high"))
    return counts.select(
        "agency",
        theme=pl.lit("data quality"),
        finding=sentence(
            words,
            " is not recorded in ",
            share(pl.col("unknown"), pl.col("records")),
            " of ",
            pl.col("title"),
            "; nothing about it can be told from these records.",
        ),
        evidence=sentence(
            number(pl.col("unknown")),
            " of ",
            number(pl.col("records")),
            f" records; the limit is {limit:g}% (records.subject).",
        ),
        question=sentence(
            "Can you supply what is missing in '",
            pl.col("dataset"),
            "', and why is it not asked for or not passed on?",
        ),
        priority=priority.otherwise(pl.lit("medium")),
    )


def incomplete_fields(evidence: Evidence) -> pl.DataFrame:
    """A core field that the newest delivery lacks too often (`quality:` in the plan).

    Ethnic group, sex and date of birth are told by `not_recorded_fields` over the whole period.
    """
    limits = evidence.settings.quality
    quality = evidence.table(PROFILE["data_quality"])
    newest = (
        quality.filter(pl.col("measure") == "rows_received", pl.col("value") > 0)
        .group_by("dataset")
        .agg(pl.col("quarter").max())
    )
    red = {name: limit.red for name, limit in limits.incomplete_by_field.items()}
    lacking = (
        quality.join(newest, on=["dataset", "quarter"])
        .filter(pl.col("measure").str.starts_with("complete_percent:"))
        .with_columns(field=pl.col("measure").str.split(":").list.last())
        .with_columns(
            limit=pl.col("field").replace_strict(
                red, default=limits.incomplete_percent.red, return_dtype=pl.Float64
            )
        )
        .filter(
            ~pl.col("field").is_in(list(CORE_WORDS)),
            100 - pl.col("value") >= pl.col("limit"),
            # A field that never comes is a column the agency doesn't hold: told as missing.
            pl.col("value") > 0,
        )
    )
    return evidence.named(lacking).select(
        "agency",
        theme=pl.lit("data quality"),
        finding=sentence(
            "The ",
            pl.col("field").str.replace_all("_", " "),
            " is not given often enough in the newest delivery of ",
            pl.col("title"),
            " (",
            pl.col("quarter"),
            ").",
        ),
        evidence=sentence(
            pl.col("limit").cast(pl.Int64),
            "% of records without it is the limit (data_quality).",
        ),
        question=sentence(
            "Can '", pl.col("dataset"), "' give the ", pl.col("field").str.replace_all("_", " "),
            " of every child?",
        ),
        priority=pl.lit("medium"),
    )  # fmt: skip


def open_rows(evidence: Evidence) -> pl.DataFrame:
    """Return the tracker's rows of children who were open, by the plan's rule, without the rest."""
    return evidence.table(MEASURES["cse_tracker"]).filter(
        pl.col("status").is_in(evidence.settings.tracker.open_statuses)
    )


def no_type_of_exploitation(evidence: Evidence) -> pl.DataFrame:
    """The tracker rarely says what type of exploitation it is (IICSA: a third of reports).

    Of all rows of children open and at risk in the period; `open_children_unknowns` tells the same
    of the children open now.
    """
    limit = evidence.settings.gaps.no_type_percent
    return (
        evidence.named(
            open_rows(evidence)
            .filter(pl.col("risk_level").is_in(evidence.settings.tracker.at_risk_levels))
            .group_by("dataset")
            .agg(rows=pl.len(), unknown=pl.col("model").null_count())
        )
        .filter(pl.col("unknown") / pl.col("rows") * 100 > limit)
        .select(
            "agency",
            theme=pl.lit("data quality"),
            finding=sentence(
                share(pl.col("unknown"), pl.col("rows")),
                " of the rows of open children in ",
                pl.col("title"),
                " give no type (model) of exploitation.",
            ),
            evidence=sentence(
                number(pl.col("unknown")),
                " of ",
                number(pl.col("rows")),
                f" rows; the limit is {limit:g}% (records.cse_tracker).",
            ),
            question=sentence(
                "Can the model of exploitation be recorded in '", pl.col("dataset"), "'?"
            ),
            priority=pl.lit("high"),
        )
    )


def unknown_values(evidence: Evidence) -> pl.DataFrame:
    """Spellings that no code list knows, by dataset and column; never the spellings themselves."""
    return evidence.named(
        evidence.table(UNKNOWN_VALUE)
        .group_by("dataset", "column", "codes")
        .agg(spellings=pl.len(), rows=pl.col("rows").sum())
    ).select(
        "agency",
        theme=pl.lit("data quality"),
        finding=sentence(
            "Column '",
            pl.col("column"),
            "' of ",
            pl.col("title"),
            " holds ",
            pl.when(pl.col("spellings") == 1)
            .then(pl.lit("a spelling"))
            .otherwise(pl.format("{} spellings", "spellings")),
            " that the list '",
            pl.col("codes"),
            "' doesn't know.",
        ),
        evidence=sentence(
            "Rows that count as not recorded for it: ",
            number(pl.col("rows")),
            " (quality.unknown_value).",
        ),
        question=sentence("What do these values of '", pl.col("column"), "' mean?"),
        priority=pl.lit("low"),
    )


def quarantined_share(evidence: Evidence) -> pl.DataFrame:
    """Too many rows of a dataset that could not be used."""
    out, received = (pl.col("measure") == f"rows_{fate}" for fate in ("quarantined", "received"))
    figure = cell(
        "data_quality", pl.col("dataset"), pl.col("quarter"), pl.col("measure"), column="value"
    )
    counts = (
        evidence.table(PROFILE["data_quality"])
        .filter(out | received)
        .group_by("dataset", maintain_order=True)
        .agg(
            rows=pl.col("value").filter(received).sum(),
            out=pl.col("value").filter(out).sum(),
            all_rows=total(figure.filter(received)),
            all_out=total(figure.filter(out)),
        )
    )
    return (
        evidence.named(counts)
        .filter(pl.col("out") / pl.col("rows") * 100 > QUARANTINE_PERCENT)
        .select(
            "agency",
            theme=pl.lit("data quality"),
            finding=sentence(
                share_of(pl.col("all_out"), pl.col("all_rows")),
                " of the rows of ",
                pl.col("title"),
                " could not be used.",
            ),
            evidence=sentence(
                pl.col("all_out"),
                " of ",
                pl.col("all_rows"),
                " rows quarantined (quality.quarantine gives file, row and rule).",
            ),
            question=sentence(
                "Can you correct the quarantined rows of '",
                pl.col("dataset"),
                "' and send them again?",
            ),
            priority=pl.lit("medium"),
        )
    )


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
                " should have them (records.subject).",
            ),
            question=sentence(
                "Can '",
                pl.col("dataset"),
                "' carry an NHS number, pupil number, or full name with date of birth?",
            ),
            priority=pl.lit("medium"),
        )
    )


def ungraded_reports(evidence: Evidence) -> pl.DataFrame:
    """Information reports with a grade from 1 to 5 neither for reliability nor for accuracy.

    "Don't know" is an answer, and kept as one, but it grades nothing.
    """
    limit = evidence.settings.gaps.ungraded_percent
    reliable = pl.col("reliability").is_in(GRADES).fill_null(False)
    accurate = pl.col("accuracy").is_in(GRADES).fill_null(False)
    return (
        evidence.named(
            evidence.table(MEASURES["information_report"])
            .group_by("dataset")
            .agg(
                reports=pl.len(),
                ungraded=(~reliable & ~accurate).sum(),
                one=(reliable != accurate).sum(),
            )
        )
        .filter(pl.col("ungraded") / pl.col("reports") * 100 > limit)
        .select(
            "agency",
            theme=pl.lit("data quality"),
            finding=sentence(
                share(pl.col("ungraded"), pl.col("reports")),
                " of information reports are graded neither for reliability nor for accuracy "
                '("don\'t know" counts as no grade).',
            ),
            evidence=sentence(
                number(pl.col("ungraded")),
                " of ",
                number(pl.col("reports")),
                " reports have neither grade, ",
                number(pl.col("one")),
                f" one only; the limit is {limit:g}% (records.information_report).",
            ),
            question=pl.lit(
                "Can the reporters grade these reports, and will forms be returned ungraded?"
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
        return _one(
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
        return _none()
    return _one(
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


# --- screening ------------------------------------------------------------------------------------


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


def interviews(column: str) -> pl.Expr:
    """Return the mark of a quarter's figure of return_interviews."""
    return cell("return_interviews", pl.col("quarter"), column=column)


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
            all_due=total(interviews("due")),
            all_in_time=total(interviews("within_72_hours")),
            all_late=total(interviews("late")),
            all_none=total(interviews("none")),
            all_failed=total(interviews("late"), interviews("none")),
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


def overlaps(column: str) -> pl.Expr:
    """Return the mark of a figure of overlap_distribution."""
    return cell("overlap_distribution", pl.col("indicators").cast(pl.String), column=column)


def unlisted_children(evidence: Evidence) -> pl.DataFrame:
    """Return one row on children with several indicators whom the CSE team has never listed.

    Counts `children, unlisted` and marks of both figures: `all_children, all_unlisted`. No row
    where there is no such child.
    """
    children, known = total(overlaps("children")), total(overlaps("known_to_cse"))
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


def lists_held(evidence: Evidence) -> str:
    """Return in words how much of the tracker is held, to follow its name; empty for all of it."""
    held = evidence.table(HOLDING).filter(
        pl.col("kind") == MEASURE, pl.col("name") == "cse_tracker"
    )
    quarters = quarters_held(held, MEASURE, "cse_tracker")
    if len(quarters) == held.height:
        return ""
    return f", of which {len(quarters)} of {held.height} quarters are held"


# --- victims --------------------------------------------------------------------------------------


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


def no_prevalence(evidence: Evidence) -> pl.DataFrame:
    """How many children no list holds is not estimated."""
    estimates = evidence.table(PROFILE["prevalence_estimate"])
    if estimates["estimate"].count():
        return _none()
    return _one(
        "victims",
        "How many children are harmed whom no agency has listed is not estimated.",
        "No estimate in prevalence_estimate.",
        ANALYST,
        "Do three or more agencies list children independently, so that an estimate may be tried?",
        "low",
    )


# --- suspects -------------------------------------------------------------------------------------


def crimes_without_suspect(evidence: Evidence) -> pl.DataFrame:
    """Recorded crimes that name no suspect."""
    limit = evidence.settings.gaps.not_recorded_percent
    held = evidence.table(HOLDING)
    if not (held.is_empty() or ever_held(held, ROLE, SUSPECT)):
        return _none()  # who is suspected isn't held at all: a gap of its own
    key = ["dataset", "file", "row"]
    named = evidence.table(PERSON_RECORD).filter(pl.col("role") == SUSPECT).select(key).unique()
    offences = (
        evidence.table(MEASURES["offence"])
        .select(*key, pl.coalesce("reference", pl.concat_str("file", "row")).alias("crime"))
        .join(named.with_columns(named=pl.lit(True)), on=key, how="left")
        .group_by("dataset", "crime")
        .agg(pl.col("named").fill_null(False).any())
    )
    return (
        evidence.named(
            offences.group_by("dataset").agg(crimes=pl.len(), unnamed=(~pl.col("named")).sum())
        )
        .filter(pl.col("unnamed") / pl.col("crimes") * 100 > limit)
        .select(
            "agency",
            theme=pl.lit("suspects"),
            finding=sentence(
                share(pl.col("unnamed"), pl.col("crimes")),
                " of crimes name no suspect (whole period).",
            ),
            evidence=sentence(
                number(pl.col("unnamed")),
                " of ",
                number(pl.col("crimes")),
                f" crimes; the limit is {limit:g}% (records.offence).",
            ),
            question=pl.lit(
                "For which of these crimes is a nickname, vehicle or description held elsewhere?"
            ),
            priority=pl.lit("high"),
        )
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


def no_network_picture(evidence: Evidence) -> pl.DataFrame:
    """Who acts with whom is in no table (IICSA: no picture of networks)."""
    if "analysis.suspect_network" in evidence.tables:
        return _none()
    return _one(
        "suspects",
        "Which suspects act together is not known: no dataset tells of groups or networks.",
        "No table of associations between suspects.",
        POLICE,
        "What is held on groups, networks and organised crime groups that touch these suspects?",
        "medium",
    )


# --- locations ------------------------------------------------------------------------------------


def offences_not_placed(evidence: Evidence) -> pl.DataFrame:
    """Offences, not online, that have no place that can be used."""
    limit = evidence.settings.gaps.not_recorded_percent
    unplaced = (
        pl.col("unusable_because").is_in(["not_geocoded", "default_geocode"]).fill_null(False)
    )
    offline = (pl.col("unusable_because") != "online").fill_null(True)
    return (
        evidence.named(
            evidence.table(OFFENDING_LOCATION)
            .filter(offline)
            .group_by("dataset")
            .agg(offences=pl.len(), unplaced=unplaced.sum())
        )
        .filter(pl.col("unplaced") / pl.col("offences") * 100 > limit)
        .select(
            "agency",
            theme=pl.lit("locations"),
            finding=sentence(
                share(pl.col("unplaced"), pl.col("offences")), " of offences have no usable place."
            ),
            evidence=sentence(
                number(pl.col("unplaced")),
                " of ",
                number(pl.col("offences")),
                " offences are not geocoded or lie at a default point (geo.offending_location).",
            ),
            question=pl.lit("Where did these offences happen, and where did people meet before?"),
            priority=pl.lit("medium"),
        )
    )


def premises_clusters(evidence: Evidence) -> pl.DataFrame:
    """Many information reports of a year on one licensed premises; it is never named here."""
    least = evidence.settings.gaps.reports_per_premises
    hotspots = evidence.table(GEO_HOTSPOTS).select(
        "hotspot", "radius_m", hotspot_e="easting_m", hotspot_n="northing_m"
    )
    counts = (
        evidence.table(PREMISES_REPORTS)
        .filter(
            pl.col("premises_id").is_not_null(),
            pl.col("quarter").is_in(last_four_quarters(evidence.settings.as_at)),
        )
        .join(
            restricted_rows(evidence.table(MEASURES["information_report"])).with_columns(
                restricted=pl.lit(True)
            ),
            on=ROW_KEY,
            how="left",
        )
        .group_by("premises_id")
        .agg(reports=pl.len(), restricted=pl.col("restricted").any())
        .filter(pl.col("reports") >= least)
    )
    places = evidence.table(PLACE).filter(pl.col("kind") == "licensed_premises")
    # What restricted reports say of one place stays on the analyst's desk, its number too.
    counted = (
        pl.when("restricted").then(held(pl.col("reports"))).otherwise(number(pl.col("reports")))
    )
    apart = (
        (pl.col("easting_m") - pl.col("hotspot_e")) ** 2
        + (pl.col("northing_m") - pl.col("hotspot_n")) ** 2
    ).sqrt()
    inside = counts.join(
        places.select("easting_m", "northing_m", premises_id="place_id"), on="premises_id"
    )
    near = (
        inside.join(hotspots, how="cross")
        .with_columns(apart=apart)
        .filter(pl.col("apart") <= pl.col("radius_m"))
        .sort("premises_id", "apart", "hotspot")
        .unique("premises_id", keep="first", maintain_order=True)
        .select("premises_id", "hotspot")
    )
    return (
        counts.join(near, on="premises_id", how="left")
        .sort("reports", "premises_id", descending=[True, False])
        .with_columns(
            where=pl.when(pl.col("hotspot").is_not_null())
            .then(sentence("in hotspot ", pl.col("hotspot")))
            .otherwise(pl.lit("outside the hotspots"))
        )
        .select(
            theme=pl.lit("locations"),
            finding=sentence(
                "A licensed premises ",
                pl.col("where"),
                " is named in ",
                counted,
                " information reports of the last four quarters.",
            ),
            evidence=sentence(
                counted,
                f" reports; {least} in a year is the limit "
                "(geo.premises_report holds which premises, for the analyst).",
            ),
            agency=pl.lit(LICENSING),
            question=pl.lit(
                "What is held on the premises (licence, conditions, complaints, visits), and may "
                "the licence be reviewed? The analyst gives its name on request."
            ),
            priority=pl.when(pl.col("hotspot").is_not_null())
            .then(pl.lit("high"))
            .otherwise(pl.lit("medium")),
        )
    )


RULES: tuple[Rule, ...] = (
    never_delivered,
    not_held_at_all,
    missed_quarters,
    unusable_files,
    empty_files,
    repeated_files,
    unreadable_context,
    partial_context,
    missing_columns,
    short_period,
    levels_changed,
    levels_unexplained,
    never_refreshed,
    silent_indicators,
    no_neighbours,
    not_recorded_fields,
    incomplete_fields,
    no_type_of_exploitation,
    unknown_values,
    unmet_expectations,
    quarantined_share,
    unlinkable_records,
    ungraded_reports,
    linkage_accuracy,
    unequal_linkage,
    decisions_not_applied,
    unscreened_groups,
    return_interviews_late,
    few_referrals,
    hidden_groups,
    open_children_unknowns,
    no_prevalence,
    harmed_not_known,
    crimes_without_suspect,
    suspects_not_described,
    suspects_in_doubt,
    suspects_under_18,
    no_network_picture,
    offences_not_placed,
    premises_clusters,
)


def _one(
    theme: str, finding: str, evidence: str, agency: str, question: str, priority: str
) -> pl.DataFrame:
    values = (theme, finding, evidence, agency, question, priority)
    return pl.DataFrame([values], schema=dict.fromkeys(ROW, pl.String), orient="row")


def _none() -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(ROW, pl.String))


def _capital(text: pl.Expr) -> pl.Expr:
    """Return a text with its first letter capital, the rest as it stands."""
    return text.str.slice(0, 1).str.to_uppercase() + text.str.slice(1)
