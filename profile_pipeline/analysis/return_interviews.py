"""Return interviews after missing episodes: how many were due, in time, late or not recorded.

Statutory guidance (DfE, January 2014) asks for an interview within 72 hours of the return.
"""

from collections.abc import Collection

import polars as pl

from profile_pipeline.analysis.counting import quarters_counted
from profile_pipeline.plan.settings import ProfileSettings
from profile_pipeline.quarters import quarter_expr
from profile_pipeline.tables import PROFILE, conform

COUNTS = ("episodes", "due", "within_72_hours", "late", "none")


def distinct_episodes(missing_episode: pl.DataFrame) -> pl.DataFrame:
    """Return one row an episode: a reference that comes again in a later file counts once.

    The row from the latest file stands, which is the one that may know of an interview. Rows
    without a reference are episodes of their own. Adds `reported_in`, the quarter of the report;
    the row's own date stands in where the time of the report is not given.
    """
    ordered = missing_episode.sort("file", "row")
    with_reference = ordered.filter(pl.col("reference").is_not_null())
    alone = ordered.filter(pl.col("reference").is_null())
    once = with_reference.unique(["dataset", "reference"], keep="last", maintain_order=True)
    reported = pl.coalesce(pl.col("reported_at").dt.date(), pl.col("date"))
    return pl.concat([once, alone]).with_columns(reported_in=quarter_expr(reported))


def return_interviews(
    missing_episode: pl.DataFrame,
    settings: ProfileSettings,
    recording: Collection[str] | None = None,
) -> pl.DataFrame:
    """Return profile.return_interviews, one row a quarter in which episodes were reported.

    An interview is due when the child has returned. It is in time up to and including the limit of
    the plan (72.0 hours after the return), late beyond it, `none` when no interview is recorded;
    the three add up to `due`. An interview held before a recorded return counts as in time. An
    episode of a dataset that records no interviews, such as the SSDA903, awaits none while another
    dataset records them: it would count as a child to whom nobody listened.

    Args:
        missing_episode: records.missing_episode, rows kept apart already taken out.
        settings: settings of the profile.
        recording: ids of the datasets that record interviews; all do when not given, or empty.
    """
    hours = (pl.col("interview_at") - pl.col("returned_at")).dt.total_seconds() / 3600
    due = pl.col("returned_at").is_not_null()
    if recording:
        due &= pl.col("dataset").is_in(sorted(recording))
    held = due & pl.col("interview_at").is_not_null()
    in_time = held & (hours <= settings.return_interviews.hours)
    counts = (
        distinct_episodes(missing_episode)
        .group_by(quarter="reported_in")
        .agg(
            episodes=pl.len(),
            due=due.sum(),
            within_72_hours=in_time.sum(),
            late=(held & ~in_time).sum(),
            none=(due & ~held).sum(),
        )
    )
    quarters = pl.DataFrame({"quarter": quarters_counted(settings)}, schema={"quarter": pl.String})
    frame = quarters.join(counts, on="quarter", how="left", maintain_order="left").with_columns(
        pl.col(*COUNTS).fill_null(0)
    )
    return conform(frame, PROFILE["return_interviews"])
