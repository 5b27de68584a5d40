"""Issue 3, points 6 and 7: information reports, premises, registers, layers and figures."""

from __future__ import annotations

import pytest

from tests.acceptance import collection_files as files
from tests.acceptance.collection_runs import do, mill, out, requests, rows, table, words


@pytest.fixture(scope="module")
def folder():
    return mill().folder


@pytest.fixture(scope="module")
def reports(folder) -> dict[int, dict]:
    found = table(folder, "select * from records.information_report where dataset = 'reports'")
    return {row["row"]: row for row in found.to_dicts()}


def test_every_report_is_loaded_once(reports):
    assert sorted(reports) == list(range(len(files.REPORTS)))


def test_the_two_scales_are_kept_as_given(reports):
    """Reliability 5 is best, accuracy 1 is best; neither is turned round."""
    assert (reports[1]["reliability"], reports[1]["accuracy"]) == ("1", "5")


def test_grade_with_its_meaning_is_a_grade(reports):
    """'5 - always reliable', as the form itself explains 5."""
    assert (reports[0]["reliability"], reports[0]["accuracy"]) == ("5", "1")


def test_dont_know_is_neither_a_grade_nor_a_blank(reports):
    said, blank = reports[2], reports[3]
    assert said["reliability"] is not None
    assert said["accuracy"] is not None
    assert "know" in said["reliability"]
    assert (blank["reliability"], blank["accuracy"]) == (None, None)


def test_fact_and_opinion_stay_apart(reports):
    for number, report in reports.items():
        assert report["information"] == f"Fact number {number}"
        assert report["opinion"] == f"Opinion number {number}"


def test_information_and_intelligence_stay_apart(reports):
    told = {number: str(report["assessed_as"]).lower() for number, report in reports.items()}
    assert told.pop(10) == "intelligence"
    assert set(told.values()) == {"information"}


@pytest.mark.parametrize(
    ("number", "free"),
    [
        (1, True),
        (4, False),  # C: conditions
        (5, False),  # no code
        (6, False),  # not sanitised
        (7, False),  # consent limited
        (8, True),  # dispensed with, and why
        (9, False),  # dispensed with, no reason
    ],
)
def test_coded_uncoded_and_unsanitised_items_stay_restricted(reports, number, free):
    assert reports[number]["releasable"] is free


def test_consent_and_its_reason_are_kept(reports):
    assert reports[7]["consent_reason"] == "Not to school"
    assert "limited" in reports[7]["consent"]
    assert reports[8]["consent_reason"] == "Risk of harm to the child"


def test_reporter_is_in_received_alone(folder):
    tables = rows(folder, "select table_schema, table_name from information_schema.tables")
    holds = {
        schema
        for schema, name in tables
        if rows(
            folder,
            f'select 1 from "{schema}"."{name}" t where t::varchar ilike \'%quillfeather%\''
            " or t::varchar like '%900123%' or t::varchar like '%900 123%' limit 1",
        )
    }
    assert holds == {"received"}


def test_reporter_is_in_no_output_and_no_log(folder):
    for path in folder.rglob("*"):
        if not path.is_file() or "data" in path.relative_to(folder).parts[:1]:
            continue
        if path.suffix in {".duckdb", ".wal"}:
            continue
        content = words(path) if path.suffix == ".docx" else path.read_bytes().decode("latin-1")
        assert "Quillfeather" not in content, path.name


@pytest.mark.parametrize("audience", ["panel", "sub_group"])
def test_no_words_of_a_report_leave_the_desk(folder, audience):
    for path in (out(folder) / audience).rglob("*"):
        if path.suffix in {".html", ".csv", ".docx"}:
            text = words(path) if path.suffix == ".docx" else path.read_text("utf-8")
            assert "Fact number" not in text, path.name
            assert "Opinion number" not in text, path.name


def test_ungraded_reports_are_a_gap(folder):
    got = rows(
        folder,
        "select finding from profile.intelligence_gaps where finding ilike '%report%'"
        " and (finding ilike '%grad%' or finding ilike '%reliab%')",
    )
    assert got


