"""Every kind of register and layer, by the plan alone: loaded, checked, and where it is seen."""

import json
import re
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest

from assets.geography import CONTEXT_OUTS, load_context
from assets.resources import Profile
from geo.hotspots import find_hotspots
from geo.locations import locate_offences
from geo.map import hotspot_map
from profile_pipeline.plan.context import AREA_KINDS, PLACE_KINDS
from profile_pipeline.plan.load import load_plan
from tests.unit import geo_borough as borough
from tests.unit.small_plan import PLAN, write_folder

WEST, SOUTH = borough.WEST, borough.SOUTH
HOT = (WEST + 1000, SOUTH + 1000)

SOURCES = """\
context:
  - {id: wards, kind: wards, agency: ONS, why: w, file: wards.geojson}
  - {id: postcodes, kind: postcodes, agency: OS, why: w, file: postcodes.csv}
  - {id: people, kind: population, agency: ONS, why: w, file: people.csv}
  - {id: homes, kind: childrens_homes, agency: Ofsted, why: w, file: homes.csv}
  - {id: pubs, kind: licensed_premises, agency: Council, why: w, file: pubs.csv}
  - {id: schools, kind: schools, agency: DfE, why: w, file: schools.csv}
  - {id: gangs, kind: gang_territories, agency: Police, why: w, file: gangs.csv}
  - {id: ocg, kind: crime_group_territories, agency: Region, why: w, file: ocg.geojson}
  - {id: drugs, kind: drug_hotspots, agency: Police, why: w, file: drugs.csv}
  - {id: last_year, kind: known_hotspots, agency: Team, why: w, file: known.csv}
  - {id: neighbours, kind: regional_summary, agency: Region, why: w, file: region.csv}
"""


def polygon(name: str, key: str, west: float, south: float, size: float) -> dict:
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    about = {key: name, "ward": name, "name": name}
    return {"type": "Feature", "properties": about,
            "geometry": {"type": "Polygon", "coordinates": [ring]}}  # fmt: skip


def geojson(*features: dict) -> str:
    crs = {"type": "name", "properties": {"name": "EPSG:27700"}}
    return json.dumps({"type": "FeatureCollection", "crs": crs, "features": list(features)})


def place(name: str, count: int) -> str:
    """A register of so many places, one of them in another part of the country."""
    rows = [f"{name}{n},{name} {n},{HOT[0] + 40 * n},{HOT[1]}" for n in range(count)]
    return "\n".join(["place_id,name,easting_m,northing_m", *rows, f"far,Far,{HOT[0]},900000"])


def circle(name: str) -> str:
    rows = [f"{name},{HOT[0]},{HOT[1]},300", f"broken,{HOT[0]},{HOT[1]},0"]
    return "\n".join(["area_id,easting_m,northing_m,radius_m", *rows])


FILES = {
    "wards.geojson": geojson(
        polygon("E05000001", "ward_code", WEST, SOUTH, 3000),
        polygon("E05000002", "ward_code", WEST + 3000, SOUTH, 3000),
    ),
    "postcodes.csv": "postcode,easting_m,northing_m\nDY1 1AA,390100,280100\nnone,390100,280100\n",
    "people.csv": "ward_code,age_years,sex,ethnicity_code,population\nE05000001,12,F,WBRI,40\n"
    "E05000001,12,X,WBRI,40\n",
    "homes.csv": place("Beech House", 1),
    "pubs.csv": place("The Quiet Arms", 3),
    "schools.csv": place("Hill School", 2),
    "gangs.csv": circle("Northside"),
    "ocg.geojson": geojson(
        polygon("The Family", "area_id", HOT[0] - 200, HOT[1] - 200, 400),
        polygon("Elsewhere", "area_id", 500_000, 500_000, 400),
        polygon("Next town", "area_id", WEST - 15_000, SOUTH, 400),
    ),
    "drugs.csv": circle("D1"),
    "known.csv": circle("K1"),
    "region.csv": "authority,quarter,total,at_risk,significant,serious\n"
    "Eastvale,2015-16 Q4,88,61,20,7\nEastvale,2015-16 Q5,1,,,\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = write_folder(tmp_path_factory.mktemp("context") / "p", plan=PLAN + SOURCES)
    for name, text in FILES.items():
        (made / "reference" / name).write_text(text, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def loaded(folder: Path) -> dict[str, pl.DataFrame]:
    results = list(load_context(profile=Profile(folder=str(folder))))
    assert all(isinstance(each, dg.MaterializeResult) for each in results)
    return dict(zip([t.name for t in CONTEXT_OUTS], [r.value for r in results], strict=True))


def test_every_kind_loads_and_its_bad_row_is_told_apart_by_a_rule(loaded) -> None:
    told = loaded["context_delivery"].select("source", "status", "rows", "rows_refused").rows()
    good = {"wards": 2, "pubs": 3, "schools": 2, "ocg": 2}
    refused = {"wards": 0}
    assert sorted(told) == sorted(
        (source, "loaded", good.get(source, 1), refused.get(source, 1))
        for source in re.findall(r"id: (\w+)", SOURCES)
    )
    rules = dict(loaded["context_fault"].select("dataset", "rule").rows())
    assert rules == {
        "postcodes": "not_a_postcode",
        "people": "unknown_sex",
        "homes": "outside_area",
        "pubs": "outside_area",
        "schools": "outside_area",
        "gangs": "impossible_radius",
        "ocg": "outside_area",
        "drugs": "impossible_radius",
        "last_year": "impossible_radius",
        "neighbours": "not_a_quarter",
    }


def test_gangs_and_organised_crime_groups_are_layers_of_their_own(loaded) -> None:
    assert set(loaded["area_layer"]["kind"]) == set(AREA_KINDS.values())
    assert set(loaded["place"]["kind"]) == set(PLACE_KINDS.values())


def test_each_register_and_layer_is_on_the_map_by_kind_and_beside_the_hotspot(
    folder, loaded
) -> None:
    plan = load_plan(folder)
    points = np.vstack([borough.around(*HOT, 30, 80, 4), borough.scattered(80, 4)])
    offences = borough.offences(points)
    settings = plan.settings
    located = locate_offences(offences, loaded["ward"], borough.postcodes(), settings.hotspots)
    children = borough.a_child_each(offences)
    finding = find_hotspots(
        located, children, loaded["ward"], borough.postcodes(), loaded["place"],
        loaded["area_layer"], settings.hotspots, settings.as_at,
    )  # fmt: skip
    spot = finding.hotspots.row(0, named=True)
    for words in (
        "children's homes: Beech House 0",
        "licensed premises: 3",
        "schools: 2",
        "gang territories: Northside",
        "organised crime group territories: The Family",
        "drug hotspots: D1",
    ):
        assert words in spot["layers"]
    assert (spot["known_before"], spot["status"]) == ("K1", "persistent")
    page = hotspot_map(
        finding, located, children, loaded["ward"], loaded["place"], loaded["area_layer"], settings
    )
    for title in (
        "Hotspot known before",
        "Gang territory",
        "Organised crime group territory",
        "Drug hotspot",
        "Hill School 0 (school)",
        "licensed premises in this cell",
        "Children\\u0027s homes",
    ):
        assert f'"{title}' in page or title in page, title
    for secret in ("Northside", "The Family", "Beech House", "The Quiet Arms"):
        assert secret not in page
