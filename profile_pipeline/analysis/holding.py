"""What the partnership holds at all, quarter by quarter: the line between nought and not known.

A count of nothing is a nought only where somebody who would have told was asked and answered. What
no dataset of the plan supplies, or what did not arrive, is unknown. `unknown.py` takes such figures
out of the profile's tables; gaps and the report say what is missing.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from profile_pipeline.analysis.counting import SUSPECT, last_four_quarters, quarters_counted
from profile_pipeline.plan.settings import ProfileSettings
from profile_pipeline.quarters import fiscal_year, previous_quarter
from profile_pipeline.tables import HOLDING, MEASURES, conform

HELD, PARTLY, NOT_RECEIVED, NOT_SUPPLIED = "held", "partly", "not received", "not supplied"
MEASURE, FIELD, INDICATOR, ROLE, DATASET = "measure", "field", "indicator", "role", "dataset"
KEY = ("kind", "name")

# What the profile's tables are made of, whether or not a plan asks for it.
ASKED = (
    (MEASURE, "cse_tracker"),
    (MEASURE, "offence"),
    (MEASURE, "missing_episode"),
    (MEASURE, "information_report"),
    (MEASURE, "disruption"),
    (ROLE, SUSPECT),
    (FIELD, "cse_tracker.screening_date"),
    (FIELD, "missing_episode.returned_at"),
    (FIELD, "missing_episode.interview_at"),
)


def holding(
    supplies: pl.DataFrame,
    indicators: Sequence[str],
    fate: pl.DataFrame,
    missing_column: pl.DataFrame,
    delivery: pl.DataFrame,
    records: Mapping[str, pl.DataFrame],
    settings: ProfileSettings,
) -> pl.DataFrame:
    """Return quality.holding: for each quarter of the period what is held, partly held or not.

    A file tells of its quarter when a row of it could be used and it has the columns that say so; a
    year's file tells of the year, one that comes once of the whole period, a school census of its
    term and the quarter before, a snapshot of its own quarter alone. A quarter is partly held where
    the file of one dataset came and that of another did not, or where no file was due and others
    date rows into it. Where every file due is missing it is not received: the few rows that came
    late in others are no count of the quarter.

    Args:
        supplies: `plan.names.supplies`.
        indicators: ids of the plan's indicators.
        fate: fate of every received row (quality.received_fate or quality.fate).
        missing_column: quality.missing_column.
        delivery: quality.delivery.
        records: records.* by `schema.table`: indicator_event, subject and the measures.
        settings: settings of the profile.
    """
    quarters = quarters_counted(settings)
    told = _told(_able(supplies, fate, missing_column), quarters)
    dated = _dated(records, supplies, missing_column)
    missed = (
        delivery.filter(~pl.col("status").is_in(["superseded", "unexpected"]))
        .select("dataset", "quarter")
        .unique()
        .join(supplies.select("dataset", *KEY).unique(), on="dataset")
        .join(told.select("dataset", *KEY, "quarter"), on=["dataset", *KEY, "quarter"], how="anti")
    )
    asked = pl.DataFrame(
        [*ASKED, *((INDICATOR, name) for name in indicators)], schema=dict.fromkeys(KEY, pl.String),
        orient="row",
    )  # fmt: skip
    names = pl.concat([asked, supplies.select(KEY)]).unique(maintain_order=True)
    suppliers = supplies.group_by(KEY).agg(datasets=pl.col("dataset").unique().sort())
    frame = (
        names.join(pl.DataFrame({"quarter": quarters}, schema={"quarter": pl.String}), how="cross")
        .join(suppliers, on=KEY, how="left", maintain_order="left")
        .join(_flag(told, "told"), on=[*KEY, "quarter"], how="left", maintain_order="left")
        .join(_flag(dated, "dated"), on=[*KEY, "quarter"], how="left", maintain_order="left")
        .join(_flag(missed, "missed"), on=[*KEY, "quarter"], how="left", maintain_order="left")
        .with_columns(pl.col("told", "dated", "missed").fill_null(False))
    )
    state = (
        pl.when(pl.col("datasets").is_null())
        .then(pl.lit(NOT_SUPPLIED))
        .when(pl.col("told") & ~pl.col("missed"))
        .then(pl.lit(HELD))
        .when(pl.col("told") | (pl.col("dated") & ~pl.col("missed")))
        .then(pl.lit(PARTLY))
        .otherwise(pl.lit(NOT_RECEIVED))
    )
    made = frame.with_columns(
        state=state, datasets=pl.col("datasets").list.join(", ").fill_null("")
    ).sort("kind", "name", "quarter")
    return conform(made, HOLDING)


def _flag(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    return frame.select(*KEY, "quarter").unique().with_columns(pl.lit(True).alias(name))


def _able(supplies: pl.DataFrame, fate: pl.DataFrame, missing_column: pl.DataFrame) -> pl.DataFrame:
    """Return the supplies with each file that could tell: `..., file, delivered`."""
    used = (
        fate.filter(pl.col("fate").is_in(["harmonised", "kept_apart"]))
        .select("dataset", "file", delivered="quarter")
        .unique()
    )
    return _with_columns(supplies.join(used, on="dataset"), missing_column)


def _with_columns(files: pl.DataFrame, missing_column: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of supplies and files whose file has the columns that the supply needs."""
    lacks = missing_column.group_by("dataset", "file").agg(lacks=pl.col("column").unique())
    lacking = pl.col("lacks").fill_null([])
    none_of = (pl.col("one_of").list.len() > 0) & (
        pl.col("one_of").list.set_difference(lacking).list.len() == 0
    )
    needed = pl.col("needs").list.set_intersection(lacking).list.len() > 0
    return files.join(lacks, on=["dataset", "file"], how="left").filter(~needed & ~none_of)


