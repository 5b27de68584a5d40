"""Where a row stands in the agency's own file, as a spreadsheet shows it: headings, titles, blanks.

Tables of the warehouse name a row by `row`, which counts data rows from 0; what people read says
"row 12 of the file". The two differ by a number that is the same over long runs of rows, and
quality.file_row holds each run. Where a place isn't certain (a file without rows a person could
look up, such as Parquet or XML) the record is counted from 1: "record 3 of the file".
"""

import polars as pl

FILE_ROW = "file_row"
# Stands between a file's path and eight digits of the hash of a version that was replaced.
REPLACED = "@"
EARLIER = rf"{REPLACED}[0-9a-f]{{8}}$"


def runs(rows: list[int]) -> list[tuple[int, int]]:
    """Return `(from_row, shift)` of each run, given the file's row of every data row."""
    shifts = [place - row for row, place in enumerate(rows)]
    return [
        (row, shift) for row, shift in enumerate(shifts) if row == 0 or shift != shifts[row - 1]
    ]


def with_file_row(frame: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with `file_row`, the row as the file shows it, from 1; null not certain.

    Args:
        frame: `dataset, file, row` and more; its order stays.
        places: quality.file_row.
    """
    held = places.select("dataset", "file", "from_row", "shift").sort("from_row")
    return (
        frame.with_row_index("_order")
        .sort("row")
        .join_asof(
            held,
            left_on="row",
            right_on="from_row",
            by=["dataset", "file"],
            check_sortedness=False,
        )
        .sort("_order")
        .with_columns((pl.col("row") + pl.col("shift")).alias(FILE_ROW))
        .drop("_order", "from_row", "shift")
    )


def file_in_words(file: str | pl.Expr) -> pl.Expr:
    """Return a file's path as people read it: `a/2015-16_Q4.csv (an earlier version)`."""
    path = pl.col(file) if isinstance(file, str) else file
    return path.str.replace(EARLIER, " (an earlier version)")


def in_words() -> pl.Expr:
    """Return `row 12 of the file` or `record 3 of the file`, for a frame `with_file_row`."""
    return (
        pl.when(pl.col(FILE_ROW).is_not_null())
        .then(pl.format("row {} of the file", FILE_ROW))
        .otherwise(pl.format("record {} of the file", pl.col("row") + 1))
    )
