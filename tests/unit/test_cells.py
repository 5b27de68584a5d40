"""Single cells: what an agency wrote, what it becomes, which fault is told."""

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_pipeline.codes.lookup import code_list, unknown_texts
from profile_pipeline.intake import cells

UNKNOWN = unknown_texts()
UK = ("%d/%m/%Y",)


def one(frame: pl.DataFrame, *columns: str) -> tuple[object, ...]:
    return frame.select(columns or ("value", "fault")).row(0)


def raw(*texts: str | None) -> pl.Series:
    return pl.Series("raw", list(texts), dtype=pl.String)


@pytest.mark.parametrize(
    ("text", "day", "fault"),
    [
        ("31/03/2016", date(2016, 3, 31), None),
        (" 31/03/2016 ", date(2016, 3, 31), None),
        ("2016-03-31", date(2016, 3, 31), None),
        ("2016-03-31 23:59:59", date(2016, 3, 31), None),
        ("2016-03-31T23:59:59", date(2016, 3, 31), None),
        # Excel shows 42460 as 31 March 2016; 42460.75 is six in the evening.
        ("42460", date(2016, 3, 31), "excel_serial_date"),
        ("42460.75", date(2016, 3, 31), "excel_serial_date"),
        ("36526", date(2000, 1, 1), "excel_serial_date"),
        ("29/02/2016", date(2016, 2, 29), None),
        ("29/02/2015", None, "impossible_date"),
        ("31/04/2015", None, "impossible_date"),
        ("13/13/2015", None, "impossible_date"),
        ("soon", None, "not_a_date"),
        ("2016", None, "not_a_date"),
        ("12", None, "not_a_date"),
        ("N/K", None, "unknown_text"),
        ("n.k.", None, "unknown_text"),
        ("Not Known", None, "unknown_text"),
        ("01/01/1900", None, "unknown_text"),
        ("-", None, "unknown_text"),
        ("?", None, "unknown_text"),
        ("", None, None),
        ("   ", None, None),
        (None, None, None),
    ],
)
def test_dates(text: str | None, day: date | None, fault: str | None) -> None:
    assert one(cells.read_date(raw(text), UK, UNKNOWN)) == (day, fault)


def test_formats_are_tried_in_the_plans_order() -> None:
    american_first = cells.read_date(raw("03/04/2016"), ("%m/%d/%Y", "%d/%m/%Y"), UNKNOWN)
    british_first = cells.read_date(raw("03/04/2016"), ("%d/%m/%Y", "%m/%d/%Y"), UNKNOWN)
    assert american_first["value"][0] == date(2016, 3, 4)
    assert british_first["value"][0] == date(2016, 4, 3)


def test_a_mixed_column_is_read_cell_by_cell() -> None:
    read = cells.read_date(raw("1/4/2015", "42461", "02-Apr-15"), ("%d/%m/%Y", "%d-%b-%y"), UNKNOWN)
    assert read["value"].to_list() == [date(2015, 4, 1), date(2016, 4, 1), date(2015, 4, 2)]


def test_two_digit_years_are_not_taken_for_the_first_century() -> None:
    """`%Y` must not read 31/03/15 as a day of the year 15, nor stand in the way of `%y`."""
    both = ("%d/%m/%Y", "%d/%m/%y")
    assert one(cells.read_date(raw("31/03/15"), both, UNKNOWN)) == (date(2015, 3, 31), None)
    assert one(cells.read_date(raw("31/03/15"), UK, UNKNOWN)) == (None, "impossible_date")
    assert one(cells.read_date(raw("31/03/15"), ("%d/%m/%y",), UNKNOWN)) == (
        date(2015, 3, 31),
        None,
    )


def test_a_time_of_day_is_kept_for_moments() -> None:
    read = cells.read_moment(raw("31/03/2016 23:30", "42460.5"), ("%d/%m/%Y %H:%M",), UNKNOWN)
    assert read["value"].to_list() == [datetime(2016, 3, 31, 23, 30), datetime(2016, 3, 31, 12)]


@pytest.mark.parametrize(
    ("text", "code", "fault"),
    [
        ("WBRI", "WBRI", None),
        ("white british", "WBRI", None),
        ("White  -  British", "WBRI", None),
        ("[WBRI] anything the agency adds", "WBRI", None),
        ("Not known", None, None),
        ("", None, None),
        ("Martian", None, "unknown_code"),
    ],
)
def test_codes(text: str, code: str | None, fault: str | None) -> None:
    assert one(cells.read_code(raw(text), code_list("ethnicity_text"), UNKNOWN)) == (code, fault)


