"""No child can be found in what leaves the analyst's desk, in Dagster's records, on the screen."""

from __future__ import annotations

import base64
import contextlib
import io
import itertools
import re
import sqlite3
import unicodedata
import zipfile
import zlib
from pathlib import Path

import polars as pl
import pytest


def words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.findall(r"[^\W\d_]+", plain)


class Children:
    """What would name a child: names in either order, identifiers, dates of birth."""

    def __init__(self, persons: pl.DataFrame) -> None:
        self.names: set[tuple[str, ...]] = set()
        for row in persons.select("forename", "surname", "surname_later").iter_rows():
            for surname in filter(None, row[1:]):
                first, last = words(row[0]), words(surname)
                self.names |= {(first[-1], last[0]), (last[-1], first[0])}
        ids = ("nhs", "upn", "la_id", "la_id_second", "police_nominal", "police_nominal_second")
        self.ids = {str(v) for c in ids for v in persons[c].drop_nulls() if v}
        born = persons["dob"].drop_nulls().str.to_date()
        self.born = {
            d.strftime(f)
            for d in born
            for f in (
                "%Y-%m-%d",
                "%d/%m/%Y",
                "%d.%m.%Y",
                "%d-%m-%Y",
                "%d %B %Y",
                "%-d %B %Y",
                "%Y%m%d",
                "%d-%b-%y",
                "%d %b %Y",
            )
        }

    def in_text(self, text: str) -> list[str]:
        """What kind of thing was found, never which: a failing test must not print a name."""
        got = words(text)
        found = []
        if self.names & set(itertools.pairwise(got)):
            found.append("a name")
        tokens = set(re.findall(r"[A-Z]{0,3}\d{6,13}[A-Z]?", text))
        tokens |= {t.replace(" ", "") for t in re.findall(r"\b\d{3} \d{3} \d{4}\b", text)}
        if self.ids & tokens:
            found.append("an identifier")
        dates = set(
            re.findall(
                r"\d{4}-\d\d-\d\d|\d\d[/.-]\d\d[/.-]\d{4}|\b\d{1,2} [A-Z][a-z]+ "
                r"\d{4}|\b\d{8}\b|\d\d-[A-Z][a-z]{2}-\d\d",
                text,
            )
        )
        if self.born & dates:
            found.append("a date of birth")
        return found


@pytest.fixture(scope="module")
def children(persons) -> Children:
    return Children(persons)


def texts(path: Path) -> list[str]:
    """All the text of a file, also what is packed inside it."""
    raw = path.read_bytes()
    found = [raw.decode("utf-8", "replace")]
    if raw.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(raw)) as z:
            packed = [z.read(n).decode("utf-8", "replace") for n in z.namelist()]
        found = packed + [re.sub(r"<[^>]+>", " ", p) for p in packed]
    elif raw.startswith(b"%PDF"):
        import pypdf

        found.append("\n".join(p.extract_text() for p in pypdf.PdfReader(path).pages))
    elif raw.startswith(b"SQLite format 3"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as con:
            for (table,) in con.execute(
                "select name from sqlite_master where type = 'table'"
            ).fetchall():
                for row in con.execute(f'select * from "{table}"'):
                    for cell in row:
                        if isinstance(cell, bytes):
                            with contextlib.suppress(zlib.error):
                                cell = zlib.decompress(cell)
                            found.append(cell.decode("utf-8", "replace"))
    if path.suffix == ".html":
        for packed in re.findall(r"base64,([A-Za-z0-9+/=]{40,})", found[0]):
            found.append(base64.b64decode(packed).decode("utf-8", "replace"))
        found.append(re.sub(r"<[^>]+>", " ", found[0]))
    return found


def leaks(children: Children, root: Path) -> dict[str, list[str]]:
    files = [p for p in root.rglob("*") if p.is_file()]
    assert files, root
    found = {
        str(p.relative_to(root)): sorted({f for t in texts(p) for f in children.in_text(t)})
        for p in files
    }
    return {k: v for k, v in found.items() if v}


def test_the_search_finds_children_where_they_are(children, exam):
    """The desk's own workbook and registry: what follows would be worth nothing otherwise."""
    rows = exam.sql(
        "select forename, surname, date_of_birth, nhs_number from records.subject"
        " where nhs_number is not null and surname is not null limit 2000"
    )
    text = "\n".join(" ".join(str(c) for c in r) for r in rows.iter_rows())
    assert children.in_text(text) == ["a name", "an identifier", "a date of birth"]


@pytest.mark.parametrize("audience", ["sub_group", "panel"])
def test_no_child_in_what_leaves_the_desk(children, exam, audience):
    assert leaks(children, exam.output / audience) == {}


def test_no_child_in_dagsters_records(children, exam):
    assert leaks(children, exam.folder / ".dagster") == {}


def test_no_child_on_the_screen(children, exam):
    assert children.in_text(exam.out) == []
    assert children.in_text(exam.err) == []


def test_no_person_id_in_what_leaves_the_desk(exam):
    """A pseudonym that meets the restricted workbook is a name."""
    ids = set(exam.sql("select distinct person_id from people.record_person")["person_id"])
    for audience in ("sub_group", "panel"):
        for path in (exam.output / audience).rglob("*"):
            if path.is_file():
                for text in texts(path):
                    assert not ids & set(re.findall(r"\b[A-Z]\d{6}\b", text)), path.name


def test_agencies_script_never_becomes_markup(exam):
    for path in (
        exam.output / "sub_group" / "problem_profile.html",
        exam.output / "panel" / "hotspot_map.html",
    ):
        assert "<script>alert" not in path.read_text("utf-8").casefold(), path.name


@pytest.mark.parametrize("place", ["sub_group/tables", "restricted"])
def test_no_cell_of_a_workbook_or_csv_is_a_formula(exam, place):
    import openpyxl

    for path in (exam.output / place).rglob("*.xlsx"):
        for sheet in openpyxl.load_workbook(path, read_only=True):
            for row in sheet.iter_rows():
                assert not [c for c in row if c.data_type == "f"], (path.name, sheet.title)
    for path in (exam.output / place).rglob("*.csv"):
        for row in pl.read_csv(path, infer_schema=False).iter_rows():
            assert not [c for c in row if c and re.match(r"[=+@\t\r]|-[^\d.]", c)], path.name
