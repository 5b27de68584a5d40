"""`profile-pipeline explain`: why a person's records are one person, from the warehouse, in words.

Restricted: what it returns names rows, dates and reasons of one person, for the analyst who asked.
Names and numbers of the person aren't in it; they stand in the rows it points to.
"""

from pathlib import Path

import polars as pl

from profile_pipeline import store
from profile_pipeline.errors import ContractError, PlanError, Problem
from profile_pipeline.intake.lines import source_lines
from profile_pipeline.linkage.explained import Lines, Told, explained
from profile_pipeline.plan.load import Plan
from profile_pipeline.source_rows import LINES, found_at
from profile_pipeline.store import write_private

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
            return explained(
                lambda name: store.read_table(connection, *name.split(".")),
                lambda rows: _placed(rows, plan),
                plan,
                person,
            )
        except ContractError:
            raise PlanError(
                Problem(
                    str(plan.folder),
                    "the last run did not reach people, or an older version made it.",
                    "Run it again.",
                )
            ) from None


def _placed(rows: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return the rows with where they stand in the agencies' files, of these files alone."""
    parts = [pl.DataFrame(schema=LINES)]
    known = {dataset.id: dataset for dataset in getattr(plan, "datasets", ())}
    for dataset, file in rows.select("dataset", "file").unique().sort("dataset", "file").rows():
        found = (
            source_lines(plan.data_root / file, known[dataset].read, file)
            if dataset in known
            else None
        )
        if found is not None:
            word, lines = found
            parts.append(
                pl.DataFrame({"line": lines}, schema={"line": pl.Int64})
                .with_row_index("row")
                .select(
                    pl.lit(dataset).alias("dataset"),
                    pl.lit(file).alias("file"),
                    pl.col("row").cast(pl.Int64),
                    "line",
                    pl.lit(word).alias("word"),
                )
            )
    return found_at(rows, pl.concat(parts))