@pytest.mark.parametrize(
    ("text", "flag"),
    [("Y", True), ("yes", True), ("N", False), ("No", False), ("N/K", None), ("", None)],
)
def test_a_flag_not_recorded_is_not_no(text: str, flag: bool | None) -> None:
    assert cells.read_flag(raw(text), code_list("yes_no"), UNKNOWN)["value"][0] is flag


@pytest.mark.parametrize(
    ("text", "value", "sector", "district", "fault"),
    [
        ("DY1 1AA", "DY1 1AA", "DY1 1", "DY1", None),
        ("dy11aa", "DY1 1AA", "DY1 1", "DY1", None),
        ("DY11 1AA", "DY11 1AA", "DY11 1", "DY11", None),
        ("DY1-1AA", "DY1 1AA", "DY1 1", "DY1", None),
        ("EC1A 1BB", "EC1A 1BB", "EC1A 1", "EC1A", None),
        ("DY1 OAA", "DY1 0AA", "DY1 0", "DY1", "postcode_mended"),
        ("DY1 IAA", "DY1 1AA", "DY1 1", "DY1", "postcode_mended"),
        ("DY1 1", None, "DY1 1", "DY1", None),
        ("DY11", None, None, "DY11", None),
        ("DY1", None, None, "DY1", None),
        ("Flat 3", None, None, None, "not_a_postcode"),
        ("DY1 1A", None, None, None, "not_a_postcode"),
        # The NHS's code for no fixed abode, and the words: no fault of the agency's.
        ("ZZ99 3VZ", None, None, None, "no_fixed_abode"),
        ("NFA", None, None, None, "no_fixed_abode"),
        ("12 High St, Smallton, DY1 1AA", "DY1 1AA", "DY1 1", "DY1", "postcode_in_text"),
        ("DY1 1AA or DY2 2BB", None, None, None, "not_a_postcode"),
        # C, I, K, M, O and V are never in a unit.
        ("DY1 1CK", None, None, None, "not_a_postcode"),
        ("unknown", None, None, None, "unknown_text"),
        ("", None, None, None, None),
    ],
)
def test_postcodes(
    text: str, value: str | None, sector: str | None, district: str | None, fault: str | None
) -> None:
    read = cells.read_postcode(raw(text), UNKNOWN)
    assert one(read, "value", "sector", "district", "fault") == (value, sector, district, fault)


@pytest.mark.parametrize(
    ("text", "number", "fault"),
    [
        ("943 476 5919", "9434765919", None),
        ("943-476-5919", "9434765919", None),
        ("9434765919.0", "9434765919", None),
        ("0034765919", "0034765919", None),
        ("94347659", None, "not_an_nhs_number"),
        ("94347659191", None, "not_an_nhs_number"),
        ("0", None, "not_an_nhs_number"),
        ("N/K", None, "unknown_text"),
        ("", None, None),
    ],
)
def test_nhs_numbers(text: str, number: str | None, fault: str | None) -> None:
    assert one(cells.read_nhs_number(raw(text), UNKNOWN)) == (number, fault)


@pytest.mark.parametrize("digit", "0123456789")
def test_a_run_of_one_digit_identifies_nobody(digit: str) -> None:
    """1111111111 even has a right check digit; typed for a number, it would join strangers."""
    assert one(cells.read_nhs_number(raw(digit * 10), UNKNOWN)) == (None, "not_an_nhs_number")


@pytest.mark.parametrize(
    ("text", "upn", "fault"),
    [
        ("A332201200001", "A332201200001", None),
        ("a332201200001", "A332201200001", None),
        ("A33220120000X", "A33220120000X", None),
        ("A33220120", None, "not_a_upn"),
        ("UN1", None, "unknown_text"),
        ("", None, None),
    ],
)
def test_upns(text: str, upn: str | None, fault: str | None) -> None:
    assert one(cells.read_upn(raw(text), UNKNOWN)) == (upn, fault)


