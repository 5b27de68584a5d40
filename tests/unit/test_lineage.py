"""Lineage: every harmonised value leads to the cell it was read from, in the agency's own file."""

import io
import random
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import duckdb
import polars as pl
import pytest
import xlsxwriter

sys.path.append(str(Path(__file__).parent))

from small_plan import PLAN, send, small_plan

from profile_pipeline import store
from profile_pipeline.codes.lookup import code_list, unknown_texts
from profile_pipeline.errors import ContractError
from profile_pipeline.file_rows import in_words, runs, with_file_row
from profile_pipeline.intake import cells
from profile_pipeline.intake.collect import Collected, collect_dataset
from profile_pipeline.intake.lineage import cells_behind, lineage
from profile_pipeline.intake.lines import source_rows
from profile_pipeline.intake.records import indicator_events_of, measure_of, subjects_of
from profile_pipeline.plan.reading import ReadSettings
from profile_pipeline.tables import FILE_ROWS

HEADS = "Ref,Date,Name,DOB,Sex,Ethnicity,Postcode,NHS No,Nominal,Category"
RENAMED = "Category,Reference no,Name,Born,Sex,Ethnicity,Postcode,NHS No,Nominal,Date"


def report(number: int, quarter: int) -> dict[str, str]:
    """Return a report of an invented child."""
    return {
        "Ref": f"R{quarter}{number}",
        "Date": f"{number % 28 + 1:02d}/0{quarter * 3 + 1}/2015",
        "Name": f"EXAMPLE{chr(65 + number)}, Fore{chr(97 + number)}",
        "DOB": f"{number % 28 + 1:02d}/11/200{number % 5}",
        "Sex": "MF"[number % 2],
        "Ethnicity": "White British" if number % 3 else "Not stated",
        "Postcode": f"ab{number % 9 + 1} 2cd",
        "NHS No": f"400000{number:04d}",
        "Nominal": f"n{number}",
        "Category": "Missing" if number % 2 else "Absent",
    }


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, Collected]]:
    """A warehouse of one dataset whose headings changed and moved between quarters."""
    plan_text = PLAN.replace(
        "    dated_by: {column: Date,",
        "    headers: {DOB: Born, Ref: Reference no}\n    dated_by: {column: Date,",
        1,
    )
    plan = small_plan(tmp_path / "p", plan=plan_text)
    old = {"Reference no": "Ref", "Born": "DOB"}
    for quarter, heads in ((1, HEADS), (2, RENAMED)):
        rows = [report(number, quarter) for number in range(12)]
        lines = [
            ",".join(f'"{row[old.get(head, head)]}"' for head in heads.split(",")) for row in rows
        ]
        lines.insert(4, "")
        send(plan.folder, f"missing/2015-16_Q{quarter}.csv", "\n".join([heads, *lines]) + "\n")
    dataset = plan.dataset("missing")
    collected = collect_dataset(plan, dataset)
    with store.connect(plan.folder / "w.duckdb") as con:
        store.write_table(con, "received", "missing", collected.received)
        store.write_table(con, "quality", "lineage", lineage(collected.headings, plan))
        yield con, collected


def behind(con: duckdb.DuckDBPyConnection, table: str, field: str, file: str, row: int):
    """The cells behind one value of a row of the dataset."""
    return cells_behind(con, "missing", file, row).filter(table=table, field=field)


UNKNOWN = unknown_texts()
READ = {
    "date_of_birth": partial(cells.read_date, formats=("%d/%m/%Y",), unknown=UNKNOWN),
    "date": partial(cells.read_date, formats=("%d/%m/%Y",), unknown=UNKNOWN),
    "sex": partial(cells.read_code, spellings=code_list("sex"), unknown=UNKNOWN),
    "ethnicity_code": partial(
        cells.read_code, spellings=code_list("ethnicity_text"), unknown=UNKNOWN
    ),
    "postcode": partial(cells.read_postcode, unknown=UNKNOWN),
    "nhs_number": partial(cells.read_nhs_number, unknown=UNKNOWN),
}


def test_the_received_cell_of_a_random_value_reads_as_the_value_again(
    run: tuple[duckdb.DuckDBPyConnection, Collected],
) -> None:
    con, collected = run
    subjects = subjects_of({"missing": collected.harmonised.rows})
    assert subjects.height == 24
    draw = random.Random(7)
    for _ in range(60):
        row = draw.choice(subjects.rows(named=True))
        field = draw.choice(list(READ))
        found = behind(con, "records.subject", field, row["file"], row["row"])
        assert found.height == 1
        again = READ[field](found["received"])["value"][0]
        assert again == row[field], field
        if field == "date_of_birth":
            assert found["column"][0] == ("DOB" if "_Q1" in row["file"] else "Born")


