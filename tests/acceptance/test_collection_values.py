"""Issue 3, point 4: messy files, cell by cell, in files of an invented charity."""

from __future__ import annotations

import openpyxl
import pytest

from tests.acceptance import collection_files as files
from tests.acceptance.collection_runs import do, mill, mill_later, out, rows, words

FIRST = "lantern/2023-24_Q1.csv"


@pytest.fixture(scope="module")
def subjects() -> dict[int, dict]:
    found = rows(
        mill().folder,
        "select row, forename, surname, other_names, date_of_birth, age_years, sex, ethnicity_code,"
        " postcode, postcode_sector, postcode_district from records.subject"
        f" where dataset = 'lantern' and file = '{FIRST}'",
    )
    return {
        row: {
            "Child's name": (forename, surname and surname.title(), other),
            "DOB": born,
            "Age": age,
            "M or F": sex,
            "Ethnic origin": ethnicity,
            "Post code": postcode,
        }
        for row, forename, surname, other, born, age, sex, ethnicity, *postcode in found
    }


@pytest.fixture(scope="module")
def place() -> dict[tuple[str, str], int]:
    return files.messy_rows()[1]


@pytest.mark.parametrize(
    ("column", "text"),
    [(column, text) for column, told in files.MESSY.items() for text in told],
)
def test_messy_cell_becomes_the_standard_value(subjects, place, column, text):
    expected = files.MESSY[column][text]
    got = subjects[place[column, text]][column]
    if column == "Post code":
        expected = list(expected)
    assert got == expected


def test_no_row_of_the_messy_file_is_lost():
    fates = rows(
        mill().folder,
        f"select fate, count(*) from quality.fate where file = '{FIRST}' group by 1",
    )
    assert fates == [("harmonised", len(files.messy_rows()[0]))]


@pytest.mark.parametrize("text", ["01/01/1900", "N/K", "not stated", "Unknown", "31/02/2009"])
def test_a_blanked_date_is_reported_as_such(place, text):
    """Unknown or impossible: the cell is on the list of what was mended, with its rule."""
    (found,) = rows(
        mill().folder,
        f"select rule, value from quality.repairs where file = '{FIRST}'"
        f" and \"column\" = 'DOB' and row = {place['DOB', text]}",
    )
    assert found[0]
    assert found[1] == text


def test_renamed_heading_is_read_by_the_plans_alias():
    (found,) = rows(
        mill().folder,
        "select upper(surname), forename from records.subject"
        " where file = 'lantern/2023-24_Q3.csv'",
    )
    assert found == ("RENAMED", "Rae")


def test_check_suggests_the_near_miss_of_a_heading():
    """'aliases in the plan, suggestions for near misses': the heading that came is named."""
    told = do("check", mill().folder).text
    about = [line for line in told.splitlines() if "Ethnic origin" in line and "lantern" in line]
    assert about
    assert any("Ethnic orgin" in line for line in told.splitlines()), about


def test_near_miss_in_every_file_is_suggested(tmp_path):
    folder = files.millbrook(tmp_path / "near")
    for path in (folder / "data/lantern").iterdir():
        text = path.read_text("utf-8-sig").splitlines()
        text[0] = text[0].replace("Ethnic origin", "Ethnic origins").replace("orgin", "origins")
        path.write_text("\n".join(text) + "\n", "utf-8")
    told = do("check", folder).text
    assert "Ethnic origins" in told, [x for x in told.splitlines() if "Ethnic origin" in x]


@pytest.mark.parametrize("column", list(files.UNKNOWN_WORDS))
def test_value_no_table_knows_is_reported_with_count_and_suggestion(column):
    text, times = files.UNKNOWN_WORDS[column]
    found = rows(
        mill().folder,
        "select dataset, rows, suggestion from quality.unknown_value"
        f" where value = '{text}' and \"column\" = '{column}'",
    )
    assert [row[:2] for row in found] == [("lantern", times)]
    assert found[0][2] in {"WBRI", "female"}


def test_unknown_values_are_in_the_analysts_workbook():
    book = openpyxl.load_workbook(out(mill().folder) / "restricted/data_quality.xlsx")
    cells = {str(cell) for page in book for row in page.iter_rows(values_only=True) for cell in row}
    assert {text for text, _ in files.UNKNOWN_WORDS.values()} <= cells


def test_partnerships_own_spelling_is_known():
    """A row in codes/<list>.csv, no code: 'in data files an analyst can extend'."""
    found = rows(
        mill().folder,
        "select s.ethnicity_code from records.subject s join received.lantern r"
        " on s.file = r._file and s.row = r._row where r.\"Ethnic origin\" like 'Boat family%'",
    )
    assert found == [("WROM",)]


def test_list_of_codes_that_no_column_uses_is_named(tmp_path):
    """A misnamed list is not passed over in silence."""
    folder = files.millbrook(tmp_path / "codes")
    files.write_csv(folder / "codes/ethnicty_text.csv", [["spelling", "code"], ["x", "WBRI"]])
    assert "ethnicty_text" in do("check", folder).text


def test_letter_names_no_value_that_may_be_a_person():
    """A value few rows hold may be a name in a slipped column; what many hold is named."""
    letter = words(out(mill().folder) / "restricted/letters/lantern.docx")
    assert "Femail" in letter


# --- levels of risk


def cohort(folder) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for quarter, level, children in rows(
        folder, "select quarter, risk_level, children from profile.cohort_by_quarter"
    ):
        found.setdefault(quarter, {})[level] = children
    return found


def expected_levels(quarter: str) -> dict[str, int]:
    """The files list each quarter's children from the lowest level to the highest."""
    levels = files.LEVELS[quarter]
    counts = [levels.count(name) for name in dict.fromkeys(levels)]
    return dict(zip(("at_risk", "significant", "serious"), counts, strict=True))


@pytest.mark.parametrize("quarter", files.QUARTERS)
def test_levels_go_by_the_plans_crosswalk(quarter):
    got = cohort(mill().folder)[quarter.replace("_", " ")]
    assert got == expected_levels(quarter) | {"all": 18}


@pytest.mark.parametrize("kind", ["html", "docx"])
def test_break_in_the_series_is_printed(kind):
    path = out(mill().folder) / f"sub_group/problem_profile.{kind}"
    text = words(path) if kind == "docx" else path.read_text("utf-8")
    assert any(
        word in sentence.lower() and "level" in sentence.lower() and "2023" in sentence
        for sentence in text.replace("\n", ". ").split(". ")
        for word in ("break", "changed")
    )


def test_levels_nobody_explained_do_not_empty_the_cohort_in_silence():
    """Without the crosswalk 18 open children of Q3 and Q4 have levels that the plan doesn't know.

    They must not be printed as nobody at risk without a word: a gap, a warning or a stop says so.
    """
    later = mill_later().folder
    counted = [cohort(later)[q.replace("_", " ")]["all"] for q in files.QUARTERS]
    told = rows(
        later,
        "select finding from profile.intelligence_gaps where finding ilike '%level%'"
        " and (finding ilike '%low%' or finding ilike '%high%' or finding ilike '%chang%'"
        " or finding ilike '%know%' or finding ilike '%2023-24 Q3%')",
    )
    assert counted == [18] * 4 or told, counted
