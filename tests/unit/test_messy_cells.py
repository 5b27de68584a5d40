"""Cells as agencies write them, against what a careful person would read; else blank and told."""

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_pipeline.codes.lookup import code_list, unknown_texts
from profile_pipeline.intake import cells
from profile_pipeline.intake.harmonise import harmonise
from tests.unit.small_plan import dataset

UNKNOWN = unknown_texts()
UK, US = ("%d/%m/%Y",), ("%m/%d/%Y",)
OTHER = "date_in_another_form"


def raw(*texts: str | None) -> pl.Series:
    return pl.Series("raw", list(texts), dtype=pl.String)


@pytest.mark.parametrize(
    ("text", "formats", "day", "fault"),
    [
        ("12 March 2015", UK, date(2015, 3, 12), OTHER),
        ("12th March 2015", UK, date(2015, 3, 12), OTHER),
        ("Thursday, 12 March 2015", UK, date(2015, 3, 12), OTHER),
        ("March 12, 2015", UK, date(2015, 3, 12), OTHER),
        ("12-Sept-2015", UK, date(2015, 9, 12), OTHER),
        ("12Mar2015", UK, date(2015, 3, 12), OTHER),
        ("12.03.2015", UK, date(2015, 3, 12), OTHER),
        ("12-03-2015", UK, date(2015, 3, 12), OTHER),
        ("12/03/2015 00:00:00", UK, date(2015, 3, 12), OTHER),
        ("12/03/2015 10:30 PM", UK, date(2015, 3, 12), OTHER),
        ("2015/03/12", UK, date(2015, 3, 12), OTHER),
        ("20150312", UK, date(2015, 3, 12), OTHER),
        ("2015-03-12T10:00:00.123", UK, date(2015, 3, 12), OTHER),
        # An hour before midnight in Greenwich is the next day by English clocks in summer.
        ("2015-06-30T23:30:00Z", UK, date(2015, 7, 1), OTHER),
        ("2015-07-01T00:30:00+01:00", UK, date(2015, 7, 1), OTHER),
        ("2015-12-31T23:30:00Z", UK, date(2015, 12, 31), OTHER),
        # The plan's order holds for every separator, and is never turned round.
        ("03-04-2015", US, date(2015, 3, 4), OTHER),
        ("03-04-2015", UK, date(2015, 4, 3), OTHER),
        ("12/13/2015", UK, None, "impossible_date"),
        ("13/12/2015", US, None, "impossible_date"),
        # Without an order in the plan, only a day that can be no month tells it.
        ("13/12/2015", ("%d-%b-%Y",), date(2015, 12, 13), OTHER),
        ("12/12/2015", ("%d-%b-%Y",), date(2015, 12, 12), OTHER),
        ("03/04/2015", ("%d-%b-%Y",), None, "impossible_date"),
        # Two digits of a year only where the plan has them.
        ("12-Mar-15", UK, None, "impossible_date"),
        ("12-Mar-15", ("%d/%m/%y",), date(2015, 3, 12), OTHER),
        ("12.3.15", ("%d/%m/%y",), date(2015, 3, 12), OTHER),
        ("March 2015", UK, None, "not_a_date"),
        ("2015", UK, None, "not_a_date"),
        ("20101912", UK, None, "not_a_date"),
        ("31 June 2015", UK, None, "impossible_date"),
        ("12/03/2015 25:00", UK, None, "impossible_date"),
        ("31/12/9999", UK, None, "unknown_text"),
        ("30/12/1899", UK, None, "unknown_text"),
    ],
)
def test_dates_in_other_forms(
    text: str, formats: tuple[str, ...], day: date | None, fault: str | None
) -> None:
    assert cells.read_date(raw(text), formats, UNKNOWN).row(0) == (day, fault)


@settings(max_examples=60, deadline=None)
@given(
    day=st.dates(date(1900, 1, 2), date(2199, 12, 31)),
    form=st.sampled_from(["%d-%m-%Y", "%d.%m.%Y %H:%M", "%-d %B %Y", "%Y/%m/%d", "%A %d %b %Y"]),
)
def test_a_date_in_another_form_is_the_day_that_was_written(day: date, form: str) -> None:
    read = cells.read_date(raw(datetime(day.year, day.month, day.day).strftime(form)), UK, UNKNOWN)
    assert read.row(0) == (day, OTHER)


