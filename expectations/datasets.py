"""The suite of one dataset: the plan's expectations and those that hold for every dataset.

Takes harmonised rows and the cells as sent, gives the rows that fail (for the quarantine) and the
results (rules and counts, never values).
"""

import polars as pl

from expectations.rules import automatic_rules, number_ids, rules_for, volume_rules
from expectations.run import run_suite
from profile_pipeline.plan.collection import Dataset, Source
from profile_pipeline.plan.load import COLLECTION_FILE, Plan
from profile_pipeline.tables import EXPECTATION, QUARANTINE, conform


def field_aliases(rows: pl.DataFrame, dataset: Dataset) -> dict[str, str]:
    """Return what an analyst may call a field -> the column of the harmonised rows.

    `date_of_birth` means the first subject's; `suspect date_of_birth` is written
    `suspect__date_of_birth`; a measure's field is called by its own name.
    """
    aliases: dict[str, str] = {}
    measures = [event.measure for event in dataset.events if event.measure]
    for prefix in (*(subject.role for subject in dataset.subjects), *measures):
        for column in rows.columns:
            if column.startswith(f"{prefix}__"):
                aliases.setdefault(column.removeprefix(f"{prefix}__"), column)
    return aliases


def sent_aliases(rows: pl.DataFrame, dataset: Dataset) -> dict[str, str]:
    """Return column as sent -> harmonised column made of it, for conditions on dates."""
    found: dict[str, str] = {}
    if isinstance(dataset.dated_by, Source):
        found[dataset.dated_by.column] = "date"
    for subject in dataset.subjects:
        for name in type(subject).model_fields:
            source = getattr(subject, name)
            if isinstance(source, Source) and f"{subject.role}__{name}" in rows.columns:
                found.setdefault(source.column, f"{subject.role}__{name}")
    for event in dataset.events:
        for name, source in event.fields.items():
            found.setdefault(source.column, f"{event.measure}__{name}")
    return found


def expect_dataset(
    rows: pl.DataFrame, sent: pl.DataFrame, dataset: Dataset, plan: Plan
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the faults of rows to quarantine, and the results.

    Args:
        rows: harmonised rows of the dataset (`file, row, quarter, date`, fields).
        sent: the same rows as sent (`_file, _row`, the plan's columns).
        dataset: the dataset.
        plan: the plan, for the period and the as-at date.
    """
    aliases = field_aliases(rows, dataset)
    named = rows.with_columns(
        pl.col(column).alias(alias)
        for alias, column in aliases.items()
        if alias not in rows.columns
    )
    beside = [c for c in sent.columns if c not in named.columns and c not in ("_file", "_row")]
    frame = named.join(
        sent.select("_file", "_row", *beside),
        left_on=("file", "row"),
        right_on=("_file", "_row"),
        how="left",
        maintain_order="left",
    ).with_row_index("_index")
    settings = plan.settings
    counts = {
        str(quarter): int(count) for quarter, count in rows["quarter"].value_counts().iter_rows()
    }
    rules = number_ids(
        [
            *automatic_rules(
                frame.schema,
                required=[],
                key=("file", "row"),
                period_start=settings.period.start,
                as_at=settings.as_at,
            ),
            *rules_for(
                dataset.expect,
                frame.schema,
                as_at=settings.as_at,
                aliases=sent_aliases(rows, dataset),
                where=f"{COLLECTION_FILE}, '{dataset.id}'",
            ),
            *volume_rules(dataset.expect, counts),
        ]
    )
    failures, results = run_suite(frame, rules)
    # A person looks for the agency's own column, not for the field that is made of it.
    sent_as = {field: column for column, field in sent_aliases(rows, dataset).items()}
    words = {
        rule.rule: (rule.fault, ", ".join(sent_as.get(column, column) for column in rule.columns))
        for rule in rules
    }
    bad = failures.filter(pl.col("action") == "quarantine")
    faults = (
        bad.join(frame.select("_index", "file", "row"), on="_index")
        .with_columns(
            dataset=pl.lit(dataset.id),
            column=pl.col("rule").replace_strict(
                list(words), [column for _, column in words.values()], return_dtype=pl.String
            ),
            value=pl.lit(None, dtype=pl.String),
            reason=pl.col("rule").replace_strict(
                list(words), [text for text, _ in words.values()], return_dtype=pl.String
            ),
        )
        .select(list(QUARANTINE.polars_schema))
        .cast(QUARANTINE.polars_schema)  # type: ignore[arg-type]
    )
    return faults, conform(results.with_columns(dataset=pl.lit(dataset.id)), EXPECTATION)
