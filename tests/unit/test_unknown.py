"""What nobody supplied is not known: never a nought in a table, a gap, a finding or the report."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from profile_pipeline import tables
from profile_pipeline.analysis import actions, findings, gaps, unknown
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.holding import holding, quarters_held
from profile_pipeline.plan.names import supplies
from profile_pipeline.plan.settings import Edition
from profile_pipeline.sharing.disclosure import safe_tables, solvable_cells
from profile_pipeline.sharing.tables_out import table_files
from reports import figures, sections
from reports.context import ReportContext
from tests.unit.profile_fixture import QUARTERS, profile_tables, settings
from tests.unit.small_plan import PLAN, small_plan

Q1, Q2, Q3, Q4 = (f"2015-16 Q{n}" for n in (1, 2, 3, 4))
EDITION = Edition(suppress_up_to=4)
RECORDS = {
    f"records.{table.name}": tables.empty(table)
    for table in (tables.PERSON_RECORD, tables.INDICATOR_EVENT, *tables.MEASURES.values())
}


def frame(table: tables.Table, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    full = [dict.fromkeys(table.polars_schema) | dict(row) for row in rows]
    return pl.DataFrame(full, schema=table.polars_schema)


def used(dataset: str, *quarters: str, fate: str = "harmonised") -> pl.DataFrame:
    """Return the fates of one row a file, of the quarters."""
    return frame(
        tables.FATE,
        [
            {"dataset": dataset, "file": f"{dataset}/{q}", "row": 0, "quarter": q, "fate": fate}
            for q in quarters
        ],
    )


def states(
    tmp_path: Path,
    fate: pl.DataFrame,
    *,
    plan: str = PLAN,
    lacks: Sequence[tuple[str, str, str]] = (),
    missing: Sequence[tuple[str, str]] = (),
    records: Mapping[str, pl.DataFrame] | None = None,
) -> pl.DataFrame:
    made = small_plan(tmp_path, plan=plan)
    columns = [
        {"dataset": d, "file": f"{d}/{q}", "quarter": q, "column": c, "used_for": "it"}
        for d, q, c in lacks
    ]
    deliveries = [
        {"dataset": d, "agency": "a", "quarter": q, "status": "missing"} for d, q in missing
    ]
    return holding(
        supplies(made),
        [indicator.id for indicator in made.indicators],
        fate,
        frame(tables.MISSING_COLUMN, columns),
        frame(tables.DELIVERY, deliveries),
        RECORDS | dict(records or {}),
        made.settings,
    )


def by_quarter(held: pl.DataFrame, name: str) -> list[str]:
    return held.filter(pl.col("name") == name).sort("quarter")["state"].to_list()


def test_what_no_dataset_supplies_is_not_supplied(tmp_path: Path) -> None:
    held = states(tmp_path, used("missing", Q1, Q2, Q3, Q4))
    for name in ("offence", "disruption", "suspect", "missing_episode.interview_at"):
        assert by_quarter(held, name) == ["not supplied"] * 4, name
    assert by_quarter(held, "missing_episode") == ["held"] * 4


def test_a_quarter_without_a_usable_row_is_not_received(tmp_path: Path) -> None:
    fate = pl.concat([used("missing", Q1, Q4), used("missing", Q2, fate="quarantined")])
    held = states(tmp_path, fate, missing=[("missing", Q3)])
    assert by_quarter(held, "missing_episode") == ["held", "not received", "not received", "held"]


def test_a_file_without_the_column_tells_nothing_of_it(tmp_path: Path) -> None:
    fate = used("school", Q4)
    held = states(tmp_path, fate, lacks=[("school", Q4, "Excluded")])
    assert by_quarter(held, "excluded_from_school") == ["not received"] * 4
    assert by_quarter(held, "unauthorised_absence")[-1] == "held"


@pytest.mark.parametrize(
    ("every", "told"), [("year", ["held"] * 4), ("once", ["held"] * 4), ("quarter", [Q4])]
)
def test_a_file_tells_of_its_own_span(tmp_path: Path, every: str, told: list[str]) -> None:
    name = {"year": "missing/{year}.csv", "once": "missing.csv"}.get(every, "missing/{quarter}.csv")
    plan = PLAN.replace(
        '{every: quarter, due: 14 days, files: "missing/{quarter}.csv"}',
        f'{{every: {every}, files: "{name}"}}',
    )
    held = states(tmp_path, used("missing", Q4), plan=plan)
    if every == "quarter":
        assert quarters_held(held, "measure", "missing_episode") == set(told)
    else:
        assert by_quarter(held, "missing_episode") == told


def test_a_few_rows_that_came_late_are_no_count_of_a_missed_quarter(tmp_path: Path) -> None:
    late = frame(
        tables.MEASURES["missing_episode"],
        [{"dataset": "missing", "file": f"missing/{Q4}", "row": 0, "quarter": Q3,
          "date": date(2015, 12, 1)}],
    )  # fmt: skip
    held = states(
        tmp_path,
        used("missing", Q1, Q2, Q4),
        missing=[("missing", Q3)],
        records={"records.missing_episode": late},
    )
    assert by_quarter(held, "missing_episode") == ["held", "held", "not received", "held"]


# --- tables ---------------------------------------------------------------------------------------


def nothing_but(*names: str, quarters: Sequence[str] = QUARTERS) -> pl.DataFrame:
    """Return what is held where only these kinds and names are, in these quarters."""
    every = [
        *(("measure", name) for name in ("cse_tracker", "offence", "missing_episode", "disruption",
          "information_report")),
        *(("field", name) for name in ("cse_tracker.screening_date", "missing_episode.returned_at",
          "missing_episode.interview_at")),
        ("role", "suspect"),
        ("dataset", "police_missing"),
        *(("indicator", name) for name in profile_tables()["indicator_prevalence"]["indicator"]),
    ]  # fmt: skip
    rows = [
        {
            "kind": kind,
            "name": name,
            "quarter": quarter,
            "state": "not supplied"
            if name not in names and "everything" not in names
            else "held"
            if quarter in quarters
            else "not received",
            "datasets": "",
        }
        for kind, name in every
        for quarter in QUARTERS
    ]
    return pl.DataFrame(rows, schema=tables.HOLDING.polars_schema)


def blanked(held: pl.DataFrame) -> dict[str, pl.DataFrame]:
    exact = profile_tables(text="plain")
    groups = exact["screening_coverage"]["group"].to_list()
    plan = settings(
        screening_groups=[{"group": name, "datasets": ["police_missing"]} for name in groups]
    )
    return {
        name: tables.conform(unknown.TABLES[name](frame, held, plan), tables.PROFILE[name])
        if name in unknown.TABLES
        else frame
        for name, frame in exact.items()
    }


COUNTS = {
    "cohort_by_quarter": ["children", "opened", "closed", "carried_over"],
    "victim_profile": ["children"],
    "suspect_profile": ["suspects"],
    "location_profile": ["events"],
    "indicator_prevalence": ["children", "events", "repeat_children"],
    "indicator_overlap": ["children"],
    "overlap_distribution": ["children", "known_to_cse", "at_risk_now"],
    "representation": ["known", "at_risk"],
    "screening_coverage": ["children", "screened"],
    "return_interviews": ["episodes", "due", "within_72_hours", "late", "none"],
    "disruption_outcomes": ["count"],
    "prevalence_estimate": ["observed"],
}


@pytest.mark.parametrize("table", COUNTS)
def test_no_figure_is_told_of_what_is_not_held(table: str) -> None:
    made = blanked(nothing_but())[table]
    assert made.height == profile_tables()[table].height  # the rows stay
    for column in COUNTS[table]:
        assert made[column].null_count() == made.height, column


@pytest.mark.parametrize("table", COUNTS)
def test_what_is_held_is_told_as_it_was(table: str) -> None:
    exact = profile_tables(text="plain")[table]
    made = blanked(nothing_but("everything"))[table]
    for column in COUNTS[table]:
        first = pl.col("quarter") == QUARTERS[0] if column == "closed" else pl.lit(False)
        assert made.filter(~first)[column].to_list() == exact.filter(~first)[column].to_list()


def test_who_closed_is_not_told_without_the_quarter_before() -> None:
    made = blanked(nothing_but("everything"))["cohort_by_quarter"]
    assert made.filter(pl.col("closed").is_null())["quarter"].unique().to_list() == [QUARTERS[0]]


def test_a_missed_quarter_is_unknown_and_the_others_stand() -> None:
    held = nothing_but("everything", quarters=[q for q in QUARTERS if q != Q3])
    made = blanked(held)
    for table in ("suspect_profile", "return_interviews", "disruption_outcomes"):
        column = COUNTS[table][0]
        told = made[table].group_by("quarter").agg(known=pl.col(column).is_not_null().all())
        assert told.filter(~pl.col("known"))["quarter"].to_list() == [Q3], table


def test_interviews_nobody_records_are_unknown_and_not_none_recorded() -> None:
    held = nothing_but("missing_episode", "missing_episode.returned_at")
    made = blanked(held)["return_interviews"]
    assert made["due"].null_count() == 0
    assert made.select("within_72_hours", "late", "none").null_count().row(0) == (8, 8, 8)


def test_a_child_is_not_unknown_to_a_team_whose_tracker_is_not_held() -> None:
    child = frame(
        tables.PERSON_OVERLAP,
        [{"person_id": "c", "indicators": 3, "combination": "a", "agencies": 1,
          "repeat_indicators": 0, "known_to_cse": False, "at_risk_now": False,
          "status": "indicators_only"}],
    )  # fmt: skip
    made = unknown.person_overlap(child, nothing_but(), settings())
    told = made.select("known_to_cse", "at_risk_now", "status").row(0)
    assert told == (None, None, None)


# --- editions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [(), ("cse_tracker",), ("missing_episode",), ("everything",)])
def test_unknown_figures_print_as_x_and_leave_no_small_count_open(names: tuple[str, ...]) -> None:
    exact = blanked(nothing_but(*names))
    safe = safe_tables(exact, EDITION)
    assert solvable_cells(exact, safe, EDITION) == []
    for table, columns in COUNTS.items():
        nulls = exact[table].select(pl.col(columns[0]).is_null())[columns[0]].to_list()
        if safe[table].height == len(nulls):  # a ladder may have widened categories
            printed = safe[table][columns[0]].to_list()
            assert [text == tables.NOT_HELD for text in printed] == nulls, table
    csv = table_files(safe, EDITION)["disruption_outcomes.csv"].decode()
    assert ("[x]" in csv) == (names != ("everything",))


def test_the_exact_edition_prints_them_too() -> None:
    safe = safe_tables({"cohort_by_quarter": blanked(nothing_but())["cohort_by_quarter"]}, None)
    assert set(safe["cohort_by_quarter"]["children"]) == {"[x]"}


# --- texts ----------------------------------------------------------------------------------------


def evidence(held: pl.DataFrame) -> Evidence:
    exact = blanked(held)
    drawn = ("intelligence_gaps", "action_plan")
    given = {f"profile.{name}": f for name, f in exact.items() if name not in drawn}
    return Evidence(
        {**given, "quality.holding": held},
        settings(),
        pl.DataFrame({"dataset": ["police_missing"], "agency": ["Police"], "title": ["Missing"]}),
        pl.DataFrame(
            schema={"indicator": pl.String, "label": pl.String, "counts_in_overlap": pl.Boolean,
                    "kind": pl.String}
        ),
    )  # fmt: skip


def test_without_a_tracker_nothing_is_drawn_from_it_and_its_absence_is_a_gap() -> None:
    without = evidence(nothing_but("missing_episode", "missing_episode.returned_at"))
    texts = [
        *findings.key_findings(without)["finding"],
        *actions.action_plan(without)["action"],
        *actions.action_plan(without)["current_position"],
        *gaps.intelligence_gaps(without)["finding"],
    ]
    drawn = ("ever screened", "screened least", "Screen routinely", "never been", "never listed",
             "open and at risk on", "were open", "under-identified")  # fmt: skip
    assert [text for text in texts if any(words in text for words in drawn)] == []
    found = gaps.not_held_at_all(without)
    tracker = found.filter(pl.col("finding").str.contains("tracker")).row(0, named=True)
    assert "statutory" in tracker["agency"]
    assert tracker["question"].endswith("?")
    assert any(
        "the CSE team's tracker" in text for text in findings.key_findings(without)["finding"]
    )


def test_with_everything_held_no_absence_is_a_gap() -> None:
    assert gaps.not_held_at_all(evidence(nothing_but("everything"))).is_empty()


def test_a_total_of_the_year_names_the_quarters_it_lacks() -> None:
    held = nothing_but("everything", quarters=[q for q in QUARTERS if q != Q3])
    row = gaps.interviews_of_the_year(evidence(held)).row(0, named=True)
    assert row["quarters"] == 3
    assert "3 of the last four quarters" in row["window"]
    assert Q3 not in row["all_due"]


# --- the report -----------------------------------------------------------------------------------


def context(held: pl.DataFrame) -> ReportContext:
    return ReportContext(
        settings=settings(),
        tables=safe_tables(blanked(held), EDITION),
        deliveries=tables.empty(tables.DELIVERY),
        edition="sub-group",
        disclosure="",
        holding=held,
    )


PARTS = {
    "cohort": sections.cohort,
    "victims": lambda c: sections.by_dimension(c, "victim_profile", "children"),
    "suspects": lambda c: sections.by_dimension(c, "suspect_profile", "suspects"),
    "locations": lambda c: sections.by_dimension(c, "location_profile", "events"),
    "interviews": sections.interviews,
    "disruption": sections.disruption,
    "hotspots": sections.hotspots,
}


@pytest.mark.parametrize("part", PARTS)
def test_the_report_says_not_held_in_place_of_figures(part: str) -> None:
    said = PARTS[part](context(nothing_but()))
    assert "Not held" in said
    assert "|" not in said  # no table of noughts
    assert "no dataset supplies it" in said


def test_a_missed_quarter_is_said_to_be_missed() -> None:
    held = nothing_but("everything", quarters=[q for q in QUARTERS if q != Q3])
    said = PARTS["disruption"](context(held))
    assert "not held" in said
    assert "No usable row was received for 2015\\-16 Q3" in said


def test_one_note_stands_above_the_tables_of_a_section() -> None:
    held = nothing_but("everything", quarters=[q for q in QUARTERS if q != Q3])
    assert PARTS["suspects"](context(held)).count("No usable row was received") == 1


def test_a_year_that_is_not_held_is_not_said_to_have_none() -> None:
    """Children were open, whether they were missing isn't known: neither 'yes' nor 'none'."""
    rows = [
        {"quarter": q, "dimension": "missing_in_year", "category": c, "children": n,
         "percent": None, "not_recorded_percent": None}
        for q in QUARTERS
        for c, n in (("yes", None), ("no", None), ("not recorded", None), ("all", 30))
    ]  # fmt: skip
    exact = frame(tables.PROFILE["victim_profile"], rows)
    made = ReportContext(
        settings=settings(),
        tables=safe_tables({"victim_profile": exact}, EDITION),
        deliveries=tables.empty(tables.DELIVERY),
        edition="sub-group",
        disclosure="",
    )
    said = PARTS["victims"](made)
    assert "None in" not in said
    assert "not held" in said


