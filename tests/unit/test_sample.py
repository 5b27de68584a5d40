"""The invented borough: the same for the same seed, accepted by intake, its truth true."""

import hashlib
import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from profile_pipeline.errors import PlanError
from profile_pipeline.intake.collect import collect_dataset, delivery_problems
from profile_pipeline.intake.context_check import context_problems
from profile_pipeline.intake.records import indicator_events_of
from profile_pipeline.plan.load import Plan, load_plan
from profile_pipeline.plan.requirement import plan_notes
from profile_pipeline.sample.borough import write_borough
from profile_pipeline.sample.people import UPN_LETTERS
from profile_pipeline.sample.scaffold import new_folder
from tests.unit.small_plan import filled_folder

# Counts of the strategy's cohort at the end of March 2016.
PUBLISHED = {"children": 95, "female": 87, "male": 8, "white_british": 82, "looked_after": 32}


@pytest.fixture(scope="module")
def borough(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "thornmere"
    write_borough(folder)
    return folder


@pytest.fixture(scope="module")
def plan(borough: Path) -> Plan:
    return load_plan(borough)


@pytest.fixture(scope="module")
def facts(borough: Path) -> dict:
    return json.loads((borough / "truth" / "facts.json").read_text())


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_borough(tmp_path / name, seed=seed, children=300)
    first, again, other = (fingerprint(tmp_path / name) for name in "abc")
    assert first == again
    for name in ("cse_tracker/2015-16_Q4.xlsx", "attendance/2014-15_Q1.parquet"):
        assert first[f"data/{name}"] != other[f"data/{name}"]
    assert first["reference/wards.geojson"] != other["reference/wards.geojson"]


def test_a_folder_that_holds_anything_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for write in (write_borough, new_folder):
        with pytest.raises(PlanError, match="not empty"):
            write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_check_finds_the_planted_gaps_and_nothing_else(plan: Plan, facts: dict) -> None:
    problems, notes = delivery_problems(plan)
    assert problems == []
    assert context_problems(plan) == []
    assert sorted(notes) == sorted(facts["notes_of_check"])


def test_the_new_folder_loads_and_waits_for_files(tmp_path: Path) -> None:
    fresh = load_plan(filled_folder(tmp_path / "ours"))
    problems, notes = delivery_problems(fresh)
    assert problems == []
    assert notes == ["missing_reports: never delivered."]


def test_nothing_is_wanting_in_the_lawful_bases_of_what_others_will_copy(
    plan: Plan, tmp_path: Path
) -> None:
    filled_folder(tmp_path / "new")
    assert plan_notes(plan) == []
    assert plan_notes(load_plan(tmp_path / "new")) == []
    for made in (plan, load_plan(tmp_path / "new")):
        assert all(dataset.lawful_basis.dpia for dataset in made.datasets)


def test_every_row_has_the_fate_that_was_planted(borough: Path, plan: Plan) -> None:
    dirty = pl.read_csv(borough / "truth" / "dirty_rows.csv")
    for dataset in plan.datasets:
        collected = collect_dataset(plan, dataset)
        fates = collected.fates(collected.harmonised.quarantine)
        odd = fates.filter(pl.col("fate") != "harmonised").select("file", "row", "fate", "rule")
        planned = dirty.filter(pl.col("dataset") == dataset.id, pl.col("fate") != "harmonised")
        wanted = planned.select("file", "row", "fate", "rule").sort("file", "row")
        assert odd.sort("file", "row").rows() == wanted.rows(), dataset.id


def test_the_last_tracker_holds_the_published_cohort(borough: Path, facts: dict) -> None:
    assert facts["last_quarter"] == PUBLISHED
    last = facts["cohort_by_quarter"][-1]
    assert last == {
        "quarter": "2015-16 Q4",
        "all": 95,
        "at_risk": 68,
        "significant": 11,
        "serious": 16,
    }


def test_the_tracker_as_collected_gives_the_cohort_of_the_truth(
    borough: Path, plan: Plan, facts: dict
) -> None:
    rows = collect_dataset(plan, plan.dataset("cse_tracker")).harmonised.rows
    who = pl.read_csv(borough / "truth" / "record_map.csv").filter(pl.col("role") == "child")
    born = pl.read_csv(borough / "truth" / "persons.csv", try_parse_dates=True).select(
        "person", "born"
    )
    standing = (
        rows.join(who, on=("dataset", "file", "row"))
        .join(born, on="person")
        .sort("cse_tracker__screening_date")
        .unique(("quarter", "person"), keep="last", maintain_order=True)
        .filter(
            pl.col("cse_tracker__status") == "open",
            pl.col("cse_tracker__responsible_authority") == "Thornmere",
            pl.col("born").dt.offset_by("18y") > pl.col("date"),
        )
    )
    counts = dict(standing.group_by("quarter").len().iter_rows())
    assert counts == {row["quarter"]: row["all"] for row in facts["cohort_by_quarter"]}


def test_every_record_of_a_row_is_on_the_map(borough: Path, plan: Plan) -> None:
    told = pl.read_csv(borough / "truth" / "record_map.csv").select(
        "dataset", "file", "row", "role"
    )
    for dataset in plan.datasets:
        rows = collect_dataset(plan, dataset).harmonised.rows
        for subject in dataset.subjects:
            present = rows.filter(pl.col(f"{subject.role}__present")).select(
                "dataset", "file", "row"
            )
            mapped = told.filter(pl.col("role") == subject.role)
            unmapped = present.join(mapped, on=("dataset", "file", "row"), how="anti")
            assert unmapped.is_empty(), (dataset.id, subject.role)


def test_identifiers_are_fictitious_and_well_formed(borough: Path) -> None:
    persons = pl.read_csv(
        borough / "truth" / "persons.csv", schema_overrides={"nhs": pl.String}
    ).filter(pl.col("role") == "child")
    for number in persons["nhs"]:
        # Modulus 11 check digit (NHS Data Dictionary, NHS NUMBER).
        check = 11 - sum(int(d) * w for d, w in zip(number, range(10, 1, -1), strict=False)) % 11
        assert number.startswith("999")
        assert check % 11 == int(number[9])
    for number in persons["upn"]:
        # Check letter: weights 2 to 13, modulus 23 (DfE, A guide to unique pupil numbers).
        total = sum(int(d) * w for d, w in zip(number[1:], range(2, 14), strict=True))
        assert UPN_LETTERS[total % 23] == number[0]
    assert persons["postcode"].str.contains("^Z[KL]").all()


def test_planted_groups_are_seen_less_than_they_show_signs(borough: Path) -> None:
    persons = pl.read_csv(borough / "truth" / "persons.csv").filter(pl.col("role") == "child")
    events = pl.read_csv(borough / "truth" / "person_indicators.csv")
    signs = events.filter(pl.col("events_last_year") > 0).group_by("person").len()
    many = persons.join(signs.filter(pl.col("len") >= 3), on="person").filter("responsible")
    known = persons.filter(pl.col("group") == "open")
    for share in (
        pl.col("ethnicity").is_in(["APKN", "ABAN"]).mean(),
        (pl.col("sex") == "M").mean(),
        (pl.col("ward") == "Eastmarsh").mean(),
    ):
        assert known.select(share).item() < 0.5 * many.select(share).item()


def test_indicators_of_the_truth_are_those_that_intake_finds(borough: Path, plan: Plan) -> None:
    frames = {d.id: collect_dataset(plan, d).harmonised.rows for d in plan.datasets}
    who = pl.read_csv(borough / "truth" / "record_map.csv").drop_nulls("person")
    found = (
        indicator_events_of(frames)
        .join(who, on=("dataset", "file", "row", "role"))
        .group_by("person", "indicator")
        .agg(
            pl.len().alias("events"),
            (pl.col("date") > date(2015, 3, 31)).sum().alias("events_last_year"),
        )
    )
    told = pl.read_csv(borough / "truth" / "person_indicators.csv")
    kinds = told["indicator"].unique().to_list()
    mine = found.filter(pl.col("indicator").is_in(kinds)).sort("person", "indicator")
    assert mine.rows() == told.rows()


def test_missing_reports_have_a_long_tail(borough: Path) -> None:
    told = pl.read_csv(borough / "truth" / "record_map.csv").filter(
        pl.col("dataset") == "missing_reports"
    )
    counts = told.group_by("person").len()["len"]
    # A Poisson's variance is its mean.
    assert counts.var() > 5 * counts.mean()
    assert counts.max() > 30
