"""XLSX workbooks and CSV cells that are safe to open: no text is ever read as a formula.

Knows sheets of text and numbers only, nothing of what they hold.
"""

import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

# A leading zero is part of a code, not of a number.
WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,14}")
DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,12})\.[0-9]{1,6}")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Fixed, so that the same tables make the same bytes.
CREATED = datetime(1980, 1, 1, tzinfo=UTC)
WIDEST, NARROWEST = 60, 8
EXCEL_CELL_LIMIT = 32_767
LINE_POINTS, ROW_POINTS_LIMIT = 15, 409  # a line's height; the highest row that Excel takes
FILLED = 0.85  # of a column's width that a wrapped line fills, as it breaks between words


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name (cut to Excel's 31 characters), a frame, lines of text above it."""

    name: str
    frame: pl.DataFrame
    notes: Sequence[str] = ()


def neutralise(text: str) -> str:
    """Return a text that a spreadsheet shows as it stands: formula starts get an apostrophe.

    A plain negative number stays a number. Control characters, which XLSX can't hold, are dropped.
    """
    text = "".join(c for c in text if c.isprintable() or c in "\t\n\r")
    if not text.startswith(FORMULA_STARTS) or _is_number(text):
        return text
    return f"'{text}"


def _is_number(text: str) -> bool:
    return (
        text[:1] == "-"
        and text[1:].replace(".", "", 1).isascii()
        and (text[1:].replace(".", "", 1).isdigit())
    )


def row_height(cells: Iterable[tuple[str, float]]) -> float | None:
    """Return the height in points at which the texts of a row can be read, None where a line does.

    `cells`: each text with its column's width in characters. Excel finds the height by itself,
    LibreOffice doesn't for a file that tells none, and prints the lines over one another.
    """
    lines = max(
        (
            sum(math.ceil(max(1, len(part)) / (width * FILLED)) for part in text.split("\n"))
            for text, width in cells
            if "\n" in text or len(text) > width * FILLED
        ),
        default=1,
    )
    return min(lines * LINE_POINTS, ROW_POINTS_LIMIT) if lines > 1 else None


def csv_bytes(frame: pl.DataFrame) -> bytes:
    """Return a frame of text as CSV: UTF-8, one header row, no formulas, null empty."""
    safe = frame.with_columns(
        pl.Series(c, [neutralise(v) if v else None for v in frame[c].to_list()], pl.String)
        for c in frame.columns
    )
    return safe.write_csv(line_terminator="\n").encode()


def workbook_bytes(sheets: Sequence[Sheet], title: str, *, whole_numbers: bool = True) -> bytes:
    """Return an XLSX of the sheets: header frozen, widths by content, same bytes for same input.

    Texts are written as texts, never as formulas or links. With `whole_numbers`, a text that is a
    plain whole number is written as a number, and so are the decimals of a column that holds
    nothing but numbers, blanks and marks in brackets, so that they can be sorted and summed.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"title": title, "created": CREATED})
        head = book.add_format(
            {"bold": True, "bg_color": "#1f3a4d", "font_color": "white", "text_wrap": True,
             "valign": "top", "border": 1, "border_color": "#b8c4cc"}
        )  # fmt: skip
        body = book.add_format({"text_wrap": True, "valign": "top"})
        day = book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"})
        decimal = {
            places: book.add_format(
                {"text_wrap": True, "valign": "top", "num_format": f"0.{'0' * places}"}
            )
            for places in (1, 2)
        }
        note = book.add_format({"italic": True, "font_color": "#444444"})
        names: set[str] = set()
        for sheet in sheets:
            page = book.add_worksheet(_sheet_name(sheet.name, names))
            for line, text in enumerate(sheet.notes):
                page.write_string(line, 0, neutralise(text), note)
            top = len(sheet.notes) + bool(sheet.notes)
            widths = [_width(name, sheet.frame[name].to_list()) for name in sheet.frame.columns]
            for row, cells in enumerate(sheet.frame.iter_rows(), start=top + 1):
                texts = (value if isinstance(value, str) else "" for value in cells)
                height = row_height(zip(texts, widths, strict=True))
                if height is not None:
                    page.set_row(row, height)
            for number, column in enumerate(sheet.frame.columns):
                values = sheet.frame[column].to_list()
                numeric = whole_numbers and all(_is_figure(value) for value in values)
                page.write_string(top, number, column, head)
                page.set_column(number, number, widths[number])
                for row, value in enumerate(values, start=top + 1):
                    if isinstance(value, date):
                        page.write_datetime(row, number, value, day)
                    elif isinstance(value, bool | str):
                        text = neutralise(str(value))[:EXCEL_CELL_LIMIT]
                        if whole_numbers and WHOLE_NUMBER.fullmatch(text):
                            page.write_number(row, number, int(text), body)
                        elif numeric and DECIMAL.fullmatch(text):
                            places = len(text.partition(".")[2])
                            page.write_number(row, number, float(text), decimal[min(places, 2)])
                        else:
                            page.write_string(row, number, text, body)
                    elif value is not None:
                        page.write_number(row, number, value, body)
            page.freeze_panes(top + 1, 0)
            if sheet.frame.height:
                page.autofilter(top, 0, top + sheet.frame.height, sheet.frame.width - 1)
            page.set_landscape()
            page.set_paper(9)  # A4
            page.fit_to_pages(1, 0)
            page.repeat_rows(top)
    return buffer.getvalue()


def _is_figure(value: object) -> bool:
    """Whether a value may stand in a column of numbers: a number, a blank or a mark such as [c]."""
    if not isinstance(value, str) or not value:
        return value is None or value == ""
    marked = value.startswith("[") and value.endswith("]")
    return marked or bool(WHOLE_NUMBER.fullmatch(value) or DECIMAL.fullmatch(value))


def _sheet_name(name: str, taken: set[str]) -> str:
    base = "".join("_" if c in "[]:*?/\\'" else c for c in name)[:31] or "sheet"
    chosen, number = base, 2
    while chosen.lower() in taken:
        chosen, number = f"{base[:28]}_{number}", number + 1
    taken.add(chosen.lower())
    return chosen


def _width(column: str, values: Sequence[object]) -> float:
    longest = max([len(column) + 3, *(len(str(v)) + 2 for v in values if v is not None)])
    return float(min(WIDEST, max(NARROWEST, longest)))
