"""XML returns: nested groups of a child's record to rows of text.

`read.record` names the group that makes a row and, after `>`, the groups inside it that come
several times: `Children/Child > CINdetails > Assessments` gives a row an assessment, with what its
episode and its child say. A child without an episode, or an episode without an assessment, is a row
too, so that none is lost; with `>>` it is none (`CHILD >> EPISODE`: only episodes are rows, the
child is a row of another list). Namespaces are not looked at. Entities and document types are
refused (defusedxml): a return needs neither, and both can fill the memory or read other files.
The file is read group by group, so that a large return takes little more memory than its rows.
"""

import io
import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from profile_pipeline.errors import DeliveryError, Problem
from profile_pipeline.plan.reading import ReadSettings

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SIZE_LIMIT = 400_000_000  # bytes; the file and its rows are held, its tree group by group
COLUMNS_LIMIT = 1_000
PART = 4_000_000  # bytes
CHUNK = 20_000  # rows held as Python objects at a time


def read_xml(data: bytes, settings: ReadSettings, name: str) -> tuple[list[str], pl.DataFrame]:
    """Return (headings, rows as text, columns `0`, `1` ...); raise DeliveryError.

    A heading is an element's name. One that comes again in the same row is numbered (`Disability
    2`), or, if `read.together` names it, joined to one cell with spaces. Attributes are not read.
    """
    if not settings.record:
        cure = "Set `read: record`, such as `Children/Child`, or use `standard:`."
        raise DeliveryError(Problem(name, "the plan doesn't say which group is a row.", cure))
    levels = _levels(settings.record)
    together = set(settings.together)
    headings: dict[str, None] = {}
    parts: list[pl.DataFrame] = []
    rows: list[dict[str, str]] = []
    found = False
    for group in _groups(data, levels[0].path, name):
        found = True
        for cells in _spread(group, [], levels[1:], together):
            headings.update(dict.fromkeys(cells))
            if len(headings) > COLUMNS_LIMIT:
                what = f"a row has more than {COLUMNS_LIMIT} different elements."
                cure = "Ask for the return in its standard layout."
                raise DeliveryError(Problem(name, what, cure))
            rows.append(cells)
        if not headings:
            # Rows may be rare; what a group holds is told even of a list without one.
            headings.update(dict.fromkeys(text for text, _ in _leaves(group, None)[0][:100]))
        if len(rows) >= CHUNK:
            parts.append(_frame(rows, headings))
            rows = []
    if not found:
        what = f"it has no group {'/'.join(levels[0].path)}: it is another return, or an empty one."
        raise DeliveryError(Problem(name, what, "Ask which return was meant."))
    parts.append(_frame(rows, headings))
    united = pl.concat(parts, how="diagonal").select(list(headings))
    united.columns = [str(number) for number in range(united.width)]
    return list(headings), united


class _Level(NamedTuple):
    """A step of `read.record`: the path of a group; `parts_only` when what holds none is no row."""

    path: list[str]
    parts_only: bool


def _levels(record: str) -> list[_Level]:
    pieces = re.split(r"(>+)", record)
    marks = ["", *pieces[1::2]]
    paths = [piece.strip().strip("/").split("/") for piece in pieces[::2]]
    return [_Level(path, mark == ">>") for path, mark in zip(paths, marks, strict=True)]


def _frame(rows: list[dict[str, str]], headings: Collection[str]) -> pl.DataFrame:
    columns = {heading: [row.get(heading) for row in rows] for heading in headings}
    return pl.DataFrame(columns, schema=dict.fromkeys(headings, pl.String))


