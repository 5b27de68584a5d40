"""A draft action plan from gaps and tables, for the sub-group to decide.

Few and actionable: at most `MOST` actions, each with the figure it starts from and the figure that
will tell progress. Ratings are proposals by the limits below, not judgements of an agency.
"""

from collections.abc import Callable

import polars as pl

from profile_pipeline.analysis import gaps
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.holding import NOT_SUPPLIED
from profile_pipeline.analysis.representation import UNDER
from profile_pipeline.marks import cell, number, sentence, share_of
from profile_pipeline.tables import GEO_HOTSPOTS, PROFILE, conform

MOST = 12
ROW = ("action", "strand", "lead", "current_position", "measure", "outcome", "rag")
COLUMNS = pl.Schema(dict.fromkeys(ROW, pl.String))

# Red within a quarter, amber within two, green within a year: the sub-group's own rhythm.
TARGET_DAYS = {"red": 90, "amber": 180, "green": 365}
# Share of children with several indicators outside the tracker from which the action is red.
UNLISTED_RED_PERCENT = 50.0

Rule = Callable[[Evidence], pl.DataFrame]


def action_plan(evidence: Evidence) -> pl.DataFrame:
    """Return profile.action_plan, in order of the rules: children first, then places, then data.

    `rag` is red where a limit of the plan is missed by as much again or nothing is done at all,
    amber where it is missed, green where it is met. `target_date` is 90, 180 or 365 days after the
    as-at date for red, amber and green.
    """
    rows = pl.concat([rule(evidence).select(ROW).cast(COLUMNS) for rule in RULES]).head(MOST)
    days = pl.col("rag").replace_strict(TARGET_DAYS, return_dtype=pl.Int64)
    dated = rows.with_columns(target_date=pl.lit(evidence.settings.as_at) + pl.duration(days=days))
    return conform(dated, PROFILE["action_plan"])


def look_at_harmed_children(evidence: Evidence) -> pl.DataFrame:
    """Children recorded as harmed whom the CSE team has never listed."""
    return gaps.harmed_unlisted(evidence).select(
        action=pl.lit(
            "Agree who looks at each child recorded as harmed whom the CSE team has never listed, "
            "and by when"
        ),
        strand=pl.lit("protect"),
        lead=pl.lit(gaps.CSE_TEAM),
        current_position=sentence(
            number(pl.col("unlisted")),
            " children recorded as harmed are not in the tracker (intelligence_gaps).",
        ),
        measure=pl.lit("Children of the list with a named worker and a date, and looked at"),
        outcome=pl.lit("No child recorded as harmed is without someone who looks at them"),
        rag=pl.lit("red"),
    )


def look_at_unlisted_children(evidence: Evidence) -> pl.DataFrame:
    """Children with several indicators whom the CSE team has never listed."""
    least = evidence.settings.overlap_at_least
    red = pl.col("unlisted") / pl.col("children") * 100 >= UNLISTED_RED_PERCENT
    return gaps.unlisted_children(evidence).select(
        action=pl.lit(
            f"Read the records of the children with {least} or more indicators whom the CSE team "
            "has never listed, and screen where a practitioner sees cause"
        ),
        strand=pl.lit("protect"),
        lead=pl.lit(gaps.CSE_TEAM),
        current_position=sentence(
            pl.col("all_unlisted"),
            " of ",
            pl.col("all_children"),
            f" such children are not in the tracker{gaps.lists_held(evidence)} "
            "(overlap_distribution).",
        ),
        measure=pl.lit("Children of the list looked at, screened, and not yet looked at"),
        outcome=pl.lit("No child with several signs goes unseen because each agency holds one"),
        rag=pl.when(red).then(pl.lit("red")).otherwise(pl.lit("amber")),
    )


def interview_in_time(evidence: Evidence) -> pl.DataFrame:
    """Return interviews within the time that guidance sets."""
    limit = evidence.settings.gaps.late_or_no_interview_percent
    failed = (pl.col("late") + pl.col("none")) / pl.col("due") * 100
    leads = gaps.return_interviews_late(evidence)["agency"].to_list()
    return (
        gaps.interviews_of_the_year(evidence)
        .filter(pl.col("due") > 0)
        .select(
            action=pl.lit(
                "Hold and record a return interview within "
                f"{evidence.settings.return_interviews.hours:g} hours of every return"
            ),
            strand=pl.lit("protect"),
            lead=pl.lit(leads[0] if leads else gaps.POLICE),
            current_position=sentence(
                share_of(pl.col("all_in_time"), pl.col("all_due")),
                " of those due in ",
                pl.col("window"),
                " were in time (return_interviews).",
            ),
            measure=pl.lit("Share of due interviews held in time, by quarter"),
            outcome=pl.lit("Children who have been missing are heard, and what they say is used"),
            rag=_rated(failed, limit),
        )
    )


