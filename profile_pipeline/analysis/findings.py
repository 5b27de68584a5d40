"""Key findings: a few sentences drawn by rule from the tables, the most actionable first.

Each names the table it rests on and how sure it is. Counts are marks (see `marks`), so
that a sentence is as safe as the table it quotes. Shares of few children are not findings.
"""

from collections.abc import Callable

import polars as pl

from profile_pipeline.analysis import gaps
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.representation import UNDER
from profile_pipeline.marks import cell, number, sentence, share_of
from profile_pipeline.quarters import last_day, previous_quarter
from profile_pipeline.tables import (
    GEO_HOTSPOTS,
    HOME_PROXIMITY,
    KEY_FINDINGS,
    PROFILE,
    TOTAL,
    conform,
)

MOST = 14
ROW = ("finding", "confidence", "table", "strand")
# Chance of a distance being called near though it isn't, over all distances tried together.
BEYOND_CHANCE = 0.05
HIGH, MEDIUM, LOW = "high", "medium", "low"

Rule = Callable[[Evidence], pl.DataFrame]


def key_findings(evidence: Evidence) -> pl.DataFrame:
    """Return the key findings: `order` (from 1), `finding`, `confidence`, `table`, `strand`.

    Confidence is high for a count of what agencies recorded, medium where it rests on links
    between records or on a test, low where chance or missing data may explain it.
    """
    columns = pl.Schema(dict.fromkeys(ROW, pl.String))
    rows = pl.concat([rule(evidence).select(ROW).cast(columns) for rule in RULES]).head(MOST)
    return conform(rows.with_row_index("order", offset=1), KEY_FINDINGS)


def scale(evidence: Evidence) -> pl.DataFrame:
    """How many children are open and at risk, by level, and the change since the quarter before."""
    cohort = evidence.table(PROFILE["cohort_by_quarter"]).drop_nulls("children")
    if cohort.is_empty():
        return _none()
    latest = str(cohort["quarter"].max())
    now = cohort.filter(pl.col("quarter") == latest)
    before = cohort.filter(
        pl.col("quarter") == previous_quarter(latest), pl.col("risk_level") == TOTAL
    )
    levels = (
        now.filter(pl.col("risk_level") != TOTAL)
        .select(sentence(_printed(), " ", pl.col("risk_level").replace(LEVEL_WORDS)).str.join(", "))
        .item()
    )
    since = (
        before.select(sentence(" A quarter before it was ", _printed(), ".")).item()
        if before.height
        else ""
    )
    day = last_day(latest)
    return now.filter(pl.col("risk_level") == TOTAL).select(
        finding=sentence(
            _printed(),
            f" children were open and at risk of exploitation on {day.day} {day:%B %Y}: "
            f"{levels}.{since}",
        ),
        confidence=pl.lit(HIGH),
        table=pl.lit("cohort_by_quarter"),
        strand=pl.lit("protect"),
    )


def _printed() -> pl.Expr:
    keys = (pl.col("quarter"), pl.col("risk_level"))
    return cell("cohort_by_quarter", *keys, column="children")


LEVEL_WORDS = {
    "at_risk": "at risk",
    "significant": "at significant risk",
    "serious": "at serious risk",
}


def not_held(evidence: Evidence) -> pl.DataFrame:
    """What the profile can't tell of at all, because nothing is held of it."""
    names = [gaps.SHORT[key] for key in gaps.needs_not_held(evidence)]
    if not names:
        return _none()
    said = (
        f"Nothing is held of: {', '.join(names)}. That no figure is shown doesn't mean that there "
        "is none."
    )
    return pl.DataFrame(
        [(said, HIGH, "intelligence_gaps", "protect")],
        schema=dict.fromkeys(ROW, pl.String),
        orient="row",
    )


def unlisted_children(evidence: Evidence) -> pl.DataFrame:
    """Children with several indicators whom the CSE team has never listed."""
    least = evidence.settings.overlap_at_least
    return gaps.unlisted_children(evidence).select(
        finding=sentence(
            pl.col("all_unlisted"),
            " of the ",
            pl.col("all_children"),
            f" children with {least} or more indicators in the last "
            f"four quarters have never been in the CSE team's tracker{gaps.lists_held(evidence)}.",
        ),
        confidence=pl.lit(MEDIUM),
        table=pl.lit("overlap_distribution"),
        strand=pl.lit("protect"),
    )


