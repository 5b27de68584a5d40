"""An agency that has a mapping of its own may send the blank template, filled, instead.

A file whose headings are exactly the template's is read by the template's mapping, whatever the
plan says of encoding, sheet or header row; so is one that the plan's own mapping makes nothing of
and that has most of the template's headings. Every other file is read by the plan's. Both kinds of
a dataset are harmonised apart and united.
"""

from pathlib import Path

import polars as pl

from profile_pipeline.errors import DeliveryError
from profile_pipeline.intake.harmonise import Harmonised
from profile_pipeline.intake.headers import resolve_headings
from profile_pipeline.intake.readers import read_as_found, read_file
from profile_pipeline.plan.collection import Dataset
from profile_pipeline.plan.requirement import Template, template_of

ORDER = ("file", "row", "column", "rule")


def open_file(
    path: Path, dataset: Dataset, name: str
) -> tuple[pl.DataFrame, Template | None, str | None]:
    """Return a file's records, the template they were filled into, and what is unlike the plan.

    The template is null for the plan's layout, the words are where the file's layout is the plan's.

    Raises DeliveryError, about the plan's layout, when the file can be read neither way.
    """
    template = template_of(dataset) if dataset.collects is None else None
    try:
        (frame, unlike), fault = read_as_found(path, dataset.read, name=name), None
    except DeliveryError as error:
        frame, unlike, fault = None, None, error
    if template is not None:
        if frame is not None and template.fits(_headings(frame)):
            return frame, template, None
        # Only a file that the plan's layout makes nothing of is opened a second time.
        if frame is None or resolve_headings(_headings(frame), dataset, file=name).fatal:
            other = _read(path, template.dataset, name)
            if other is not None and template.resembles(_headings(other)):
                return other, template, None
    if frame is None:
        raise fault or DeliveryError([])
    return frame, None, unlike


def _read(path: Path, dataset: Dataset, name: str) -> pl.DataFrame | None:
    try:
        return read_file(path, dataset.read, name=name)
    except DeliveryError:
        return None


def _headings(frame: pl.DataFrame) -> list[str]:
    return [column for column in frame.columns if column != "_row"]


def as_plan(work: pl.DataFrame, template: Template, dataset: Dataset) -> pl.DataFrame:
    """Return a template's rows under the plan's column names, for expectations on them.

    A column of the plan that the template asks for in another way is null.
    """
    return work.select(
        *(
            pl.col(template.renamed[column]).alias(column)
            if column in template.renamed
            else pl.lit(None, dtype=pl.String).alias(column)
            for column in dataset.columns()
        ),
        "_file",
        "_row",
        "_quarter",
    )


def united(one: Harmonised, other: Harmonised) -> Harmonised:
    """Return what became of two parts of a dataset as one."""
    return Harmonised(
        rows=pl.concat([one.rows, other.rows], how="diagonal_relaxed").sort("file", "row"),
        quarantine=pl.concat([one.quarantine, other.quarantine]).sort(ORDER),
        repairs=pl.concat([one.repairs, other.repairs]).sort(ORDER),
        unknown_values=pl.concat([one.unknown_values, other.unknown_values])
        .unique(("column", "value"), keep="first", maintain_order=True)
        .sort("column", "value"),
    )
