"""Ages in whole years, as English law reckons them. Polars expressions only; no plan here."""

import polars as pl


def age_on(born: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Return the age in whole years on a day; null without a date of birth.

    A child born on 29 February is a year older on 1 March, as in English law.
    """
    # Months and days are 8-bit whole numbers in polars: a hundred times one overflows unseen.
    day_of_year = day.dt.month().cast(pl.Int64) * 100 + day.dt.day()
    birthday = born.dt.month().cast(pl.Int64) * 100 + born.dt.day()
    years = day.dt.year().cast(pl.Int64) - born.dt.year().cast(pl.Int64)
    return years - (day_of_year < birthday).cast(pl.Int64)
