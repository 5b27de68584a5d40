"""Where a row stands, in the words of whoever opens the agency's file.

One way of saying it for every workbook and explanation. `row` counts data rows from 0, as tables
do; a person looks for the line or the spreadsheet row that their program shows.
"""

import polars as pl

LINES = {
    "dataset": pl.String,
    "file": pl.String,
    "row": pl.Int64,
    "line": pl.Int64,
    "word": pl.String,
}


def found_at(rows: pl.DataFrame, lines: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the rows, in their order, with `found_at`: `line 17`, `spreadsheet row 12`.

    Where the line isn't certain, or the format has none: `data row 4`, the first being 1, headings,
    titles and blank rows not counted.

    Args:
        rows: with `dataset, file, row`.
        lines: columns of LINES, from 1; None where nothing is known.
    """
    known = pl.DataFrame(schema=LINES) if lines is None else lines.select(LINES.keys())
    return (
        rows.join(known, on=["dataset", "file", "row"], how="left", maintain_order="left")
        .with_columns(
            pl.coalesce(
                pl.format("{} {}", "word", "line"), pl.format("data row {}", pl.col("row") + 1)
            ).alias("found_at")
        )
        .drop("line", "word")
    )
