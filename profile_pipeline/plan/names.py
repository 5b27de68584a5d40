"""The plan's datasets and indicators as frames, for steps that name them in tables."""

import polars as pl

from profile_pipeline.plan.load import Plan


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
