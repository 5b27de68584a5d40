"""A dataset from its files: what arrived, what could be used, and every row's one fate."""

import csv
import io
import os
import tempfile
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_pipeline.intake.collect import Collected, collect_dataset, delivery_problems
from profile_pipeline.intake.fates import check_conservation
from profile_pipeline.plan.load import Plan
from profile_pipeline.tables import FATES
from tests.unit.small_plan import PLAN, send, small_plan, write_folder

HEAD = "Ref,Date,Name,DOB,Sex,Ethnicity,Postcode,NHS No,Nominal,Category\n"
JO = 'r1,15/05/2015,"SMITH, Jo",01/02/2001,F,White British,DY1 1AA,9434765919,p1,missing\n'
DI = 'r2,20/05/2015,"JONES, Di",03/04/2002,M,White British,DY1 1AB,,p2,absent\n'
Q1, Q2 = "missing/2015-16_Q1.csv", "missing/2015-16_Q2.csv"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return small_plan(tmp_path)


def collect(plan: Plan, name: str = "missing", before: pl.DataFrame | None = None) -> Collected:
    collected = collect_dataset(plan, plan.dataset(name), before=before)
    fates = collected.fates(collected.harmonised.quarantine)
    check_conservation(fates, collected.deliveries)
    return collected


def fates(collected: Collected) -> dict[tuple[str, int], tuple[str, str | None]]:
    frame = collected.fates(collected.harmonised.quarantine)
    return {(file, row): (fate, rule) for _, file, row, _, fate, rule in frame.iter_rows()}


def status(collected: Collected) -> dict[str, str]:
    return dict(collected.deliveries.select("quarter", "status").iter_rows())


def test_a_good_delivery_is_loaded_and_the_others_are_missing(plan: Plan) -> None:
    send(plan.folder, Q1, HEAD + JO + DI)
    collected = collect(plan)
    assert status(collected) == {
        "2015-16 Q1": "loaded",
        "2015-16 Q2": "missing",
        "2015-16 Q3": "missing",
        "2015-16 Q4": "missing",
    }
    assert set(fates(collected).values()) == {("harmonised", None)}


def test_rows_are_received_as_sent_with_file_row_hash_and_quarter(plan: Plan) -> None:
    send(plan.folder, Q1, HEAD.replace("Ref,", "Ref,Surplus,") + "r1, x ,soon,,,,,,,,\n")
    row = collect(plan).received.row(0, named=True)
    assert (row["_file"], row["_row"], row["_quarter"]) == (Q1, 0, "2015-16 Q1")
    assert len(row["_sha256"]) == 64
    assert (row["Surplus"], row["Date"]) == (" x ", "soon")


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (b"", "unreadable"),
        (b"PK\x03\x04\x00\x00\x00\x00\xff\xfe binary", "unreadable"),
        (HEAD.replace("Sex", "DOB").encode(), "unreadable"),
        (HEAD.replace("Date", "Datum").encode() + JO.encode(), "unusable"),
        (HEAD.replace("Ref,", "Ref;").encode("utf-16"), "unusable"),
    ],
)
def test_a_bad_file_fails_its_own_quarter_alone(plan: Plan, content: bytes, state: str) -> None:
    send(plan.folder, Q1, HEAD + JO)
    path = send(plan.folder, Q2, "")
    path.write_bytes(content)
    collected = collect(plan)
    told = status(collected)
    assert (told["2015-16 Q1"], told["2015-16 Q2"]) == ("loaded", state)
    assert collected.harmonised.rows.height == 1
    bad = collected.deliveries.filter(pl.col("quarter") == "2015-16 Q2").row(0, named=True)
    assert bad["problem"]
    assert "Jo" not in bad["problem"]


def test_rows_of_a_file_without_dates_are_received_and_set_aside(plan: Plan) -> None:
    send(plan.folder, Q1, HEAD.replace("Date", "Datum") + JO + DI)
    collected = collect(plan)
    assert set(fates(collected).values()) == {("quarantined", "unusable_file")}
    problem = collected.deliveries["problem"][0]
    assert "no column 'Date', which dates its rows" in problem
    assert "'Datum'" in problem


