"""Records: every dataset's rows as subjects, indicator events and measures; final fates."""

import dagster as dg
import polars as pl

from assets.tables import Frames, table_asset
from profile_pipeline import tables
from profile_pipeline.intake import fates, records
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.names import supplies


def records_assets(plan: Plan) -> list[dg.AssetsDefinition]:
    """Return the assets of records.* and quality.fate."""
    rows = [f"harmonised.{dataset.id}" for dataset in plan.datasets]

    def measure(name: str) -> dg.AssetsDefinition:
        return table_asset(
            tables.MEASURES[name],
            rows,
            lambda frames, plan: records.measure_of(frames, name, plan.own_codes, plan.datasets),
        )

    return [
        table_asset(tables.PERSON_RECORD, rows, lambda frames, _: records.subjects_of(frames)),
        table_asset(
            tables.INDICATOR_EVENT, rows, lambda frames, _: records.indicator_events_of(frames)
        ),
        *(measure(name) for name in tables.MEASURES),
        table_asset(
            tables.FATE,
            [
                "quality.received_fate",
                "quality.delivery",
                "people.record_person",
                "people.person",
                "records.cse_tracker",
            ],
            _final_fates,
        ),
        table_asset(
            tables.HOLDING,
            [
                "quality.received_fate",
                "quality.missing_column",
                "quality.delivery",
                "records.subject",
                "records.indicator_event",
                *(f"records.{name}" for name in tables.MEASURES),
            ],
            _holding,
        ),
    ]


def _holding(frames: Frames, plan: Plan) -> pl.DataFrame:
    from profile_pipeline.analysis.holding import holding

    return holding(
        supplies(plan),
        [indicator.id for indicator in plan.indicators],
        frames["quality.received_fate"],
        frames["quality.missing_column"],
        frames["quality.delivery"],
        frames,
        plan.settings,
    )


def _final_fates(frames: Frames, plan: Plan) -> pl.DataFrame:
    from profile_pipeline.analysis.persons import kept_apart_rows

    apart = kept_apart_rows(
        frames["people.record_person"],
        frames["people.person"],
        frames["records.cse_tracker"],
        plan.settings.area,
    )
    final = fates.keep_apart(frames["quality.received_fate"], apart)
    fates.check_conservation(final, frames["quality.delivery"])
    return final
