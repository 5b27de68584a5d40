"""Context registers: rows that can't be used are told apart, files that can't are refused whole."""

import contextlib
from pathlib import Path

import openpyxl
import polars as pl
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.boundaries import circles
from profile_pipeline import tables
from profile_pipeline.errors import DeliveryError
from profile_pipeline.intake.context import READERS, read_context
from profile_pipeline.plan.context import AREA_KINDS, CSV_NAMES, ContextSource, Extent


def csv_like() -> st.SearchStrategy[bytes]:
    """Files with the right header for some kind and odd cells below."""
    cell = st.sampled_from(
        ["", "0", "-1", "1e400", "nan", "inf", "390000", "DY1 1AA", "F", "\x1f", "é"]
    )
    headers = st.sampled_from([CSV_NAMES[kind].all for kind in sorted(CSV_NAMES)])
    return headers.flatmap(
        lambda names: st.lists(
            st.lists(cell, min_size=len(names), max_size=len(names)), max_size=4
        ).map(lambda rows: "\n".join(",".join(row) for row in [names, *rows]).encode())
    )


AREA = Extent(380_000, 280_000, 400_000, 300_000, frozenset({"E1"}))


def _read(tmp_path: Path, kind: str, text: str | bytes, area: Extent | None = AREA, **more: object):
    data = text.encode() if isinstance(text, str) else text
    (tmp_path / "file.csv").write_bytes(data)
    source = {"id": "it", "kind": kind, "agency": "a", "why": "w", "file": "file.csv", **more}
    return read_context(ContextSource.model_validate(source), tmp_path, area)


def _faults(result) -> list[tuple[int, str]]:
    return list(result.faults.select("row", "rule").iter_rows())


DIRECTORY = pl.DataFrame(
    {"postcode": ["DY1 1AA"], "easting_m": [390_000.0], "northing_m": [290_000.0]},
)


def test_a_place_without_grid_reference_stands_where_its_postcode_does(tmp_path) -> None:
    """Registers as they are published give a postcode and no grid reference."""
    (tmp_path / "file.csv").write_text(
        "place_id,name,postcode\n1,A,dy11aa\n2,B,DY1 9ZZ\n3,C,SW1A 1AA\n4,D,\n"
    )
    source = ContextSource(id="it", kind="childrens_homes", agency="a", why="w", file="file.csv")
    directory = tables.conform(
        DIRECTORY.with_columns(ward_code=pl.lit(None, dtype=pl.String)), tables.POSTCODE
    )
    result = read_context(source, tmp_path, AREA, directory)
    assert result.frame.select("place_id", "easting_m", "northing_m").rows() == [
        ("1", 390_000, 290_000),
        ("2", None, None),
        ("4", None, None),
    ]
    # A postcode of another district than those of the directory lies elsewhere.
    assert _faults(result) == [(1, "no_coordinates"), (2, "outside_area"), (3, "no_coordinates")]


def test_a_register_that_tells_no_place_at_all_is_refused(tmp_path) -> None:
    with pytest.raises(DeliveryError, match="there is no column 'easting_m'"):
        _read(tmp_path, "schools", "place_id,name\n1,A\n")


def test_places_outside_swapped_or_repeated_are_faults_and_the_rest_is_kept(tmp_path) -> None:
    text = (
        "URN,Name,E,N\n1,A,390000,290000\n2,B,290000,390000\n3,C,500000,290000\n"
        "4,D,,290000\n1,E,390001,290000\n5,F,0,0\n"
    )
    columns = {"place_id": "URN", "name": "Name", "easting_m": "E", "northing_m": "N"}
    result = _read(tmp_path, "schools", text, columns=columns)
    # What nothing locates is kept, without a place, and told.
    assert result.frame.select("place_id", "easting_m").rows() == [
        ("1", 390_000),
        ("4", None),
        ("5", None),
    ]
    assert "2 of 3 rows have no grid reference" in str(result.note)
    assert _faults(result) == [
        (1, "swapped"),
        (2, "outside_area"),
        (3, "no_coordinates"),
        (4, "repeated_id"),
        (5, "no_coordinates"),
    ]
    assert result.faults["column"][0] == "E"


def test_postcodes_are_written_alike_and_those_of_other_places_are_left_out(tmp_path) -> None:
    text = (
        "postcode,easting_m,northing_m,ward_code\ndy1 1aa,390000,290000,E1\n"
        "DY11BB,390000,290001,E1\nEH1 1AA,325000,673000,S1\nDY1 1DD,325000,673000,E1\n"
        "DY1,390000,290000,E1\n"
    )
    result = _read(tmp_path, "postcodes", text)
    assert result.frame["postcode"].to_list() == ["DY1 1AA", "DY1 1BB"]
    assert _faults(result) == [(3, "outside_area"), (4, "not_a_postcode")]


