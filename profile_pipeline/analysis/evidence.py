"""What the rules of gaps, actions and findings rest on: the tables and the plan.

Their texts carry figures as marks (see `marks`), which the sharing step prints exactly for the
analyst and as "fewer than 5" and the like for others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from profile_pipeline.plan.settings import ProfileSettings
from profile_pipeline.tables import Table, empty


@dataclass(frozen=True)
class Evidence:
    """Everything a rule may look at.

    Attributes:
        tables: frames by `schema.table` (`profile.screening_coverage`); one that is absent reads
            as empty, so that every rule holds for a profile with little in it.
        settings: settings of the profile.
        datasets: `dataset, agency, title`.
        indicators: `indicator, label, counts_in_overlap, kind`.
    """

    tables: Mapping[str, pl.DataFrame]
    settings: ProfileSettings
    datasets: pl.DataFrame
    indicators: pl.DataFrame

    def table(self, table: Table) -> pl.DataFrame:
        """Return a table's frame; the empty table when there is none."""
        frame = self.tables.get(f"{table.schema}.{table.name}")
        return empty(table) if frame is None else frame

    def named(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with `agency` and `title` of its `dataset` (the id where unnamed).

        Datasets of an agency that share a title are told apart by their ids: `Contacts (camhs_2)`.
        """
        title = pl.col("title")
        alike = pl.len().over("agency", "title") > 1
        names = self.datasets.select(
            "dataset",
            _agency="agency",
            _title=pl.when(alike).then(pl.format("{} ({})", title, "dataset")).otherwise(title),
        )
        own = pl.col("agency") if "agency" in frame.columns else pl.lit(None, dtype=pl.String)
        return (
            frame.join(names, on="dataset", how="left", maintain_order="left")
            .with_columns(
                agency=pl.coalesce(pl.col("_agency"), own, pl.col("dataset")),
                title=pl.coalesce("_title", "dataset"),
            )
            .drop("_agency", "_title")
        )
