"""The contract of tables holds what is kept, and names no value when it refuses."""

from datetime import date

import polars as pl
import pytest

from profile_pipeline import tables
from profile_pipeline.errors import ContractError

TABLE = tables.Table(
    "s",
    "t",
    "records",
    "A table.",
    ("id",),
    (
        tables.Column("id", pl.String, "the id", nullable=False),
        tables.Column("day", pl.Date, "a day"),
        tables.Column("count", pl.Int64, "a count"),
    ),
)
GOOD = pl.DataFrame(
    {"count": [1, None], "id": ["a", "b"], "extra": [0, 0], "day": [None, date(2016, 1, 1)]}
)


def test_columns_are_ordered_and_surplus_ones_dropped() -> None:
    assert tables.conform(GOOD, TABLE).schema == TABLE.polars_schema


def test_narrower_numbers_are_cast() -> None:
    assert tables.conform(GOOD.cast({"count": pl.UInt8}), TABLE)["count"].dtype == pl.Int64


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (GOOD.drop("day"), "lacks day"),
        (GOOD.with_columns(count=pl.lit("MARKER")), "another type"),
        (GOOD.with_columns(id=pl.lit(None, dtype=pl.String)), "nulls in id"),
        (GOOD.with_columns(id=pl.lit("MARKER")), "repeats its key"),
    ],
)
def test_what_does_not_meet_the_contract_is_refused_by_column(
    frame: pl.DataFrame, words: str
) -> None:
    with pytest.raises(ContractError, match=words) as raised:
        tables.conform(frame, TABLE)
    assert str(raised.value).startswith("s.t ")
    assert "MARKER" not in str(raised.value)


def test_a_union_repeats_no_key() -> None:
    with pytest.raises(ContractError, match="repeats its key"):
        tables.union([GOOD, GOOD], TABLE)


def test_a_union_of_nothing_is_the_empty_table() -> None:
    assert tables.union([], TABLE).equals(tables.empty(TABLE))


@pytest.mark.parametrize("table", tables.ALL, ids=lambda table: ".".join(table.asset_key))
def test_every_table_says_what_it_holds(table: tables.Table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    assert len(table.description) > 10
    assert all(len(column.description) > 1 for column in table.columns)
    assert all(not column.nullable for column in table.columns if column.name in ("dataset", "row"))
    assert tables.conform(tables.empty(table), table).is_empty()


def test_no_two_tables_have_the_same_key() -> None:
    keys = [table.asset_key for table in tables.ALL]
    assert len(set(keys)) == len(keys)


def test_person_level_tables_are_restricted() -> None:
    """What may leave the desk holds no column that points at a person or a row."""
    pointing = {"person_id", "record_id", "row", "file", "forename", "surname", "date_of_birth"}
    open_tables = [table for table in tables.ALL if table.audience != tables.RESTRICTED]
    assert open_tables
    for table in open_tables:
        assert not pointing & {column.name for column in table.columns}, table.name


@pytest.mark.parametrize(
    ("role", "child"),
    [("child", True), ("linked_child", True), ("linked child", True), ("child_2", True),
     ("victim", True), ("suspect", False), ("parent", False), ("childminder", False)],
)  # fmt: skip
def test_only_childrens_roles_are_counted_as_children(role: str, child: bool) -> None:
    assert pl.select(tables.is_child(pl.lit(role))).item() is child
