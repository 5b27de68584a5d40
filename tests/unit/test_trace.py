"""`trace`: a row leads to what became of it and why, and its values to the cells behind them."""

import io
import sys
from datetime import datetime
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from typer.testing import CliRunner

sys.path.append(str(Path(__file__).parent))

from small_plan import PLAN, send, small_plan
from test_editions_reports import HEAD as REPORT_HEAD
from test_editions_reports import HELD, REPORTS, report
from test_standard_returns import (
    ASSESSED,
    CHILD,
    DETAILS,
    PUPILS,
    census,
    factors,
    plan_of,
    put,
)

from profile_pipeline import store, tables
from profile_pipeline.cli import app
from profile_pipeline.errors import PlanError
from profile_pipeline.intake.collect import collect_dataset
from profile_pipeline.intake.lineage import lineage
from profile_pipeline.intake.records import indicator_events_of, measure_of, subjects_of
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.requirement import template_of
from profile_pipeline.trace import trace_row
from reports.templates import template_workbook

LOOKUP = """    dated_by: quarter_end
    lookup:
      - {dataset: missing, on: {ICS: Nominal}, columns: {DOB: DOB}}
    reference: Ref
    subjects:
      - role: child
        forename: Forename
        surname: Surname
        date_of_birth: {column: DOB, format: ["%Y-%m-%d", "%d/%m/%Y"]}
"""
HEAD = "Ref,Date,Name,DOB,Sex,Ethnicity,Postcode,NHS No,Nominal,Category\n"
ROW = 'R1,02/01/2016,"LEE, Ann",01/11/2001,Q,White British,ab1 2cd,4000000001,N1,Missing\n'
ROWS = (
    ROW
    + ROW
    + "R2,31/02/2016,,,F,,,,,Missing\n"
    + 'R3,05/02/2016,"RAY, Bo",02/11/2001,M,,,,N2,Absent\n'
)
FILE = "missing/2015-16_Q4.csv"


def load(plan: Plan) -> None:
    """Keep in the warehouse what a run would, as far as records."""
    ids = [dataset.id for dataset in plan.datasets]
    got = {each: collect_dataset(plan, plan.dataset(each)) for each in ids}
    rows = {each: got[each].harmonised.rows for each in ids}
    kept = {
        ("quality", "fate"): [c.fates(c.harmonised.quarantine) for c in got.values()],
        ("quality", "quarantine"): [c.harmonised.quarantine for c in got.values()],
        ("quality", "repairs"): [c.harmonised.repairs for c in got.values()],
        ("quality", "duplicate"): [c.duplicates for c in got.values()],
        ("quality", "delivery"): [c.deliveries for c in got.values()],
        ("quality", "heading"): [c.headings for c in got.values()],
        ("records", "subject"): [subjects_of(rows)],
        ("records", "indicator_event"): [indicator_events_of(rows)],
        **{("records", name): [measure_of(rows, name)] for name in tables.MEASURES},
    }
    heading = pl.concat(c.headings for c in got.values())
    kept["quality", "lineage"] = [lineage(heading, plan)]
    with store.connect(store.warehouse_path(plan.folder)) as con:
        for each in ids:
            store.write_table(con, "received", each, got[each].received)
        for (schema, name), frames in kept.items():
            store.write_table(con, schema, name, pl.concat(frames, how="diagonal_relaxed"))


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    start = PLAN.index("    dated_by: quarter_end\n    reference: Ref\n")
    end = PLAN.index("        sex: Sex\n        local_ids: [{column: ICS")
    made = small_plan(tmp_path / "p", plan=PLAN[:start] + LOOKUP + PLAN[end:])
    send(made.folder, FILE, HEAD + ROWS)
    send(
        made.folder,
        "tracker/2015-16_Q4.csv",
        "Ref,Forename,Surname,Sex,ICS,Authority,Risk,Status\nT1,Ann,Lee,F,N1,Smallton,,Open\n",
    )
    load(made)
    return made


def test_a_used_row_leads_from_each_value_to_the_agency_s_own_cell_and_its_repairs(plan) -> None:
    told = "\n".join(trace_row(plan, "missing", FILE, 0))
    assert "data row 0 (row 2 of the file)" in told
    assert "harmonised: it is used" in told
    assert "  forename = Ann  <-  column 'Name': LEE, Ann" in told
    assert "  date_of_birth = 2001-11-01  <-  column 'DOB': 01/11/2001" in told
    assert "records.indicator_event: child missing_from_home_or_care" in told
    assert "  category = missing  <-  column 'Category': Missing" in told
    assert "  Sex (Q): " in told
    assert "[unknown_code]" in told


