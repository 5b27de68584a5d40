"""Red, amber and green: each measure of a delivery against the limits of the plan."""

import polars as pl

from profile_pipeline.plan.settings import Limit, QualityLimits
from profile_pipeline.tables import QUALITY_RAG, conform

GROUPS = (
    "delivery",
    "timeliness",
    "columns",
    "usable rows",
    "repairs",
    "duplicates",
    "completeness",
    "volume",
    "unknown values",
    "expectations",
)
OVERALL = "overall"
RAGS = ("green", "amber", "red")
NOT_TOLD = "not told"
COMPLETE = "complete_percent:"
KEY = ["dataset", "agency", "quarter"]


def quality_rag(data_quality: pl.DataFrame, limits: QualityLimits) -> pl.DataFrame:
    """Return analysis.quality_rag: a row a dataset, quarter and measure, and one `overall`.

    Percentages are of the rows received (0-100); a missing delivery is red and nothing else is
    judged of it. `overall` is the worst of its measures that can be told. An unusual number of
    rows is amber at worst: it may be true. The days late of files copied together can't be told.

    Args:
        data_quality: profile.data_quality.
        limits: the plan's limits.
    """
    of = data_quality.select(*KEY, "measure", "value")
    rows = of.filter(pl.col("measure") == "rows_received").select(
        *KEY, rows=pl.when(pl.col("value") > 0).then("value")
    )

    def share(measure: str, name: str) -> pl.DataFrame:
        return (
            of.filter(pl.col("measure") == measure)
            .join(rows, on=KEY)
            .select(*KEY, measure=pl.lit(name), value=100 * pl.col("value") / pl.col("rows"))
        )

    def plain(measure: str) -> pl.DataFrame:
        return of.filter(pl.col("measure") == measure)

    delivered = plain("delivered").with_columns(
        rag=pl.when(pl.col("value") > 0)
        .then(pl.lit("green"))
        .when(pl.col("value") == 0)
        .then(pl.lit("red")),
        limit=pl.lit("red when nothing arrived"),
        group=pl.lit("delivery"),
    )
    volume = plain("volume_outlier").with_columns(
        rag=pl.when(pl.col("value") == 0)
        .then(pl.lit("green"))
        .when(pl.col("value").is_not_null())
        .then(pl.lit("amber")),
        limit=pl.lit(
            f"amber when {limits.volume_limit:g} robust deviations from the median of"
            f" {limits.volume_quarters} or more earlier quarters"
        ),
        group=pl.lit("volume"),
    )
    judged = [
        delivered,
        volume,
        _judge(plain("days_late"), "timeliness", limits.days_late, " days late"),
        _judge(plain("columns_missing"), "columns", limits.columns_missing, " columns missing"),
        _judge(
            share("rows_quarantined", "quarantined_percent"),
            "usable rows",
            limits.quarantined_percent,
            "% of rows",
        ),
        _judge(
            share("cells_repaired", "repaired_percent"),
            "repairs",
            limits.repaired_percent,
            " cells per 100 rows",
        ),
        _judge(
            share("rows_duplicate", "duplicate_percent"),
            "duplicates",
            limits.duplicate_percent,
            "% of rows",
        ),
        _judge(plain("unknown_values"), "unknown values", limits.unknown_values, " spellings"),
        _judge(
            plain("expectations_failed"),
            "expectations",
            limits.expectations_failed,
            " expectations not met",
        ),
        *_completeness(of, limits),
    ]
    came = delivered.filter(pl.col("value") > 0).select("dataset", "quarter")
    absent = delivered.filter(pl.col("value") == 0).select("dataset", "quarter")
    frame = pl.concat(
        [part.select(*KEY, "group", "measure", "value", "rag", "limit") for part in judged]
    )
    frame = pl.concat(
        [
            frame.join(absent.join(came, on=["dataset", "quarter"], how="anti"),
                       on=["dataset", "quarter"], how="anti"),
            frame.filter(pl.col("measure") == "delivered", pl.col("value") == 0),
        ]
    ).with_columns(pl.col("rag").fill_null(NOT_TOLD))  # fmt: skip
    return conform(
        pl.concat([frame, _overall(frame)]).sort("dataset", "quarter", "measure"), QUALITY_RAG
    )


def _judge(frame: pl.DataFrame, group: str, limit: Limit, unit: str) -> pl.DataFrame:
    rag = (
        pl.when(pl.col("value") >= limit.red)
        .then(pl.lit("red"))
        .when(pl.col("value") >= limit.amber)
        .then(pl.lit("amber"))
        .when(pl.col("value").is_not_null())
        .then(pl.lit("green"))
    )
    return frame.with_columns(
        rag=rag,
        limit=pl.lit(f"amber from {limit.amber:g}, red from {limit.red:g}{unit}"),
        group=pl.lit(group),
    )


def _completeness(of: pl.DataFrame, limits: QualityLimits) -> list[pl.DataFrame]:
    """Judge the share that is not given; the value printed is the share that is."""
    parts = []
    given = of.filter(pl.col("measure").str.starts_with(COMPLETE))
    for (measure,), frame in given.group_by("measure", maintain_order=True):
        field = str(measure).removeprefix(COMPLETE)
        limit = limits.incomplete_by_field.get(field, limits.incomplete_percent)
        lacking = frame.with_columns(value=100 - pl.col("value"))
        judged = _judge(lacking, "completeness", limit, "% not given")
        parts.append(judged.with_columns(value=100 - pl.col("value")))
    return parts


def _overall(frame: pl.DataFrame) -> pl.DataFrame:
    rank = pl.col("rag").replace_strict(
        list(RAGS), range(len(RAGS)), default=None, return_dtype=pl.Int64
    )
    return frame.group_by(KEY).agg(
        pl.lit(OVERALL).alias("group"),
        pl.lit(OVERALL).alias("measure"),
        pl.lit(None, dtype=pl.Float64).alias("value"),
        rank.max()
        .replace_strict(range(len(RAGS)), list(RAGS), default=None, return_dtype=pl.String)
        .fill_null(NOT_TOLD)
        .alias("rag"),
        pl.lit("the worst of its measures").alias("limit"),
    )
