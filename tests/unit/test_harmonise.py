"""Rows of a dataset: what is kept, blanked, mended or set aside, and why."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_pipeline.intake.harmonise import Harmonised, harmonise
from profile_pipeline.intake.records import indicator_events_of, measure_of, subjects_of
from profile_pipeline.plan.collection import Dataset
from tests.unit.small_plan import dataset

START = date(2015, 4, 1)
CHILD = """
dated_by: {column: Date, format: "%d/%m/%Y"}
subjects:
  - forename: Forename
    surname: Surname
    date_of_birth: {column: DOB, format: "%d/%m/%Y"}
    sex: Sex
    ethnicity: Ethnicity
    postcode: Postcode
    nhs_number: NHS
    local_ids: [{column: Nominal, issuer: police}]
events:
  - indicator: missing_from_home_or_care
"""
ROW = {
    "Date": "15/05/2015",
    "Forename": "Jo",
    "Surname": "Smith",
    "DOB": "01/02/2001",
    "Sex": "F",
    "Ethnicity": "White British",
    "Postcode": "DY1 1AA",
    "NHS": "9434765919",
    "Nominal": "p1",
}


def run(own: Dataset, *rows: dict[str, str | None], quarter: str = "2015-16 Q1") -> Harmonised:
    work = pl.DataFrame(
        [[row.get(column) for column in own.columns()] for row in rows],
        schema=dict.fromkeys(own.columns(), pl.String),
        orient="row",
    ).with_columns(
        pl.lit("d/f.csv").alias("_file"),
        pl.int_range(len(rows), dtype=pl.Int64).alias("_row"),
        pl.lit(quarter).alias("_quarter"),
    )
    return harmonise(work, own, period_start=START)


def child(**changes: str | None) -> Harmonised:
    return run(dataset(CHILD), {**ROW, **changes})


def subject(result: Harmonised) -> dict[str, object]:
    return subjects_of({"d": result.rows}).row(0, named=True)


def rules(faults: pl.DataFrame) -> list[tuple[str | None, str]]:
    return faults.select("column", "rule").rows()


def test_a_good_row_is_kept_whole() -> None:
    result = child()
    found = subject(result)
    assert (found["forename"], found["surname"], found["sex"]) == ("Jo", "Smith", "female")
    assert (found["date_of_birth"], found["age_years"]) == (date(2001, 2, 1), 14)
    assert (found["ethnicity_code"], found["ethnic_group"]) == ("WBRI", "White")
    assert found["local_ids"] == ["police:P1"]
    assert result.quarantine.is_empty()
    assert result.repairs.is_empty()


@pytest.mark.parametrize(
    ("born", "value", "rule"),
    [
        ("30/02/2001", None, "impossible_date"),
        ("01/01/1900", None, "unknown_text"),
        ("1/1/1900", None, "unknown_text"),
        ("31/12/1899", None, "date_of_birth_too_early"),
        ("16/05/2015", None, "date_of_birth_in_future"),
        ("36923", date(2001, 2, 1), "excel_serial_date"),
        ("N/K", None, "unknown_text"),
        ("about ten", None, "not_a_date"),
    ],
)
def test_a_bad_date_of_birth_is_blanked_and_told_and_the_row_kept(
    born: str, value: date | None, rule: str
) -> None:
    result = child(DOB=born)
    assert subject(result)["date_of_birth"] == value
    assert rules(result.repairs) == [("DOB", rule)]
    assert result.repairs["value"].to_list() == [born]


def test_a_child_born_on_the_rows_day_is_no_fault() -> None:
    found = child(DOB="15/05/2015")
    assert subject(found)["age_years"] == 0
    assert found.repairs.is_empty()


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        ("15/05/2001", "15/05/2015", 14),
        ("16/05/2001", "15/05/2015", 13),
        ("29/02/2004", "28/02/2015", 10),
        ("29/02/2004", "01/03/2015", 11),
    ],
)
def test_age_is_reckoned_at_the_rows_date(born: str, on: str, age: int) -> None:
    assert subject(child(DOB=born, Date=on))["age_years"] == age


def test_two_digit_years_lie_in_the_past() -> None:
    own = dataset(CHILD.replace('DOB, format: "%d/%m/%Y', 'DOB, format: "%d/%m/%y'))
    result = run(
        own, {**ROW, "DOB": "01/02/01"}, {**ROW, "DOB": "01/02/68", "Nominal": "p2", "NHS": ""}
    )
    assert subjects_of({"d": result.rows})["date_of_birth"].to_list() == [date(2001, 2, 1)]
    # 1968, not 2068: an adult throughout, not a child of the future.
    assert rules(result.quarantine) == [("DOB", "adult_throughout")]


@pytest.mark.parametrize(
    ("born", "fate"), [("01/04/1997", "adult_throughout"), ("02/04/1997", None)]
)
def test_who_is_18_on_the_periods_first_day_is_an_adult_throughout(
    born: str, fate: str | None
) -> None:
    result = child(DOB=born)
    assert rules(result.quarantine) == ([("DOB", fate)] if fate else [])


@pytest.mark.parametrize("identifier", [{"NHS": "9434765919"}, {"Nominal": "p1"}])
def test_an_adults_date_contradicted_by_the_same_identifier_is_the_error(
    identifier: dict[str, str],
) -> None:
    bare = {**ROW, "NHS": "", "Nominal": "", **identifier}
    result = run(dataset(CHILD), {**bare, "DOB": "01/02/1931"}, bare)
    assert result.quarantine.is_empty()
    assert rules(result.repairs) == [("DOB", "date_of_birth_contradicted")]
    born = subjects_of({"d": result.rows})["date_of_birth"].to_list()
    assert born == [None, date(2001, 2, 1)]


def test_a_shared_blank_identifier_contradicts_nobody() -> None:
    """Two rows with `N/K` for an id are not one person: the adult stays an adult."""
    bare = {**ROW, "NHS": "N/K", "Nominal": "unknown"}
    result = run(dataset(CHILD), {**bare, "DOB": "01/02/1931"}, bare)
    assert rules(result.quarantine) == [("DOB", "adult_throughout")]


def test_a_suspect_may_be_an_adult() -> None:
    own = dataset(
        """
        subjects: [{role: suspect, forename: F, date_of_birth: {column: B, format: "%d/%m/%Y"}}]
        """
    )
    result = run(own, {"F": "Al", "B": "01/02/1971"})
    assert result.quarantine.is_empty()
    assert subject(result)["age_years"] == 44


@pytest.mark.parametrize("nothing", ["", "N/K", "-", None])
def test_a_row_that_names_nobody_is_set_aside(nothing: str | None) -> None:
    bare = dict.fromkeys(("Forename", "Surname", "DOB", "NHS", "Nominal"), nothing)
    result = child(**bare)
    assert result.rows.is_empty()
    assert (None, "no_identifier") in rules(result.quarantine)
    assert result.repairs.is_empty(), "a row set aside is not mended"


def test_a_date_of_birth_alone_names_somebody() -> None:
    result = child(Forename="", Surname="", NHS="", Nominal="")
    assert result.rows.height == 1


@pytest.mark.parametrize("nothing", ["0", "00000", "None", "N/A", "-"])
def test_what_stands_for_no_local_id_joins_nobody(nothing: str) -> None:
    assert subject(child(Nominal=nothing))["local_ids"] == []


@pytest.mark.parametrize(
    ("on", "rule"),
    [
        ("", "blank_required"),
        ("N/K", "blank_required"),
        ("31/04/2015", "impossible_date"),
        ("whenever", "not_a_date"),
    ],
)
def test_a_row_without_its_date_is_set_aside(on: str, rule: str) -> None:
    result = child(Date=on)
    assert result.rows.is_empty()
    assert rules(result.quarantine) == [("Date", rule)]


def test_required_is_required() -> None:
    own = dataset(CHILD.replace("sex: Sex", "sex: {column: Sex, required: true}"))
    result = run(own, ROW, {**ROW, "Sex": "?"})
    assert result.rows["row"].to_list() == [0]
    assert rules(result.quarantine) == [("Sex", "blank_required")]


def test_an_unknown_code_is_not_recorded_and_listed_with_a_suggestion() -> None:
    result = run(dataset(CHILD), {**ROW, "Sex": "femail"}, {**ROW, "Sex": "femail"}, ROW)
    assert subjects_of({"d": result.rows})["sex"].to_list() == [None, None, "female"]
    listed = result.unknown_values.row(0, named=True)
    assert (listed["column"], listed["value"], listed["rows"]) == ("Sex", "femail", 2)
    assert (listed["codes"], listed["suggestion"]) == ("sex", "female")
    assert rules(result.repairs) == [("Sex", "unknown_code")] * 2


def test_not_known_in_a_plans_values_is_not_recorded() -> None:
    own = dataset(
        CHILD.replace("sex: Sex", "sex: {column: Sex, values: {A: female, B: male, U: not known}}")
    )
    result = run(own, {**ROW, "Sex": "a"}, {**ROW, "Sex": "U"})
    assert subjects_of({"d": result.rows})["sex"].to_list() == ["female", None]
    assert result.unknown_values.is_empty()


def test_late_rows_belong_to_the_quarter_of_their_date() -> None:
    result = child(Date="31/03/2015")
    assert result.rows["quarter"].to_list() == ["2014-15 Q4"]
    assert indicator_events_of({"d": result.rows})["quarter"].to_list() == ["2014-15 Q4"]


def test_a_snapshot_is_dated_by_the_last_day_of_its_quarter() -> None:
    own = dataset("subjects: [{forename: F}]")
    result = run(own, {"F": "Jo"}, quarter="2015-16 Q4")
    assert result.rows.select("quarter", "date").row(0) == ("2015-16 Q4", date(2016, 3, 31))


CONDITIONS = """
subjects: [{{forename: F}}]
events:
  - indicator: looked_after
    {test}
