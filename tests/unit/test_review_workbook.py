"""The clerical review workbook: what a reviewer sees, and what must not sway or mislead them."""

import io

import openpyxl
import polars as pl
import pytest

from profile_pipeline import tables
from reports.review import FIELDS, clerical_review

A, B = "a" * 32, "b" * 32


def pairs(**more: object) -> pl.DataFrame:
    """One pair of twins-or-not, as people.review_queue and people.review_sample hold it."""
    row: dict[str, object] = {f"{field}_{side}": None for field in FIELDS for side in "ab"}
    row |= {
        "identity_a": A, "identity_b": B, "match_weight": 4.25, "decision": "refused",
        "reason": "forenames are different names", "speaks_for": "same surname (+9.3)",
        "speaks_against": "different forename (-5.0)", "records": 12, "role": "child",
        "forename_a": "=HYPERLINK(1)", "forename_b": "aysha", "surname_a": "khan",
        "surname_b": "khan", "dob_a": "20010517", "postcode_b": "DY1 1AA",
        "linked": True, "band": 3,
        "other_names_a": ["pinky"], "other_names_b": [],
    } | more  # fmt: skip
    return pl.DataFrame([row])


IDENTITY = pl.DataFrame(
    {
        "dataset": ["school"] * 3, "file": ["school/q1.csv"] * 3, "row": [4, 9, 5],
        "role": ["child"] * 3, "record_id": ["x", "y", "z"], "identity": [A, A, B],
        "cluster": [A, A, B], "too_little": [False] * 3, "alone": [False] * 3,
    }
)  # fmt: skip
ACCURACY = tables.empty(tables.LINKAGE_ACCURACY)


@pytest.fixture(scope="module")
def book() -> openpyxl.Workbook:
    place = pl.DataFrame(
        [("school", "school/q1.csv", 0, 2)], schema=tables.FILE_ROWS.polars_schema, orient="row"
    )
    content = clerical_review(pairs(), pairs(), IDENTITY, ACCURACY, file_row=place)
    return openpyxl.load_workbook(io.BytesIO(content))


def opened(queue: pl.DataFrame, **more: pl.DataFrame) -> openpyxl.Workbook:
    content = clerical_review(queue, queue, IDENTITY, ACCURACY, **more)
    return openpyxl.load_workbook(io.BytesIO(content))


def row(book: openpyxl.Workbook, sheet: str) -> dict[str, openpyxl.cell.Cell]:
    page = book[sheet]
    return {str(head.value): cell for head, cell in zip(page[1], page[2], strict=True)}


def test_a_difference_is_marked_by_colour_and_by_word_and_a_blank_is_none(
    book: openpyxl.Workbook,
) -> None:
    cells = row(book, "Review")
    assert cells["differs"].value.startswith("forename; given by one only: ")
    assert "date of birth" in cells["differs"].value.split("only: ")[1]
    shaded = cells["forename b"].fill.start_color.rgb
    assert shaded != cells["surname b"].fill.start_color.rgb
    assert shaded == cells["forename a"].fill.start_color.rgb


def test_every_row_behind_an_identity_is_named(book: openpyxl.Workbook) -> None:
    assert row(book, "Review")["rows of a"].value == (
        "school, school/q1.csv, row 6 of the file\nschool, school/q1.csv, row 11 of the file"
    )


def test_an_identity_of_many_rows_says_how_many_more() -> None:
    many = pl.concat([IDENTITY.head(1).with_columns(pl.lit(i).alias("row")) for i in range(15)])
    content = clerical_review(pairs(), pairs(), many, ACCURACY)
    said = row(openpyxl.load_workbook(io.BytesIO(content)), "Review")["rows of a"].value
    assert said.endswith("record 12 of the file\nand 3 more (people.identity)")


def test_the_sample_is_blind(book: openpyxl.Workbook) -> None:
    text = {str(cell.value) for line in book["Sample"].iter_rows() for cell in line}
    assert not {"4.25", "same surname (+9.3)", "refused", "match weight", "True"} & text
    assert not any("forenames are different" in one for one in text)


def test_a_formula_in_a_name_stays_text(book: openpyxl.Workbook) -> None:
    cell = row(book, "Review")["forename a"]
    assert cell.data_type == "s"
    assert cell.value == "'=HYPERLINK(1)"


def test_nothing_is_hidden_and_decisions_have_a_list(book: openpyxl.Workbook) -> None:
    for page in book:
        assert page.sheet_state == "visible"
        assert not any(dim.hidden for dim in page.column_dimensions.values())
    rules = book["Review"].data_validations.dataValidation
    assert rules[0].formula1 == '"same,different,can\'t tell"'


def test_the_same_pairs_give_the_same_bytes() -> None:
    first = clerical_review(pairs(), pairs(), IDENTITY, ACCURACY)
    assert first == clerical_review(pairs(), pairs(), IDENTITY.reverse(), ACCURACY)


def test_no_pairs_still_make_a_workbook() -> None:
    content = clerical_review(pairs().clear(), pairs().clear(), IDENTITY, ACCURACY)
    assert openpyxl.load_workbook(io.BytesIO(content))["Review"].max_row == 1


def test_rows_are_told_as_the_agency_s_program_shows_them() -> None:
    # Blank rows stand before the second; where the first stands is not certain.
    place = pl.DataFrame(
        [("school", "school/q1.csv", 5, 3)], schema=tables.FILE_ROWS.polars_schema, orient="row"
    )
    content = clerical_review(pairs(), pairs(), IDENTITY, ACCURACY, file_row=place)
    said = row(openpyxl.load_workbook(io.BytesIO(content)), "Review")["rows of a"].value
    first, second = said.split("\n")
    assert first == "school, school/q1.csv, record 5 of the file"
    assert second == "school, school/q1.csv, row 12 of the file"