def _groups(data: bytes, path: list[str], name: str) -> Iterator["Element"]:
    """Yield the groups at a path, wherever it begins, each whole; what was read is let go of.

    A group inside another of its kind is a part of it.
    """
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    if len(data) > SIZE_LIMIT:
        what = f"it is larger than {SIZE_LIMIT // 10**6} MB."
        raise DeliveryError(Problem(name, what, "Ask for it in parts."))
    above: list[Element] = []
    names: list[str] = []
    inside: int | None = None  # depth of the group being read
    try:
        steps = ElementTree.iterparse(_InLargeParts(data), ("start", "end"), forbid_dtd=True)
        for event, element in steps:
            if event == "start":
                above.append(element)
                names.append(_local(element))
                if inside is None and names[-len(path) :] == path:
                    inside = len(above)
                continue
            depth = len(above)
            above.pop()
            names.pop()
            if inside is not None and depth > inside:
                continue
            if inside is not None:
                inside = None
                yield element
            if above:
                above[-1].remove(element)
    except DefusedXmlException:
        what = "it declares a document type or entities, which no return needs; it was not read."
        raise DeliveryError(Problem(name, what, "Ask the agency to export it again.")) from None
    except ElementTree.ParseError as error:
        line = error.position[0]
        what = f"this is not XML, or broken near line {line}."
        raise DeliveryError(Problem(name, what, "Ask the agency to send it again.")) from None
    except (ValueError, LookupError, MemoryError):
        what = "this XML can't be read, or is in an unknown encoding."
        raise DeliveryError(Problem(name, what, "Ask the agency to send it as UTF-8.")) from None


def _local(element: "Element") -> str:
    # A comment or processing instruction has no name.
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def groups_with_rows(data: bytes, settings: ReadSettings) -> tuple["Element", list["Element"]]:
    """Return the root and, in the order of `read_xml`'s rows, the innermost group of each.

    Of a return that `read_xml` reads; the whole tree is held.
    """
    from defusedxml import ElementTree

    levels = _levels(settings.record or "")
    root = ElementTree.fromstring(data, forbid_dtd=True)
    waiting = [(group, levels[1:]) for group in _outermost(root, levels[0].path)][::-1]
    found: list[Element] = []
    while waiting:
        group, inner = waiting.pop()
        inside = _leaves(group, inner[0].path[-1])[1] if inner else []
        if inside:
            waiting += [(each, inner[1:]) for each in reversed(inside)]
        elif not (inner and inner[0].parts_only):
            found.append(group)
    return root, found


def _outermost(root: "Element", path: list[str]) -> list["Element"]:
    """Return the groups at a path, wherever it begins; one inside its kind is a part of it."""
    found: list[Element] = []
    waiting = [(root, [_local(root)])]
    while waiting:
        element, names = waiting.pop()
        if names == path:
            found.append(element)
        else:
            waiting += [
                (child, [*names, _local(child)][-len(path) :]) for child in reversed(element)
            ]
    return found


def _spread(
    group: "Element", outer: list[tuple[str, str]], inner: list[_Level], together: set[str]
) -> Iterator[dict[str, str]]:
    """Yield the cells of a group's rows: its own, with those of each group inside it."""
    step = inner[0].path[-1] if inner else None
    leaves, inside = _leaves(group, step)
    leaves = outer + leaves
    if not inside and not (inner and inner[0].parts_only):
        yield _numbered(leaves, together)
    for each in inside:
        yield from _spread(each, leaves, inner[1:], together)


def _leaves(group: "Element", step: str | None) -> tuple[list[tuple[str, str]], list["Element"]]:
    """Return names and texts of the elements without children, and the groups called `step`."""
    leaves: list[tuple[str, str]] = []
    inside: list[Element] = []
    # A stack, not recursion: a hostile file may be nested a hundred thousand deep.
    waiting = list(reversed(group))
    while waiting:
        element = waiting.pop()
        name = _local(element)
        if step and name == step:
            inside.append(element)
        elif len(element):
            waiting.extend(reversed(element))
        elif name:
            leaves.append((name, element.text or ""))
    return leaves, inside


def _numbered(leaves: list[tuple[str, str]], together: set[str]) -> dict[str, str]:
    cells: dict[str, str] = {}
    joined: dict[str, list[str]] = {}
    seen: Counter[str] = Counter()
    for name, text in leaves:
        seen[name] += 1
        if name in together:
            joined.setdefault(name, []).append(text)
            cells[name] = ""
        else:
            cells[name if seen[name] == 1 else f"{name} {seen[name]}"] = text
    return cells | {name: " ".join(texts) for name, texts in joined.items()}


class _InLargeParts(io.BytesIO):
    """Bytes given in large parts: expat reads a token anew with every part it is given."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size if size is None or size < 0 else max(size, PART))
