"""Population in the layouts of ONS and Nomis, each written by hand after a real download."""

import json
from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook

from profile_pipeline.errors import DeliveryError
from profile_pipeline.intake.context import ContextRows, read_context
from profile_pipeline.plan.context import ContextSource, Extent
from profile_pipeline.population import residents

WEST, EAST = "E05001230", "E05001231"
AREA = Extent(380_000, 280_000, 400_000, 300_000, frozenset({WEST, EAST}))
EDGES = (10, 12, 14, 16)


REAL = Path(__file__).resolve().parents[3] / "shared" / "geography"


def _read(
    folder: Path,
    text: str | None = None,
    *,
    file: str = "file.csv",
    area: Extent = AREA,
    **more: object,
) -> ContextRows:
    if text is not None:
        (folder / file).write_text(text, encoding="utf-8")
    source = {"id": "pop", "kind": "population", "agency": "ONS", "why": "w", "file": file, **more}
    return read_context(ContextSource.model_validate(source), folder, area)


def _sum(frame: pl.DataFrame, **where: object) -> int:
    return int(frame.filter(**where)["population"].sum())


@pytest.fixture
def estimates(tmp_path: Path) -> Path:
    """Mid-year estimates of wards by single year: a sheet for each sex, notes above and below."""
    book = Workbook()
    book.active.title = "Terms"
    book.active.append(["Office for National Statistics: mid-year estimates of wards"])
    for sheet, of in (("Persons", 3), ("Males", 1), ("Females", 2)):
        page = book.create_sheet(f"Mid-2015 {sheet}")
        page.append([f"Ward population estimates: {sheet}"])
        page.append([])
        page.append(["Contact: pop.info@ons.gov.uk"])
        page.append(["Ward Code 1", "Ward Name 1", "Local Authority", "All Ages"]
                    + [str(age) for age in range(90)] + ["90+"])  # fmt: skip
        for code, times in ((WEST, 1), (EAST, 10), ("E05009999", 7)):
            page.append([code, "Amblecote", "Dudley", 91 * of * times] + [of * times] * 91)
        page.append([])
        page.append(["1 Wards as of May 2015. Figures may not add to totals for rounding."])
    book.save(tmp_path / "sape.xlsx")
    return tmp_path


def test_ward_estimates_give_sex_and_single_years_and_their_totals_are_not_counted_too(
    estimates,
) -> None:
    rows = _read(estimates, file="sape.xlsx")
    assert rows.faults.is_empty()
    young = residents(rows.frame, by=("sex",), age_edges=EDGES)
    # Eight years of age; one boy and two girls a year in West, ten times that in East.
    assert _sum(young, ward_code=WEST, sex="male") == 8
    assert _sum(young, ward_code=EAST, sex="female") == 160
    assert set(young["ward_code"]) == {WEST, EAST}
    assert residents(rows.frame, by=("ethnic_group",)).is_empty()


def _nomis_bulk() -> str:
    """Census 2011 table DC2101EW as Nomis's bulk CSV has it: sex, age and group in a heading."""
    ages = {"All categories: Age": None, "Age 10 to 14": 50, "Age 15": 10, "Age 16 to 17": 20,
            "Age 18 to 19": 20}  # fmt: skip
    groups = {"All categories: Ethnic group": 4, "White: Total": 3,
              "White: English/Welsh/Scottish/Northern Irish/British": 2, "White: Irish": 1,
              "Asian/Asian British: Total": 1, "Asian/Asian British: Pakistani": 1}  # fmt: skip
    sexes = {"All persons": 2, "Males": 1, "Females": 1}
    head, cells = ["date", "geography", "geography code"], []
    for sex, of_sex in sexes.items():
        for age, of_age in ages.items():
            for group, of_group in groups.items():
                head.append(f'"Sex: {sex}; Age: {age}; Ethnic Group: {group}; measures: Value"')
                cells.append(str(of_sex * (of_age or 100) * of_group))
    lines = [",".join(head)]
    lines += [f"2011,Amblecote,{code},{','.join(cells)}" for code in (WEST, EAST, "E05009999")]
    return "\n".join(lines) + "\n"


