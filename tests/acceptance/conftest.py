"""Fixtures of the acceptance tests: written from what is asked for, blind to how it is built."""

from __future__ import annotations

import json

import polars as pl
import pytest

from tests import exam_runs
from tests.exam_runs import EXAM, Ran, stem


def needs_exam() -> None:
    if not EXAM.is_dir():
        pytest.skip("the exam borough (../shared/exam) is not on this machine")


@pytest.fixture(scope="session")
def exam() -> Ran:
    """The exam borough, run once."""
    needs_exam()
    return exam_runs.exam_run()


@pytest.fixture(scope="session")
def again(exam) -> Ran:
    """The same borough once more, on a fresh copy, under another hash seed."""
    return exam_runs.exam_run(1)


@pytest.fixture(scope="session")
def facts() -> dict:
    needs_exam()
    return json.loads((EXAM / "truth" / "facts.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def persons() -> pl.DataFrame:
    needs_exam()
    return pl.read_parquet(EXAM / "truth" / "persons.parquet")


@pytest.fixture(scope="session")
def record_map() -> pl.DataFrame:
    needs_exam()
    return pl.read_parquet(EXAM / "truth" / "record_map.parquet").with_columns(
        pl.col("row").cast(pl.Int64), _file=stem("file")
    )


@pytest.fixture(scope="session")
def score():
    """The exam's own marker, imported."""
    needs_exam()
    return exam_runs.score()
