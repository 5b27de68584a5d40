"""Headings: which column of a file is which column of the plan.

Headings are compared without case and surplus space; the plan's `headers:` names what else a column
has been called. What a file lacks is told, with near misses, and what follows from it.
"""

import difflib
from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from profile_pipeline.errors import Problem
from profile_pipeline.plan.collection import Dataset, Source


@dataclass(frozen=True)
class Resolved:
    """The headings of one file against the plan."""

    found: dict[str, str]
    missing: list[str]
    fatal: list[Problem]


def fold_heading(text: str) -> str:
    """Return a heading as compared."""
    return " ".join(text.replace("\ufeff", "").split()).casefold()


def resolve_headings(
    headings: list[str], dataset: Dataset, *, file: str, given: Collection[str] = ()
) -> Resolved:
    """Return plan column -> heading for one file, the columns it lacks, and what makes it unusable.

    Columns of `given` come from another list: a file may lack them.

    A file is unusable when the column that dates its rows or one that the plan requires is not
    there, or when none is left that says who a required person is.
    """
    by_fold = {fold_heading(heading): heading for heading in headings}
    found: dict[str, str] = {}
    missing: list[str] = []
    for column in dataset.columns():
        names = (column, *dataset.headers.get(column, ()))
        match = next(
            (by_fold[fold_heading(n)] for n in names if fold_heading(n) in by_fold),
            None,
        )
        if match is None:
            if column not in given:
                missing.append(column)
        else:
            found[column] = match
    # Where no column of the plan is found the header row may be wrong, and a "heading" is then
    # someone's data: none is repeated in a hint.
    sure = headings if found else []
    return Resolved(found, missing, _fatal(dataset, set(missing), sure, file))


def _fatal(dataset: Dataset, missing: set[str], headings: list[str], file: str) -> list[Problem]:
    problems = []
    dated = dataset.dated_by
    if isinstance(dated, Source) and dated.column in missing:
        problems.append(
            Problem(
                file,
                f"has no column '{dated.column}', which dates its rows.",
                near(dated.column, headings),
            )
        )
    needed = [source.column for source in dataset.sources() if source.required]
    problems += [
        Problem(
            file,
            f"has no column '{column}', which its rows can't do without.",
            near(column, headings),
        )
        for column in dict.fromkeys(needed)
        if column in missing and column != dataset.date_column()
    ]
    for subject in dataset.subjects:
        identity = subject.identity_columns()
        if subject.required and missing.issuperset(identity):
            problems.append(
                Problem(
                    file,
                    f"has none of the columns that say who the {subject.role} is"
                    f" ({', '.join(dict.fromkeys(identity))}).",
                    near(identity[0], headings),
                )
            )
    return problems


def near(column: str, headings: list[str]) -> str:
    """Return a hint naming the nearest heading, or what to do when none is near."""
    folded = {fold_heading(heading): heading for heading in headings}
    close = difflib.get_close_matches(fold_heading(column), list(folded), n=1, cutoff=0.6)
    if close:
        return f"Did the agency rename it to '{folded[close[0]]}'? Add that under headers."
    return "Check the header row and delimiter in the plan."


def near_misses(headings: list[str], resolved: Resolved) -> dict[str, str]:
    """Return missing column -> the heading that is likely meant by it.

    Told only where at least half of the plan's columns were found, so that the row is the header
    and no one's data, and for a heading that is all but the same. For `check`'s terminal: a heading
    that the plan doesn't know is never written into a table or letter.
    """
    if len(resolved.found) < max(1, len(resolved.missing)):
        return {}
    free = [heading for heading in headings if heading not in resolved.found.values()]
    folded = {fold_heading(heading): heading for heading in free}
    near: dict[str, str] = {}
    for column in resolved.missing:
        close = difflib.get_close_matches(fold_heading(column), list(folded), n=1, cutoff=0.8)
        if close:
            near[column] = folded[close[0]]
    return near


def used_for(column: str, dataset: Dataset) -> str:
    """Return in words what can't be told without a column."""
    uses: list[str] = []
    for subject in dataset.subjects:
        for field in type(subject).model_fields:
            value = getattr(subject, field)
            sources = value if isinstance(value, tuple) else (value,)
            if any(isinstance(s, Source) and s.column == column for s in sources):
                uses.append(f"{subject.role}'s {field.replace('_', ' ')}")
    uses += [
        f"indicator {event.indicator}" if event.indicator else f"{event.measure}".replace("_", " ")
        for event in dataset.events
        if column in event.columns()
    ]
    if column == dataset.date_column():
        uses.insert(0, "the rows' date")
    return ", ".join(dict.fromkeys(uses)) or "the row's reference"


def rename_to_plan(frame: pl.DataFrame, resolved: Resolved, dataset: Dataset) -> pl.DataFrame:
    """Return the frame under the plan's column names; a missing column is all null."""
    return frame.select(
        "_row",
        *(
            pl.col(resolved.found[column]).alias(column)
            if column in resolved.found
            else pl.lit(None, dtype=pl.String).alias(column)
            for column in dataset.columns()
        ),
    )
