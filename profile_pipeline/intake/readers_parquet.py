"""Parquet: bytes to headings and cells, as text.

pyarrow reads: polars' own reader panics on some broken files.
"""

import io

import polars as pl

from profile_pipeline.errors import DeliveryError, Problem

CELLS_LIMIT = 100_000_000
COLUMNS_LIMIT = 2_000
SIZE_LIMIT = 1 << 30  # bytes, unpacked


def read_parquet(data: bytes, name: str) -> tuple[list[str], pl.DataFrame]:
    """Return the column names and the cells, columns `0`, `1` ... of text; null is empty.

    Numbers are the shortest text (`14`), dates `YYYY-MM-DD`, with a time `YYYY-MM-DD HH:MM:SS`
    (midnight counts as no time), truth values `true` and `false`. Raises DeliveryError.
    """
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    broken = Problem(
        name,
        "this is not a Parquet file, or a broken one.",
        "Ask the agency to send it again.",
    )
    try:
        source = pq.ParquetFile(io.BytesIO(data))
        about = source.metadata
        groups = (about.row_group(number) for number in range(about.num_row_groups))
        size = sum(group.total_byte_size for group in groups)
        cells = about.num_rows * max(about.num_columns, 1)
        if cells > CELLS_LIMIT or size > SIZE_LIMIT or about.num_columns > COLUMNS_LIMIT:
            raise DeliveryError(Problem(name, "this file is too large.", "Ask for smaller files."))
        table = source.read()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, KeyError, MemoryError):
        raise DeliveryError(broken) from None
    headings = list(table.column_names)
    table = table.rename_columns([str(number) for number in range(len(headings))])
    try:
        frame = pl.from_arrow(table)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        raise DeliveryError(broken) from None
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("a Parquet file reads as a frame")
    nested = [number for number, dtype in enumerate(frame.dtypes, 1) if dtype.is_nested()]
    if nested:
        what = f"column {nested[0]} holds lists or records, not plain values."
        raise DeliveryError(Problem(name, what, "Ask for one value a cell."))
    try:
        return headings, frame.select(_text(series) for series in frame)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        what = "a column holds values that can't be written as text."
        raise DeliveryError(Problem(name, what, "Ask for a CSV file.")) from None


def _text(series: pl.Series) -> pl.Series:
    dtype = series.dtype
    if dtype == pl.Datetime:
        moments = series.dt.replace_time_zone(None).dt.cast_time_unit("us").dt.round("1s")
        text = moments.dt.strftime("%Y-%m-%d %H:%M:%S")
        return text.str.replace(" 00:00:00", "", literal=True)
    if dtype == pl.Date:
        return series.dt.strftime("%Y-%m-%d")
    if dtype == pl.Time:
        return series.dt.strftime("%H:%M:%S")
    if dtype.is_float():
        text = series.fill_nan(None).cast(pl.String)
        return text.str.replace(r"\.0$", "")
    return series.cast(pl.String)
