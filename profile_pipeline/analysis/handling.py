"""Restricted information reports, and what rests on them.

A report is restricted unless intake found that it may be released. What such reports say of one
place is for the analyst alone, its number too (`gaps.premises_clusters`); counts over the whole
area include every report.
"""

from collections.abc import Mapping

import polars as pl

from profile_pipeline.tables import MEASURES, ROW_KEY

REPORT = f"records.{MEASURES['information_report'].name}"


def restricted_rows(reports: pl.DataFrame) -> pl.DataFrame:
    """Return `dataset, file, row` of the reports that may not leave the analyst's desk."""
    held = ~pl.col("releasable").fill_null(value=False)
    return reports.filter(held).select(ROW_KEY).unique(maintain_order=True)


def withhold(frames: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return the frames without a row that comes from a restricted information report.

    Frames that don't name file and row (people, counts of people) are left as they are: they have
    to be made again from what this gives back. `quality.*` stays whole, as it speaks of the
    deliveries and not of what a report says.

    Args:
        frames: frames by `schema.table`, `records.information_report` among them.
    """
    restricted = restricted_rows(frames[REPORT])
    return {
        name: frame.join(restricted, on=ROW_KEY, how="anti", maintain_order="left")
        if set(ROW_KEY) <= set(frame.columns) and not name.startswith("quality.")
        else frame
        for name, frame in frames.items()
    }
