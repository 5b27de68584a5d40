"""`profile-pipeline trace`: one received row, what became of it, and where each value comes from.

Restricted: what it returns holds the row's cells, for the analyst who asked, on their own screen.
"""

import difflib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl

from profile_pipeline import store
from profile_pipeline.errors import ContractError, PlanError, Problem
from profile_pipeline.intake.lineage import cells_behind, received_row
from profile_pipeline.intake.lines import rows_of_file
from profile_pipeline.intake.lookups import meets
from profile_pipeline.intake.standard_returns import heading_for, loosened
from profile_pipeline.intake.xml_paths import element_path
from profile_pipeline.plan.collection import Dataset, Lookup
from profile_pipeline.plan.load import Plan

LOCK_TIMEOUT_S = 5.0
FATES = {
    "harmonised": "it is used",
    "kept_apart": "it is used, and never counted as the area's: another authority is responsible",
    "quarantined": "it can't be used",
    "duplicate": "an earlier row of the file says the same to the letter",
    "superseded": "another delivery of the quarter took the file's place",
}


def trace_row(plan: Plan, dataset: str, file: str, row: int, *, of_file: bool = False) -> list[str]:
    """Return what is known of one received row as lines of text.

    The cells as received; what became of it; for a row that can't be used every rule it broke, in
    words; else every value it gives, with the column, repairs, and the other list that filled it.

    Args:
        plan: the plan that was run.
        dataset: id of the dataset.
        file: the file's path below the data root, or its name where one file has it.
        row: data row in the file, from 0; blank, title and totals rows not counted.
        of_file: `row` is the row as a spreadsheet shows the file, as letters and workbooks say it.

    Raises PlanError when there is no such dataset, file or row, or no run yet, and
    WarehouseBusyError when a run is under way.
    """
    ids = [each.id for each in plan.datasets]
    if dataset not in ids:
        near = difflib.get_close_matches(dataset, ids, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(ids)}."
        raise PlanError(Problem(dataset, "the plan has no such dataset.", hint))
    path = store.warehouse_path(plan.folder)
    no_run = Problem(
        str(plan.folder), "no run has loaded it yet.", "Make one with `profile-pipeline run`."
    )
    if not path.is_file():
        raise PlanError(no_run)
    with store.connect(path, read_only=True, lock_timeout_s=LOCK_TIMEOUT_S) as con:
        try:
            return list(_told(con, plan, plan.dataset(dataset), file, row, of_file=of_file))
        except ContractError:
            raise PlanError(no_run) from None


def _told(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    dataset: Dataset,
    file: str,
    row: int,
    *,
    of_file: bool,
) -> Iterator[str]:
    file = _file(con, dataset, file)
    if of_file:
        row = _data_row(plan, dataset, file, row)
    own = _of_row(con, ("quality", "fate"), dataset, file, row)
    if own.is_empty():
        rows = store.read_rows(con, "quality", "fate", dataset=dataset.id, file=file).height
        raise PlanError(
            Problem(file, f"has no data row {row}.", f"Rows count from 0 to {rows - 1}.")
        )
    cells = received_row(con, dataset.id, file, row)
    yield f"{dataset.id}, {file}, data row {row}{_where(plan, dataset, file, row)}"
    yield "(restricted: person-level data)"
    yield ""
    yield "As received:"
    yield from (f"  {name}: {cell}" for name, cell in cells.items() if cell is not None)
    what, rule = own.row(0, named=True)["fate"], own.row(0, named=True)["rule"]
    yield ""
    yield f"What became of it: {what.replace('_', ' ')}: {FATES[what]}."
    yield from _because(con, plan, dataset, file, row, what, rule)
    if what in ("harmonised", "kept_apart"):
        yield from _repairs(con, dataset, file, row)
        yield from _values(con, plan, dataset, file, row, cells)