def test_a_number_of_another_record_stands_beside_the_one_it_differs_from() -> None:
    numbers = {"nhs_a": "9434765919", "nhs_b": "9434765870 (another record)"}
    content = clerical_review(pairs(**numbers), pairs(), IDENTITY, ACCURACY)
    cells = row(openpyxl.load_workbook(io.BytesIO(content)), "Review")
    assert "NHS number" in cells["differs"].value.split(";")[0]
    same = {"nhs_a": "9434765919", "nhs_b": "9434765919 (another record)"}
    content = clerical_review(pairs(**same), pairs(), IDENTITY, ACCURACY)
    cells = row(openpyxl.load_workbook(io.BytesIO(content)), "Review")
    assert "NHS number" not in cells["differs"].value


def test_stopping_says_how_wide_the_limits_would_be() -> None:
    limits = {"pairs": [50], "precision_lower": [0.9], "precision_upper": [1.0]}
    stopping = pl.DataFrame(limits | {"recall_lower": [0.95], "recall_upper": [0.99]})
    content = clerical_review(pairs(), pairs(), IDENTITY, ACCURACY, stopping)
    text = [str(c.value) for c in openpyxl.load_workbook(io.BytesIO(content))["Notice"]["A"]]
    assert any("after 50 pairs: precision 0.900 to 1.000 (width 0.100)" in one for one in text)


def test_every_decision_is_listed_with_who_when_and_why_what_does_not_count_first() -> None:
    row = {
        "identity_a": A, "identity_b": B, "decision": "same", "who": "A Analyst",
        "decided_on": "2016-04-20", "why": "=looked up", "source": "typed", "superseded": "",
        "applied_a": A, "applied_b": B, "state": "counts",
    }  # fmt: skip
    refused = row | {"decision": "different", "state": "contradicts another decision"}
    content = clerical_review(
        pairs(), pairs(), IDENTITY, ACCURACY, decisions=pl.DataFrame([row, refused])
    )
    page = openpyxl.load_workbook(io.BytesIO(content))["Decisions"]
    lines = [[cell.value for cell in line] for line in page.iter_rows(min_row=2)]
    assert [line[0] for line in lines] == ["contradicts another decision", "counts"]
    assert lines[1][1:5] == ["same", "A Analyst", "2016-04-20", "'=looked up"]


def test_what_stands_in_for_a_postcode_or_a_birth_is_shown_as_weights_rest_on_it() -> None:
    """A sexual health record gives a sector alone, a project's an age alone."""
    told = {
        "sector_a": "DY1 1", "born_from_b": "2001-01-02", "born_to_b": "2002-01-01",
    }  # fmt: skip
    cells = row(opened(pairs(**told)), "Review")
    assert cells["postcode a"].value == "DY1 1 (sector)"
    assert cells["date of birth b"].value == "2001-01-02 to 2002-01-01 (by age or year)"
    assert "postcode" not in cells["differs"].value
    assert "date of birth" not in cells["differs"].value
    told = {"sector_a": "DY2 9", "born_from_b": "1999-01-02", "born_to_b": "2000-01-01"}
    differs = row(opened(pairs(**told)), "Review")["differs"].value.split(";")[0]
    assert differs == "forename, date of birth, postcode"


def test_a_pair_to_review_names_the_persons_to_explain_and_the_samples_stay_blind() -> None:
    persons = pl.DataFrame({"identity": [A, B], "person_id": ["C000001", "C000002"]})
    book = opened(pairs(), persons=persons)
    cells = row(book, "Review")
    assert (cells["person a"].value, cells["person b"].value) == ("C000001", "C000002")
    assert "person a" not in row(book, "Sample")


def test_a_decision_points_to_the_rows_it_is_about() -> None:
    decided = {
        "identity_a": A, "identity_b": B, "decision": "same", "who": "AB",
        "decided_on": "2016-04-30", "why": "", "source": "mine.xlsx, sheet Review",
        "superseded": "", "applied_a": None, "applied_b": None,
        "state": "contradicts another decision",
    }  # fmt: skip
    cells = row(opened(pairs(), decisions=pl.DataFrame([decided])), "Decisions")
    assert "school, school/q1.csv, record 5 of the file" in cells["rows of a"].value
    assert "record 6 of the file" in cells["rows of b"].value


def test_rows_are_as_high_as_their_text_though_a_program_does_not_see_to_it() -> None:
    """LibreOffice prints wrapped lines over one another where a file tells no height."""
    book = opened(pairs())
    heights = [book["Notice"].row_dimensions[line].height for line in range(3, 8)]
    assert all(height and height >= 30 for height in heights)
    assert book["Review"].row_dimensions[2].height >= 30


def test_the_limits_are_of_pairs_yet_to_decide_where_some_are_decided() -> None:
    figure = dict.fromkeys(tables.LINKAGE_ACCURACY.polars_schema) | {
        "dimension": "all", "category": "all", "measure": "precision", "value": 0.99,
        "lower": 0.9, "upper": 1.0, "pairs_decided": 40,
    }  # fmt: skip
    accuracy = pl.DataFrame([figure], schema=tables.LINKAGE_ACCURACY.polars_schema)
    stopping = pl.DataFrame(
        [(25, 0.9, 1.0, 0.9, 1.0)],
        schema=["pairs", "precision_lower", "precision_upper", "recall_lower", "recall_upper"],
        orient="row",
    )
    for known, said in ((accuracy, "after 25 more pairs"), (accuracy.clear(), "after 25 pairs")):
        content = clerical_review(pairs(), pairs(), IDENTITY, known, stopping)
        notice = openpyxl.load_workbook(io.BytesIO(content))["Notice"]
        assert any(str(cell.value).startswith(said) for cell in notice["A"])
