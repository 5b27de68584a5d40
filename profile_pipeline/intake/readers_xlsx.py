"""XLSX: bytes to the rows of one sheet, as text.

calamine (by fastexcel) reads; before it does, the package is judged from the outside: a workbook
with macros, a password, a sheet of 17 thousand million cells or a ZIP that swells is refused.
"""

import difflib
import fnmatch
import io
import re
import zipfile
import zlib
from collections.abc import Callable
from posixpath import join, normpath
from xml.parsers import expat

import polars as pl

from profile_pipeline.errors import DeliveryError, Problem
from profile_pipeline.intake.layout import ENOUGH, fits, heading_place
from profile_pipeline.plan.reading import ReadSettings

UNPACKED_LIMIT = 1 << 30  # bytes; a sheet of a million rows and twenty columns has 0.7 GB
COLUMNS_LIMIT = 2_000
HEADINGS_WITHIN = 30  # rows
CELLS_LIMIT = 30_000_000  # calamine holds the whole rectangle, 32 bytes a cell
OLE = b"\xd0\xcf\x11\xe0"
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}sheet"
STRICT_SHEET = "{http://purl.oclc.org/ooxml/spreadsheetml/main}sheet"
CELL = re.compile(rb'<c r="([A-Z]{1,3})([1-9]\d{0,6})"')
CELL_TAG = re.compile(rb"<c[\s/>]")
REFERENCE = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")


def read_xlsx(data: bytes, settings: ReadSettings, name: str) -> pl.DataFrame:
    """Return every row of the sheet from the first, columns `0`, `1` ... of text; null is empty.

    Numbers are the shortest text (`14`), dates `YYYY-MM-DD`, with a time `YYYY-MM-DD HH:MM:SS`
    (midnight counts as no time), times of day `HH:MM:SS`, truth values `true` and `false`, error
    cells empty, formulas the value last calculated. Raises DeliveryError.
    """
    return read_sheet(data, settings, name)[0]


def read_sheet(
    data: bytes, settings: ReadSettings, name: str
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the rows as `read_xlsx`, and what must be told about the choice of the sheet."""
    package = _open(data, name)
    sheet, told = _sheet(package, data, settings, name)
    rows = _cells(data, sheet, name)
    return rows.with_columns(_tidy(pl.col(column)) for column in rows.columns), told


def _open(data: bytes, name: str) -> zipfile.ZipFile:
    if data.startswith(OLE):
        what = "this workbook has a password or the old format .xls."
        raise DeliveryError(Problem(name, what, "Save it as .xlsx without a password."))
    try:
        package = zipfile.ZipFile(io.BytesIO(data))
        names = {entry.filename.lower() for entry in package.infolist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        raise _broken(name) from None
    if any(entry.endswith("vbaproject.bin") for entry in names):
        raise DeliveryError(
            Problem(name, "this workbook holds macros.", "Save it as .xlsx, without macros.")
        )
    if any(entry.flag_bits & 1 for entry in package.infolist()):
        raise DeliveryError(Problem(name, "this workbook has a password.", "Save it without one."))
    if sum(entry.file_size for entry in package.infolist()) > UNPACKED_LIMIT:
        what = f"this workbook is larger than {UNPACKED_LIMIT >> 20} MB when unpacked."
        raise DeliveryError(Problem(name, what, "Ask for a CSV file."))
    return package


def _broken(name: str) -> DeliveryError:
    what = "this is not an Excel workbook, or a broken one."
    return DeliveryError(Problem(name, what, "Ask the agency to send it again."))


def _part(package: zipfile.ZipFile, path: str, name: str) -> bytes:
    try:
        return package.read(path)
    except (
        KeyError,
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        RuntimeError,
        ValueError,
    ):
        raise _broken(name) from None


def heading_row(sheet: pl.DataFrame, settings: ReadSettings) -> int:
    """Return the number of the heading row, from 1, by `read.headings` if one is found.

    Else it is the plan's row, or the one that holds the plan's headings where that row doesn't.
    """
    if settings.headings:
        for number, row in enumerate(sheet.head(HEADINGS_WITHIN).iter_rows(), 1):
            # A title or note may name the heading, but stands alone in its row.
            filled = [text for text in row if text and text.strip()]
            if len(filled) > 1 and _alike(filled, settings.headings):
                return number
    at = settings.header_row
    if sheet.height >= at and fits(sheet.row(at - 1), settings):
        return at
    found, most = heading_place(sheet.head(HEADINGS_WITHIN).iter_rows(), settings.known)
    return found if most >= ENOUGH else at


def _folded(text: str) -> str:
    return " ".join(re.sub(r"[^0-9a-z*]+", " ", text.casefold()).split())


def _alike(titles: list[str], patterns: tuple[str, ...]) -> str | None:
    """Return the title that the first pattern to fit any fits, case and punctuation apart."""
    for pattern in patterns:
        for title in titles:
            if fnmatch.fnmatchcase(_folded(title), _folded(pattern)):
                return title
    return None


def sheet_names(data: bytes, name: str) -> list[str]:
    """Return the names of a workbook's visible sheets, in order. Raises DeliveryError."""
    sheets = _all_sheets(_open(data, name), name)
    return [title for title, (visible, _) in sheets.items() if visible]


def _all_sheets(package: zipfile.ZipFile, name: str) -> dict[str, tuple[bool, str]]:
    """Return sheet -> whether it is visible, and its part of the package."""
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    try:
        book = ElementTree.fromstring(_part(package, "xl/workbook.xml", name))
        links = ElementTree.fromstring(_part(package, "xl/_rels/workbook.xml.rels", name))
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError):
        raise _broken(name) from None
    targets = {link.get("Id"): link.get("Target") or "" for link in links}
    sheets: dict[str, tuple[bool, str]] = {}
    for entry in book.iter():
        if entry.tag in (SHEET, STRICT_SHEET):
            link = next((value for key, value in entry.items() if key.endswith("}id")), None)
            target = targets.get(link, "")
            path = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
            if "worksheets/" in path and (title := entry.get("name")):
                sheets[title] = (entry.get("state", "visible") == "visible", path)
    return sheets


