"""Rows and cells that are wrong on purpose, with what should become of each.

Cells are spoilt in rows that stay usable; rows that can't be used are added beside the others, so
that nothing that is true gets lost.
"""

from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl
from numpy.random import Generator

from profile_pipeline.sample.writing import Layout

# Kind -> fate and rule that intake should give (rule of the quarantine or of the repairs).
EXPECTED: dict[str, tuple[str, str]] = {
    "exact_duplicate": ("duplicate", "exact_duplicate"),
    "no_identifier": ("quarantined", "no_identifier"),
    "no_date": ("quarantined", "blank_required"),
    "impossible_date": ("quarantined", "impossible_date"),
    "adult": ("quarantined", "adult_throughout"),
    "birth_in_future": ("harmonised", "date_of_birth_in_future"),
    "serial_date": ("harmonised", "excel_serial_date"),
    "unknown_text": ("harmonised", "unknown_text"),
    "script": ("harmonised", ""),
    "formula": ("harmonised", ""),
}
SCRIPT = "<script>alert('read me')</script> seen near the station"
FORMULA = '=HYPERLINK("http://example.invalid","open the log")'
UNKNOWN = ("see notes", "N/K", "-", "Not given", "TBC")
EXCEL_EPOCH = date(1899, 12, 30)


def plant(
    rng: Generator, frame: pl.DataFrame, layout: Layout, kinds: Mapping[str, int]
) -> pl.DataFrame:
    """Return the rows with faults planted: `kinds` says how many of each.

    The rows come without repeats within a file, so that the only duplicates are the planted ones.
    """
    seen = [c for c in frame.columns if not c.startswith("_")]
    frame = frame.unique([*seen, "_quarter"], keep="first", maintain_order=True)
    usable = np.flatnonzero((frame["_quarter"].is_not_null() & _clean(frame, layout)).to_numpy())
    chosen = rng.permutation(usable)
    added: list[pl.DataFrame] = []
    start = 0
    for kind, count in kinds.items():
        places = chosen[start : start + count]
        start += count
        if kind in ("exact_duplicate", "no_identifier", "no_date", "impossible_date", "adult"):
            added.append(_added(rng, frame[places.tolist()], layout, kind))
        else:
            frame = _spoilt(rng, frame, layout, kind, places.tolist())
    return pl.concat([frame, *added])


def _clean(frame: pl.DataFrame, layout: Layout) -> pl.Series:
    """Return which rows have a date of birth as written and aren't spoilt yet."""
    clean = frame["_planted"] == ""
    if layout.born and frame[layout.born].dtype == pl.String:
        clean = clean & (frame[layout.born] != "")
    return clean


def _added(rng: Generator, copy: pl.DataFrame, layout: Layout, kind: str) -> pl.DataFrame:
    copy = copy.with_columns(_planted=pl.lit(kind))
    identity = layout.roles["child"]
    nobody = pl.lit(None, dtype=pl.Int64)
    if kind == "no_identifier":
        return copy.with_columns(*(pl.lit("").alias(c) for c in identity), _child=nobody)
    if kind == "no_date" and layout.dated:
        return copy.with_columns(pl.lit("").alias(layout.dated))
    if kind == "impossible_date" and layout.dated:
        wrong = "2015-02-31" if layout.dated in layout.dates else "31/02/2015"
        wrong = {"%d.%m.%Y": "31.02.2015", "%d %B %Y": "31 February 2015"}.get(layout.form, wrong)
        return copy.with_columns(pl.lit(wrong).alias(layout.dated))
    if kind == "adult" and layout.born:
        years = rng.integers(1962, 1990, copy.height)
        born = pl.Series([date(int(y), 5, 17) for y in years])
        form = "%Y-%m-%d" if layout.born in layout.dates else layout.form
        ids = [c for c in identity if any(w in c.lower() for w in ("no", "nominal", "upn", "nhs"))]
        ids += [layout.reference] if layout.reference and layout.reference not in ids else []
        fresh = rng.integers(10**6, 10**7, copy.height)
        return copy.with_columns(
            born.dt.strftime(form).alias(layout.born),
            *(pl.Series(c, [f"X{n}" for n in fresh]) for c in ids if c != "UPN"),
            *(pl.lit("").alias(c) for c in ids if c == "UPN"),
            _child=nobody,
        )
    return copy


def _spoilt(
    rng: Generator, frame: pl.DataFrame, layout: Layout, kind: str, places: list[int]
) -> pl.DataFrame:
    at = pl.int_range(pl.len()).is_in(places)
    column: str | None
    if kind in ("birth_in_future", "serial_date"):
        column = layout.born
        form = "%Y-%m-%d" if column in layout.dates else layout.form
        born = pl.col(str(column)).str.to_date(form)
        later = born.dt.offset_by("40y").dt.strftime(form)
        serial = (born - pl.lit(EXCEL_EPOCH)).dt.total_days().cast(pl.String)
        value = later if kind == "birth_in_future" else serial
    elif kind == "unknown_text":
        column, value = layout.postcode, pl.lit(str(rng.choice(UNKNOWN)))
    else:
        column, value = layout.free_text, pl.lit(SCRIPT if kind == "script" else FORMULA)
    if column is None:
        return frame
    return frame.with_columns(
        pl.when(at).then(value).otherwise(pl.col(column)).alias(column),
        pl.when(at).then(pl.lit(kind)).otherwise("_planted").alias("_planted"),
    )
