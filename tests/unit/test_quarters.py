"""Fiscal quarters against the calendar, day by day."""

from datetime import date, timedelta

import polars as pl
import pytest

from profile_pipeline import quarters

# One day at each end of the quarters of 2015-16, and the century's turn.
ENDS = [
    ("2015-04-01", "2015-06-30", "2015-16 Q1"),
    ("2015-07-01", "2015-09-30", "2015-16 Q2"),
    ("2015-10-01", "2015-12-31", "2015-16 Q3"),
    ("2016-01-01", "2016-03-31", "2015-16 Q4"),
    ("1999-10-01", "1999-12-31", "1999-00 Q3"),
    ("2000-01-01", "2000-03-31", "1999-00 Q4"),
    ("2009-04-01", "2009-06-30", "2009-10 Q1"),
]


@pytest.mark.parametrize(("first", "last", "label"), ENDS)
def test_a_quarter_has_its_days(first: str, last: str, label: str) -> None:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    assert quarters.quarter_of(start) == quarters.quarter_of(end) == label
    assert (quarters.first_day(label), quarters.last_day(label)) == (start, end)
    assert quarters.previous_quarter(label) == quarters.quarter_of(start - timedelta(1))
    assert quarters.quarters_between(start, end) == [label]


def test_every_day_of_years_is_in_the_quarter_of_its_label() -> None:
    """Labels and their days agree, in Python and in polars, through leap years and centuries."""
    days = pl.date_range(date(1998, 1, 1), date(2017, 12, 31), eager=True)
    labels = pl.select(quarters.quarter_expr(pl.lit(days))).to_series().to_list()
    assert labels == [quarters.quarter_of(day) for day in days]
    ends = {each: (quarters.first_day(each), quarters.last_day(each)) for each in set(labels)}
    assert all(
        ends[label][0] <= day <= ends[label][1] for label, day in zip(labels, days, strict=True)
    )


def test_no_date_has_no_quarter() -> None:
    none = pl.Series([None], dtype=pl.Date)
    assert pl.select(quarters.quarter_expr(pl.lit(none))).item() is None


@pytest.mark.parametrize("text", ["2015-16 Q4", "2015-16_Q4", " 2015-16 Q4 ", "2015-16Q4"])
def test_a_label_is_read_in_both_forms(text: str) -> None:
    assert quarters.parse_quarter(text) == "2015-16 Q4"
    assert quarters.file_form(text) == "2015-16_Q4"
    assert quarters.fiscal_year(text) == "2015-16"


@pytest.mark.parametrize("text", ["2015-17 Q4", "2015-16 Q5", "2015-16 Q0", "2015 Q4", "", "Q4"])
def test_what_is_no_quarter_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a fiscal quarter"):
        quarters.parse_quarter(text)


def test_quarters_between_are_all_in_order() -> None:
    found = quarters.quarters_between(date(2014, 6, 30), date(2015, 4, 1))
    assert found == ["2014-15 Q1", "2014-15 Q2", "2014-15 Q3", "2014-15 Q4", "2015-16 Q1"]
    assert quarters.quarters_between(date(2015, 4, 2), date(2015, 4, 1)) == ["2015-16 Q1"]
    assert quarters.quarters_between(date(2015, 7, 1), date(2015, 6, 1)) == []