@pytest.mark.parametrize(
    ("number", "licence"),
    [
        (11, "L2"),  # the name stands twice in the register; the address decides
        (12, "L1"),  # St. for Street, and the town after it
        (13, "L3"),  # half the name, the whole address
        (14, None),  # in no register
    ],
)
def test_premises_are_matched_by_name_and_address(folder, number, licence):
    got = rows(folder, f"select premises_id from geo.premises_report where row = {number}")
    assert got == [(licence,)]


def test_blank_form_is_written_by_request(folder):
    form = words(requests(folder, "police") / "information_report_form.docx").lower()
    for word in (
        "date and time", "post", "agency", "contact", "witnessed", "professional",
        "member of the public", "reliab", "accura", "don't know", "engage", "licensed",
        "trading name", "address", "handling code", "sanitised", "consent", "fact", "opinion",
    ):  # fmt: skip
        assert word in form.replace("’", "'"), word


# --- context


def test_register_rows_that_cannot_stand_are_named(folder):
    """A row twice, one whose coordinates are swapped, one without a place: by file and row."""
    faults = dict(rows(folder, "select row, rule from quality.context_fault"))
    assert {2, 3, 4} <= set(faults)
    assert faults[3] != faults[4]


def test_home_with_a_postcode_and_no_coordinates_is_found_by_its_postcode(folder):
    got = rows(folder, "select name from geo.place where kind = 'childrens_home'")
    assert ("Birch House",) in got


def test_register_with_postcodes_alone_loads(tmp_path):
    """Registers as published (Ofsted, licensing) give a postcode and no grid reference."""
    folder = files.millbrook(tmp_path / "register")
    files.write_csv(
        folder / "reference/homes.csv",
        [["URN", "Home", "Provider", "PC", "Beds"], ["SC1", "Alder House", "PR4", "ZQ1 1AA", 4]],
    )
    plan = folder / "collection_plan.yaml"
    text = plan.read_text("utf-8")
    start = text.index("kind: childrens_homes")
    end = text.index("- id: schools")
    homes = text[start:end].replace("    easting_m: E\n", "").replace("    northing_m: N\n", "")
    plan.write_text(text[:start] + homes + text[end:], "utf-8")
    told = [line for line in do("check", folder).text.splitlines() if "homes.csv" in line]
    assert not told, told


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("gang_territory", {"Mill Crew", "Canal group"}),
        ("drug_hotspot", {"D1"}),
        ("known_hotspot", {"H1"}),
    ],
)
def test_layers_load(folder, kind, names):
    got = rows(folder, f"select area_id from geo.area_layer where kind = '{kind}'")
    assert {name for (name,) in got} == names


def test_territory_in_degrees_is_put_into_the_national_grid(folder):
    """52.50 N 2.10 W is about 393 310 E 289 130 N."""
    (wkt,) = rows(folder, "select geometry_wkt from geo.area_layer where area_id = 'Canal group'")[
        0
    ]
    east, north = wkt.split("((")[1].split(",")[0].split()
    assert abs(float(east) - 393310) < 50
    assert abs(float(north) - 289130) < 50


def test_midyear_estimates_by_sex_and_age(folder):
    got = rows(
        folder,
        "select ward_code, sex, sum(population) from analysis.population where source = 'midyear'"
        " and age_years between 10 and 17 group by 1, 2 order by 1, 2",
    )
    assert got == [
        ("E99000001", "female", 8 * 50), ("E99000001", "male", 8 * 60),
        ("E99000002", "female", 8 * 45), ("E99000002", "male", 8 * 45),
    ]  # fmt: skip


def test_nomis_table_of_ethnic_groups(folder):
    got = dict(
        rows(
            folder,
            "select ethnicity_code, population from analysis.population where source = 'ks201'"
            " and ward_code = 'E99000001' and ethnicity_code <> 'all'",
        )
    )
    assert got == {"WBRI": 800, "WIRI": 10, "MWBC": 30, "APKN": 120, "BAFR": 25, "OOTH": 15}


def test_neighbours_summary_loads(folder):
    got = rows(
        folder,
        "select total, at_risk, significant, serious from analysis.regional_summary"
        " where authority = 'Neighbourham'",
    )
    assert got == [(40, 30, 6, 4)]
