"""A blank template, filled as a person fills it, is collected without any mapping."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from typer.testing import CliRunner

from profile_pipeline.cli import app
from profile_pipeline.intake.collect import Collected, collect_dataset
from profile_pipeline.intake.records import indicator_events_of, measure_of, subjects_of
from profile_pipeline.plan.load import Plan
from reports.requirement import write_requests
from tests.unit.small_plan import PLAN, send, small_plan

Row = Mapping[str, object]

CLUB = """\
  - id: club
    agency: club
    title: Youth club
    what: Children of concern.
    why: Children tell projects what they tell no one else.
    how: Workbook
    lawful_basis: Agreed with the trustees
    keep_for: 3 years
    delivery: {every: quarter, due: 14 days, files: "club/{quarter}.xlsx"}
    read: template
    collects:
      indicators: [voluntary_cse_concern, substance_misuse]
  - id: log
    agency: club
    title: Information reports
    what: The log.
    why: Intelligence.
    how: Workbook
    lawful_basis: {part_3: true}
    keep_for: 6 years
    delivery: {every: quarter, files: "log/{quarter}.xlsx"}
    read: template
    collects:
      indicators: named_in_information_report
      measures: information_report
      persons: [child, suspect]
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    agencies = PLAN.replace("datasets:\n", "  - {id: club, name: Youth club}\ndatasets:\n", 1)
    plan = small_plan(tmp_path, plan=agencies + CLUB)
    write_requests(plan, tmp_path / "out")
    return plan


def fill(plan: Plan, dataset: str, name: str, rows: Sequence[Row]) -> Path:
    """Fill the dataset's blank template in a spreadsheet and put it where it is delivered."""
    agency = plan.dataset(dataset).agency
    book = openpyxl.load_workbook(plan.folder / "out" / agency / f"{dataset}_template.xlsx")
    page: Any = book["Data"]
    column = {cell.value: cell.column for cell in page[1]}
    for number, row in enumerate(rows, start=2):
        for heading, value in row.items():
            page.cell(number, column[heading]).value = value
    path = plan.data_root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def events(collected: Collected, dataset: str) -> set[tuple[int, str, date]]:
    table = indicator_events_of({dataset: collected.harmonised.rows})
    return set(table.select("row", "indicator", "date").iter_rows())


def test_a_dataset_without_any_mapping_loads_from_its_filled_template(plan: Plan) -> None:
    born = datetime(2001, 5, 6)
    fill(
        plan,
        "club",
        "club/2015-16_Q4.xlsx",
        [
            {
                "Reference": "0012",
                "Date": datetime(2016, 1, 15),
                "Child forename": "Ann",
                "Child surname": "Lee",
                "Child date of birth": born,
                "Child sex": "female",
                "Child ethnicity": "APKN Pakistani",
                "Child home postcode": "DY1 1AA",
                "Child number (club)": "00077",
                "Voluntary CSE concern (yes/no)": "yes",
                "Substance misuse (yes/no)": "not known",
            },
            {
                "Date": "16/02/2016",
                "Child forename": "Bo",
                "Child sex": "not known",
                "Substance misuse (yes/no)": "yes",
            },
        ],
    )
    collected = collect_dataset(plan, plan.dataset("club"))
    assert collected.harmonised.quarantine.is_empty()
    assert collected.harmonised.repairs.is_empty()
    assert collected.harmonised.unknown_values.is_empty()
    assert collected.missing_columns.is_empty()
    people = subjects_of({"club": collected.harmonised.rows}).sort("row")
    first = people.row(0, named=True)
    assert first["date_of_birth"] == date(2001, 5, 6)
    assert (first["sex"], first["ethnicity_code"]) == ("female", "APKN")
    assert first["local_ids"] == ["club:00077"]
    assert people["sex"].to_list() == ["female", None]
    assert events(collected, "club") == {
        (0, "voluntary_cse_concern", date(2016, 1, 15)),
        (1, "substance_misuse", date(2016, 2, 16)),
    }