def test_a_census_table_gives_groups_of_children_without_totals_and_subtotals(tmp_path) -> None:
    rows = _read(tmp_path, _nomis_bulk())
    assert rows.faults.is_empty()
    young = residents(rows.frame, by=("ethnic_group", "sex"))
    # 10-14, 15, 16-17: 80 a part; two parts White British, one Irish, one Pakistani; two sexes.
    assert _sum(young, ward_code=WEST) == 80 * 4 * 2
    assert _sum(young, ward_code=WEST, ethnicity_code="WIRI", sex="male") == 80
    assert _sum(young, ward_code=WEST, ethnic_group="Asian") == 160
    # A band of 10 to 14 goes across 12: it can't tell the ages of the profile's bands.
    assert residents(rows.frame, age_edges=EDGES).is_empty()


def test_each_question_takes_the_first_source_that_can_answer_it_and_adds_no_two(
    estimates,
) -> None:
    ons, census = _read(estimates, file="sape.xlsx").frame, _read(estimates, _nomis_bulk()).frame
    both = pl.concat(
        [ons.with_columns(source=pl.lit("ons")), census.with_columns(source=pl.lit("census"))]
    )
    assert _sum(residents(both), ward_code=WEST) == 24
    assert set(residents(both, by=("ethnic_group",))["source"]) == {"census"}
    assert set(residents(both, by=("sex",), age_edges=EDGES)["source"]) == {"ons"}


def test_tables_below_each_other_with_titles_and_notes_are_told_apart(tmp_path) -> None:
    table = (
        '"Sex","{sex}"\n"Age","Age 10 to 17"\n\n'
        '"2011 ward","mnemonic","All categories: Ethnic group","White",'
        '"Mixed/multiple ethnic groups"\n'
        f'"Dudley : Amblecote","{WEST}",{{all}},{{white}},{{mixed}}\n'
        f'"Dudley : Belle Vale","{EAST}","1,100","1,000",100\n\n'
    )
    text = (
        '"DC2101EW - Ethnic group by sex by age"\n"ONS Crown Copyright Reserved [from Nomis]"\n\n'
        + table.format(sex="Males", all=30, white=20, mixed=10)
        + table.format(sex="Females", all=33, white=22, mixed=11)
        + '"In order to protect against disclosure, records have been swapped."\n'
    )
    young = residents(_read(tmp_path, text).frame, by=("sex", "ethnic_group"))
    assert young.filter(ward_code=WEST).select("sex", "ethnic_group", "population").rows() == [
        ("male", "White", 20),
        ("male", "Mixed", 10),
        ("female", "White", 22),
        ("female", "Mixed", 11),
    ]
    assert _sum(young, ward_code=EAST) == 2200


def test_areas_across_and_one_figure_a_line_are_read_too(tmp_path) -> None:
    across = f'"Population"\n"Age",{WEST},{EAST}\n"Aged 10-15",6,60\n"Aged 16 to 17",2,20\n'
    assert _sum(residents(_read(tmp_path, across).frame), ward_code=EAST) == 80
    listed = "DATE,GEOGRAPHY_NAME,GEOGRAPHY_CODE,GENDER_NAME,C_AGE_NAME,OBS_VALUE\n" + "".join(
        f"2015,Amblecote,{WEST},{sex},Age {age},{count}\n"
        for sex, count in (("Total", 3), ("Male", 1), ("Female", 2))
        for age in range(10, 18)
    )
    young = residents(_read(tmp_path, listed).frame, by=("sex",), age_edges=EDGES)
    assert _sum(young, sex="female") == 16


def test_two_lines_of_headings_speak_of_the_columns_below_them(tmp_path) -> None:
    text = (
        f"Mid-2022 wards\n,,Females,,Males,\nWard 2022 Code,Ward name,10-15,16-17,10-15,16-17\n"
        f"{WEST},Amblecote,6,2,5,1\n"
    )
    young = residents(_read(tmp_path, text).frame, by=("sex",))
    assert young.select("sex", "population").rows() == [
        ("female", 6), ("female", 2), ("male", 5), ("male", 1)
    ]  # fmt: skip


