"""Boundaries: wards and areas drawn by others, from GeoJSON or centre and radius, as WKT in metres.

Everything that leaves this module is in the British National Grid (EPSG:27700). Which polygon a
point lies in is told here too, since locations, hotspots and map all ask.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from profile_pipeline import tables
from profile_pipeline.errors import DeliveryError, Problem
from profile_pipeline.plan.context import AREA_KINDS, ContextSource, Extent, context_path

GRID, DEGREES = "EPSG:27700", "EPSG:4326"
# Names under which GeoJSON files give the two systems that are understood (OGC 09-048r3 URNs).
_CRS_NAMES = {
    "epsg:27700": GRID,
    "urn:ogc:def:crs:epsg::27700": GRID,
    "epsg:4326": DEGREES,
    "urn:ogc:def:crs:epsg::4326": DEGREES,
    "urn:ogc:def:crs:ogc:1.3:crs84": DEGREES,
    "urn:ogc:def:crs:ogc::crs84": DEGREES,
}
OUTSIDE = "outside the area"


def read_wards(source: ContextSource, root: Path) -> pl.DataFrame:
    """Return tables.WARD from a GeoJSON file; boundaries are mended where they cross themselves.

    Raises DeliveryError with all problems: no polygon, no code, a code twice, a coordinate system
    that is neither EPSG:27700 nor EPSG:4326, coordinates outside Britain.
    """
    shapes, properties = _read_polygons(source, root)
    frame = pl.DataFrame(
        {
            "ward_code": [given["ward_code"] for given in properties],
            "ward": [given["ward"] for given in properties],
            "geometry_wkt": _as_wkt(shapes),
        },
        schema=tables.WARD.polars_schema,
    )
    return tables.conform(frame.sort("ward_code"), tables.WARD)


def read_areas(source: ContextSource, root: Path) -> pl.DataFrame:
    """Return tables.AREA_LAYER from a GeoJSON file of territories or hotspots."""
    shapes, properties = _read_polygons(source, root)
    frame = pl.DataFrame(
        {
            "kind": AREA_KINDS[source.kind],
            "area_id": [given["area_id"] for given in properties],
            "name": [given["name"] or given["area_id"] for given in properties],
            "note": [given["note"] for given in properties],
            "geometry_wkt": _as_wkt(shapes),
        },
        schema=tables.AREA_LAYER.polars_schema,
    )
    return tables.conform(frame.sort("area_id"), tables.AREA_LAYER)


def areas_within(
    areas: pl.DataFrame, source: ContextSource, extent: Extent | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the areas that reach into the extent, and the others as tables.CONTEXT_FAULT.

    `row` counts the areas by id from 0. Without an extent all are kept.
    """
    if extent is None:
        return areas, tables.empty(tables.CONTEXT_FAULT)
    box = shapely.box(extent.west, extent.south, extent.east, extent.north)
    reaches = pl.Series("reaches", shapely.intersects(polygons(areas), box), dtype=pl.Boolean)
    column = source.column("area_id")
    faults = (
        areas.with_row_index("row")
        .filter(~reaches)
        .select(
            dataset=pl.lit(source.id),
            file=pl.lit(source.file),
            row="row",
            column=pl.lit(column),
            value="area_id",
            rule=pl.lit("outside_area"),
            reason=pl.lit("the place lies outside the area and its margin"),
        )
    )
    return areas.filter(reaches), tables.conform(faults, tables.CONTEXT_FAULT)


def circles(centres: pl.DataFrame) -> pl.DataFrame:
    """Return tables.AREA_LAYER: circles drawn from `intake.context.read_circles` (64 corners)."""
    points = shapely.points(centres["easting_m"].to_numpy(), centres["northing_m"].to_numpy())
    drawn = shapely.buffer(points, centres["radius_m"].to_numpy(), quad_segs=16)
    frame = centres.with_columns(pl.Series("geometry_wkt", _as_wkt(drawn), dtype=pl.String))
    return tables.conform(frame, tables.AREA_LAYER)


