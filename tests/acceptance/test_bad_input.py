"""Bad input: `check` says each thing once, in one line; `run` sets it apart and goes on."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.exam_runs import EXAM, Ran, command, exam_folder

KEPT = ["cme_ehe", "exclusions", "cse_team", "yot"]
CONTEXT = {"wards", "postcodes", "population"}
QUARTERS = ["2015-16_Q1", "2015-16_Q2", "2015-16_Q3", "2015-16_Q4"]


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """The exam's plan with four datasets and four quarters, its data copied to be spoilt."""
    folder = exam_folder(tmp_path_factory.mktemp("small") / "small")
    settings = folder / "profile.yaml"
    text = settings.read_text("utf-8")
    text = re.sub(r"(?m)^period:.*$", "period: {start: 2015-04-01, end: 2016-03-31}", text)
    text = re.sub(r"(?m)^data:.*\n", "", text)
    text = re.sub(r"(?m)^  - \{group: (?!Missing education|Temporarily|Known to).*\n", "", text)
    settings.write_text(text, "utf-8")
    path = folder / "collection_plan.yaml"
    plan = yaml.safe_load(path.read_text("utf-8"))
    plan["datasets"] = [d for d in plan["datasets"] if d["id"] in KEPT]
    plan["context"] = [c for c in plan["context"] if c["id"] in CONTEXT]
    path.write_text(yaml.safe_dump(plan, sort_keys=False, allow_unicode=True), "utf-8")
    for dataset in KEPT:
        to = folder / "data" / dataset
        to.mkdir(parents=True)
        for source in (EXAM / "data" / dataset).iterdir():
            if source.stem in QUARTERS:
                shutil.copyfile(source, to / source.name)
    # the column that the exam's education really forgot would be a fault of its own here
    shutil.copyfile(
        EXAM / "data/exclusions/2015-16_Q3.xlsx", folder / "data/exclusions/2015-16_Q2.xlsx"
    )
    return folder


@pytest.fixture
def spoilt(small, tmp_path) -> Path:
    return Path(shutil.copytree(small, tmp_path / "profile"))


def checked(folder: Path) -> Ran:
    return command("check", "--profile", str(folder), folder=folder)


def faults(ran: Ran) -> list[str]:
    """The lines that say what is wrong; gaps ('!'), tables and the sum are not faults."""
    return [x for x in ran.text.splitlines() if x.startswith("✗")]


def one_clear_line(ran: Ran, *words: str) -> None:
    assert ran.code != 0, ran.text
    assert "Traceback" not in ran.text
    lines = [x for x in ran.text.splitlines() if x.strip() and not x.startswith("✓")]
    told = [x for x in lines if all(w.casefold() in x.casefold() for w in words)]
    assert len(told) == 1, ran.text
    assert len(told[0]) < 300, told[0]
    assert not re.search(
        r"Error\(|errno|0x[0-9a-f]{6}|\bNone\b|pydantic|polars|duckdb|openpyxl", told[0]
    ), told[0]


# --- ways to spoil a file


def zero_bytes(path: Path) -> None:
    path.write_bytes(b"")


def binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


def picture(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + bytes(range(200)) * 20)


def header_twice(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], *lines]))


def column_twice(path: Path) -> None:
    """The same heading over two columns: which of them is meant can't be told."""
    lines = path.read_text("utf-8").splitlines()
    lines[0] = lines[0].replace("Reason", "DOB")
    path.write_text("\n".join(lines) + "\n", "utf-8")


def macros(path: Path) -> None:
    """As Excel stores them: a VBA project and a macro-enabled content type."""
    with zipfile.ZipFile(path) as z:
        parts = {n: z.read(n) for n in z.namelist()}
    types = parts["[Content_Types].xml"].decode()
    types = types.replace(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
    )
    types = types.replace(
        "</Types>",
        '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>',
    )
    parts["[Content_Types].xml"] = types.encode()
    parts["xl/vbaProject.bin"] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2048)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in parts.items():
            z.writestr(name, data)


