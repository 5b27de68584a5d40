"""Intervals for shares, ratios and counts; each checked against published figures.

Floats in and out, vectorised over numpy arrays. Level 95 per cent unless said.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z95 = 1.959963984540054
BYAR_FROM = 10  # Byar's approximation from 10 events, exact Poisson below (PHE technical guide)

Floats = NDArray[np.float64]


def wilson(count: ArrayLike, total: ArrayLike, z: float = Z95) -> tuple[Floats, Floats]:
    """Return lower and upper limits (0-1) of a share (Wilson 1927); nan without a denominator."""
    x, n = np.asarray(count, dtype=float), np.asarray(total, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = x / n
        centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    lower, upper = centre - half, centre + half
    return np.where(x == 0, 0.0, lower), np.where((x == n) & (n > 0), 1.0, upper)


def katz_ratio(
    count_a: ArrayLike, total_a: ArrayLike, count_b: ArrayLike, total_b: ArrayLike, z: float = Z95
) -> tuple[Floats, Floats, Floats]:
    """Return ratio of two shares and its log limits (Katz et al. 1978).

    With no event in one of the groups, half an event is added to each (Walter 1975): the limits
    are then of the adjusted ratio, and a ratio that is 0 is printed as 0 with lower limit 0. The
    ratio is nan when the second group has no event, or a group is empty.
    """
    a, n = np.asarray(count_a, dtype=float), np.asarray(total_a, dtype=float)
    b, m = np.asarray(count_b, dtype=float), np.asarray(total_b, dtype=float)
    log_ratio, error = _log_ratio(a, n, b, m)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (a / n) / (b / m)
    told = (n > 0) & (m > 0) & (b > 0)
    lower = np.where(a == 0, 0.0, np.exp(log_ratio - z * error))
    upper = np.exp(log_ratio + z * error)
    return (
        np.where(told, ratio, np.nan),
        np.where(told, lower, np.nan),
        np.where(told, upper, np.nan),
    )


def low_ratio_p(
    count_a: ArrayLike, total_a: ArrayLike, count_b: ArrayLike, total_b: ArrayLike
) -> Floats:
    """Return the one-sided p-value of a ratio of shares as low as this, by Katz's log ratio.

    1 where the ratio can't be told, so that it never counts as low.
    """
    from scipy.stats import norm

    a, n = np.asarray(count_a, dtype=float), np.asarray(total_a, dtype=float)
    b, m = np.asarray(count_b, dtype=float), np.asarray(total_b, dtype=float)
    log_ratio, error = _log_ratio(a, n, b, m)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.asarray(norm.cdf(log_ratio / error), dtype=float)
    return np.where((n > 0) & (m > 0) & (b > 0) & (error > 0), p, 1.0)


def _log_ratio(a: Floats, n: Floats, b: Floats, m: Floats) -> tuple[Floats, Floats]:
    """Return log ratio and its standard error; half an event added where a group has none."""
    add = np.where((a == 0) | (b == 0), 0.5, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = ((a + add) / (n + add)) / ((b + add) / (m + add))
        variance = 1 / (a + add) - 1 / (n + add) + 1 / (b + add) - 1 / (m + add)
        return np.log(ratio), np.sqrt(variance)


def poisson_limits(count: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return lower and upper limits of a count: Byar's from 10 events, exact Poisson below.

    Byar's approximation as Breslow and Day (1987) give it; the exact limits by the chi-squared
    distribution (Garwood 1936). `pois.byar` of R's epitools is another formula.
    """
    from scipy.stats import chi2, norm

    x = np.asarray(count, dtype=float)
    z = norm.ppf(0.5 + level / 2)
    tail = (1 - level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        exact_lower = np.where(x > 0, chi2.ppf(tail, 2 * x) / 2, 0.0)
        exact_upper = chi2.ppf(1 - tail, 2 * (x + 1)) / 2
        byar_lower = x * (1 - 1 / (9 * x) - z / (3 * np.sqrt(x))) ** 3
        byar_upper = (x + 1) * (1 - 1 / (9 * (x + 1)) + z / (3 * np.sqrt(x + 1))) ** 3
    byar = x >= BYAR_FROM
    return np.where(byar, byar_lower, exact_lower), np.where(byar, byar_upper, exact_upper)


def mid_p_low(observed: ArrayLike, expected: ArrayLike) -> Floats:
    """Return the one-sided mid-P of a Poisson count as low as the one observed."""
    from scipy.stats import poisson

    x, mu = np.asarray(observed, dtype=float), np.asarray(expected, dtype=float)
    return np.asarray(poisson.cdf(x, mu) - 0.5 * poisson.pmf(x, mu), dtype=float)


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Return adjusted p-values (Benjamini and Hochberg 1995), in the order given."""
    from scipy.stats import false_discovery_control

    p = np.asarray(p_values, dtype=float)
    return np.asarray(false_discovery_control(p), dtype=float) if p.size else p