def _sheet(
    package: zipfile.ZipFile, data: bytes, settings: ReadSettings, name: str
) -> tuple[str, tuple[str, ...]]:
    """Return the name of the sheet to read, and what to tell; it isn't monstrous.

    Sheets are not listed in the message: some services keep a sheet a child.
    """
    sheets, wanted = _all_sheets(package, name), settings.sheet
    visible = [title for title, (shown, _) in sheets.items() if shown]
    if wanted is None and not visible:
        raise DeliveryError(Problem(name, "it has no visible sheet.", "Set `read: sheet`."))
    if wanted is not None and wanted not in sheets:
        title = _alike(list(sheets), settings.sheets)
        if title is None and not settings.sheets:
            holding = _holding(package, data, sheets, visible, settings, name)
            title = holding[0] if len(holding) == 1 else None
        if title is None:
            near = difflib.get_close_matches(wanted.casefold(), [s.casefold() for s in sheets], n=1)
            close = [title for title in sheets if near and title.casefold() == near[0]]
            hint = f"Did you mean '{close[0]}'?" if close else "Correct `read: sheet`."
            what = f"none of its {len(sheets)} sheets is called '{wanted}'."
            raise DeliveryError(Problem(name, what, hint))
        _check(package, sheets[title][1], name)
        told = f"It has no sheet '{wanted}'; the one that holds the plan's headings was read."
        return title, () if settings.sheets else (told,)
    title = visible[0] if wanted is None else wanted
    _check(package, sheets[title][1], name)
    if wanted is not None or len(visible) == 1 or not settings.known:
        return title, ()
    holding = _holding(package, data, sheets, visible, settings, name)
    if not holding or holding == [title]:
        return title, ()
    first = holding[0] == title
    told = "" if first else "Its first sheet doesn't hold the plan's headings; another was read."
    if more := len(holding) - 1:
        what = "other sheet holds" if more == 1 else f"{more} other sheets hold"
        several = f"{'One ' if more == 1 else ''}{what} the plan's headings too and was not read;"
        told = f"{told} {several} name the one that is meant in `read: sheet`.".strip()
    return holding[0], (told,)


