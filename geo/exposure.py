"""The baseline of the hotspots: where events would lie if every address were as likely as another.

A hotspot is only as right as its baseline: with a wrong one nearly every map of a borough shows
hotspots that aren't there. The baseline here is addresses, told from the postcode directory, or
residents aged 10-17 of the ward spread over its postcodes.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from geo.boundaries import extent_of, polygons, ward_index
from geo.hexagons import Floats, Grid, cell_area, centre_of, grid_over, neighbour_sum
from profile_pipeline.plan.settings import HotspotSettings
from profile_pipeline.population import residents

# Share of events at places without an address nearby (parks, canals, vehicles): it keeps open land
# from having no exposure at all. Ours; in `benchmarks/hotspots.py` false alarms stay within the
# nominal 5% at a true share of 0 to 0.1 up to 500 events, and rise where the share is far off.
OPEN_LAND_SHARE = 0.1
# A directory that lists at least this share of its postcodes outside the area covers the border.
COVERS_BORDER = 0.05
# How far addresses inside tell of addresses beyond the border (metres, Gaussian).
REACH_M = 1000


class Exposure(NamedTuple):
    """Shares of exposure by cell, inside and outside the area, each adding up to 1."""

    grid: Grid
    inside: Floats
    outside: Floats
    tested: NDArray[np.bool_]
    baseline: str


def exposure_of(
    wards: pl.DataFrame,
    postcodes: pl.DataFrame,
    settings: HotspotSettings,
    population: pl.DataFrame | None = None,
) -> Exposure:
    """Return the exposure of every cell of the area and its margin, and which cells are tested.

    A postcode is spread over its cell (half) and the six around it, since its addresses are. Where
    the directory ends at the border, the density beyond it is the nearest part of the area's, so
    that places just across are not without exposure. Cells are tested where their centre lies in
    the area or next to such a cell. `population` is tables.POPULATION, for `baseline: residents`.
    """
    extent = extent_of(wards, settings.margin_m)
    grid = grid_over(extent.west, extent.south, extent.east, extent.north, settings.hex_side_m)
    area = shapely.union_all(polygons(wards))
    margin = shapely.buffer(area, settings.margin_m)
    cells = grid.polygons()
    land_in = _overlap(cells, area).reshape(grid.shape)
    land_out = np.clip(_overlap(cells, margin).reshape(grid.shape) - land_in, 0, None)

    easting, northing = postcodes["easting_m"].to_numpy(), postcodes["northing_m"].to_numpy()
    ward = ward_index(easting, northing, wards)
    weights, baseline = _weights(ward, wards, settings, population)
    at_home = ward >= 0
    spread_in = _spread(grid.tally(easting[at_home], northing[at_home], weights[at_home]), land_in)
    covers = (~at_home).sum() >= COVERS_BORDER * len(ward)
    if covers and settings.baseline == "addresses":
        spread_out = _spread(grid.tally(easting[~at_home], northing[~at_home]), land_out)
    else:
        spread_out = _carried_over(spread_in, land_in, settings.hex_side_m) * land_out
        baseline += ", beyond the border as in the nearest part of the area"
    core = (
        shapely.contains_xy(area, *centre_of(*grid.cells(), grid.side_m))
        .reshape(grid.shape)
        .astype(float)
    )
    return Exposure(
        grid,
        _with_open_land(spread_in, land_in),
        _with_open_land(spread_out, land_out),
        (core + neighbour_sum(core)) > 0,
        baseline,
    )


def _weights(
    ward: NDArray[np.int64],
    wards: pl.DataFrame,
    settings: HotspotSettings,
    population: pl.DataFrame | None,
) -> tuple[Floats, str]:
    """Return the weight of each postcode and the baseline in words."""
    if settings.baseline == "addresses" or population is None or population.is_empty():
        words = "addresses (the postcode directory, every postcode alike)"
        if settings.baseline != "addresses":
            words += ", since no population was supplied"
        return np.ones(len(ward)), words
    young = residents(population, wards=True)
    if young.is_empty():
        words = "addresses (the postcode directory, every postcode alike), since no population"
        return np.ones(len(ward)), f"{words} of ages 10 to 17 was supplied"
    living = (
        wards.select("ward_code")
        .join(young.group_by("ward_code").agg(pl.sum("population")), "ward_code", "left",
              maintain_order="left")["population"]
        .fill_null(0)
        .to_numpy()
    )  # fmt: skip
    postcodes = np.bincount(ward[ward >= 0], minlength=wards.height)
    each = living / np.maximum(postcodes, 1)
    return np.where(ward >= 0, each[ward], 0.0), "residents aged 10-17 of the ward, by postcode"


def _overlap(cells: NDArray[np.object_], area: shapely.Geometry) -> Floats:
    """Return the share of each cell that lies in the area (0-1)."""
    shapely.prepare(area)
    share: Floats = shapely.contains_properly(area, cells).astype(np.float64)
    edge = np.flatnonzero(shapely.intersects(area, cells) & (share == 0))
    share[edge] = shapely.area(shapely.intersection(cells[edge], area)) / shapely.area(cells[edge])
    return share


def _spread(counts: Floats, land: Floats) -> Floats:
    """Return counts spread half over the cell, half over its neighbours, on this land alone."""
    has_land = (land > 0).astype(float)
    around = np.maximum(neighbour_sum(has_land), 1)
    spread: Floats = (0.5 * counts + neighbour_sum(0.5 * counts / around)) * has_land
    return spread


def _carried_over(spread: Floats, land: Floats, side_m: float) -> Floats:
    """Return the density per whole cell of land, smoothed over `REACH_M` and carried beyond it.

    Axial coordinates are sheared; over cells much smaller than the reach the filter is close to
    round, and only ratios of the two smoothed arrays are used.
    """
    sigma = REACH_M / (side_m * np.sqrt(3))
    least = 1e-6  # where nothing is near, the density is the area's own
    number = gaussian_filter(spread, sigma, mode="constant", truncate=8)
    ground = gaussian_filter(land, sigma, mode="constant", truncate=8)
    mean = spread.sum() / max(land.sum(), 1)
    density: Floats = (number + least * mean) / (ground + least)
    return density


def _with_open_land(spread: Floats, land: Floats) -> Floats:
    """Return shares that add up to 1, a part of them by land alone."""
    by_land: Floats = land / max(land.sum(), 1e-12)
    if spread.sum() <= 0:
        return by_land
    mixed: Floats = (1 - OPEN_LAND_SHARE) * spread / spread.sum() + OPEN_LAND_SHARE * by_land
    return mixed


def window_area_m2(side_m: float) -> float:
    """Return the area of a cell and its six neighbours in square metres."""
    return 7 * cell_area(side_m)