def test_population_takes_sexes_and_groups_from_codes(tmp_path) -> None:
    text = (
        "ward_code,age_years,sex,ethnicity_code,population\nE1,10,F,CHNE,5\nE1,10,M,BOTH,6\n"
        "E1,11,F,NOBT,1\nE9,11,F,WBRI,1\nE1,11,X,WBRI,1\nE1,12,F,WBRI,1.5\n"
    )
    result = _read(tmp_path, "population", text)
    assert result.frame.select("sex", "ethnic_group", "population").rows() == [
        ("female", "Asian", 5),
        ("male", "Black", 6),
    ]
    assert [rule for _, rule in _faults(result)] == [
        "unknown_ethnicity",
        "unknown_ward",
        "unknown_sex",
        "impossible_count",
    ]


def test_a_regional_total_below_its_parts_is_a_fault(tmp_path) -> None:
    text = (
        "authority,quarter,total,at_risk,significant,serious\nSandwell,2015-16_Q4,10,8,1,1\n"
        "Walsall,2015-16 Q4,10,8,2,1\nWalsall,March,1,1,0,0\n"
    )
    result = _read(tmp_path, "regional_summary", text)
    assert result.frame["quarter"].to_list() == ["2015-16 Q4"]
    assert _faults(result) == [(1, "parts_exceed_total"), (2, "not_a_quarter")]


def test_only_keeps_the_rows_named(tmp_path) -> None:
    text = (
        "place_id,name,easting_m,northing_m,Status\n1,A,390000,290000,Active\n"
        "2,B,390000,290000,Closed\n"
    )
    result = _read(tmp_path, "childrens_homes", text, only={"Status": ["Active"]})
    assert result.frame["name"].to_list() == ["A"]
    assert result.faults.is_empty()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04\x00\x00", "not a text file"),
        ("place_id,name\n1,Caf\u00e9\n".encode("cp1252"), "encoding utf-8"),
        (b"place_id,name,easting_m\n", "no row"),
        (b"place_id,name,name,easting_m,northing_m\n1,a,b,390000,290000\n", "repeats 'name'"),
        (b"place_id,name,easting_m,northing_m\n1,a\n", "more or fewer cells"),
        (b"place_id,name,easting_m,northing_m\n1,Secret Name,1,1\n", "none of its 1 rows"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(tmp_path, content, said) -> None:
    with pytest.raises(DeliveryError, match=said) as raised:
        _read(tmp_path, "schools", content)
    assert "Secret Name" not in str(raised.value)


def test_all_missing_columns_are_told_at_once(tmp_path) -> None:
    with pytest.raises(DeliveryError) as raised:
        _read(tmp_path, "schools", "place_id,E,N\n1,2,3\n")
    assert len(raised.value.problems) == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(sorted(READERS)), data=st.binary(max_size=300) | csv_like())
def test_no_bytes_raise_anything_but_a_delivery_error(tmp_path, kind: str, data: bytes) -> None:
    with contextlib.suppress(DeliveryError):
        _read(tmp_path, kind, data)


@pytest.mark.parametrize("kind", sorted(AREA_KINDS))
def test_territories_drug_and_earlier_hotspots_load_and_are_drawn_at_their_radius(
    tmp_path, kind: str
) -> None:
    text = (
        "Ref,Group,E,N,Metres,Remark\nK1,Northside,390000,290000,300,seen 2014-15\n"
        "K2,,390500,290000,0,\nK1,Twice,390000,290000,300,\nK3,,290000,390000,300,\n"
    )
    columns = {"area_id": "Ref", "name": "Group", "easting_m": "E", "northing_m": "N",
               "radius_m": "Metres", "note": "Remark"}  # fmt: skip
    result = _read(tmp_path, kind, text, columns=columns)
    assert _faults(result) == [(1, "impossible_radius"), (2, "repeated_id"), (3, "swapped")]
    area = circles(result.frame).row(0, named=True)
    assert (area["kind"], area["name"]) == (AREA_KINDS[kind], "Northside")
    assert area["note"] == "seen 2014-15"
    # A circle of 64 corners has 99.84% of the area.
    drawn = shapely.from_wkt(area["geometry_wkt"])
    assert drawn.area == pytest.approx(3.14159 * 300**2, rel=0.002)


def test_a_register_may_come_as_a_workbook(tmp_path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Ofsted register"])
    book.active.append(["place_id", "name", "easting_m", "northing_m", "capacity"])
    book.active.append(["SC1", "Beech House", 390000, 290000, 4])
    book.save(tmp_path / "homes.xlsx")
    source = {"id": "homes", "kind": "childrens_homes", "agency": "a", "why": "w",
              "file": "homes.xlsx", "read": {"header_row": 2}}  # fmt: skip
    result = read_context(ContextSource.model_validate(source), tmp_path, AREA)
    assert result.frame.select("place_id", "capacity").rows() == [("SC1", 4.0)]


def test_neighbours_and_region_load_by_quarter_with_their_levels(tmp_path) -> None:
    text = (
        "authority,quarter,total,at_risk,significant,serious\n"
        "Nearby,2015-16 Q4,10,7,2,1\nRegion,2015-16 Q4,844,,,\nNearby,2015-16 Q4,11,,,\n"
    )
    result = _read(tmp_path, "regional_summary", text)
    assert result.frame["total"].to_list() == [10, 844]
    assert _faults(result) == [(2, "repeated_id")]
