"""The plan's datasets and indicators as frames, for steps that name them in tables."""

from difflib import get_close_matches

import polars as pl

from profile_pipeline.codes.lookup import list_names
from profile_pipeline.plan.load import Plan, coded


def dataset_names(plan: Plan) -> pl.DataFrame:
    """Return `dataset, agency, title` of the plan's datasets."""
    return pl.DataFrame(
        [
            {"dataset": d.id, "agency": plan.agency(d.agency).name, "title": d.title}
            for d in plan.datasets
        ]
    )


def indicator_names(plan: Plan) -> pl.DataFrame:
    """Return `indicator, label, counts_in_overlap, kind` of the plan's indicators."""
    return pl.DataFrame(
        [
            {
                "indicator": i.id,
                "label": i.label,
                "counts_in_overlap": i.counts_in_overlap,
                "kind": i.kind,
            }
            for i in plan.indicators
        ]
    )


def code_list_notes(plan: Plan) -> list[str]:
    """Return a line on each list of the folder's `codes/` that no column is read by."""
    if plan.own_codes is None:
        return []
    known = list_names()
    named = {s.codes for dataset in plan.datasets for s in dataset.sources() if s.codes}
    notes = []
    for name in sorted({path.stem for path in plan.own_codes.glob("*.csv")} - {*known, *named}):
        near = get_close_matches(name, [*known, *sorted(named)], n=1)
        meant = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}."
        notes.append(
            f"codes/{name}.csv: no list is called '{name}' and no column of the plan names it, so"
            f" that it is not used; {meant}"
        )
    return notes


def coverage(plan: Plan) -> pl.DataFrame:
    """Return `indicator, label, agency, how`: who evidences which indicator, before any data.

    `how` is the datasets' titles for an agency that evidences it; an indicator that only screening
    or intelligence shows, or that nobody supplies, has one row without an agency that says so.
    """
    rows: list[tuple[str, str, str | None, str]] = []
    for indicator in plan.indicators:
        supplied: dict[str, list[str]] = {}
        for dataset in plan.datasets:
            if any(event.indicator == indicator.id for event in dataset.events):
                supplied.setdefault(plan.agency(dataset.agency).name, []).append(dataset.title)
        for agency, titles in supplied.items():
            rows.append((indicator.id, indicator.label, agency, ", ".join(titles)))
        if not supplied:
            how = (
                f"seen only in {indicator.only_seen_in}"
                if indicator.only_seen_in
                else "nobody supplies it"
            )
            rows.append((indicator.id, indicator.label, None, how))
    schema = {"indicator": pl.String, "label": pl.String, "agency": pl.String, "how": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def datasets_with(plan: Plan, measure: str, field: str) -> list[str]:
    """Return the ids of the datasets that map a field of a measure."""
    return [
        dataset.id
        for dataset in plan.datasets
        if any(event.measure == measure and field in event.fields for event in dataset.events)
    ]


def supplies(plan: Plan) -> pl.DataFrame:
    """Return what each dataset may tell: one row a dataset and measure, field, indicator or role.

    Columns: `dataset`; `kind` (measure, field such as `offence.online`, indicator, role, dataset)
    and `name`; `needs`, the columns a file must have to tell it, and `one_of`, of which it must
    have one; `every`, how often files come; `snapshot`, whether a file tells of its own quarter's
    end alone.
    """
    rows: list[tuple[str, str, str, list[str], list[str], str, bool]] = []
    for dataset in plan.datasets:
        dated = () if dataset.dated_by == "quarter_end" else (dataset.dated_by.column,)
        rest = (dataset.delivery.every, dataset.dated_by == "quarter_end")
        rows.append((dataset.id, "dataset", dataset.id, [], [], *rest))
        rows += [
            (dataset.id, "role", subject.role, [], subject.identity_columns(), *rest)
            for subject in dataset.subjects
        ]
        for event in dataset.events:
            needs = [column for test in event.when for column in test.columns()]
            needs += [event.date.column] if event.date else list(dated)
            one_of = [column for test in event.any_of for column in test.columns()]
            kind, name = "indicator", event.indicator
            if event.measure is not None:
                kind, name = "measure", event.measure
                rows += [
                    (dataset.id, "field", f"{name}.{field}", [*needs, source.column], one_of, *rest)
                    for field, source in event.fields.items()
                ]
            rows.append((dataset.id, kind, str(name), needs, one_of, *rest))
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "dataset": pl.String,
        "kind": pl.String,
        "name": pl.String,
        "needs": pl.List(pl.String),
        "one_of": pl.List(pl.String),
        "every": pl.String,
        "snapshot": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def code_lists(plan: Plan) -> dict[str, str]:
    """Return the code lists that the plan's columns are read by, each with what reads it."""
    used: dict[str, list[str]] = {}
    for dataset in plan.datasets:
        for name, source in coded(dataset):
            if source.values is None or source.codes is not None:
                used.setdefault(source.codes or name, []).append(dataset.title)
    own = plan.own_codes
    return {
        name.replace("_", " "): "; ".join(dict.fromkeys(titles))
        + (
            " (with the partnership's own spellings)"
            if own and (own / f"{name}.csv").is_file()
            else ""
        )
        for name, titles in sorted(used.items())
    }
