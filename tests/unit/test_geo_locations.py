"""Which offences' places may be used: a default point is no place, and one event counts once."""

import numpy as np
import polars as pl

from geo.locations import locate_offences, undeclared_geocodes
from profile_pipeline.plan.settings import DefaultGeocode, HotspotSettings
from tests.unit import geo_borough as borough

CENTRE = (borough.WEST + 1000, borough.SOUTH + 1000)


def _why(points, settings: HotspotSettings | None = None, **columns) -> list[str | None]:
    located = locate_offences(
        borough.offences(np.array(points, dtype=float), **columns),
        borough.wards(),
        borough.postcodes(),
        settings or HotspotSettings(),
    )
    assert (located["usable"] == located["unusable_because"].is_null()).all()
    return located["unusable_because"].to_list()


def test_null_and_zero_are_not_geocoded() -> None:
    points = np.array([CENTRE, (0, 0), (0, CENTRE[1]), (np.nan, np.nan)])
    frame = borough.offences(points).with_columns(pl.col("easting_m", "northing_m").fill_nan(None))
    located = locate_offences(frame, borough.wards(), borough.postcodes(), HotspotSettings())
    assert located["unusable_because"].to_list() == [None] + ["not_geocoded"] * 3
    assert located["easting_m"].null_count() == 3


def test_a_declared_default_point_is_not_a_place() -> None:
    station = DefaultGeocode(easting_m=CENTRE[0], northing_m=CENTRE[1], why="police station")
    points = [CENTRE, (CENTRE[0] + 5, CENTRE[1])]
    assert _why(points, HotspotSettings(default_geocodes=(station,))) == ["default_geocode", None]


def test_online_events_lie_at_a_home_unless_a_place_is_named() -> None:
    kinds = ["Online", "Home address", None, "Takeaway"]
    why = _why([CENTRE] * 4, place_type=kinds, online=[False, True, True, True])
    assert why == ["online", "online", "online", None]


def test_events_far_outside_are_not_used_and_near_ones_are() -> None:
    east = borough.WEST + 2 * borough.SIZE
    points = [(east + 2900, borough.SOUTH + 10), (east + 3100, borough.SOUTH + 10)]
    assert _why(points) == [None, "far_away"]


def test_an_event_counts_once_by_its_row_that_has_a_place() -> None:
    why = _why([(0, 0), CENTRE, CENTRE], reference=["C1", "C1", "C1"])
    assert why == ["not_geocoded", None, "duplicate"]


def test_rows_without_a_reference_are_events_of_their_own() -> None:
    assert _why([CENTRE, CENTRE], reference=[None, " "]) == [None, None]


def _repeated(kinds: list[str], others: int = 100) -> pl.DataFrame:
    points = np.vstack([np.tile(CENTRE, (len(kinds), 1)), borough.scattered(others, 1)])
    frame = borough.offences(points, place_type=kinds + ["Street"] * others)
    return undeclared_geocodes(frame, borough.postcodes())


def test_an_undeclared_police_station_is_told() -> None:
    assert _repeated(["Police station"] * 3)["events"].to_list() == [3]


def test_a_point_shared_by_every_kind_of_place_is_told() -> None:
    assert _repeated(["Park", "Hotel", "Street", "Vehicle", "Takeaway"]).height == 1


def test_a_hotel_that_repeats_is_a_place() -> None:
    assert _repeated(["Hotel"] * 12).is_empty()
