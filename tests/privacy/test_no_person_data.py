"""Nothing of a person outside the restricted folder and the warehouse.

Every name, id and free text of the tiny borough holds a marker; two whole runs are searched for it,
in Dagster's event log and other files, on the terminal, and in what leaves the analyst's desk.
"""

import io
import logging
import re
import sqlite3
import zipfile
from pathlib import Path

import pytest

from profile_pipeline.errors import UserError
from profile_pipeline.intake.collect import collect_dataset, delivery_problems
from profile_pipeline.plan.load import load_plan
from tests.unit import small_borough
from tests.unit.small_borough import MARK, Twice
from tests.unit.small_plan import PLAN, send, small_plan

# The children's own particulars, which hold no marker.
PARTICULARS = ("9404765019", "A332201200000", "1999-03-04", "04/03/1999", "Okafor", "DY1 0")


@pytest.fixture(scope="module")
def run() -> Twice:
    made = small_borough.twice_run()
    assert made.codes == (0, 0), made.printed[-3000:]
    return made


def found_in(content: bytes) -> list[str]:
    """Return what of a person is in the bytes, in any case; a zip or PDF is looked into."""
    parts = [content]
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = [packed.read(name) for name in packed.namelist()]
    if content[:5] == b"%PDF-":
        from pypdf import PdfReader

        pages = PdfReader(io.BytesIO(content)).pages
        parts = ["\n".join(page.extract_text() for page in pages).encode()]
    wanted = [MARK, *PARTICULARS]
    lower = [part.lower() for part in parts]
    # Fonts and images in base64 hold any three letters by chance: a marker stands in a word.
    return [
        each
        for each in wanted
        if any(
            re.search(rb"(?<![a-z0-9+/])" + re.escape(each.lower().encode()), part)
            for part in lower
        )
    ]


def leaks(folder: Path) -> dict[str, list[str]]:
    return {
        str(path.relative_to(folder)): found
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (found := found_in(path.read_bytes()))
    }


def test_the_search_finds_what_is_there(run: Twice) -> None:
    """The restricted workbook names the child: the same search must see it there."""
    assert found_in((run.folder / "data" / "school.csv").read_bytes())
    assert leaks(run.outputs / "restricted")


@pytest.mark.parametrize("edition", ["panel", "sub_group"])
def test_what_leaves_the_desk_names_nobody(run: Twice, edition: str) -> None:
    assert (run.outputs / edition).is_dir()
    assert leaks(run.outputs / edition) == {}


def test_dagsters_files_name_nobody(run: Twice) -> None:
    home = run.folder / ".dagster"
    events = [path for path in home.rglob("*.db") if path.stat().st_size]
    assert events
    assert leaks(home) == {}
    # A database may keep its texts in pages of its own: every cell is read as well.
    for path in events:
        with sqlite3.connect(path) as connection:
            tables = connection.execute("select name from sqlite_master where type = 'table'")
            for (table,) in tables.fetchall():
                for row in connection.execute(f'select * from "{table}"'):
                    text = "\n".join(str(cell) for cell in row)
                    assert not found_in(text.encode()), (path.name, table)


def test_the_terminal_names_nobody(run: Twice) -> None:
    printed = run.printed.replace(str(run.folder), "")
    assert "intelligence gaps" in printed
    assert found_in(printed.encode()) == []


HOSTILE = {
    "a cell too many": 'Ref,Date,Name\n1,2,3,"{mark}"\n',
    "an open quote": 'Ref,Date,Name\n1,2,"{mark}\n',
    "names for headings": "{mark} Smith,{mark} Jones\n1,2\n",
    "no header": "{mark}1,01/05/2015,{mark} Smith\n",
    "wrong bytes": "Ref,Date,Name\n1,01/05/2015,{mark}\xff\n",
    "nothing but a name": "{mark}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_broken_file_is_told_without_its_cells(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    plan = small_plan(tmp_path)
    send(tmp_path, "missing/2015-16_Q1.csv", text.format(mark=MARK), encoding="latin-1")
    with caplog.at_level(logging.DEBUG):
        collected = collect_dataset(plan, plan.dataset("missing"))
        problems, notes = delivery_problems(plan)
    told = [*collected.deliveries["problem"].drop_nulls(), *map(str, problems), *notes]
    assert told
    assert MARK not in "\n".join(told) + caplog.text


def test_a_bad_plan_is_told_without_values_of_the_data(tmp_path: Path) -> None:
    """The plan's own words may be told; the data are not opened for it."""
    small_plan(tmp_path)
    send(tmp_path, "missing/2015-16_Q1.csv", MARK)
    (tmp_path / "collection_plan.yaml").write_text(PLAN.replace("sex: Sex", "sexx: Sex"))
    with pytest.raises(UserError) as raised:
        load_plan(tmp_path)
    assert MARK not in str(raised.value)


def test_what_steps_print_is_kept_nowhere(run: Twice) -> None:
    """Nor does a run leave the processes that would keep it, which outlive a background run."""
    assert list((run.folder / ".dagster").rglob("compute_logs*")) == []
