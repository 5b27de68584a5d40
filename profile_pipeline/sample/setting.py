"""What the invented borough is called, when it is looked at, and how large it is.

Thornmere lies in the North Sea, its postcodes begin with letters no British post town has, and its
NHS and pupil numbers are of ranges that are not given out: nobody can take it for a real place.
"""

from datetime import date

import numpy as np
from numpy.typing import NDArray

from profile_pipeline.quarters import first_day, last_day, quarters_between

BOROUGH = "Thornmere"
POLICE = "Mid Shires Police"
NEIGHBOURS = ("Ashenholt", "Carrow Vale", "Wychbourne", "Kelderton", "Stanbrook", "Elmsett Bridge")
START, END = date(2014, 4, 1), date(2016, 3, 31)
QUARTERS = tuple(quarters_between(START, END))
LAST = QUARTERS[-1]
FULL_SIZE = 3000  # children with records at which the cohort has its published size

Days = NDArray[np.datetime64]

FIRST_DAYS = np.array([first_day(q) for q in QUARTERS], dtype="datetime64[D]")
LAST_DAYS = np.array([last_day(q) for q in QUARTERS], dtype="datetime64[D]")


def scaled(number: float, children: int) -> int:
    """Return a count of the full borough for a smaller one; a larger one keeps it."""
    return max(1, round(number * min(1.0, children / FULL_SIZE)))


def quarter_index(days: Days) -> NDArray[np.int64]:
    """Return which quarter of the period each day lies in, 0 to 7."""
    return np.clip(np.searchsorted(LAST_DAYS, days, side="left"), 0, len(QUARTERS) - 1)
