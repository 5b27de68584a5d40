"""Lineage: from any harmonised value back to file, row and column as received.

A value keeps `dataset`, `file` and `row`; `lineage` says which column of that file its field was
read from, `cells_behind` fetches the cells. From a row that could not be used `quality.quarantine`
leads to the rule. What the columns mean is in the plan; nothing here reads a cell anew.
"""

from collections.abc import Iterator
from typing import NamedTuple

import duckdb
import polars as pl

from profile_pipeline import store
from profile_pipeline.errors import ContractError
from profile_pipeline.plan.collection import Dataset, Event, Source, Subject
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.requirement import template_of
from profile_pipeline.tables import (
    DERIVED_FIELDS,
    LINEAGE,
    MEASURES,
    PERSON_RECORD,
    RECEIVED_META,
    conform,
)

SUBJECT_TABLE = f"{PERSON_RECORD.schema}.{PERSON_RECORD.name}"
EVENT_TABLE = "records.indicator_event"
# Fields of a person that come from one setting of the plan, in the order in which they are taken.
FIELDS: dict[str, tuple[str, ...]] = {
    "forename": ("name", "forename"),
    "surname": ("name", "surname"),
    "other_names": ("name", "other_names"),
    "date_of_birth": ("date_of_birth", "born"),
    "birth_year": ("born",),
    "age_years": ("age", "date_of_birth", "born"),
    "sex": ("sex",),
    "ethnicity_code": ("ethnicity",),
    "ethnic_group": ("ethnicity",),
    "appearance_code": ("appearance",),
    "disability": ("disability",),
    "postcode": ("postcode",),
    "postcode_sector": ("postcode",),
    "postcode_district": ("postcode",),
    "other_postcodes": ("other_postcodes",),
    "address": ("address",),
    "contacts": ("email", "phone"),
    "nhs_number": ("nhs_number",),
    "upn": ("upn",),
    "local_ids": ("local_ids",),
    "vehicle": ("vehicle",),
}
DATED = ("date", "quarter")
# What intake works out of an information report rests on these of its fields.
HANDLED_BY = ("handling_code", "sanitised", "consent", "consent_reason")


class _Use(NamedTuple):
    table: str
    role: str
    indicator: str
    field: str
    columns: tuple[str, ...]