def extent_of(wards: pl.DataFrame, margin_m: float) -> Extent:
    """Return the wards' box widened by the margin (metres), with their codes."""
    west, south, east, north = shapely.total_bounds(polygons(wards))
    return Extent(
        float(west) - margin_m,
        float(south) - margin_m,
        float(east) + margin_m,
        float(north) + margin_m,
        frozenset(wards["ward_code"].to_list()),
    )


def polygons(areas: pl.DataFrame) -> NDArray[np.object_]:
    """Return the geometries of a frame's `geometry_wkt` (EPSG:27700), in its order."""
    shapes: NDArray[np.object_] = shapely.from_wkt(
        np.array(areas["geometry_wkt"].to_list(), object)
    )
    return shapes


def ward_index(
    easting_m: NDArray[np.float64], northing_m: NDArray[np.float64], wards: pl.DataFrame
) -> NDArray[np.int64]:
    """Return for each point the row of its ward, -1 outside every ward.

    A point on a common boundary belongs to the ward that comes first; a NaN lies nowhere.
    """
    found = np.full(len(easting_m), -1, dtype=np.int64)
    if wards.is_empty():
        return found
    points = shapely.points(easting_m, northing_m)
    known = np.flatnonzero(np.isfinite(easting_m) & np.isfinite(northing_m))
    point, ward = shapely.STRtree(polygons(wards)).query(points[known], predicate="intersects")
    order = np.argsort(-ward, kind="stable")
    found[known[point[order]]] = ward[order]
    return found


def assign_ward(
    frame: pl.DataFrame,
    wards: pl.DataFrame,
    easting: str = "easting_m",
    northing: str = "northing_m",
) -> pl.DataFrame:
    """Return the frame with `ward_code` and `ward` of its points; null outside every ward."""
    index = ward_index(
        frame[easting].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        frame[northing].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        wards,
    )
    rows = pl.Series([int(row) if row >= 0 else None for row in index], dtype=pl.UInt32)
    return frame.with_columns(
        wards["ward_code"].gather(rows).alias("ward_code"), wards["ward"].gather(rows).alias("ward")
    )