def test_a_measure_and_an_indicator_lead_to_their_columns(
    run: tuple[duckdb.DuckDBPyConnection, Collected],
) -> None:
    con, collected = run
    frames = {"missing": collected.harmonised.rows}
    episode = measure_of(frames, "missing_episode").row(17, named=True)
    file, row = episode["file"], episode["row"]
    category = behind(con, "records.missing_episode", "category", file, row)
    assert category["received"].str.to_lowercase().to_list() == [episode["category"]]
    reference = behind(con, "records.missing_episode", "reference", file, row)
    assert reference.row(0, named=True)["column"] == "Reference no"
    assert reference["received"].to_list() == [episode["reference"]]
    event = indicator_events_of(frames).row(3, named=True)
    day = behind(con, "records.indicator_event", "date", event["file"], event["row"])
    assert day["role"].to_list() == ["child"]
    assert READ["date"](day["received"])["value"].to_list() == [event["date"]]


def test_a_row_that_is_not_there_is_an_error_and_names_no_value(
    run: tuple[duckdb.DuckDBPyConnection, Collected],
) -> None:
    con, collected = run
    file = collected.headings["file"][0]
    with pytest.raises(ContractError, match="has no row 999"):
        cells_behind(con, "missing", file, 999)


def test_the_row_told_is_the_row_an_agency_sees(tmp_path: Path) -> None:
    """In a spreadsheet, where these files are opened: a cell of two lines is in one row."""
    text = 'Extract of May\nName,Note\nA,x\n\nB,"two\nlines"\n , \nC,y\nTotal,3\n'
    path = tmp_path / "f.csv"
    path.write_text(text, encoding="utf-8")
    rows = source_rows(path, ReadSettings(header_row=2), "f.csv") or []
    assert rows == [3, 5, 7]
    shown = text.replace("two\nlines", "two lines").split("\n")
    assert [shown[row - 1][0] for row in rows] == ["A", "B", "C"]
    places = pl.DataFrame(
        [("d", "f.csv", start, shift) for start, shift in runs(rows)],
        schema=FILE_ROWS.polars_schema,
        orient="row",
    )
    asked = pl.DataFrame({"dataset": "d", "file": ["f.csv"] * 3 + ["g.xml"], "row": [2, 0, 1, 4]})
    told = with_file_row(asked, places).select(in_words()).to_series().to_list()
    assert told == [*(f"row {n} of the file" for n in (7, 3, 5)), "record 5 of the file"]


def test_a_worksheet_row_is_told_below_titles_and_blank_rows(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        rows = {1: ["Extract"], 2: ["Name", "Age"], 3: ["A", 1], 6: ["B", 2]}
        for number, given in rows.items():
            sheet.write_row(number, 0, given)
    path = tmp_path / "f.xlsx"
    path.write_bytes(buffer.getvalue())
    settings = ReadSettings(header_row=3)
    assert source_rows(path, settings, "f.xlsx") == [4, 7]


def test_no_line_is_told_where_it_is_not_certain(tmp_path: Path) -> None:
    assert source_rows(tmp_path / "gone.csv", ReadSettings(), "gone.csv") is None
    pl.DataFrame({"Name": ["A"]}).write_parquet(tmp_path / "f.parquet")
    assert source_rows(tmp_path / "f.parquet", ReadSettings(), "f.parquet") is None


def test_what_is_decided_of_a_report_leads_to_the_columns_that_decide(tmp_path: Path) -> None:
    plan_text = PLAN.replace(
        "      - measure: missing_episode\n        fields: {category: Category}\n",
        "      - measure: information_report\n"
        "        fields: {handling_code: Category, sanitised: Sex}\n",
    )
    plan = small_plan(tmp_path / "p", plan=plan_text)
    send(plan.folder, "missing/2015-16_Q1.csv", HEADS + "\n")
    headings = collect_dataset(plan, plan.dataset("missing")).headings
    found = lineage(headings, plan).filter(pl.col("table") == "records.information_report")
    led = {
        field: found.filter(pl.col("field") == field)["column"].to_list()
        for field in ("handling", "releasable", "restricted_because")
    }
    assert led == {
        "handling": ["Category"],
        "releasable": ["Category", "Sex"],
        "restricted_because": ["Category", "Sex"],
    }
