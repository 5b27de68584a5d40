"""What leaves the desk is counted without restricted information reports, whatever they say."""

from pathlib import Path

import polars as pl
import pytest

from assets.editions import COUNTED, NEEDS, RECIPES, REPORTS_HELD, counted_for_editions
from assets.profile import profile_recipes
from profile_pipeline import tables
from profile_pipeline.analysis.counting import quarters_counted
from profile_pipeline.analysis.gap_numbers import numbered_alike
from profile_pipeline.analysis.holding import ASKED, INDICATOR
from profile_pipeline.analysis.holding import HELD as ALL_HELD
from profile_pipeline.intake.collect import collect_dataset
from profile_pipeline.intake.records import indicator_events_of, measure_of, subjects_of
from profile_pipeline.plan.load import Plan
from profile_pipeline.sharing.disclosure import safe_tables
from tests.unit.small_plan import PLAN, send, small_plan

REPORTS = """\
  - id: reports
    agency: police
    title: Information reports
    what: Reports.
    why: They hold what no case file holds.
    how: Quarterly
    lawful_basis: Crime and Disorder Act 1998 s.115
    keep_for: 6 years
    delivery: {every: quarter, due: 14 days, files: "reports/{quarter}.csv"}
    dated_by: {column: Day, format: "%d/%m/%Y"}
    reference: Ref
    subjects:
      - role: child
        required: false
        forename: Child
        surname: Family
        date_of_birth: DOB
        sex: Sex
      - {role: suspect, required: false, forename: Person, surname: Other, sex: Their sex}
    events:
      - indicator: named_in_information_report
      - measure: information_report
        fields:
          reliability: Reliability
          accuracy: Accuracy
          handling_code: Code
          sanitised: Sanitised
          consent: Consent
          premises_name: Premises
"""
HEAD = (
    "Ref,Day,Child,Family,DOB,Sex,Person,Other,Their sex,Reliability,Accuracy,Code,Sanitised,"
    "Consent,Premises\n"
)
MAY = "4,2,P,Y,sought,The Crown\n"
HELD = "4,2,C,Y,sought,The Crown\n"
MISSING_HEAD = "Ref,Date,Name,DOB,Sex,Ethnicity,Postcode,NHS No,Nominal,Category\n"
PROCESS = {"data_quality", "information_reports"}


def report(number: int, rest: str) -> str:
    """Return a report of an invented child and suspect."""
    letter = chr(65 + number)
    return (
        f"I{number},{number % 28 + 1:02d}/02/2016,Ann{letter},Lee{letter},"
        f"2001-03-{number % 28 + 1:02d},F,Bo{letter},Ray{letter},M,{rest}"
    )


def frames_of(folder: Path, reports: list[str]) -> tuple[dict[str, pl.DataFrame], Plan]:
    """Return the exact tables that the editions are made from; names alone say who is who."""
    plan = small_plan(folder, plan=PLAN + REPORTS)
    send(folder, "reports/2015-16_Q4.csv", HEAD + "".join(reports))
    missing = [
        f'M{n},03/01/2016,"LEE{c}, Ann{c}",{n + 1:02d}/03/2001,F,,,,N{n},Missing\n'
        for n, c in enumerate("ABCDEF")
    ]
    send(folder, "missing/2015-16_Q4.csv", MISSING_HEAD + "".join(missing))
    rows = {each.id: collect_dataset(plan, each).harmonised.rows for each in plan.datasets}
    contracts = {f"{t.schema}.{t.name}": t for t in tables.ALL}
    frames = {name: tables.empty(contracts[name]) for name in NEEDS}
    subject = subjects_of(rows)
    who = pl.concat_str("role", pl.col("forename").str.to_lowercase(), separator="-")
    frames |= {
        "records.subject": subject,
        "records.indicator_event": indicator_events_of(rows),
        "people.record_person": tables.conform(
            subject.with_columns(person_id=who), tables.RECORD_PERSON
        ),
        "records.information_report": measure_of(rows, "information_report"),
        "records.missing_episode": measure_of(rows, "missing_episode"),
    }
    # Every file came: what is not counted is nought, not unknown.
    asked = pl.concat(
        [
            pl.DataFrame(ASKED, schema=["kind", "name"], orient="row"),
            pl.DataFrame({"name": [i.id for i in plan.indicators]}).select(
                pl.lit(INDICATOR).alias("kind"), "name"
            ),
        ]
    )
    frames["quality.holding"] = tables.conform(
        asked.join(
            pl.DataFrame({"quarter": quarters_counted(plan.settings)}), how="cross"
        ).with_columns(state=pl.lit(ALL_HELD), datasets=pl.lit("reports")),
        tables.HOLDING,
    )
    known = {recipe.name: recipe for recipe in profile_recipes()}
    made = {**RECIPES, "profile.information_reports": known["profile.information_reports"]}
    for name, recipe in made.items():
        frames[name] = tables.conform(recipe.make(frames, plan), recipe.table)
    return frames, plan


