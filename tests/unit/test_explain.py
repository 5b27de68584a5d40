"""`profile-pipeline explain`: the analyst can see why, and every wrong id gets one clear line."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from typer.testing import CliRunner

from profile_pipeline import store, tables
from profile_pipeline.errors import PlanError
from profile_pipeline.explain import explain, waterfall_page
from profile_pipeline.linkage import all_roles, explained
from profile_pipeline.linkage.explain import explain_person
from profile_pipeline.plan.settings import LinkageSettings
from reports.explanations import explanations
from tests.unit.small_plan import filled_folder

BLANK = {
    "dataset": "school", "file": "school/q1.csv", "role": "child", "quarter": "2015-16 Q4",
    "date": date(2016, 3, 31), "other_names": [], "local_ids": [], "postcode_sector": "DY1 1",
    "postcode_district": "DY1", "postcode": "DY1 1AA", "sex": "female", "surname": "Ashdown",
}  # fmt: skip
SUSPECT = {
    "role": "suspect", "postcode": None, "postcode_sector": None, "postcode_district": None,
}  # fmt: skip
ROWS = (
    {"forename": "Mia", "date_of_birth": date(2001, 5, 17)},
    {"forename": "Mia", "date_of_birth": date(2001, 5, 17), "surname": "Ashdowne"},
    {"forename": "Zoe", "date_of_birth": date(2001, 5, 17)},  # a twin
    {"forename": "Liam", "date_of_birth": date(1999, 3, 3), "surname": "Dunne", "sex": "male"},
    SUSPECT | {"forename": "Gareth", "surname": "Oldbury", "other_names": ["Taz"]},
    SUSPECT | {"forename": None, "surname": None, "other_names": ["Taz"],
     "date_of_birth": date(2000, 2, 11), "sex": None},
)  # fmt: skip


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A profile folder whose warehouse holds what a run leaves behind for explanations."""
    folder = tmp_path_factory.mktemp("profile")
    linkage = LinkageSettings()
    plan = SimpleNamespace(
        folder=folder,
        settings=SimpleNamespace(linkage=linkage, as_at=date(2016, 3, 31)),
        indicators=(SimpleNamespace(id="missing", label="Missing from home"),),
    )
    full = [{**BLANK, "row": i, "record_id": f"r{i}", **row} for i, row in enumerate(ROWS)]
    subject = tables.conform(
        pl.DataFrame(full, schema=tables.PERSON_RECORD.polars_schema, orient="row"),
        tables.PERSON_RECORD,
    )
    found = all_roles.link_all(subject, tables.empty(tables.DUPLICATE), plan)
    events = subject.filter(pl.col("row") == 1).with_columns(
        pl.lit("missing").alias("indicator"), pl.lit(date(2016, 1, 9)).alias("date")
    )
    with store.connect(store.warehouse_path(folder)) as con:
        store.write_table(con, "records", "subject", subject)
        store.write_table(con, "records", "indicator_event", events)
        for name, frame in found.frames.items():
            store.write_table(con, "people", name, frame)
        # Titles and a blank row before the second record; the first one's place is not certain.
        place = pl.DataFrame(
            [("school", "school/q1.csv", 1, 11)],
            schema=tables.FILE_ROWS.polars_schema,
            orient="row",
        )
        store.write_table(con, "quality", "file_row", place)
    return plan


def person_of(plan: SimpleNamespace, row: int) -> str:
    with store.connect(store.warehouse_path(plan.folder), read_only=True) as con:
        people = store.read_table(con, "people", "record_person")
    return str(people.filter(pl.col("row") == row)["person_id"].item())


def test_every_record_link_and_indicator_is_told_with_its_row(plan: SimpleNamespace) -> None:
    text = "\n".join(explain(plan, person_of(plan, 0)))
    assert "2 records, 2 identities" in text
    assert "2016-03-31  school, school/q1.csv, record 1 of the file" in text
    assert "I2 is held by I1" in text
    assert "nearly the same surname" in text
    assert "Missing from home\n      2016-01-09  school, school/q1.csv, row 12 of the file" in text


def test_the_weights_of_a_link_add_up_to_its_match_weight(plan: SimpleNamespace) -> None:
    lines = explain(plan, person_of(plan, 0))
    at = next(i for i, line in enumerate(lines) if "is held by" in line and "above" not in line)
    total = float(lines[at].rsplit(" ", 1)[1])
    steps = []
    for line in lines[at + 1 :]:
        if not line.startswith("      "):
            break
        steps.append(float(line.split()[0]))
    assert len(steps) >= 4
    assert sum(steps) == pytest.approx(total, abs=0.05 * (len(steps) + 1))


def test_the_twin_is_named_as_considered_and_left_apart(plan: SimpleNamespace) -> None:
    lines = explain(plan, person_of(plan, 0))
    apart = "\n".join(lines[lines.index("Considered and left apart:") :])
    assert person_of(plan, 2) in apart
    assert "forenames are different names" in apart


