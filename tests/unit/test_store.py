"""The warehouse: replaced whole or not at all, one writer, its owner's alone."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

from profile_pipeline import store
from profile_pipeline.errors import ContractError, NoProfileError, WarehouseBusyError

OLD = pl.DataFrame({"a": [1, 2], "b": ["x", None]})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with store.connect(tmp_path / "w.duckdb") as connection:
        store.write_table(connection, "s", "t", OLD)
    return tmp_path / "w.duckdb"


def read(path: Path) -> pl.DataFrame:
    with store.connect(path) as connection:
        return store.read_table(connection, "s", "t")


def test_a_table_comes_back_as_it_was_written(path: Path) -> None:
    assert read(path).equals(OLD)


def test_every_type_of_the_contract_comes_back(tmp_path: Path) -> None:
    from datetime import date, datetime

    frame = pl.DataFrame(
        {
            "day": [date(2016, 2, 29), None],
            "moment": [datetime(2016, 2, 29, 23, 59, 59), None],
            "list": [["a", "b"], []],
            "flag": [True, None],
            "real": [0.1, None],
        },
        schema_overrides={"moment": pl.Datetime("us")},
    )
    with store.connect(tmp_path / "w.duckdb") as connection:
        for each in (frame, frame.clear()):
            store.write_table(connection, "s", "t", each)
            back = store.read_table(connection, "s", "t")
            assert back.equals(each)
            assert back.schema == each.schema


def test_replacing_replaces_the_whole_table(path: Path) -> None:
    new = pl.DataFrame({"c": [3]})
    with store.connect(path) as connection:
        store.write_table(connection, "s", "t", new)
    assert read(path).equals(new)


def test_a_failure_keeps_the_old_rows(path: Path) -> None:
    class Broken:
        """Something DuckDB takes for a frame and can't read to its end."""

    with store.connect(path) as connection:
        with pytest.raises(Exception, match=r".+"):
            store.write_table(connection, "s", "t", Broken())  # type: ignore[arg-type]
        # The connection is still of use, and no transaction hangs.
        assert store.read_table(connection, "s", "t").equals(OLD)
        store.write_table(connection, "s", "u", OLD)
    assert read(path).equals(OLD)


def test_a_write_that_fails_half_way_keeps_the_old_rows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power of the transaction: the table is dropped and made anew, or neither."""

    class Interrupted:
        def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
            self._connection = connection

        def __getattr__(self, name: str) -> object:
            return getattr(self._connection, name)

        def commit(self) -> None:
            raise KeyboardInterrupt

    with store.connect(path) as connection:
        with pytest.raises(KeyboardInterrupt):
            store.write_table(Interrupted(connection), "s", "t", OLD.clear())  # type: ignore[arg-type]
        assert store.read_table(connection, "s", "t").equals(OLD)
    assert read(path).equals(OLD)


def test_a_table_that_was_not_made_is_named(path: Path) -> None:
    with store.connect(path) as connection, pytest.raises(ContractError, match=r"s\.missing"):
        store.read_table(connection, "s", "missing")


def test_hostile_names_are_only_names(path: Path) -> None:
    name = 'x"; drop table s.t; --'
    with store.connect(path) as connection:
        store.write_table(connection, 's"q', name, OLD)
        assert store.read_table(connection, 's"q', name).equals(OLD)
        assert store.has_table(connection, "s", "t")


@pytest.mark.parametrize("mask", [0o022, 0o000])
def test_the_file_is_its_owners_alone_from_the_first(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        path = tmp_path / "w.duckdb"
        with store.connect(path) as connection:
            store.write_table(connection, "s", "t", OLD)
            modes = {
                each.name: stat.S_IMODE(each.stat().st_mode)
                for each in tmp_path.iterdir()
                if each.name.startswith("w.duckdb")
            }
        assert set(modes.values()) == {0o600}, modes
    finally:
        os.umask(before)


def test_a_warehouse_that_was_opened_up_is_closed_again(path: Path) -> None:
    path.chmod(0o644)
    read(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_warehouse_in_use_is_told_in_one_line(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout
        assert holder.stdin
        holder.stdout.readline()
        with (
            pytest.raises(WarehouseBusyError) as raised,
            store.connect(path, lock_timeout_s=0.1),
        ):
            pass
        holder.stdin.close()
    assert raised.value.exit_code == 5
    assert "\n" not in str(raised.value)
    assert "in use by another process" in str(raised.value)
    # Let go, it opens.
    assert read(path).equals(OLD)


def test_a_file_that_is_no_warehouse_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(NoProfileError) as raised, store.connect(path):
        pass
    assert "\n" not in str(raised.value)
    assert "can be deleted and rebuilt" in str(raised.value)


def test_only_a_lock_is_waited_for(tmp_path: Path) -> None:
    """A folder called Lockwood must not make a broken file wait for a quarter of an hour."""
    folder = tmp_path / "Lockwood"
    folder.mkdir()
    (folder / "w.duckdb").write_bytes(b"x" * 5000)
    with pytest.raises(NoProfileError), store.connect(folder / "w.duckdb", lock_timeout_s=2.0):
        pass
