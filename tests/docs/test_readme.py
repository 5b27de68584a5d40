"""The README's worked example loads, and its commands exist."""

import re
from pathlib import Path

import openpyxl
import pytest
from pydantic import BaseModel

from profile_pipeline.intake.collect import collect_dataset
from profile_pipeline.intake.records import indicator_events_of, subjects_of
from profile_pipeline.plan import collection, context, expect, reading, settings
from profile_pipeline.plan.load import load_plan
from profile_pipeline.plan.requirement import template_columns

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLAN_DOC = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")
PROFILE = """\
title: Test
terms_of_reference:
  {aim: a, objectives: [o], methodology: m, time_frames: t, required_outputs: [r], resources: r}
area: {name: Area, responsible_authority: Area}
period: {start: 2026-01-01, end: 2026-03-31}
as_at: 2026-03-31
"""


def block(start: str) -> str:
    found = re.findall(r"```(?:yaml|sh)?\n(.*?)```", README, re.DOTALL)
    return next(text for text in found if text.startswith(start))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "profile.yaml").write_text(PROFILE)
    (tmp_path / "collection_plan.yaml").write_text(block("agencies:"))
    sent = tmp_path / "data" / "housing_association" / "2025-26_Q4.csv"
    sent.parent.mkdir(parents=True)
    sent.write_text(block("Tenancy no;"), encoding="cp1252")
    return tmp_path


def test_the_new_agency_of_the_readme_loads_without_code(folder: Path) -> None:
    plan = load_plan(folder)
    collected = collect_dataset(plan, plan.datasets[0])
    frames = {"housing_association": collected.harmonised.rows}
    child = subjects_of(frames).row(0, named=True)
    assert (child["forename"], child["surname"], child["other_names"]) == ("Jo", "SMITH", ["Jojo"])
    assert (child["sex"], child["postcode"], child["age_years"]) == ("female", "DY1 1AA", 14)
    events = indicator_events_of(frames)
    assert events.select("indicator", "quarter").rows() == [("gang_involvement", "2025-26 Q4")]


def test_every_command_of_the_readme_exists() -> None:
    from typer.main import get_command

    from profile_pipeline.cli import app

    verbs = set(get_command(app).commands)  # type: ignore[attr-defined]
    used = set(re.findall(r"profile-pipeline ([a-z]+)", README))
    assert used <= verbs
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"^make ([a-z]+)", README, re.MULTILINE)) <= set(targets)


def test_every_path_the_readme_names_is_there() -> None:
    for path in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / path).exists(), path


MODELS = [
    model
    for module in (collection, context, expect, reading, settings)
    for model in vars(module).values()
    if isinstance(model, type)
    and issubclass(model, BaseModel)
    and model.__module__ == module.__name__
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_of_the_plan_is_explained(model: type[BaseModel]) -> None:
    names = [field.alias or name for name, field in model.model_fields.items()]
    assert [
        name for name in names if f"`{name}`" not in PLAN_DOC and f"{name}:" not in PLAN_DOC
    ] == []


def test_the_template_route_of_the_readme_needs_no_mapping(folder: Path) -> None:
    """In place of `read:` and all that follows it, as the text says."""
    path = folder / "collection_plan.yaml"
    text = path.read_text()
    path.write_text(text[: text.index("    read: {encoding")] + block("    read: template"))
    dataset = load_plan(folder).datasets[0]
    (folder / "data" / "housing_association" / "2025-26_Q4.csv").unlink()
    headings = [column.heading for column in template_columns(dataset)]
    assert {"Date", "Child forename", "Child home postcode"} <= set(headings)
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = "Data"
    page.append(headings)
    given = {"Date": "14/01/2026", "Child forename": "Jo", "Child surname": "Smith"}
    page.append([given.get(heading) for heading in headings])
    book.save(folder / "data" / "housing_association" / "2025-26_Q4.xlsx")
    rows = collect_dataset(load_plan(folder), dataset).harmonised.rows
    assert subjects_of({"h": rows}).select("forename", "surname").rows() == [("Jo", "Smith")]
    assert indicator_events_of({"h": rows})["indicator"].to_list() == ["gang_involvement"]
