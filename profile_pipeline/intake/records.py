"""From every dataset's wide frame to the tables of records: subjects, indicator events, measures.

Wide frames are described in `harmonise.py`. The contracts are in `tables.py`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from profile_pipeline.codes.lookup import code_list
from profile_pipeline.intake.handling import with_release
from profile_pipeline.plan.collection import Dataset
from profile_pipeline.quarters import quarter_expr
from profile_pipeline.tables import (
    INDICATOR_EVENT,
    MEASURES,
    PERSON_RECORD,
    conform,
    empty,
    union,
)

Frames = Mapping[str, pl.DataFrame]


def record_id_expr(role: str) -> pl.Expr:
    """Return the id of the record a row holds about a role: where it stands, nothing about whom."""
    return pl.concat_str(
        pl.col("dataset"),
        pl.lit(":"),
        pl.col("file"),
        pl.lit(":"),
        pl.col("row").cast(pl.String),
        pl.lit(f":{role}"),
    )


def _roles(frame: pl.DataFrame) -> list[str]:
    return [name.removesuffix("__present") for name in frame.columns if name.endswith("__present")]


def subjects_of(frames: Frames) -> pl.DataFrame:
    """Return records.subject: one row a person spoken of, in every dataset's rows."""
    group = code_list("ethnic_group")
    parts = []
    for frame in frames.values():
        for role in _roles(frame):
            fields = {
                name.removeprefix(f"{role}__"): pl.col(name)
                for name in frame.columns
                if name.startswith(f"{role}__")
            }
            ethnicity = fields.get("ethnicity_code", pl.lit(None, dtype=pl.String))
            derived = {
                "role": pl.lit(role),
                "record_id": record_id_expr(role),
                "ethnic_group": ethnicity.str.to_lowercase().replace_strict(
                    list(group),
                    list(group.values()),
                    default=None,
                    return_dtype=pl.String,
                ),
            }
            parts.append(
                frame.filter(pl.col(f"{role}__present")).select(
                    (
                        derived.get(column)
                        if column in derived
                        else fields[column]
                        if column in fields
                        else pl.col(column)
                        if column in ("dataset", "file", "row", "quarter", "date")
                        else pl.lit(None, dtype=dtype)
                    ).alias(column)  # type: ignore[union-attr]
                    for column, dtype in PERSON_RECORD.polars_schema.items()
                )
            )
    return union(parts, PERSON_RECORD).sort(PERSON_RECORD.key)


def indicator_events_of(frames: Frames) -> pl.DataFrame:
    """Return records.indicator_event: one row a row, role and indicator it evidences."""
    parts = []
    for frame in frames.values():
        for name in frame.columns:
            if name.startswith("indicator__"):
                _, _, role, indicator = name.split("__", 3)
                parts.append(
                    frame.filter(pl.col(name).is_not_null()).select(
                        "dataset",
                        "file",
                        "row",
                        pl.lit(role).alias("role"),
                        record_id_expr(role).alias("record_id"),
                        pl.lit(indicator).alias("indicator"),
                        pl.col(name).alias("date"),
                        quarter_expr(pl.col(name)).alias("quarter"),
                    )
                )
    if not parts:
        return empty(INDICATOR_EVENT)
    first = (
        pl.concat(parts).sort("date").unique(INDICATOR_EVENT.key, keep="first", maintain_order=True)
    )
    return conform(first, INDICATOR_EVENT).sort(INDICATOR_EVENT.key)


def measure_of(
    frames: Frames,
    measure: str,
    own_codes: Path | None = None,
    datasets: Sequence[Dataset] = (),
) -> pl.DataFrame:
    """Return the table of one measure, from every dataset that maps it.

    Information reports are told apart by whether they may leave the desk (`handling`).

    Args:
        frames: harmonised rows by dataset.
        measure: the measure.
        own_codes: the profile folder's own code lists.
        datasets: the plan's datasets, whose `handling_default` counts.
    """
    table = MEASURES[measure]
    parts = []
    for frame in frames.values():
        name = f"measure__{measure}"
        if name not in frame.columns:
            continue
        parts.append(
            frame.filter(pl.col(name).is_not_null())
            .with_columns(date=pl.col(name), quarter=quarter_expr(pl.col(name)))
            .select(
                pl.col(f"{measure}__{column}").alias(column)
                if f"{measure}__{column}" in frame.columns
                else pl.col(column)
                if column in ("dataset", "file", "row", "quarter", "date", "reference")
                else pl.lit(None, dtype=dtype).alias(column)
                for column, dtype in table.polars_schema.items()
            )
        )
    united = union(parts, table)
    if measure == "information_report":
        united = conform(with_release(united, own_codes, datasets), table)
    return united.sort(table.key)