def test_an_explanation_holds_no_name(plan: SimpleNamespace) -> None:
    text = "\n".join(explain(plan, person_of(plan, 0))).lower()
    assert not any(name in text for name in ("mia", "ashdown", "dy1 1aa"))


def test_an_unknown_id_is_refused_and_a_former_id_is_traced(plan: SimpleNamespace) -> None:
    with pytest.raises(PlanError, match=r"C999999: no person has this id\."):
        explain(plan, "C999999")
    path = plan.folder / "review" / "person_registry.csv"
    registry = pl.read_csv(path, infer_schema=False)
    person = person_of(plan, 3)
    registry.with_columns(
        pl.when(pl.col("person_id") == person).then(pl.lit("C000777")).alias("former_ids")
    ).write_csv(path)
    with pytest.raises(PlanError, match=f"Did you mean {person}"):
        explain(plan, "C000777")


def test_before_any_run_there_is_one_line_and_a_failing_exit(tmp_path: Path) -> None:
    from profile_pipeline.cli import app

    filled_folder(tmp_path / "p")
    done = CliRunner().invoke(app, ["explain", "C000001", "--profile", str(tmp_path / "p")])
    assert done.exit_code != 0
    assert "Traceback" not in done.output
    assert not (tmp_path / "p" / "warehouse.duckdb").exists()


def test_explaining_writes_nothing(plan: SimpleNamespace) -> None:
    path = store.warehouse_path(plan.folder)
    before = path.read_bytes()
    explain(plan, person_of(plan, 0))
    assert path.read_bytes() == before


def test_a_suspect_s_explanation_says_who_else_it_may_be_and_that_it_is_under_18(
    plan: SimpleNamespace,
) -> None:
    one, other = person_of(plan, 4), person_of(plan, 5)
    text = "\n".join(explain(plan, other))
    apart = text.split("May be the same person as (kept apart):")[1]
    assert one in apart
    assert "same nickname or alias" in apart
    assert "Under 18 on the day of a record" in text
    assert "Under 18" not in "\n".join(explain(plan, one))


def test_the_page_draws_every_link_and_asks_nothing_of_any_network(plan: SimpleNamespace) -> None:
    path = waterfall_page(plan, person_of(plan, 0))
    page = path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o077 == 0
    assert page.count("<svg") == 1
    assert "is held by" in page
    assert not any(word in page for word in ("<script", "http", "src=", "@import"))


def test_a_link_below_the_threshold_says_why_it_holds_all_the_same() -> None:
    """A weight of 3.9 explains nothing where 5 is asked for; nothing else fitting does."""
    keys = {"dataset": "s", "file": "s/q.csv", "role": "child"}
    rows = [{**keys, "row": i, "record_id": f"r{i}"} for i in range(2)]
    placed = pl.DataFrame([row | {"identity": one} for row, one in zip(rows, "ab", strict=True)])
    person = pl.DataFrame([row | {"person_id": "C000001"} for row in rows])
    pair = {"identity_a": "a", "identity_b": "b", "match_weight": 3.9}
    links = pl.DataFrame([pair | {"decision": "joined", "reason": "nothing else fits"}])
    levels = {"level_forename": "same forename", "weight_forename": 8.0}
    told = explain_person("C000001", person, placed, links, pl.DataFrame([pair | levels]))
    lines, _ = explained._holds(told, pl.DataFrame([pair | levels]), {"a": "I1", "b": "I2"})
    assert lines[0] == "  I1 is held by I2, match weight 3.9: nothing else fits"


def test_what_argued_against_a_link_is_told_once_though_each_holds_the_other() -> None:
    keys = {"dataset": "s", "file": "s/q.csv", "role": "child"}
    rows = [{**keys, "row": i, "record_id": f"r{i}"} for i in range(2)]
    placed = pl.DataFrame([row | {"identity": one} for row, one in zip(rows, "ab", strict=True)])
    person = pl.DataFrame([row | {"person_id": "C000001"} for row in rows])
    pair = {"identity_a": "a", "identity_b": "b", "match_weight": 16.0}
    links = pl.DataFrame([pair | {"decision": "joined", "reason": None}])
    evidence = pl.DataFrame([pair | {"level_surname": "different", "weight_surname": -7.0}])
    told = explain_person("C000001", person, placed, links, evidence)
    lines = explained._against(told, {"a": "I1", "b": "I2"}, {})
    assert [line for line in lines if "different" in line] == ["  I1 and I2: different (-7.0)"]


def test_the_page_of_many_says_beside_each_id_how_firmly_its_records_hold(
    plan: SimpleNamespace,
) -> None:
    """Else an analyst has to open fifty explanations to find the loosest."""
    person = person_of(plan, 0)
    told = explained.Told(person, explain(plan, person), [])
    summary = explanations([told, told], "Cohort").split("<summary>")[1].split("</summary>")[0]
    assert summary.startswith(f"{person}: Weakest link it rests on: match weight")