def test_figures_that_are_none_and_totals_that_their_parts_do_not_make_are_faults(tmp_path) -> None:
    text = (
        (f"Ward Code,All persons,Females,Males\n{WEST},1000,600,100\n{EAST},100,..,50\n")
        .replace("All persons", "Age: Age 10 to 17; Sex: All persons")
        .replace("Females,Males", "Age: Age 10 to 17; Sex: Females,Age: Age 10 to 17; Sex: Males")
    )
    with pytest.raises(DeliveryError, match="differ everywhere"):
        _read(tmp_path, text.replace("..", "5"))
    rows = _read(tmp_path, text.replace("50\n", "60\n").replace("1000,", "700,"))
    assert rows.faults.select("row", "rule").rows() == [
        (2, "parts_and_total_differ"), (2, "impossible_count")
    ]  # fmt: skip
    assert rows.frame["ward_code"].unique().to_list() == [WEST]
    assert rows.note == "1 of the area's 2 wards have no population in it."


def test_wards_of_another_year_and_groups_no_list_knows_are_refused_in_words(tmp_path) -> None:
    text = _nomis_bulk()
    with pytest.raises(DeliveryError, match="codes may be of another year"):
        _read(tmp_path, text.replace(WEST, "E05015903").replace(EAST, "E05015904"))
    with pytest.raises(DeliveryError, match="'Asian/Asian British: Atlantean' is no ethnic"):
        _read(tmp_path, text.replace("Pakistani", "Atlantean"))


def test_all_ages_by_group_load_but_stand_in_for_no_children(tmp_path) -> None:
    text = (
        "date,geography,geography code,Rural Urban,"
        "Ethnic Group: All categories: Ethnic group; measures: Value,"
        "Ethnic Group: White: Irish; measures: Value,"
        "Ethnic Group: Other ethnic group: Arab; measures: Value\n"
        f"2011,Amblecote,{WEST},Total,30,20,10\n2011,Belle Vale,{EAST},Total,3,2,1\n"
    )
    rows = _read(tmp_path, text)
    assert _sum(rows.frame, ethnicity_code="OOTH") == 11
    assert residents(rows.frame, by=("ethnic_group",)).is_empty()
    assert "no comparison of children" in str(rows.note)


# What each real download says: people in it, and children aged 10 to 17, as its publisher totals
# them (census 2011 and 2021, mid-2020 estimates of Dudley).
DOWNLOADS = {
    "census2011_dc2107_age_sex_dudley.csv": (67_730, 30_929, ("sex",)),
    "census2011_qs201_ethnic_group_18_lad.csv": (312_925, None, ()),
    "census2021_ethnic_group_19_lad.csv": (323_488, None, ()),
    "census2021_ethnic_group_5_lsoa21.csv": (323_472, None, ()),
    "census2021_ethnic_group_5_ward24_bestfit.csv": (323_472, None, ()),
    "ons_mid2020_pop_single_year_of_age_persons_lad.csv": (None, 31_000, ()),
    "ward25_pop_mid2020_total_10_17_bestfit.csv": (31_000, 31_000, ()),
}


