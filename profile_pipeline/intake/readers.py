"""Open an agency's file: every cell as sent, as text, and the number of its row.

Common to CSV, XLSX, XML and Parquet: headings, blank rows, totals rows, row numbers.
No value is changed or judged; that is `intake.harmonise`'s work. Messages name file, line, row or
column by number, never a cell: a heading row that is set wrongly is a row of someone's data.
"""

from pathlib import Path

import polars as pl

from profile_pipeline.errors import DeliveryError, Problem
from profile_pipeline.intake.layout import unlike
from profile_pipeline.intake.readers_csv import read_csv
from profile_pipeline.intake.readers_parquet import read_parquet
from profile_pipeline.intake.readers_xlsx import heading_row, read_sheet
from profile_pipeline.intake.readers_xml import read_xml
from profile_pipeline.plan.reading import ReadSettings
from profile_pipeline.tables import RECEIVED_META

FORMATS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xml": "xml",
    ".parquet": "parquet",
    ".pq": "parquet",
}
RESERVED = frozenset((*RECEIVED_META, "_index"))


def read_file(path: Path, settings: ReadSettings, *, name: str) -> pl.DataFrame:
    """Return the file's records: `_row` (Int64, from 0), then every column as sent, as text.

    Columns are named by their headings, white space tidied (a line break in a heading becomes a
    space); one without a heading is `unnamed <number>`, or dropped when it is blank. Blank cells
    are null, all else is as received, spaces included. Blank rows, rows above the headings and
    totals rows at the end are no records: a totals row begins with one of `settings.totals` and
    otherwise holds numbers only, so that a child called Total is kept.

    `name` is the file as messages call it. Raises DeliveryError alone, with a line for each thing
    that is wrong and no value of the data. The frame holds person-level data.
    """
    return read_as_found(path, settings, name=name)[0]


def read_as_found(
    path: Path, settings: ReadSettings, *, name: str
) -> tuple[pl.DataFrame, str | None]:
    """Return a file's records as `read_file`, and in words how its layout is unlike the plan's."""
    frame, found, told = _read(_bytes(path, name), settings, name)
    return frame, " ".join([*told, *unlike(settings, found)]) or None


def read_bytes(data: bytes, settings: ReadSettings, *, name: str) -> pl.DataFrame:
    """Return the records of a file that is already in memory; as `read_file`."""
    return _read(data, settings, name)[0]


def _read(
    data: bytes, settings: ReadSettings, name: str
) -> tuple[pl.DataFrame, ReadSettings, tuple[str, ...]]:
    """Return the records, the layout that the file has, and what is to be told of its sheets."""
    kind = settings.format or FORMATS.get(Path(name).suffix.lower())
    if kind is None:
        cure = "Ask for .csv, .xlsx, .xml or .parquet, or set `read: format`."
        raise DeliveryError(Problem(name, "this kind of file can't be read.", cure))
    if not data:
        raise DeliveryError(Problem(name, "the file is empty (0 bytes).", "Ask for it again."))
    told: tuple[str, ...] = ()
    if kind == "csv":
        headings, cells, settings = read_csv(data, settings, name)
        first_row = settings.header_row + 1
    elif kind == "parquet":
        headings, cells = read_parquet(data, name)
        first_row = 1
    elif kind == "xml":
        headings, cells = read_xml(data, settings, name)
        first_row = 1
    else:
        sheet, told = read_sheet(data, settings, name)
        if (row := heading_row(sheet, settings)) != settings.header_row:
            settings = settings.model_copy(update={"header_row": row})
        first_row = settings.header_row + 1
        if sheet.height < settings.header_row:
            what = (
                f"it has {sheet.height} rows, the headings should be in row {settings.header_row}."
            )
            cure = "Correct `read: header_row` or `read: sheet`, or ask for the whole file."
            raise DeliveryError(Problem(name, what, cure))
        headings = [text or "" for text in sheet.row(settings.header_row - 1)]
        cells = sheet.slice(settings.header_row)
    return _records(headings, cells, settings, name, first_row), settings, told


