"""Hotspots: an exact test that finds what is there, and small numbers kept back."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, false_discovery_control

from geo.exposure import exposure_of
from geo.hexagons import NEIGHBOURS, cell_of, centre_of, grid_over, neighbour_sum
from geo.hotspots import discovery_cutoff, find_hotspots, judge_cells, publish_hotspots
from geo.locations import locate_offences
from profile_pipeline import tables
from profile_pipeline.plan.settings import Edition, HotspotSettings
from tests.unit import geo_borough as borough

AS_AT = date(2016, 3, 31)
PANEL = Edition(suppress_up_to=4)
HOT = (borough.WEST + 1500.0, borough.SOUTH + 1500.0)


def _find(points, settings: HotspotSettings | None = None, layers=None, places=None, **columns):
    offences = borough.offences(np.asarray(points), **columns)
    settings = settings or HotspotSettings()
    wards, postcodes = borough.wards(), borough.postcodes()
    return find_hotspots(
        locate_offences(offences, wards, postcodes, settings),
        borough.a_child_each(offences),
        wards,
        postcodes,
        tables.empty(tables.PLACE) if places is None else places,
        tables.empty(tables.AREA_LAYER) if layers is None else layers,
        settings,
        AS_AT,
    )


def _with_hotspot(hot: int = 20, others: int = 80, seed: int = 4) -> np.ndarray:
    return np.vstack([borough.around(*HOT, hot, 80, seed), borough.scattered(others, seed)])


@given(st.floats(0, 700_000), st.floats(0, 1_300_000))
def test_a_point_lies_in_the_cell_whose_centre_is_nearest(east: float, north: float) -> None:
    q, r = cell_of(np.array([east]), np.array([north]), 250)
    around = [(0, 0), *NEIGHBOURS]
    centres = [centre_of(q + dq, r + dr, 250) for dq, dr in around]
    away = [float(np.hypot(e[0] - east, n[0] - north)) for e, n in centres]
    assert away[0] <= min(away) + 1e-6


def test_six_neighbours_and_no_other_are_summed() -> None:
    grid = grid_over(0, 0, 3000, 3000, 250)
    east, north = centre_of(np.array([4]), np.array([5]), 250)
    counts = neighbour_sum(grid.tally(east, north))
    q, r = (axis[counts.ravel() > 0] for axis in grid.cells())
    centre_e, centre_n = centre_of(q, r, 250)
    assert len(q) == 6
    assert np.hypot(centre_e - east, centre_n - north) == pytest.approx(250 * np.sqrt(3))


def test_the_p_value_is_the_exact_binomial_of_count_and_share() -> None:
    exposure = exposure_of(borough.wards(), borough.postcodes(), HotspotSettings())
    points = _with_hotspot()
    inside = np.ones(len(points), dtype=bool)
    count, share, p_values = judge_cells(points[:, 0], points[:, 1], inside, exposure)
    best = int(np.argmin(p_values))
    # By hand: the sum of the binomial's terms from the count up.
    terms = binom.pmf(np.arange(int(count.flat[best]), 101), 100, share.flat[best])
    assert p_values.flat[best] == pytest.approx(terms.sum(), rel=1e-9)
    # Seven cells of 0.162 km2 in 18 km2 of even postcodes.
    assert share.flat[best] == pytest.approx(7 * 0.16238 / 18, rel=0.05)


def test_shares_of_exposure_add_up_and_reach_across_the_border() -> None:
    exposure = exposure_of(borough.wards(), borough.postcodes(), HotspotSettings())
    assert exposure.inside.sum() == pytest.approx(1)
    assert exposure.outside.sum() == pytest.approx(1)
    just_across = exposure.grid.flat_index(
        np.array([borough.WEST - 300.0]), np.array([borough.SOUTH + 1500.0])
    )
    assert exposure.outside.flat[just_across[0]] > 0


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=60), st.floats(0.01, 0.2))
def test_the_cutoff_accepts_what_scipy_s_adjusted_p_values_accept(values, rate) -> None:
    p_values = np.array(values)
    accepted = false_discovery_control(p_values, method="bh") <= rate * (1 - 1e-12)
    assert (p_values <= discovery_cutoff(p_values, rate)).sum() >= accepted.sum()
    surely_not = false_discovery_control(p_values, method="bh") > rate * (1 + 1e-12)
    assert not (surely_not & (p_values <= discovery_cutoff(p_values, rate))).any()


def test_residents_of_a_ward_weigh_its_postcodes_and_are_named() -> None:
    population = pl.DataFrame(
        {
            "source": ["s", "s"],
            "ward_code": ["E1", "E2"],
            "age_years": [10, 10],
            "age_to": [17, 17],
            "sex": ["all", "all"],
            "ethnicity_code": ["all", "all"],
            "ethnic_group": ["all", "all"],
            "population": [300, 100],
        },
        schema=tables.POPULATION.polars_schema,
    )
    settings = HotspotSettings(baseline="residents")
    exposure = exposure_of(borough.wards(), borough.postcodes(), settings, population)
    east, _ = centre_of(*exposure.grid.cells(), 250)
    west_half = exposure.inside.ravel()[east < borough.WEST + borough.SIZE].sum()
    # Three in four residents live in West; a tenth of the exposure is by land alone.
    assert west_half == pytest.approx(0.9 * 0.75 + 0.1 * 0.5, abs=0.03)
    assert "residents" in exposure.baseline


def test_no_hotspot_is_invented_where_events_follow_addresses() -> None:
    found = [_find(borough.scattered(120, seed)).hotspots.height for seed in range(40)]
    # At the nominal rate of 5% more than 6 of 40 has a chance of one in two hundred.
    assert sum(height > 0 for height in found) <= 6


def test_a_planted_hotspot_is_found_at_the_mean_of_its_events() -> None:
    finding = _find(_with_hotspot())
    assert finding.hotspots.height == 1
    spot = finding.hotspots.row(0, named=True)
    assert np.hypot(spot["easting_m"] - HOT[0], spot["northing_m"] - HOT[1]) < 60
    assert 18 <= spot["events"] <= 25
    assert spot["wards"] == "West"
    assert not spot["cross_border"]
    assert "addresses" in finding.baseline


def test_two_hotspots_are_not_made_one() -> None:
    other = borough.around(borough.WEST + 4500, borough.SOUTH + 900, 15, 80, 9)
    assert _find(np.vstack([_with_hotspot(), other])).hotspots["hotspot"].to_list() == ["H1", "H2"]


def test_a_hotspot_half_across_the_border_is_found_though_no_postcode_lies_there() -> None:
    edge = borough.around(borough.WEST, borough.SOUTH + 1500, 24, 100, 5)
    spot = _find(np.vstack([edge, borough.scattered(80, 5)])).hotspots.row(0, named=True)
    assert spot["cross_border"]
    assert spot["wards"] == "West, outside the area"
    assert abs(spot["easting_m"] - borough.WEST) < 80


def test_below_the_minimum_nothing_is_inferred_and_it_says_so() -> None:
    finding = _find(_with_hotspot(hot=20, others=29))
    assert finding.hotspots.is_empty()
    assert "below 50" in finding.note


@pytest.mark.parametrize("without", ["wards", "postcodes"])
def test_without_a_baseline_nothing_is_inferred_and_it_says_so(without: str) -> None:
    offences = borough.offences(_with_hotspot())
    given = {"wards": borough.wards(), "postcodes": borough.postcodes()}
    given[without] = given[without].clear()
    settings = HotspotSettings()
    located = locate_offences(offences, **given, settings=settings)
    finding = find_hotspots(
        located,
        borough.a_child_each(offences),
        **given,
        places=tables.empty(tables.PLACE),
        layers=tables.empty(tables.AREA_LAYER),
        settings=settings,
        as_at=AS_AT,
    )
    assert finding.hotspots.is_empty()
    assert "without a baseline" in finding.note


def test_the_order_of_rows_changes_nothing() -> None:
    points = _with_hotspot()
    offences = borough.offences(points)
    settings, wards, postcodes = HotspotSettings(), borough.wards(), borough.postcodes()
    both = []
    for rows in (offences, offences.reverse()):
        located = locate_offences(rows, wards, postcodes, settings)
        nothing = tables.empty(tables.PLACE), tables.empty(tables.AREA_LAYER)
        children = borough.a_child_each(rows)
        both.append(
            find_hotspots(located, children, wards, postcodes, *nothing, settings, AS_AT).hotspots
        )
    assert both[0].equals(both[1])


@pytest.mark.parametrize(("earlier", "status"), [(0, "new"), (10, "persistent"), (20, "fading")])
def test_status_is_told_from_earlier_quarters(earlier: int, status: str) -> None:
    days = [date(2014, 6, 1)] * earlier + [date(2016, 2, 1)] * (20 - earlier)
    rest = [date(2014, 6, 1), date(2016, 2, 1)] * 40
    finding = _find(_with_hotspot(), date=days + rest)
    assert finding.hotspots["status"].to_list() == [status]


def test_a_hotspot_known_before_is_persistent_even_without_earlier_events() -> None:
    east, north = HOT
    square = (
        f"POLYGON (({east} {north}, {east + 9} {north}, {east + 9} {north + 9}, {east} {north}))"
    )
    known = pl.DataFrame(
        {
            "kind": ["known_hotspot"],
            "area_id": ["K1"],
            "name": ["K1"],
            "note": [None],
            "geometry_wkt": [square],
        },
        schema_overrides={"note": pl.String},
    )
    spot = _find(_with_hotspot(), layers=known).hotspots.row(0, named=True)
    assert (spot["status"], spot["known_before"]) == ("persistent", "K1")


def _places(name: str, away_m: float) -> pl.DataFrame:
    return tables.conform(
        pl.DataFrame(
            {
                "kind": ["childrens_home"],
                "place_id": ["1"],
                "name": [name],
                "category": [None],
                "address": [None],
                "postcode": [None],
                "easting_m": [HOT[0] + away_m],
                "northing_m": [HOT[1]],
                "capacity": [None],
            }
        ),
        tables.PLACE,
    )


def test_the_nearest_home_is_told_to_the_analyst_and_only_its_kind_to_others() -> None:
    exact = _find(_with_hotspot(), places=_places("Oak; Gang territories: House", 300)).hotspots
    assert exact["nearest_home"].to_list() == ["Oak; Gang territories: House"]
    assert exact["nearest_home_m"][0] == pytest.approx(300, abs=60)
    published = publish_hotspots(exact, PANEL)
    assert published["layers"].to_list() == ["children's homes"]
    assert "Oak" not in published.write_csv()


def _row(events: int, children: int) -> pl.DataFrame:
    spot = _find(_with_hotspot()).hotspots
    return spot.with_columns(pl.lit(events).alias("events"), pl.lit(children).alias("children"))


@pytest.mark.parametrize(
    ("events", "children", "band"),
    [
        (4, 4, "[c]"),
        (30, 4, "[c]"),
        (5, 5, "5-9"),
        (9, 9, "5-9"),
        (10, 9, "10-19"),
        (49, 30, "20-49"),
        (50, 30, "50 or more"),
    ],
)
def test_counts_leave_in_bands_and_small_ones_not_at_all(events, children, band) -> None:
    published = publish_hotspots(_row(events, children), PANEL)
    assert published["count_band"].to_list() == [band]
    hidden = published.select("when").item() == "[c]"
    assert hidden == (band == "[c]")


def test_the_public_edition_has_no_band_that_tells_a_count() -> None:
    assert publish_hotspots(_row(8, 8), Edition(suppress_up_to=7))["count_band"][0] == "8-19"