def lineage(heading: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return quality.lineage: for every file and harmonised field the columns it is read from.

    Several columns stand in the order in which they are taken; an age is taken from its own column
    or reckoned from the date of birth. A field that comes from no column (the date of a snapshot,
    the quarter of the delivery) has no row. A cell that is blank, or a column the file lacks, may
    have been filled from another list of the return, which `blank_filled_from` names.

    Args:
        heading: quality.heading.
        plan: the plan that was run.
    """
    rows = []
    for dataset in plan.datasets:
        filled = {
            own: f"{lookup.dataset}: {their}"
            for lookup in dataset.lookup
            for own, their in lookup.columns.items()
        } | {
            own: f"{lookup.dataset}: {each.column}"
            for lookup in dataset.lookup
            for own, each in lookup.sums.items()
        }
        template = template_of(dataset) if dataset.collects is None else None
        # A filled template has columns that the agency's own layout lacks.
        for read in (dataset, *((template.dataset,) if template else ())):
            for use in _uses(read):
                for place, column in enumerate(dict.fromkeys(use.columns), start=1):
                    rows.append((dataset.id, *use[:4], place, column, filled.get(column)))
    schema = {
        **dict.fromkeys(("dataset", "table", "role", "indicator", "field"), pl.String),
        "place": pl.Int64,
        "column": pl.String,
        "blank_filled_from": pl.String,
    }
    mapped = pl.DataFrame(rows, schema=schema, orient="row").unique(maintain_order=True)
    found = heading.join(mapped, on=("dataset", "column"), how="inner").with_columns(
        column=pl.col("heading")
    )
    # A column that a file lacks altogether may come from another list all the same.
    lacking = (
        heading.select("dataset", "file", "quarter")
        .unique(maintain_order=True)
        .join(mapped.drop_nulls("blank_filled_from"), on="dataset", how="inner")
        .join(heading, on=("dataset", "file", "column"), how="anti")
    )
    united = pl.concat([conform(found, LINEAGE), conform(lacking, LINEAGE)])
    return united.unique(LINEAGE.key, keep="first", maintain_order=True).sort(LINEAGE.key)


def _uses(dataset: Dataset) -> Iterator[_Use]:
    dated = dataset.date_column()
    own = (dated,) if dated else ()
    for subject in dataset.subjects:
        for field, settings in FIELDS.items():
            yield _Use(SUBJECT_TABLE, subject.role, "", field, _columns(subject, settings))
        for field in DATED:
            yield _Use(SUBJECT_TABLE, subject.role, "", field, own)
    for event in dataset.events:
        yield from _event_uses(dataset, event, own)


def _event_uses(dataset: Dataset, event: Event, dated: tuple[str, ...]) -> Iterator[_Use]:
    tested = tuple(c for test in (*event.when, *event.any_of) for c in test.columns())
    # An event without a date of its own has the row's.
    days = ((event.date.column,) if event.date else ()) + dated
    if event.indicator:
        yield _Use(EVENT_TABLE, event.role, event.indicator, "indicator", tested)
        for field in DATED:
            yield _Use(EVENT_TABLE, event.role, event.indicator, field, days)
        return
    measure = str(event.measure)
    table = f"{MEASURES[measure].schema}.{measure}"
    for field in DATED:
        yield _Use(table, "", "", field, days)
    for field, source in event.fields.items():
        yield _Use(table, "", "", field, (source.column,))
    if "reference" not in event.fields and dataset.reference:
        yield _Use(table, "", "", "reference", (dataset.reference.column,))
    for field in DERIVED_FIELDS.get(measure, ()):
        names = HANDLED_BY[:1] if field == "handling" else HANDLED_BY
        columns = tuple(event.fields[name].column for name in names if name in event.fields)
        yield _Use(table, "", "", field, columns)


def _columns(subject: Subject, settings: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for setting in settings:
        value = getattr(subject, setting)
        sources = value if isinstance(value, tuple) else (value,)
        found += [source.column for source in sources if isinstance(source, Source)]
    return tuple(found)


def cells_behind(con: duckdb.DuckDBPyConnection, dataset: str, file: str, row: int) -> pl.DataFrame:
    """Return the received cells behind every value that a row may give, for the analyst alone.

    Columns: `table, role, indicator, field, place, column, received, blank_filled_from`; one row a
    field and column it is read from, in order. `received` is person-level and exact: null is a
    blank cell, or a column that the file lacks. A field that no column gives has no row.

    Args:
        con: the warehouse.
        dataset: the row's dataset.
        file: its file.
        row: data row in the file, from 0.

    Raises ContractError when the warehouse has no lineage or no such row.
    """
    cells = received_row(con, dataset, file, row)
    uses = store.read_rows(con, LINEAGE.schema, LINEAGE.name, dataset=dataset, file=file)
    received = pl.DataFrame(
        {"column": list(cells), "received": list(cells.values())},
        schema={"column": pl.String, "received": pl.String},
    )
    return (
        uses.join(received, on="column", how="left")
        .sort("table", "role", "indicator", "field", "place")
        .select(
            "table", "role", "indicator", "field", "place", "column", "received",
            "blank_filled_from",
        )
    )  # fmt: skip


def received_row(
    con: duckdb.DuckDBPyConnection, dataset: str, file: str, row: int
) -> dict[str, str | None]:
    """Return a row's cells as received, by heading; person-level.

    Raises ContractError when there is no such row.
    """
    found = store.read_rows(con, "received", dataset, _file=file, _row=row)
    if found.is_empty():
        raise ContractError(f"received.{dataset} has no row {row} of {file}")
    return {
        column: cell
        for column, cell in found.row(0, named=True).items()
        if column not in RECEIVED_META
    }
