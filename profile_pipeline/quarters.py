"""Fiscal quarters, April to March: `2015-16 Q4` is January to March 2016.

Tables write `2015-16 Q4`, file names `2015-16_Q4`. Dates and polars expressions only; no plan here.
"""

import re
from datetime import date, timedelta

import polars as pl

LABEL = re.compile(r"(?P<year>\d{4})-(?P<next>\d{2})[ _]?Q(?P<quarter>[1-4])")


def parse_quarter(text: str) -> str:
    """Return the label (`2015-16 Q4`) for a label or file-name form; raise ValueError otherwise."""
    match = LABEL.fullmatch(text.strip())
    if match is None or (int(match["year"]) + 1) % 100 != int(match["next"]):
        raise ValueError(f"'{text}' is not a fiscal quarter such as '2015-16 Q4'")
    return f"{match['year']}-{match['next']} Q{match['quarter']}"


def quarter_of(day: date) -> str:
    """Return the label of the fiscal quarter that holds the day."""
    year = day.year if day.month >= 4 else day.year - 1
    return f"{year}-{(year + 1) % 100:02d} Q{(day.month - 4) % 12 // 3 + 1}"


def first_day(quarter: str) -> date:
    """Return the quarter's first day."""
    label = parse_quarter(quarter)
    year, number = int(label[:4]), int(label[-1])
    return date(year + 1, 1, 1) if number == 4 else date(year, 1 + 3 * number, 1)


def last_day(quarter: str) -> date:
    """Return the quarter's last day."""
    start = first_day(quarter)
    month = start.month + 3
    return (date(start.year + 1, 1, 1) if month > 12 else date(start.year, month, 1)) - timedelta(1)


def quarters_between(start: date, end: date) -> list[str]:
    """Return the labels of every quarter that has a day from start to end, in order."""
    labels = []
    day = first_day(quarter_of(start))
    while day <= end:
        labels.append(quarter_of(day))
        day = last_day(labels[-1]) + timedelta(1)
    return labels


def previous_quarter(quarter: str) -> str:
    """Return the label of the quarter before."""
    return quarter_of(first_day(quarter) - timedelta(1))


def fiscal_year(quarter: str) -> str:
    """Return the fiscal year of a quarter label: `2015-16`."""
    return parse_quarter(quarter)[:7]


def file_form(quarter: str) -> str:
    """Return the label as file names write it: `2015-16_Q4`."""
    return parse_quarter(quarter).replace(" ", "_")


def quarter_expr(day: pl.Expr) -> pl.Expr:
    """Return the label of a date column's quarter; null stays null."""
    year = day.dt.year() - (day.dt.month() < 4).cast(pl.Int32)
    number = (day.dt.month().cast(pl.Int32) + 8) % 12 // 3 + 1
    return pl.format("{}-{} Q{}", year, ((year + 1) % 100).cast(pl.String).str.zfill(2), number)
