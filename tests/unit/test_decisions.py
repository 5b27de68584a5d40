"""Decisions of people: read back from workbooks, kept once, and found again when records change."""

from datetime import date
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from profile_pipeline.errors import PlanError
from profile_pipeline.linkage import decisions

A, B, C = "a" * 32, "b" * 32, "c" * 32
HEADS = ["pair", "decision", "who", "when", "why", "identity a", "identity b"]


def save(path: Path, *rows: list[object], sheet: str = "Review") -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    page.append(HEADS)
    for row in rows:
        page.append([1, *row])
    book.save(path)


def kept(*rows: tuple[str, ...]) -> pl.DataFrame:
    full = [(*row, *[""] * (len(decisions.SCHEMA) - len(row))) for row in rows]
    return pl.DataFrame(full, schema=decisions.SCHEMA, orient="row")


def test_a_filled_row_is_a_decision_whichever_way_it_was_typed(tmp_path: Path) -> None:
    save(
        tmp_path / "mine.xlsx",
        ["Same ", "AB", date(2016, 4, 30), "one mother", B, A],
        ["can\u2019t tell", "AB", "30/04/2016", None, A, C],
        [None, None, None, None, B, C],
    )
    found = decisions.read_workbooks(tmp_path)
    assert found.select("identity_a", "identity_b", "decision", "decided_on").rows() == [
        (A, B, "same", "2016-04-30"),
        (A, C, "can't tell", "2016-04-30"),
    ]
    assert found["source"].unique().to_list() == ["mine.xlsx, sheet Review"]


def test_every_fault_is_one_line_naming_sheet_and_row_and_no_value(tmp_path: Path) -> None:
    save(
        tmp_path / "mine.xlsx",
        ["perhaps", "AB", "2016-04-30", None, A, B],
        ["same", None, "2016-04-30", None, A, B],
        ["same", "AB", "soon", None, A, B],
        sheet="Sample",
    )
    (tmp_path / "torn.xlsx").write_bytes(b"no workbook")
    with pytest.raises(PlanError) as told:
        decisions.read_workbooks(tmp_path)
    lines = [str(problem) for problem in told.value.problems]
    assert [line.split(":")[0] for line in lines] == [
        "review/mine.xlsx, sheet Sample, row 2",
        "review/mine.xlsx, sheet Sample, row 3",
        "review/mine.xlsx, sheet Sample, row 4",
        "review/torn.xlsx",
    ]
    assert "perhaps" not in str(told.value)


def test_a_workbook_read_again_under_another_name_adds_nothing() -> None:
    first = kept((A, B, "same", "AB", "2016-04-30", "", "x.xlsx, sheet Review"))
    again = kept((A, B, "same", "AB", "2016-04-30", "", "copy of x.xlsx, sheet Review"))
    assert decisions.merged(first, again).equals(first)


def test_the_latest_decision_on_a_pair_counts_and_the_older_is_kept() -> None:
    older = kept((A, B, "same", "AB", "2016-04-30", "", "x.xlsx, sheet Review"))
    newer = kept((B, A, "different", "CD", "2016-05-02", "", "y.xlsx, sheet Review"))
    both = decisions.merged(older, newer)
    assert both.select("decision", "superseded").rows() == [("same", "yes"), ("different", "")]


def identities(*rows: tuple[str, str, str, str]) -> pl.DataFrame:
    schema = ("identity", "forename", "dob", "nhs")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(schema, pl.String), orient="row")
    return frame.with_columns(
        pl.lit(None, dtype=pl.String).alias(name) for name in ("surname", "postcode", "upn")
    )


def records(*rows: tuple[str, str]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["record_id", "identity"], orient="row")
    return frame.with_columns(pl.lit("school").alias("dataset"))