def printed(frames: dict[str, pl.DataFrame], plan: Plan) -> dict[str, list[tuple[str, ...]]]:
    """Return every row that the sub-group's edition prints, by table; those of process apart."""
    counted = counted_for_editions(frames, plan)
    safe = safe_tables(counted, plan.settings.editions.sub_group)
    return {name: frame.rows() for name, frame in safe.items() if name not in PROCESS}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory):
    """Twelve reports that may be counted; the same and nine that may not, of others."""
    place = tmp_path_factory.mktemp("editions")
    may = [report(n, MAY) for n in range(12)]
    held = [report(n, HELD) for n in range(4, 16)]
    return frames_of(place / "without", may), frames_of(place / "with", may + held)


def test_a_restricted_report_changes_no_printed_cell_of_child_suspect_place_or_indicator(
    both,
) -> None:
    (without, plan), (with_them, _) = both
    told, same = printed(without, plan), printed(with_them, plan)
    assert told.keys() == same.keys()
    assert [name for name in told if told[name] != same[name]] == []
    suspects = counted_for_editions(with_them, plan)["suspect_profile"]
    last = suspects.filter(quarter="2015-16 Q4", category="all")["suspects"]
    assert set(last) == {12}


def test_the_exact_tables_count_them_all(both) -> None:
    _, (with_them, _) = both
    exact = with_them["profile.suspect_profile"].filter(quarter="2015-16 Q4", category="all")
    assert set(exact["suspects"]) == {16}
    named = with_them["profile.indicator_prevalence"].filter(
        indicator="named_in_information_report"
    )
    assert named["children"].to_list() == [16]


def test_how_many_are_left_out_and_why_is_told(both) -> None:
    _, (with_them, plan) = both
    told = counted_for_editions(with_them, plan)["information_reports"]
    left_out = told.filter(pl.col("category").str.starts_with("left out"))
    assert left_out.select("category", "reports").rows() == [
        ("left out: its handling code sets conditions", 12)
    ]


def test_where_every_report_is_restricted_it_is_said_and_not_read_as_a_source_that_is_lacking(
    tmp_path,
) -> None:
    frames, plan = frames_of(tmp_path / "p", [report(n, HELD) for n in range(9)])
    counted = counted_for_editions(frames, plan)
    row = counted["indicator_prevalence"].filter(indicator="named_in_information_report")
    assert row.select("children", "sources").row(0) == (None, REPORTS_HELD)
    silent = counted["intelligence_gaps"].filter(
        pl.col("finding").str.contains("evidences the indicator: Named in an information report")
    )
    assert silent.is_empty()


def test_ungraded_reports_are_a_gap_restricted_or_not(tmp_path) -> None:
    bare = [report(n, "don't know,don't know,,,,\n") for n in range(9)]
    frames, plan = frames_of(tmp_path / "p", bare)
    found = counted_for_editions(frames, plan)["intelligence_gaps"]["finding"]
    assert found.str.contains("graded neither for reliability nor for accuracy").any()


def test_a_gap_has_one_number_for_the_analyst_and_in_print() -> None:
    columns = {name: f"{name} words" for name in ("theme", "agency", "evidence", "question")}

    def gaps(*findings: str) -> pl.DataFrame:
        return pl.DataFrame(
            [
                {"gap": f"G{n:03d}", "finding": finding, **columns}
                for n, finding in enumerate(findings, start=1)
            ]
        )

    edition = gaps("{n:4} reports", "twice {n:1}", "twice {n:1}", "only printed")
    exact = gaps("restricted {n:7}", "twice {n:3}", "twice {n:9}", "{n:9} reports")
    got = numbered_alike(exact, edition)
    assert got.select("gap", "finding").rows() == [
        ("G001", "{n:9} reports"),
        ("G002", "twice {n:3}"),
        ("G003", "twice {n:9}"),
        ("G005", "restricted {n:7}"),
    ]


def test_every_table_that_an_edition_prints_has_a_place_here() -> None:
    assert set(COUNTED) == set(tables.EDITION) == {*tables.PROFILE, *tables.WORDING}
