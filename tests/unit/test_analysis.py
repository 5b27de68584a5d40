"""Counting children, events and cross-overs: small frames whose answers can be counted by hand."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from profile_pipeline import ages, tables
from profile_pipeline.analysis import counting
from profile_pipeline.analysis.cohort import cohort_by_quarter, open_children, victim_profile
from profile_pipeline.analysis.locations import location_profile
from profile_pipeline.analysis.outcomes import disruption_outcomes
from profile_pipeline.analysis.overlap import (
    combinations,
    indicator_overlap,
    indicator_prevalence,
    overlap_distribution,
    person_indicators,
    person_overlap,
)
from profile_pipeline.analysis.persons import build_persons, kept_apart_rows
from profile_pipeline.analysis.quality import data_quality
from profile_pipeline.analysis.referrals import referral_sources
from profile_pipeline.analysis.representation import (
    MAYBE_UNDER,
    TOO_MUCH_UNKNOWN,
    UNDER,
    representation,
)
from profile_pipeline.analysis.return_interviews import return_interviews
from profile_pipeline.analysis.screening import screening_coverage
from profile_pipeline.analysis.suspects import suspect_profile
from profile_pipeline.plan.settings import (
    Area,
    Period,
    ProfileSettings,
    ScreeningGroup,
    TermsOfReference,
    TrackerRule,
)
from profile_pipeline.quarters import quarter_of

Q3, Q4 = "2015-16 Q3", "2015-16 Q4"
AREA = Area(name="Anyborough", responsible_authority="Anyborough", postcode_districts=("AB1",))
DATASETS = pl.DataFrame(
    {
        "dataset": ["tracker", "missing", "school", "care", "crime"],
        "agency": ["CSE team", "Police", "Education", "Council", "Police"],
        "title": ["Tracker", "Missing", "Absence", "Looked after", "Crimes"],
    }
)
INDICATORS = pl.DataFrame(
    {
        "indicator": ["absence", "missing", "crime", "gifts"],
        "label": ["absence", "missing", "victim of a crime", "unexplained gifts"],
        "counts_in_overlap": [True, True, False, True],
        "kind": ["sign", "sign", "harm", "sign"],
    }
)


def plan(**changes: Any) -> ProfileSettings:
    reference = TermsOfReference(
        aim="a",
        objectives=("o",),
        methodology="m",
        time_frames="t",
        required_outputs=("r",),
        resources="r",
    )
    values: dict[str, Any] = {
        "title": "t",
        "terms_of_reference": reference,
        "area": AREA,
        "period": Period(start=date(2014, 4, 1), end=date(2016, 3, 31)),
        "as_at": date(2016, 3, 31),
    }
    return ProfileSettings(**(values | changes))


def frame(table: tables.Table, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of a table; columns not given are null, row numbers count up."""
    filled = [
        dict.fromkeys(table.polars_schema) | {"file": "f.csv", "row": number} | dict(row)
        for number, row in enumerate(rows)
    ]
    wanted = [{name: row[name] for name in table.polars_schema} for row in filled]
    return tables.conform(pl.DataFrame(wanted, schema=table.polars_schema), table)