def test_a_row_that_can_not_be_used_leads_to_every_rule_in_words(plan) -> None:
    told = "\n".join(trace_row(plan, "missing", FILE, 2))
    assert "quarantined: it can't be used" in told
    assert "Date (31/02/2016): " in told
    assert "the row as a whole: " in told
    assert "[no_identifier]" in told


def test_a_duplicate_leads_to_the_row_that_counts(plan) -> None:
    assert "  Data row 0 (row 2 of the file) counts." in trace_row(plan, "missing", FILE, 1)


def test_a_value_from_another_list_leads_to_that_list_s_row_where_the_column_is_lacking(
    plan,
) -> None:
    told = "\n".join(trace_row(plan, "tracker", "tracker/2015-16_Q4.csv", 0))
    where = "blank here, filled from missing 'DOB' (missing/2015-16_Q4.csv data row 0: 01/11/2001"
    assert f"  date_of_birth = 2001-11-01  <-  {where}" in told


def test_what_is_not_there_is_told_with_what_is_near(plan) -> None:
    with pytest.raises(PlanError, match="Did you mean 'missing'"):
        trace_row(plan, "misssing", FILE, 0)
    with pytest.raises(PlanError, match=r"Did you mean missing/2015-16_Q4\.csv"):
        trace_row(plan, "missing", "missing/2015-16Q4.csv", 0)
    with pytest.raises(PlanError, match=r"Rows count from 0 to 3"):
        trace_row(plan, "missing", FILE, 9)


def test_the_verb_prints_it_and_a_name_alone_is_enough_of_a_file(plan) -> None:
    done = CliRunner().invoke(
        app, ["trace", "missing", "2015-16_Q4.csv", "3", "--profile", str(plan.folder)]
    )
    assert done.exit_code == 0
    assert "surname = RAY" in done.output


def traced(plan: Plan, dataset: str, file: str, row: int) -> str:
    load(plan)
    return "\n".join(trace_row(plan, dataset, file, row))


def test_a_value_under_a_heading_that_was_renamed_leads_to_the_heading_of_its_file(
    tmp_path,
) -> None:
    renamed = PLAN.replace(
        "    dated_by: {column: Date,", "    headers: {DOB: Born}\n    dated_by: {column: Date,", 1
    )
    plan = small_plan(tmp_path / "p", plan=renamed)
    send(plan.folder, FILE, HEAD + ROW)
    later = "missing/2015-16_Q3.csv"
    send(plan.folder, later, HEAD.replace("DOB", "Born") + ROW.replace("/01/2016", "/11/2015"))
    told = traced(plan, "missing", later, 0)
    assert "  date_of_birth = 2001-11-01  <-  column 'Born': 01/11/2001" in told
    now = "\n".join(trace_row(plan, "missing", FILE, 0))
    assert "  date_of_birth = 2001-11-01  <-  column 'DOB': 01/11/2001" in now


def test_a_value_of_a_filled_template_leads_to_its_column_and_spreadsheet_row(tmp_path) -> None:
    plan = small_plan(tmp_path / "p")
    template = template_of(plan.dataset("missing"))
    book = openpyxl.load_workbook(io.BytesIO(template_workbook(plan, plan.dataset("missing"))))
    page = book["Data"]
    column = {cell.value: cell.column for cell in page[1]}
    for heading, value in {
        "Reference": "M2",
        "Date": datetime(2016, 1, 15),
        "Child forename": "Ann",
        "Child surname": "Lee",
        "Missing or absent": "absent",
    }.items():
        page.cell(3, column[heading]).value = value
    path = plan.data_root / "missing" / "2015-16_Q4.xlsx"
    path.parent.mkdir(parents=True)
    book.save(path)
    assert template is not None
    told = traced(plan, "missing", "missing/2015-16_Q4.xlsx", 0)
    assert "data row 0 (row 3 of the file)" in told
    assert "  forename = Ann  <-  column 'Child forename': Ann" in told
    assert "  category = absent  <-  column 'Missing or absent': absent" in told


