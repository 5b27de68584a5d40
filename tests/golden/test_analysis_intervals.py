"""Intervals against published figures and hand calculation."""

import numpy as np
import pytest

from profile_pipeline.analysis.intervals import (
    benjamini_hochberg,
    katz_ratio,
    low_ratio_p,
    mid_p_low,
    poisson_limits,
    wilson,
)


def test_poisson_limits_are_exact_below_ten_events() -> None:
    """5 events: 1.62348639 to 11.66833208 (Garwood)."""
    lower, upper = poisson_limits([5])
    assert lower[0] == pytest.approx(1.62348639, abs=1e-8)
    assert upper[0] == pytest.approx(11.66833208, abs=1e-8)


def test_poisson_limits_are_byars_from_ten_events() -> None:
    """20 events: 12.21142883 to 30.88988037 (Byar; not epitools' formula)."""
    lower, upper = poisson_limits([20])
    assert lower[0] == pytest.approx(12.21142883, abs=1e-8)
    assert upper[0] == pytest.approx(30.88988037, abs=1e-8)


def test_the_method_changes_between_nine_and_ten_events() -> None:
    from scipy.stats import chi2

    lower, _ = poisson_limits([9, 10])
    assert lower[0] == pytest.approx(chi2.ppf(0.025, 18) / 2)
    assert lower[1] == pytest.approx(10 * (1 - 1 / 90 - 1.959963985 / (3 * 10**0.5)) ** 3)


def test_no_event_has_a_lower_limit_of_nought() -> None:
    """0 events: 0 to 3.68887945, which is minus the logarithm of 0.025."""
    lower, upper = poisson_limits([0])
    assert lower[0] == 0
    assert upper[0] == pytest.approx(-np.log(0.025))


def test_wilson_limits() -> None:
    """1 of 100: .00176743 to .05448620."""
    lower, upper = wilson(1, 100)
    assert float(lower) == pytest.approx(0.00176743, abs=1e-8)
    assert float(upper) == pytest.approx(0.05448620, abs=1e-8)


@pytest.mark.parametrize(("count", "lower", "upper"), [(0, 0.0, 0.2775), (10, 0.7225, 1.0)])
def test_wilson_limits_stay_between_nought_and_one(count: int, lower: float, upper: float) -> None:
    got = wilson(count, 10)
    assert float(got[0]) == pytest.approx(lower, abs=1e-4)
    assert float(got[1]) == pytest.approx(upper, abs=1e-4)


def test_katz_limits_of_a_ratio_by_hand() -> None:
    """8 of 95 against 122 of 355, worked by hand: .245038, ln -1.406340, se .346199."""
    ratio, lower, upper = katz_ratio(8, 95, 122, 355)
    assert float(ratio) == pytest.approx(0.245038, abs=1e-5)
    assert np.log(float(upper)) - np.log(float(ratio)) == pytest.approx(
        1.959964 * np.sqrt(1 / 8 - 1 / 95 + 1 / 122 - 1 / 355), abs=1e-6
    )
    assert float(lower) * float(upper) == pytest.approx(float(ratio) ** 2)


def test_a_ratio_of_nought_keeps_an_upper_limit() -> None:
    """0 of 95 against 24 of 355: half an event added to each for the upper limit (Walter 1975)."""
    ratio, lower, upper = katz_ratio(0, 95, 24, 355)
    assert (float(ratio), float(lower)) == (0, 0)
    adjusted = (0.5 / 95.5) / (24.5 / 355.5)
    spread = np.sqrt(1 / 0.5 - 1 / 95.5 + 1 / 24.5 - 1 / 355.5)
    assert float(upper) == pytest.approx(adjusted * np.exp(1.959964 * spread), rel=1e-6)


@pytest.mark.parametrize("counts", [(1, 95, 0, 355), (1, 0, 24, 355), (1, 95, 24, 0)])
def test_a_ratio_without_a_denominator_is_not_told(counts: tuple[int, int, int, int]) -> None:
    assert all(np.isnan(float(value)) for value in katz_ratio(*counts))


def test_mid_p_takes_half_of_what_was_observed() -> None:
    """P(X=0) + P(X=1)/2 of a Poisson of mean 2 is exp(-2) (1 + 2/2)."""
    assert float(mid_p_low(1, 2)) == pytest.approx(2 * np.exp(-2))


def test_benjamini_hochberg_adjusts_in_the_order_given() -> None:
    """.01, .04 and .03: 3 x .01, then 3/3 x .04 and the smaller of 3/2 x .03 and .04."""
    assert benjamini_hochberg([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.04, 0.04])
    assert benjamini_hochberg([]).tolist() == []


def test_the_p_value_of_a_low_ratio_agrees_with_its_limits() -> None:
    """At a ratio whose upper 95% limit is 1 the one-sided p is .025; equal shares give .5."""
    ratio, _, upper = katz_ratio(8, 95, 122, 355)
    z = np.log(float(ratio)) / ((np.log(float(upper)) - np.log(float(ratio))) / 1.959963985)
    from scipy.stats import norm

    assert float(low_ratio_p(8, 95, 122, 355)) == pytest.approx(norm.cdf(z))
    assert float(low_ratio_p(10, 100, 20, 200)) == pytest.approx(0.5)
    assert float(low_ratio_p(0, 0, 20, 200)) == 1