def test_a_missing_column_is_recorded_and_the_file_loads(plan: Plan) -> None:
    send(plan.folder, Q1, HEAD.replace("Sex", "Gender") + JO)
    collected = collect(plan)
    assert status(collected)["2015-16 Q1"] == "loaded"
    assert collected.harmonised.rows["child__sex"].to_list() == [None]
    assert collected.missing_columns.select("file", "column", "used_for").rows() == [
        (Q1, "Sex", "child's sex")
    ]


def test_a_heading_may_differ_in_case_and_space_or_be_an_alias(tmp_path: Path) -> None:
    text = PLAN.replace(
        "    dated_by: {column: Date", "    headers: {Sex: Gender}\n    dated_by: {column: Date", 1
    )
    plan = small_plan(tmp_path, plan=text)
    send(plan.folder, Q1, HEAD.replace("Sex", " GENDER ").replace("Date", "date") + JO)
    collected = collect(plan)
    assert collected.missing_columns.is_empty()
    assert collected.harmonised.rows["child__sex"].to_list() == ["female"]


def test_a_repeated_row_counts_once_within_a_file_only(plan: Plan) -> None:
    send(plan.folder, Q1, HEAD + JO + DI + JO)
    send(plan.folder, Q2, HEAD + JO)
    collected = collect(plan)
    assert fates(collected) == {
        (Q1, 0): ("harmonised", None),
        (Q1, 1): ("harmonised", None),
        (Q1, 2): ("duplicate", "exact_duplicate"),
        (Q2, 0): ("harmonised", None),
    }
    assert collected.duplicates.select("row", "kept_row").rows() == [(2, 0)]


def test_rows_that_differ_in_a_surplus_column_are_no_duplicates(plan: Plan) -> None:
    surplus = HEAD.replace("Ref,", "Note,Ref,")
    send(plan.folder, Q1, surplus + "a," + JO + "b," + JO)
    assert collect(plan).duplicates.is_empty()


def test_a_repeat_of_a_row_set_aside_is_a_duplicate_of_it(plan: Plan) -> None:
    bad = JO.replace("15/05/2015", "soon")
    send(plan.folder, Q1, HEAD + bad + bad)
    assert fates(collect(plan)) == {
        (Q1, 0): ("quarantined", "not_a_date"),
        (Q1, 1): ("duplicate", "exact_duplicate"),
    }


def test_a_corrected_delivery_replaces_the_first(plan: Plan) -> None:
    send(plan.folder, Q1, HEAD + JO + DI)
    new = send(plan.folder, "missing/2015-16_Q1_v2.csv", HEAD + JO)
    found = fates(collect(plan))
    assert found[(Q1, 0)] == found[(Q1, 1)] == ("superseded", "superseded")
    assert found[(f"missing/{new.name}", 0)] == ("harmonised", None)


def test_a_corrected_delivery_that_cannot_be_read_does_not_bring_the_old_one_back(
    plan: Plan,
) -> None:
    """The agency said the first is wrong; the quarter fails rather than counting it."""
    send(plan.folder, Q1, HEAD + JO)
    send(plan.folder, "missing/2015-16_Q1_v2.csv", "")
    collected = collect(plan)
    assert collected.harmonised.rows.is_empty()
    assert set(collected.deliveries["status"].head(2)) == {"superseded", "unreadable"}


def test_a_file_that_was_overwritten_keeps_its_old_rows_as_superseded(plan: Plan) -> None:
    send(plan.folder, Q1, HEAD + JO + DI)
    before = collect(plan).received
    send(plan.folder, Q1, HEAD + JO)
    after = collect(plan, before=before)
    counts = after.fates(after.harmonised.quarantine)["fate"].value_counts()
    assert dict(counts.iter_rows()) == {"superseded": 2, "harmonised": 1}
    again = collect(plan, before=after.received)
    assert again.received.equals(after.received), "a further run changes nothing"