"""


@pytest.mark.parametrize(
    ("test", "yes", "no"),
    [
        ("when: {column: A, equals: Y}", ["Y", "y ", " Y"], ["N", "Yes", "", None, "YY"]),
        ("when: {column: A, in: [C1, C2]}", ["c1", "C2"], ["C3", "C1 C2", "", None]),
        (
            "when: {column: A, has_code: [12]}",
            ["12", "7, 12", "12;7", "7|12", "7 12"],
            ["1", "2", "112", "120", "", None],
        ),
        ("when: {column: A, at_least: 3}", ["3", "3.0", "1,000"], ["2.99", "three", "", None]),
        ("when: {column: A, not_blank: true}", ["x", "0"], ["", " ", None, "N/K", "-"]),
        (
            "any_of: [{column: A, equals: X}, {column: B, equals: X}]",
            ["X"],
            ["", None, "Y"],
        ),
    ],
)
def test_conditions(test: str, yes: list[str], no: list[str | None]) -> None:
    own = dataset(CONDITIONS.format(test=test))
    result = run(own, *({"F": "Jo", "A": text} for text in [*yes, *no]))
    rows = indicator_events_of({"d": result.rows})["row"].to_list()
    assert rows == list(range(len(yes)))


def test_conditions_of_when_must_all_hold_and_one_of_any_of() -> None:
    test = (
        "when: {column: A, equals: X}\n    any_of: [{column: B, equals: X}, {column: C, equals: X}]"
    )
    cells = [("X", "X", ""), ("X", "", "X"), ("X", "", ""), ("", "X", "X")]
    result = run(
        dataset(CONDITIONS.format(test=test)),
        *({"F": "Jo", "A": a, "B": b, "C": c} for a, b, c in cells),
    )
    assert indicator_events_of({"d": result.rows})["row"].to_list() == [0, 1]


@pytest.mark.parametrize(
    ("part", "whole", "holds"),
    [
        ("10", "100", True),
        ("9", "100", False),
        ("1,000", "10,000", True),
        ("0", "0", False),
        ("5", "0", False),
        ("5", "", False),
        ("", "100", False),
        ("x", "100", False),
    ],
)
def test_a_ratio(part: str, whole: str, holds: bool) -> None:
    own = dataset(
        CONDITIONS.format(test="when: {column: A, ratio_at_least: {over: B, share: 0.1}}")
    )
    result = run(own, {"F": "Jo", "A": part, "B": whole})
    assert indicator_events_of({"d": result.rows}).height == holds


def test_an_indicator_may_have_its_own_date_and_falls_back_on_the_rows() -> None:
    own = dataset(
        CHILD.replace(
            "- indicator: missing_from_home_or_care",
            '- {indicator: looked_after, date: {column: Began, format: "%d/%m/%Y"}}',
        )
    )
    result = run(own, {**ROW, "Began": "01/07/2015"}, {**ROW, "Began": "N/K"})
    events = indicator_events_of({"d": result.rows}).select("date", "quarter").rows()
    assert events == [(date(2015, 7, 1), "2015-16 Q2"), (date(2015, 5, 15), "2015-16 Q1")]


def test_an_indicators_own_date_that_cannot_be_read_is_told() -> None:
    """Else an event silently moves to another quarter."""
    own = dataset(
        CHILD.replace(
            "- indicator: missing_from_home_or_care",
            '- {indicator: looked_after, date: {column: Began, format: "%d/%m/%Y"}}',
        )
    )
    result = run(own, {**ROW, "Began": "31/06/2015"})
    assert rules(result.repairs) == [("Began", "impossible_date")]


def test_a_row_may_speak_of_several_people() -> None:
    own = dataset(
        """
        subjects:
          - {role: child, forename: V}
          - {role: suspect, forename: S, required: false}
        events: [{indicator: cse_crime, role: child}]
        """
    )
    result = run(own, {"V": "Jo", "S": "Al"}, {"V": "Di", "S": ""}, {"V": "", "S": "Al"})
    people = subjects_of({"d": result.rows})
    assert people.select("row", "role").rows() == [(0, "child"), (0, "suspect"), (1, "child")]
    assert rules(result.quarantine) == [(None, "no_identifier")]


def test_a_measure_takes_its_fields_by_the_contracts_types() -> None:
    own = dataset(
        """
        subjects: [{forename: F}]
        reference: Ref
        events:
          - measure: missing_episode
            fields:
              category: {column: Kind, values: {M: missing}}
              reported_at: {column: At, format: "%d/%m/%Y %H:%M"}
              interview_offered: Offered
        """
    )
    result = run(
        own,
        {"F": "Jo", "Ref": "r1", "Kind": "m", "At": "01/05/2015 23:10", "Offered": "N"},
        {"F": "Di", "Ref": "", "Kind": "?", "At": "", "Offered": ""},
    )
    table = measure_of({"d": result.rows}, "missing_episode")
    assert table["category"].to_list() == ["missing", None]
    assert table["reference"].to_list() == ["r1", None]
    assert table["interview_offered"].to_list() == [False, None]
    assert str(table["reported_at"][0]) == "2015-05-01 23:10:00"


def test_postcodes_of_other_countries_may_be_taken_as_written() -> None:
    own = dataset("subjects: [{forename: F, postcode: {column: P, format: any}}]")
    assert subject(run(own, {"F": "Jo", "P": "d02 af30"}))["postcode"] == "D02 AF30"


def test_an_empty_dataset_gives_its_tables_without_rows(tmp_path: Path) -> None:
    result = run(dataset(CHILD))
    assert subjects_of({"d": result.rows}).is_empty()
    assert indicator_events_of({"d": result.rows}).is_empty()
    assert result.quarantine.is_empty()
    assert result.repairs.is_empty()


CELL = st.sampled_from(
    ["", "N/K", "01/01/1900", "01/02/2001", "01/02/1931", "31/02/2001", "36923", "Jo", "F", "p1"]
)


@settings(max_examples=12, deadline=None)
@given(
    rows=st.lists(st.fixed_dictionaries(dict.fromkeys(ROW, CELL)), min_size=1, max_size=8),
    seed=st.integers(0, 5),
)
def test_the_order_of_rows_changes_nothing(rows: list[dict[str, str]], seed: int) -> None:
    own = dataset(CHILD)
    work = pl.DataFrame(rows).with_columns(
        pl.lit("f").alias("_file"),
        pl.int_range(len(rows), dtype=pl.Int64).alias("_row"),
        pl.lit("2015-16 Q1").alias("_quarter"),
    )
    one = harmonise(work, own, period_start=START)
    other = harmonise(work.sample(fraction=1, shuffle=True, seed=seed), own, period_start=START)
    for part in ("rows", "quarantine", "repairs", "unknown_values"):
        assert getattr(one, part).equals(getattr(other, part)), part
    kept, apart = set(one.rows["row"]), set(one.quarantine["row"])
    assert kept | apart == set(range(len(rows)))
    assert not kept & apart


def test_a_missing_episode_called_missing_is_not_a_missing_value() -> None:
    """`Missing` means "not recorded" in most columns; in the police's category it is the answer."""
    own = dataset(
        """
        subjects: [{forename: F}]
        events: [{measure: missing_episode, fields: {category: Kind}}]
        """
    )
    result = run(own, *({"F": "Jo", "Kind": kind} for kind in ("Missing", "ABSENT", "N/K")))
    table = measure_of({"d": result.rows}, "missing_episode")
    assert table["category"].to_list() == ["missing", "absent", None]