def _told(able: pl.DataFrame, quarters: Sequence[str]) -> pl.DataFrame:
    """Return `dataset, kind, name, quarter` of every quarter that some file tells of."""
    spans = pl.DataFrame(
        [
            (every, delivered, label)
            for every in ("quarter", "term", "year", "once")
            for delivered in able["delivered"].unique().to_list()
            for label in _span(every, delivered, quarters)
        ],
        schema={"span": pl.String, "delivered": pl.String, "quarter": pl.String},
        orient="row",
    )
    span = pl.when("snapshot").then(pl.lit("quarter")).otherwise(pl.col("every"))
    return (
        able.with_columns(span=span)
        .join(spans, on=["span", "delivered"])
        .select("dataset", *KEY, "quarter")
        .unique()
    )


def _span(every: str, delivered: str, quarters: Sequence[str]) -> list[str]:
    if every == "once":
        return list(quarters)
    if every == "year":
        return [label for label in quarters if fiscal_year(label) == fiscal_year(delivered)]
    return [delivered, previous_quarter(delivered)] if every == "term" else [delivered]


def _dated(
    records: Mapping[str, pl.DataFrame], supplies: pl.DataFrame, missing_column: pl.DataFrame
) -> pl.DataFrame:
    """Return `kind, name, quarter` of which some record is dated in the quarter."""
    rows = [
        records[f"records.{name}"]
        .select("dataset", "file", "quarter")
        .unique()
        .with_columns(kind=pl.lit(MEASURE), name=pl.lit(name))
        for name in MEASURES
        if f"records.{name}" in records
    ]
    events, subjects = records["records.indicator_event"], records["records.subject"]
    rows += [
        events.select("dataset", "file", "quarter", kind=pl.lit(INDICATOR), name="indicator"),
        subjects.select("dataset", "file", "quarter", kind=pl.lit(ROLE), name="role"),
        subjects.select("dataset", "file", "quarter", kind=pl.lit(DATASET), name="dataset"),
    ]
    columns = ("dataset", "file", "quarter", *KEY)
    found = pl.concat([frame.select(columns).unique() for frame in rows])
    fields = supplies.filter(pl.col("kind") == FIELD).with_columns(
        measure=pl.col("name").str.split(".").list.first()
    )
    of_fields = _with_columns(
        found.filter(pl.col("kind") == MEASURE)
        .select("dataset", "file", "quarter", measure="name")
        .join(fields, on=["dataset", "measure"]),
        missing_column,
    )
    return pl.concat([found.select(*KEY, "quarter"), of_fields.select(*KEY, "quarter")]).unique()


# --- reading it -----------------------------------------------------------------------------------


def quarters_held(held: pl.DataFrame, kind: str, *names: str) -> set[str]:
    """Return the quarters of which all the names are held, in part or whole."""
    sets = [
        set(
            held.filter(
                pl.col("kind") == kind,
                pl.col("name") == name,
                pl.col("state").is_in([HELD, PARTLY]),
            )["quarter"].to_list()
        )
        for name in names
    ]
    return set.intersection(*sets) if sets else set()


def ever_held(held: pl.DataFrame, kind: str, *names: str) -> bool:
    """Whether each of the names is held for some quarter of the period."""
    return all(quarters_held(held, kind, name) for name in names)


def indicators_of_the_year(held: pl.DataFrame, settings: ProfileSettings) -> list[str]:
    """Return the ids of the indicators held for some of the last four quarters, sorted."""
    return sorted(
        held.filter(
            pl.col("kind") == INDICATOR,
            pl.col("quarter").is_in(last_four_quarters(settings.as_at)),
            pl.col("state").is_in([HELD, PARTLY]),
        )["name"].unique()
    )


def not_held(held: pl.DataFrame) -> pl.DataFrame:
    """Return `kind, name, state, datasets` of what is held for no quarter of the period."""
    return (
        held.group_by(KEY, maintain_order=True)
        .agg(
            held=pl.col("state").is_in([HELD, PARTLY]).any(),
            state=pl.col("state").first(),
            datasets=pl.col("datasets").first(),
        )
        .filter(~pl.col("held"))
        .drop("held")
    )
