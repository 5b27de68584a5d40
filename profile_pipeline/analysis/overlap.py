"""Cross-overs: which indicators each child has, in which agencies' records, and how they combine.

Named indicators are counted, each with its source and dates; nothing is weighted or scored. A
child with many indicators is a child to ask about, not a victim until someone has looked.
"""

import polars as pl

from profile_pipeline.ages import age_on
from profile_pipeline.analysis.counting import (
    ADULT_AGE,
    last_four_quarters,
    quarters_ended,
)
from profile_pipeline.plan.settings import ProfileSettings
from profile_pipeline.quarters import first_day
from profile_pipeline.tables import (
    PERSON_INDICATORS,
    PERSON_OVERLAP,
    PROFILE,
    SUBJECT_KEY,
    conform,
    is_child,
)

SEPARATOR = " + "
NO_SOURCE = "none"
COMBINATIONS = pl.Schema(
    {
        "combination": pl.String,
        "indicators": pl.Int64,
        "children": pl.Int64,
        "known_to_cse": pl.Int64,
        "at_risk_now": pl.Int64,
    }
)


def person_indicators(
    indicator_event: pl.DataFrame,
    record_person: pl.DataFrame,
    person: pl.DataFrame,
    settings: ProfileSettings,
) -> pl.DataFrame:
    """Return people.person_indicators: one row a child of the area and indicator, whole period.

    An event is a row of a dataset; the same date in another file of the same dataset is the same
    event sent again (snapshots repeat from quarter to quarter), so that each date counts as often
    as the file that holds it most often. So with several datasets: an episode that the police and
    the carer's return both date to the same day is one episode, in both `sources`. Reports of one
    episode under different dates can't be told from two. Events after the as-at date or outside
    the period don't count.

    Args:
        indicator_event: records.indicator_event.
        record_person: people.record_person.
        person: people.person.
        settings: settings of the profile.
    """
    events = (
        _events_of_children(indicator_event, record_person, person, settings)
        .group_by("person_id", "indicator", "dataset", "date", "quarter", "file")
        .agg(pl.len().alias("times"))
        .group_by("person_id", "indicator", "dataset", "date", "quarter")
        .agg(pl.col("times").max())
        .group_by("person_id", "indicator", "date", "quarter")
        .agg(pl.col("times").max(), pl.col("dataset"))
    )
    in_year = pl.col("quarter").is_in(last_four_quarters(settings.as_at))
    frame = events.group_by("person_id", "indicator").agg(
        first_date=pl.col("date").min(),
        last_date=pl.col("date").max(),
        events=pl.col("times").sum(),
        events_last_year=pl.col("times").filter(in_year).sum(),
        sources=pl.col("dataset").explode().unique().sort(),
    )
    return conform(frame.sort("person_id", "indicator"), PERSON_INDICATORS)


