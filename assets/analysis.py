"""Analysis: the cohort, combinations of indicators and referral sources, for the analyst."""

import dagster as dg
import polars as pl

from assets.tables import Frames, table_asset
from profile_pipeline import tables
from profile_pipeline.analysis import cohort, overlap, referrals, representation, unknown
from profile_pipeline.plan.load import Plan


def analysis_assets(plan: Plan) -> list[dg.AssetsDefinition]:
    """Return the assets of the step analysis."""
    return [
        table_asset(
            tables.OPEN_CHILD,
            [
                "records.cse_tracker",
                "people.record_person",
                "people.person",
                "records.indicator_event",
                "quality.holding",
            ],
            _open_children,
        ),
        table_asset(
            tables.COMBINATION,
            ["people.person_overlap", "quality.holding"],
            lambda frames, plan: unknown.combinations(
                overlap.combinations(frames["people.person_overlap"]),
                frames["quality.holding"],
                plan.settings,
            ),
        ),
        table_asset(
            tables.REFERRAL_SOURCE,
            [
                "records.cse_tracker",
                "people.record_person",
                "people.person",
                "analysis.open_child",
            ],
            lambda frames, plan: referrals.referral_sources(
                frames["records.cse_tracker"],
                frames["people.record_person"],
                frames["people.person"],
                frames["analysis.open_child"],
                plan.settings,
            ),
        ),
        table_asset(
            tables.POPULATION_COMPARISON,
            ["profile.representation"],
            lambda frames, _: representation.compare_with_population(
                frames["profile.representation"]
            ),
        ),
    ]


def _open_children(frames: Frames, plan: Plan) -> pl.DataFrame:
    counted = cohort.open_children(
        frames["records.cse_tracker"],
        frames["people.record_person"],
        frames["people.person"],
        frames["records.indicator_event"],
        plan.settings,
    )
    return unknown.open_child(counted, frames["quality.holding"])