def records(rows: Sequence[Mapping[str, Any]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """records.subject and people.record_person of rows that name a `person`."""
    full = []
    for number, row in enumerate(rows):
        given = {"dataset": "missing", "role": "child", "date": date(2016, 1, 15), **row}
        given |= {"record_id": f"r{number}", "quarter": quarter_of(given["date"])}
        given |= {"person_id": given.pop("person"), "row": given.get("row", number)}
        if given.get("postcode"):
            given.setdefault("postcode_district", given["postcode"].split()[0])
        full.append(given)
    return frame(tables.PERSON_RECORD, full), frame(tables.RECORD_PERSON, full)


def persons(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """people.person; a girl of the area, born 1 January 2000, unless said otherwise."""
    usual = {
        "role": "child",
        "date_of_birth": date(2000, 1, 1),
        "sex": "female",
        "ethnicity_code": "WBRI",
        "ethnic_group": "White",
        "records": 1,
        "datasets": 1,
        "agencies": 1,
        "responsible": True,
    }
    return frame(tables.PERSON, [usual | dict(row) for row in rows])


def tracker(rows: Sequence[Mapping[str, Any]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """records.cse_tracker and people.record_person of open cases at risk, unless said otherwise."""
    full = []
    for number, row in enumerate(rows):
        usual = {
            "dataset": "tracker",
            "quarter": Q4,
            "date": date(2016, 3, 31),
            "responsible_authority": "Anyborough",
            "screening_date": date(2015, 11, 1),
            "risk_level": "at_risk",
            "status": "open",
        }
        given = usual | dict(row) | {"row": number, "role": "child", "record_id": f"t{number}"}
        full.append(given | {"person_id": given.pop("person")})
    return frame(tables.MEASURES["cse_tracker"], full), frame(tables.RECORD_PERSON, full)


def events(rows: Sequence[tuple[str, str, str, date]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """records.indicator_event and people.record_person of (person, dataset, indicator, date)."""
    full = [
        {
            "dataset": dataset,
            "row": number,
            "file": f"{quarter_of(day)}.csv",
            "role": "child",
            "record_id": f"e{number}",
            "indicator": indicator,
            "date": day,
            "quarter": quarter_of(day),
            "person_id": person,
        }
        for number, (person, dataset, indicator, day) in enumerate(rows)
    ]
    return frame(tables.INDICATOR_EVENT, full), frame(tables.RECORD_PERSON, full)


NO_EVENTS = tables.empty(tables.INDICATOR_EVENT)
NO_CARE = tables.empty(tables.MEASURES["looked_after"])
NO_TRACKER = tables.empty(tables.MEASURES["cse_tracker"])
WARDS = frame(
    tables.WARD,
    [
        {"ward_code": "E1", "ward": "North", "geometry_wkt": "POINT (0 0)"},
        {"ward_code": "E2", "ward": "South", "geometry_wkt": "POINT (0 0)"},
    ],
)
POSTCODES = frame(
    tables.POSTCODE,
    [
        {"postcode": "AB1 1AA", "easting_m": 1.0, "northing_m": 1.0, "ward_code": "E1"},
        {"postcode": "AB1 2BB", "easting_m": 2.0, "northing_m": 2.0, "ward_code": "E2"},
    ],
)


def person_of(
    rows: Sequence[Mapping[str, Any]],
    cse_tracker: pl.DataFrame = NO_TRACKER,
    looked_after: pl.DataFrame = NO_CARE,
) -> pl.DataFrame:
    subject, record_person = records(rows)
    return build_persons(
        subject,
        record_person,
        DATASETS,
        POSTCODES,
        WARDS,
        cse_tracker,
        looked_after,
        AREA,
        ["council"],
    )


# --- ages and categories --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(1998, 4, 1), date(2016, 3, 31), 17),
        (date(1998, 3, 31), date(2016, 3, 31), 18),
        (date(1998, 12, 8), date(2016, 3, 31), 17),
        (date(2000, 2, 29), date(2018, 2, 28), 17),
        (date(2000, 2, 29), date(2018, 3, 1), 18),
    ],
)
def test_a_child_is_a_year_older_on_the_birthday(born: date, day: date, age: int) -> None:
    got = pl.DataFrame({"born": [born], "day": [day]}).select(
        ages.age_on(pl.col("born"), pl.col("day"))
    )
    assert got.item() == age


@given(
    st.lists(st.sampled_from(["a", "b", "c", None]), max_size=30),
    st.lists(st.sampled_from([Q3, Q4]), max_size=30),
)
def test_categories_add_up_to_all(values: list[str | None], labels: list[str]) -> None:
    size = min(len(values), len(labels))
    units = pl.DataFrame(
        {"quarter": labels[:size], "value": values[:size]},
        schema={"quarter": pl.String, "value": pl.String},
    )
    got = counting.by_category(units, pl.col("value"), [Q3, Q4], "d", ["a", "b"])
    assert got["category"].to_list() == ["a", "b", "not recorded", "all"] * 2
    for quarter in (Q3, Q4):
        rows = got.filter(pl.col("quarter") == quarter)
        parts = rows.filter(pl.col("category") != "all")["children"].sum()
        assert parts == rows.filter(pl.col("category") == "all")["children"].item()


def test_percent_is_of_those_recorded() -> None:
    units = pl.DataFrame({"quarter": [Q4] * 4, "value": ["a", "a", "b", None]})
    got = counting.by_category(units, pl.col("value"), [Q4], "d")
    assert got.filter(pl.col("category") == "a")["percent"].item() == pytest.approx(200 / 3)
    assert got["not_recorded_percent"].unique().to_list() == [25.0]


def test_white_without_a_code_is_not_taken_for_british() -> None:
    got = pl.DataFrame(
        {"group": ["White"] * 3 + ["Asian"], "code": ["WBRI", "WROM", None, None]}
    ).select(counting.ethnic_category(pl.col("group"), pl.col("code")))
    assert got.to_series().to_list() == ["White British", "White other", None, "Asian"]


# --- persons --------------------------------------------------------------------------------------


def test_a_person_has_the_value_most_records_give() -> None:
    got = person_of(
        [
            {"person": "p", "sex": "male", "date": date(2016, 3, 1)},
            {"person": "p", "sex": "female"},
            {"person": "p", "sex": "female", "dataset": "school"},
        ]
    )
    assert got.select("sex", "records", "datasets", "agencies").row(0) == ("female", 3, 2, 2)


def test_a_person_of_another_role_is_no_child() -> None:
    got = person_of(
        [
            {"person": "mother", "role": "parent"},
            {"person": "sister", "role": "linked_child"},
            {"person": "man", "role": "suspect"},
        ]
    )
    roles = dict(got.select("person_id", "role").iter_rows())
    assert roles == {"mother": "parent", "sister": "child", "man": "suspect"}


def test_a_tie_goes_to_the_value_recorded_last() -> None:
    got = person_of(
        [
            {"person": "p", "date_of_birth": date(2000, 2, 1), "date": date(2015, 5, 1)},
            {"person": "p", "date_of_birth": date(2000, 1, 2), "date": date(2016, 2, 1)},
        ]
    )
    assert got["date_of_birth"].item() == date(2000, 1, 2)


def test_ethnic_group_follows_the_code() -> None:
    got = person_of(
        [
            {"person": "p", "ethnicity_code": "APKN", "ethnic_group": "Asian"},
            {"person": "p", "ethnic_group": "White"},
            {"person": "p", "ethnic_group": "White"},
        ]
    )
    assert got.select("ethnicity_code", "ethnic_group").row(0) == ("APKN", "Asian")


def test_a_mistyped_postcode_does_not_move_a_child() -> None:
    got = person_of(
        [
            {"person": "p", "postcode": "AB1 1AA", "date": date(2015, 1, 1)},
            {"person": "p", "postcode": "AB1 2BB", "date": date(2015, 6, 1)},
            {"person": "p", "postcode": "AB1 9ZZ", "date": date(2016, 1, 1)},
        ]
    )
    assert got.select("postcode", "ward").row(0) == ("AB1 2BB", "South")


@pytest.mark.parametrize(
    ("rows", "responsible"),
    [
        ([{"postcode": "ZZ9 1AA"}], False),
        ([{"postcode": "ZZ9 1AA"}, {"postcode": "AB1 1AA"}], True),
        ([{"postcode": "ZZ9 1AA", "local_ids": ["council:1"]}], True),
        ([{"postcode": "ZZ9 1AA", "local_ids": ["police:1"]}], False),
        ([{"postcode_district": "ZZ9"}], False),
        ([{"forename": "Ann"}], True),
    ],
)
def test_a_child_wholly_outside_the_area_is_not_the_areas(
    rows: list[dict[str, Any]], responsible: bool
) -> None:
    got = person_of([{"person": "p", **row} for row in rows])
    assert got["responsible"].item() is responsible


def test_a_looked_after_child_placed_outside_stays_the_areas() -> None:
    care = frame(
        tables.MEASURES["looked_after"],
        [{"dataset": "care", "row": 0, "quarter": Q4, "date": date(2016, 3, 31)}],
    )
    got = person_of([{"person": "p", "dataset": "care", "postcode": "ZZ9 1AA"}], looked_after=care)
    assert got["responsible"].item() is True


@pytest.mark.parametrize(
    ("first", "latest", "responsible"),
    [
        ("Anyborough", "Elsewhere", False),
        ("Elsewhere", "Anyborough", True),
        ("Elsewhere", "ANYBOROUGH  MBC", True),
        ("Elsewhere", None, False),
    ],
)
def test_the_latest_row_of_the_tracker_says_whose_child_it_is(
    first: str, latest: str | None, responsible: bool
) -> None:
    rows, record_person = tracker(
        [
            {"person": "p", "quarter": Q3, "responsible_authority": first},
            {"person": "p", "quarter": Q4, "responsible_authority": latest},
        ]
    )
    subject, _ = records([{"person": "p", "dataset": "tracker"}] * 2)
    person = build_persons(subject, record_person, DATASETS, POSTCODES, WARDS, rows, NO_CARE, AREA)
    assert person["responsible"].item() is responsible


def test_rows_of_other_areas_children_are_kept_apart_and_shared_rows_are_not() -> None:
    people = persons([{"person_id": "ours"}, {"person_id": "theirs", "responsible": False}])
    _, record_person = records(
        [
            {"person": "theirs", "row": 0},
            {"person": "theirs", "row": 1, "role": "child"},
            {"person": "ours", "row": 1, "role": "linked child"},
            {"person": "ours", "row": 2},
            {"person": "theirs", "row": 3, "role": "suspect"},
        ]
    )
    rows, _ = tracker([{"person": "ours", "responsible_authority": "Elsewhere"}])
    got = kept_apart_rows(record_person, people, rows, AREA)
    assert got.select("dataset", "row", "rule").rows() == [
        ("missing", 0, "not_the_areas_child"),
        ("tracker", 0, "another_authority"),
    ]


# --- the open cohort ------------------------------------------------------------------------------


def opened(
    rows: Sequence[Mapping[str, Any]], people: pl.DataFrame | None = None, **changes: Any
) -> pl.DataFrame:
    cse_tracker, record_person = tracker(rows)
    named = sorted({str(row["person"]) for row in rows})
    known = persons([{"person_id": name} for name in named]) if people is None else people
    return open_children(cse_tracker, record_person, known, NO_EVENTS, plan(**changes))


def test_the_latest_screening_stands() -> None:
    got = opened(
        [
            {"person": "p", "risk_level": "serious", "screening_date": date(2016, 2, 1)},
            {"person": "p", "risk_level": "at_risk", "screening_date": date(2015, 2, 1)},
        ]
    )
    assert got["risk_level"].to_list() == ["serious"]


def test_a_latest_screening_without_risk_closes_the_earlier_one() -> None:
    got = opened(
        [
            {"person": "p", "risk_level": "serious", "screening_date": date(2015, 2, 1)},
            {"person": "p", "status": "nfa", "screening_date": date(2016, 2, 1)},
        ]
    )
    assert got.is_empty()


def test_children_of_other_authorities_adults_and_closed_cases_are_not_counted() -> None:
    people = persons(
        [
            {"person_id": "counted", "date_of_birth": date(1998, 4, 1)},
            {"person_id": "turned 18", "date_of_birth": date(1998, 3, 31)},
            {"person_id": "no date of birth", "date_of_birth": None},
            {"person_id": "closed"},
            {"person_id": "elsewhere"},
        ]
    )
    got = opened(
        [
            {"person": "counted"},
            {"person": "turned 18"},
            {"person": "no date of birth"},
            {"person": "closed", "status": "closed"},
            {"person": "elsewhere", "responsible_authority": "Elsewhere"},
        ],
        people,
    )
    assert got["person_id"].to_list() == ["counted", "no date of birth"]


def test_looked_after_is_the_trackers_legal_status() -> None:
    got = opened(
        [
            {"person": "a", "legal_status": "LAC - s20"},
            {"person": "b", "legal_status": "Looked after: care order"},
            {"person": "c", "legal_status": "CIN"},
            {"person": "d", "legal_status": None},
        ]
    )
    assert got["looked_after"].to_list() == [True, True, False, None]  # not known is not no


def test_missing_in_year_reaches_back_four_quarters() -> None:
    indicator_event, event_person = events(
        [
            ("a", "missing", "missing", date(2015, 4, 1)),
            ("b", "missing", "missing", date(2015, 3, 31)),
        ]
    )
    cse_tracker, tracker_person = tracker([{"person": "a"}, {"person": "b"}])
    got = open_children(
        cse_tracker,
        pl.concat([tracker_person, event_person]),
        persons([{"person_id": "a"}, {"person_id": "b"}]),
        indicator_event,
        plan(),
        ["missing"],
    )
    assert got["missing_in_year"].to_list() == [True, False]


def test_an_episode_of_a_dataset_without_interviews_awaits_none() -> None:
    rows = episodes(
        [
            {"interview_at": datetime(2016, 1, 7)},
            {"reference": None, "dataset": "ssda903", "interview_at": None},
        ]
    )
    assert return_interviews(rows, plan(), ["missing"]).row(-1) == (Q4, 2, 1, 1, 0, 0)
    assert return_interviews(rows, plan()).row(-1) == (Q4, 2, 2, 1, 0, 1)


def test_opened_closed_and_carried_over() -> None:
    rows = [
        {"person": "stays", "quarter": Q3},
        {"person": "moves up", "quarter": Q3},
        {"person": "goes", "quarter": Q3, "risk_level": "serious"},
        {"person": "stays"},
        {"person": "moves up", "risk_level": "serious"},
        {"person": "comes"},
    ]
    got = cohort_by_quarter(opened(rows), tracker(rows)[0], plan()).filter(pl.col("quarter") == Q4)
    assert got.drop("quarter").rows() == [
        ("at_risk", 2, 1, 0, 1),
        ("significant", 0, 0, 0, 0),
        ("serious", 1, 0, 1, 1),
        ("all", 3, 1, 1, 2),
    ]


def test_without_the_quarter_before_the_referral_date_tells_who_was_carried_over() -> None:
    rows = [
        {"person": "old", "referral_date": date(2015, 12, 31)},
        {"person": "new", "referral_date": date(2016, 1, 1)},
    ]
    got = cohort_by_quarter(opened(rows), tracker(rows)[0], plan())
    assert got.filter(pl.col("risk_level") == "all").row(0) == (Q4, "all", 2, 1, 0, 1)


def test_levels_that_nobody_explained_are_counted_as_written() -> None:
    """A team that changes its levels without a word to the plan loses no child from the profile."""
    rows = [
        {"person": "a", "quarter": Q3},
        {"person": "b", "quarter": Q3, "risk_level": "serious"},
        {"person": "a", "risk_level": "low"},
        {"person": "b", "risk_level": "high"},
        {"person": "c", "risk_level": None},
        {"person": "d", "risk_level": "none"},
    ]
    got = cohort_by_quarter(opened(rows), tracker(rows)[0], plan()).filter(pl.col("quarter") == Q4)
    assert got.select("risk_level", "children", "closed").rows() == [
        ("low", 1, 0),
        ("high", 1, 0),
        ("not recorded", 1, 0),
        ("all", 3, 0),
    ]
    told = victim_profile(opened(rows), tracker(rows)[0], WARDS, plan()).filter(
        pl.col("quarter") == Q4, pl.col("dimension") == "risk_level", pl.col("children") > 0
    )
    assert dict(told.select("category", "children").rows()) == {
        "low": 1,
        "high": 1,
        "not recorded": 1,
        "all": 3,
    }


def test_a_level_that_the_plan_leaves_out_of_its_scheme_is_not_at_risk() -> None:
    rows = [{"person": "a"}, {"person": "b", "risk_level": "serious"}]
    got = opened(rows, tracker=TrackerRule(at_risk_levels=("significant", "serious")))
    assert got["person_id"].to_list() == ["b"]


def test_a_quarter_whose_tracker_never_came_has_no_number() -> None:
    rows = [{"person": "p", "quarter": Q3}]
    got = cohort_by_quarter(opened(rows), tracker(rows)[0], plan())
    assert got["quarter"].unique().to_list() == [Q3]


def test_a_quarter_that_still_runs_is_not_counted() -> None:
    got = opened([{"person": "p", "quarter": Q3}, {"person": "p"}], as_at=date(2016, 2, 1))
    assert got["quarter"].to_list() == [Q3]


def test_victim_profile_prints_every_category_of_every_dimension() -> None:
    rows = [{"person": "p"}]
    got = victim_profile(opened(rows), tracker(rows)[0], WARDS, plan())
    assert got.filter(pl.col("dimension") == "ethnic_group")["category"].to_list() == [
        *tables.ETHNIC_GROUPS,
        "not recorded",
        "all",
    ]
    assert got.filter(pl.col("category") == "all")["children"].unique().to_list() == [1]


def test_referral_sources_count_each_child_once_at_the_first_referral() -> None:
    rows = [
        {
            "person": "a",
            "quarter": Q3,
            "referral_source": "Police",
            "referral_date": date(2015, 10, 1),
        },
        {"person": "a", "referral_source": "School", "referral_date": date(2016, 1, 1)},
        {"person": "b", "referral_source": None},
        {"person": "never open", "status": "nfa", "referral_source": "Health"},
    ]
    cse_tracker, record_person = tracker(rows)
    people = persons([{"person_id": name} for name in ("a", "b", "never open")])
    got = referral_sources(cse_tracker, record_person, people, opened(rows), plan())
    assert dict(got.select("referral_source", "children").rows()) == {
        "Police": 1,
        "not recorded": 1,
        "all": 2,
    }


# --- cross-overs ----------------------------------------------------------------------------------

CROSSING = [
    ("a", "school", "absence", date(2015, 12, 31)),
    ("a", "missing", "missing", date(2015, 5, 1)),
    ("a", "missing", "missing", date(2015, 6, 1)),
    ("a", "crime", "crime", date(2014, 5, 1)),
    ("b", "missing", "missing", date(2015, 3, 31)),
    ("theirs", "missing", "missing", date(2015, 5, 1)),
    ("late", "missing", "missing", date(2016, 4, 1)),
]
CROSSING_PEOPLE = persons(
    [
        {"person_id": "a"},
        {"person_id": "b"},
        {"person_id": "late"},
        {"person_id": "grown", "date_of_birth": date(1997, 3, 31)},
        {"person_id": "theirs", "responsible": False},
    ]
)


def crossing_overlap(cse_tracker: pl.DataFrame = NO_TRACKER) -> pl.DataFrame:
    indicator_event, record_person = events(CROSSING)
    return person_overlap(
        indicator_event,
        record_person,
        CROSSING_PEOPLE,
        cse_tracker,
        tables.empty(tables.OPEN_CHILD),
        INDICATORS,
        DATASETS,
        plan(),
    )


def crossing_indicators() -> pl.DataFrame:
    indicator_event, record_person = events(CROSSING)
    return person_indicators(indicator_event, record_person, CROSSING_PEOPLE, plan())


def test_overlap_counts_indicators_of_the_last_four_quarters_of_the_areas_children() -> None:
    got = crossing_overlap().select(
        "person_id", "indicators", "combination", "agencies", "repeat_indicators", "status"
    )
    assert got.rows() == [
        ("a", 2, "absence + missing", 2, 1, "harmed"),
        ("b", 0, "", 0, 0, "indicators_only"),
        ("late", 0, "", 0, 0, "indicators_only"),
    ]


def test_person_indicators_cover_the_whole_period() -> None:
    got = crossing_indicators().filter(pl.col("person_id") == "b")
    assert got.select("events", "events_last_year", "first_date").row(0) == (
        1,
        0,
        date(2015, 3, 31),
    )


def test_a_snapshot_sent_again_is_one_event_and_two_rows_of_a_day_are_two() -> None:
    day = date(2015, 5, 1)
    indicator_event, record_person = events([("a", "missing", "missing", day)] * 3)
    again = pl.Series(["first.csv", "first.csv", "second.csv"])
    got = person_indicators(
        indicator_event.with_columns(file=again),
        record_person.with_columns(file=again),
        CROSSING_PEOPLE,
        plan(),
    )
    assert got["events"].item() == 2


def test_an_episode_that_two_agencies_date_to_one_day_is_one_event_of_both() -> None:
    day, later = date(2015, 5, 1), date(2015, 5, 3)
    rows = [
        ("a", "missing", "missing", day),
        ("a", "missing", "missing", day),
        ("a", "absence", "missing", day),
        ("a", "absence", "missing", later),
    ]
    got = person_indicators(*events(rows), CROSSING_PEOPLE, plan())
    # Two reports of the police that day, one of the carer's return beside them, one day later.
    assert got["events"].item() == 3
    assert got["sources"].item().to_list() == ["absence", "missing"]


def test_ever_in_the_tracker_is_known_whatever_the_screening_said() -> None:
    indicator_event, event_person = events(CROSSING)
    cse_tracker, tracker_person = tracker([{"person": "b", "status": "nfa", "risk_level": "none"}])
    got = person_overlap(
        indicator_event,
        pl.concat([event_person, tracker_person]),
        CROSSING_PEOPLE,
        cse_tracker,
        tables.empty(tables.OPEN_CHILD),
        INDICATORS,
        DATASETS,
        plan(),
    ).filter(pl.col("person_id") == "b")
    assert got.select("known_to_cse", "at_risk_now", "status").row(0) == (
        True,
        False,
        "screened_or_closed",
    )


def test_an_indicator_no_dataset_evidences_has_no_source() -> None:
    got = indicator_prevalence(crossing_overlap(), crossing_indicators(), INDICATORS)
    assert got.rows() == [
        ("absence", 1, 1, 0, "school"),
        ("missing", 1, 2, 1, "missing"),
        ("crime", 0, 0, 0, "crime"),
        ("gifts", 0, 0, 0, "none"),
    ]


def test_pairs_are_complete_and_named_in_alphabetical_order() -> None:
    got = indicator_overlap(crossing_overlap(), crossing_indicators(), INDICATORS)
    assert got.rows() == [
        ("absence", "gifts", 0),
        ("absence", "missing", 1),
        ("gifts", "missing", 0),
    ]


def test_the_distribution_has_no_holes_and_adds_up_to_the_children() -> None:
    got = overlap_distribution(crossing_overlap())
    assert got.rows() == [(0, 2, 0, 0), (1, 0, 0, 0), (2, 1, 0, 0)]


def test_ties_among_combinations_are_all_shown() -> None:
    overlap = frame(
        tables.PERSON_OVERLAP,
        [
            {
                "person_id": f"p{number}",
                "indicators": 2,
                "combination": combination,
                "agencies": 1,
                "repeat_indicators": 0,
                "known_to_cse": False,
                "at_risk_now": False,
                "status": "indicators_only",
            }
            for number, combination in enumerate(["a + b", "a + b", "c + d", "e + f"])
        ],
    )
    assert combinations(overlap, top=2)["combination"].to_list() == ["a + b", "c + d", "e + f"]


# --- interviews, screening, outcomes --------------------------------------------------------------


def episodes(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    usual = {
        "dataset": "missing",
        "quarter": Q4,
        "date": date(2016, 1, 5),
        "reported_at": datetime(2016, 1, 5),
        "returned_at": datetime(2016, 1, 6, 12, 0),
    }
    return frame(
        tables.MEASURES["missing_episode"],
        [usual | {"reference": f"M{number}"} | dict(row) for number, row in enumerate(rows)],
    )


@pytest.mark.parametrize(
    ("after", "column"),
    [
        (timedelta(hours=72), "within_72_hours"),
        (timedelta(hours=72, minutes=1), "late"),
        (timedelta(hours=-1), "within_72_hours"),
        (None, "none"),
    ],
)
def test_seventy_two_hours_after_the_return_is_in_time(
    after: timedelta | None, column: str
) -> None:
    held = None if after is None else datetime(2016, 1, 6, 12, 0) + after
    got = return_interviews(episodes([{"interview_at": held}]), plan()).filter(
        pl.col("quarter") == Q4
    )
    assert got["due"].item() == 1
    assert got[column].item() == 1
    assert got.select("within_72_hours", "late", "none").sum_horizontal().item() == 1


def test_no_interview_is_due_for_a_child_who_has_not_returned() -> None:
    got = return_interviews(episodes([{"returned_at": None}]), plan()).row(-1)
    assert got == (Q4, 1, 0, 0, 0, 0)


def test_an_episode_sent_again_counts_once_with_its_later_interview() -> None:
    again = episodes(
        [
            {"reference": "M1", "file": "2015-16_Q3.csv"},
            {"reference": "M1", "file": "2015-16_Q4.csv", "interview_at": datetime(2016, 1, 7)},
        ]
    )
    assert return_interviews(again, plan()).row(-1) == (Q4, 1, 1, 1, 0, 0)


def test_an_episode_belongs_to_the_quarter_it_was_reported_in() -> None:
    got = return_interviews(episodes([{"reported_at": datetime(2015, 12, 31, 23)}]), plan())
    assert got.filter(pl.col("episodes") > 0)["quarter"].to_list() == [Q3]


def test_screening_counts_children_of_the_group_once_and_from_its_age() -> None:
    subject, record_person = records(
        [
            {"person": "screened", "age_years": 12},
            {"person": "screened", "age_years": 12},
            {"person": "not screened", "age_years": 12},
            {"person": "too young", "age_years": 9},
            {"person": "age unknown"},
            {"person": "theirs", "age_years": 12},
            {"person": "not listed", "age_years": 12, "dataset": "school"},
        ]
    )
    people = persons(
        [
            {"person_id": name, "responsible": name != "theirs"}
            for name in ("screened", "not screened", "too young", "age unknown", "theirs")
        ]
    )
    cse_tracker, tracker_person = tracker(
        [
            {"person": "screened", "status": "nfa"},
            {"person": "not screened", "screening_date": None},
        ]
    )
    group = ScreeningGroup(group="Missing", datasets=("missing",), minimum_age=10)
    got = screening_coverage(
        subject,
        pl.concat([record_person, tracker_person]),
        people,
        cse_tracker,
        plan(screening_groups=(group,)),
    )
    assert got.row(0) == ("Missing", 3, 1, pytest.approx(100 / 3))


def test_a_group_without_children_has_no_percentage() -> None:
    group = ScreeningGroup(group="Homeless", datasets=("housing",))
    subject, record_person = records([{"person": "p"}])
    got = screening_coverage(
        subject,
        record_person,
        persons([{"person_id": "p"}]),
        NO_TRACKER,
        plan(screening_groups=(group,)),
    )
    assert got.row(0) == ("Homeless", 0, 0, None)


def test_outcomes_have_every_action_in_every_quarter_and_count_a_repeat_once() -> None:
    usual = {"dataset": "ypse", "quarter": Q4, "date": date(2016, 1, 9), "reference": "Y1"}
    got = disruption_outcomes(
        frame(
            tables.MEASURES["disruption"],
            [
                usual | {"action": "Arrest", "file": "1.csv"},
                usual | {"action": "Arrest", "file": "2.csv"},
                usual | {"action": "Charge", "file": "2.csv"},
                usual | {"action": None, "file": "2.csv", "reference": "Y2"},
            ],
        ),
        plan(),
    )
    assert got.filter(pl.col("quarter") == Q4).drop("quarter").rows() == [
        ("Arrest", 1),
        ("Charge", 1),
        ("not recorded", 1),
        ("all", 3),
    ]
    assert got["quarter"].n_unique() == 8


# --- suspects and places --------------------------------------------------------------------------


def test_suspects_have_one_category_of_each_dimension() -> None:
    subject, record_person = records(
        [
            {"person": "s", "role": "suspect", "dataset": "crime", "appearance_code": "IC9"},
            {"person": "s", "role": "suspect", "dataset": "crime", "appearance_code": "IC1"},
            {"person": "s", "role": "suspect", "dataset": "missing", "date": date(2015, 11, 1)},
            {"person": "child", "dataset": "crime"},
        ]
    )
    offence = frame(
        tables.MEASURES["offence"],
        [
            {
                "dataset": "crime",
                "row": 0,
                "quarter": Q4,
                "date": date(2016, 1, 15),
                "relationship": "Not known",
            },
            {
                "dataset": "crime",
                "row": 1,
                "quarter": Q4,
                "date": date(2016, 1, 15),
                "relationship": "Stranger",
            },
        ],
    )
    people = persons(
        [
            {"person_id": "s", "role": "suspect", "sex": "male", "date_of_birth": date(1990, 1, 1)},
            {"person_id": "child"},
        ]
    )
    got = suspect_profile(subject, record_person, people, offence, plan()).filter(
        pl.col("quarter") == Q4, pl.col("suspects") > 0, pl.col("category") != "all"
    )
    assert dict(got.select("dimension", "category").rows()) == {
        "sex": "male",
        "age_band": "25-34",
        "appearance": "IC1",
        "relationship": "Stranger",
        "datasets": "crime",
        "seen_in": "more than one dataset",
    }


def test_the_police_station_of_a_default_geocode_is_not_a_kind_of_place() -> None:
    usual = {"dataset": "crime", "quarter": Q4, "date": date(2016, 1, 1), "usable": True}
    located = frame(
        tables.OFFENDING_LOCATION,
        [
            usual | {"event_id": "1", "place_type": "Park", "ward": "North", "online": False},
            usual | {"event_id": "1", "place_type": "Park", "ward": "North", "online": False},
            usual
            | {
                "event_id": "2",
                "place_type": "Police station",
                "usable": False,
                "unusable_because": "default_geocode",
            },
            usual | {"event_id": "3", "place_type": "Street", "ward": None},
        ],
    )
    got = location_profile(located, episodes([]), WARDS, plan()).filter(
        pl.col("quarter") == Q4, pl.col("events") > 0, pl.col("category") != "all"
    )
    assert got.select("dimension", "category", "events").rows() == [
        ("place_type", "Park", 1),
        ("place_type", "Street", 1),
        ("place_type", "not recorded", 1),
        ("online", "no", 1),
        ("online", "not recorded", 2),
        ("ward", "North", 1),
        ("ward", "outside the area", 1),
        ("ward", "not recorded", 1),
    ]


# --- quality and representation -------------------------------------------------------------------


def test_quality_counts_fates_completeness_lateness_and_links() -> None:
    subject, record_person = records(
        [
            {"person": "a", "sex": "female"},
            {"person": "b"},
            {"person": "a", "dataset": "school"},
        ]
    )
    fate = frame(
        tables.FATE,
        [
            {"dataset": "missing", "quarter": Q4, "fate": "harmonised"},
            {"dataset": "missing", "quarter": Q4, "fate": "harmonised"},
            {"dataset": "missing", "quarter": Q4, "fate": "quarantined", "rule": "date"},
            {"dataset": "school", "quarter": Q4, "fate": "harmonised"},
        ],
    )
    delivery = frame(
        tables.DELIVERY,
        [
            {
                "dataset": "missing",
                "agency": "Police",
                "quarter": Q4,
                "file": "f.csv",
                "due_on": date(2016, 4, 14),
                "arrived_on": date(2016, 4, 20),
                "status": "loaded",
            },
            {
                "dataset": "camhs",
                "agency": "Health",
                "quarter": Q4,
                "file": None,
                "due_on": date(2016, 4, 14),
                "status": "missing",
            },
        ],
    )
    got = data_quality(
        fate,
        tables.empty(tables.REPAIRS),
        delivery,
        tables.empty(tables.MISSING_COLUMN),
        subject,
        record_person,
        DATASETS,
    )
    missing = dict(got.filter(pl.col("dataset") == "missing").select("measure", "value").rows())
    assert missing["rows_received"] == 3
    assert missing["rows_quarantined"] == 1
    assert missing["complete_percent:sex"] == 50
    assert missing["linked_percent"] == 50
    assert missing["days_late"] == 6
    camhs = dict(got.filter(pl.col("dataset") == "camhs").select("measure", "value").rows())
    assert camhs == {"days_late": None, "delivered": 0}


def represented(girls: tuple[int, int], boys: tuple[int, int], unknown: int = 0) -> dict[str, str]:
    """Findings by sex of (open now, several indicators) for girls and boys."""
    return represented_by({"female": girls, "male": boys, None: (unknown, 0)}, "sex")


def represented_by(counts: Mapping[str | None, tuple[int, int]], dimension: str) -> dict[str, str]:
    """Findings by category of (open now, several indicators)."""
    rows = [
        (category, now, 0 if now else 3)
        for category, (known, at_risk) in counts.items()
        for now in [True] * known + [False] * at_risk
    ]
    people = persons(
        [{"person_id": f"p{number}", dimension: row[0]} for number, row in enumerate(rows)]
    )
    overlap = frame(
        tables.PERSON_OVERLAP,
        [
            {
                "person_id": f"p{number}",
                "indicators": indicators,
                "combination": "",
                "agencies": 0,
                "repeat_indicators": 0,
                "known_to_cse": now,
                "at_risk_now": now,
                "status": "open" if now else "indicators_only",
            }
            for number, (_, now, indicators) in enumerate(rows)
        ],
    )
    wards = frame(
        tables.WARD,
        [
            {"ward_code": f"E-{category}", "ward": category, "geometry_wkt": "POINT (0 0)"}
            for category in counts
            if dimension == "ward"
        ],
    )
    got = representation(overlap, people, tables.empty(tables.POPULATION), wards, plan())
    return dict(got.filter(pl.col("dimension") == dimension).select("category", "finding").rows())


def test_a_group_missing_from_the_known_is_possibly_under_identified() -> None:
    assert represented((87, 231), (8, 121))["male"] == UNDER


def test_too_few_children_to_tell_from_chance_are_said_to_be() -> None:
    assert represented((20, 20), (3, 11))["male"] == MAYBE_UNDER
    assert represented((2, 2), (1, 2))["male"] == "no difference beyond chance"


def test_nothing_is_compared_where_too_much_is_not_recorded() -> None:
    assert represented((87, 231), (8, 121), unknown=40)["male"] == TOO_MUCH_UNKNOWN


def against_population(girls: int, boys: int, living: tuple[int, int]) -> dict[str, dict]:
    """Rows by sex of so many open girls and boys, among so many who live there."""
    rows = ["female"] * girls + ["male"] * boys
    people = persons([{"person_id": f"p{n}", "sex": sex} for n, sex in enumerate(rows)])
    overlap = frame(
        tables.PERSON_OVERLAP,
        [
            {
                "person_id": f"p{n}",
                "indicators": 0,
                "combination": "",
                "agencies": 0,
                "repeat_indicators": 0,
                "known_to_cse": True,
                "at_risk_now": True,
                "status": "open",
            }
            for n in range(len(rows))
        ],
    )
    population = frame(
        tables.POPULATION,
        [
            {
                "source": "census",
                "ward_code": "E1",
                "age_years": 10,
                "age_to": 17,
                "sex": sex,
                "ethnicity_code": "all",
                "ethnic_group": "all",
                "population": number,
            }
            for sex, number in zip(("female", "male"), living, strict=True)
        ],
    )
    got = representation(overlap, people, population, tables.empty(tables.WARD), plan())
    return {row["category"]: row for row in got.filter(dimension="sex").to_dicts()}


def test_the_known_are_told_per_ten_thousand_who_live_there_with_limits() -> None:
    got = against_population(15, 5, (300, 100))
    assert [got[name]["known_rate"] for name in ("female", "male", "all")] == [500, 500, 500]
    # Exact Poisson limits of 5 are 1.6235 and 11.6683 (published tables).
    limits = (got["male"]["known_rate_lower"], got["male"]["known_rate_upper"])
    assert limits == pytest.approx((162.35, 1166.83), abs=0.01)
    assert got["male"]["against_population"] == "no difference beyond chance"
    assert (got["not recorded"]["known_rate"], got["all"]["against_population"]) == (None, None)


def test_a_group_known_less_often_than_it_lives_there_is_said_to_be() -> None:
    got = against_population(40, 4, (100, 100))
    assert got["male"]["against_population"] == "fewer than among all who live there"
    assert got["female"]["against_population"] == "more than among all who live there"


def test_among_many_wards_one_low_by_chance_is_no_alarm() -> None:
    """A p of .02 is an alarm on its own, and not among thirty wards."""
    assert represented((90, 180), (2, 20))["male"] == UNDER
    wards = [f"W{number:02d}" for number in range(30)]
    got = represented_by(dict.fromkeys(wards, (6, 12)) | {"W00": (2, 20)}, "ward")
    assert got["W00"] == MAYBE_UNDER


# --- the same input gives the same output ---------------------------------------------------------


def test_persons_do_not_depend_on_the_order_of_records() -> None:
    rows = [
        {"person": "p", "sex": "male", "postcode": "AB1 1AA", "row": 1},
        {"person": "p", "sex": "female", "postcode": "AB1 2BB", "row": 2},
        {"person": "q", "ethnicity_code": "WBRI", "ethnic_group": "White", "row": 3},
        {"person": "q", "ethnicity_code": "APKN", "ethnic_group": "Asian", "row": 4},
    ]
    assert_frame_equal(person_of(rows), person_of(rows[::-1]))


def test_every_table_holds_its_contract_without_a_single_record() -> None:
    settings = plan()
    nothing = {name: tables.empty(table) for name, table in tables.MEASURES.items()}
    subject, record_person = tables.empty(tables.PERSON_RECORD), tables.empty(tables.RECORD_PERSON)
    people = person_of([])
    open_child = open_children(nothing["cse_tracker"], record_person, people, NO_EVENTS, settings)
    found = person_indicators(NO_EVENTS, record_person, people, settings)
    overlap = person_overlap(
        NO_EVENTS,
        record_person,
        people,
        nothing["cse_tracker"],
        open_child,
        INDICATORS,
        DATASETS,
        settings,
    )
    assert overlap_distribution(overlap).is_empty()
    assert combinations(overlap).is_empty()
    assert indicator_prevalence(overlap, found, INDICATORS)["sources"].unique().item() == "none"
    assert indicator_overlap(overlap, found, INDICATORS)["children"].sum() == 0
    assert cohort_by_quarter(open_child, NO_TRACKER, settings).is_empty()
    assert victim_profile(open_child, NO_TRACKER, WARDS, settings).is_empty()
    assert return_interviews(nothing["missing_episode"], settings)["episodes"].sum() == 0
    assert disruption_outcomes(nothing["disruption"], settings)["count"].sum() == 0
    assert (
        suspect_profile(subject, record_person, people, nothing["offence"], settings)[
            "suspects"
        ].sum()
        == 0
    )
    assert (
        location_profile(
            tables.empty(tables.OFFENDING_LOCATION), nothing["missing_episode"], WARDS, settings
        )["events"].sum()
        == 0
    )
    assert (
        representation(overlap, people, tables.empty(tables.POPULATION), WARDS, settings)[
            "known"
        ].sum()
        == 0
    )
    assert kept_apart_rows(record_person, people, NO_TRACKER, AREA).is_empty()
    sources = referral_sources(NO_TRACKER, record_person, people, open_child, settings)
    assert sources["children"].sum() == 0
    assert data_quality(
        tables.empty(tables.FATE),
        tables.empty(tables.REPAIRS),
        tables.empty(tables.DELIVERY),
        tables.empty(tables.MISSING_COLUMN),
        subject,
        record_person,
        DATASETS,
    ).is_empty()