def test_a_moment_in_another_form_keeps_its_time() -> None:
    read = cells.read_moment(
        raw("12/03/2015 10:30:05 pm", "2015-06-30T23:30:00Z", "12/03/2015"),
        ("%d/%m/%Y %H:%M",),
        UNKNOWN,
    )
    assert read["value"].to_list() == [
        datetime(2015, 3, 12, 22, 30, 5),
        datetime(2015, 7, 1, 0, 30),
        datetime(2015, 3, 12),
    ]


@pytest.mark.parametrize(
    ("text", "age", "fault"),
    [
        ("10y 4m", 10, "age_in_words"),
        ("15 yrs", 15, "age_in_words"),
        ("15 years old", 15, "age_in_words"),
        ("8 months", 0, "age_in_words"),
        ("14-15", None, "not_an_age"),
        ("y", None, "not_an_age"),
        ("200 years", None, "not_an_age"),
    ],
)
def test_ages_in_words(text: str, age: int | None, fault: str) -> None:
    assert cells.read_age(raw(text), UNKNOWN).row(0) == (age, fault)


SF, FS = "SURNAME, Forename", "Forename Surname"


@pytest.mark.parametrize(
    ("text", "order", "surname", "forename", "alias"),
    [
        ("Mr John Smith", SF, "Smith", "John", None),
        ("Mr John Smith", FS, "Smith", "John", None),
        ("SMITH, Master John", SF, "SMITH", "John", None),
        ("Miss SMITH, Jane", SF, "SMITH", "Jane", None),
        ("Master, John", SF, "Master", "John", None),
        ("SMITH John", SF, "SMITH", "John", None),
        ("John SMITH", SF, "SMITH", "John", None),
        ("SMITH John", FS, "SMITH", "John", None),
        ("Jan van der BERG", FS, "van der BERG", "Jan", None),
        ("van der BERG, Jan", SF, "van der BERG", "Jan", None),
        ("SMITH; John", SF, "SMITH", "John", None),
        ("SMITH, Jane née Brown", SF, "SMITH", "Jane", "Brown"),
        ("SMITH nee BROWN, Jane", SF, "SMITH", "Jane", "BROWN"),
        ("SMITH, Jane formerly Brown", SF, "SMITH", "Jane", "Brown"),
        ("SMITH, John - known as Jack", SF, "SMITH", "John", "Jack"),
        ("Nee, Lin", SF, "Nee", "Lin", None),
        ("Lin Nee Tan", FS, "Tan", "Lin Nee", None),
        ("SMITH, Jane 'Janey'", SF, "SMITH", "Jane", "Janey"),
        ('SMITH, Jane "Janey"', SF, "SMITH", "Jane", "Janey"),
        ("O'BRIEN, D'Arcy", SF, "O'BRIEN", "D'Arcy", None),
        # A remark in brackets is no other name: it would make strangers alike.
        ("SMITH, John (deceased)", SF, "SMITH", "John", None),
        ("SMITH, John (twin 1)", SF, "SMITH", "John", None),
        ("SMITH, John (Jack)", SF, "SMITH", "John", "Jack"),
        ("UNKNOWN, Unknown", SF, None, None, None),
        ("Unknown male", FS, None, None, None),
        ("SMITH, Unknown", SF, "SMITH", None, None),
        ("SMITH, Baby", SF, "SMITH", None, None),
        ("SMITH, unborn baby", SF, "SMITH", None, None),
        ("Child, Lee", SF, "Child", "Lee", None),
    ],
)
def test_names_in_one_column(
    text: str, order: str, surname: str | None, forename: str | None, alias: str | None
) -> None:
    read = cells.read_full_name(raw(text), order, UNKNOWN)
    assert read.select("surname", "forename", "alias").row(0) == (surname, forename, alias)


@pytest.mark.parametrize(
    ("text", "value", "alias", "fault"),
    [
        ("Miss Jane", "Jane", None, None),
        ("SMITH (nee BROWN)", "SMITH", "BROWN", None),
        ("Jonathan (Jonny)", "Jonathan", "Jonny", None),
        ("Child", "Child", None, None),
        ("Baby", None, None, "unknown_text"),
        ("Unknown Unknown", None, None, "unknown_text"),
    ],
)
def test_names_in_their_own_columns(
    text: str, value: str | None, alias: str | None, fault: str | None
) -> None:
    assert cells.read_name_part(raw(text), UNKNOWN).row(0) == (value, alias, fault)


