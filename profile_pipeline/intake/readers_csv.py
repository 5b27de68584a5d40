"""CSV: bytes to headings and cells, as sent.

The grammar is the one Excel and Python's `csv` module share (RFC 4180, and a stray quote inside a
cell is a plain character). polars reads what is regular, four times faster; whatever is not goes
through `csv`, which also finds the line to name. Both give the same cells (a property test).
"""

import codecs
import csv
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from profile_pipeline.errors import DeliveryError, Problem
from profile_pipeline.intake.layout import csv_layout
from profile_pipeline.plan.reading import ReadSettings

UTF_8 = "utf-8-sig"
ONE_BYTE = re.compile(r"cp\d+|iso8859|latin|mac|koi8|tis|hp|kz|ptcp")
MARKS = (  # byte-order marks; UTF-32 first, its mark begins as UTF-16's does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
KINDS = (  # how a file that is no text begins, and what to say it is
    (b"PK\x03\x04", "an Excel workbook or a ZIP file"),
    (b"\xd0\xcf\x11\xe0", "an old or encrypted Office file"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a compressed file"),
    (b"Rar!", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
    (b"\x7fELF", "a program"),
)
CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c"))
COLUMNS_LIMIT = 2_000
HEADINGS_LIMIT = 1_000_000  # characters
CHUNK = 20_000  # rows held as Python objects at a time


def read_csv(
    data: bytes, settings: ReadSettings, name: str
) -> tuple[list[str], pl.DataFrame, ReadSettings]:
    """Return the headings, the cells below them, and the layout that was found.

    Columns are `0`, `1` ... of text; '' is empty.
    Short rows are filled with empty cells (Excel leaves trailing ones out) unless all of them look
    like records broken by a line break without quotes. Raises DeliveryError.
    """
    text, settings = csv_text(data, settings, name)
    headings, start, line = _headings(text, settings, name)
    body = text[start:]
    if len(settings.delimiter.encode()) == 1 and _is_regular(
        body, settings.delimiter, len(headings)
    ):
        cells = _by_polars(body, settings.delimiter, len(headings))
        if cells is not None:
            return headings, cells, settings
    return headings, _by_csv(body, settings.delimiter, len(headings), line, name), settings


def csv_text(data: bytes, settings: ReadSettings, name: str) -> tuple[str, ReadSettings]:
    """Return a file's text and the settings with encoding, delimiter and heading row as they are.

    Raises DeliveryError.
    """
    if (found := _sure_encoding(data)) and found != settings.encoding:
        settings = settings.model_copy(update={"encoding": found})
    text = _decode(data, settings, name)
    return text, csv_layout(text, settings)


def _sure_encoding(data: bytes) -> str | None:
    """Return the encoding of a file that can be in no other; null when the plan must say it."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return encoding
    # Every second byte of a Western text in UTF-16 is nought, mark or none.
    sample = data[:4096]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(sample) >= 16 and max(even, odd) * 3 > len(sample) and min(even, odd) == 0:
        return "utf-16-le" if odd else "utf-16-be"
    return None


def _decode(data: bytes, settings: ReadSettings, name: str) -> str:
    _refuse_other_kinds(data, settings, name)
    encoding = settings.encoding
    try:
        if ONE_BYTE.match(encoding) and not data.isascii():
            try:
                text = data.decode(UTF_8)
            except UnicodeDecodeError:
                text = data.decode(encoding)
        else:
            text = data.decode(encoding)
    except UnicodeDecodeError as error:
        cure = _encoding_cure(data, encoding)
        line = 1 + data.count(b"\n", 0, error.start)
        raise DeliveryError(
            Problem(
                name,
                f"line {line}, byte {error.start}: not written in {encoding}.",
                cure,
            )
        ) from None
    except UnicodeError:
        raise DeliveryError(
            Problem(name, f"not written in {encoding}.", _encoding_cure(data, encoding))
        ) from None
    # Lone surrogates (utf-7, utf-16 variants) can't be kept; ^Z ends a file of old systems.
    text = text.removeprefix("\ufeff").rstrip("\x1a")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    if not text.strip():
        raise DeliveryError(Problem(name, "the file is blank.", "Ask the agency to send it again."))
    return text


def _refuse_other_kinds(data: bytes, settings: ReadSettings, name: str) -> None:
    """Refuse what is no text at all, before an encoding is blamed for it."""
    for start, kind in KINDS:
        if data.startswith(start):
            cure = "Give it its right ending, or set `read: format`, or ask for a CSV file."
            raise DeliveryError(Problem(name, f"this is {kind}, not a CSV file.", cure))
    if "16" in settings.encoding or "32" in settings.encoding:
        if b"\0" not in data:
            cure = _encoding_cure(data, settings.encoding)
            raise DeliveryError(Problem(name, f"not written in {settings.encoding}.", cure))
        return
    sample = data[:65536]
    controls = len(sample) - len(sample.translate(None, CONTROLS))
    if controls > 16 and controls * 20 > len(sample):
        raise DeliveryError(
            Problem(
                name,
                "this is a binary file, not a CSV file.",
                "Ask the agency for a CSV file.",
            )
        )


def _encoding_cure(data: bytes, tried: str) -> str:
    for encoding in (UTF_8, "cp1252"):
        if encoding != tried:
            try:
                data.decode(encoding)
            except UnicodeError:
                continue
            return f"It reads as {encoding}: set `read: encoding: {encoding}`."
    return "Neither utf-8-sig nor cp1252 fits: ask the agency for a CSV file in UTF-8."


class _Lines:
    """The lines of a text, with their ends, remembering those of the record being read."""

    def __init__(self, text: str) -> None:
        self.record: list[str] = []
        self.consumed = 0
        self._lines = io.StringIO(text, newline="")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.record.append(line)
        self.consumed += len(line)
        return line

    def flush(self) -> list[str]:
        """Return the lines of the record that was just read."""
        record, self.record = self.record, []
        return record


@contextmanager
def _cells_of_any_size() -> Iterator[None]:
    """Lift the module's limit of 128 KB a cell: case notes are longer."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _headings(text: str, settings: ReadSettings, name: str) -> tuple[list[str], int, int]:
    """Return the headings, where the data begin in the text, and the line before them."""
    lines = _Lines(text)
    with _cells_of_any_size():
        reader = csv.reader(lines, delimiter=settings.delimiter)
        row: list[str] = []
        for number in range(1, settings.header_row + 1):
            before = reader.line_num
            try:
                row = next(reader)
            except StopIteration:
                row_wanted = settings.header_row
                what = f"it has {number - 1} rows, the headings should be in row {row_wanted}."
                cure = "Correct `read: header_row`, or ask for the whole file."
                raise DeliveryError(Problem(name, what, cure)) from None
            final = lines.consumed == len(text)
            record = lines.flush()
            _refuse_open_quote(record, settings.delimiter, before + 1, name, reader.line_num, final)
    if len(row) > COLUMNS_LIMIT or sum(map(len, row)) > HEADINGS_LIMIT:
        what = f"its headings are more than {COLUMNS_LIMIT} columns, or no headings."
        cure = "Correct `read: delimiter` or `read: header_row`, or ask for the file again."
        raise DeliveryError(Problem(name, what, cure))
    return row or [""], lines.consumed, reader.line_num


def _refuse_open_quote(
    record: list[str], delimiter: str, first: int, name: str, last: int, final: bool
) -> None:
    """Refuse a record whose opening quote is closed nowhere, or by the quote of another cell.

    Within a line a quote too many is kept as `csv` keeps it; over lines it would swallow records.
    """
    if first == last and not final:
        return
    try:
        for _ in csv.reader(record, delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        if first == last and "unexpected end of data" not in str(error):
            return
        where = f"line {first}: a quote is opened and not closed."
        raise DeliveryError(
            Problem(
                name,
                where,
                "Ask the agency to export it again, or mend the line in a copy.",
            )
        ) from None


def _is_regular(body: str, delimiter: str, width: int) -> bool:
    """Tell whether every quote and line break is regular and every row has `width` cells."""
    if body.count("\r") != body.count("\r\n"):
        return False
    if '"' in body:
        mark = re.escape(delimiter)
        body = re.sub(rf'"(?<![^{mark}\n]")[^"]*(?:""[^"]*)*"(?=[{mark}\r\n]|\Z)', "", body)
        if '"' in body:
            return False
    lines = body.replace("\r\n", "\n").split("\n")
    return body.count(delimiter) == (len(lines) - lines.count("")) * (width - 1)


def _by_polars(body: str, delimiter: str, width: int) -> pl.DataFrame | None:
    names = [str(number) for number in range(width)]
    try:
        return pl.read_csv(
            (delimiter.join(names) + "\n" + body).encode(),
            separator=delimiter,
            infer_schema=False,
            missing_columns="insert",
            extra_columns="raise",
        )
    except pl.exceptions.PolarsError:
        return None


def _by_csv(body: str, delimiter: str, width: int, line: int, name: str) -> pl.DataFrame:
    """Read with the `csv` module; `line` is the number of the line before the body."""
    schema = {str(number): pl.String for number in range(width)}
    parts: list[pl.DataFrame] = []
    chunk: list[list[str]] = []
    too_long: list[int] = []
    short: list[tuple[int, int]] = []
    lines = _Lines(body)
    with _cells_of_any_size():
        reader = csv.reader(lines, delimiter=delimiter)
        before = 0
        for row in reader:
            final = lines.consumed == len(body)
            record = lines.flush()
            _refuse_open_quote(
                record,
                delimiter,
                line + before + 1,
                name,
                line + reader.line_num,
                final,
            )
            if len(row) > width:
                if any(cell.strip() for cell in row[width:]):
                    too_long.append(line + before + 1)
                del row[width:]
            elif 0 < len(row) < width:
                short.append((len(parts) * CHUNK + len(chunk), len(row)))
            chunk.append(row + [""] * (width - len(row)))
            before = reader.line_num
            if len(chunk) == CHUNK:
                parts.append(_frame(chunk, schema))
                chunk = []
    parts.append(_frame(chunk, schema))
    if too_long:
        others = f" (and {len(too_long) - 1} more)" if len(too_long) > 1 else ""
        raise DeliveryError(
            Problem(
                name,
                f"line {too_long[0]}{others} has more cells than the {width} headings.",
                "Check `read: delimiter`; text that holds it must be in quotes.",
            )
        )
    if broken := _broken(short, width):
        raise DeliveryError(
            Problem(
                name,
                f"{broken} records are broken over two lines.",
                "Ask for a file in which cells with line breaks are in quotes.",
            )
        )
    return pl.concat(parts)


def _frame(rows: list[list[str]], schema: dict[str, type[pl.String]]) -> pl.DataFrame:
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema)
    return pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema)


def _broken(short: list[tuple[int, int]], width: int) -> int:
    """Count records broken in two by a bare line break; 0 unless they explain all short rows.

    The halves stand one below the other and share the cell that was broken: together they have one
    cell too many. A system that leaves trailing cells out has short rows that don't pair.
    """
    pairs = list(zip(short[::2], short[1::2], strict=False))
    fits = [b[0] == a[0] + 1 and a[1] + b[1] == width + 1 for a, b in pairs]
    return len(pairs) if pairs and len(short) % 2 == 0 and all(fits) else 0
