"""The whole method on the exam borough: agencies' files to profile, map and gap table.

Runs once, through the command line, in a process of its own; answers are those of `truth/`. Skipped
where ../shared is absent.
"""

import itertools
import json
import re
import sqlite3
import stat
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from profile_pipeline.quarters import last_day
from tests import exam_runs

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
EXAM = SHARED / "exam"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.exam,
    pytest.mark.skipif(not EXAM.is_dir(), reason="the exam borough (../shared/exam) is not here"),
]
AS_AT = "2016-03-31"


Run = exam_runs.Ran


@pytest.fixture(scope="module")
def run() -> Run:
    return exam_runs.exam_run()


@pytest.fixture(scope="module")
def facts() -> dict[str, dict]:  # type: ignore[type-arg]
    return json.loads((EXAM / "truth" / "facts.json").read_text())


@pytest.fixture(scope="module")
def score() -> ModuleType:
    return exam_runs.score()


def test_the_run_makes_a_profile_within_three_minutes_and_three_gigabytes(run: Run) -> None:
    assert run.code == 0, run.text[-2000:]
    assert "Traceback" not in run.text
    assert run.seconds < 180
    assert run.peak_mb < 3 * 1024
    for name in ("html", "docx", "pdf"):
        assert (run.output / f"sub_group/problem_profile.{name}").stat().st_size > 20_000
    assert (run.output / "panel/hotspot_map.html").is_file()
    assert (run.output / "restricted/priority_cohort.xlsx").is_file()


def test_the_children_at_risk_on_31_march_2016_are_the_published_ones(run: Run) -> None:
    cohort = run.sql("from profile.cohort_by_quarter where quarter = '2015-16 Q4'")
    levels = dict(cohort.select("risk_level", "children").iter_rows())
    assert levels == {"at_risk": 68, "significant": 11, "serious": 16, "all": 95}
    victims = run.sql("from profile.victim_profile where quarter = '2015-16 Q4'")

    def children(dimension: str, category: str) -> int:
        return victims.filter(dimension=dimension, category=category)["children"].item()

    assert (children("sex", "female"), children("sex", "male")) == (87, 8)
    assert children("ethnic_group", "White British") == 82
    assert children("looked_after", "yes") == 32


def test_every_earlier_quarter_counts_the_children_truth_counts(run: Run) -> None:
    """Truth counts two young people in 2015-16 Q2 who were 18 by then; its own rule doesn't.

    The rule of the plan (under 18 on the last day) is applied to truth's list, by truth's births.
    """
    persons = pl.read_parquet(EXAM / "truth" / "persons.parquet").select("person_id", "dob")
    listed = pl.read_csv(EXAM / "truth" / "cse_at_risk_by_quarter.csv").join(
        persons, on="person_id"
    )
    ends = {q: last_day(q.replace("_", " ")) for q in listed["quarter"].unique()}
    listed = listed.with_columns(
        end=pl.col("quarter").replace_strict(ends, return_dtype=pl.Date),
        born=pl.col("dob").cast(pl.String).str.to_date(),
    )
    under_18 = listed.filter(pl.col("born").dt.offset_by("18y") > pl.col("end"))
    assert listed.height - under_18.height == 2
    expected = {
        (quarter.replace("_", " "), level.replace(" ", "_")): count
        for quarter, level, count in under_18.group_by("quarter", "level").len().iter_rows()
    }
    found = run.sql("from profile.cohort_by_quarter where risk_level <> 'all' and children > 0")
    assert {
        (q, r): c for q, r, c in found.select("quarter", "risk_level", "children").iter_rows()
    } == expected


def test_children_are_linked_at_the_accuracy_asked_for(run: Run, score: ModuleType) -> None:
    predicted = run.sql(
        "select dataset, file, row, person_id from people.record_person where role = 'child'"
    )
    marks = score.linkage(
        EXAM / "truth/record_map.parquet", predicted, EXAM / "truth/trap_pairs.csv"
    )
    assert marks["pairwise"]["precision"] >= 0.995
    assert marks["pairwise"]["recall"] >= 0.965
    apart = marks["false_merges"]
    merged = sum(apart[trap]["merged"] for trap in ("twin", "sibling"))
    assert merged <= 0.01 * sum(apart[trap]["pairs"] for trap in ("twin", "sibling"))


def test_suspects_are_linked_with_caution_and_far_enough(run: Run, score: ModuleType) -> None:
    predicted = run.sql(
        "select dataset, file, row, person_id as offender_id from people.record_person"
        " where role <> 'child'"
    )
    marks = score.linkage(
        EXAM / "truth/offender_record_map.csv", predicted, None, "offender_id", "-"
    )
    assert marks["pairwise"]["precision"] >= 0.99
    assert marks["pairwise"]["recall"] >= 0.75


def test_the_planted_hotspots_are_found_and_no_other(run: Run, score: ModuleType) -> None:
    spots = run.sql("select easting_m as easting, northing_m as northing from geo.hotspots")
    marks = score.hotspots(EXAM / "truth", spots)
    assert marks["found"] == 3
    assert marks["elsewhere"] <= 1
    assert not marks["fell_for_default_geocode"]


