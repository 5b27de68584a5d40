"""A fixed hexagonal grid over the British National Grid: cells, centres, polygons, neighbours.

Pointy-top hexagons in axial coordinates with the cell (0, 0) centred on the grid's origin, so that
a place lies in the same cell in every profile. The formulae are those of Red Blob Games,
"Hexagonal Grids" (Patel 2013).
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEIGHBOURS = ((1, 0), (1, -1), (0, -1), (-1, 0), (-1, 1), (0, 1))


def cell_area(side_m: float) -> float:
    """Return the area of a cell in square metres."""
    return 1.5 * sqrt(3) * side_m**2


def cell_of(easting_m: Floats, northing_m: Floats, side_m: float) -> tuple[Ints, Ints]:
    """Return the axial coordinates (q, r) of the cell of each point."""
    q = (sqrt(3) / 3 * easting_m - northing_m / 3) / side_m
    r = (2 / 3 * northing_m) / side_m
    # Cube rounding: the coordinate rounded worst is told by the other two.
    rounded_q, rounded_r, rounded_s = np.rint(q), np.rint(r), np.rint(-q - r)
    off_q, off_r, off_s = abs(rounded_q - q), abs(rounded_r - r), abs(rounded_s + q + r)
    worst_q = (off_q > off_r) & (off_q > off_s)
    worst_r = ~worst_q & (off_r > off_s)
    column = np.where(worst_q, -rounded_r - rounded_s, rounded_q)
    row = np.where(worst_r, -rounded_q - rounded_s, rounded_r)
    return column.astype(np.int64), row.astype(np.int64)


def centre_of(q: Ints, r: Ints, side_m: float) -> tuple[Floats, Floats]:
    """Return easting and northing (metres) of the cells' centres."""
    east: Floats = (side_m * sqrt(3) * (q + r / 2)).astype(np.float64)
    north: Floats = (side_m * 1.5 * r).astype(np.float64)
    return east, north


def polygon_of(q: Ints, r: Ints, side_m: float) -> NDArray[np.object_]:
    """Return the cells as polygons, EPSG:27700; neighbours share their corners exactly."""
    east, north = centre_of(q, r, side_m)
    angle = np.pi / 180 * (60 * np.arange(6) - 30)
    corners = np.stack(
        [
            east[:, None] + side_m * np.cos(angle)[None, :],
            north[:, None] + side_m * np.sin(angle)[None, :],
        ],
        axis=-1,
    )
    # Centimetres: corners that differ by rounding alone would leave slivers between cells.
    shapes: NDArray[np.object_] = shapely.polygons(np.round(corners, 2))
    return shapes


class Grid(NamedTuple):
    """A block of cells held as arrays of `shape`, its first cell at (`q0`, `r0`)."""

    q0: int
    r0: int
    shape: tuple[int, int]
    side_m: float

    def flat_index(self, easting_m: Floats, northing_m: Floats) -> Ints:
        """Return each point's cell as an index into a flattened array, -1 outside the grid."""
        q, r = cell_of(easting_m, northing_m, self.side_m)
        column, row = q - self.q0, r - self.r0
        inside = (column >= 0) & (row >= 0) & (column < self.shape[0]) & (row < self.shape[1])
        return np.where(inside, column * self.shape[1] + row, -1)

    def tally(self, easting_m: Floats, northing_m: Floats, weights: Floats | None = None) -> Floats:
        """Return the points' weights (1 each) summed by cell; points off the grid are left out."""
        index = self.flat_index(easting_m, northing_m)
        inside = index >= 0
        return (
            np.bincount(
                index[inside],
                weights=None if weights is None else weights[inside],
                minlength=self.shape[0] * self.shape[1],
            )
            .reshape(self.shape)
            .astype(np.float64)
        )

    def cells(self) -> tuple[Ints, Ints]:
        """Return q and r of every cell, in the order of a flattened array."""
        q, r = np.indices(self.shape)
        return (q + self.q0).ravel(), (r + self.r0).ravel()

    def polygons(self) -> NDArray[np.object_]:
        """Return every cell as a polygon, in the order of a flattened array."""
        return polygon_of(*self.cells(), self.side_m)


def grid_over(west: float, south: float, east: float, north: float, side_m: float) -> Grid:
    """Return the grid that covers a box (metres), with a cell to spare on each side."""
    corners_e = np.array([west, west, east, east])
    corners_n = np.array([south, north, south, north])
    q, r = cell_of(corners_e, corners_n, side_m)
    q0, r0 = int(q.min()) - 2, int(r.min()) - 2
    return Grid(q0, r0, (int(q.max()) + 3 - q0, int(r.max()) + 3 - r0), side_m)


def neighbour_sum(values: Floats) -> Floats:
    """Return for each cell the sum over its six neighbours; beyond the grid is nothing."""
    padded = np.pad(values, 1)
    columns, rows = values.shape
    total = np.zeros_like(values)
    for dq, dr in NEIGHBOURS:
        total += padded[1 + dq : 1 + dq + columns, 1 + dr : 1 + dr + rows]
    return total