CONTACTS = """
dated_by: {column: Date, format: "%d/%m/%Y"}
subjects:
  - forename: Forename
    surname: Surname
    born: {year: Year, month: Month, day: Day}
    email: E-mail
    phone: [Mobile, Home phone]
"""


@pytest.mark.parametrize(
    ("year", "month", "day", "born", "only_year"),
    [
        ("2001", "2", "1", date(2001, 2, 1), None),
        ("2001", "02", "01", date(2001, 2, 1), None),
        ("2001", None, None, None, 2001),
        ("2001", "2", "31", None, 2001),
        ("1701", None, None, None, None),
        (None, "2", "1", None, None),
    ],
)
def test_a_birth_in_three_columns(
    year: str | None, month: str | None, day: str | None, born: date | None, only_year: int | None
) -> None:
    row = {"Date": "15/05/2015", "Forename": "Jo", "Surname": "Smith"}
    found = run(dataset(CONTACTS), row | {"Year": year, "Month": month, "Day": day})
    person = subjects_of({"d": found.rows}).row(0, named=True)
    assert (person["date_of_birth"], person["birth_year"]) == (born, only_year)
    told = found.repairs.filter(pl.col("rule") == "impossible_date")
    assert len(told) == (day == "31")
    assert set(told["column"]) <= {"Year"}


def test_contacts_are_read_alike_however_they_are_written() -> None:
    row = {"Date": "15/05/2015", "Forename": "Jo", "Surname": "Smith"}
    one = {"E-mail": " Jo.Smith@Example.org", "Mobile": "07700 900123", "Home phone": "n/a"}
    two = {
        "E-mail": "jo.smith@example.org ",
        "Mobile": "+44 7700 900123",
        "Home phone": "0000000000",
    }
    found = run(dataset(CONTACTS), row | one, row | two)
    first, second = subjects_of({"d": found.rows})["contacts"].to_list()
    assert sorted(first) == sorted(second) == ["700900123", "jo.smith@example.org"]


def test_a_birth_is_given_in_one_way_only() -> None:
    with pytest.raises(ValueError, match="not both"):
        dataset(CONTACTS.replace("    born:", "    date_of_birth: DOB\n    born:"))
