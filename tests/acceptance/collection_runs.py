"""The runs that the tests of the collection look at, each made once, by the command line alone."""

from __future__ import annotations

import atexit
import datetime as dt
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import duckdb
import openpyxl
import polars as pl
import yaml

from tests.acceptance import collection_files as files
from tests.acceptance import statutory_files as statutory
from tests.exam_runs import REPO, Ran, command


def place(name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder / name


def do(verb: str, folder: Path, *more: str) -> Ran:
    return command(verb, *more, "--profile", str(folder), folder=folder)


def rows(folder: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as con:
        return con.sql(query).fetchall()


def table(folder: Path, query: str) -> pl.DataFrame:
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as con:
        return con.sql(query).pl()


def words(document: Path) -> str:
    """What a Word document says, a paragraph a line, cells apart."""
    with zipfile.ZipFile(document) as z:
        text = z.read("word/document.xml").decode("utf-8")
    text = re.sub(r"</w:p>", "\n", text)
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def out(folder: Path) -> Path:
    (made,) = (folder / "output").iterdir()
    return made


def requests(folder: Path, agency: str) -> Path:
    return out(folder) / "requests" / agency


def fill(template: Path, to: Path, filled: list[dict]) -> None:
    """A template as a clerk fills it: found headings, cells typed, saved under the agreed name."""
    book = openpyxl.load_workbook(template)
    page = book["Data"]
    headings = {cell.value: cell.column for cell in page[1]}
    for line, record in enumerate(filled, start=2):
        for heading, value in record.items():
            page.cell(line, headings[heading], value)
    to.parent.mkdir(parents=True, exist_ok=True)
    book.save(to)


TENANCY = [
    # (gang involvement, domestic abuse): the rest of the row
    ("yes", "no", "00123", "Tessa", "Tenantley", "WBRI White British"),
    ("no", "yes", "00124", "Theo", "Tenantworth", "not known"),
    ("not known", "not known", "00125", "Tia", "Tenantham", "APKN Pakistani"),
    ("yes", "yes", "00126", '=HYPERLINK("http://example.invalid","x")', "Tenantford", None),
]


def tenancy(folder: Path) -> None:
    fill(
        requests(folder, "outreach") / "tenancy_template.xlsx",
        folder / "data/tenancy/2023-24_Q4.xlsx",
        [
            {
                "Reference": reference,
                "Date": dt.datetime(2024, 1, 12 + n),
                "Child forename": forename,
                "Child surname": surname,
                "Child date of birth": dt.datetime(2009, 9, 1 + n),
                "Child sex": "female",
                "Child ethnicity": ethnicity,
                "Child home postcode": "ZQ1 1AA",
                "Gang involvement (yes/no)": gang,
                "Domestic abuse (yes/no)": abuse,
            }
            for n, (gang, abuse, reference, forename, surname, ethnicity) in enumerate(TENANCY)
        ],
    )
    # an agency whose own extract is mapped sends the template instead
    fill(
        requests(folder, "outreach") / "outreach_template.xlsx",
        folder / "data/outreach/2023-24_Q3.xlsx",
        [
            {
                "Reference": "O-T-1",
                "Date": dt.datetime(2023, 11, 2),
                "Child forename": "Templar",
                "Child surname": "Workbooker",
                "Child date of birth": dt.datetime(2008, 8, 8),
            }
        ],
    )


@cache
def mill() -> Ran:
    """Millbrook: the requirements written, templates filled, everything run."""
    folder = files.millbrook(place("millbrook"))
    asked = do("request", folder)
    assert asked.code == 0, asked.text[-2000:]
    tenancy(folder)
    ran = do("run", folder)
    assert ran.code == 0, ran.text[-3000:]
    return ran


@cache
def mill_later() -> Ran:
    """Millbrook a week later: files corrected, twice, late; no crosswalk in the plan."""
    folder = Path(shutil.copytree(mill().folder, place("later")))
    shutil.rmtree(folder / "output")
    data = folder / "data/outreach"
    files.write_csv(data / "2023-24_Q1.csv", files.outreach(5))  # same name, other content
    files.write_csv(data / "2023-24_Q2_v2.csv", files.outreach(6, month=8))
    late = [[*row[:4], f"{n:02}/02/2024"] for n, row in enumerate(files.outreach(3, 2, 4)) if n]
    files.write_csv(data / "2023-24_Q4.csv", [files.outreach(0)[0], *late])
    shutil.copyfile(data / "2023-24_Q4.csv", data / "2023-24_Q4_v2.csv")  # the same once more
    (data / "left over.txt").write_text("not a delivery")
    settings = yaml.safe_load((folder / "profile.yaml").read_text("utf-8"))
    del settings["tracker"]["level_changes"]
    files.put(folder / "profile.yaml", settings)
    ran = do("run", folder)
    assert ran.code == 0, ran.text[-3000:]
    return ran


@cache
def returns() -> Ran:
    """The statutory returns alone. What was made is looked at even if the run did not end well."""
    folder = statutory.council(place("council"))
    return do("run", folder)


ARRIVED = """
import json, sys
import dagster as dg
out = {}
with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    for run in instance.get_runs():
        for record in instance.all_logs(run.run_id):
            event = record.dagster_event
            if event is not None and event.is_step_materialization:
                m = event.step_materialization_data.materialization
                if m.partition:
                    out.setdefault(m.asset_key.to_user_string(), []).append(m.partition)
print(json.dumps(out))
"""


@cache
def arrived(folder: Path) -> dict[str, set[str]]:
    """The quarters that Dagster shows as arrived, by dataset."""
    home = folder / ".dagster"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ARRIVED, str(home)],
        env={**os.environ, "PROFILE_DIR": str(folder), "DAGSTER_HOME": str(home)},
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {
        key.removeprefix("delivery/"): {q.replace("_", " ") for q in quarters}
        for key, quarters in json.loads(done.stdout.splitlines()[-1]).items()
    }
