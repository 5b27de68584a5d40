"""A borough with planted answers: three hotspots, a police station that is none, one hotel."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geo.boundaries import circles, extent_of, read_areas, read_wards
from geo.hotspots import find_hotspots
from geo.locations import locate_offences
from geo.premises import match_premises
from profile_pipeline import tables
from profile_pipeline.intake.context import read_context
from profile_pipeline.plan.context import ContextSource
from profile_pipeline.plan.settings import HotspotSettings
from profile_pipeline.quarters import last_day, quarter_expr

EXAM = Path(__file__).parents[3] / "shared" / "exam"
REFERENCE = EXAM / "reference"
pytestmark = pytest.mark.skipif(
    not EXAM.is_dir(), reason="the borough with planted answers is not beside the repository"
)


def _source(kind: str, file: str, **columns: str) -> ContextSource:
    return ContextSource(id=kind, kind=kind, agency="a", why="w", file=file, columns=columns)


PLACE = {"easting_m": "Easting", "northing_m": "Northing", "postcode": "Postcode"}
CIRCLE = {"area_id": "id", "easting_m": "easting", "northing_m": "northing"}


@pytest.fixture(scope="module")
def context() -> dict[str, pl.DataFrame]:
    wards = read_wards(_source("wards", "wards.geojson", ward="ward_name"), REFERENCE)
    extent = extent_of(wards, 3000)

    def read(kind: str, file: str, **columns: str) -> pl.DataFrame:
        return read_context(_source(kind, file, **columns), REFERENCE, extent).frame

    places = [
        read("childrens_homes", "childrens_homes.csv", place_id="URN", name="Name", **PLACE),
        read("schools", "schools.csv", place_id="URN", name="School", **PLACE),
        read(
            "licensed_premises",
            "licensed_premises.csv",
            place_id="Licence",
            name="Trading name",
            address="Address",
            **PLACE,
        ),
    ]
    layers = [
        read_areas(
            _source("gang_territories", "gang_territories.geojson", area_id="name"), REFERENCE
        ),
        circles(read("drug_hotspots", "drug_hotspots.csv", **CIRCLE)),
        circles(read("known_hotspots", "known_cse_hotspots_2014_15.csv", **CIRCLE)),
    ]
    return {
        "wards": wards,
        "postcodes": read(
            "postcodes", "postcode_directory.csv", easting_m="easting", northing_m="northing"
        ),
        "places": pl.concat(places),
        "layers": pl.concat(layers),
    }


@pytest.fixture(scope="module")
def hotspots(context) -> pl.DataFrame:
    files = sorted((EXAM / "data" / "police_cse_crimes").glob("*.csv"))
    rows = pl.concat(
        pl.read_csv(path, infer_schema=False)
        .with_row_index("row")
        .with_columns(pl.lit(path.name).alias("file"))
        for path in files
    ).with_columns(pl.col("RECORDED_DATE").str.to_date("%d/%m/%Y", strict=False).alias("date"))
    table = tables.MEASURES["offence"]
    rows = rows.filter(pl.col("date").is_not_null()).with_columns(
        pl.lit("police_cse_crimes").alias("dataset"),
        quarter_expr(pl.col("date")).alias("quarter"),
        pl.col("CRIME_NO").alias("reference"),
        pl.col("EASTING").cast(pl.Float64, strict=False).alias("easting_m"),
        pl.col("NORTHING").cast(pl.Float64, strict=False).alias("northing_m"),
        pl.col("LOCATION_TYPE").alias("place_type"),
        (pl.col("ONLINE") == "Y").alias("online"),
    )
    children = rows.select(
        "dataset",
        "file",
        pl.col("row").cast(pl.Int64),
        pl.concat_str("VIC_SURNAME", "VIC_DOB", ignore_nulls=True).alias("person_id"),
    )
    offences = tables.conform(
        rows.with_columns(
            pl.lit(None, dtype=c.dtype).alias(c.name)
            for c in table.columns
            if c.name not in rows.columns
        ),
        table,
    )
    settings = HotspotSettings()
    located = locate_offences(offences, context["wards"], context["postcodes"], settings)
    finding = find_hotspots(
        located,
        children,
        context["wards"],
        context["postcodes"],
        context["places"],
        context["layers"],
        settings,
        last_day("2015-16 Q4"),
    )
    return finding.hotspots


def _planted() -> dict:
    return json.loads((EXAM / "truth" / "facts.json").read_text())["hotspots"]


def _nearest(hotspots: pl.DataFrame, planted: dict) -> dict:
    away = np.hypot(
        hotspots["easting_m"].to_numpy() - planted["easting"],
        hotspots["northing_m"].to_numpy() - planted["northing"],
    )
    assert away.min() <= 150
    return hotspots.row(int(away.argmin()), named=True)


def test_the_three_planted_hotspots_are_found_and_nothing_else(hotspots) -> None:
    for planted in _planted()["spots"]:
        _nearest(hotspots, planted)
    assert hotspots.height == 3


def test_the_police_station_is_no_hotspot_though_nobody_declared_it(hotspots) -> None:
    station = _planted()["false_hotspot"]
    away = np.hypot(
        hotspots["easting_m"].to_numpy() - station["easting"],
        hotspots["northing_m"].to_numpy() - station["northing"],
    )
    assert away.min() > 120


def test_what_is_near_each_hotspot_is_as_planted(hotspots) -> None:
    for planted in _planted()["spots"]:
        found = _nearest(hotspots, planted)
        assert found["cross_border"] == planted["cross_border"]
        inside = [ward for ward in found["wards"].split(", ") if ward != "outside the area"]
        assert inside == planted["wards"]
        assert found["nearest_home_m"] == pytest.approx(planted["nearest_home_m"], abs=50)
        assert (found["known_before"] or "") == ", ".join(planted["known_last_year"])
        named = [*planted["homes_within_500m"], *planted["gang_territories"]]
        for name in [*named, *planted["drug_hotspots"]]:
            assert name in found["layers"]


def test_events_are_the_planted_ones(hotspots) -> None:
    # A few background offences lie within reach, a few dates fall in the neighbouring year.
    for planted in _planted()["spots"]:
        found = _nearest(hotspots, planted)
        assert found["events"] == pytest.approx(planted["crimes_24_months"], abs=3)
        assert found["events_last_year"] == pytest.approx(planted["crimes_2015_16"], abs=3)


def test_seven_spellings_are_one_premises(context) -> None:
    truth = json.loads((EXAM / "truth" / "facts.json").read_text())
    cluster = truth["intelligence_gaps"]["licensed_premises_cluster"]
    logs = sorted((EXAM / "data" / "intel_reports").glob("2015-16*.xlsx"))
    rows = pl.concat(
        pl.read_excel(path, sheet_name="Log", read_options={"header_row": 3})
        .select(
            pl.col("Report ref").alias("reference"),
            pl.col("Trading name").alias("premises_name"),
            pl.col("Premises address").alias("premises_address"),
        )
        .with_row_index("row")
        .with_columns(pl.lit(path.name).alias("file"))
        for path in logs
    ).unique("reference", keep="first", maintain_order=True)
    table = tables.MEASURES["information_report"]
    rows = rows.with_columns(
        pl.lit("intel_reports").alias("dataset"),
        pl.lit("2015-16 Q4").alias("quarter"),
        pl.lit(last_day("2015-16 Q4")).alias("date"),
    )
    reports = tables.conform(
        rows.with_columns(
            pl.lit(None, dtype=c.dtype).alias(c.name)
            for c in table.columns
            if c.name not in rows.columns
        ),
        table,
    )
    counts = (
        match_premises(reports, context["places"])
        .filter(pl.col("premises_id").is_not_null())
        .group_by("premises_id")
        .len()
        .sort("len", descending=True)
    )
    assert counts.row(0) == (cluster["licence"], pytest.approx(cluster["reports_2015_16"], abs=1))
    assert counts["len"][1] <= cluster["next_highest_same_year"]