@pytest.mark.skipif(not REAL.is_dir(), reason="the real downloads (../shared) are not here")
@pytest.mark.parametrize("file", DOWNLOADS)
def test_a_real_download_loads_as_it_comes_and_adds_up_to_what_was_published(file) -> None:
    people, young, by = DOWNLOADS[file]
    wards = json.loads((REAL / "dudley_wards_current.geojson").read_text())["features"]
    codes = frozenset(ward["properties"]["WDCD"] for ward in wards)
    dudley = Extent(380_000, 280_000, 400_000, 300_000, codes, "E08000027")
    lookup = {
        "file": "lookup_lsoa21_ward24_dudley.csv",
        "code": "lsoa21_code",
        "ward": "ward24_code",
    }
    more = {"areas": lookup} if "lsoa21" in file else {}
    rows = _read(REAL, file=file, area=dudley, **more)
    assert rows.faults.is_empty()
    assert people in (None, rows.frame["population"].sum())
    assert residents(rows.frame, by=by)["population"].sum() == (young or 0)
    if young is None:
        assert "no ages within 10 to 17" in str(rows.note)
    if "ward" in file or "lsoa" in file:
        assert rows.frame["ward_code"].n_unique() == 24
    else:
        assert "tells nothing of wards" in str(rows.note)


BY_WARD = f"WDCD,WDNM,total_population,pop_10_17\n{WEST},West,900,90\nE05009999,Elsewhere,700,70\n"


def test_wards_that_a_source_lacks_are_told(tmp_path) -> None:
    rows = _read(tmp_path, BY_WARD)
    assert rows.note == "1 of the area's 2 wards have no population in it."
    assert residents(rows.frame)["population"].to_list() == [90]
    own = "ward_code,age_years,sex,ethnicity_code,population\n" + f"{WEST},10,F,WBRI,5\n"
    assert _read(tmp_path, own).note == "1 of the area's 2 wards have no population in it."
    assert _read(tmp_path, BY_WARD + f"{EAST},East,800,80\n").note is None


def test_the_area_as_a_whole_tells_sexes_and_ages_and_no_ward(tmp_path) -> None:
    text = "LADCD,sex,age,n\n" + "".join(
        f"{code},{sex},Age {ages},{people}\n"
        for code, times in (("E08000027", 1), ("E08000028", 9))
        for sex, of in (("Males", 1), ("Females", 2))
        for ages, people in (("10 to 14", 50 * of * times), ("15 to 17", 30 * of * times))
    )
    known = AREA._replace(area_code="E08000027")
    rows = _read(tmp_path, text, area=known)
    assert _sum(residents(rows.frame, by=("sex",)), sex="female") == 160
    assert residents(rows.frame, wards=True).is_empty()
    with pytest.raises(DeliveryError, match="`area: code:` in"):
        _read(tmp_path, text)


def test_small_areas_are_added_up_to_wards_and_a_ward_short_of_one_is_left_out(tmp_path) -> None:
    lines = [f"E0100000{n},{ward}" for n, ward in enumerate((WEST, WEST, EAST, EAST), start=1)]
    (tmp_path / "lookup.csv").write_text("\n".join(["LSOA21CD,WD24CD", *lines]) + "\n")
    text = "lsoa21_code,pop_10_17\nE01000001,10\nE01000002,15\nE01000003,7\nE01000099,99\n"
    areas = {"file": "lookup.csv", "code": "LSOA21CD", "ward": "WD24CD"}
    rows = _read(tmp_path, text, areas=areas)
    assert rows.frame.select("ward_code", "population").rows() == [(WEST, 25)]
    assert "1 of the lookup's 4 areas have no figure in it" in str(rows.note)
    with pytest.raises(DeliveryError, match="there is no column 'WARD'"):
        _read(tmp_path, text, areas={**areas, "ward": "WARD"})


def test_groups_of_one_code_are_added_up_and_a_figure_that_came_twice_is_not(tmp_path) -> None:
    table = "ward code,age,ethnic group,value\n" + "".join(
        f"{WEST},Age 10 to 17,{label},{people}\n"
        for label, people in (
            ("Other ethnic group: Arab", 12),
            ("Other ethnic group: Any other ethnic group", 30),
            ("White: Roma", 4),
            ("White: Gypsy or Irish Traveller", 5),
            ("White: Roma", 4),
        )
    )
    rows = _read(tmp_path, table)
    assert _sum(rows.frame, ethnicity_code="OOTH") == 42
    assert _sum(rows.frame, ethnicity_code="WROM") == 9
    assert rows.faults["rule"].to_list() == ["repeated_id"]