def _bytes(path: Path, name: str) -> bytes:
    try:
        if not path.is_file():
            what = "the file is missing." if not path.exists() else "this is no ordinary file."
            raise DeliveryError(Problem(name, what, "Check the data folder."))
        return path.read_bytes()
    except (OSError, ValueError, MemoryError):
        cure = "Check that it may be read by you and is not open elsewhere."
        raise DeliveryError(Problem(name, "the file can't be opened.", cure)) from None


def _records(
    headings: list[str],
    cells: pl.DataFrame,
    settings: ReadSettings,
    name: str,
    first_row: int,
) -> pl.DataFrame:
    """Name the columns and leave the records; `first_row` is the first row's number."""
    if not any(heading.strip() for heading in headings):
        what = f"there are no headings in row {settings.header_row}."
        raise DeliveryError(Problem(name, what, "Correct `read: header_row`."))
    place = "_place"
    cells = cells.with_columns(pl.when(pl.col(c) != "").then(pl.col(c)) for c in cells.columns)
    cells = cells.with_row_index(place, offset=first_row)
    filled = pl.any_horizontal(pl.exclude(place).str.contains(r"\S"))
    cells = cells.filter(filled)
    names = _names(headings, cells.drop(place), name)
    cells = cells.select(place, *(pl.col(key).alias(text) for key, text in names.items()))
    given = [text for key, text in names.items() if headings[int(key)].strip()]
    _refuse_repeated_headings(cells, given, place, name)
    cells = _without_totals(cells.drop(place), settings)
    return cells.with_row_index("_row").cast({"_row": pl.Int64})


def _names(headings: list[str], cells: pl.DataFrame, name: str) -> dict[str, str]:
    """Return the name of each column that is kept; raise when the headings can't be headings."""
    names: dict[str, str] = {}
    seen: dict[str, int] = {}
    problems: list[Problem] = []
    for number, (key, heading) in enumerate(zip(cells.columns, headings, strict=True), 1):
        text = " ".join(heading.replace("\ufeff", "").split())
        if not text:
            if cells[key].null_count() == cells.height:
                continue
            text = f"unnamed {number}"
        if any(ord(character) < 32 for character in text):
            cure = "Correct `read: header_row`, or ask for the file again."
            problems.append(Problem(name, f"heading {number} is no text.", cure))
        elif text.casefold() in RESERVED:
            cure = "Ask for another heading: this one is the program's own."
            problems.append(Problem(name, f"heading {number} may not be used.", cure))
        elif (first := seen.setdefault(text.casefold(), number)) != number:
            what = f"columns {first} and {number} have the same heading."
            cure = "Ask which is meant, or correct `read: header_row`."
            problems.append(Problem(name, what, cure))
        names[key] = text
    if problems:
        raise DeliveryError(problems)
    return names


def _refuse_repeated_headings(cells: pl.DataFrame, given: list[str], place: str, name: str) -> None:
    """Refuse a file in which the headings come again: two extracts in one, or one twice."""
    again = cells
    for text in given:
        if again.is_empty():
            return
        # A second extract pasted below brings its own byte order mark.
        plain = pl.col(text).str.replace_all("\ufeff", "").str.replace_all(r"\s+", " ")
        again = again.filter(plain.str.strip_chars().str.to_lowercase() == text.lower())
    if again.height:
        what = f"row {again[place][0]} repeats the headings."
        cure = "Two extracts seem to be in one file: ask which one is meant."
        raise DeliveryError(Problem(name, what, cure))


def _without_totals(cells: pl.DataFrame, settings: ReadSettings) -> pl.DataFrame:
    """Drop totals rows from the end; what only looks like one in the middle stays."""
    starts = tuple(text.strip().casefold() for text in settings.totals)
    height = cells.height
    while height and _is_totals([text for text in cells.row(height - 1) if text], starts):
        height -= 1
    return cells.head(height)


def _is_totals(texts: list[str], starts: tuple[str, ...]) -> bool:
    filled = [text.strip() for text in texts if text.strip()]
    if not filled:
        return False
    label = filled[0].casefold()
    begins = any(
        label == start or (label.startswith(start) and not label[len(start)].isalnum())
        for start in starts
    )
    return begins and all(_is_number(text) for text in filled[1:])


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace("%", "").replace(".", "").lstrip("-£").isdecimal()