def test_a_file_that_was_taken_away_keeps_its_rows_uncounted(plan: Plan) -> None:
    path = send(plan.folder, Q1, HEAD + JO)
    before = collect(plan).received
    path.unlink()
    after = collect(plan, before=before)
    assert after.harmonised.rows.is_empty()
    assert [fate for fate, _ in fates(after).values()] == ["superseded"]


def test_a_version_that_came_back_counts_again(plan: Plan) -> None:
    send(plan.folder, Q1, HEAD + JO)
    first = collect(plan).received
    send(plan.folder, Q1, HEAD + DI)
    second = collect(plan, before=first).received
    send(plan.folder, Q1, HEAD + JO)
    third = collect(plan, before=second)
    assert third.harmonised.rows["reference"].to_list() == ["r1"]
    current = third.fates(third.harmonised.quarantine).filter(pl.col("fate") == "harmonised")
    assert current["file"].to_list() == [Q1]


def test_a_dataset_that_never_came_gives_its_tables_without_rows(plan: Plan) -> None:
    collected = collect(plan)
    assert set(status(collected).values()) == {"missing"}
    assert collected.received.columns == ["_file", "_row", "_sha256", "_quarter"]
    assert collected.fates(collected.harmonised.quarantine).is_empty()


def test_a_file_with_a_header_alone_is_a_delivery_of_no_rows(plan: Plan) -> None:
    send(plan.folder, Q1, HEAD)
    collected = collect(plan)
    assert status(collected)["2015-16 Q1"] == "loaded"
    assert collected.deliveries["rows"][0] == 0


def test_a_column_called_like_our_own_never_takes_its_place(plan: Plan) -> None:
    """Else an agency's own `_row` would say which row of the file is meant."""
    send(plan.folder, Q1, HEAD.replace("Ref,", "_row,_file,Ref,") + "x,y," + JO)
    send(plan.folder, Q2, HEAD + JO)
    collected = collect(plan)
    assert status(collected)["2015-16 Q1"] == "unreadable"
    assert "heading" in collected.deliveries["problem"][0]
    assert collected.received.select("_file", "_row").rows() == [(Q2, 0)]


def test_check_tells_problems_and_notes(plan: Plan) -> None:
    send(plan.folder, Q1, HEAD.replace("Sex", "Gender") + JO)
    send(plan.folder, Q2, "")
    send(plan.folder, "missing/notes.csv", "a\n1\n")
    problems, notes = delivery_problems(plan)
    told = [str(problem) for problem in problems]
    assert len(told) == 2, told
    assert any(each.startswith(f"{Q2}: ") for each in told)
    assert any("no file has a column 'Sex' (child's sex)" in each for each in told)
    assert "missing: nothing arrived for 2015-16 Q3, 2015-16 Q4." in notes
    assert "tracker: never delivered." in notes
    assert any(note.startswith("missing/notes.csv: ") for note in notes)


