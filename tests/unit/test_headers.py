"""Headings of a file against the plan's columns."""

import pytest

from profile_pipeline.intake.headers import (
    fold_heading,
    near,
    near_misses,
    resolve_headings,
    used_for,
)
from tests.unit.small_plan import dataset

OWN = """
dated_by: {column: Date, format: "%d/%m/%Y"}
headers: {Sex: [Gender, M or F]}
subjects:
  - {forename: Forename, surname: Surname, sex: Sex, date_of_birth: DOB}
  - {role: suspect, required: false, forename: Suspect}
events:
  - {indicator: missing_from_home_or_care, when: {column: Flag, equals: Y}}
"""
ALL = ["Date", "Sex", "Forename", "Surname", "DOB", "Suspect", "Flag"]


def without(*columns: str) -> list[str]:
    return [column for column in ALL if column not in columns]


@pytest.mark.parametrize("heading", ["sex", " SEX ", "Gender", "m  OR f", "\ufeffSex"])
def test_a_heading_is_found_by_its_name_or_alias(heading: str) -> None:
    found = resolve_headings([*without("Sex"), heading], dataset(OWN), file="f")
    assert found.found["Sex"] == heading
    assert found.missing == []


def test_the_plans_own_name_goes_before_an_alias() -> None:
    found = resolve_headings(["Gender", *ALL], dataset(OWN), file="f")
    assert found.found["Sex"] == "Sex"


def test_one_part_of_an_identity_may_be_missing() -> None:
    found = resolve_headings(without("Forename", "DOB"), dataset(OWN), file="f")
    assert found.missing == ["Forename", "DOB"]
    assert found.fatal == []


def test_without_any_identity_the_file_is_unusable() -> None:
    found = resolve_headings(without("Forename", "Surname", "DOB"), dataset(OWN), file="f.csv")
    (fatal,) = found.fatal
    assert str(fatal).startswith("f.csv: has none of the columns that say who the child is")


def test_a_person_who_is_not_required_may_be_missing_whole() -> None:
    assert resolve_headings(without("Suspect"), dataset(OWN), file="f").fatal == []


def test_without_the_column_that_dates_its_rows_the_file_is_unusable() -> None:
    found = resolve_headings([*without("Date"), "Date of report"], dataset(OWN), file="f.csv")
    assert "'Date', which dates its rows" in str(found.fatal[0])


def test_without_the_column_that_defines_its_only_event_the_rows_still_name_children() -> None:
    found = resolve_headings(without("Flag"), dataset(OWN), file="f")
    assert (found.missing, found.fatal) == (["Flag"], [])


def test_without_a_column_the_plan_requires_the_file_is_unusable() -> None:
    """Else every row is set aside by itself, and nobody is told that the quarter is lost."""
    own = dataset(OWN.replace("surname: Surname", "surname: {column: Surname, required: true}"))
    found = resolve_headings(without("Surname"), own, file="f.csv")
    assert "'Surname', which its rows can't do without" in str(found.fatal[0])
    assert resolve_headings(without("Surname"), own, file="f", given=["Surname"]).fatal == []


def test_a_column_that_another_list_gives_is_not_missed() -> None:
    found = resolve_headings(without("Sex"), dataset(OWN), file="f", given=["Sex"])
    assert found.missing == []


def test_the_nearest_heading_is_named() -> None:
    assert "'Date of Birth'" in near("Date of birht", ["Name", "Date of Birth"])
    assert "header row" in near("DOB", ["x", "y"])


def test_what_a_column_is_used_for() -> None:
    own = dataset(OWN)
    assert used_for("Sex", own) == "child's sex"
    assert used_for("Flag", own) == "indicator missing_from_home_or_care"
    assert used_for("Date", own) == "the rows' date"


def test_folding_twice_is_folding_once() -> None:
    assert fold_heading(fold_heading(" Date\u00a0 OF  birth ")) == "date of birth"


def test_cells_taken_for_headings_are_not_repeated_in_a_hint() -> None:
    """With a wrong header row the headings are someone's data: DARE is near Date."""
    found = resolve_headings(["DARE", "BOB", "01/02/2003"], dataset(OWN), file="f")
    said = " ".join(str(problem) for problem in found.fatal)
    assert "Date" in said
    assert "DARE" not in said
    assert "BOB" not in said


def test_a_near_miss_is_named_where_the_other_headings_are_known() -> None:
    headings = [*without("Forename"), "Fornames"]
    found = resolve_headings(headings, dataset(OWN), file="f")
    assert near_misses(headings, found) == {"Forename": "Fornames"}


def test_a_near_miss_is_not_named_where_the_header_row_may_be_a_childs() -> None:
    """One column that is found by chance makes no header of the row."""
    headings = ["DARE", "FORENAM", "Sex", "SURNAM", "01/02/2003"]
    found = resolve_headings(headings, dataset(OWN), file="f")
    assert near_misses(headings, found) == {}