def test_a_value_of_an_xml_return_leads_to_its_element(tmp_path) -> None:
    details = DETAILS.format(
        nfa="false",
        inside=ASSESSED.format(day="2019-07-01", factors=factors("11A"))
        + ASSESSED.format(day="2019-09-01", factors=factors("13A")),
    )
    sex = "<GenderCurrent>2</GenderCurrent>"
    bare = CHILD.format(id="a", sex=sex, details="")
    put(
        tmp_path,
        "cin/SAN_cin_2020.xml",
        census(bare, CHILD.format(id="b", sex=sex, details=details)),
    )
    plan = plan_of(tmp_path, "cin_census", "cin")
    told = traced(plan, "ret", "cin/SAN_cin_2020.xml", 2)
    where = "/Message/Children[1]/Child[2]/CINdetails[1]/Assessments[2]"
    assert f"data row 2 (element {where})" in told
    assert "  date_of_birth = 2006-01-02  <-  column 'PersonBirthDate': 2006-01-02" in told
    assert "records.indicator_event: child gang_involvement" in told
    assert "  indicator = gang_involvement  <-  column 'AssessmentFactors': 13A" in told


def test_a_value_of_a_return_s_csv_leads_through_the_list_it_is_joined_to(tmp_path) -> None:
    put(tmp_path, "r/2019-20/header.csv", "Child,Dob,Sex,Ethnic,UPN\n1,05/06/2005,2,WBRI,\n")
    put(
        tmp_path,
        "r/2019-20/episodes.csv",
        "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,HOME_POST,PL_POST,URN\n"
        "1,01/05/2018,S,C2,N1,U4,PR1,,,DY1 1AA,DY2 2BB,\n",
    )
    plan = plan_of(tmp_path, "ssda903", "r/{year}", issuer="sandford_council")
    told = traced(plan, "ret_episodes", "r/2019-20/episodes.csv", 0)
    where = "blank here, filled from ret_header 'DOB' (r/2019-20/header.csv data row 0: 05/06/2005)"
    assert f"  date_of_birth = 2005-06-05  <-  {where}" in told
    assert "  legal_status = C2  <-  column 'LS': C2" in told


def test_a_sum_leads_to_the_rows_that_were_summed_and_to_no_others(tmp_path) -> None:
    put(tmp_path, "sc/2015_autumn_pupilonroll.csv", PUPILS + "p1,A123456789012,Hope,Ann,"
        "2003-05-06,F,WBRI,N,100,,\n")  # fmt: skip
    put(
        tmp_path,
        "sc/2015_autumn_termlysessiondetails.csv",
        "PupilOnRollTableID,AttendanceReason,AbsenceSessions\n"
        "p1,G,4\np1,O,6\np1,I,7\np2,U,90\np1,O,6\n",
    )
    plan = plan_of(tmp_path, "school_census", "sc", period="2015-04-01 2016-03-31")
    told = traced(plan, "ret_on_roll", "sc/2015_autumn_pupilonroll.csv", 0)
    file = "sc/2015_autumn_termlysessiondetails.csv"
    where = f"ret_on_roll_sessions 'sessions' ({file} data row 0: 4; {file} data row 1: 6)"
    assert f"  sessions_unauthorised = 10.0  <-  blank here, summed from {where}" in told
    assert "data row 2: 7)" in told


def test_why_a_report_is_restricted_leads_to_the_cells_that_say_how_it_may_be_handled(
    tmp_path,
) -> None:
    plan = small_plan(tmp_path / "p", plan=PLAN + REPORTS)
    send(plan.folder, "reports/2015-16_Q4.csv", REPORT_HEAD + report(1, HELD))
    told = traced(plan, "reports", "reports/2015-16_Q4.csv", 0)
    cells = "column 'Code': C; column 'Sanitised': Y; column 'Consent': sought"
    why = "its handling code sets conditions"
    assert f"  restricted_because = {why}  <-  {cells}" in told
    assert "  handling = conditions  <-  column 'Code': C" in told


def test_a_trace_reads_no_table_whole(plan, monkeypatch) -> None:
    def whole(*_: object) -> None:
        raise AssertionError("a table was read whole")

    monkeypatch.setattr(store, "read_table", whole)
    assert trace_row(plan, "tracker", "tracker/2015-16_Q4.csv", 0)