def test_the_chart_draws_what_is_withheld_and_names_what_is_not_held() -> None:
    """A bar that is left out, or lacks a withheld level, would read as nought."""
    printed = {Q1: ("[c]", "[c]", "12"), Q2: ("30", "[c]", "36"), Q3: ("[x]", "[x]", "[x]")}
    rows = [
        (q, level, text)
        for q, texts in printed.items()
        for level, text in zip(("at_risk", "serious", "all"), texts, strict=True)
    ]
    made = pl.DataFrame(rows, schema=["quarter", "risk_level", "children"], orient="row")
    chart = figures.draw({"cohort_by_quarter": made}, {})["cohort"]
    bars, words = (chart.spec["datasets"][layer["data"]["name"]] for layer in chart.spec["layer"])
    drawn = {q: sum(row["count"] for row in bars if row["quarter"] == q) for q in printed}
    assert drawn == {Q1: 12, Q2: 36, Q3: 0}
    assert [(row["quarter"], row["said"]) for row in words] == [(Q3, "not held")]
    assert "2015-16 Q3 not held" in chart.alt


def test_never_in_the_tracker_says_of_how_much_of_it() -> None:
    held = nothing_but("everything", quarters=[q for q in QUARTERS if q != Q3])
    found = findings.unlisted_children(evidence(held))["finding"].item()
    assert "of which 7 of 8 quarters are held" in found
    whole = findings.unlisted_children(evidence(nothing_but("everything")))["finding"].item()
    assert "of which" not in whole


def test_children_of_a_year_that_is_not_held_are_not_recorded() -> None:
    """The four quarters to 2014-15 Q1 lie before the period: neither 'yes' nor 'no' can be told."""
    rows = [
        {"quarter": QUARTERS[0], "dimension": "missing_in_year", "category": c, "children": n}
        for c, n in (("yes", 0), ("no", 0), ("not recorded", 36), ("all", 36))
    ]
    table = frame(tables.PROFILE["victim_profile"], rows)
    made = unknown.victim_profile(table, nothing_but("everything"), settings())
    assert made["children"].to_list() == [None, None, 36, 36]
