"""Where a data row of an XML return stands: the path of the group it was made of."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from profile_pipeline.errors import DeliveryError
from profile_pipeline.intake.readers import FORMATS, read_bytes
from profile_pipeline.plan.reading import ReadSettings

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def element_path(path: Path, settings: ReadSettings, name: str, row: int) -> str | None:
    """Return the path of a row's group, such as `/Message/Children/Child[2]/CINdetails[1]`.

    Groups are counted from 1 among those of their name, as XPath does, namespaces left out. None
    for a file that isn't XML, is no longer there, can't be read, or has no such row. A column's
    name is that of an element below the group, or of its child's where the group has none.
    """
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    kind = settings.format or FORMATS.get(Path(name).suffix.lower(), "")
    if kind != "xml" or not path.is_file():
        return None
    try:
        data = path.read_bytes()
        rows = read_bytes(data, settings, name=name).height
        root = ElementTree.fromstring(data, forbid_dtd=True)
    except (DeliveryError, DefusedXmlException, ElementTree.ParseError, OSError, ValueError):
        return None
    groups = _groups_of_rows(root, settings.record or "")
    # Groups without any text are no rows: with such a one the place is not certain.
    if row >= rows or rows != len(groups):
        return None
    wanted = groups[row]
    return next((each for element, each in _paths(root) if element is wanted), None)


def _groups_of_rows(root: "Element", record: str) -> list["Element"]:
    """Return, in the order of `readers_xml`'s rows, the innermost group of each."""
    levels = [part.strip().strip("/").split("/") for part in record.split(">")]
    waiting = [(group, levels[1:]) for group in reversed(_at(root, levels[0]))]
    found: list[Element] = []
    while waiting:
        group, inner = waiting.pop()
        inside = _inside(group, inner[0][-1]) if inner else []
        if inside:
            waiting += [(each, inner[1:]) for each in reversed(inside)]
        else:
            found.append(group)
    return found


def _at(root: "Element", path: list[str]) -> list["Element"]:
    """Return the groups at a path, wherever below the root it begins."""
    found = [each for each in root.iter() if _name(each) == path[0]]
    for step in path[1:]:
        found = [child for each in found for child in each if _name(child) == step]
    return found


def _inside(group: "Element", step: str) -> list["Element"]:
    """Return the outermost groups of a name inside a group, in order."""
    found: list[Element] = []
    waiting = list(reversed(group))
    while waiting:
        element = waiting.pop()
        if _name(element) == step:
            found.append(element)
        else:
            waiting.extend(reversed(element))
    return found


def _paths(root: "Element") -> Iterator[tuple["Element", str]]:
    waiting = [(root, f"/{_name(root)}")]
    while waiting:
        element, path = waiting.pop()
        yield element, path
        seen: Counter[str] = Counter()
        for child in element:
            name = _name(child)
            seen[name] += 1
            waiting.append((child, f"{path}/{name}[{seen[name]}]"))


def _name(element: "Element") -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
