"""Markdown to HTML, DOCX and PDF: pandoc and Typst from their wheels, same input same bytes.

No request to anywhere: pandoc reads escaped Markdown with raw HTML off and images from a temporary
folder alone, Typst has only the fonts it brings along.
"""

import io
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from reports.markdown import PANDOC_FORMAT
from reports.reference_docx import reference_docx

HERE = Path(__file__).parent
FIXED_LANGUAGE = "en-GB"


def to_html(markdown: str, images: Mapping[str, bytes], meta: Mapping[str, str]) -> bytes:
    """Return one self-contained HTML page with a policy that forbids every request and script."""
    arguments = [
        "--to=html5",
        "--standalone",
        "--embed-resources",
        "--toc",
        "--toc-depth=1",
        f"--template={HERE / 'report.html'}",
        f"--variable=style:{(HERE / 'report.css').read_text(encoding='utf-8')}",
    ]
    return _pandoc(markdown, images, meta, arguments)


def to_docx(
    markdown: str, images: Mapping[str, bytes], meta: Mapping[str, str], as_at: date
) -> bytes:
    """Return a Word document, its dates those of the as-at date."""
    with tempfile.TemporaryDirectory() as folder:
        reference = Path(folder) / "reference.docx"
        reference.write_bytes(reference_docx(meta["marking"], meta["footer"]))
        arguments = ["--to=docx", f"--reference-doc={reference}", "--toc", "--toc-depth=1"]
        return _same_dates(_pandoc(markdown, images, meta, arguments, as_at))


def to_pdf(
    markdown: str, images: Mapping[str, bytes], meta: Mapping[str, str], as_at: date
) -> bytes:
    """Return a tagged PDF, set by Typst with the fonts it brings along."""
    import typst

    arguments = ["--to=typst", "--standalone", f"--template={HERE / 'report.typ'}"]
    source = _pandoc(markdown, images, meta, arguments)
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), images)
        (Path(folder) / "report.typ").write_bytes(source)
        made = typst.compile(
            str(Path(folder) / "report.typ"),
            root=folder,
            ignore_system_fonts=True,
            format="pdf",
            timestamp=int(_moment(as_at).timestamp()),
        )
    return bytes(made)


def _same_dates(archive: bytes) -> bytes:
    """Return a ZIP with every entry dated alike; parts of the reference bear the time of day."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), old.read(name), zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _write(folder: Path, images: Mapping[str, bytes]) -> None:
    for name, content in images.items():
        (folder / name).write_bytes(content)


def _pandoc(
    markdown: str,
    images: Mapping[str, bytes],
    meta: Mapping[str, str],
    arguments: list[str],
    as_at: date = date(1980, 1, 1),
) -> bytes:
    """Run pandoc and return what it made.

    Raises RuntimeError without the document's text when pandoc fails.
    """
    import pypandoc

    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), images)
        (Path(folder) / "report.md").write_text(markdown, encoding="utf-8")
        values = [f"--metadata={name}={text}" for name, text in meta.items()]
        command = [
            pypandoc.get_pandoc_path(),
            f"--from={PANDOC_FORMAT}",
            f"--metadata=lang={FIXED_LANGUAGE}",
            *values,
            *arguments,
            "--output=made",
            "report.md",
        ]
        environment = {
            **os.environ,
            "SOURCE_DATE_EPOCH": str(int(_moment(as_at).timestamp())),
        }
        done = subprocess.run(  # noqa: S603 our own pandoc, arguments in a list
            command, cwd=folder, env=environment, capture_output=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"pandoc could not make the report (exit code {done.returncode})")
        return (Path(folder) / "made").read_bytes()
