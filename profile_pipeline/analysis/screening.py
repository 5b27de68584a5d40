"""Screening: of the groups that are to be screened routinely, how many children were.

The strategy's action 2.10 names the groups; `screening_groups:` in `profile.yaml` says which
datasets list them.
"""

import polars as pl

from profile_pipeline.plan.settings import ProfileSettings, ScreeningGroup
from profile_pipeline.tables import PROFILE, ROW_KEY, SUBJECT_KEY, is_child, union


def screened_children(
    cse_tracker: pl.DataFrame, record_person: pl.DataFrame, settings: ProfileSettings
) -> pl.DataFrame:
    """Return `person_id` of the children with a screening date in the tracker by the as-at date."""
    return (
        cse_tracker.filter(pl.col("screening_date") <= settings.as_at)
        .join(record_person.filter(is_child(pl.col("role"))), on=ROW_KEY, how="inner")
        .select("person_id")
        .unique()
        .sort("person_id")
    )


def screening_coverage(
    subject: pl.DataFrame,
    record_person: pl.DataFrame,
    person: pl.DataFrame,
    cse_tracker: pl.DataFrame,
    settings: ProfileSettings,
) -> pl.DataFrame:
    """Return profile.screening_coverage: one row a group, over the whole period.

    A child is of a group when a record of its datasets speaks of the child in the period, at the
    group's minimum age or over; of a child whose age isn't known it is presumed. Screened is who
    has a screening date in the tracker, whatever the result and whether before or after: coverage
    asks whether anybody looked.

    Args:
        subject: records.subject.
        record_person: people.record_person.
        person: people.person; children who aren't the area's are left out.
        cse_tracker: records.cse_tracker.
        settings: settings of the profile.
    """
    until = min(settings.as_at, settings.period.end)
    spoken_of = (
        subject.filter(
            is_child(pl.col("role")), pl.col("date").is_between(settings.period.start, until)
        )
        .select(*SUBJECT_KEY, "age_years")
        .join(record_person.select(*SUBJECT_KEY, "person_id"), on=SUBJECT_KEY, how="inner")
        .join(person.filter(pl.col("responsible")).select("person_id"), on="person_id", how="semi")
    )
    screened = screened_children(cse_tracker, record_person, settings)
    frames = [_coverage(spoken_of, screened, group) for group in settings.screening_groups]
    return union(frames, PROFILE["screening_coverage"])


def _coverage(
    spoken_of: pl.DataFrame, screened: pl.DataFrame, group: ScreeningGroup
) -> pl.DataFrame:
    children = (
        spoken_of.filter(
            pl.col("dataset").is_in(list(group.datasets)),
            (pl.col("age_years") >= group.minimum_age).fill_null(True),
        )
        .select("person_id")
        .unique()
    )
    found = children.join(screened, on="person_id", how="semi")
    share = len(found) / len(children) * 100 if len(children) else None
    return pl.DataFrame(
        {
            "group": [group.group],
            "children": [len(children)],
            "screened": [len(found)],
            "percent": [share],
        },
        schema=PROFILE["screening_coverage"].polars_schema,
    )
