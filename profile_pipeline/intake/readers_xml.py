"""XML returns: nested groups of a child's record to rows of text.

`read.record` names the group that makes a row and, after `>`, the groups inside it that come
several times: `Children/Child > CINdetails > Assessments` gives a row an assessment, with what its
episode and its child say. A child without an episode, or an episode without an assessment, is a row
too, so that none is lost. Namespaces are not looked at. Entities and document types are refused
(defusedxml): a return needs neither, and both can fill the memory or read other files.
"""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from profile_pipeline.errors import DeliveryError, Problem
from profile_pipeline.plan.reading import ReadSettings

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SIZE_LIMIT = 400_000_000  # bytes; the tree takes about ten times as much memory
COLUMNS_LIMIT = 1_000


def read_xml(data: bytes, settings: ReadSettings, name: str) -> tuple[list[str], pl.DataFrame]:
    """Return (headings, rows as text, columns `0`, `1` ...); raise DeliveryError.

    A heading is an element's name. One that comes again in the same row is numbered (`Disability
    2`), or, if `read.together` names it, joined to one cell with spaces. Attributes are not read.
    """
    if not settings.record:
        cure = "Set `read: record`, such as `Children/Child`, or use `standard:`."
        raise DeliveryError(Problem(name, "the plan doesn't say which group is a row.", cure))
    levels = [part.strip().strip("/").split("/") for part in settings.record.split(">")]
    root = _tree(data, name)
    together = set(settings.together)
    columns: dict[str, list[str | None]] = {}
    height = 0
    for cells in _rows(_groups(root, levels[0]), levels[1:], together):
        for heading, text in cells.items():
            column = columns.setdefault(heading, [])
            column.extend([None] * (height - len(column)))
            column.append(text)
        height += 1
        if len(columns) > COLUMNS_LIMIT:
            what = f"a row has more than {COLUMNS_LIMIT} different elements."
            raise DeliveryError(Problem(name, what, "Ask for the return in its standard layout."))
    if not height:
        what = f"it has no group {'/'.join(levels[0])}: it is another return, or an empty one."
        raise DeliveryError(Problem(name, what, "Ask which return was meant."))
    for column in columns.values():
        column.extend([None] * (height - len(column)))
    table = {str(number): values for number, values in enumerate(columns.values())}
    return list(columns), pl.DataFrame(table, schema=dict.fromkeys(table, pl.String))


def _tree(data: bytes, name: str) -> "Element":
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    if len(data) > SIZE_LIMIT:
        what = f"it is larger than {SIZE_LIMIT // 10**6} MB."
        raise DeliveryError(Problem(name, what, "Ask for it in parts."))
    try:
        return ElementTree.fromstring(data, forbid_dtd=True)
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


def _groups(root: "Element", path: list[str]) -> Iterator["Element"]:
    """Yield the groups at a path below the root, wherever the path begins."""
    for start in root.iter():
        if _local(start) == path[0]:
            found = [start]
            for step in path[1:]:
                found = [child for each in found for child in each if _local(child) == step]
            yield from found


def _rows(
    groups: Iterator["Element"], inner: list[list[str]], together: set[str]
) -> Iterator[dict[str, str]]:
    """Yield the cells of every row: the group's own, then those of each group inside it."""
    for group in groups:
        yield from _spread(group, [], inner, together)


def _spread(
    group: "Element", outer: list[tuple[str, str]], inner: list[list[str]], together: set[str]
) -> Iterator[dict[str, str]]:
    step = inner[0][-1] if inner else None
    leaves, inside = _leaves(group, step)
    leaves = outer + leaves
    if not inside:
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
    seen: Counter[str] = Counter()
    for name, text in leaves:
        seen[name] += 1
        if name in together:
            cells[name] = f"{cells[name]} {text}" if name in cells else text
        else:
            cells[name if seen[name] == 1 else f"{name} {seen[name]}"] = text
    return cells
