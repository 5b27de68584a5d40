"""Dates that are written otherwise than the plan says, where they can be read in one way only.

A time behind the day, ISO with fractions and zone, a month by its name, the year first, other
separators. Day and month are never exchanged on a guess: their order is the plan's, and where the
plan has none a date is read only when the other order is no date or the same one. A year of two
digits is read only where the plan has `%y`. A month without a day is no date.
"""

from collections.abc import Iterable

import polars as pl

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = (
    r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?\.?"
)
WEEKDAY = r"(?:(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?,?\s+)?"
DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
YEAR = r"(\d{4}|\d{2})"
GAP = r"[-/., ]+"
TIME = (
    r"[ t]+(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:\.\d+)?)?\s*([ap])?\.?m?\.?"
    r"\s*(z|utc|gmt|[+-]\d{2}:?\d{2})?$"
)
FORMS = (  # pattern, and what its groups are
    (r"^(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})$", "ymd"),
    (rf"^{WEEKDAY}{DAY}(?:{GAP})?(?:of )?{MONTH}(?:{GAP})?{YEAR}$", "dmy"),
    (rf"^{WEEKDAY}{MONTH} {DAY}(?:{GAP}){YEAR}$", "mdy"),
)
NUMERIC = rf"^{WEEKDAY}(\d{{1,2}})[-/. ](\d{{1,2}})[-/. ]{YEAR}$"
PACKED = r"^(\d{4})(\d{2})(\d{2})$"
MOMENT = pl.Datetime("us")


def day_first(formats: Iterable[str]) -> bool | None:
    """Whether the plan's formats put the day before a month in digits; null when they don't say."""
    told = {
        form.index("%d") < form.index("%m") for form in formats if "%d" in form and "%m" in form
    }
    return told.pop() if len(told) == 1 else None


def read_other_forms(text: pl.Series, formats: tuple[str, ...]) -> pl.Series:
    """Return the date and time of cells that no format of the plan reads; null for what is none."""
    frame = pl.DataFrame({"text": text.str.to_lowercase().str.strip_chars()})
    # A time is read off the end of a day, not out of 12.03.2015 or 10:30 alone.
    day = pl.col("text").str.replace(TIME, "")
    frame = frame.with_columns(
        day=pl.when(day.str.contains(r"\d.*\d{2}$")).then(day).otherwise("text"),
    ).with_columns(
        time=pl.when(pl.col("day") != pl.col("text")).then(pl.col("text").str.extract_groups(TIME))
    )
    hour, minute, second, half, zone = (
        pl.col("time").struct.field(str(number)) for number in range(1, 6)
    )
    first = day_first(formats)
    two_digits = any("%y" in form for form in formats)
    days = [_form(pattern, order, two_digits) for pattern, order in FORMS]
    british, american = (_form(NUMERIC, order, two_digits) for order in ("dmy", "mdy"))
    if first is None:
        either = pl.coalesce(british, american)
        same = british.is_null() | american.is_null() | (british == american)
        days.append(pl.when(same).then(either))
    else:
        days.append(british if first else american)
    # 20101912 could be a day of 1912.
    packed = _form(PACKED, "ymd", two_digits)
    backwards = _form(r"^(\d{2})(\d{2})(\d{4})$", "dmy", two_digits).dt.year()
    days.append(pl.when(~backwards.is_between(1900, 2100).fill_null(value=False)).then(packed))
    clock = hour.cast(pl.Int64) % 12 + pl.when(half == "p").then(12).otherwise(0)
    hours = pl.when(half.is_null()).then(hour.cast(pl.Int64)).otherwise(clock)
    frame = frame.select(
        day=pl.coalesce(days).cast(MOMENT),
        hours=hours.fill_null(0),
        minutes=minute.cast(pl.Int64).fill_null(0),
        seconds=second.cast(pl.Int64).fill_null(0),
        zone=zone,
    )
    at = pl.col("day") + pl.duration(hours="hours", minutes="minutes", seconds="seconds")
    fits = (pl.col("hours") < 24) & (pl.col("minutes") < 60) & (pl.col("seconds") < 60)
    # A time of another zone is told as the clocks of England showed it.
    sign = pl.when(pl.col("zone").str.starts_with("-")).then(-1).otherwise(1)
    ahead = pl.col("zone").str.extract(r"^[+-](\d{2})", 1).cast(pl.Int64).fill_null(0)
    more = pl.col("zone").str.extract(r"(\d{2})$", 1).cast(pl.Int64).fill_null(0)
    universal = at - pl.duration(minutes=sign * (ahead * 60 + more))
    english = (
        universal.dt.replace_time_zone("UTC")
        .dt.convert_time_zone("Europe/London")
        .dt.replace_time_zone(None)
    )
    return (
        frame.with_columns(at=pl.when(fits).then(at))
        .select(value=pl.when(pl.col("zone").is_null()).then("at").otherwise(english))
        .to_series()
    )


def _form(pattern: str, order: str, two_digits: bool) -> pl.Expr:
    """Return the day that a pattern reads, its groups in an order such as `dmy`."""
    groups = pl.col("day").str.extract_groups(pattern)
    part = {name: groups.struct.field(str(order.index(name) + 1)) for name in "dmy"}
    month = part["m"].replace({name: f"{n:02d}" for n, name in enumerate(MONTHS, 1)})
    year = part["y"]
    if two_digits:
        # As `%y` has it: 69 to 99 are of the last century.
        century = pl.when(year.str.slice(0, 2) >= "69").then(pl.lit("19")).otherwise(pl.lit("20"))
        year = pl.when(year.str.len_chars() == 2).then(century + year).otherwise(year)
    text = pl.concat_str(
        pl.when(year.str.len_chars() == 4).then(year),
        pl.lit("-"),
        month.str.zfill(2),
        pl.lit("-"),
        part["d"].str.zfill(2),
    )
    day = text.str.to_date("%Y-%m-%d", strict=False)
    return pl.when(day.dt.year() >= 1000).then(day)
