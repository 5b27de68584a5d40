"""The borough's reference files: boundaries, postcodes, population, registers, layers, region."""

import json
from pathlib import Path

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from profile_pipeline.sample.place import WARDS, Place, population, ring, ward_code
from profile_pipeline.sample.setting import BOROUGH, FULL_SIZE, NEIGHBOURS, QUARTERS
from profile_pipeline.sample.writing import csv_text

# The region's total at the end of 2015-16 as published (844; 754 a quarter earlier).
REGION_TOTALS = (612, 640, 661, 690, 702, 731, 754, 844)


def write_reference(
    folder: Path, rng: Generator, place: Place, cohort: pl.DataFrame, children: int
) -> None:
    """Write every file of the plan's `context:`; `cohort` has the borough's counts by quarter."""
    wards = [
        ({"ward_code": ward_code(number), "ward_name": name}, ring(place.corners, number))
        for number, name in enumerate(WARDS)
    ]
    _geojson(folder / "wards.geojson", wards)
    gangs = [
        ({"name": f"Group {'AB'[number]}", "note": "police assessment"}, points)
        for number, points in enumerate(place.gangs)
    ]
    _geojson(folder / "gang_territories.geojson", gangs)
    directory = pl.concat(
        [place.postcodes.drop("ward"), place.outside.with_columns(ward_code=pl.lit(""))]
    ).with_columns(pl.col("easting", "northing").cast(pl.Int64))
    csv_text(folder / "postcodes.csv", directory.sort("postcode"))
    csv_text(folder / "population.csv", population(rng, children))
    for name, frame in (
        ("childrens_homes", place.homes),
        ("licensed_premises", place.premises),
        ("schools", place.schools),
        ("drug_hotspots", place.drugs),
        ("known_hotspots", place.known),
    ):
        csv_text(folder / f"{name}.csv", frame)
    csv_text(folder / "regional_summary.csv", _region(rng, cohort, children))


def _geojson(path: Path, shapes: list[tuple[dict[str, str], NDArray[np.float64]]]) -> None:
    content = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}},
        "features": [
            {
                "type": "Feature",
                "properties": properties,
                "geometry": {"type": "Polygon", "coordinates": [points.tolist()]},
            }
            for properties, points in shapes
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((json.dumps(content, indent=1) + "\n").encode())


def _region(rng: Generator, cohort: pl.DataFrame, children: int) -> pl.DataFrame:
    """Return seven authorities by quarter: the borough's own figures, and invented neighbours."""
    share = rng.dirichlet(np.full(len(NEIGHBOURS), 6.0))
    rows: list[tuple[str, str, int, int, int, int]] = []
    own = {row["quarter"]: row for row in cohort.iter_rows(named=True)}
    for quarter, total in zip(QUARTERS, REGION_TOTALS, strict=True):
        mine = own[quarter]
        rows.append(
            (BOROUGH, quarter, mine["all"], mine["at_risk"], mine["significant"], mine["serious"])
        )
        left = max(0, round(total * min(1.0, children / FULL_SIZE)) - mine["all"])
        counts = np.floor(share * left).astype(int)
        counts[0] += left - counts.sum()
        for name, count in zip(NEIGHBOURS, counts, strict=True):
            severe = round(float(count) * 0.13), round(float(count) * 0.11)
            rows.append((name, quarter, int(count), int(count) - sum(severe), severe[0], severe[1]))
    return pl.DataFrame(
        rows,
        schema=["authority", "quarter", "children", "at_risk", "significant", "serious"],
        orient="row",
    )
