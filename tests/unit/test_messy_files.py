"""Files as agencies send them, against what a careful person would read from them.

The plan is the small one, which says: comma, headings in row 1, dates day/month/year.
"""

import datetime as dt
import io
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from profile_pipeline.intake.collect import Collected, collect_dataset
from profile_pipeline.intake.fates import check_conservation
from profile_pipeline.intake.lines import source_rows
from profile_pipeline.plan.load import Plan
from tests.unit.small_plan import small_plan

NAMES = ["Ref", "Date", "Name", "DOB", "Sex", "Ethnicity", "Postcode", "NHS No", "Nominal"]
HEAD = [*NAMES, "Category"]
JO = ["r1", "02/06/2015", "Lea, Jo", "03/04/2001", "F", "White British", "DY1 1AA", "", "n1", ""]
DI = ["r2", "09/06/2015", "Day, Di", "05/04/2001", "F", "Indian", "DY1 1AB", "", "n2", "Missing"]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return small_plan(tmp_path)


def text(*rows: list[str], by: str = ",") -> str:
    cells = ([f'"{c}"' if by in c else c for c in row] for row in rows)
    return "".join(by.join(row) + "\r\n" for row in cells)


def sent(plan: Plan, content: bytes, ending: str = ".csv") -> Collected:
    path = plan.folder / f"data/missing/2015-16_Q1{ending}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    found = collect_dataset(plan, plan.dataset("missing"))
    check_conservation(found.fates(found.harmonised.quarantine), found.deliveries)
    return found


def problem(found: Collected) -> str:
    return found.deliveries.filter(quarter="2015-16 Q1")["problem"][0] or ""


def people(found: Collected) -> list[tuple[object, ...]]:
    columns = ("child__surname", "child__forename", "child__date_of_birth", "date")
    return found.harmonised.rows.select(columns).rows()


BOTH = [
    ("Lea", "Jo", dt.date(2001, 4, 3), dt.date(2015, 6, 2)),
    ("Day", "Di", dt.date(2001, 4, 5), dt.date(2015, 6, 9)),
]
PLAIN = text(HEAD, JO, DI)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (PLAIN.encode(), ""),
        (PLAIN.encode("utf-8-sig"), ""),
        (PLAIN.encode("utf-16"), "in utf-16"),
        (PLAIN.encode("utf-16-le"), "in utf-16-le"),
        (PLAIN.encode("utf-16-be"), "in utf-16-be"),
        (text(HEAD, JO, DI, by=";").encode(), "a semicolon"),
        (text(HEAD, JO, DI, by="|").encode(), "a bar"),
        (text(HEAD, JO, DI, by="\t").encode(), "a tab"),
        (("Missing from home, Smallton\n\n" + PLAIN).encode(), "headings in row 3"),
        (("Run 1/7/15;;\n;;\n" + text(HEAD, JO, DI, by=";")).encode(), "a semicolon"),
        ((",Child,,,,,,,,Episode\n" + PLAIN).encode(), "headings in row 2"),
        (text([h.upper() for h in HEAD], JO, DI).encode(), ""),
        (text([f" {h}  " for h in HEAD], JO, DI).encode(), ""),
        (PLAIN.replace("\r\n", ",,,\r\n").encode(), ""),
        (PLAIN.replace("\r\n", "\r").encode(), ""),
        ((PLAIN + "\n\n,,,\nTotal,2\n").encode(), ""),
        (PLAIN.replace("n1,", '"n1\r\nn1a",').encode(), ""),
    ],
)
def test_a_file_laid_out_in_another_way_reads_the_same_and_says_so(
    plan: Plan, content: bytes, says: str
) -> None:
    found = sent(plan, content)
    assert people(found) == BOTH
    assert says in problem(found)
    assert bool(problem(found)) == bool(says)


def test_rows_of_a_file_with_a_title_are_those_its_agency_sees(plan: Plan) -> None:
    content = "Missing from home;\n\n" + text(HEAD, JO, DI, by=";")
    sent(plan, content.encode())
    name = "missing/2015-16_Q1.csv"
    dataset = plan.dataset("missing")
    assert source_rows(plan.data_root / name, dataset.read, name) == [4, 5]


def book(**sheets: list[list[object]]) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


TABLE: list[list[object]] = [[*HEAD], [*JO], [*DI]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (book(Data=TABLE), ""),
        (book(Data=[["Smallton: missing from home"], [], ["", "Child"], *TABLE]), "in row 4"),
        (book(Notes=[["How to read this"]], Data=TABLE), "first sheet doesn't hold"),
        (book(June=TABLE, July=TABLE), "One other sheet holds"),
        (book(June=TABLE, July=TABLE, May=TABLE), "2 other sheets hold"),
    ],
)
def test_a_workbook_laid_out_in_another_way_reads_the_same_and_says_so(
    plan: Plan, content: bytes, says: str
) -> None:
    found = sent(plan, content, ".xlsx")
    assert people(found) == BOTH
    assert says in problem(found)
    assert bool(problem(found)) == bool(says)
    assert "July" not in problem(found)


def test_a_heading_row_is_never_guessed_from_less_than_two_of_the_plans_headings(
    plan: Plan,
) -> None:
    found = sent(plan, text(["a", "b", "Name"], ["x", "y", "z"], ["Sex", "F", "G"]).encode())
    assert found.harmonised.rows.is_empty()
    assert found.received.height == 2
    assert found.deliveries["status"][0] == "unusable"
    assert found.received.select(pl.exclude("^_.*$")).columns == ["a", "b", "Name"]