def test_an_agency_with_a_mapping_may_send_the_template_instead(plan: Plan) -> None:
    head = "Ref,Date,Name,DOB,Sex,Ethnicity,Postcode,NHS No,Nominal,Category\n"
    send(
        plan.folder,
        "missing/2015-16_Q3.csv",
        head + 'M1,02/11/2015,"LEE, Ann",06/05/2001,F,White British,DY1 1AA,,77,missing\n',
    )
    fill(
        plan,
        "missing",
        "missing/2015-16_Q4.xlsx",
        [
            {
                "Reference": "M2",
                "Date": datetime(2016, 1, 15),
                "Child forename": "Ann",
                "Child surname": "Lee",
                "Child date of birth": datetime(2001, 5, 6),
                "Child sex": "female",
                "Child ethnicity": "WBRI White British",
                "Child NHS number": "0123456789",
                "Child number (police)": "77",
                "Missing or absent": "absent",
            }
        ],
    )
    collected = collect_dataset(plan, plan.dataset("missing"))
    loaded = collected.deliveries.filter(pl.col("status") == "loaded")
    assert loaded["quarter"].to_list() == ["2015-16 Q3", "2015-16 Q4"]
    people = subjects_of({"missing": collected.harmonised.rows}).sort("date")
    assert people["surname"].str.to_uppercase().to_list() == ["LEE", "LEE"]
    assert people["date_of_birth"].to_list() == [date(2001, 5, 6)] * 2
    assert people["ethnicity_code"].to_list() == ["WBRI", "WBRI"]
    assert people["nhs_number"].to_list() == [None, "0123456789"]
    assert people["local_ids"].to_list() == [["police:77"], ["police:77"]]
    assert {(i, d) for _, i, d in events(collected, "missing")} == {
        ("missing_from_home_or_care", date(2015, 11, 2)),
        ("missing_from_home_or_care", date(2016, 1, 15)),
    }
    told = measure_of({"missing": collected.harmonised.rows}, "missing_episode").sort("date")
    assert told["category"].to_list() == ["missing", "absent"]
    assert told["reference"].to_list() == ["M1", "M2"]
    # Rows add up, and expectations find the template's rows under the plan's own columns.
    assert collected.sent.sort("Ref")["Ref"].to_list() == ["M1", "M2"]
    fates = collected.fates(collected.harmonised.quarantine)
    assert fates["fate"].to_list() == ["harmonised", "harmonised"]
    found = collected.headings.filter(pl.col("column") == "DOB")["heading"].to_list()
    assert found == ["DOB", "Child date of birth"]


def test_a_template_with_a_column_taken_out_and_one_added_loads_with_the_gap_told(
    plan: Plan,
) -> None:
    row = {"Date": "15/01/2016", "Child forename": "Ann", "Child number (police)": "77"}
    path = fill(plan, "missing", "missing/2015-16_Q4.xlsx", [row])
    book = openpyxl.load_workbook(path)
    page: Any = book["Data"]
    gone = next(cell.column for cell in page[1] if cell.value == "Child sex")
    page.delete_cols(gone)
    page.cell(1, page.max_column + 1).value = "Our notes"
    book.save(path)
    collected = collect_dataset(plan, plan.dataset("missing"))
    assert subjects_of({"missing": collected.harmonised.rows})["forename"].to_list() == ["Ann"]
    assert collected.missing_columns.select("column", "used_for").rows() == [
        ("Child sex", "child's sex")
    ]


def test_a_template_saved_as_csv_is_read_in_excel_s_encoding(plan: Plan) -> None:
    path = fill(plan, "missing", "missing/blank.xlsx", [])
    headings = [cell.value for cell in openpyxl.load_workbook(path)["Data"][1]]
    path.unlink()
    row = dict.fromkeys(headings, "") | {
        "Date": "15/01/2016",
        "Child forename": "Zoë",
        "Child surname": "Lee",
        "Child date of birth": "06/05/2001",
    }
    text = io.StringIO()
    written = csv.DictWriter(text, headings)  # type: ignore[type-var]
    written.writeheader()
    written.writerow(row)
    send(plan.folder, "missing/2015-16_Q4.csv", text.getvalue(), "cp1252")
    collected = collect_dataset(plan, plan.dataset("missing"))
    people = subjects_of({"missing": collected.harmonised.rows})
    assert people.select("forename", "date_of_birth").rows() == [("Zoë", date(2001, 5, 6))]