def screen_groups(evidence: Evidence) -> pl.DataFrame:
    """Routine screening of the groups below the limit."""
    limit = evidence.settings.gaps.screened_percent
    low = (
        evidence.table(PROFILE["screening_coverage"])
        .filter(pl.col("children") > 0, pl.col("percent") < limit)
        .sort("percent", "group")
    )
    return (
        low.select(
            groups=pl.col("group").str.join(", "),
            never=(pl.col("screened") == 0).any(),
            rows=pl.len(),
            lowest=pl.col("group").first(),
            lowest_share=share_of(
                cell("screening_coverage", pl.col("group").first(), column="screened"),
                cell("screening_coverage", pl.col("group").first(), column="children"),
            ),
        )
        .filter(pl.col("rows") > 0)
        .select(
            action=sentence("Screen routinely every child of: ", pl.col("groups")),
            strand=pl.lit("prevent"),
            lead=pl.lit(gaps.CSE_TEAM),
            current_position=sentence(
                "Lowest: ",
                pl.col("lowest"),
                ", ",
                pl.col("lowest_share"),
                " screened (screening_coverage).",
            ),
            measure=pl.lit(f"Share screened in each group, at least {limit:g}%"),
            outcome=pl.lit("Risk is noticed early, by routine and not by chance"),
            rag=pl.when(pl.col("never")).then(pl.lit("red")).otherwise(pl.lit("amber")),
        )
    )


def look_for_hidden_groups(evidence: Evidence) -> pl.DataFrame:
    """Groups that are possibly under-identified."""
    groups = evidence.table(PROFILE["representation"]).filter(
        pl.col("finding") == UNDER, pl.col("dimension") != "age"
    )
    named = sentence(pl.col("dimension").str.replace("_", " "), " ", pl.col("category"))
    return (
        groups.select(
            groups=named.str.join(", "),
            rows=pl.len(),
        )
        .filter(pl.col("rows") > 0)
        .select(
            action=sentence(
                "With services and communities, look for children who may be missed: ",
                pl.col("groups"),
            ),
            strand=pl.lit("protect"),
            lead=pl.lit(gaps.CSE_TEAM),
            current_position=pl.lit(
                "A smaller share of the children open now than of those with several indicators "
                "(representation)."
            ),
            measure=pl.lit("Ratio of shares in representation, and what the looking found"),
            outcome=pl.lit("Every child is as likely to be noticed, whoever they are"),
            rag=pl.lit("amber"),
        )
    )


def disrupt_at_hotspots(evidence: Evidence) -> pl.DataFrame:
    """Places where offending concentrates and does not fade."""
    hotspots = evidence.table(GEO_HOTSPOTS).filter(pl.col("status").is_in(["new", "persistent"]))
    return (
        hotspots.sort("hotspot")
        .select(
            names=pl.col("hotspot").str.join(", "),
            new=(pl.col("status") == "new").sum(),
            events=pl.col("events_last_year").sum(),
            rows=pl.len(),
        )
        .filter(pl.col("rows") > 0)
        .select(
            action=sentence("Disrupt offending at the hotspots ", pl.col("names")),
            strand=pl.lit("pursue"),
            lead=pl.lit(gaps.POLICE),
            current_position=sentence(
                _plural(pl.col("rows"), "hotspot", "hotspots"),
                ", of them ",
                pl.col("new"),
                " new; ",
                number(pl.col("events")),
                " offences there in the last four quarters (hotspots).",
            ),
            measure=pl.lit("Offences and reports in each hotspot, by quarter; actions taken there"),
            outcome=pl.lit("Persons posing risk lose the places they use"),
            rag=pl.when(pl.col("new") > 0).then(pl.lit("red")).otherwise(pl.lit("amber")),
        )
    )


def use_licensing_powers(evidence: Evidence) -> pl.DataFrame:
    """Licensed premises that many reports name."""
    clusters = gaps.premises_clusters(evidence)
    in_hotspot = pl.col("priority") == "high"
    return (
        clusters.select(first=pl.col("finding").first(), rows=pl.len(), in_hotspot=in_hotspot.any())
        .filter(pl.col("rows") > 0)
        .select(
            action=pl.lit(
                "Use licensing powers at the premises that information reports name most often"
            ),
            strand=pl.lit("pursue"),
            lead=pl.lit(gaps.LICENSING),
            current_position=pl.col("first"),
            measure=pl.lit("Visits, reviews and conditions; reports on the premises by quarter"),
            outcome=pl.lit("Premises keep children safe or lose their licence"),
            rag=pl.when(pl.col("in_hotspot")).then(pl.lit("red")).otherwise(pl.lit("amber")),
        )
    )


