"""Who refers children to the CSE team: the source of every child who was ever open."""

import polars as pl

from profile_pipeline.analysis.cohort import latest_tracker_rows
from profile_pipeline.analysis.counting import by_category, quarters_ended, recorded
from profile_pipeline.plan.settings import ProfileSettings

REFERRALS = pl.Schema(
    {
        "referral_source": pl.String,
        "children": pl.Int64,
        "percent": pl.Float64,
        "not_recorded_percent": pl.Float64,
    }
)


def referral_sources(
    cse_tracker: pl.DataFrame,
    record_person: pl.DataFrame,
    person: pl.DataFrame,
    open_child: pl.DataFrame,
    settings: ProfileSettings,
) -> pl.DataFrame:
    """Return the referral sources of children ever open and at risk in the period.

    Each child counts once, with the source of the first referral recorded in the period.

    Args:
        cse_tracker: records.cse_tracker.
        record_person: people.record_person.
        person: people.person.
        open_child: analysis.open_child.
        settings: settings of the profile.

    Returns:
        `referral_source, children, percent, not_recorded_percent`, with `not recorded` and `all`.
    """
    ended = quarters_ended(settings)
    ever_open = open_child.filter(pl.col("quarter").is_in(ended)).select("person_id").unique()
    first = (
        latest_tracker_rows(cse_tracker, record_person, person, settings)
        .join(ever_open, on="person_id", how="semi")
        .with_columns(recorded(pl.col("referral_source")))
        .group_by("person_id")
        .agg(
            pl.col("referral_source")
            .sort_by("referral_date", "quarter", nulls_last=True)
            .drop_nulls()
            .first(),
            quarter=pl.lit("period"),
        )
    )
    counted = by_category(first, pl.col("referral_source"), ["period"], "referral_source")
    return counted.rename({"category": "referral_source"}).select(REFERRALS.keys()).cast(REFERRALS)
