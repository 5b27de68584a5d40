"""What the assets share: the profile folder and the warehouse, with the one I/O manager.

No `from __future__ import annotations` in asset modules: Dagster reads annotations at run time.
"""

import contextlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
from pydantic import PrivateAttr

from profile_pipeline import store, tables
from profile_pipeline.errors import PlanError, Problem
from profile_pipeline.plan.load import Plan, load_plan

CONTRACTS = {table.asset_key: table for table in tables.ALL}


class Profile(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The profile folder: its plan, its warehouse and its outputs."""

    folder: str
    as_at: str = ""
    _plan: Plan | None = PrivateAttr(default=None)

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.folder)

    @property
    def plan(self) -> Plan:
        """The plan, read once a process; with the run's own as-at date when one was given."""
        if self._plan is None:
            self._plan = plan_as_at(self.path, self.as_at)
        return self._plan

    def output(self, edition: str) -> Path:
        """Return the folder of an edition's outputs, made if need be, its owner's alone."""
        folder = self.path / "output" / str(self.plan.settings.as_at) / edition
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        return folder


def plan_as_at(folder: Path, as_at: str) -> Plan:
    """Return the folder's plan, with another as-at date when one is given (ISO date).

    Raises:
        PlanError: when the plan is bad, or the date lies before its period.
    """
    from dataclasses import replace
    from datetime import date

    plan = load_plan(folder)
    if not as_at:
        return plan
    day = date.fromisoformat(as_at)
    start = plan.settings.period.start
    if day < start:
        raise PlanError(Problem("as-at date", f"{day} lies before the period starts ({start})."))
    return replace(plan, settings=plan.settings.model_copy(update={"as_at": day}))


class Warehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The DuckDB warehouse of the profile folder."""

    folder: str

    @cached_property
    def _path(self) -> Path:
        return store.warehouse_path(Path(self.folder))

    @contextlib.contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the warehouse for reading and writing, waiting for another process to let go."""
        with store.connect(self._path) as connection:
            yield connection


class WarehouseIOManager(dg.ConfigurableIOManager):  # type: ignore[misc]
    """Keeps an asset `[schema, table]` as the table of that name, held to its contract."""

    warehouse: dg.ResourceDependency[Warehouse]

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Replace the table by the frame; metadata are counts and types, never rows."""
        schema, table = context.asset_key.path
        if not isinstance(obj, pl.DataFrame | pl.LazyFrame):
            raise TypeError(f"{schema}.{table}: expected a polars frame, got {type(obj).__name__}")
        frame = obj.lazy().collect()
        contract = CONTRACTS.get((schema, table))
        if contract is not None:
            frame = tables.conform(frame, contract)
        with self.warehouse.connect() as connection:
            store.write_table(connection, schema, table, frame)
        context.add_output_metadata(table_metadata(frame, contract))

    def load_input(self, context: dg.InputContext) -> pl.DataFrame:
        """Return the table whole."""
        schema, table = context.asset_key.path
        with self.warehouse.connect() as connection:
            return store.read_table(connection, schema, table)


def table_metadata(frame: pl.DataFrame, contract: tables.Table | None) -> dict[str, Any]:
    """Return row count and column schema for the UI."""
    described = {column.name: column for column in contract.columns} if contract else {}
    columns = []
    for name, dtype in frame.schema.items():
        known = described.get(name)
        columns.append(
            dg.TableColumn(
                name,
                str(dtype),
                description=known.description if known else None,
                constraints=dg.TableColumnConstraints(
                    nullable=known.nullable if known else True,
                    unique=bool(contract and contract.key == (name,)),
                ),
            )
        )
    return {
        "dagster/row_count": frame.height,
        "dagster/column_schema": dg.TableSchema(columns=columns),
    }