SEX, WORDS = "sex", "ethnicity_text"


@pytest.mark.parametrize(
    ("text", "codes", "value", "fault"),
    [
        ("1 - Male", SEX, "male", None),
        ("b) Female", SEX, "female", None),
        ("2.0", SEX, "female", None),
        ("Male (1)", SEX, "male", None),
        ("9 - Indeterminate", SEX, None, None),
        ("Trans male", SEX, None, None),
        # Code and words that contradict each other are asked about, not chosen between.
        ("1 - Female", SEX, None, "unknown_code"),
        ("Not male", SEX, None, "unknown_code"),
        ("A1 - White - British", WORDS, "WBRI", None),
        ("(A.A1) White - British", WORDS, "WBRI", None),
        ("WBRI - White British (101)", WORDS, "WBRI", None),
        ("White - British [WBRI]", WORDS, "WBRI", None),
        ("APKN Pakistani", WORDS, "APKN", None),
        ("Mixed/Multiple ethnic groups: White and Asian", WORDS, "MWAS", None),
        ("Asian, Asian British or Asian Welsh: Chinese", WORDS, "CHNE", None),
        ("Other ethnic group: Arab", WORDS, "OOTH", None),
        ("NOBT - Information not yet obtained", WORDS, None, None),
        ("Not Pakistani", WORDS, None, "unknown_code"),
        ("WBRI - Pakistani", WORDS, None, "unknown_code"),
        # A is White British in the NHS's list and Asian in a police force's; W, B, O as well.
        ("A", WORDS, None, "unknown_code"),
        ("B", WORDS, None, "unknown_code"),
        # An ethnic group in law, nearly all of Indian background; other religions tell no group.
        ("Sikh", WORDS, "AIND", None),
        ("Jewish", WORDS, None, "unknown_code"),
    ],
)
def test_codes_with_words(text: str, codes: str, value: str | None, fault: str | None) -> None:
    assert cells.read_code(raw(text), code_list(codes), UNKNOWN).row(0) == (value, fault)


def test_words_in_a_column_of_codes_and_ids_that_a_spreadsheet_spoilt() -> None:
    child = dataset(
        """
        subjects:
          - role: child
            ethnicity: {column: Eth, codes: ethnicity_nhs}
            local_ids: [{column: Id, issuer: council}]
        """
    )
    eth = ["A", "A - White British", "Pakistani", "R Chinese", "Martian", "K - Pakistani"]
    ids = ["7", "7.0", "1.23457E+09", "0007", "E07", "12E5"]
    work = pl.DataFrame(
        {"Eth": eth, "Id": ids, "_file": "f", "_row": range(6), "_quarter": "2015-16 Q1"}
    )
    found = harmonise(work, child, period_start=date(2015, 4, 1))
    assert found.rows["child__ethnicity_code"].to_list() == ["WBRI", "WBRI", "CHNE", None, None]
    assert found.rows["child__local_ids"].to_list() == [
        ["council:7"],
        ["council:7"],
        # The third row had its digits cut, which would have made strangers one child.
        ["council:0007"],
        ["council:E07"],
        ["council:12E5"],
    ]
    assert found.quarantine.select("row", "rule").rows() == [(2, "no_identifier")]
    repairs = found.repairs.select("row", "column", "rule").rows()
    assert repairs == [
        (1, "Id", "number_mended"),
        (4, "Eth", "unknown_code"),
        (5, "Eth", "unknown_code"),  # K is Bangladeshi in that list
    ]
    assert found.unknown_values.select("value", "rows", "suggestion").rows() == [
        ("K - Pakistani", 1, None),
        ("Martian", 1, None),
    ]


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("5 - always reliable", "5"),
        ("1 - known to be true", "1"),
        ("5 (suspected to be false)", "5"),
        ("Don't know", "dont_know"),
        ("5 - unreliable", None),  # number and words contradict each other
    ],
)
def test_a_grade_may_come_with_its_meaning(text: str, grade: str | None) -> None:
    read = cells.read_code(raw(text), code_list("report_grade"), UNKNOWN)
    assert read["value"].to_list() == [grade]
