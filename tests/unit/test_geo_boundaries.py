"""Boundaries: coordinate systems are told or refused, points fall into their wards."""

import contextlib
import json
from pathlib import Path

import polars as pl
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.boundaries import (
    areas_within,
    assign_ward,
    circles,
    extent_of,
    polygons,
    read_areas,
    read_wards,
)
from profile_pipeline.errors import DeliveryError
from profile_pipeline.plan.context import ContextSource, Extent


def _source(kind: str = "wards", **more: object) -> ContextSource:
    given = {"id": "w", "kind": kind, "agency": "a", "why": "w", "file": "w.geojson", **more}
    return ContextSource.model_validate(given)


def _square(west: float, south: float, size: float) -> dict:
    ring = [[west, south], [west + size, south], [west + size, south + size], [west, south + size]]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def _write(tmp_path: Path, features: list[dict], crs: str | None = "EPSG:27700") -> None:
    document: dict = {"type": "FeatureCollection", "features": features}
    if crs:
        document["crs"] = {"type": "name", "properties": {"name": crs}}
    (tmp_path / "w.geojson").write_text(json.dumps(document))


def _ward(code: str, geometry: dict) -> dict:
    return {
        "type": "Feature",
        "properties": {"ward_code": code, "ward": f"Ward {code}"},
        "geometry": geometry,
    }


def test_degrees_become_grid_metres(tmp_path) -> None:
    # Ordnance Survey's worked example, the tower at Caister: TG 51409 13177 is 52 39 28.72 N,
    # 1 42 57.79 E in WGS84. Without OSTN15 a few metres are lost.
    _write(tmp_path, [_ward("E1", _square(1.716053, 52.657978, 0.001))], crs=None)
    west, south, _, _ = shapely.total_bounds(polygons(read_wards(_source(), tmp_path)))
    assert (west, south) == pytest.approx((651409.8, 313177.4), abs=8)


@pytest.mark.parametrize("crs", ["EPSG:3857", "urn:ogc:def:crs:EPSG::29902", ""])
def test_an_unknown_coordinate_system_is_refused(tmp_path, crs) -> None:
    _write(tmp_path, [_ward("E1", _square(390000, 290000, 100))], crs="EPSG:27700")
    text = (tmp_path / "w.geojson").read_text().replace("EPSG:27700", crs)
    (tmp_path / "w.geojson").write_text(text)
    with pytest.raises(DeliveryError, match="coordinate system is not EPSG:27700"):
        read_wards(_source(), tmp_path)


def test_metres_passed_off_as_degrees_are_refused(tmp_path) -> None:
    _write(tmp_path, [_ward("E1", _square(390000, 290000, 100))], crs=None)
    with pytest.raises(DeliveryError, match="don't fit its coordinate system"):
        read_wards(_source(), tmp_path)
    assert read_wards(_source(read={"crs": "EPSG:27700"}), tmp_path).height == 1


def test_all_faults_of_a_file_are_told_at_once(tmp_path) -> None:
    point = {"type": "Point", "coordinates": [390000, 290000]}
    square = _square(390000, 290000, 100)
    _write(
        tmp_path, [_ward("E1", square), _ward("E1", square), _ward("E2", point), _ward("", square)]
    )
    with pytest.raises(DeliveryError) as raised:
        read_wards(_source(), tmp_path)
    assert len(raised.value.problems) == 3


def test_a_boundary_that_crosses_itself_is_mended(tmp_path) -> None:
    bow_tie = [
        [390000, 290000],
        [390100, 290100],
        [390100, 290000],
        [390000, 290100],
        [390000, 290000],
    ]
    _write(tmp_path, [_ward("E1", {"type": "Polygon", "coordinates": [bow_tie]})])
    shape = polygons(read_wards(_source(), tmp_path))[0]
    assert shape.is_valid
    assert shape.area == pytest.approx(5000)


def test_points_get_their_ward_and_none_outside(tmp_path) -> None:
    _write(
        tmp_path,
        [_ward("E1", _square(390000, 290000, 100)), _ward("E2", _square(390100, 290000, 100))],
    )
    wards = read_wards(_source(), tmp_path)
    points = pl.DataFrame(
        {"easting_m": [390050.0, 390150.0, 380000.0, None], "northing_m": [290050.0] * 4}
    )
    assert assign_ward(points, wards)["ward_code"].to_list() == ["E1", "E2", None, None]
    assert extent_of(wards, 10)[:4] == (389990, 289990, 390210, 290110)


def test_areas_without_a_name_take_their_id(tmp_path) -> None:
    feature = {"type": "Feature", "properties": {"ref": 7}, "geometry": _square(390000, 290000, 9)}
    _write(tmp_path, [feature])
    areas = read_areas(_source("gang_territories", columns={"area_id": "ref"}), tmp_path)
    assert areas.select("kind", "area_id", "name").row(0) == ("gang_territory", "7", "7")


def test_a_territory_outside_the_area_and_its_margin_is_a_fault_and_the_rest_is_kept(
    tmp_path,
) -> None:
    features = [
        {"type": "Feature", "properties": {"ref": ref}, "geometry": _square(east, 290000, 900)}
        for ref, east in (("here", 390000), ("across the border", 389200), ("far", 450000))
    ]
    _write(tmp_path, features)
    source = _source("crime_group_territories", columns={"area_id": "ref"})
    extent = Extent(390_000, 280_000, 400_000, 300_000)
    kept, faults = areas_within(read_areas(source, tmp_path), source, extent)
    assert kept.select("kind", "area_id").rows() == [
        ("crime_group_territory", "across the border"),
        ("crime_group_territory", "here"),
    ]
    assert faults.select("rule", "column", "value").rows() == [("outside_area", "ref", "far")]


def test_a_circle_holds_its_radius() -> None:
    centre = pl.DataFrame(
        {
            "kind": ["drug_hotspot"],
            "area_id": ["D1"],
            "name": ["D1"],
            "note": [None],
            "easting_m": [390000.0],
            "northing_m": [290000.0],
            "radius_m": [200.0],
        },
        schema_overrides={"note": pl.String},
    )
    assert polygons(circles(centre))[0].area == pytest.approx(3.14159 * 200**2, rel=0.01)


_LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=5)
_NAMES = ["type", "features", "geometry", "coordinates", "properties", "ward_code", "crs", "name"]
_JSON = st.recursive(
    _LEAVES | st.sampled_from(["Polygon", "MultiPolygon", "EPSG:27700", "FeatureCollection"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_NAMES), inner),
    max_leaves=30,
)

_NUMBER = st.sampled_from([0, 1, -2.0, 52.5, 390000, 1e300, float("nan"), float("inf"), "x", None])
_POLYGON = st.builds(
    lambda ring: {"type": "Polygon", "coordinates": [ring]},
    st.lists(st.lists(_NUMBER, min_size=1, max_size=3), max_size=5),
) | st.just({"type": "Polygon", "coordinates": [[[0, 50], [1, 50], [1, 51], [0, 50]]]})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    features=st.lists(
        st.fixed_dictionaries({"geometry": _JSON | _POLYGON, "properties": _JSON}), max_size=3
    ),
    whole=_JSON,
)
def test_no_document_raises_anything_but_a_delivery_error(tmp_path, features, whole) -> None:
    for document in ({"type": "FeatureCollection", "features": features}, whole):
        (tmp_path / "w.geojson").write_text(json.dumps(document))
        with contextlib.suppress(DeliveryError):
            read_wards(_source(), tmp_path)
