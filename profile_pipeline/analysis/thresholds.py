"""How counts move with the linkage: indicators per child over its thresholds, and who is sure.

Nothing is linked here: the linkage tells which records are one person at each threshold.
"""

from collections.abc import Mapping

import polars as pl

from profile_pipeline.analysis.counting import last_four_quarters
from profile_pipeline.analysis.overlap import overlap_distribution, person_overlap
from profile_pipeline.analysis.persons import build_persons
from profile_pipeline.plan.settings import ProfileSettings
from profile_pipeline.tables import (
    COHORT_LINK,
    OPEN_CHILD,
    OVERLAP_BY_THRESHOLD,
    SUBJECT_KEY,
    conform,
    empty,
    union,
)


def overlap_by_threshold(
    frames: Mapping[str, pl.DataFrame],
    indicators: pl.DataFrame,
    datasets: pl.DataFrame,
    settings: ProfileSettings,
) -> pl.DataFrame:
    """Return analysis.overlap_by_threshold: children by number of indicators, each threshold.

    Counted as in profile.overlap_distribution, with persons as the linkage has them at the
    threshold.

    Args:
        frames: by `schema.table`: records.subject, records.indicator_event, records.cse_tracker,
            records.looked_after, people.threshold_person, geo.postcode, geo.ward.
        indicators: `indicator, label, counts_in_overlap, kind`.
        datasets: `dataset, agency`.
        settings: settings of the profile.
    """
    parts = []
    for (threshold,), records in frames["people.threshold_person"].group_by(
        "threshold", maintain_order=True
    ):
        of_record = records.select(*SUBJECT_KEY, "record_id", pl.col("cluster").alias("person_id"))
        persons = build_persons(
            frames["records.subject"],
            of_record,
            datasets,
            frames["geo.postcode"],
            frames["geo.ward"],
            frames["records.cse_tracker"],
            frames["records.looked_after"],
            settings.area,
            settings.area.id_issuers,
        )
        counted = person_overlap(
            frames["records.indicator_event"],
            of_record,
            persons,
            frames["records.cse_tracker"],
            empty(OPEN_CHILD),
            indicators,
            datasets,
            settings,
        )
        parts.append(
            overlap_distribution(counted).select(
                pl.lit(threshold, dtype=pl.Float64).alias("threshold"), "indicators", "children"
            )
        )
    return union(parts, OVERLAP_BY_THRESHOLD)


def cohort_link(
    person_overlap: pl.DataFrame,
    person_link: pl.DataFrame,
    threshold_person: pl.DataFrame,
    record_person: pl.DataFrame,
    indicator_event: pl.DataFrame,
    indicators: pl.DataFrame,
    settings: ProfileSettings,
) -> pl.DataFrame:
    """Return people.cohort_link: what each child of the priority cohort rests on.

    At the strict threshold a child's records may be several persons; the one that keeps most
    indicators tells how many remain.

    Args:
        person_overlap: people.person_overlap.
        person_link: people.person_link.
        threshold_person: people.threshold_person.
        record_person: people.record_person.
        indicator_event: records.indicator_event.
        indicators: `indicator, label, counts_in_overlap, kind`.
        settings: settings of the profile (`overlap_at_least`).
    """
    counting = indicators.filter(pl.col("counts_in_overlap")).select("indicator")
    until = min(settings.as_at, settings.period.end)
    strict = threshold_person.filter("strict").select(*SUBJECT_KEY, pl.col("cluster").alias("part"))
    remaining = (
        indicator_event.filter(
            pl.col("quarter").is_in(last_four_quarters(settings.as_at)),
            pl.col("date").is_between(settings.period.start, until),
        )
        .join(counting, on="indicator", how="semi")
        .join(record_person.select(*SUBJECT_KEY, "person_id"), on=SUBJECT_KEY)
        .join(strict, on=SUBJECT_KEY)
        .group_by("person_id", "part")
        .agg(pl.col("indicator").n_unique().cast(pl.Int64).alias("kept"))
        .group_by("person_id")
        .agg(pl.col("kept").max().alias("indicators_at_strict"))
    )
    frame = (
        person_overlap.filter(pl.col("indicators") >= settings.overlap_at_least)
        .select("person_id", "indicators")
        .join(person_link, on="person_id", how="left")
        .join(remaining, on="person_id", how="left")
        .with_columns(
            pl.col("stays_at_strict").fill_null(False), pl.col("indicators_at_strict").fill_null(0)
        )
    )
    return conform(frame.sort("person_id"), COHORT_LINK)
