"""The Dagster code location: composes the assets of a profile folder, nothing else.

`PROFILE_DIR` names the folder. Without it the location is empty and says so. Modules that Dagster
reads must not postpone annotations.
"""

import os
import warnings
from pathlib import Path

import dagster as dg

from profile_pipeline.errors import UserError

PROFILE_DIR = "PROFILE_DIR"
JOB = "problem_profile"


def build_definitions(folder: Path, as_at: str = "") -> dg.Definitions:
    """Return the definitions of a profile folder; raise PlanError when its plan is bad."""
    from assets.analysis import analysis_assets
    from assets.collection import collection_assets
    from assets.dissemination import dissemination_assets
    from assets.geography import geography_assets
    from assets.people import people_assets
    from assets.profile import profile_assets
    from assets.quality import quality_assets
    from assets.records import records_assets
    from assets.resources import Profile, Warehouse, WarehouseIOManager, plan_as_at

    plan = plan_as_at(folder, as_at)
    warehouse = Warehouse(folder=str(folder))
    return dg.Definitions(
        assets=[
            *collection_assets(plan),
            *records_assets(plan),
            *people_assets(plan),
            *analysis_assets(plan),
            *geography_assets(plan),
            *profile_assets(plan),
            *dissemination_assets(plan),
            *quality_assets(plan),
        ],
        jobs=[
            dg.define_asset_job(
                JOB,
                selection=dg.AssetSelection.all(),
                description="Everything, from the agencies' files to the problem profile.",
            )
        ],
        resources={
            "profile": Profile(folder=str(folder), as_at=as_at),
            "warehouse": warehouse,
            "io_manager": WarehouseIOManager(warehouse=warehouse),
        },
        # One process, one writer: DuckDB's file can't be written by two.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions of the folder in PROFILE_DIR."""
    folder = os.environ.get(PROFILE_DIR, "")
    if not folder:
        return _empty(
            "PROFILE_DIR is not set, so there is nothing to show. Start the UI with"
            " `profile-pipeline ui --profile FOLDER`."
        )
    try:
        return build_definitions(Path(folder).resolve())
    except UserError as error:
        raise dg.DagsterInvalidDefinitionError(f"The plan can't be used.\n{error}") from None


def _empty(message: str) -> dg.Definitions:
    warnings.warn(message, stacklevel=2)
    return dg.Definitions(metadata={"profile": message})
