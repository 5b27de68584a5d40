"""Where a file's headings stand when they are not where the plan says: a title more, another comma.

Agencies change an export between two quarters. The plan's layout stands wherever it fits; where it
doesn't, the row that holds the plan's own headings tells delimiter and heading row without doubt.
Nothing is guessed from the data's looks.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from profile_pipeline.plan.reading import ReadSettings

ROWS = 30  # headings are looked for so far down
CHARACTERS = 200_000
DELIMITERS = (",", ";", "\t", "|")
ENOUGH = 2  # of the plan's headings in one row; one may be a word of a title or a child's data


def _bare(heading: str) -> str:
    plain = re.sub(r"\([^)]*\)|\[[^\]]*\]", "", heading)
    return re.sub(r"[^0-9a-z*]", "", plain.casefold())


def headings_in(cells: Iterable[str | None], known: Sequence[str]) -> int:
    """Return how many cells of a row are headings of the plan, as it calls them or by an alias."""
    names = {_bare(name) for name in known}
    patterns = [name for name in names if "*" in name]
    found = {_bare(cell) for cell in cells if cell and cell.strip()} - {""}
    return sum(c in names or any(fnmatchcase(c, p) for p in patterns) for c in found)


def fits(cells: Iterable[str | None], settings: ReadSettings) -> bool:
    """Whether a row may be the heading row; true of any where the plan names too few headings."""
    if len({_bare(name) for name in settings.known}) < ENOUGH:
        return True
    return headings_in(cells, settings.known) >= ENOUGH


def heading_place(rows: Iterable[Sequence[str | None]], known: Sequence[str]) -> tuple[int, int]:
    """Return the row with most headings of the plan, from 1, the first of equals; and how many."""
    best, most = 0, 0
    for number, row in enumerate(rows, 1):
        if (count := headings_in(row, known)) > most:
            best, most = number, count
    return best, most


def csv_layout(text: str, settings: ReadSettings) -> ReadSettings:
    """Return the settings with the delimiter and heading row that the text has.

    They are the plan's own when its heading row holds its headings, or when no row does.
    """
    if fits((), settings):
        return settings
    start = text[:CHARACTERS]
    if fits(_row(start, settings), settings):
        return settings
    best, most = settings, ENOUGH - 1
    for delimiter in dict.fromkeys((settings.delimiter, *DELIMITERS)):
        row, count = heading_place(_rows(start, delimiter, ROWS), settings.known)
        if count > most:
            best = settings.model_copy(update={"delimiter": delimiter, "header_row": row})
            most = count
    return best


def _rows(text: str, delimiter: str, number: int) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) == number:
                break
    except csv.Error:
        pass
    return rows


def _row(text: str, settings: ReadSettings) -> list[str]:
    rows = _rows(text, settings.delimiter, settings.header_row)
    return rows[-1] if len(rows) == settings.header_row else []


def unlike(plan: ReadSettings, found: ReadSettings) -> list[str]:
    """Return in words how a file's layout differs from the plan's; nothing when it doesn't."""
    words = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
    told = []
    if found.encoding != plan.encoding:
        told.append(f"in {found.encoding}")
    if found.delimiter != plan.delimiter:
        told.append(f"with {words.get(found.delimiter, 'another character')} between cells")
    if found.header_row != plan.header_row and not plan.headings:
        told.append(f"with the headings in row {found.header_row}")
    if not told:
        return []
    return [f"Read {' and '.join(told)}, unlike the plan: so it holds the plan's headings."]
