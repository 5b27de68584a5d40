"""Intelligence gaps: what is not known, who may hold the answer, and by when it is asked for.

The rules stand by theme in the modules `*_gaps`; each is a small function from the evidence to rows
`theme, finding, evidence, agency, question, priority`, listed in its module's `RULES`. A limit
comes from `gaps:` in `profile.yaml` unless its constant says otherwise. No text holds a name, a
value of a cell or the name of premises.
"""

from datetime import timedelta

import polars as pl

from profile_pipeline.analysis import (
    children_gaps,
    delivery_gaps,
    holding_gaps,
    linkage_gaps,
    location_gaps,
    record_gaps,
    suspect_gaps,
)
from profile_pipeline.analysis.children_gaps import (
    few_referrals,
    harmed_unlisted,
    hidden_groups,
    interviews_of_the_year,
    return_interviews_late,
    unlisted_children,
    unscreened_groups,
)
from profile_pipeline.analysis.delivery_gaps import (
    empty_files,
    missed_quarters,
    missing_columns,
    never_delivered,
    never_refreshed,
    partial_context,
    repeated_files,
    unusable_files,
)
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.gap_rows import (
    CSE_TEAM,
    LICENSING,
    POLICE,
    PRIORITIES,
    ROW,
    THEMES,
    Rule,
)
from profile_pipeline.analysis.holding_gaps import (
    SHORT,
    lists_held,
    needs_not_held,
    not_held_at_all,
    short_period,
    silent_indicators,
)
from profile_pipeline.analysis.linkage_gaps import (
    linkage_accuracy,
    unequal_linkage,
)
from profile_pipeline.analysis.location_gaps import (
    premises_clusters,
)
from profile_pipeline.analysis.record_gaps import (
    incomplete_fields,
    levels_unexplained,
    no_type_of_exploitation,
    not_recorded_fields,
    open_rows,
    ungraded_reports,
    unknown_values,
)
from profile_pipeline.analysis.suspect_gaps import (
    crimes_without_suspect,
)
from profile_pipeline.tables import PROFILE, conform

# With the table itself, what actions, findings and warnings share with the gaps.
__all__ = [
    "CSE_TEAM",
    "LICENSING",
    "POLICE",
    "SHORT",
    "crimes_without_suspect",
    "empty_files",
    "few_referrals",
    "harmed_unlisted",
    "hidden_groups",
    "incomplete_fields",
    "intelligence_gaps",
    "interviews_of_the_year",
    "levels_unexplained",
    "linkage_accuracy",
    "lists_held",
    "missed_quarters",
    "missing_columns",
    "needs_not_held",
    "never_delivered",
    "never_refreshed",
    "no_type_of_exploitation",
    "not_held_at_all",
    "not_recorded_fields",
    "open_rows",
    "partial_context",
    "premises_clusters",
    "repeated_files",
    "return_interviews_late",
    "short_period",
    "silent_indicators",
    "unequal_linkage",
    "ungraded_reports",
    "unknown_values",
    "unlisted_children",
    "unscreened_groups",
    "unusable_files",
]

RULES: tuple[Rule, ...] = (
    *delivery_gaps.RULES,
    *holding_gaps.RULES,
    *record_gaps.RULES,
    *linkage_gaps.RULES,
    *children_gaps.RULES,
    *suspect_gaps.RULES,
    *location_gaps.RULES,
)


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
