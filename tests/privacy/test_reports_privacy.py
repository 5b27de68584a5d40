"""The documents themselves: nothing small, nothing live, nothing from outside, same bytes."""

import html
import io
import re
import sys
import zipfile
from functools import cache
from pathlib import Path

import pypdf
import pytest

sys.path.append(str(Path(__file__).parents[1] / "unit"))

import profile_fixture as fixture

from profile_pipeline.sharing.disclosure import safe_tables
from profile_pipeline.sharing.editions import describe
from reports.build import build_report
from reports.context import ReportContext


@cache
def documents(run: int = 0) -> dict[str, bytes]:
    """Return the documents of the sub-group's edition; another run makes them again."""
    settings = fixture.settings()
    edition = settings.editions.sub_group
    safe = safe_tables(fixture.profile_tables(), edition)
    return build_report(
        ReportContext(settings, safe, fixture.deliveries(), "sub-group", describe(edition))
    )


def text_of(name: str) -> str:
    """Return a document's text."""
    content = documents()[name]
    if name.endswith(".pdf"):
        pages = pypdf.PdfReader(io.BytesIO(content)).pages
        return " ".join(page.extract_text() for page in pages)
    if name.endswith(".docx"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return re.sub("<[^>]+>", " ", archive.read("word/document.xml").decode())
    return content.decode()


NAMES = ["problem_profile.html", "problem_profile.docx", "problem_profile.pdf"]


@pytest.mark.parametrize("name", NAMES)
def test_small_counts_in_texts_are_not_printed(name: str) -> None:
    text = " ".join(text_of(name).split())
    assert "not recorded for fewer than 5 of" in text
    assert "{n:" not in text
    assert "OFFICIAL-SENSITIVE" in text
    assert "Invented data" in text or "are invented" in text


@pytest.mark.parametrize("name", NAMES)
def test_the_same_context_makes_the_same_bytes(name: str) -> None:
    assert documents()[name] == documents(1)[name]


def test_the_page_holds_no_script_link_or_address_to_fetch() -> None:
    page = documents()["problem_profile.html"].decode()
    assert "default-src 'none'" in html.unescape(page)
    assert not re.search(r"<(script|iframe|object|embed|form|link)\b", page)
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert "&lt;script&gt;" in page