@pytest.mark.parametrize(
    ("text", "order", "surname", "forename", "alias"),
    [
        ("SMITH, Jo", "SURNAME, Forename", "SMITH", "Jo", None),
        ("SMITH, Jo Anne (aka Jojo)", "SURNAME, Forename", "SMITH", "Jo Anne", "Jojo"),
        ("SMITH, Jo aka Jojo", "SURNAME, Forename", "SMITH", "Jo", "Jojo"),
        ("SMITH, Jo a.k.a. Jojo", "SURNAME, Forename", "SMITH", "Jo", "Jojo"),
        ("SMITH (née JONES), Jo", "SURNAME, Forename", "SMITH", "Jo", "JONES"),
        ("SMITH", "SURNAME, Forename", "SMITH", None, None),
        ("Jo Smith", "Forename Surname", "Smith", "Jo", None),
        ("Jo Anne Smith", "Forename Surname", "Smith", "Jo Anne", None),
        ("Smith, Jo", "Forename Surname", "Smith", "Jo", None),
        ("Jo", "Forename Surname", None, "Jo", None),
        ("O'Neill-Ahmed, Zoë", "SURNAME, Forename", "O'Neill-Ahmed", "Zoë", None),
        ("Akanji, Baka", "SURNAME, Forename", "Akanji", "Baka", None),
        ("unknown", "SURNAME, Forename", None, None, None),
    ],
)
def test_full_names(
    text: str, order: str, surname: str | None, forename: str | None, alias: str | None
) -> None:
    read = cells.read_full_name(raw(text), order, UNKNOWN)
    assert one(read, "surname", "forename", "alias") == (surname, forename, alias)


@pytest.mark.parametrize(
    ("text", "age", "fault"),
    [
        ("14", 14, None),
        ("14.0", 14, None),
        ("0", 0, None),
        ("14.5", None, "not_an_age"),
        ("-1", None, "not_an_age"),
        ("121", None, "not_an_age"),
        ("fourteen", None, "not_an_age"),
        ("N/K", None, "unknown_text"),
    ],
)
def test_ages(text: str, age: int | None, fault: str | None) -> None:
    assert one(cells.read_age(raw(text), UNKNOWN)) == (age, fault)


@pytest.mark.parametrize(
    ("text", "number", "fault"),
    [
        ("1,234.5", 1234.5, None),
        ("nan", None, "unknown_text"),
        ("inf", None, "not_a_number"),
        ("1e400", None, "not_a_number"),
        ("12x", None, "not_a_number"),
        ("", None, None),
    ],
)
def test_numbers(text: str, number: float | None, fault: str | None) -> None:
    assert one(cells.read_number(raw(text), UNKNOWN)) == (number, fault)


def test_control_characters_go_and_are_told() -> None:
    read = cells.read_text(raw("Jo\x00anne", "Jo\tanne", "Jo\u200banne"), UNKNOWN)
    assert read["value"].to_list() == ["Joanne", "Jo anne", "Joanne"]
    assert read["fault"].to_list() == ["control_characters", None, None]


def test_codes_in_one_cell_are_split() -> None:
    read = cells.read_codes(raw("7a, 7B;12|3", None, ""))
    assert read["value"].to_list() == [["7A", "7B", "12", "3"], None, None]


READERS = [
    lambda s: cells.read_text(s, UNKNOWN),
    lambda s: cells.read_category(s, UNKNOWN),
    cells.read_free_text,
    lambda s: cells.read_moment(s, ("%d/%m/%Y", "%d/%m/%y", "%d/%m/%Y %H:%M"), UNKNOWN),
    lambda s: cells.read_date(s, UK, UNKNOWN),
    lambda s: cells.read_code(s, code_list("sex"), UNKNOWN),
    lambda s: cells.read_flag(s, code_list("yes_no"), UNKNOWN),
    lambda s: cells.read_number(s, UNKNOWN),
    lambda s: cells.read_age(s, UNKNOWN),
    lambda s: cells.read_postcode(s, UNKNOWN),
    lambda s: cells.read_nhs_number(s, UNKNOWN),
    lambda s: cells.read_upn(s, UNKNOWN),
    cells.read_codes,
    lambda s: cells.read_full_name(s, "SURNAME, Forename", UNKNOWN),
    lambda s: cells.read_full_name(s, "Forename Surname", UNKNOWN),
]


@settings(max_examples=15, deadline=None)
@given(
    texts=st.lists(
        st.none() | st.text(max_size=20) | st.from_regex(r"[0-9]{1,12}([./-][0-9]{1,6}){0,3}"),
        max_size=6,
    )
)
def test_any_text_is_read_or_told_never_raised(texts: list[str | None]) -> None:
    """Every reader keeps the height, knows its faults' words, and is the same cell by cell."""
    for reader in READERS:
        read = reader(raw(*texts))
        assert read.height == len(texts)
        assert set(read["fault"].drop_nulls()) <= set(cells.REASONS)
        alone = [reader(raw(text)) for text in texts]
        assert read.rows() == [row for frame in alone for row in frame.rows()]
