"""Datasets' rows united into subjects, indicator events and measures."""

from datetime import date

import polars as pl

from profile_pipeline.intake.records import indicator_events_of, measure_of, subjects_of
from profile_pipeline.tables import INDICATOR_EVENT, MEASURES, PERSON_RECORD

DAY = date(2015, 5, 15)


def rows(dataset: str = "d", **columns: list[object]) -> pl.DataFrame:
    height = len(next(iter(columns.values())))
    return pl.DataFrame(
        {
            "dataset": [dataset] * height,
            "file": ["f.csv"] * height,
            "row": list(range(height)),
            "quarter": ["2015-16 Q1"] * height,
            "date": [DAY] * height,
            "reference": [f"r{n}" for n in range(height)],
            **columns,
        }
    )


def test_a_subject_of_each_role_that_is_present_and_where_it_stands() -> None:
    frame = rows(
        child__present=[True, True],
        child__forename=["Jo", "Di"],
        suspect__present=[True, False],
        suspect__forename=["Al", None],
    )
    found = subjects_of({"d": frame, "e": rows("e", child__present=[True], child__sex=["male"])})
    assert found.select("record_id", "forename", "sex").rows() == [
        ("d:f.csv:0:child", "Jo", None),
        ("d:f.csv:0:suspect", "Al", None),
        ("d:f.csv:1:child", "Di", None),
        ("e:f.csv:0:child", None, "male"),
    ]


def test_a_group_of_ethnicity_follows_from_the_code() -> None:
    codes = ["WBRI", "APKN", "BCRB", "MWBC", "OOTH", "CHNE", None]
    frame = rows(child__present=[True] * 7, child__ethnicity_code=codes)
    groups = ["White", "Asian", "Black", "Mixed", "Other", "Asian", None]
    assert subjects_of({"d": frame})["ethnic_group"].to_list() == groups


def test_an_indicator_that_a_row_evidences_twice_is_one_event_of_the_earlier_date() -> None:
    frame = rows(
        child__present=[True, True],
        indicator__0__child__looked_after=[date(2015, 7, 1), None],
        indicator__1__child__looked_after=[DAY, None],
        indicator__2__child__cse_crime=[None, DAY],
    )
    found = indicator_events_of({"d": frame})
    assert found.select("row", "indicator", "date", "quarter").rows() == [
        (0, "looked_after", DAY, "2015-16 Q1"),
        (1, "cse_crime", DAY, "2015-16 Q1"),
    ]


def test_an_event_belongs_to_the_quarter_of_its_own_date() -> None:
    frame = rows(child__present=[True], indicator__0__child__looked_after=[date(2016, 1, 1)])
    assert indicator_events_of({"d": frame})["quarter"].to_list() == ["2015-16 Q4"]


def test_a_measure_unites_the_datasets_that_map_it() -> None:
    found = measure_of(
        {
            "d": rows(measure__disruption=[DAY, None], disruption__action=["arrest", "x"]),
            "e": rows("e", measure__disruption=[date(2016, 1, 1)]),
            "f": rows("f", child__present=[True]),
        },
        "disruption",
    )
    assert found.select("dataset", "row", "quarter", "reference", "action").rows() == [
        ("d", 0, "2015-16 Q1", "r0", "arrest"),
        ("e", 0, "2015-16 Q4", "r0", None),
    ]


def test_nothing_received_gives_the_tables_without_rows() -> None:
    assert subjects_of({}).schema == PERSON_RECORD.polars_schema
    assert indicator_events_of({"d": rows(child__present=[True])}).schema == (
        INDICATOR_EVENT.polars_schema
    )
    for name, table in MEASURES.items():
        assert measure_of({}, name).schema == table.polars_schema
