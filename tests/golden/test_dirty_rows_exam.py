"""A borough's planted dirty rows: repaired or quarantined as they should be, and no other row."""

from pathlib import Path

import polars as pl
import pytest

from profile_pipeline.intake.collect import collect_dataset
from profile_pipeline.plan.load import Plan, load_plan

ROOT = Path(__file__).parents[2]
EXAM = ROOT.parent / "shared" / "exam"
pytestmark = pytest.mark.skipif(
    not EXAM.is_dir(), reason="the borough with planted answers is not beside the repository"
)

KEY = ["dataset", "file", "row"]
# What the borough's answers expect of each kind: fate, and the repair that must be told. Whether a
# child lives in the area (`out_of_area`) is decided after linkage, in the tests of a whole run.
EXPECTED = {
    "adult": ("quarantined", None),
    "blank_identifiers": ("quarantined", None),
    "impossible_event_date": ("quarantined", None),
    "dob_future": ("harmonised", "date_of_birth_in_future"),
    "impossible_dob": ("harmonised", "impossible_date"),
    "excel_serial_date": ("harmonised", "excel_serial_date"),
    "unknown_string": ("harmonised", "unknown_text"),
    "control_chars": ("harmonised", None),
    "formula_injection": ("harmonised", None),
    "huge_cell": ("harmonised", None),
    "script_tag": ("harmonised", None),
}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("exam")
    for name in ("profile.yaml", "collection_plan.yaml"):
        text = (ROOT / "tests" / "exam" / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace("../../../shared", str(EXAM.parent)))
    return load_plan(folder)


def test_dirty_rows_meet_what_is_expected_of_them_and_clean_rows_are_left_alone(plan: Plan) -> None:
    collected = [collect_dataset(plan, dataset) for dataset in plan.datasets]
    fates = pl.concat(each.fates(each.harmonised.quarantine) for each in collected)
    repairs = pl.concat(each.harmonised.repairs for each in collected)
    dirty = pl.read_csv(EXAM / "truth" / "dirty_rows.csv").with_columns(
        file=pl.concat_str("dataset", pl.lit("/"), "file")
    )
    told = repairs.group_by(KEY).agg(pl.col("rule").unique().alias("rules"))
    rows = (
        dirty.filter(pl.col("dirty_kind").is_in(list(EXPECTED)))
        .join(fates.select(*KEY, "fate"), on=KEY)
        .join(told, on=KEY, how="left")
    )
    missed = [
        (dataset, kind)
        for dataset, kind, fate, rules in rows.select(
            "dataset", "dirty_kind", "fate", "rules"
        ).iter_rows()
        if fate != EXPECTED[kind][0] or EXPECTED[kind][1] not in (None, *(rules or ()))
    ]
    assert rows.height == 406
    assert sorted(missed) == [
        # `04-May-79` may be 1979 or 2079: nothing in the file says which, and no row is lost.
        ("cme_ehe", "dob_future"),
        ("cme_ehe", "dob_future"),
        # The file lacks the column: there is nothing to repair.
        ("exclusions", "dob_future"),
        ("exclusions", "excel_serial_date"),
        ("exclusions", "impossible_dob"),
        # The name alone said who the child is, and it says "unknown".
        ("voluntary", "unknown_string"),
    ]
    # Of two equal rows the later one goes, whichever of them was planted.
    doubled = dirty.filter(dirty_kind="exact_duplicate").group_by("file").len().sort("file")
    dropped = fates.filter(fate="duplicate").group_by("file").len().sort("file")
    assert dropped.equals(doubled)
    clean = fates.filter(fate="quarantined").join(dirty, on=KEY, how="anti")
    assert clean.is_empty()
    assert repairs.join(dirty, on=KEY, how="anti").is_empty()
