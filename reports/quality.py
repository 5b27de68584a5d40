"""The analyst's workbook on data quality: what came, what became of it, what needs a decision.

Rules, rows and columns, no cell of any row but spellings that no table knows: for the restricted
folder alone.
"""

from collections.abc import Mapping

import polars as pl

from profile_pipeline.file_rows import FILE_ROW, with_file_row
from profile_pipeline.tables import FATES
from profile_pipeline.workbooks import Sheet, workbook_bytes

NOTICE = (
    "For the analyst alone. 'row of the file' is the row a spreadsheet shows, headings and blank "
    "rows included (blank for files that have none, such as Parquet); 'row' counts data rows from "
    "0, as the warehouse does. `profile-pipeline trace DATASET FILE ROW` shows the cells."
)
VERSIONS = (
    "A name with @ and eight digits is an earlier version of a file, named by its hash: kept as it "
    "was received, and not counted."
)
UNKNOWN = (
    "Spellings that no code list knows count as not recorded. Add one to codes/<list>.csv of the "
    "profile folder (spelling,code), or to `values` of its column in the plan.",
    "May hold a name where a file's columns have slipped: never send this sheet on.",
)


def quality_workbook(frames: Mapping[str, pl.DataFrame]) -> bytes:
    """Return `data_quality.xlsx`.

    Sheets: deliveries, fates by file, rag, repairs by rule, quarantine, unknown values, missing
    columns, headings, expectations. For the restricted folder.

    Args:
        frames: by name: quality.delivery, quality.fate, analysis.quality_rag, quality.repairs,
            quality.quarantine, quality.unknown_value, quality.missing_column, quality.heading,
            quality.expectation, quality.file_row.
    """
    sheets = [
        Sheet("deliveries", _deliveries(frames["quality.delivery"]), [VERSIONS]),
        Sheet("fates by file", _fates(frames["quality.fate"])),
        Sheet("rag", _rag(frames["analysis.quality_rag"])),
        Sheet("repairs by rule", _repairs(frames["quality.repairs"])),
        Sheet("quarantine", _quarantine(frames), [NOTICE]),
        Sheet("unknown values", _unknown(frames["quality.unknown_value"]), UNKNOWN),
        Sheet(
            "missing columns",
            frames["quality.missing_column"].sort("dataset", "file", "column"),
        ),
        Sheet("headings", _headings(frames["quality.heading"])),
        Sheet(
            "expectations",
            frames["quality.expectation"].sort("passed", "dataset", "rule"),
        ),
    ]
    return workbook_bytes(sheets, "Data quality")


def _deliveries(delivery: pl.DataFrame) -> pl.DataFrame:
    return delivery.drop("sha256").sort("dataset", "quarter", "file", nulls_last=True)


def _fates(fate: pl.DataFrame) -> pl.DataFrame:
    """One row a file: rows received and what became of them; the fates add up to the rows."""
    return (
        fate.group_by("dataset", "file", "quarter")
        .agg(
            pl.len().cast(pl.Int64).alias("received"),
            *((pl.col("fate") == name).sum().cast(pl.Int64).alias(name) for name in FATES),
        )
        .sort("dataset", "quarter", "file")
    )


def _rag(rag: pl.DataFrame) -> pl.DataFrame:
    order = pl.col("rag").replace_strict(
        ["red", "amber", "not told", "green"], range(4), return_dtype=pl.Int64
    )
    return (
        rag.with_columns(pl.col("value").round(1))
        .sort(order, "dataset", "quarter", "measure")
        .select("rag", "dataset", "agency", "quarter", "group", "measure", "value", "limit")
    )


def _repairs(repairs: pl.DataFrame) -> pl.DataFrame:
    return (
        repairs.group_by("dataset", "column", "rule", "reason")
        .agg(
            pl.len().cast(pl.Int64).alias("cells"),
            pl.col("file").n_unique().cast(pl.Int64).alias("files"),
        )
        .sort("dataset", "column", "rule", nulls_last=True)
    )


def _quarantine(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    placed = with_file_row(frames["quality.quarantine"], frames["quality.file_row"])
    return placed.select(
        "dataset",
        "file",
        pl.col(FILE_ROW).alias("row of the file"),
        "row",
        "column",
        "rule",
        "reason",
    ).sort("dataset", "file", "row", "rule")


def _unknown(unknown: pl.DataFrame) -> pl.DataFrame:
    return unknown.select("dataset", "column", "codes", "value", "rows", "suggestion").sort(
        "dataset", "column", "rows", "value", descending=[False, False, True, False]
    )


def _headings(heading: pl.DataFrame) -> pl.DataFrame:
    """Columns that a file calls otherwise than the plan."""
    return heading.filter(pl.col("column") != pl.col("heading")).sort(
        "dataset", "column", "quarter", "file"
    )