def test_every_planted_delivery_gap_is_a_row_of_the_gap_table(run: Run, facts: dict) -> None:  # type: ignore[type-arg]
    gaps = run.sql("from profile.intelligence_gaps")
    planted = facts["intelligence_gaps"]
    text = [" ".join(row) for row in gaps.select("finding", "evidence", "agency").iter_rows()]

    def told(*words: str) -> bool:
        return any(all(word in row for word in words) for row in text)

    assert told(planted["never_delivered"]["agency"], "ever")
    missed = planted["missed_quarters"]
    assert told(missed["dataset"], *(quarter.replace("_", " ") for quarter in missed["quarters"]))
    column = planted["missing_column"]
    assert told(column["column"], column["file"][:10].replace("_", " "))
    assert told("Homeless support", "ever screened")
    interviews = planted["return_interviews"]
    assert told("return interviews", f"{interviews['late']} late and {interviews['none']} not held")
    assert told("licensed premises", "17")
    assert told("Ethnic group", "Missing from home")
    assert told("health", "referred")
    assert told("graded neither")


def test_nothing_received_is_lost(run: Run) -> None:
    fates = run.sql("select file, count(*) as rows from quality.fate group by file")
    sent = (
        pl.read_parquet(EXAM / "truth/record_map.parquet")
        .group_by("dataset", "file")
        .agg(rows=pl.struct("row").n_unique())
    )
    expected = {f"{d}/{f}": n for d, f, n in sent.select("dataset", "file", "rows").iter_rows()}
    assert dict(fates.iter_rows()) == expected
    assert run.sql("select count(*) from quality.fate where fate is null").item() == 0


def test_dirty_rows_are_repaired_or_quarantined_as_they_should_be(run: Run) -> None:
    dirty = pl.read_csv(EXAM / "truth/dirty_rows.csv").with_columns(
        file=pl.concat_str("dataset", pl.lit("/"), "file")
    )
    keys = ["dataset", "file", "row"]
    fate = dirty.join(run.sql("select dataset, file, row, fate from quality.fate"), on=keys)
    by_kind = {k: set(f) for k, f in fate.group_by("dirty_kind").agg("fate").iter_rows()}
    assert (
        by_kind["adult"]
        == by_kind["blank_identifiers"]
        == by_kind["impossible_event_date"]
        == {"quarantined"}
    )
    # Whether a child lives in the area depends on the linkage: one link in twenty may be wrong.
    apart = (fate.filter(dirty_kind="out_of_area")["fate"] == "kept_apart").mean()
    assert apart >= 0.95
    clean = run.sql("select dataset, file, row from quality.quarantine").join(
        dirty, on=keys, how="anti"
    )
    assert clean.is_empty()
    doubled = fate.filter(dirty_kind="exact_duplicate").height
    assert run.sql("select count(*) from quality.fate where fate = 'duplicate'").item() == doubled


def test_only_the_owner_may_read_what_the_run_wrote(run: Run) -> None:
    for path in [run.folder / "warehouse.duckdb", *(run.folder / "output").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_no_person_is_named_outside_the_warehouse_and_the_restricted_folder(run: Run) -> None:
    persons = pl.read_parquet(EXAM / "truth/persons.parquet")
    secrets = {
        *persons["nhs"].drop_nulls(),
        *persons["upn"].drop_nulls(),
        *persons["la_id"].drop_nulls(),
        *persons["police_nominal"].drop_nulls(),
        *(f"{f} {s}" for f, s in persons.select("forename", "surname").iter_rows()),
    }
    # Those that aren't one or two plain words are sought one by one, which takes longer.
    long_ones = {secret for secret in secrets if not re.fullmatch(r"\w+( \w+)?", secret)}
    public = [
        path
        for folder in ("output/" + AS_AT + "/sub_group", "output/" + AS_AT + "/panel", ".dagster")
        for path in (run.folder / folder).rglob("*")
        if path.is_file()
    ]
    assert public
    for path in public:
        content = _text_of(path)
        words = re.findall(r"\w+", content)
        said = set(words) | {f"{one} {two}" for one, two in itertools.pairwise(words)}
        found = len(secrets & said) + sum(secret in content for secret in long_ones)
        assert found == 0, f"{path.name} holds {found} identifiers"
    assert not any(secret in run.text for secret in secrets)


def _text_of(path: Path) -> str:
    if path.suffix in (".docx", ".xlsx"):
        import zipfile

        with zipfile.ZipFile(path) as parts:
            return "\n".join(
                parts.read(name).decode("utf-8", "ignore") for name in parts.namelist()
            )
    if path.suffix == ".pdf":
        from pypdf import PdfReader

        return "\n".join(page.extract_text() for page in PdfReader(path).pages)
    if path.suffix == ".db":
        with sqlite3.connect(path) as database:
            return "\n".join(database.iterdump())
    return path.read_text(encoding="utf-8", errors="ignore")


def test_no_small_count_of_children_is_printed_for_the_sub_group(run: Run) -> None:
    for name, column in (
        ("cohort_by_quarter", "children"),
        ("victim_profile", "children"),
        ("overlap_distribution", "children"),
        ("indicator_overlap", "children"),
        ("screening_coverage", "screened"),
    ):
        printed = pl.read_csv((run.output / f"sub_group/tables/{name}.csv"), infer_schema=False)[
            column
        ]
        assert not set(printed) & {"1", "2", "3", "4"}, name


def test_a_second_run_elsewhere_gives_the_same_documents_byte_for_byte(run: Run) -> None:
    again = exam_runs.exam_run(1)
    for path in sorted(run.output.rglob("*")):
        if path.is_file():
            twin = again.output / path.relative_to(run.output)
            assert path.read_bytes() == twin.read_bytes(), path.name
    query = "from people.record_person order by all"
    assert run.sql(query).equals(again.sql(query))
