"""A plain borough for the tests of `geo`: two square wards of 3 km, postcodes on a lattice."""

from datetime import date

import numpy as np
import polars as pl
import shapely

from profile_pipeline import tables

WEST, SOUTH, SIZE = 390_000, 280_000, 3000


def wards() -> pl.DataFrame:
    """West and East, side by side, together 6 by 3 km."""
    boxes = []
    for left in (WEST, WEST + SIZE):
        right, top = left + SIZE, SOUTH + SIZE
        boxes.append(shapely.to_wkt(shapely.box(left, SOUTH, right, top)))
    return pl.DataFrame(
        {"ward_code": ["E1", "E2"], "ward": ["West", "East"], "geometry_wkt": boxes}
    )


def postcodes() -> pl.DataFrame:
    """One postcode every 100 m."""
    east, north = np.meshgrid(np.arange(50, 2 * SIZE, 100), np.arange(50, SIZE, 100))
    names = [f"DY{i // 1000} {i % 10}A{chr(65 + i % 26)}-{i}" for i in range(east.size)]
    return pl.DataFrame(
        {
            "postcode": names,
            "easting_m": east.ravel() + float(WEST),
            "northing_m": north.ravel() + float(SOUTH),
            "ward_code": None,
        },
        schema_overrides={"ward_code": pl.String},
    )


def offences(points: np.ndarray, **columns: object) -> pl.DataFrame:
    """Offence rows at these points (metres), one reference each, in 2015-16."""
    count = len(points)
    given: dict[str, object] = {
        "dataset": "crimes",
        "file": "crimes/2015-16_Q4.csv",
        "row": list(range(count)),
        "quarter": "2015-16 Q4",
        "date": date(2016, 2, 1),
        "reference": [f"C{number}" for number in range(count)],
        "easting_m": [float(x) for x in points[:, 0]],
        "northing_m": [float(y) for y in points[:, 1]],
        "place_type": "Street",
        "online": False,
        **columns,
    }
    table = tables.MEASURES["offence"]
    frame = pl.DataFrame(given)
    missing = [c for c in table.columns if c.name not in frame.columns]
    return tables.conform(
        frame.with_columns(pl.lit(None, dtype=c.dtype).alias(c.name) for c in missing), table
    )


def a_child_each(frame: pl.DataFrame) -> pl.DataFrame:
    """A child for every row."""
    return frame.select(*tables.ROW_KEY, pl.format("CHILD-{}", "row").alias("person_id"))


def scattered(count: int, seed: int) -> np.ndarray:
    """Points anywhere in the two wards."""
    generator = np.random.default_rng(seed)
    return np.column_stack(
        [
            generator.uniform(WEST, WEST + 2 * SIZE, count),
            generator.uniform(SOUTH, SOUTH + SIZE, count),
        ]
    )


def around(east: float, north: float, count: int, spread: float, seed: int) -> np.ndarray:
    """Points about a place (metres, normal)."""
    return np.random.default_rng(seed).normal((east, north), spread, (count, 2))
