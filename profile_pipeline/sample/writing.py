"""Files as agencies would send them, and a map from every row of them to the person it speaks of.

Same frames, same bytes: workbooks carry a fixed creation date, and a file's own date is set to the
day on which it is said to have arrived.
"""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from profile_pipeline.quarters import file_form, last_day
from profile_pipeline.sample.setting import QUARTERS

CREATED = datetime(2016, 4, 1, tzinfo=UTC)
HIDDEN = ("_child", "_suspect", "_quarter", "_at", "_differences", "_planted")


@dataclass(frozen=True)
class Layout:
    """How a dataset's files are laid out, and which columns say what.

    `roles` names, for each role, the columns that say who; `dates` and `numbers` are columns that a
    workbook holds as such; `renamed` gives headings that change, with the first quarter of the new
    one; `lacks` names quarters and the column their file is without; `missed` quarters never come.
    """

    dataset: str
    ending: str
    roles: Mapping[str, tuple[str, ...]]
    dated: str | None = None
    born: str | None = None
    form: str = "%d/%m/%Y"
    free_text: str | None = None
    postcode: str | None = None
    reference: str | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    titles: tuple[str, ...] = ()
    sheet: str = "Sheet1"
    totals: bool = False
    dates: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    renamed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)
    missed: tuple[str, ...] = ()
    days_to_send: int = 9


def rows(
    visible: Mapping[str, pl.Series],
    *,
    quarter: pl.Series,
    at: pl.Series,
    child: pl.Series | None = None,
    suspect: pl.Series | None = None,
    differences: pl.Series | None = None,
) -> pl.DataFrame:
    """Return rows of a dataset: the columns as sent, and hidden ones for the truth.

    `quarter` is the number of the file (0 to 7), `at` what the rows of a file are sorted by.
    """
    height = len(at)

    def whole(values: pl.Series | None) -> pl.Series:
        none = pl.Series([None], dtype=pl.Int64).new_from_index(0, height)
        return none if values is None else values.cast(pl.Int64)

    blank = pl.Series([""]).new_from_index(0, height)
    return pl.DataFrame(
        {
            **{name: values.alias(name) for name, values in visible.items()},
            "_child": whole(child),
            "_suspect": whole(suspect),
            "_quarter": whole(quarter),
            "_at": at.cast(pl.Datetime("us")),
            "_differences": blank if differences is None else differences,
            "_planted": blank,
        }
    )


def write_dataset(folder: Path, frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Write a dataset's files below `folder` and return every row's truth.

    Columns: dataset, file, row, role, child, suspect, differences, planted; a row without anyone
    has one line with an empty role.
    """
    told = []
    for number, quarter in enumerate(QUARTERS):
        if quarter in layout.missed:
            continue
        part = frame.filter(pl.col("_quarter") == number).sort("_at", maintain_order=True)
        sent = part.drop(HIDDEN)
        if quarter in layout.lacks:
            sent = sent.drop(layout.lacks[quarter])
        for old, (new, since) in layout.renamed.items():
            if quarter >= since:
                sent = sent.rename({old: new})
        name = f"{layout.dataset}/{file_form(quarter)}.{layout.ending}"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_bytes(sent, layout, quarter))
        arrived = last_day(quarter) + timedelta(days=layout.days_to_send + number % 3)
        stamp = datetime(arrived.year, arrived.month, arrived.day, 9, tzinfo=UTC).timestamp()
        os.utime(path, (stamp, stamp))
        told.append(_truth(part, layout, name))
    return pl.concat(told)


def _truth(part: pl.DataFrame, layout: Layout, name: str) -> pl.DataFrame:
    numbered = part.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    blank = pl.lit(None, dtype=pl.Int64)
    lines = []
    nobody = pl.lit(value=True)
    for role, columns in layout.roles.items():
        named = pl.any_horizontal(
            pl.col(c).cast(pl.String).fill_null("") != "" for c in columns if c in part.columns
        )
        nobody = nobody & ~named
        lines.append(
            numbered.filter(named).select(
                "row",
                role=pl.lit(role),
                child=pl.col("_child") if role == "child" else blank,
                suspect=pl.col("_suspect") if role == "suspect" else blank,
                differences=pl.col("_differences") if role == "child" else pl.lit(""),
                planted="_planted",
            )
        )
    lines.append(
        numbered.filter(nobody).select(
            "row",
            role=pl.lit(""),
            child=blank,
            suspect=blank,
            differences=pl.lit(""),
            planted="_planted",
        )
    )
    return pl.concat(lines).select(
        pl.lit(layout.dataset).alias("dataset"), pl.lit(name).alias("file"), pl.all()
    )


def _bytes(sent: pl.DataFrame, layout: Layout, quarter: str) -> bytes:
    if layout.ending == "parquet":
        buffer = io.BytesIO()
        sent.write_parquet(buffer, compression="zstd", statistics=False)
        return buffer.getvalue()
    titles = [title.format(quarter=quarter) for title in layout.titles]
    if layout.ending == "xlsx":
        return _workbook(sent, layout, titles)
    head = "".join(f"{title}\r\n" for title in titles)
    if sent.height:
        body = sent.with_columns(
            pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)).name.keep()
        ).write_csv(separator=layout.delimiter, line_terminator="\r\n")
    else:
        body = layout.delimiter.join(sent.columns) + "\r\n"
    tail = f"Total records{layout.delimiter}{sent.height}\r\n" if layout.totals else ""
    return (head + body + tail).encode(layout.encoding, errors="replace")


def _workbook(sent: pl.DataFrame, layout: Layout, titles: list[str]) -> bytes:
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.set_properties({"created": CREATED.replace(tzinfo=None)})
        sheet = book.add_worksheet(layout.sheet)
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        moment = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        bold = book.add_format({"bold": True})
        for number, title in enumerate(titles):
            sheet.write_string(number, 0, title)
        top = len(titles)
        for column, name in enumerate(sent.columns):
            sheet.write_string(top, column, name, bold)
            for place, value in enumerate(sent[name].to_list(), top + 1):
                if value is None or value == "":
                    continue
                if name in layout.dates and (read := _as_date(value)):
                    sheet.write_datetime(
                        place, column, read, moment if read.hour or read.minute else day
                    )
                elif name in layout.numbers and str(value).replace(".", "", 1).isdigit():
                    sheet.write_number(place, column, float(value))
                else:
                    # Text stays text: a cell that looks like a formula is never made one.
                    sheet.write_string(place, column, str(value))
        if layout.totals:
            sheet.write_string(top + 1 + sent.height, 0, "Total records")
            sheet.write_number(top + 1 + sent.height, 1, sent.height)
    return buffer.getvalue()


def _as_date(text: str) -> datetime | None:
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - a workbook's cells have no zone
        except ValueError:
            continue
    return None


def csv_text(path: Path, frame: pl.DataFrame, delimiter: str = ",") -> None:
    """Write a reference or truth file: UTF-8, one header row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(frame.write_csv(separator=delimiter, line_terminator="\n").encode())
