"""Where a data row stands in the agency's own file: the row a spreadsheet shows, from 1.

A row number counts data rows from 0 and passes over blank rows and titles; an agency looks for the
row its program shows. A CSV file is counted as a spreadsheet opens it: a cell that runs over
several lines is in one row. The file is read a second time, record by record, and places are only
told where every record is the same as the first reading's.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from profile_pipeline.errors import DeliveryError
from profile_pipeline.file_rows import runs
from profile_pipeline.intake.filled_templates import open_file
from profile_pipeline.intake.readers import FORMATS, read_bytes
from profile_pipeline.intake.readers_csv import csv_text
from profile_pipeline.intake.readers_xlsx import heading_row, read_xlsx
from profile_pipeline.plan.collection import Dataset
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.reading import ReadSettings
from profile_pipeline.tables import FILE_ROWS

WITH_ROWS = ("csv", "xlsx")
READ = ("loaded", "unusable", "superseded")
Record = tuple[int, list[str]]


def file_rows(delivery: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return quality.file_row of every file that was read.

    Args:
        delivery: quality.delivery.
        plan: the plan, for the files and how each is laid out.
    """
    ids = [dataset.id for dataset in plan.datasets]
    read = delivery.filter(
        pl.col("status").is_in(READ), pl.col("dataset").is_in(ids), pl.col("rows") > 0
    )
    found = [
        (dataset, file, start, shift)
        for dataset, file in read.select("dataset", "file").unique().sort("dataset", "file").rows()
        for start, shift in runs(rows_of_file(plan, plan.dataset(dataset), file) or [])
    ]
    return pl.DataFrame(found, schema=FILE_ROWS.polars_schema, orient="row")


def rows_of_file(plan: Plan, dataset: Dataset, name: str) -> list[int] | None:
    """Return the file's row of every data row of a delivered file; None when not certain."""
    path = plan.data_root / Path(name)
    if not path.is_file() or not path.resolve().is_relative_to(plan.data_root):
        return None
    try:
        frame, template, _ = open_file(path, dataset, name)
    except DeliveryError:
        return None
    settings = template.dataset.read if template else dataset.read
    return source_rows(path, settings, name, frame)


def source_rows(
    path: Path, settings: ReadSettings, name: str, read: pl.DataFrame | None = None
) -> list[int] | None:
    """Return the row of every data row as a spreadsheet shows the file; None when not certain.

    None for XML and Parquet, which have no rows a person could look up, and for a file that is no
    longer there or can't be read. `read` is the file as read before, if it was.
    """
    kind = settings.format or FORMATS.get(Path(name).suffix.lower(), "")
    if kind not in WITH_ROWS or not path.is_file():
        return None
    try:
        data = path.read_bytes()
        rows = (read_bytes(data, settings, name=name) if read is None else read).drop("_row")
        records = _csv(data, settings, name) if kind == "csv" else _xlsx(data, settings, name)
        filled = [(place, cells) for place, cells in records if any(c.strip() for c in cells)]
    except (DeliveryError, OSError, UnicodeError, csv.Error):
        return None
    first = [_alike(cells) for _, cells in filled[: rows.height]]
    if first != [_alike(cells) for cells in rows.iter_rows()]:
        return None
    return [place for place, _ in filled[: rows.height]]


def _alike(cells: "list[str] | tuple[str | None, ...]") -> tuple[str, ...]:
    """Return what a record holds: columns without heading or cells may have been dropped."""
    return tuple(cell for cell in cells if cell and cell.strip())


def _csv(data: bytes, settings: ReadSettings, name: str) -> Iterator[Record]:
    text, settings = csv_text(data, settings, name)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=settings.delimiter)
    for number, cells in enumerate(reader, start=1):
        if number > settings.header_row:
            yield number, cells


def _xlsx(data: bytes, settings: ReadSettings, name: str) -> Iterator[Record]:
    sheet: pl.DataFrame = read_xlsx(data, settings, name)
    top = heading_row(sheet, settings)
    for number, cells in enumerate(sheet.slice(top).iter_rows(), start=top + 1):
        yield number, [cell or "" for cell in cells]
