"""suspects.xlsx: pairs side by side that can be decided on, suspects under 18 apart, the child."""

import io
from datetime import date
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from profile_pipeline import tables
from profile_pipeline.linkage.decisions import read_workbooks
from reports.suspects import suspects_workbook

A, B, C = "a" * 32, "b" * 32, "c" * 32


def frames(*, forename: str = "Gareth") -> dict[str, pl.DataFrame]:
    people = (
        # row, role, person, identity, forename, surname, other names, born
        (0, "suspect", "S0001", A, forename, "Oldbury", ["Taz"], date(1980, 2, 3)),
        (1, "suspect", "S0002", B, None, None, ["Taz"], None),
        (2, "suspect", "S0003", C, "Kieran", "Mossgrove", [], date(2000, 2, 11)),
        (3, "child", "C000001", "d" * 32, "Kieran", "Mossgrove", [], date(2000, 2, 11)),
    )
    key = [("police", "police/q1.csv", row, role) for row, role, *_ in people]
    names = ["dataset", "file", "row", "role"]
    base = pl.DataFrame(key, schema=names, orient="row")
    record = pl.Series("record_id", [f"r{row}" for row, *_ in people])
    subject = base.with_columns(
        record,
        pl.lit("2015-16 Q4").alias("quarter"),
        pl.lit(date(2016, 1, 1)).alias("date"),
        pl.Series("forename", [p[4] for p in people]),
        pl.Series("surname", [p[5] for p in people]),
        pl.Series("other_names", [p[6] for p in people]),
        pl.Series("date_of_birth", [p[7] for p in people]),
    )
    full = pl.concat([tables.empty(tables.PERSON_RECORD), subject], how="diagonal_relaxed")
    identity = pl.Series("identity", [p[3] for p in people])
    possible = {
        "person_a": "S0001", "person_b": "S0002", "identity_a": A, "identity_b": B,
        "match_weight": 4.5, "why_apart": "too little evidence",
        "speaks_for": "same nickname or alias (+6.4)", "speaks_against": "",
    }  # fmt: skip
    cross = [
        {"person_id": "S0003", "under_18": "yes", "child_person_id": "C000001",
         "standing": "the same person", "match_weight": 15.0, "indicators": 4, "harmed": "yes",
         "speaks_for": "same date of birth (+11.6)", "speaks_against": ""},
    ]  # fmt: skip
    return {
        "possible": pl.DataFrame([possible]),
        "cross_role": pl.DataFrame(cross, schema=tables.SUSPECT_CROSS_ROLE.polars_schema),
        "subject": full.select(*tables.PERSON_RECORD.polars_schema),
        "record_person": base.with_columns(record, pl.Series("person_id", [p[2] for p in people])),
        "identity": base.with_columns(record, identity, identity.alias("cluster")),
    }


@pytest.fixture(scope="module")
def book() -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(suspects_workbook(**frames(forename="=cmd()"))))


def rows(book: openpyxl.Workbook, sheet: str) -> list[dict[str, object]]:
    head, *lines = book[sheet].iter_rows(values_only=True)
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_pairs_stand_side_by_side_with_reasons_and_rows(book: openpyxl.Workbook) -> None:
    [pair] = rows(book, "Review")
    assert (pair["nickname or alias a"], pair["nickname or alias b"]) == ("Taz", "Taz")
    assert pair["forename a"] == "'=cmd()"
    assert pair["why apart"] == "too little evidence"
    assert pair["speaks for"] == "same nickname or alias (+6.4)"
    assert pair["rows of b"] == "police, police/q1.csv, record 2 of the file"


def test_suspects_under_18_stand_apart_and_the_child_is_named_beside(
    book: openpyxl.Workbook,
) -> None:
    assert [row["suspect"] for row in rows(book, "Under 18")] == ["S0003"]
    [also] = rows(book, "Also a child")
    assert (also["suspect"], also["child"], also["child recorded as harmed"]) == (
        "S0003", "C000001", "yes",
    )  # fmt: skip
    assert also["standing"] == "the same person"


def test_a_decision_in_it_is_read_like_any_other(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(suspects_workbook(**frames())))
    page = book["Review"]
    heads = [cell.value for cell in page[1]]
    answers = {"decision": "same", "who": "A Analyst", "when": "2016-04-20", "why": "one custody"}
    for head, value in answers.items():
        page.cell(2, heads.index(head) + 1).value = value
    book.save(tmp_path / "suspects.xlsx")
    found = read_workbooks(tmp_path).row(0, named=True)
    assert (found["identity_a"], found["identity_b"], found["decision"]) == (A, B, "same")


def test_the_same_frames_give_the_same_bytes_and_none_still_a_workbook() -> None:
    assert suspects_workbook(**frames()) == suspects_workbook(**frames())
    none = {name: frame.clear() for name, frame in frames().items()}
    book = openpyxl.load_workbook(io.BytesIO(suspects_workbook(**none)))
    assert book["Review"].max_row == 1