def harmed_unlisted(evidence: Evidence) -> pl.DataFrame:
    """Children recorded as harmed whom the CSE team has never listed."""
    return gaps.harmed_unlisted(evidence).select(
        finding=sentence(
            number(pl.col("unlisted")),
            " children recorded as harmed have never been in the CSE team's tracker.",
        ),
        confidence=pl.lit(MEDIUM),
        table=pl.lit("intelligence_gaps"),
        strand=pl.lit("protect"),
    )


def places(evidence: Evidence) -> pl.DataFrame:
    """Hotspots that are new or persist."""
    return (
        evidence.table(GEO_HOTSPOTS)
        .filter(pl.col("status").is_in(["new", "persistent"]))
        .sort("hotspot")
        .select(
            rows=pl.len(),
            words=sentence(
                pl.col("hotspot"), " (", pl.col("status"), ", ", pl.col("wards"), ")"
            ).str.join("; "),
        )
        .filter(pl.col("rows") > 0)
        .select(
            finding=sentence("Offending concentrates at: ", pl.col("words"), "."),
            confidence=pl.lit(MEDIUM),
            table=pl.lit("hotspots"),
            strand=pl.lit("pursue"),
        )
    )


def near_homes(evidence: Evidence) -> pl.DataFrame:
    """Offences nearer to children's homes than chance puts them, at the clearest distance."""
    return (
        evidence.table(HOME_PROXIMITY)
        .filter(pl.col("p_holm") < BEYOND_CHANCE)
        .sort("p_holm", "radius_m")
        .head(1)
        .select(
            finding=sentence(
                number(pl.col("events_near")),
                " of ",
                number(pl.col("events")),
                " offences with a usable place lie within ",
                pl.col("radius_m").cast(pl.Int64),
                " m of a children's home, where about ",
                number(pl.col("expected").round(0)),
                " would by chance (whole period). The homes may draw those who cause harm: nothing "
                "is said of the children or staff there.",
            ),
            confidence=pl.lit(MEDIUM),
            table=pl.lit("hotspots"),
            strand=pl.lit("protect"),
        )
    )


def premises(evidence: Evidence) -> pl.DataFrame:
    """Licensed premises that many reports name."""
    return (
        gaps.premises_clusters(evidence)
        .head(1)
        .select(
            "finding",
            confidence=pl.lit(MEDIUM),
            table=pl.lit("intelligence_gaps"),
            strand=pl.lit("pursue"),
        )
    )


def interviews(evidence: Evidence) -> pl.DataFrame:
    """Return interviews late or none recorded."""
    return (
        gaps.interviews_of_the_year(evidence)
        .filter(pl.col("due") > 0, pl.col("late") + pl.col("none") > 0)
        .select(
            finding=sentence(
                "In ",
                pl.col("window"),
                " ",
                share_of(pl.col("all_failed"), pl.col("all_due")),
                " of the return interviews due were late or none is recorded (",
                pl.col("all_late"),
                " late, ",
                pl.col("all_none"),
                " with none recorded, of ",
                pl.col("all_due"),
                " due).",
            ),
            confidence=pl.lit(HIGH),
            table=pl.lit("return_interviews"),
            strand=pl.lit("protect"),
        )
    )


def screening(evidence: Evidence) -> pl.DataFrame:
    """The group screened least."""
    return (
        evidence.table(PROFILE["screening_coverage"])
        .filter(
            pl.col("children") > 0,
            pl.col("percent") < evidence.settings.gaps.screened_percent,
        )
        .sort("percent", "group")
        .head(1)
        .select(
            finding=sentence(
                "Of the groups to be screened routinely, '",
                pl.col("group"),
                "' is screened least: ",
                cell("screening_coverage", pl.col("group"), column="screened"),
                " of ",
                cell("screening_coverage", pl.col("group"), column="children"),
                " children of the whole period.",
            ),
            confidence=pl.lit(MEDIUM),
            table=pl.lit("screening_coverage"),
            strand=pl.lit("prevent"),
        )
    )


def hidden(evidence: Evidence) -> pl.DataFrame:
    """Groups possibly under-identified."""
    return (
        evidence.table(PROFILE["representation"])
        .filter(pl.col("finding") == UNDER, pl.col("dimension") != "age")
        .select(
            groups=sentence(
                pl.col("category"), " (", pl.col("dimension").str.replace("_", " "), ")"
            ).str.join(", "),
            rows=pl.len(),
        )
        .filter(pl.col("rows") > 0)
        .select(
            finding=sentence(
                "Children of these groups are possibly under-identified, a smaller share of the "
                "children open now than of those with "
                f"{evidence.settings.overlap_at_least} or more indicators: ",
                pl.col("groups"),
                ". A prompt to look, not a finding about them.",
            ),
            confidence=pl.lit(LOW),
            table=pl.lit("representation"),
            strand=pl.lit("protect"),
        )
    )