def to_degrees(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the geometries in longitude and latitude (EPSG:4326), for the map alone.

    Accurate to a few metres (two in the Midlands): the OSTN15 grid is not fetched, nothing is
    asked of the network.
    """
    return _transform(shapes, GRID, DEGREES)


def _as_wkt(shapes: Any) -> list[str]:
    # Decimetres: agencies' boundaries are no better, and fixed digits keep outputs the same.
    return [str(text) for text in shapely.to_wkt(shapes, rounding_precision=1)]


def _transform(shapes: NDArray[np.object_], source: str, target: str) -> NDArray[np.object_]:
    from pyproj import Transformer, network

    network.set_network_enabled(False)  # type: ignore[attr-defined]
    move = Transformer.from_crs(source, target, always_xy=True)

    def moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(move.transform(points[:, 0], points[:, 1]))

    transformed: NDArray[np.object_] = shapely.transform(shapes, moved)
    return transformed


def _read_polygons(
    source: ContextSource, root: Path
) -> tuple[NDArray[np.object_], list[dict[str, str | None]]]:
    """Return polygons in EPSG:27700 and their properties under standard names."""
    where = f"reference/{source.file}"
    features, crs = _read_features(source, root, where)
    problems: list[Problem] = []
    shapes: list[Any] = []
    properties: list[dict[str, str | None]] = []
    for number, feature in enumerate(features):
        place = f"{where}, feature {number}"
        shape = _shape_of(feature)
        if shape is None:
            problems.append(Problem(place, "it is not a polygon.", "Ask for areas."))
            continue
        given = feature.get("properties")
        given = given if isinstance(given, dict) else {}
        values = {name: _text(given.get(source.column(name))) for name in source.names.all}
        problems += [
            Problem(place, f"it has no '{source.column(name)}'.", f"Map `{name}` under `columns:`.")
            for name in source.names.required
            if values[name] is None
        ]
        shapes.append(shape)
        properties.append(values)
    problems += _repeated(source, where, properties)
    if not features:
        problems.append(Problem(where, "there is no feature in it.", "Ask for it again."))
    if problems:
        raise DeliveryError(problems)
    geometries = np.array(shapes, dtype=object)
    if crs == DEGREES:
        _refuse_outside(geometries, (-180, -90, 180, 90), where)
        geometries = _transform(geometries, DEGREES, GRID)
    _refuse_outside(geometries, (0, 0, 700_000, 1_300_000), where)
    return geometries, properties


def _read_features(
    source: ContextSource, root: Path, where: str
) -> tuple[list[dict[str, Any]], str]:
    """Return the features of a GeoJSON file and its coordinate system; raise DeliveryError."""
    path = context_path(source, root)
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError:
        raise DeliveryError(
            Problem(
                where, "the file is not there or can't be opened.", "Ask for it or mend `file`."
            )
        ) from None
    except (ValueError, RecursionError):
        raise DeliveryError(Problem(where, "it is not GeoJSON.", "Ask for it again.")) from None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not all(isinstance(item, dict) for item in features):
        raise DeliveryError(
            Problem(where, "it is not a GeoJSON feature collection.", "Ask for it again.")
        )
    return features, _crs_of(document, source, where)


def _crs_of(document: dict[str, Any], source: ContextSource, where: str) -> str:
    """Return the file's coordinate system: its own, the plan's, or GeoJSON's default (RFC 7946)."""
    member = document.get("crs")
    if member is None:
        return source.read.crs or DEGREES
    properties = member.get("properties") if isinstance(member, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    crs = _CRS_NAMES.get(str(name).strip().lower())
    if crs is None:
        raise DeliveryError(
            Problem(
                where,
                f"its coordinate system is not {GRID} or {DEGREES}.",
                f"Ask for the British National Grid ({GRID}).",
            )
        )
    if source.read.crs is not None and source.read.crs != crs:
        raise DeliveryError(
            Problem(where, f"the file says {crs}, the plan {source.read.crs}.", "Mend the plan.")
        )
    return crs


def _shape_of(feature: dict[str, Any]) -> Any:
    """Return the feature's polygon, mended where it crosses itself; None when it has none."""
    from shapely.geometry import shape

    geometry = feature.get("geometry")
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        return None
    try:
        with np.errstate(invalid="ignore"):
            drawn = shapely.force_2d(shape(geometry))
    except (shapely.errors.ShapelyError, ValueError, TypeError, KeyError, IndexError):
        return None
    # JSON knows no infinity, but 1e999 is read as one.
    if not np.isfinite(shapely.get_coordinates(drawn)).all():
        return None
    if not shapely.is_valid(drawn):
        # Keeps the area and drops the slivers that mending leaves as lines or points.
        parts = shapely.get_parts(shapely.make_valid(drawn))
        drawn = shapely.union_all([part for part in parts if part.area > 0])
    return drawn if drawn.area > 0 else None


def _text(value: Any) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None


def _repeated(
    source: ContextSource, where: str, properties: list[dict[str, str | None]]
) -> list[Problem]:
    key = source.names.required[0]
    codes = [values[key] for values in properties if values[key] is not None]
    times = len(codes) - len(set(codes))
    if not times:
        return []
    return [Problem(where, f"'{source.column(key)}' repeats {times} time(s).", "Ask for it again.")]


def _refuse_outside(
    shapes: NDArray[np.object_], box: tuple[float, float, float, float], where: str
) -> None:
    west, south, east, north = shapely.total_bounds(shapes)
    if not (west >= box[0] and south >= box[1] and east <= box[2] and north <= box[3]):
        raise DeliveryError(
            Problem(
                where,
                "its coordinates don't fit its coordinate system.",
                f"Name it under `read:` (`crs: {GRID}`), or ask for the file again.",
            )
        )