def _file(con: duckdb.DuckDBPyConnection, dataset: Dataset, file: str) -> str:
    query = "select distinct file from quality.fate where dataset = ? order by file"
    try:
        found = con.sql(query, params=[dataset.id]).fetchall()
    except duckdb.CatalogException:
        raise ContractError("quality.fate has not been made yet") from None
    known = [str(name) for (name,) in found]
    if file in known:
        return file
    named = [each for each in known if each.split("/")[-1] == file.split("/")[-1]]
    if len(named) == 1:
        return named[0]
    near = named or difflib.get_close_matches(file, known, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else "Write its path below the data folder."
    raise PlanError(Problem(file, "nothing of this file was received.", hint))


def _data_row(plan: Plan, dataset: Dataset, file: str, place: int) -> int:
    """Return the data row, from 0, that stands in a row of the file as a spreadsheet shows it."""
    places = rows_of_file(plan, dataset, file)
    if places is None:
        raise PlanError(
            Problem(
                file,
                "it is not certain which row of the file is which record.",
                "Give the data row, from 0, without --of-file.",
            )
        )
    if place not in places:
        span = f"from row {places[0]} to row {places[-1]}"
        hint = f"Records stand {span}." if places else "The file has none."
        raise PlanError(Problem(file, f"row {place} of the file holds no record.", hint))
    return places.index(place)


def _where(plan: Plan, dataset: Dataset, file: str, row: int) -> str:
    """Return where the row stands as an agency sees its file, when that is certain."""
    places = rows_of_file(plan, dataset, file)
    if places and row < len(places):
        return f" (row {places[row]} of the file)"
    element = element_path(plan.data_root / Path(file), dataset.read, file, row)
    return f" (element {element})" if element else ""


def _of_row(
    con: duckdb.DuckDBPyConnection, table: tuple[str, str], dataset: Dataset, file: str, row: int
) -> pl.DataFrame:
    return store.read_rows(con, *table, dataset=dataset.id, file=file, row=row)


def _faults(rows: pl.DataFrame) -> Iterator[str]:
    for fault in rows.iter_rows(named=True):
        cell = "" if fault["value"] is None else f" ({fault['value']})"
        where = "the row as a whole" if fault["column"] is None else f"{fault['column']}{cell}"
        yield f"  {where}: {fault['reason']} [{fault['rule']}]"


def _because(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    dataset: Dataset,
    file: str,
    row: int,
    what: str,
    rule: str | None,
) -> Iterator[str]:
    if what == "quarantined":
        told = _of_row(con, ("quality", "quarantine"), dataset, file, row)
        yield from _faults(told) if told.height else [f"  the file as a whole [{rule}]"]
    if what == "duplicate":
        kept = _of_row(con, ("quality", "duplicate"), dataset, file, row)["kept_row"]
        yield from (
            f"  Data row {number}{_where(plan, dataset, file, number)} counts." for number in kept
        )
    if what == "superseded":
        delivery = store.read_rows(con, "quality", "delivery", dataset=dataset.id, file=file)
        yield from (f"  {newer} counts." for newer in delivery["superseded_by"].drop_nulls())


def _repairs(
    con: duckdb.DuckDBPyConnection, dataset: Dataset, file: str, row: int
) -> Iterator[str]:
    mended = _of_row(con, ("quality", "repairs"), dataset, file, row)
    if mended.height:
        yield ""
        yield "Cells mended or blanked:"
        yield from _faults(mended)


def _values(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    dataset: Dataset,
    file: str,
    row: int,
    cells: dict[str, str | None],
) -> Iterator[str]:
    """Yield every value that the row gives to a table of records, and the cells behind it."""
    behind = cells_behind(con, dataset.id, file, row)
    for (table,), uses in behind.group_by("table", maintain_order=True):
        for record in _of_row(con, _split(str(table)), dataset, file, row).iter_rows(named=True):
            role, indicator = record.get("role") or "", record.get("indicator") or ""
            of = uses.filter(pl.col("role") == role, pl.col("indicator") == indicator)
            yield ""
            yield " ".join(part for part in (f"{table}:", role, indicator) if part)
            for (field,), columns in of.group_by("field", maintain_order=True):
                value = record.get(str(field))
                if value is None or value == []:
                    continue
                sources = [
                    _source(con, plan, dataset, file, use, cells)
                    for use in columns.iter_rows(named=True)
                ]
                written = ", ".join(value) if isinstance(value, list) else value
                yield f"  {field} = {written}  <-  {'; '.join(sources)}"


def _split(table: str) -> tuple[str, str]:
    schema, _, name = table.partition(".")
    return schema, name


def _source(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    dataset: Dataset,
    file: str,
    use: dict[str, str],
    cells: dict[str, str | None],
) -> str:
    column, cell = use["column"], use["received"]
    if cell is not None and cell.strip():
        return f"column '{column}': {cell}"
    if use["blank_filled_from"]:
        return _filled(con, plan, dataset, file, column, cells)
    return f"column '{column}': blank"


def _filled(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    dataset: Dataset,
    file: str,
    column: str,
    cells: dict[str, str | None],
) -> str:
    """Return the rows of the other list that a blank cell was filled from, and what they say."""
    mine = _headings(con, dataset.id, file)
    own = {heading: name for name, heading in mine.items()}.get(column, column)
    lookup = next(each for each in dataset.lookup if own in each.adds())
    key = {their: cells.get(mine.get(name, name)) for name, their in lookup.on.items()}
    rows = _other_rows(con, plan, dataset, lookup, file, key)
    total = lookup.sums.get(own)
    their = total.column if total else lookup.columns[own]
    if total and total.where:
        rows = rows.filter(meets(total.where))
    told = "; ".join(
        f"{name} data row {row}: {cell}"
        for name, row, cell in rows.drop_nulls(their).select("_file", "_row", their).iter_rows()
    )
    what = "summed from" if total else "filled from"
    return f"blank here, {what} {lookup.dataset} '{their}' ({told or 'no such row'})"


def _other_rows(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    dataset: Dataset,
    lookup: Lookup,
    file: str,
    key: dict[str, str | None],
) -> pl.DataFrame:
    """Return the other list's rows of the same quarter and key that count, as the plan names them.

    Columns: `_file, _row` and those that the lookup takes, text.
    """
    names = con.sql(
        "select distinct file from quality.fate where dataset = ? and fate != 'superseded'"
        " and quarter in (select quarter from quality.fate where dataset = ? and file = ?)"
        " order by file",
        params=[lookup.dataset, dataset.id, file],
    ).fetchall()
    known = con.sql(
        "select column_name from information_schema.columns"
        " where table_schema = 'received' and table_name = ?",
        params=[lookup.dataset],
    ).fetchall()
    have, table = [str(name) for (name,) in known], store.identifier(lookup.dataset)
    # Columns that the other list's own mapping doesn't use are found as the loading step does.
    other = plan.dataset(lookup.dataset)
    other = loosened(other.model_copy(update={"also": (*other.also, *lookup.takes())}), have)
    loose = {name: heading_for(other, have, name) or name for name in lookup.takes()}
    same = " and ".join(f"trim({store.identifier(name)}) = ?" for name in key)
    schema = {"_file": pl.String, "_row": pl.Int64, **dict.fromkeys(lookup.takes(), pl.String)}
    parts = [pl.DataFrame(schema=schema)]
    for (name,) in names:
        theirs = _headings(con, lookup.dataset, name)
        spelt = {taken: theirs.get(taken, loose[taken]) for taken in lookup.takes()}
        columns = ", ".join(
            f"{store.identifier(heading) if heading in have else 'null::varchar'}"
            f" as {store.identifier(taken)}"
            for taken, heading in spelt.items()
        )
        # A row that came twice to the letter counts once.
        parts.append(
            con.sql(
                f"select * from (select _file, _row, {columns} from received.{table})"  # noqa: S608
                f" as r where _file = ? and {same} and not exists (select 1 from"
                " quality.duplicate as d where d.dataset = ? and d.file = r._file"
                " and d.row = r._row) order by _row",
                params=[name, *((cell or "").strip() for cell in key.values()), lookup.dataset],
            ).pl()
        )
    return pl.concat(parts)


def _headings(con: duckdb.DuckDBPyConnection, dataset: str, file: str) -> dict[str, str]:
    own = store.read_rows(con, "quality", "heading", dataset=dataset, file=file)
    return dict(own.select("column", "heading").iter_rows())