def widen_referrals(evidence: Evidence) -> pl.DataFrame:
    """Sources that refer very few children."""
    return (
        gaps.few_referrals(evidence)
        .filter(pl.col("priority") == "high")
        .sort("agency")
        .select(
            sources=pl.col("agency").str.join(", "), first=pl.col("evidence").first(), rows=pl.len()
        )
        .filter(pl.col("rows") > 0)
        .select(
            action=sentence("Raise awareness and agree a way to refer with: ", pl.col("sources")),
            strand=pl.lit("prevent"),
            lead=pl.lit("Sub-group chair"),
            current_position=sentence("Fewest: ", pl.col("first")),
            measure=pl.lit("Referrals by source, each quarter"),
            outcome=pl.lit("Whoever sees a child at risk knows what to do with it"),
            rag=pl.lit("amber"),
        )
    )


def obtain_missing_data(evidence: Evidence) -> pl.DataFrame:
    """Datasets never delivered and quarters missed."""
    never = gaps.never_delivered(evidence)
    missed = gaps.missed_quarters(evidence)
    findings = pl.concat([never.select("agency", "finding"), missed.select("agency", "finding")])
    if findings.is_empty():
        return pl.DataFrame(schema=COLUMNS)
    agencies = ", ".join(sorted(set(findings["agency"].to_list())))
    return _one(
        f"Obtain what has not been delivered from: {agencies}",
        "protect",
        "Sub-group chair",
        " ".join(findings["finding"].sort().to_list()),
        "Files received of files due (data_quality)",
        "The profile rests on every agency's piece",
        "red" if never.height else "amber",
    )


def agree_supply(evidence: Evidence) -> pl.DataFrame:
    """What the profile needs and no dataset of the plan supplies."""
    needs = [
        gaps.SHORT[key]
        for key, (state, _) in gaps.needs_not_held(evidence).items()
        if state == NOT_SUPPLIED
    ]
    if not needs:
        return pl.DataFrame(schema=COLUMNS)
    return _one(
        f"Agree with the agencies who will supply: {', '.join(needs)}",
        "protect",
        "Sub-group chair",
        "No dataset of the collection plan supplies them, so the profile can't tell of them "
        "(intelligence_gaps).",
        "Datasets agreed in the collection plan, and files received",
        "What is missing is known to be missing, and is asked for",
        "red",
    )


def grade_reports(evidence: Evidence) -> pl.DataFrame:
    """Information reports without a grade."""
    return _from_gap(
        gaps.ungraded_reports(evidence),
        "Grade information reports on receipt and return those without a grade",
        "pursue",
        "Share of reports with neither grade, by quarter",
        "Information can be relied on as far as it deserves",
    )


def name_suspects(evidence: Evidence) -> pl.DataFrame:
    """Crimes without a suspect."""
    return _from_gap(
        gaps.crimes_without_suspect(evidence),
        "Search nicknames, vehicles and descriptions across agencies for crimes with no suspect",
        "pursue",
        "Share of crimes that name a suspect, by quarter",
        "Persons posing risk are identified",
    )


def record_ethnic_group(evidence: Evidence) -> pl.DataFrame:
    """Ethnic group not recorded."""
    found = gaps.not_recorded_fields(evidence).filter(pl.col("priority") == "high").sort("agency")
    return _from_gap(
        found.head(1),
        "Record self-defined ethnic group of every child",
        "protect",
        "Share not recorded, by dataset and quarter (data_quality)",
        "Children of every community can be seen in the figures",
    )


RULES: tuple[Rule, ...] = (
    look_at_harmed_children,
    look_at_unlisted_children,
    interview_in_time,
    screen_groups,
    look_for_hidden_groups,
    disrupt_at_hotspots,
    use_licensing_powers,
    widen_referrals,
    obtain_missing_data,
    agree_supply,
    name_suspects,
    grade_reports,
    record_ethnic_group,
)


def _plural(count: pl.Expr, one: str, more: str) -> pl.Expr:
    """Return a count with its noun: `1 hotspot`, `3 hotspots`."""
    noun = pl.when(count == 1).then(pl.lit(one)).otherwise(pl.lit(more))
    return pl.concat_str(count.cast(pl.String), pl.lit(" "), noun)


def _rated(failed: pl.Expr, limit: float) -> pl.Expr:
    """Return green up to the limit (percent), amber up to twice the limit, red above."""
    return (
        pl.when(failed <= limit)
        .then(pl.lit("green"))
        .when(failed <= 2 * limit)
        .then(pl.lit("amber"))
        .otherwise(pl.lit("red"))
    )


def _from_gap(
    found: pl.DataFrame, action: str, strand: str, measure: str, outcome: str
) -> pl.DataFrame:
    return found.head(1).select(
        action=pl.lit(action),
        strand=pl.lit(strand),
        lead=pl.col("agency"),
        current_position=pl.col("finding"),
        measure=pl.lit(measure),
        outcome=pl.lit(outcome),
        rag=pl.lit("amber"),
    )


def _one(*values: str) -> pl.DataFrame:
    return pl.DataFrame([values], schema=COLUMNS, orient="row")
