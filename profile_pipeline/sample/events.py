"""When things happen to the invented children: days, repeats with long tails, late rows."""

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from profile_pipeline.sample.setting import END, QUARTERS, START, Days, quarter_index


def repeats(
    rng: Generator, mean_more: NDArray[np.float64], shape: float, cap: int
) -> NDArray[np.int64]:
    """Return how often a thing happens to those to whom it does: one and a negative binomial.

    A Poisson would lack the few children to whom it happens fifty times.
    """
    more = rng.negative_binomial(shape, shape / (shape + np.maximum(mean_more, 1e-9)))
    return np.minimum(1 + more, cap).astype(np.int64)


def each(children: pl.DataFrame, times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the child's number once for each time."""
    return np.repeat(children["child"].to_numpy(), times)


def days_of(
    rng: Generator,
    everyone: pl.DataFrame,
    child: NDArray[np.int64],
    towards_end: float = 1.3,
    until: int = 6570,
) -> Days:
    """Return a day in the period for each event, before the child is `until` days old.

    `towards_end` above 1 puts more of them late in the period; 6,570 days are just under 18 years.
    """
    born = everyone["born"].to_numpy()[child].astype("datetime64[D]")
    start = np.datetime64(START)
    end = np.minimum(np.datetime64(END), born + np.timedelta64(until, "D"))
    length = np.maximum((end - start).astype(int), 1)
    share = rng.random(len(child)) ** (1 / towards_end)
    return np.asarray(start + np.floor(share * length).astype("timedelta64[D]"))


def moments(rng: Generator, days: Days, around_hour: float = 21.0) -> NDArray[np.datetime64]:
    """Return a time on each day, mostly about an hour, in whole minutes."""
    hours = (rng.normal(around_hour, 3.5, len(days)) % 24) * 60
    return np.asarray(days.astype("datetime64[m]") + np.floor(hours).astype("timedelta64[m]"))


def file_of(rng: Generator, days: Days, late: float = 0.015) -> pl.Series:
    """Return the number of the file each row comes in; a few come a quarter late."""
    number = quarter_index(days)
    slipped = (rng.random(len(days)) < late) & (number < len(QUARTERS) - 1)
    return pl.Series(number + slipped)


def stamps(values: NDArray[np.datetime64]) -> pl.Series:
    """Return days or times as a column of datetimes."""
    return pl.Series(values.astype("datetime64[us]"))
