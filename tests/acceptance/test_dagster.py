"""Dagster shows the method: a group for each step, a check on each dataset, counts on assets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.exam_runs import EXAM, REPO, exam_folder

STEPS = {
    "plan",
    "collection",
    "records",
    "people",
    "analysis",
    "geography",
    "profile",
    "dissemination",
}

LOAD = """
import json
from profile_pipeline.definitions import defs
graph = (defs() if callable(defs) else defs).resolve_asset_graph()
print(json.dumps({
    "groups": {k.to_user_string(): graph.get(k).group_name for k in graph.get_all_asset_keys()},
    "checks": [[c.asset_key.to_user_string(), c.name] for c in graph.asset_check_keys],
}))
"""

EVENTS = """
import json, sys
import dagster as dg
out = {"made": {}, "checks": [], "quarters": {}}
with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    run, = instance.get_runs()
    out["status"] = run.status.value
    for record in instance.all_logs(run.run_id):
        event = record.dagster_event
        if event is None:
            continue
        if event.is_step_materialization:
            m = event.step_materialization_data.materialization
            if m.partition:
                out["quarters"].setdefault(m.asset_key.to_user_string(), []).append(m.partition)
            else:
                out["made"][m.asset_key.to_user_string()] = sorted(m.metadata)
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            e = event.asset_check_evaluation_data
            out["checks"].append([e.asset_key.to_user_string(), e.check_name, e.passed])
print(json.dumps(out))
"""


def python(code: str, *words: str, folder: Path, home: Path) -> dict:
    env = {**os.environ, "PROFILE_DIR": str(folder), "DAGSTER_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *words],
        env=env,
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def graph(tmp_path_factory) -> dict:
    folder = exam_folder(tmp_path_factory.mktemp("graph") / "exam")
    home = tmp_path_factory.mktemp("home")
    return python(LOAD, folder=folder, home=home)


@pytest.fixture(scope="module")
def datasets() -> list[str]:
    plan = yaml.safe_load((REPO / "tests" / "exam" / "collection_plan.yaml").read_text("utf-8"))
    return [d["id"] for d in plan["datasets"]]


@pytest.fixture(scope="module")
def events(exam) -> dict:
    home = exam.folder / ".dagster"
    return python(EVENTS, str(home), folder=exam.folder, home=home)


def test_one_group_for_each_step(graph):
    groups = set(graph["groups"].values())
    assert groups >= STEPS
    assert groups - STEPS <= {"delivery", "default"}, groups - STEPS


def test_asset_keys_are_schema_and_table(graph):
    keys = set(graph["groups"])
    assert {
        "people/record_person",
        "people/person_indicators",
        "profile/intelligence_gaps",
        "profile/cohort_by_quarter",
        "geo/hotspots",
        "quality/quarantine",
    } <= keys


def test_every_dataset_has_its_delivery_and_received_asset(graph, datasets):
    for dataset in datasets:
        assert f"received/{dataset}" in graph["groups"]
        assert f"delivery/{dataset}" in graph["groups"]


def test_every_dataset_has_a_check(graph, datasets):
    checked = {part for key, _ in graph["checks"] for part in key.split("/")}
    assert set(datasets) <= checked


def test_run_is_a_success_with_every_contract_table_made(events):
    assert events["status"] == "SUCCESS"
    made = set(events["made"])
    assert {
        f"profile/{t}"
        for t in (
            "cohort_by_quarter",
            "victim_profile",
            "data_quality",
            "hotspots",
            "intelligence_gaps",
        )
    } <= made


def test_every_delivered_quarter_is_on_the_delivery_tracker(events):
    arrived = {k: set(v) for k, v in events["quarters"].items()}
    for folder in (EXAM / "data").iterdir():
        quarters = {p.stem for p in folder.iterdir()}
        told = {q.replace(" ", "_") for q in arrived[f"delivery/{folder.name}"]}
        assert told == quarters, folder.name
    assert not arrived.get("delivery/camhs")


def test_tables_carry_row_count_and_schema(events):
    for key, metadata in events["made"].items():
        if key.split("/")[0] in {"profile", "people", "records", "quality", "received"}:
            assert "dagster/row_count" in metadata, key
            assert "dagster/column_schema" in metadata, key


def test_checks_ran_on_every_dataset_that_came(events, datasets):
    told = {part for key, _, _ in events["checks"] for part in key.split("/")}
    assert set(datasets) - {"camhs"} <= told


def test_workspace_loads(tmp_path):
    """As `dagster dev -w workspace.yaml` does; with no profile folder it is empty, not broken."""
    for profile in (str(exam_folder(tmp_path / "exam")), None):
        env = {k: v for k, v in os.environ.items() if k != "PROFILE_DIR"}
        env |= {"DAGSTER_HOME": str(tmp_path)} | ({"PROFILE_DIR": profile} if profile else {})
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("dagster")),
                "definitions",
                "validate",
                "-w",
                str(REPO / "workspace.yaml"),
            ],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, (profile, done.stderr[-1500:])