def states(now: pl.DataFrame, of: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    before = identities((A, "aisha", "20010517", "1"), (B, "aysha", "20010517", "2"))
    old = decisions.shown(before, records(("r1", A), ("r2", B)), pl.Series([A, B]))
    return decisions.effective(answers, old, now, of)


def test_a_decision_follows_its_records_when_a_corrected_file_changes_what_they_say() -> None:
    """The record says another postcode now, so its identity hash is new; it is the same row."""
    now = identities((C, "aisha", "20010517", "1"), (B, "aysha", "20010517", "2"))
    found = states(now, records(("r1", C), ("r2", B)), kept((A, B, "same", "AB", "2016-04-30")))
    assert decisions.to_apply(found).rows() == [(B, C, "same")]


def test_a_decision_never_falls_on_another_child_who_now_stands_in_that_row() -> None:
    now = identities((C, "tomasz", "19990101", "9"), (B, "aysha", "20010517", "2"))
    found = states(now, records(("r1", C), ("r2", B)), kept((A, B, "same", "AB", "2016-04-30")))
    assert decisions.to_apply(found).is_empty()
    assert found["state"].to_list() == [decisions.LOST]


def test_a_record_that_moved_to_another_row_is_found_by_its_number() -> None:
    now = identities((C, "aisha", "20010517", "1"), (B, "aysha", "20010517", "2"))
    found = states(
        now, records(("r9", C), ("r2", B)), kept((A, B, "different", "AB", "2016-04-30"))
    )
    assert decisions.to_apply(found).rows() == [(B, C, "different")]


def test_two_peoples_answers_of_one_day_that_differ_are_listed_and_neither_counts() -> None:
    now = identities((A, "aisha", "20010517", "1"), (B, "aysha", "20010517", "2"))
    answers = decisions.merged(
        kept((A, B, "same", "AB", "2016-04-30")), kept((A, B, "different", "CD", "2016-04-30"))
    )
    found = states(now, records(("r1", A), ("r2", B)), answers)
    assert decisions.to_apply(found).is_empty()
    assert found["state"].unique().to_list() == [decisions.CONTRADICTS]


def test_decisions_that_a_spreadsheet_saved_again_are_the_same_decisions(tmp_path: Path) -> None:
    """Excel writes days its own way, CRLF and a byte order mark; the earlier day must not win."""
    text = (
        "identity_a,identity_b,decision,who,decided_on,why,source,superseded\r\n"
        f'{A},{B},same,AB,30/04/2016,,"mine.xlsx, sheet Review",yes\r\n'
        f'{A},{B},Can\u2019t tell,AB,01/05/2016,,"mine.xlsx, sheet Review",\r\n'
    )
    (tmp_path / "decisions.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    save(tmp_path / "mine.xlsx", ["can't tell", "AB", date(2016, 5, 1), None, A, B])
    both = decisions.merged(decisions.read_decisions(tmp_path), decisions.read_workbooks(tmp_path))
    assert both.select("decision", "decided_on", "superseded").rows() == [
        ("same", "2016-04-30", "yes"),
        ("can't tell", "2016-05-01", ""),
    ]


def test_a_kept_decision_that_lost_its_day_or_its_reviewer_is_named_by_line(tmp_path: Path) -> None:
    (tmp_path / "decisions.csv").write_text(
        "identity_a,identity_b,decision,who,decided_on\n"
        f"{A},{B},same,AB,soon\n{A},{B},same,,2016-04-30\n{A},{C},same,AB,2016-04-30\n"
    )
    with pytest.raises(PlanError) as told:
        decisions.read_decisions(tmp_path)
    lines = [str(problem) for problem in told.value.problems]
    assert ["when" in lines[0], "who" in lines[1], len(lines)] == [True, True, 2]
    assert [line.split(" ")[0] for line in lines] == [
        "review/decisions.csv:2:", "review/decisions.csv:3:",
    ]  # fmt: skip


def test_a_day_yet_to_come_is_refused_as_it_would_outweigh_all_later_decisions(
    tmp_path: Path,
) -> None:
    save(tmp_path / "mine.xlsx", ["same", "AB", date(2961, 4, 30), None, A, B])
    with pytest.raises(PlanError, match="yet to come"):
        decisions.read_workbooks(tmp_path)
