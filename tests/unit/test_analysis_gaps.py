"""Gaps, actions and findings: each rule finds its gap, and none where there is none."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from profile_pipeline import marks, tables
from profile_pipeline.analysis import gaps
from profile_pipeline.analysis.actions import action_plan
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.findings import key_findings
from profile_pipeline.analysis.representation import NO_DIFFERENCE, UNDER
from profile_pipeline.plan.settings import (
    Area,
    Period,
    ProfileSettings,
    ScreeningGroup,
    TermsOfReference,
)

Q3, Q4 = "2015-16 Q3", "2015-16 Q4"
DATASETS = pl.DataFrame(
    {
        "dataset": ["missing", "camhs", "housing"],
        "agency": ["Police", "Mental health service", "Housing"],
        "title": ["missing episodes", "mental health contacts", "youth homelessness"],
    }
)
INDICATORS = pl.DataFrame(
    {
        "indicator": ["missing", "gifts"],
        "label": ["missing from home or care", "unexplained gifts"],
        "counts_in_overlap": [True, True],
        "kind": ["sign", "sign"],
    }
)
Rows = Sequence[Mapping[str, Any]]


def plan(**changes: Any) -> ProfileSettings:
    values: dict[str, Any] = {
        "title": "t",
        "terms_of_reference": TermsOfReference(
            aim="a",
            objectives=("o",),
            methodology="m",
            time_frames="t",
            required_outputs=("r",),
            resources="r",
        ),
        "area": Area(name="Anyborough", responsible_authority="Anyborough"),
        "period": Period(start=date(2014, 4, 1), end=date(2016, 3, 31)),
        "as_at": date(2016, 3, 31),
        "screening_groups": (ScreeningGroup(group="Homeless", datasets=("housing",)),),
    }
    return ProfileSettings(**(values | changes))


def frame(table: tables.Table, rows: Rows) -> pl.DataFrame:
    filled = [
        dict.fromkeys(table.polars_schema) | {"file": "f.csv", "row": number} | dict(row)
        for number, row in enumerate(rows)
    ]
    wanted = [{name: row[name] for name in table.polars_schema} for row in filled]
    return tables.conform(pl.DataFrame(wanted, schema=table.polars_schema), table)


def evidence(*given: tuple[tables.Table, Rows], **settings: Any) -> Evidence:
    held = {f"{table.schema}.{table.name}": frame(table, rows) for table, rows in given}
    return Evidence(held, plan(**settings), DATASETS, INDICATORS)


def delivered(dataset: str, quarter: str, status: str) -> dict[str, Any]:
    return {"dataset": dataset, "agency": "x", "quarter": quarter, "status": status}


def report(reliability: str | None, accuracy: str | None) -> dict[str, Any]:
    return {
        "dataset": "missing",
        "quarter": Q4,
        "date": date(2016, 1, 1),
        "reliability": reliability,
        "accuracy": accuracy,
    }


def subject(**values: Any) -> dict[str, Any]:
    usual = {"dataset": "missing", "role": "child", "record_id": "r", "quarter": Q4}
    return usual | {"date": date(2016, 1, 1)} | values


def test_a_file_without_a_row_is_a_gap_and_not_a_quiet_quarter() -> None:
    rows = [
        {**delivered("missing", quarter, "loaded"), "file": f"{quarter}.csv", "rows": number}
        for quarter, number in ((Q4, 0), ("2015-16 Q3", 8))
    ]
    (found,) = gaps.empty_files(evidence((tables.DELIVERY, rows)))["finding"]
    assert Q4 in found


@pytest.mark.parametrize(("hashes", "found"), [(("a", "a"), 1), (("a", "b"), 0)])
def test_one_file_sent_for_two_quarters_is_a_gap(hashes: tuple[str, str], found: int) -> None:
    rows = [
        {
            **delivered("missing", quarter, "loaded"),
            "file": f"{quarter}.csv", "rows": 8, "sha256": sha256,
        }
        for quarter, sha256 in zip((Q4, "2015-16 Q3"), hashes, strict=True)
    ]  # fmt: skip
    assert gaps.repeated_files(evidence((tables.DELIVERY, rows))).height == found


def test_a_dataset_that_never_came_is_a_gap_and_one_that_came_is_not() -> None:
    got = gaps.never_delivered(
        evidence(
            (
                tables.DELIVERY,
                [
                    delivered("camhs", Q3, "missing"),
                    delivered("camhs", Q4, "missing"),
                    delivered("missing", Q3, "missing"),
                    delivered("missing", Q4, "loaded"),
                ],
            )
        )
    )
    assert got["agency"].to_list() == ["Mental health service"]
    assert "2 quarters" in got["evidence"].item()


def test_missed_quarters_are_named_together() -> None:
    rows = [
        delivered("housing", Q3, "missing"),
        delivered("housing", "2015-16 Q2", "missing"),
        delivered("housing", Q4, "loaded"),
        delivered("camhs", Q4, "missing"),
    ]
    got = gaps.missed_quarters(evidence((tables.DELIVERY, rows)))
    assert got["finding"].to_list() == ["youth homelessness is missing for 2015-16 Q2, 2015-16 Q3."]


def test_an_unreadable_file_is_a_gap_with_its_problem() -> None:
    rows = [delivered("housing", Q4, "unreadable") | {"problem": "not a CSV file"}]
    got = gaps.unusable_files(evidence((tables.DELIVERY, rows)))
    assert "not a CSV file" in got["evidence"].item()


def test_a_problem_that_names_its_file_is_not_said_with_the_file_twice() -> None:
    told = {"file": "h/q4.csv", "problem": "h/q4.csv: row 3 has too many cells."}
    rows = [delivered("housing", Q4, "unusable") | told]
    got = gaps.unusable_files(evidence((tables.DELIVERY, rows)))
    assert got["evidence"].item().startswith("h/q4.csv: row 3 has too many cells.")


def test_questions_name_a_dataset_as_the_plan_titles_it_and_not_by_its_id() -> None:
    file = {"file": "c.csv", "rows": 0}
    held = evidence(
        (
            tables.DELIVERY,
            [
                delivered("camhs", Q3, "missing"),
                delivered("camhs", Q4, "loaded") | file,
                delivered("camhs", "2015-16 Q2", "unusable") | file,
                delivered("housing", Q4, "missing"),
            ],
        ),
        (
            tables.MISSING_COLUMN,
            [{"dataset": "camhs", "quarter": Q4, "column": "DOB", "used_for": "age"}],
        ),
        (tables.EXPECTATION, [unmet("rows differ")]),
    )
    quoted = {
        found
        for row in gaps.intelligence_gaps(held).select("finding", "evidence", "question").rows()
        for text in row
        for found in re.findall(r"'([^']*)'", text)
    }
    assert {"mental health contacts", "youth homelessness"} <= quoted
    assert not quoted & {"camhs", "housing"}


def test_two_datasets_of_one_title_are_two_gaps() -> None:
    names = pl.DataFrame({"dataset": ["a", "b"], "agency": ["X", "X"], "title": ["Visits"] * 2})
    given = evidence((tables.DELIVERY, [delivered(dataset, Q4, "missing") for dataset in "ab"]))
    held = Evidence(given.tables, given.settings, names, INDICATORS)
    found = gaps.intelligence_gaps(held).filter(pl.col("agency") == "X")["finding"].to_list()
    assert found == [f"Nothing has ever been received of: Visits ({id_})." for id_ in "ab"]


def unmet(description: str) -> dict[str, Any]:
    counts = {"checked": 10, "failed": 4, "passed": False}
    rule = {"dataset": "camhs", "rule": "r", "level": "dataset", "severity": "warning"}
    return rule | counts | {"description": description}


@pytest.mark.parametrize(
    ("description", "told"),
    [
        (
            "ethnicity_code is given in at least 80% of rows (to be asked for)",
            "ethnic group is given in at least 80% of rows (to be asked for).",
        ),
        ("DOB_child is given in at least 80% of rows", "DOB_child is given in at least"),
    ],
)
def test_an_expectation_names_our_fields_in_words_and_columns_as_sent(
    description: str, told: str
) -> None:
    got = gaps.intelligence_gaps(evidence((tables.EXPECTATION, [unmet(description)])))
    found = got.filter(pl.col("agency") == "Mental health service")["finding"].item()
    assert found.startswith(f"mental health contacts does not meet: {told}")


def test_a_missing_column_says_what_cant_be_told() -> None:
    row = {"dataset": "housing", "quarter": Q4, "column": "DOB", "used_for": "age and identity"}
    got = gaps.missing_columns(evidence((tables.MISSING_COLUMN, [row])))
    assert "'DOB' for 2015-16 Q4; without it can't be told: age and identity" in (
        got["finding"].item()
    )


@pytest.mark.parametrize(("end", "found"), [(date(2015, 2, 28), True), (date(2015, 3, 31), False)])
def test_a_period_of_eleven_months_is_too_short_and_twelve_are_not(end: date, found: bool) -> None:
    got = gaps.short_period(evidence(period=Period(start=date(2014, 4, 1), end=end)))
    assert (not got.is_empty()) is found


def test_indicators_without_a_source_are_gaps_by_their_label() -> None:
    counts = {"children": 0, "events": 0, "repeat_children": 0}
    rows = [
        {"indicator": "missing", "sources": "missing"} | counts,
        {"indicator": "gifts", "sources": "none"} | counts,
    ]
    got = gaps.silent_indicators(evidence((tables.PROFILE["indicator_prevalence"], rows)))
    assert got["finding"].to_list() == ["No dataset evidences the indicator: unexplained gifts."]


@pytest.mark.parametrize(("unknown", "found"), [(2, []), (3, ["{pct:3/10}"]), (10, [])])
def test_not_recorded_is_a_gap_above_the_limit_unless_never_asked(
    unknown: int, found: list[str]
) -> None:
    rows = [
        subject(ethnicity_code=None if number < unknown else "WBRI", sex="female")
        for number in range(10)
    ]
    got = gaps.not_recorded_fields(evidence((tables.PERSON_RECORD, rows)))
    assert [re.findall(r"\{pct:[^}]*\}", text)[0] for text in got["finding"]] == found


def test_unknown_values_are_counted_and_never_quoted() -> None:
    row = {
        "dataset": "missing",
        "column": "ETH",
        "codes": "ethnicity",
        "value": "Zanzibari",
        "rows": 4,
    }
    got = gaps.unknown_values(evidence((tables.UNKNOWN_VALUE, [row])))
    assert "{n:4}" in got["evidence"].item()
    assert "Zanzibari" not in " ".join(got.row(0))


def test_dont_know_is_no_grade() -> None:
    reports = [
        report(None, None),
        report("dont_know", None),
        report("dont_know", "2"),
        report("4", "2"),
    ]
    got = gaps.ungraded_reports(evidence((tables.MEASURES["information_report"], reports)))
    assert got["evidence"].item().startswith("{n:2} of {n:4} reports have neither grade, {n:1}")


def test_a_group_never_screened_is_high_and_one_at_the_limit_is_no_gap() -> None:
    rows = [
        {"group": "Homeless", "children": 109, "screened": 0, "percent": 0.0},
        {"group": "Missing", "children": 10, "screened": 5, "percent": 50.0},
        {"group": "Nobody", "children": 0, "screened": 0, "percent": None},
    ]
    got = gaps.unscreened_groups(evidence((tables.PROFILE["screening_coverage"], rows)))
    assert got.select("priority", "agency").rows() == [("high", "Housing")]


def test_return_interviews_of_the_last_four_quarters_alone_are_judged() -> None:
    good = {"episodes": 10, "due": 10, "within_72_hours": 10, "late": 0, "none": 0}
    bad = {"episodes": 10, "due": 10, "within_72_hours": 0, "late": 4, "none": 6}
    table = tables.PROFILE["return_interviews"]
    old = [{"quarter": "2014-15 Q4", **bad}, {"quarter": Q4, **good}]
    assert gaps.return_interviews_late(evidence((table, old))).is_empty()
    new = [{"quarter": "2014-15 Q4", **good}, {"quarter": Q4, **bad}]
    found = gaps.return_interviews_late(evidence((table, new))).row(0, named=True)
    quarter = [marks.Cell("return_interviews", (Q4,), column) for column in ("late", "none", "due")]
    late, none, due = (((1, cell),) for cell in quarter)
    assert marks.parsed(found["finding"].split(" of return")[0]) == marks.FigureShare(
        (*late, *none), due
    )


def test_sources_that_refer_few_are_gaps() -> None:
    held = evidence()
    sources = pl.DataFrame(
        {
            "referral_source": ["Council", "Health", "YOS", "not recorded", "all"],
            "children": [94, 2, 4, 0, 100],
            "percent": [94.0, 2.0, 4.0, None, 100.0],
        }
    )
    got = gaps.few_referrals(
        Evidence({"analysis.referral_source": sources}, held.settings, DATASETS, INDICATORS)
    )
    assert got.select("agency", "priority").rows() == [("Health", "high"), ("YOS", "low")]


def test_under_identified_groups_are_prompts_to_look() -> None:
    usual = {"dimension": "sex", "known": 8, "at_risk": 121}
    rows = [
        usual | {"category": "male", "finding": UNDER},
        usual | {"category": "female", "finding": NO_DIFFERENCE},
    ]
    got = gaps.hidden_groups(evidence((tables.PROFILE["representation"], rows)))
    assert len(got) == 1
    assert "sex: male" in got["finding"].item()
    assert "A prompt to look" in got["finding"].item()


def premises(reports: int, easting_m: float, *, restricted: bool = False) -> Evidence:
    hotspot = {
        "hotspot": "H2",
        "easting_m": 1000.0,
        "northing_m": 1000.0,
        "radius_m": 200.0,
        "events": 20,
        "children": 12,
        "events_last_year": 20,
        "expected": 2.0,
        "p_value": 0.001,
        "status": "new",
        "wards": "North",
        "cross_border": False,
    }
    place = {
        "kind": "licensed_premises",
        "place_id": "PL1",
        "name": "The Invented Arms",
        "easting_m": easting_m,
        "northing_m": 1000.0,
    }
    named = [
        {"dataset": "intel", "file": "a.csv", "row": row, "quarter": Q4, "premises_id": "PL1"}
        for row in range(reports)
    ]
    old = [{**each, "file": "b.csv", "quarter": "2014-15 Q4"} for each in named]
    told = [
        {**report("1", "1"), "dataset": "intel", "file": "a.csv", "row": row, "releasable": row > 0}
        for row in range(reports)
    ]
    return evidence(
        (tables.GEO_HOTSPOTS, [hotspot]),
        (tables.PLACE, [place]),
        (tables.PREMISES_REPORTS, [*named, *old]),
        (tables.MEASURES["information_report"], told if restricted else []),
    )


def test_a_cluster_of_reports_on_premises_in_a_hotspot_is_put_to_licensing_unnamed() -> None:
    got = gaps.premises_clusters(premises(5, 1100.0))
    assert got.select("agency", "priority").row(0) == ("Licensing authority", "high")
    assert "in hotspot H2 is named in {n:5}" in got["finding"].item()
    assert "Invented Arms" not in " ".join(got.row(0))


def test_a_number_that_rests_on_a_restricted_report_is_for_the_analyst_alone() -> None:
    got = gaps.premises_clusters(premises(5, 1100.0, restricted=True))
    assert "is named in {held:5} information reports" in got["finding"].item()


def test_premises_outside_hotspots_matter_less_and_few_reports_not_at_all() -> None:
    assert gaps.premises_clusters(premises(5, 1300.0))["priority"].item() == "medium"
    assert gaps.premises_clusters(premises(4, 1100.0)).is_empty()


def test_crimes_without_suspect_are_counted_once_a_crime() -> None:
    crime = {"dataset": "missing", "quarter": Q4, "date": date(2016, 1, 1)}
    held = evidence(
        (
            tables.MEASURES["offence"],
            [crime | {"reference": ref} for ref in ("C1", "C1", "C2", "C3")],
        ),
        (tables.PERSON_RECORD, [subject(role="suspect", row=0)]),
    )
    assert "{pct:2/3}" in gaps.crimes_without_suspect(held)["finding"].item()


def test_gaps_are_numbered_by_priority_whatever_the_order_of_rows() -> None:
    rows = [
        delivered("camhs", Q4, "missing"),
        delivered("housing", Q4, "loaded"),
        delivered("housing", Q3, "missing"),
    ]
    first = gaps.intelligence_gaps(evidence((tables.DELIVERY, rows)))
    again = gaps.intelligence_gaps(evidence((tables.DELIVERY, rows[::-1])))
    assert first.equals(again)
    assert first["gap"].to_list() == [f"G{number:03d}" for number in range(1, len(first) + 1)]
    order = first["priority"].replace_strict({"high": 0, "medium": 1, "low": 2})
    assert order.is_sorted()
    assert first["due"].unique().to_list() == [date(2016, 5, 30)]


def test_a_profile_with_nothing_in_it_has_stated_gaps_and_no_error() -> None:
    got = gaps.intelligence_gaps(evidence())
    assert {"suspects", "victims", "data quality"} <= set(got["theme"])
    assert action_plan(evidence()).is_empty()
    assert key_findings(evidence()).is_empty()


PLACEHOLDER = marks.MARK


@pytest.mark.parametrize("draw", [gaps.intelligence_gaps, action_plan, key_findings])
def test_counts_in_text_are_placeholders_and_well_formed(
    draw: Callable[[Evidence], pl.DataFrame],
) -> None:
    interviews = {"quarter": Q4, "episodes": 731, "due": 731, "within_72_hours": 97}
    levels = {"at_risk": 68, "significant": 11, "serious": 16, "all": 95}
    held = evidence(
        (tables.PROFILE["return_interviews"], [interviews | {"late": 433, "none": 201}]),
        (
            tables.PROFILE["overlap_distribution"],
            [{"indicators": 3, "children": 355, "known_to_cse": 160, "at_risk_now": 41}],
        ),
        (
            tables.PROFILE["cohort_by_quarter"],
            [
                {
                    "quarter": Q4,
                    "risk_level": level,
                    "children": children,
                    "opened": 0,
                    "closed": 0,
                    "carried_over": children,
                }
                for level, children in levels.items()
            ],
        ),
    )
    text = " ".join(str(value) for row in draw(held).iter_rows() for value in row)
    assert PLACEHOLDER.search(text)
    assert None not in [marks.parsed(mark) for mark in PLACEHOLDER.findall(text)]
    plain = PLACEHOLDER.sub("", text)
    assert not re.search(r"[{}]|\b(731|433|201|97|355|160|195|95|68)\b", plain)


@pytest.mark.parametrize(("p_holm", "rows"), [(0.003, 1), (0.05, 0)])
def test_offences_near_homes_are_a_finding_beyond_chance_alone(p_holm: float, rows: int) -> None:
    near = {"homes": 18, "events": 200, "events_near": 114, "expected": 22.3, "p_value": p_holm}
    other = {**near, "events_near": 129, "p_holm": 0.08, "radius_m": 1000.0}
    got = key_findings(
        evidence((tables.HOME_PROXIMITY, [{**near, "p_holm": p_holm, "radius_m": 500.0}, other]))
    )
    assert got.height == rows
    told = "{n:114} of {n:200} offences with a usable place lie within 500 m of a children's home"
    assert got.filter(pl.col("finding").str.starts_with(told)).height == rows


def test_findings_open_with_the_scale_and_are_numbered() -> None:
    rows = [
        {
            "quarter": Q4,
            "risk_level": level,
            "children": children,
            "opened": 0,
            "closed": 0,
            "carried_over": children,
        }
        for level, children in {"at_risk": 2, "significant": 0, "serious": 1, "all": 3}.items()
    ]
    got = key_findings(evidence((tables.PROFILE["cohort_by_quarter"], rows)))

    def cell(level: str) -> str:
        return "{cell:cohort_by_quarter|" + Q4 + "|" + level + "|children}"

    assert got.select("order", "finding", "table").row(0) == (
        1,
        f"{cell('all')} children were open and at risk of exploitation on 31 March 2016: "
        f"{cell('at_risk')} at risk, {cell('significant')} at significant risk, "
        f"{cell('serious')} at serious risk.",
        "cohort_by_quarter",
    )


@pytest.mark.parametrize(
    ("late", "rag"), [(20, "green"), (21, "amber"), (40, "amber"), (41, "red")]
)
def test_interviews_are_rated_by_the_limit_of_the_plan(late: int, rag: str) -> None:
    row = {
        "quarter": Q4,
        "episodes": 100,
        "due": 100,
        "within_72_hours": 100 - late,
        "late": late,
        "none": 0,
    }
    got = action_plan(evidence((tables.PROFILE["return_interviews"], [row])))
    assert got.select("rag", "strand").row(0) == (rag, "protect")
    assert got["target_date"].item() > date(2016, 3, 31)


def test_words_blame_no_child() -> None:
    """Words to avoid are those of the Children's Society's guide to language."""
    held = evidence(
        (tables.DELIVERY, [delivered("camhs", Q4, "missing")]),
        (tables.MEASURES["information_report"], [report(None, None)]),
    )
    text = " ".join(
        str(value).lower()
        for draw in (gaps.intelligence_gaps, action_plan, key_findings)
        for row in draw(held).iter_rows()
        for value in row
    )
    avoid = (
        "absconding",
        "promiscuous",
        "runaway",
        "boyfriend",
        "lifestyle",
        "known to",
        "refuse to",
        "putting themselves",
        "offender",
        "streetwise",
    )
    assert not [word for word in avoid if word in text]


def test_a_register_that_tells_of_the_area_in_part_is_a_gap_and_a_whole_one_is_none() -> None:
    given = {"kind": "population", "status": "loaded", "rows": 9, "rows_refused": 0}
    part = "5 of the area's 24 wards have no population in it."
    rows = [
        given | {"source": "census", "agency": "ONS", "file": "dc.csv", "problem": part},
        given | {"source": "estimates", "agency": "ONS", "file": "e.csv", "problem": None},
    ]
    got = gaps.partial_context(evidence((tables.CONTEXT_DELIVERY, rows))).to_dicts()
    assert [(row["agency"], "census" in row["finding"]) for row in got] == [("ONS", True)]
    assert part in got[0]["evidence"]
    assert "'dc.csv'" in got[0]["question"]


def test_levels_of_a_scheme_the_plan_does_not_know_are_a_gap_of_high_priority() -> None:
    row = {"dataset": "tracker", "quarter": Q4, "date": date(2016, 3, 31), "status": "open"}
    rows = [row | {"risk_level": level} for level in ("high", "low", "at_risk", "none")]
    got = gaps.levels_unexplained(evidence((tables.MEASURES["cse_tracker"], rows)))
    assert got["priority"].to_list() == ["high"]
    assert "(low, high)" in got["finding"].item()
    assert Q4 in got["finding"].item()
    known = [row | {"risk_level": "serious"}]
    assert gaps.levels_unexplained(evidence((tables.MEASURES["cse_tracker"], known))).is_empty()
