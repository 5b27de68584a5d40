"""`profile-pipeline explain`: why a person's records are one person, from the warehouse, in words.

Restricted: what it returns names rows, dates and reasons of one person, for the analyst who asked.
Names and numbers of the person aren't in it; they stand in the rows it points to.
"""

from pathlib import Path

from profile_pipeline import store
from profile_pipeline.errors import ContractError, PlanError, Problem
from profile_pipeline.linkage.explained import Lines, Told, explained
from profile_pipeline.plan.load import Plan
from profile_pipeline.store import write_private
from profile_pipeline.tables import FILE_ROWS, empty

LOCK_TIMEOUT_S = 5.0


def explain(plan: Plan, person: str) -> Lines:
    """Return the explanation of a person as lines of text (`linkage.explained`)."""
    return told(plan, person).lines


def waterfall_page(plan: Plan, person: str) -> Path:
    """Write the explanation with its waterfalls as a page of the restricted folder; return it.

    Raises as `told`.
    """
    from reports.explanations import explanations

    page = explanations([told(plan, person)], f"Explanation of {person}")
    folder = plan.folder / "output" / str(plan.settings.as_at) / "restricted"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"explain_{person}.html"
    write_private(path, page.encode())
    return path


def told(plan: Plan, person: str) -> Told:
    """Return the explanation of a person.

    Raises PlanError when no run has been made yet or nobody has the id, and WarehouseBusyError when
    a run is under way.
    """
    path = store.warehouse_path(plan.folder)
    if not path.is_file():
        raise PlanError(
            Problem(
                str(plan.folder),
                "no run has been made yet.",
                "Make one with `profile-pipeline run`.",
            )
        )
    with store.connect(path, read_only=True, lock_timeout_s=LOCK_TIMEOUT_S) as connection:
        try:
            held = store.has_table(connection, *FILE_ROWS.asset_key)
            places = (
                store.read_table(connection, *FILE_ROWS.asset_key) if held else empty(FILE_ROWS)
            )
            return explained(
                lambda name: store.read_table(connection, *name.split(".")), places, plan, person
            )
        except ContractError:
            raise PlanError(
                Problem(
                    str(plan.folder),
                    "the last run did not reach people, or an older version made it.",
                    "Run it again.",
                )
            ) from None
