"""The exam borough, run by the command line alone, once or twice for all tests that look at it."""

from __future__ import annotations

import atexit
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import polars as pl
import pytest

REPO = Path(__file__).resolve().parents[1]
EXAM = REPO.parent / "shared" / "exam"
AS_AT = "2016-03-31"


@dataclass
class Ran:
    """What a command left behind."""

    folder: Path
    code: int
    out: str
    err: str
    seconds: float
    cpu_seconds: float
    peak_mb: float

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def output(self) -> Path:
        return self.folder / "output" / AS_AT

    @property
    def tables(self) -> Path:
        return self.output / "sub_group" / "tables"

    def sql(self, query: str) -> pl.DataFrame:
        with duckdb.connect(str(self.folder / "warehouse.duckdb"), read_only=True) as con:
            return con.sql(query).pl()

    def csv(self, table: str) -> pl.DataFrame:
        return pl.read_csv(self.tables / f"{table}.csv", infer_schema=False)


def command(*words: str, folder: Path, extra: dict[str, str] | None = None) -> Ran:
    """Run `profile-pipeline` in a process of its own, with its time and peak memory."""
    script = Path(sys.executable).with_name("profile-pipeline")
    env = {k: v for k, v in os.environ.items() if k not in {"PROFILE_DIR", "DAGSTER_HOME"}}
    env |= {"COLUMNS": "400"} | (extra or {})
    spool = folder.parent / f"{folder.name}.spool"
    spool.mkdir(exist_ok=True)
    out, err = spool / "out", spool / "err"
    start = time.monotonic()
    with out.open("wb") as o, err.open("wb") as e:
        process = subprocess.Popen(
            [str(script), *words], stdin=subprocess.DEVNULL, stdout=o, stderr=e, env=env
        )
        _, status, usage = os.wait4(process.pid, 0)  # this child's own memory, no other's
        process.returncode = os.waitstatus_to_exitcode(status)
    return Ran(
        folder,
        process.returncode,
        out.read_text("utf-8", "replace"),
        err.read_text("utf-8", "replace"),
        time.monotonic() - start,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
    )


def exam_folder(to: Path) -> Path:
    """A fresh copy of tests/exam, its data and reference roots absolute."""
    if not EXAM.is_dir():
        pytest.skip("the exam borough (../shared/exam) is not on this machine")
    shutil.copytree(REPO / "tests" / "exam", to)
    settings = to / "profile.yaml"
    text = settings.read_text("utf-8")
    for root in ("data", "reference"):
        text, found = re.subn(rf"(?m)^{root}:.*$", f"{root}: {EXAM / root}", text)
        assert found == 1
    settings.write_text(text, "utf-8")
    return to


@cache
def exam_run(number: int = 0) -> Ran:
    """The exam borough's run; another number is another run, on a fresh copy and hash seed."""
    place = Path(tempfile.mkdtemp(prefix=f"exam-{number}-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    folder = exam_folder(place / "exam")
    extra = {"PYTHONHASHSEED": str(77 * number)}
    ran = command("run", "--profile", str(folder), folder=folder, extra=extra)
    assert ran.code == 0, ran.text[-3000:]
    return ran


@cache
def score():
    """The exam's own marker, imported."""
    spec = importlib.util.spec_from_file_location("exam_score", EXAM / "score.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stem(column: str) -> pl.Expr:
    """'cin/2014-15_Q1.csv' -> '2014-15_Q1', so that truth and warehouse agree on a file's name."""
    return pl.col(column).str.replace(r"^.*[\\/]", "").str.replace(r"\.\w+$", "")
