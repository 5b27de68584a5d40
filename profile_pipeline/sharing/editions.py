"""Editions: who reads what, and how a count and a share are written for them.

No table and no warehouse here: `disclosure.py` does the tables, `figures.py` the texts.
"""

import math
from decimal import ROUND_HALF_UP, Decimal

from profile_pipeline.plan.settings import Edition
from profile_pipeline.tables import NOT_HELD, SUPPRESSED

# In brackets, as an editor marks what was taken out, so that any sentence still reads.
WITHHELD_NUMBER = "[number withheld]"
WITHHELD_SHARE = "[share withheld]"
NOT_HELD_MEANS = (
    f"{NOT_HELD} in a table's file, 'not held' in a document, is a figure that isn't known: no "
    "dataset supplies it, or its files did not arrive. It is no zero, and has its intelligence gap."
)


def is_small(count: int, edition: Edition) -> bool:
    """Whether a count is one to the edition's threshold; zero is not small."""
    return 1 <= count <= edition.suppress_up_to


def round_count(count: int, edition: Edition) -> int:
    """Return the count to the nearest multiple of `round_to`, halves up."""
    base = edition.round_to
    return (2 * count + base) // (2 * base) * base


def rounding_bounds(count: int, edition: Edition) -> tuple[int, int]:
    """Return the least and greatest count that a reader must allow for a printed figure.

    The reader knows the rounding and that counts up to the threshold are never printed, so a
    printed zero is a true zero.
    """
    if count == 0:
        return 0, 0
    base, printed = edition.round_to, round_count(count, edition)
    lower = printed - base // 2
    return max(lower, edition.suppress_up_to + 1), lower + base - 1


def safe_count(count: int, edition: Edition | None) -> str:
    """Return a count as a sentence may print it: `12`, `fewer than 5`; exact without an edition."""
    if edition is None:
        return str(count)
    if is_small(count, edition):
        return f"fewer than {edition.suppress_up_to + 1}"
    return str(round_count(count, edition))


def percent_text(part: int, whole: int) -> str:
    """Return a share in percent with one decimal, halves up; `whole` must not be 0."""
    exact = Decimal(100 * part) / Decimal(whole)
    return str(exact.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))


def safe_percent(part: int, whole: int, edition: Edition | None) -> str | None:
    """Return a share (`12.5`) from the figures as the edition prints them, or None when withheld.

    Withheld when the part, the rest or the whole is small, or the whole (rounded where the edition
    rounds) is below the edition's least denominator. None too when the whole is 0.
    """
    if edition is not None:
        if any(is_small(count, edition) for count in (part, whole, whole - part)):
            return None
        part, whole = round_count(part, edition), round_count(whole, edition)
        if whole < edition.minimum_denominator:
            return None
    return percent_text(part, whole) if whole else None


def katz_interval(
    part_a: int, whole_a: int, part_b: int, whole_b: int
) -> tuple[float, float, float]:
    """Return the ratio of two shares and its 95% limits (Katz and others 1978, log method).

    All four counts must be above 0.
    """
    ratio = (part_a / whole_a) / (part_b / whole_b)
    spread = math.sqrt(max(0.0, 1 / part_a - 1 / whole_a + 1 / part_b - 1 / whole_b))
    factor = math.exp(1.959963984540054 * spread)
    return ratio, ratio / factor, ratio * factor


def describe(edition: Edition | None) -> str:
    """Return the edition's rules in plain words, for a document or a contents sheet."""
    if edition is None:
        return (
            "Exact figures, for the analyst alone: nothing is suppressed or rounded. "
            + NOT_HELD_MEANS
        )
    top = edition.suppress_up_to
    parts = [
        f"Counts from 1 to {top} are suppressed and shown as {SUPPRESSED}.",
        f"Further cells, shown as {SUPPRESSED} too, are suppressed where a small count could "
        + "otherwise be worked out from totals, within a table or across the tables of this pack.",
        "Percentages and ratios are withheld with their counts, and where fewer than "
        + f"{edition.minimum_denominator} stand in the denominator.",
        "A zero that is shown is a true zero: it was asked for, and none is recorded.",
        NOT_HELD_MEANS,
    ]
    if edition.round_to > 1:
        parts.insert(
            2,
            f"Every other count is rounded to the nearest {edition.round_to}; totals are rounded "
            "from exact figures, so parts may not add up, and percentages are taken from the "
            "rounded figures.",
        )
    return " ".join(parts)