def person_overlap(
    indicator_event: pl.DataFrame,
    record_person: pl.DataFrame,
    person: pl.DataFrame,
    cse_tracker: pl.DataFrame,
    open_child: pl.DataFrame,
    indicators: pl.DataFrame,
    datasets: pl.DataFrame,
    settings: ProfileSettings,
) -> pl.DataFrame:
    """Return people.person_overlap: one row a child of the area, also without any indicator.

    Counted are indicators marked `counts_in_overlap` with an event in the last four quarters; who
    is counted is decided in `children_counted`. Each child has one status: `harmed` (an event of an
    indicator of kind harm in the period), else `open` (open and at risk now), else
    `screened_or_closed` (ever in the tracker), else `indicators_only`.

    Args:
        indicator_event: records.indicator_event.
        record_person: people.record_person.
        person: people.person.
        cse_tracker: records.cse_tracker.
        open_child: analysis.open_child.
        indicators: `indicator, label, counts_in_overlap, kind`.
        datasets: `dataset, agency`.
        settings: settings of the profile.
    """
    counting = indicators.filter(pl.col("counts_in_overlap"))["indicator"].to_list()
    harms = indicators.filter(pl.col("kind") == "harm")["indicator"].to_list()
    events = _events_of_children(indicator_event, record_person, person, settings)
    in_year = pl.col("quarter").is_in(last_four_quarters(settings.as_at)) & pl.col(
        "indicator"
    ).is_in(counting)
    found = person_indicators(indicator_event, record_person, person, settings)
    had = found.filter(pl.col("indicator").is_in(counting), pl.col("events_last_year") > 0)
    counted = had.group_by("person_id").agg(
        indicators=pl.len(),
        combination=pl.col("indicator").sort().str.join(SEPARATOR),
        repeat_indicators=(pl.col("events_last_year") >= 2).sum(),
    )
    agencies = (
        events.filter(in_year)
        .join(datasets.select("dataset", "agency"), on="dataset", how="left")
        .group_by("person_id")
        .agg(agencies=pl.coalesce("agency", "dataset").n_unique())
    )
    harmed = found.filter(pl.col("indicator").is_in(harms)).select("person_id").unique()
    known = children_in_tracker(cse_tracker, record_person, settings)
    now = open_now(open_child, settings)
    frame = (
        children_counted(person, settings)
        .select("person_id")
        .join(counted, on="person_id", how="left")
        .join(agencies, on="person_id", how="left")
        .with_columns(
            pl.col("indicators", "agencies", "repeat_indicators").fill_null(0),
            pl.col("combination").fill_null(""),
            known_to_cse=pl.col("person_id").is_in(known["person_id"].to_list()),
            at_risk_now=pl.col("person_id").is_in(now["person_id"].to_list()),
        )
        .with_columns(
            status=pl.when(pl.col("person_id").is_in(harmed["person_id"].to_list()))
            .then(pl.lit("harmed"))
            .when(pl.col("at_risk_now"))
            .then(pl.lit("open"))
            .when(pl.col("known_to_cse"))
            .then(pl.lit("screened_or_closed"))
            .otherwise(pl.lit("indicators_only"))
        )
    )
    return conform(frame.sort("person_id"), PERSON_OVERLAP)


def children_counted(person: pl.DataFrame, settings: ProfileSettings) -> pl.DataFrame:
    """Return the rows of people.person that the overlap tables count.

    Children of the area under 18 on the first day of the last four quarters: everyone who was a
    child for some of the window in which indicators are counted. Without a date of birth a person
    in a child's role is presumed to be one.
    """
    window_starts = first_day(last_four_quarters(settings.as_at)[0])
    return person.filter(
        pl.col("role") == "child",
        pl.col("responsible"),
        (age_on(pl.col("date_of_birth"), pl.lit(window_starts)) < ADULT_AGE).fill_null(True),
    )


def children_in_tracker(
    cse_tracker: pl.DataFrame, record_person: pl.DataFrame, settings: ProfileSettings
) -> pl.DataFrame:
    """Return `person_id` of everyone ever in the tracker by the as-at date, whatever the result."""
    return (
        cse_tracker.filter(
            pl.min_horizontal("date", pl.coalesce("screening_date", "date")) <= settings.as_at
        )
        .join(
            record_person.filter(is_child(pl.col("role"))),
            on=["dataset", "file", "row"],
            how="inner",
        )
        .select("person_id")
        .unique()
        .sort("person_id")
    )


def open_now(open_child: pl.DataFrame, settings: ProfileSettings) -> pl.DataFrame:
    """Return the rows of analysis.open_child of the last ended quarter that has any."""
    held = open_child.filter(pl.col("quarter").is_in(quarters_ended(settings)))
    return held.filter(pl.col("quarter") == pl.col("quarter").max())


def indicator_prevalence(
    person_overlap: pl.DataFrame, person_indicators: pl.DataFrame, indicators: pl.DataFrame
) -> pl.DataFrame:
    """Return profile.indicator_prevalence: children with each indicator in the last four quarters.

    Every indicator of the plan has a row; one that no dataset evidences has source `none`, which is
    a gap and not a nought.

    Args:
        person_overlap: people.person_overlap; its children are the ones counted.
        person_indicators: people.person_indicators.
        indicators: `indicator, label, counts_in_overlap, kind`.
    """
    had = person_indicators.join(person_overlap, on="person_id", how="semi")
    last_year = had.filter(pl.col("events_last_year") > 0)
    counts = last_year.group_by("indicator").agg(
        children=pl.len(),
        events=pl.col("events_last_year").sum(),
        repeat_children=(pl.col("events_last_year") >= 2).sum(),
    )
    sources = (
        person_indicators.explode("sources")
        .group_by("indicator")
        .agg(sources=pl.col("sources").unique().sort().str.join(", "))
    )
    frame = (
        indicators.select("indicator")
        .join(counts, on="indicator", how="left", maintain_order="left")
        .join(sources, on="indicator", how="left", maintain_order="left")
        .with_columns(
            pl.col("children", "events", "repeat_children").fill_null(0),
            pl.col("sources").fill_null(NO_SOURCE),
        )
    )
    return conform(frame, PROFILE["indicator_prevalence"])