def referrals(evidence: Evidence) -> pl.DataFrame:
    """Sources that refer very few."""
    return (
        gaps.few_referrals(evidence)
        .filter(pl.col("priority") == "high")
        .sort("agency")
        .select(sources=pl.col("agency").str.to_lowercase().str.join("; "), rows=pl.len())
        .filter(pl.col("rows") > 0)
        .select(
            finding=sentence("Very few children are referred by: ", pl.col("sources"), "."),
            confidence=pl.lit(HIGH),
            table=pl.lit("intelligence_gaps"),
            strand=pl.lit("prevent"),
        )
    )


def who(evidence: Evidence) -> pl.DataFrame:
    """Sex, looked-after status and missing episodes of the children open now."""
    latest = (
        evidence.table(PROFILE["victim_profile"])
        .drop_nulls("percent")
        .filter(pl.col("quarter") == pl.col("quarter").max())
    )
    if latest.is_empty():
        return _none()
    parts = [
        ("sex", "female", "girls"),
        ("looked_after", "yes", "looked after"),
        ("missing_in_year", "yes", "missing at least once in the four quarters to then"),
    ]
    quarter = latest["quarter"][0]
    words = [
        f"{{cell:victim_profile|{quarter}|{dimension}|{category}|percent}} {word}"
        for dimension, category, word in parts
        if _part(latest, dimension, category)[1]
    ]
    if not words:
        return _none()
    day = last_day(str(quarter))
    said = f"Of the children open and at risk on {day.day} {day:%B %Y}: {', '.join(words)}."
    return pl.DataFrame(
        [(said, HIGH, "victim_profile", "protect")],
        schema=dict.fromkeys(ROW, pl.String),
        orient="row",
    )


def pair(evidence: Evidence) -> pl.DataFrame:
    """The two indicators that meet most often."""
    labels = evidence.indicators.select("indicator", "label")
    return (
        evidence.table(PROFILE["indicator_overlap"])
        .filter(pl.col("children") > 0)
        .sort("children", "indicator_a", "indicator_b", descending=[True, False, False])
        .head(1)
        .join(labels, left_on="indicator_a", right_on="indicator", how="left")
        .join(labels, left_on="indicator_b", right_on="indicator", how="left", suffix="_b")
        .select(
            finding=sentence(
                "The two indicators that most often met in one child, last four quarters, are '",
                pl.coalesce("label", "indicator_a"),
                "' and '",
                pl.coalesce("label_b", "indicator_b"),
                "': ",
                cell(
                    "indicator_overlap",
                    pl.col("indicator_a"),
                    pl.col("indicator_b"),
                    column="children",
                ),
                " children.",
            ),
            confidence=pl.lit(MEDIUM),
            table=pl.lit("indicator_overlap"),
            strand=pl.lit("prevent"),
        )
    )


def suspects(evidence: Evidence) -> pl.DataFrame:
    """Crimes that name no suspect."""
    return (
        gaps.crimes_without_suspect(evidence)
        .head(1)
        .select(
            "finding",
            confidence=pl.lit(HIGH),
            table=pl.lit("intelligence_gaps"),
            strand=pl.lit("pursue"),
        )
    )


def absent_agencies(evidence: Evidence) -> pl.DataFrame:
    """Agencies of which nothing has come."""
    return (
        gaps.never_delivered(evidence)
        .sort("agency")
        .select(agencies=pl.col("agency").unique(maintain_order=True).str.join(", "), rows=pl.len())
        .filter(pl.col("rows") > 0)
        .select(
            finding=sentence("The profile lacks everything held by: ", pl.col("agencies"), "."),
            confidence=pl.lit(HIGH),
            table=pl.lit("intelligence_gaps"),
            strand=pl.lit("protect"),
        )
    )


RULES: tuple[Rule, ...] = (
    scale,
    not_held,
    harmed_unlisted,
    unlisted_children,
    places,
    near_homes,
    premises,
    interviews,
    screening,
    hidden,
    referrals,
    absent_agencies,
    who,
    pair,
    suspects,
)


def _part(latest: pl.DataFrame, dimension: str, category: str) -> tuple[int, int]:
    rows = latest.filter(pl.col("dimension") == dimension)
    part = rows.filter(pl.col("category") == category)["children"].sum()
    return int(part), int(rows.filter(pl.col("category") == TOTAL)["children"].sum())


def _none() -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(ROW, pl.String))
