"""Where a data row of an XML return stands: the path of the group it was made of."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from profile_pipeline.errors import DeliveryError
from profile_pipeline.intake.readers import FORMATS, read_bytes
from profile_pipeline.intake.readers_xml import groups_with_rows
from profile_pipeline.plan.reading import ReadSettings

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def element_path(path: Path, settings: ReadSettings, name: str, row: int) -> str | None:
    """Return the path of a row's group, such as `/Message/Children/Child[2]/CINdetails[1]`.

    Groups are counted from 1 among those of their name, as XPath does, namespaces left out. None
    for a file that isn't XML, is no longer there, can't be read, or has no such row. A column's
    name is that of an element below the group, or of its child's where the group has none.
    """
    kind = settings.format or FORMATS.get(Path(name).suffix.lower(), "")
    if kind != "xml" or not path.is_file():
        return None
    try:
        data = path.read_bytes()
        rows = read_bytes(data, settings, name=name).height
        root, groups = groups_with_rows(data, settings)
    except (DeliveryError, OSError):
        return None
    # Groups without any text are no rows: with such a one the place is not certain.
    if row >= rows or rows != len(groups):
        return None
    wanted = groups[row]
    return next((each for element, each in _paths(root) if element is wanted), None)


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