def indicator_overlap(
    person_overlap: pl.DataFrame, person_indicators: pl.DataFrame, indicators: pl.DataFrame
) -> pl.DataFrame:
    """Return profile.indicator_overlap: children with both of two indicators, every pair a row.

    Args:
        person_overlap: people.person_overlap; its children are the ones counted.
        person_indicators: people.person_indicators.
        indicators: `indicator, label, counts_in_overlap, kind`; those that count make the pairs.
    """
    counting = indicators.filter(pl.col("counts_in_overlap")).select("indicator").sort("indicator")
    had = (
        person_indicators.filter(pl.col("events_last_year") > 0)
        .join(person_overlap, on="person_id", how="semi")
        .join(counting, on="indicator", how="semi")
        .select("person_id", "indicator")
    )
    pair = ["indicator_a", "indicator_b"]
    both = (
        had.rename({"indicator": "indicator_a"})
        .join(had.rename({"indicator": "indicator_b"}), on="person_id")
        .filter(pl.col("indicator_a") < pl.col("indicator_b"))
        .group_by(pair)
        .agg(children=pl.len())
    )
    frame = (
        counting.rename({"indicator": "indicator_a"})
        .join(counting.rename({"indicator": "indicator_b"}), how="cross")
        .filter(pl.col("indicator_a") < pl.col("indicator_b"))
        .join(both, on=pair, how="left", maintain_order="left")
        .with_columns(pl.col("children").fill_null(0))
    )
    return conform(frame, PROFILE["indicator_overlap"])


def overlap_distribution(person_overlap: pl.DataFrame) -> pl.DataFrame:
    """Return profile.overlap_distribution: children by number of indicators, from 0 without a gap.

    The children with 0 are those some agency's record speaks of; children whom no record names are
    not in it.
    """
    counts = person_overlap.group_by("indicators").agg(
        children=pl.len(),
        known_to_cse=pl.col("known_to_cse").sum(),
        at_risk_now=pl.col("at_risk_now").sum(),
    )
    most = person_overlap.select(pl.col("indicators").max().fill_null(-1)).item()
    frame = (
        pl.DataFrame({"indicators": range(most + 1)}, schema={"indicators": pl.Int64})
        .join(counts, on="indicators", how="left", maintain_order="left")
        .fill_null(0)
    )
    return conform(frame, PROFILE["overlap_distribution"])


def combinations(person_overlap: pl.DataFrame, top: int = 20) -> pl.DataFrame:
    """Return the combinations of two or more indicators that most children have.

    Columns: `combination` (ids joined by ` + `), `indicators`, `children`, `known_to_cse`,
    `at_risk_now`; most children first, ties in order of the alphabet and all shown.
    """
    counts = (
        person_overlap.filter(pl.col("indicators") >= 2)
        .group_by("combination", "indicators")
        .agg(
            children=pl.len().cast(pl.Int64),
            known_to_cse=pl.col("known_to_cse").sum().cast(pl.Int64),
            at_risk_now=pl.col("at_risk_now").sum().cast(pl.Int64),
        )
        .sort("children", "combination", descending=[True, False])
    )
    if len(counts) > top:
        counts = counts.filter(pl.col("children") >= counts["children"][top - 1])
    return counts.select(COMBINATIONS.keys()).cast(COMBINATIONS)


def _events_of_children(
    indicator_event: pl.DataFrame,
    record_person: pl.DataFrame,
    person: pl.DataFrame,
    settings: ProfileSettings,
) -> pl.DataFrame:
    """Return the events of the area's children in the period, by the as-at date."""
    until = min(settings.as_at, settings.period.end)
    return (
        indicator_event.filter(
            is_child(pl.col("role")), pl.col("date").is_between(settings.period.start, until)
        )
        .join(record_person.select(*SUBJECT_KEY, "person_id"), on=SUBJECT_KEY, how="inner")
        .join(
            person.filter(pl.col("responsible"), pl.col("role") == "child").select("person_id"),
            on="person_id",
            how="semi",
        )
    )
