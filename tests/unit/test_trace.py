"""`trace`: a row leads to what became of it and why, and its values to the cells behind them."""

import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

sys.path.append(str(Path(__file__).parent))

from small_plan import PLAN, send, small_plan

from profile_pipeline import store, tables
from profile_pipeline.cli import app
from profile_pipeline.errors import PlanError
from profile_pipeline.intake.collect import collect_dataset
from profile_pipeline.intake.lineage import lineage
from profile_pipeline.intake.records import indicator_events_of, measure_of, subjects_of
from profile_pipeline.plan.load import Plan
from profile_pipeline.trace import trace_row

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