def test_check_tells_a_data_folder_that_is_not_there(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    (tmp_path / "data").rmdir()
    problems, _ = delivery_problems(plan)
    assert ["the data folder is not there" in str(each) for each in problems] == [True]


def test_a_file_that_may_not_be_read_is_one_problem(plan: Plan) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    send(plan.folder, Q1, HEAD + JO).chmod(0)
    problems, _ = delivery_problems(plan)
    assert len(problems) == 1


CELL = st.one_of(
    st.sampled_from(
        ["", "N/K", "01/01/1900", "15/05/2015", "31/02/2015", "42139", "SMITH, Jo", "p1"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6),
)
COLUMNS = st.lists(
    st.sampled_from([*HEAD.strip().split(","), "Other", "total", "_row"]), min_size=1, unique=True
)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), columns=COLUMNS)
def test_nothing_received_is_lost_whatever_the_table(
    data: st.DataObject, columns: list[str]
) -> None:
    """Any table written as CSV: every row received has one fate, and the fates add up."""
    rows = data.draw(
        st.lists(st.lists(CELL, min_size=len(columns), max_size=len(columns)), max_size=7)
    )
    text = io.StringIO(newline="")
    csv.writer(text).writerows([columns, *rows])
    with tempfile.TemporaryDirectory() as folder:
        plan = small_plan(Path(folder))
        send(plan.folder, Q1, text.getvalue())
        send(plan.folder, Q2, HEAD + JO)
        collected = collect_dataset(plan, plan.dataset("missing"))
    harmonised = collected.harmonised
    told = collected.fates(harmonised.quarantine)
    counted = check_conservation(told, collected.deliveries)
    assert counted["rows"].sum() == told.height == collected.received.height
    assert (counted["rows"] == counted.select(pl.sum_horizontal(*FATES)).to_series()).all()
    assert set(
        told.filter(pl.col("fate") == "harmonised").select("file", "row").iter_rows()
    ) == set(harmonised.rows.select("file", "row").iter_rows())
    assert (Q2, 0, "harmonised") in told.select("file", "row", "fate").rows()
    # Rows of the file that hold anything are the rows received, none passed over as a title.
    if Q1 in collected.deliveries.filter(pl.col("rows").is_not_null())["file"]:
        held = collected.deliveries.filter(pl.col("file") == Q1)["rows"][0]
        assert held <= len(rows)


def test_writing_the_folder_again_changes_nothing(tmp_path: Path) -> None:
    """The same files give the same tables, row for row."""
    plan = small_plan(tmp_path)
    send(plan.folder, Q1, HEAD + JO + DI + "r3,,,,,,,,,\n")
    one, two = collect(plan), collect(plan)
    write_folder(tmp_path)
    for part in ("received", "deliveries", "missing_columns", "duplicates"):
        assert getattr(one, part).equals(getattr(two, part)), part
    assert one.harmonised.rows.equals(two.harmonised.rows)
    assert one.harmonised.quarantine.equals(two.harmonised.quarantine)


def test_the_register_says_when_a_file_was_received_before_its_own_date(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    send(tmp_path, "missing/2015-16_Q1.csv", HEAD + "r,15/05/2015,x,,,,,,,\n")
    (tmp_path / "deliveries.csv").write_text(
        "file,received\nmissing/2015-16_Q1.csv,20/07/2015\nmissing/x.csv,soon\n"
    )
    loaded = collect_dataset(plan, plan.dataset("missing")).deliveries.filter(status="loaded")
    assert loaded["arrived_on"].to_list() == [date(2015, 7, 20)]
    problems, _ = delivery_problems(plan)
    assert "deliveries.csv:3" in [p.where for p in problems]


@pytest.mark.parametrize(
    ("delivery", "file", "carries"),
    [
        ("{every: once, files: missing.csv}", "missing.csv", "2015-16 Q1, 2015-16 Q3, 2015-16 Q4"),
        (
            '{every: year, files: "missing/{year}.csv"}',
            "missing/2015-16.csv",
            "2015-16 Q1, 2015-16 Q2, 2015-16 Q3, 2015-16 Q4",
        ),
    ],
)
def test_a_file_of_several_quarters_tells_of_each(
    tmp_path: Path, delivery: str, file: str, carries: str
) -> None:
    """Of a year's file all of the year; of one that comes once those that date its rows."""
    own = PLAN.replace(
        '{every: quarter, due: 14 days, files: "missing/{quarter}.csv"}', delivery, 1
    )
    plan = small_plan(tmp_path, plan=own)
    send(plan.folder, file, HEAD + JO + DI.replace("20/05/2015", "20/11/2015"))
    deliveries = collect(plan).deliveries
    assert deliveries.select("status", "quarter", "carries").rows() == [
        ("loaded", "2015-16 Q4", carries)
    ]
