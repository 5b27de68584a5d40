"""The Dagster assets of a profile folder: what they say of themselves, and how they hang together.

The whole job runs once here on a folder into which no agency has sent anything.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from profile_pipeline import store, tables
from profile_pipeline.definitions import JOB, build_definitions, defs
from tests.unit.small_plan import PLAN, PROFILE, write_folder

STEPS = (
    "plan",
    "collection",
    "records",
    "people",
    "analysis",
    "geography",
    "profile",
    "dissemination",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="module")
def definitions(folder: Path) -> dg.Definitions:
    return build_definitions(folder)


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[dg.AssetKey, dg.AssetSpec]:
    return {spec.key: spec for spec in definitions.resolve_all_asset_specs()}


@pytest.fixture(scope="module")
def empty_run(folder: Path, definitions: dg.Definitions) -> Iterator[duckdb.DuckDBPyConnection]:
    """Run everything with nothing received; give the warehouse."""
    before = os.umask(0o077)
    job = definitions.resolve_job_def(JOB)
    try:
        with (
            store.connect(store.warehouse_path(folder)) as connection,
            dg.DagsterInstance.ephemeral() as instance,
        ):
            result = job.execute_in_process(instance=instance, raise_on_error=False)
            failed = [event.step_key for event in result.all_events if event.is_step_failure]
            assert result.success, failed
            yield connection
    finally:
        os.umask(before)


def test_every_asset_says_what_it_is_whose_and_of_which_step(
    specs: dict[dg.AssetKey, dg.AssetSpec],
) -> None:
    for key, spec in specs.items():
        assert spec.description, key
        assert len(spec.description) > 15, key
        assert spec.group_name in STEPS, key
        assert spec.kinds, key
        assert spec.owners, key


def test_the_groups_are_the_steps_of_the_method(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    assert {spec.group_name for spec in specs.values()} == set(STEPS)


# Registers are read with the plan's context and need no step before; two tables of geography are
# made early for the people who are located by them. DESIGN: data flow one way.
def test_no_edge_runs_backwards(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    backwards = [
        f"{dep.asset_key.to_user_string()} -> {key.to_user_string()}"
        for key, spec in specs.items()
        for dep in spec.deps
        if STEPS.index(str(specs[dep.asset_key].group_name)) > STEPS.index(str(spec.group_name))
    ]
    assert backwards == []


def test_the_external_assets_are_exactly_the_deliveries(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    external = {tuple(key.path) for key in graph.external_asset_keys}
    assert external == {("delivery", name) for name in ("missing", "tracker", "school")}


def test_a_delivery_has_a_partition_for_each_quarter_that_is_due(
    specs: dict[dg.AssetKey, dg.AssetSpec],
) -> None:
    def quarters(name: str) -> list[str]:
        partitions = specs[dg.AssetKey(["delivery", name])].partitions_def
        assert partitions is not None
        return list(partitions.get_partition_keys())

    assert quarters("missing") == ["2015-16_Q1", "2015-16_Q2", "2015-16_Q3", "2015-16_Q4"]
    assert quarters("school") == ["2015-16_Q4"]


def test_nothing_else_is_partitioned(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    """Materialize all stays one click and one run."""
    parted = {key.path[0] for key, spec in specs.items() if spec.partitions_def is not None}
    assert parted == {"delivery"}


def test_every_table_of_the_contract_has_its_asset(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    keys = {tuple(key.path) for key in specs}
    assert {table.asset_key for table in tables.ALL} - keys == set()
    assert all(len(key) == 2 for key in keys)


def test_an_assets_group_is_its_tables(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    for table in tables.ALL:
        assert specs[dg.AssetKey(list(table.asset_key))].group_name == table.group, table.name


@pytest.mark.parametrize("table", tables.ALL, ids=lambda table: ".".join(table.asset_key))
def test_with_nothing_received_every_table_meets_its_contract(
    empty_run: duckdb.DuckDBPyConnection, table: tables.Table
) -> None:
    frame = store.read_table(empty_run, *table.asset_key)
    assert frame.schema == table.polars_schema
    assert tables.conform(frame, table).height == frame.height


@pytest.mark.parametrize("schema", ["records", "people", "received", "quarantine"])
def test_with_nothing_received_nobody_is_there(
    empty_run: duckdb.DuckDBPyConnection, schema: str
) -> None:
    names = empty_run.execute(
        "select table_name from information_schema.tables where table_schema = ?", [schema]
    ).fetchall()
    assert names
    persons = [name for (name,) in names if not name.startswith(("linkage_", "unlinkable_"))]
    counts = {name: store.read_table(empty_run, schema, name).height for name in persons}
    assert {name: count for name, count in counts.items() if count} == {}


def test_with_nothing_received_the_gaps_say_so(empty_run: duckdb.DuckDBPyConnection) -> None:
    gaps = store.read_table(empty_run, "profile", "intelligence_gaps")
    told = " ".join(gaps["finding"].to_list())
    for title in ("Missing reports", "CSE tracker", "School attendance"):
        assert title in told


def test_a_new_agency_is_an_edit_to_yaml_never_to_code(tmp_path: Path) -> None:
    school = PLAN[PLAN.index("  - id: school") :].replace("id: school", "id: youth_club")
    folder = write_folder(tmp_path, plan=PLAN + school.replace("school.csv", "youth_club.csv"))
    keys = {spec.key for spec in build_definitions(folder).resolve_all_asset_specs()}
    for schema in ("delivery", "received", "harmonised", "quarantine"):
        assert dg.AssetKey([schema, "youth_club"]) in keys


def test_without_a_folder_the_location_is_empty_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PROFILE_DIR", raising=False)
    with pytest.warns(UserWarning, match="PROFILE_DIR is not set"):
        empty = defs()
    loaded = empty if isinstance(empty, dg.Definitions) else empty.load_fn()
    assert not list(loaded.resolve_all_asset_specs())


def test_a_bad_plan_is_told_where_the_ui_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path, profile=re.sub("as_at: .*", "as_at: soon", PROFILE))
    monkeypatch.setenv("PROFILE_DIR", str(tmp_path))
    with pytest.raises(dg.DagsterInvalidDefinitionError, match=r"profile\.yaml:\d+: as_at"):
        defs()