def broken_zip(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


def not_a_zip(path: Path) -> None:
    path.write_bytes(b"<html><body>Your session has expired, sign in</body></html>")


def no_dating_column(path: Path) -> None:
    text = path.read_text("cp1252")
    path.write_text(text.replace("Offence date", "When", 1), "cp1252")


FILES = {  # way to spoil: dataset, quarter
    zero_bytes: ("cme_ehe", "2015-16_Q1.csv"),
    binary: ("cme_ehe", "2015-16_Q2.csv"),
    header_twice: ("cme_ehe", "2015-16_Q3.csv"),
    column_twice: ("cme_ehe", "2015-16_Q4.csv"),
    picture: ("yot", "2015-16_Q1.csv"),
    no_dating_column: ("yot", "2015-16_Q2.csv"),
    macros: ("exclusions", "2015-16_Q1.xlsx"),
    broken_zip: ("exclusions", "2015-16_Q3.xlsx"),
    not_a_zip: ("exclusions", "2015-16_Q4.xlsx"),
}


def test_the_small_folder_is_sound(small):
    ran = checked(small)
    assert ran.code == 0, ran.text
    assert faults(ran) == []


@pytest.mark.parametrize("spoil", FILES, ids=lambda f: f.__name__)
def test_check_names_the_bad_file_once(spoilt, spoil):
    dataset, name = FILES[spoil]
    spoil(spoilt / "data" / dataset / name)
    ran = checked(spoilt)
    quarter = Path(name).stem.replace("_", " ")
    said = name if name in ran.text else quarter
    one_clear_line(ran, dataset, said)


# --- bad plans


def test_check_of_a_path_that_is_not_there(tmp_path):
    ran = command("check", "--profile", str(tmp_path / "nowhere"), folder=tmp_path)
    one_clear_line(ran, "nowhere")


def test_check_of_an_empty_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    ran = command("check", "--profile", str(tmp_path / "empty"), folder=tmp_path)
    one_clear_line(ran, "profile.yaml")
    assert len(faults(ran)) <= 2


def test_check_of_a_file_in_place_of_a_folder(spoilt):
    ran = command("check", "--profile", str(spoilt / "profile.yaml"), folder=spoilt)
    one_clear_line(ran, "profile.yaml")


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_check_of_a_column_no_file_has(spoilt):
    edit(spoilt, "collection_plan.yaml", "postcode: Last known postcode", "postcode: Post kode")
    one_clear_line(checked(spoilt), "cme_ehe", "Post kode")


def test_check_of_malformed_yaml_gives_the_line(spoilt):
    path = spoilt / "collection_plan.yaml"
    lines = path.read_text("utf-8").splitlines()
    lines[4] = "  - {id: [unclosed"
    path.write_text("\n".join(lines), "utf-8")
    ran = checked(spoilt)
    one_clear_line(ran, "collection_plan.yaml")
    assert re.search(r"line (?:[4-9]|\d\d)|:[4-9]\b", ran.text), ran.text


def test_check_of_malformed_settings(spoilt):
    (spoilt / "profile.yaml").write_text("title: 'unclosed\narea: {", "utf-8")
    one_clear_line(checked(spoilt), "profile.yaml")


def test_check_of_a_period_that_ends_before_it_starts(spoilt):
    edit(
        spoilt,
        "profile.yaml",
        "start: 2015-04-01, end: 2016-03-31",
        "start: 2016-04-01, end: 2015-03-31",
    )
    one_clear_line(checked(spoilt), "period")


def test_check_of_a_key_nobody_knows(spoilt):
    edit(spoilt, "collection_plan.yaml", "dated_by:", "dated_bye:")
    ran = checked(spoilt)
    assert ran.code != 0
    assert "dated_bye" in ran.text
    assert "Traceback" not in ran.text


@pytest.mark.parametrize(
    "content",
    ["", "- a list\n", "just words\n", "\x00\x01\x02"],
    ids=["empty", "list", "words", "binary"],
)
def test_check_of_a_plan_that_is_no_plan(spoilt, content):
    (spoilt / "collection_plan.yaml").write_text(content, "utf-8")
    one_clear_line(checked(spoilt), "collection_plan.yaml")


def test_check_of_a_plan_that_is_not_utf8(spoilt):
    path = spoilt / "profile.yaml"
    path.write_bytes(path.read_bytes() + b"# caf\xe9\n")
    ran = checked(spoilt)
    assert "Traceback" not in ran.text
    if ran.code:
        one_clear_line(ran, "profile.yaml")


def test_check_lists_every_problem_at_once(spoilt):
    edit(
        spoilt,
        "profile.yaml",
        "start: 2015-04-01, end: 2016-03-31",
        "start: 2016-04-01, end: 2015-03-31",
    )
    edit(spoilt, "collection_plan.yaml", "agency: youth_offending", "agency: youth_offendng")
    edit(
        spoilt,
        "collection_plan.yaml",
        "indicator: missing_education",
        "indicator: missing_eduction",
    )
    ran = checked(spoilt)
    assert ran.code != 0
    for word in ("period", "youth_offendng", "missing_eduction"):
        assert word in ran.text, ran.text
    assert "Traceback" not in ran.text


def test_check_lists_bad_plan_and_bad_file_together(spoilt):
    """An analyst mends everything in one go; a second surprise costs a day."""
    edit(spoilt, "collection_plan.yaml", "postcode: Last known postcode", "postcode: Post kode")
    broken_zip(spoilt / "data" / "exclusions" / "2015-16_Q3.xlsx")
    zero_bytes(spoilt / "data" / "yot" / "2015-16_Q4.csv")
    ran = checked(spoilt)
    for words in (("cme_ehe", "Post kode"), ("exclusions", "Q3"), ("yot", "Q4")):
        one_clear_line(ran, *words)


def test_check_says_no_value_of_any_cell(spoilt):
    header_twice(spoilt / "data" / "cme_ehe" / "2015-16_Q3.csv")
    ran = checked(spoilt)
    rows = (spoilt / "data" / "cme_ehe" / "2015-16_Q3.csv").read_text("utf-8").splitlines()[2:]
    named = {tuple(r.split(",")[1:3]) for r in rows if r.count(",") > 5}
    assert not [n for n in named if all(n) and " ".join(n) in ran.text]


def test_check_does_not_load_or_write(small):
    before = {p: p.stat().st_mtime_ns for p in small.rglob("*")}
    checked(small)
    assert {p: p.stat().st_mtime_ns for p in small.rglob("*")} == before


@pytest.mark.parametrize("bad", ["nowhere", "empty", "malformed", "period"])
def test_run_on_a_bad_plan_stops_with_a_line(spoilt, tmp_path, bad):
    folder = spoilt
    if bad == "nowhere":
        folder = tmp_path / "nowhere"
    elif bad == "empty":
        folder = tmp_path / "empty"
        folder.mkdir()
    elif bad == "malformed":
        (spoilt / "profile.yaml").write_text("title: 'unclosed\narea: {", "utf-8")
    else:
        edit(
            spoilt,
            "profile.yaml",
            "start: 2015-04-01, end: 2016-03-31",
            "start: 2016-04-01, end: 2015-03-31",
        )
    ran = command("run", "--profile", str(folder), folder=folder)
    assert ran.code != 0
    assert "Traceback" not in ran.text
    assert 1 <= len(faults(ran)) <= 3, ran.text
    assert not (folder / "output").exists()


def test_run_with_a_date_that_is_none(spoilt):
    ran = command("run", "--profile", str(spoilt), "--as-at", "31/02/2016", folder=spoilt)
    assert ran.code != 0
    assert "Traceback" not in ran.text


# --- one run with every bad file in it


@pytest.fixture(scope="module")
def ran_with_bad_files(small, tmp_path_factory) -> Ran:
    folder = Path(shutil.copytree(small, tmp_path_factory.mktemp("bad") / "bad"))
    for spoil, (dataset, name) in FILES.items():
        spoil(folder / "data" / dataset / name)
    return command("run", "--profile", str(folder), folder=folder)


@pytest.mark.slow
def test_run_goes_on(ran_with_bad_files):
    assert ran_with_bad_files.code == 0, ran_with_bad_files.text[-3000:]
    assert "Traceback" not in ran_with_bad_files.text
    for name in (
        "sub_group/problem_profile.html",
        "sub_group/tables/intelligence_gaps.csv",
        "restricted/priority_cohort.xlsx",
        "panel/hotspot_map.html",
    ):
        assert (ran_with_bad_files.output / name).stat().st_size


REFUSED = [f for f in FILES if f not in (header_twice, column_twice)]


@pytest.mark.slow
@pytest.mark.parametrize("spoil", REFUSED, ids=lambda f: f.__name__)
def test_run_sets_the_bad_file_apart(ran_with_bad_files, spoil):
    dataset, name = FILES[spoil]
    quarter = Path(name).stem.replace("_", " ")
    row = ran_with_bad_files.sql(
        f"from quality.delivery where dataset = '{dataset}' and quarter = '{quarter}'"
    ).to_dicts()
    assert len(row) == 1
    assert row[0]["status"] not in {"loaded", "missing"}, row
    assert row[0]["problem"]


@pytest.mark.slow
@pytest.mark.parametrize("spoil", FILES, ids=lambda f: f.__name__)
def test_bad_file_becomes_a_gap(ran_with_bad_files, spoil):
    dataset, name = FILES[spoil]
    quarter = Path(name).stem.replace("_", " ")
    gaps = ran_with_bad_files.sql("from profile.intelligence_gaps").to_dicts()
    texts = [" ".join(str(v) for v in g.values()) for g in gaps]
    assert [t for t in texts if dataset in t and (quarter in t or name in t)], texts


@pytest.mark.slow
def test_header_repeated_inside_a_file_is_not_a_child(ran_with_bad_files):
    got = ran_with_bad_files.sql(
        "select count(*) as n from records.subject"
        " where lower(surname) in ('child surname', 'last name', 'surname')"
    )
    assert got["n"][0] == 0


@pytest.mark.slow
def test_good_files_beside_bad_ones_are_whole(ran_with_bad_files):
    own = {
        "yot": ["2015-16_Q3.csv", "2015-16_Q4.csv"],
        "exclusions": ["2015-16_Q2.xlsx"],
        "cse_team": [f"{q}.xlsx" for q in QUARTERS],
    }
    told = {
        (d, f): n
        for d, f, n in ran_with_bad_files.sql(
            "select dataset, regexp_replace(file, '.*/', ''), count(*) from quality.fate"
            " group by all"
        ).iter_rows()
    }
    truth = duckdb.sql(
        f"select dataset, file, count(*) from '{EXAM}/truth/record_map.parquet' group by all"
    ).fetchall()
    rows = {(d, f): n for d, f, n in truth}
    for dataset, names in own.items():
        for name in names:
            source = (
                "2015-16_Q3.xlsx" if (dataset, name) == ("exclusions", "2015-16_Q2.xlsx") else name
            )
            assert told[dataset, name] == rows[dataset, source], (dataset, name)


@pytest.mark.slow
def test_cohort_is_untouched_by_other_agencies_bad_files(ran_with_bad_files):
    got = ran_with_bad_files.sql(
        "select children from profile.cohort_by_quarter"
        " where quarter = '2015-16 Q4' and risk_level = 'all'"
    )
    assert got["children"].to_list() == [95]
