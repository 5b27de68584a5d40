"""The warehouse: one DuckDB file, one writer, tables replaced whole or not at all.

The only module that connects. Person-level data lies here and nowhere else, so the file and its
write-ahead log belong to their owner alone (mode 0600).
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl

from profile_pipeline.errors import ContractError, NoProfileError, Problem, WarehouseBusyError

WAREHOUSE = "warehouse.duckdb"
# A run on a borough takes minutes; a second one waits for it rather than failing.
LOCK_TIMEOUT_S = 900.0


def warehouse_path(folder: Path) -> Path:
    """Return the warehouse of a profile folder."""
    return folder / WAREHOUSE


def identifier(name: str) -> str:
    """Return a name as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def _quoted(schema: str, table: str) -> str:
    return f"{identifier(schema)}.{identifier(table)}"


@contextlib.contextmanager
def connect(
    path: Path, *, read_only: bool = False, lock_timeout_s: float = LOCK_TIMEOUT_S
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse and close it whatever happens.

    Raises:
        WarehouseBusyError: when another process holds the file longer than `lock_timeout_s` (s).
        NoProfileError: when the file can't be opened as a warehouse.
    """
    deadline, wait = time.monotonic() + lock_timeout_s, 0.05
    if not read_only:
        _own(path)
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=read_only)
            break
        except duckdb.IOException as error:
            # DuckDB's words on Linux and macOS, and on Windows; a path may hold "lock" as well.
            if not any(words in str(error) for words in ("set lock on file", "used by another")):
                raise NoProfileError(
                    Problem(
                        str(path),
                        "can't be opened as a warehouse.",
                        "Check who may read and write it; it can be deleted and rebuilt by a run.",
                    )
                ) from None
            if time.monotonic() > deadline:
                raise WarehouseBusyError(
                    Problem(
                        str(path),
                        "is in use by another process.",
                        "Let its run end, or close the program that holds it.",
                    )
                ) from None
            time.sleep(wait)
            wait = min(2 * wait, 1.0)
    try:
        # No extension may be fetched, and no query may reach other files or the network.
        connection.execute("set autoinstall_known_extensions=false").fetchall()
        connection.execute("set enable_progress_bar=false").fetchall()
        yield connection
    finally:
        connection.close()


def _own(path: Path) -> None:
    """Make sure the file belongs to its owner alone before anything is in it."""
    if path.exists():
        path.chmod(0o600)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # DuckDB makes its file with the process's umask; a file made here first could not be opened.
    os.umask(os.umask(0o077) | 0o077)


def write_table(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, frame: pl.DataFrame
) -> None:
    """Replace a table by the frame, in one transaction; on failure the old rows stay."""
    name = _quoted(schema, table)
    connection.begin()
    try:
        connection.execute(f"create schema if not exists {identifier(schema)}").fetchall()
        connection.register("_frame", frame)
        replace = f"create or replace table {name} as select * from _frame"  # noqa: S608
        connection.execute(replace).fetchall()
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    finally:
        with contextlib.suppress(duckdb.Error):
            connection.unregister("_frame")


def has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Return whether the table is there."""
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?",
        [schema, table],
    ).fetchall()
    return bool(found)


def read_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> pl.DataFrame:
    """Return a table whole; raise ContractError when it has not been made yet."""
    try:
        query = f"select * from {_quoted(schema, table)}"  # noqa: S608
        frame: pl.DataFrame = connection.sql(query).pl()
    except duckdb.CatalogException:
        raise ContractError(f"{schema}.{table} has not been made yet") from None
    return frame


def read_rows(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, **equal: str | int
) -> pl.DataFrame:
    """Return a table's rows whose columns equal the values given, without reading the others.

    Raises ContractError when the table has not been made yet.
    """
    tests = " and ".join(f"{identifier(column)} = ?" for column in equal)
    query = f"select * from {_quoted(schema, table)} where {tests}"  # noqa: S608
    try:
        frame: pl.DataFrame = connection.sql(query, params=list(equal.values())).pl()
    except duckdb.CatalogException:
        raise ContractError(f"{schema}.{table} has not been made yet") from None
    return frame


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600, whole or not at all."""
    partial = path.with_name(f".{path.name}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)
