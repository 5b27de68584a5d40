"""Where a data row stands in the agency's own file: line of a CSV file, row of a worksheet.

A row number counts data rows from 0 and passes over blank rows and titles; an agency looks for the
line its program shows. The file is read a second time, record by record, and a line is only told
where every record is the same as the first reading's.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from profile_pipeline.errors import DeliveryError
from profile_pipeline.intake.readers import FORMATS, read_bytes
from profile_pipeline.intake.readers_csv import csv_text
from profile_pipeline.intake.readers_xlsx import heading_row, read_xlsx
from profile_pipeline.plan.reading import ReadSettings

WORDS = {"csv": "line", "xlsx": "spreadsheet row"}
Record = tuple[int, list[str]]


def source_lines(path: Path, settings: ReadSettings, name: str) -> tuple[str, list[int]] | None:
    """Return what a line is called and the line of every data row, from 1; None when not certain.

    A CSV record that runs over several lines is told by its first. None for XML and Parquet, which
    have no lines a person could look up, and for a file that is no longer there or can't be read.
    """
    kind = settings.format or FORMATS.get(Path(name).suffix.lower(), "")
    if kind not in WORDS or not path.is_file():
        return None
    try:
        data = path.read_bytes()
        rows = read_bytes(data, settings, name=name).drop("_row")
        records = _csv(data, settings, name) if kind == "csv" else _xlsx(data, settings, name)
        filled = [(line, cells) for line, cells in records if any(c.strip() for c in cells)]
    except (DeliveryError, OSError, UnicodeError, csv.Error):
        return None
    first = [_alike(cells) for _, cells in filled[: rows.height]]
    if first != [_alike(cells) for cells in rows.iter_rows()]:
        return None
    return WORDS[kind], [line for line, _ in filled[: rows.height]]


def _alike(cells: "list[str] | tuple[str | None, ...]") -> tuple[str, ...]:
    """Return what a record holds: columns without heading or cells may have been dropped."""
    return tuple(cell for cell in cells if cell and cell.strip())


def _csv(data: bytes, settings: ReadSettings, name: str) -> Iterator[Record]:
    text, settings = csv_text(data, settings, name)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=settings.delimiter)
    before = 0
    for number, cells in enumerate(reader, start=1):
        if number > settings.header_row:
            yield before + 1, cells
        before = reader.line_num


def _xlsx(data: bytes, settings: ReadSettings, name: str) -> Iterator[Record]:
    sheet: pl.DataFrame = read_xlsx(data, settings, name)
    top = heading_row(sheet, settings)
    for number, cells in enumerate(sheet.slice(top).iter_rows(), start=top + 1):
        yield number, [cell or "" for cell in cells]
