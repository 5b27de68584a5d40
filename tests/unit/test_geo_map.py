"""The map's payload: nothing that the panel may not have, and the same bytes each time."""

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geo.hotspots import find_hotspots
from geo.locations import locate_offences
from geo.map import density_cells, hotspot_map
from profile_pipeline import tables
from profile_pipeline.plan.settings import (
    Area,
    Edition,
    Period,
    ProfileSettings,
    TermsOfReference,
)
from tests.unit import geo_borough as borough

HOSTILE = "<script>alert('x')</script>{{ 7 * 7 }}"
HOT = (borough.WEST + 1500.0, borough.SOUTH + 1500.0)
REPO = Path(__file__).parents[2]


def _settings(**changes: object) -> ProfileSettings:
    terms = TermsOfReference(
        aim="a",
        objectives=("o",),
        methodology="m",
        time_frames="t",
        required_outputs=("map",),
        resources="r",
    )
    given = {
        "title": "Profile",
        "terms_of_reference": terms,
        "area": Area(name="Borough", responsible_authority="Borough"),
        "period": Period(start=date(2015, 4, 1), end=date(2016, 3, 31)),
        "as_at": date(2016, 3, 31),
        **changes,
    }
    return ProfileSettings(**given)  # type: ignore[arg-type]


def _places() -> pl.DataFrame:
    kinds = ["childrens_home", "licensed_premises", "school"]
    return tables.conform(
        pl.DataFrame(
            {
                "kind": kinds,
                "place_id": ["H1", "L1", "S1"],
                "name": ["Secret House", "Quiet Arms", HOSTILE],
                "category": [None] * 3,
                "address": ["1 Secret Road", "2 Quiet Road", None],
                "postcode": [None] * 3,
                "easting_m": [HOT[0] + 123, HOT[0] + 50, HOT[0] + 70],
                "northing_m": [HOT[1] + 77, HOT[1], HOT[1]],
                "capacity": [None] * 3,
            }
        ),
        tables.PLACE,
    )


def _layers() -> pl.DataFrame:
    east, north = HOT
    ring = f"{east} {north}, {east + 99} {north}, {east + 99} {north + 99}, {east} {north}"
    return pl.DataFrame(
        {
            "kind": ["gang_territory"],
            "area_id": ["G1"],
            "name": ["Named Gang"],
            "note": ["a note"],
            "geometry_wkt": [f"POLYGON (({ring}))"],
        }
    )


def page(settings: ProfileSettings | None = None, hot: int = 20) -> str:
    """The map of a borough with one hotspot."""
    settings = settings or _settings()
    points = np.vstack([borough.around(*HOT, hot, 80, 4), borough.scattered(80, 4)])
    offences = borough.offences(points)
    wards = borough.wards().with_columns(pl.Series("ward", [HOSTILE, "East"]))
    located = locate_offences(offences, wards, borough.postcodes(), settings.hotspots)
    children = borough.a_child_each(offences)
    finding = find_hotspots(
        located,
        children,
        wards,
        borough.postcodes(),
        _places(),
        _layers(),
        settings.hotspots,
        settings.as_at,
    )
    return hotspot_map(finding, located, children, wards, _places(), _layers(), settings)


def test_no_home_premises_gang_or_note_is_named_in_the_file() -> None:
    text = page()
    for secret in ("Secret", "Quiet Arms", "Named Gang", "a note", "CHILD-", "2015-16_Q4"):
        assert secret not in text


def test_no_event_and_no_home_can_be_told_from_a_coordinate() -> None:
    import shapely

    from geo.boundaries import to_degrees

    text = page()
    numbers = np.array(re.findall(r"\[(-?\d+\.\d+), (\d+\.\d+)\]", text), dtype=float)
    points = np.vstack([borough.around(*HOT, 20, 80, 4), [[HOT[0] + 123, HOT[1] + 77]]])
    exact = shapely.get_coordinates(to_degrees(shapely.points(points)))
    assert len(numbers) > 50
    for longitude, latitude in exact:
        # Two metres either way.
        near = (abs(numbers[:, 0] - longitude) < 3e-5) & (abs(numbers[:, 1] - latitude) < 2e-5)
        assert not near.any()


def test_names_from_agencies_are_neither_markup_nor_template() -> None:
    text = page(_settings(title=HOSTILE))
    assert "<script>alert" not in text
    assert "49" not in re.findall(r"<title>(.*?)</title>", text)[0]
    assert "{{ 7 * 7 }}" in text


def test_the_page_forbids_itself_every_request() -> None:
    text = page()
    head = text[: text.index("<script")]
    assert "default-src 'none'" in head
    assert not re.search(r"<(?:script|img|iframe|link)[^>]+(?:src|href)\s*=", text)


def test_marking_title_period_baseline_and_statement_are_on_the_page() -> None:
    text = page(_settings(synthetic=True))
    for said in (
        "OFFICIAL-SENSITIVE",
        "1 April 2015 to 31 March 2016",
        "addresses (the postcode directory",
        "What is not shown",
        "4 or fewer offences or children",
        "All people and places are invented",
    ):
        assert said in text


def test_too_few_events_say_so_instead_of_an_empty_list() -> None:
    hotspots = _settings().hotspots.model_copy(update={"minimum_events": 500})
    text = page(_settings(hotspots=hotspots))
    assert "fewer than 500 offences" in text
    assert "data-hotspot=" not in text.split("</head>")[1]


def test_a_map_is_drawn_though_nothing_was_supplied() -> None:
    settings = _settings()
    offences = borough.offences(np.array([HOT]))
    empty = [tables.empty(table) for table in (tables.PLACE, tables.AREA_LAYER)]
    wards, postcodes = borough.wards().clear(), borough.postcodes().clear()
    located = locate_offences(offences, wards, postcodes, settings.hotspots)
    children = borough.a_child_each(offences)
    finding = find_hotspots(
        located, children, wards, postcodes, *empty, settings.hotspots, settings.as_at
    )
    text = hotspot_map(finding, located, children, wards, *empty, settings)
    assert "No ward boundaries supplied" in text


@pytest.mark.parametrize(("events", "people", "shown"), [(4, 4, 0), (5, 4, 0), (5, 5, 1)])
def test_a_cell_needs_enough_events_and_enough_children(events, people, shown) -> None:
    offences = borough.offences(np.tile(HOT, (events, 1)))
    located = locate_offences(offences, borough.wards(), borough.postcodes(), _settings().hotspots)
    children = borough.a_child_each(offences).with_columns(
        pl.format("P{}", pl.col("row") % people).alias("person_id")
    )
    cells = density_cells(located, children, 500, Edition(suppress_up_to=4))
    assert cells.height == shown
    assert "events" not in cells.columns


def test_two_processes_write_the_same_bytes() -> None:
    code = (
        "import hashlib; from tests.unit.test_geo_map import page; "
        "print(hashlib.sha256(page().encode()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )
    import hashlib

    assert done.stdout.strip() == hashlib.sha256(page().encode()).hexdigest()
