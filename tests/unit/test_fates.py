"""Every received row's one fate, and the check that nothing is lost."""

import polars as pl
import pytest

from profile_pipeline.errors import ContractError
from profile_pipeline.intake.fates import check_conservation, fates_of, keep_apart
from profile_pipeline.tables import DELIVERY, QUARANTINE, conform, empty

RECEIVED = pl.DataFrame(
    {"_file": ["a"] * 4 + ["b"], "_row": [0, 1, 2, 3, 0], "_quarter": ["2015-16 Q1"] * 5}
)


def fault(row: int, rule: str) -> dict[str, object]:
    return {"dataset": "d", "file": "a", "row": row, "rule": rule, "reason": "why"}


def quarantine(*faults: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(faults), schema=QUARANTINE.polars_schema)


def deliveries(**rows: int) -> pl.DataFrame:
    return conform(
        pl.DataFrame(
            [
                {
                    "dataset": "d",
                    "agency": "a",
                    "quarter": "2015-16 Q1",
                    "file": file,
                    "status": "loaded",
                    "rows": count,
                }
                for file, count in rows.items()
            ],
            schema=DELIVERY.polars_schema,
        ),
        DELIVERY,
    )


@pytest.fixture
def found() -> pl.DataFrame:
    return fates_of(
        RECEIVED,
        dataset="d",
        superseded=pl.DataFrame({"file": ["b"]}),
        duplicates=pl.DataFrame({"file": ["a"], "row": [1]}, schema_overrides={"row": pl.Int64}),
        quarantine=quarantine(fault(2, "x"), fault(2, "a"), fault(1, "x"), fault(2, "x")),
    )


def test_each_row_has_one_fate_and_the_strongest_wins(found: pl.DataFrame) -> None:
    assert found.select("file", "row", "fate", "rule").rows() == [
        ("a", 0, "harmonised", None),
        ("a", 1, "duplicate", "exact_duplicate"),
        ("a", 2, "quarantined", "a, x"),
        ("a", 3, "harmonised", None),
        ("b", 0, "superseded", "superseded"),
    ]


def test_only_harmonised_rows_are_kept_apart(found: pl.DataFrame) -> None:
    apart = pl.DataFrame(
        {"dataset": ["d"] * 3, "file": ["a"] * 3, "row": [0, 0, 2], "reason": ["x"] * 3}
    )
    after = keep_apart(found, apart)
    assert after.height == found.height
    assert after["fate"].to_list() == [
        "kept_apart",
        "duplicate",
        "quarantined",
        "harmonised",
        "superseded",
    ]


def test_fates_that_add_up_are_counted_file_by_file(found: pl.DataFrame) -> None:
    counts = check_conservation(found, deliveries(a=4, b=1))
    assert counts.rows() == [("d", "a", 4, 2, 0, 1, 1, 0), ("d", "b", 1, 0, 0, 0, 0, 1)]


@pytest.mark.parametrize(
    "rows", [{"a": 5, "b": 1}, {"a": 3, "b": 1}, {"a": 4}, {"a": 4, "b": 1, "c": 1}]
)
def test_a_lost_or_a_made_up_row_stops_the_run(found: pl.DataFrame, rows: dict[str, int]) -> None:
    with pytest.raises(ContractError, match="do not add up"):
        check_conservation(found, deliveries(**rows))


def test_a_row_that_is_fated_twice_stops_the_run(found: pl.DataFrame) -> None:
    """Twice row 0 and never row 3 is the same count; the rows must be the rows received."""
    twice = found.with_columns(row=pl.when(pl.col("row") == 3).then(0).otherwise("row"))
    with pytest.raises(ContractError):
        check_conservation(twice, deliveries(a=4, b=1))


def test_an_unknown_fate_stops_the_run(found: pl.DataFrame) -> None:
    with pytest.raises(ContractError):
        check_conservation(found.with_columns(fate=pl.lit("lost")), deliveries(a=4, b=1))


def test_nothing_received_adds_up() -> None:
    none = fates_of(
        RECEIVED.clear(),
        dataset="d",
        superseded=pl.DataFrame(schema={"file": pl.String}),
        duplicates=pl.DataFrame(schema={"file": pl.String, "row": pl.Int64}),
        quarantine=empty(QUARANTINE),
    )
    assert check_conservation(none, empty(DELIVERY)).is_empty()
