"""Proximity to children's homes: against random addresses, not against open land."""

import numpy as np
import polars as pl
import pytest

from geo.locations import locate_offences
from geo.proximity import _holm, proximity_to_homes
from profile_pipeline.plan.settings import HotspotSettings
from tests.unit import geo_borough as borough

HOME = (borough.WEST + 1500.0, borough.SOUTH + 1500.0)


def _test(points: np.ndarray, seed: int = 1, postcodes: pl.DataFrame | None = None) -> pl.DataFrame:
    located = locate_offences(
        borough.offences(points), borough.wards(), borough.postcodes(), HotspotSettings()
    )
    homes = pl.DataFrame(
        {
            "kind": ["childrens_home"],
            "place_id": ["1"],
            "easting_m": [HOME[0]],
            "northing_m": [HOME[1]],
        }
    )
    given = borough.postcodes() if postcodes is None else postcodes
    return proximity_to_homes(located, homes, given, seed, draws=199)


def test_events_about_a_home_are_more_than_chance() -> None:
    points = np.vstack([borough.around(*HOME, 15, 80, 2), borough.scattered(60, 2)])
    result = _test(points)
    assert result["events_near"][0] >= 14
    assert result["p_value"][0] == pytest.approx(1 / 200)
    assert result["p_holm"][0] == pytest.approx(3 / 200)


def test_a_home_where_everybody_lives_is_no_finding() -> None:
    # All addresses and all events about one place: near the home, and near any address.
    town = borough.around(*HOME, 80, 150, 6)
    postcodes = pl.DataFrame(
        {
            "postcode": [f"P{number}" for number in range(80)],
            "easting_m": town[:, 0],
            "northing_m": town[:, 1],
        }
    )
    result = _test(borough.around(*HOME, 60, 150, 7), postcodes=postcodes)
    assert result["events_near"][0] > 30
    assert result["p_value"][1] > 0.05


def test_the_seed_decides_the_draws() -> None:
    points = borough.scattered(60, 3)
    assert _test(points, seed=5).equals(_test(points, seed=5))


def test_holm_s_own_example() -> None:
    # Holm (1979): ordered p-values times 3, 2, 1, never falling.
    assert _holm(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])
