"""Files of a statutory return against its standard: headings nearly as written, surplus columns.

What a standard says is in `plan.standards`; here its headings are matched to a file's more loosely
than a plan's own, since authorities retype them: case, punctuation and what stands in brackets are
passed over.
"""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from profile_pipeline.intake.headers import fold_heading
from profile_pipeline.plan.collection import Dataset
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.reading import LIST, Delivery


def loose(heading: str) -> str:
    """Return a heading as compared for a standard: letters and digits, without bracketed text.

    `*` stays: in a standard's heading it stands for any text.
    """
    bare = re.sub(r"\([^)]*\)|\[[^\]]*\]", "", heading)
    return re.sub(r"[^0-9a-z*]", "", bare.casefold())


def loosened(dataset: Dataset, headings: Sequence[str]) -> Dataset:
    """Return the dataset with the file's spellings of its headings among its aliases.

    A dataset without a standard stays as it is. A heading that two columns could claim by its
    loose form goes to the first.
    """
    if dataset.standard is None:
        return dataset
    columns = dict.fromkeys((*dataset.columns(), *dataset.headers, *dataset.also))
    exact = {c: heading_for(dataset, headings, c) for c in columns}
    by_loose: dict[str, str] = {}
    for heading in headings:
        if heading not in exact.values():
            by_loose.setdefault(loose(heading), heading)
    aliases = dict(dataset.headers)
    for column in (c for c, heading in exact.items() if heading is None):
        names = (column, *aliases.get(column, ()))
        pattern = (loose(name) for name in names)
        near = next((key for p in pattern for key in by_loose if fnmatchcase(key, p)), None)
        if near is not None:
            near = by_loose.pop(near)
            aliases[column] = (*aliases.get(column, ()), near)
    return dataset.model_copy(update={"headers": aliases})


def heading_for(dataset: Dataset, headings: Sequence[str], column: str) -> str | None:
    """Return the file's heading of a column by its name or aliases, null when it has none."""
    by_fold = {fold_heading(heading): heading for heading in headings}
    names = (column, *dataset.headers.get(column, ()))
    return next((by_fold[fold_heading(n)] for n in names if fold_heading(n) in by_fold), None)


def surplus(headings: Iterable[str], used: Iterable[str], dataset: Dataset) -> list[str]:
    """Return headings of a file that the standard doesn't know; none where it lists no others."""
    if dataset.standard is None or not dataset.also:
        return []
    held = set(used)
    known = {loose(name) for name in dataset.also}
    return [h for h in headings if h not in held and loose(h) not in known]


def siblings(plan: Plan, dataset: Dataset) -> list[Delivery]:
    """Return deliveries of the return's other lists, any name: only its first list tells strays."""
    if dataset.standard is None or LIST not in dataset.delivery.files:
        return []
    same = [d.id for d in plan.datasets if d.delivery.files == dataset.delivery.files]
    if same[0] == dataset.id:
        return []
    return [dataset.delivery.model_copy(update={"lists": ("*",)})]
