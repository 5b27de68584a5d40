"""What the report is made from: disclosure-controlled tables and the plan in words."""

import polars as pl

from profile_pipeline import tables
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.names import coverage


def report_files(frames: dict[str, pl.DataFrame], plan: Plan) -> dict[str, bytes]:
    """Return the sub-group's report by file name."""
    raise NotImplementedError