def test_a_yes_no_column_stands_for_the_agency_s_own_code(plan: Plan) -> None:
    fill(
        plan,
        "school",
        "school.xlsx",
        [
            {"Child forename": "Ann", "Excluded from school (yes/no)": "yes"},
            {
                "Child forename": "Bo",
                "Excluded from school (yes/no)": "no",
                "Unauthorised absence (yes/no)": "Yes",
            },
            {"Child forename": "Cy"},
        ],
    )
    collected = collect_dataset(plan, plan.dataset("school"))
    assert {(row, indicator) for row, indicator, _ in events(collected, "school")} == {
        (0, "excluded_from_school"),
        (1, "unauthorised_absence"),
    }


def test_the_log_keeps_both_grades_their_way_and_leaves_the_reporter_behind(plan: Plan) -> None:
    fill(
        plan,
        "log",
        "log/2015-16_Q4.xlsx",
        [
            {
                "Reference": "R1",
                "Reported at": datetime(2016, 1, 15, 18, 30),
                "Child forename": "Ann",
                "Reliability (5 = always reliable, 1 = unreliable)": 5,
                "Accuracy (1 = known true, 5 = suspected false)": "don't know",
                "Source type": "member of the public",
                "Licensed service involved": "yes",
                "Trading name of premises": "The Plough",
                "Handling code": "C",
                "Sanitised": "no",
                "Consent": "dispensed with",
                "Information (fact: what was seen, heard or said)": "Seen at the door.",
                "Opinion (what it may mean)": "He may give them alcohol.",
                "Reporter name": "Mo Reporter",
                "Reporter contact": "0121 496 0000",
            },
            {"Reference": "R2", "Reported at": datetime(2016, 2, 1, 9, 0)},
        ],
    )
    collected = collect_dataset(plan, plan.dataset("log"))
    assert collected.harmonised.quarantine.is_empty()
    table = measure_of({"log": collected.harmonised.rows}, "information_report").sort("row")
    first = table.row(0, named=True)
    assert (first["reliability"], first["accuracy"]) == ("5", "dont_know")
    assert first["reported_at"] == datetime(2016, 1, 15, 18, 30)
    assert (first["handling_code"], first["sanitised"]) == ("C", False)
    assert first["consent"] == "dispensed with"
    assert first["premises_name"] == "The Plough"
    assert first["information"] == "Seen at the door."
    assert first["opinion"] == "He may give them alcohol."
    assert first["restricted_because"] == "its handling code sets conditions"
    assert table["reliability"].to_list() == ["5", None]
    # Kept as received, and nowhere else.
    assert "Mo Reporter" in collected.received["Reporter name"].to_list()
    for frame in (table, collected.harmonised.rows, collected.sent):
        assert "Mo Reporter" not in str(frame.rows())
        assert "0121 496 0000" not in str(frame.rows())
    assert {(row, indicator) for row, indicator, _ in events(collected, "log")} == {
        (0, "named_in_information_report")
    }


def test_an_extract_of_the_agreed_kind_counts_before_a_workbook_beside_it(plan: Plan) -> None:
    send(plan.folder, "missing/2015-16_Q4.csv", "Ref,Date,Name\nM1,02/01/2016,LEE Ann\n")
    fill(
        plan,
        "missing",
        "missing/2015-16_Q4.xlsx",
        [{"Reference": "M2", "Date": "15/01/2016", "Child forename": "Ann"}],
    )
    collected = collect_dataset(plan, plan.dataset("missing"))
    status = dict(collected.deliveries.drop_nulls("file").select("file", "status").iter_rows())
    assert status == {
        "missing/2015-16_Q4.csv": "loaded",
        "missing/2015-16_Q4.xlsx": "superseded",
    }


def test_the_verb_writes_beside_the_other_outputs(plan: Plan) -> None:
    done = CliRunner().invoke(app, ["request", "--profile", str(plan.folder)])
    assert done.exit_code == 0
    folder = plan.folder / "output" / "2016-03-31" / "requests"
    assert (folder / "club" / "information_report_form.docx").is_file()
    assert (folder / "police" / "missing_template.xlsx").is_file()
    assert "missing: the lawful basis doesn't state" in done.output