def _check(package: zipfile.ZipFile, part: str, name: str) -> None:
    """Refuse a sheet that isn't whole or is monstrous, before calamine reads it."""
    xml = _part(package, part, name)
    _parse(xml, name, None)
    _refuse_monstrous(xml, name)
    if "xl/sharedStrings.xml" in package.namelist():
        _parse(_part(package, "xl/sharedStrings.xml", name), name, None)


def _holding(
    package: zipfile.ZipFile,
    data: bytes,
    sheets: dict[str, tuple[bool, str]],
    visible: list[str],
    settings: ReadSettings,
    name: str,
) -> list[str]:
    """Return the visible sheets that hold the plan's headings near their top."""
    holding = []
    for title in visible:
        try:
            _check(package, sheets[title][1], name)
            head = _cells(data, title, name, HEADINGS_WITHIN)
        except DeliveryError:
            continue
        if heading_place(head.iter_rows(), settings.known)[1] >= ENOUGH:
            holding.append(title)
    return holding


def _refuse_monstrous(xml: bytes, name: str) -> None:
    """Refuse a sheet whose outermost cells span more than can be held, however few are filled.

    calamine would ask for the memory and, refused, end the whole process.
    """
    references = CELL.findall(xml)
    if len(references) == len(CELL_TAG.findall(xml)) and b":c" not in xml:
        columns = max((_column(letters) for letters in {r[0] for r in references}), default=1)
        rows = max((int(number) for number in {r[1] for r in references}), default=1)
    else:
        rows, columns = _span(xml, name)
    if rows > 1_048_576 or columns > COLUMNS_LIMIT or rows * columns > CELLS_LIMIT:
        what = f"the sheet spans {rows} rows and {columns} columns."
        cure = "Delete stray cells far below or beside the data, or ask for a CSV file."
        raise DeliveryError(Problem(name, what, cure))


def _span(xml: bytes, name: str) -> tuple[int, int]:
    """Return the last row and column of a sheet, by a full parse: slow, for unusual writers.

    A row or cell without a reference stands behind the one before it.
    """
    row = column = rows = columns = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, rows, columns
        kind = tag.rpartition(":")[2]
        if kind == "row":
            number = attributes.get("r", "")
            row, column = int(number) if number.isdecimal() else row + 1, 0
        elif kind == "c":
            column += 1
            if "r" in attributes:
                match = REFERENCE.fullmatch(attributes["r"])
                if match is None:
                    raise ValueError
                column, row = _column(match[1].encode()), int(match[2])
            rows, columns = max(rows, row), max(columns, column)

    _parse(xml, name, start)
    return max(rows, 1), max(columns, 1)


def _parse(xml: bytes, name: str, start: Callable[[str, dict[str, str]], None] | None) -> None:
    """Refuse XML that isn't whole or declares entities: calamine stops at a tear without a word."""

    def refuse(*_: object) -> None:
        raise ValueError

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(xml, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise _broken(name) from None


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _cells(data: bytes, sheet: str, name: str, rows: int | None = None) -> pl.DataFrame:
    import fastexcel

    try:
        loaded = fastexcel.read_excel(data).load_sheet(
            sheet, header_row=None, skip_rows=0, n_rows=rows, dtypes="string"
        )
        cells = loaded.to_polars()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        raise _broken(name) from None
    cells.columns = [str(number) for number in range(cells.width)]
    return cells.cast(pl.String)


def _tidy(cell: pl.Expr) -> pl.Expr:
    """Dates as they were meant: Excel keeps days and fractions, calamine prints them in full."""
    moment = cell.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")
    whole = (
        pl.when(cell.str.contains(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+$"))
        .then(moment.dt.round("1s").dt.strftime("%Y-%m-%d %H:%M:%S"))
        .otherwise(cell)
    )
    return whole.str.replace(r"^(\d{4}-\d\d-\d\d) 00:00:00$", "$1").str.replace(
        r"^1899-12-3[01] (\d\d:\d\d:\d\d)$", "$1"
    )
