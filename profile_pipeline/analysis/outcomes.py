"""Disruption and outcomes: actions against persons posing risk and places, by quarter."""

import polars as pl

from profile_pipeline.analysis.counting import by_category, quarters_counted, recorded
from profile_pipeline.plan.settings import ProfileSettings
from profile_pipeline.tables import PROFILE, conform


def disruption_outcomes(disruption: pl.DataFrame, settings: ProfileSettings) -> pl.DataFrame:
    """Return profile.disruption_outcomes: actions by quarter, every action in every quarter.

    A row is an action; a row with the same reference, action and date in a later file is the same
    action sent again. `not recorded` and `all` have rows of their own.

    Args:
        disruption: records.disruption.
        settings: settings of the profile.
    """
    actions = disruption.sort("file", "row").with_columns(
        again=pl.struct("dataset", "reference", "action", "date", "detail", "crime_reference")
    )
    sent_again = (
        actions.filter(pl.col("reference").is_not_null())
        .with_columns(first_file=pl.col("file").first().over("again"))
        .filter(pl.col("file") != pl.col("first_file"))
    )
    once = actions.join(
        sent_again, on=["dataset", "file", "row"], how="anti", maintain_order="left"
    )
    counted = by_category(
        once, recorded(pl.col("action")), quarters_counted(settings), "outcome", count="count"
    )
    return conform(counted.rename({"category": "outcome"}), PROFILE["disruption_outcomes"])
