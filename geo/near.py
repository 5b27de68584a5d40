"""What is near a hotspot: registers of places, areas drawn by others, hotspots known before.

Distances in metres on the British National Grid, from the hotspot's location.
"""

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from geo.boundaries import polygons

# Kinds of layer in words: the only thing about a layer that leaves the analyst's desk.
LAYER_WORDS = {
    "childrens_home": "children's homes",
    "licensed_premises": "licensed premises",
    "school": "schools",
    "gang_territory": "gang territories",
    "crime_group_territory": "organised crime group territories",
    "drug_hotspot": "drug hotspots",
}
# Kinds of which there are too many to name: told by their number.
_COUNTED = ("licensed_premises", "school")


def layers_near(
    east: float, north: float, places: pl.DataFrame, layers: pl.DataFrame, near_m: float
) -> str | None:
    """Return what lies within `near_m`, as `kind: names; kind: names`; None when nothing does."""
    away = ((pl.col("easting_m") - east) ** 2 + (pl.col("northing_m") - north) ** 2).sqrt()
    near_places = places.filter(away <= near_m).select("kind", "name")
    near_areas = layers.filter(
        pl.Series(_distance(layers, shapely.Point(east, north)) <= near_m, dtype=pl.Boolean)
    ).select("kind", "name")
    near = pl.concat([near_places, near_areas]).sort("kind", "name")
    parts = [
        f"{words}: {names.len() if kind in _COUNTED else ', '.join(names.to_list())}"
        for kind, words in LAYER_WORDS.items()
        if (names := near.filter(pl.col("kind") == kind)["name"]).len()
    ]
    return "; ".join(parts) or None


def known_before(circle: shapely.Geometry, layers: pl.DataFrame) -> str | None:
    """Return the ids of the hotspots known before that the circle overlaps; None for none."""
    known = layers.filter(pl.col("kind") == "known_hotspot").sort("area_id")
    met = known.filter(pl.Series(_distance(known, circle) == 0, dtype=pl.Boolean))
    return ", ".join(met["area_id"].to_list()) or None


def nearest_home(
    east: float, north: float, places: pl.DataFrame
) -> tuple[str | None, float | None]:
    """Return the nearest children's home and the distance to it in metres; None without any."""
    from scipy.spatial import cKDTree

    homes = places.filter(pl.col("kind") == "childrens_home").drop_nulls("easting_m")
    homes = homes.sort("place_id")
    if homes.is_empty():
        return None, None
    distance, row = cKDTree(homes.select("easting_m", "northing_m").to_numpy()).query([east, north])
    return str(homes["name"][int(row)]), round(float(distance), 1)


def _distance(layers: pl.DataFrame, shape: shapely.Geometry) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = shapely.distance(polygons(layers), shape)
    return distances
