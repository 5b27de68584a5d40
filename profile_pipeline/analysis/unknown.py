"""Figures that are not known, taken out of the profile's tables: null where a nought would lie.

The tables count what is held; this step says of which of their figures nothing is held at all
(`holding.py`). A row stays, its figure becomes null, and every edition prints it as `[x]`.
"""

from collections.abc import Callable, Collection, Sequence

import polars as pl

from profile_pipeline.analysis.counting import last_four_quarters, quarters_ended
from profile_pipeline.analysis.holding import (
    DATASET,
    FIELD,
    INDICATOR,
    MEASURE,
    ROLE,
    ever_held,
    indicators_of_the_year,
    quarters_held,
)
from profile_pipeline.analysis.overlap import NO_SOURCE
from profile_pipeline.plan.settings import ProfileSettings
from profile_pipeline.quarters import last_day, previous_quarter
from profile_pipeline.tables import YES_NO

NOTHING_KNOWN = "cannot tell: the tracker of now is not held"
NOTHING_AT_RISK = "cannot tell: no indicator is held"
NO_LIST = (
    "Not estimated, and nothing is counted: the CSE team's tracker is not held, so who is on any "
    "list is not known."
)
OF_OFFENCES = ("place_type", "online", "ward")

Known = pl.Expr


def tracker_now(held: pl.DataFrame, settings: ProfileSettings) -> bool:
    """Whether the tracker of the last quarter that has ended is held."""
    ended = quarters_ended(settings)
    return bool(ended) and ended[-1] in quarters_held(held, MEASURE, "cse_tracker")


def person_overlap(
    frame: pl.DataFrame, held: pl.DataFrame, settings: ProfileSettings
) -> pl.DataFrame:
    """Return people.person_overlap; without a tracker nobody is known or not known to the team."""
    ever, now = ever_held(held, MEASURE, "cse_tracker"), tracker_now(held, settings)
    harmed = pl.col("status") == "harmed"
    return frame.with_columns(
        known_to_cse=_if(ever, "known_to_cse"),
        at_risk_now=_if(now, "at_risk_now"),
        status=pl.when(harmed | pl.lit(ever)).then(pl.col("status")),
    )


def open_child(
    frame: pl.DataFrame,
    held: pl.DataFrame,
    indicators: Sequence[str] = ("missing_from_home_or_care",),
) -> pl.DataFrame:
    """Return analysis.open_child; who was missing is told of years held from end to end."""
    quarters = quarters_held(held, INDICATOR, *indicators)
    whole = [
        quarter
        for quarter in frame["quarter"].unique().to_list()
        if set(last_four_quarters(last_day(quarter))) <= quarters
    ]
    return frame.with_columns(
        missing_in_year=pl.when(pl.col("quarter").is_in(whole)).then(pl.col("missing_in_year"))
    )


def combinations(
    frame: pl.DataFrame, held: pl.DataFrame, settings: ProfileSettings
) -> pl.DataFrame:
    """Return analysis.combination without the counts that need the tracker, where it isn't held."""
    return _of_overlap(frame, held, settings)


def cohort_by_quarter(frame: pl.DataFrame, held: pl.DataFrame, _: ProfileSettings) -> pl.DataFrame:
    """The tracker of each quarter; who closed needs that of the quarter before as well."""
    quarters = quarters_held(held, MEASURE, "cse_tracker")
    both = {quarter for quarter in quarters if previous_quarter(quarter) in quarters}
    return _blank(
        _blank(frame, ("children", "opened", "carried_over"), _in(quarters)), ("closed",), _in(both)
    )


def victim_profile(frame: pl.DataFrame, held: pl.DataFrame, _: ProfileSettings) -> pl.DataFrame:
    """The tracker of each quarter; who was missing needs four quarters of missing children.

    Where those four aren't held every child is `not recorded`, so that categories add up to `all`.
    """
    quarters = quarters_held(held, MEASURE, "cse_tracker")
    missing = quarters_held(held, INDICATOR, "missing_from_home_or_care")
    year = {
        quarter for quarter in quarters if set(last_four_quarters(last_day(quarter))) <= missing
    }
    of_year = (pl.col("dimension") == "missing_in_year") & pl.col("category").is_in(YES_NO)
    known = pl.when(of_year).then(_in(year)).otherwise(_in(quarters))
    return _shares(_blank(frame, ("children",), known), "children")


def suspect_profile(frame: pl.DataFrame, held: pl.DataFrame, _: ProfileSettings) -> pl.DataFrame:
    """Quarters of which some dataset that names suspects is held."""
    quarters = quarters_held(held, ROLE, "suspect")
    return _shares(_blank(frame, ("suspects",), _in(quarters)), "suspects")


def location_profile(frame: pl.DataFrame, held: pl.DataFrame, _: ProfileSettings) -> pl.DataFrame:
    """Crimes and missing episodes of each quarter."""
    offences = quarters_held(held, MEASURE, "offence")
    episodes = quarters_held(held, MEASURE, "missing_episode")
    known = pl.when(pl.col("dimension").is_in(OF_OFFENCES)).then(_in(offences)).otherwise(
        _in(episodes)
    )  # fmt: skip
    return _shares(_blank(frame, ("events",), known), "events")


def indicator_prevalence(
    frame: pl.DataFrame, held: pl.DataFrame, settings: ProfileSettings
) -> pl.DataFrame:
    """Indicators held for some of the last four quarters; who could have told names the sources."""
    known = pl.col("indicator").is_in(indicators_of_the_year(held, settings))
    suppliers = (
        held.filter(pl.col("kind") == INDICATOR)
        .select("datasets", indicator="name")
        .unique(maintain_order=True)
    )
    silent = known & (pl.col("sources") == NO_SOURCE)
    return (
        _blank(frame, ("children", "events", "repeat_children"), known)
        .join(suppliers, on="indicator", how="left", maintain_order="left")
        .with_columns(sources=pl.when(silent).then("datasets").otherwise("sources"))
        .drop("datasets")
    )


def indicator_overlap(
    frame: pl.DataFrame, held: pl.DataFrame, settings: ProfileSettings
) -> pl.DataFrame:
    """Pairs of which both indicators are held for some of the last four quarters."""
    of_year = indicators_of_the_year(held, settings)
    known = pl.col("indicator_a").is_in(of_year) & pl.col("indicator_b").is_in(of_year)
    return _blank(frame, ("children",), known)


def overlap_distribution(
    frame: pl.DataFrame, held: pl.DataFrame, settings: ProfileSettings
) -> pl.DataFrame:
    """Children by indicators, where any is held; of them known and open, where the tracker is."""
    any_held = pl.lit(bool(indicators_of_the_year(held, settings)))
    return _of_overlap(
        _blank(frame, ("children", "known_to_cse", "at_risk_now"), any_held), held, settings
    )


def prevalence_estimate(
    frame: pl.DataFrame, held: pl.DataFrame, _: ProfileSettings
) -> pl.DataFrame:
    """Children on any list are not known without the team's own."""
    ever = ever_held(held, MEASURE, "cse_tracker")
    said = pl.col("caveat") if ever else pl.lit(NO_LIST)
    return _blank(frame, ("observed",), pl.lit(ever)).with_columns(caveat=said)


def representation(
    frame: pl.DataFrame, held: pl.DataFrame, settings: ProfileSettings
) -> pl.DataFrame:
    """Known by the tracker of now, several indicators by those held; a ratio needs both."""
    now, any_held = tracker_now(held, settings), bool(indicators_of_the_year(held, settings))
    rates = ("rate", "rate_lower", "rate_upper")
    blanked = _blank(
        _blank(frame, ("known", *(f"known_{rate}" for rate in rates)), pl.lit(now)),
        ("at_risk", *(f"at_risk_{rate}" for rate in rates)),
        pl.lit(any_held),
    )
    if not now:
        blanked = blanked.with_columns(
            against_population=pl.when(pl.col("against_population").is_not_null()).then(
                pl.lit(NOTHING_KNOWN)
            )
        )
    if now and any_held:
        return blanked
    said = NOTHING_KNOWN if not now else NOTHING_AT_RISK
    return _blank(blanked, ("ratio", "lower", "upper"), pl.lit(False)).with_columns(
        finding=pl.lit(said)
    )


def screening_coverage(
    frame: pl.DataFrame, held: pl.DataFrame, settings: ProfileSettings
) -> pl.DataFrame:
    """Groups of which some list is held; who was screened, where the tracker gives the date."""
    groups = [
        group.group
        for group in settings.screening_groups
        if any(quarters_held(held, DATASET, dataset) for dataset in group.datasets)
    ]
    listed = pl.col("group").is_in(groups)
    screened = pl.lit(ever_held(held, FIELD, "cse_tracker.screening_date"))
    return _blank(_blank(frame, ("children",), listed), ("screened", "percent"), listed & screened)


def return_interviews(frame: pl.DataFrame, held: pl.DataFrame, _: ProfileSettings) -> pl.DataFrame:
    """Episodes; interviews due, where the return is told; held or none, where interviews are.

    Where some dataset records interviews, those due are its own, and known where it is held.
    """
    episodes = quarters_held(held, MEASURE, "missing_episode")
    due = quarters_held(held, FIELD, "missing_episode.returned_at") & episodes
    told = quarters_held(held, FIELD, "missing_episode.interview_at") & due
    frame = _blank(frame, ("episodes",), _in(episodes))
    frame = _blank(frame, ("due",), _in(told or due))
    return _blank(frame, ("within_72_hours", "late", "none"), _in(told))


def disruption_outcomes(
    frame: pl.DataFrame, held: pl.DataFrame, _: ProfileSettings
) -> pl.DataFrame:
    """Quarters of which actions are held."""
    return _blank(frame, ("count",), _in(quarters_held(held, MEASURE, "disruption")))


Blank = Callable[[pl.DataFrame, pl.DataFrame, ProfileSettings], pl.DataFrame]
TABLES: dict[str, Blank] = {
    rule.__name__: rule
    for rule in (
        cohort_by_quarter,
        victim_profile,
        suspect_profile,
        location_profile,
        indicator_prevalence,
        indicator_overlap,
        overlap_distribution,
        prevalence_estimate,
        representation,
        screening_coverage,
        return_interviews,
        disruption_outcomes,
    )
}


def _of_overlap(frame: pl.DataFrame, held: pl.DataFrame, settings: ProfileSettings) -> pl.DataFrame:
    ever = pl.lit(ever_held(held, MEASURE, "cse_tracker"))
    frame = _blank(frame, ("known_to_cse",), ever)
    return _blank(frame, ("at_risk_now",), pl.lit(tracker_now(held, settings)))


def _in(quarters: Collection[str]) -> Known:
    return pl.col("quarter").is_in(sorted(quarters))


def _if(known: bool, column: str) -> Known:
    return pl.when(pl.lit(known)).then(pl.col(column))


def _blank(frame: pl.DataFrame, columns: Sequence[str], known: Known) -> pl.DataFrame:
    return frame.with_columns(pl.when(known).then(pl.col(*columns)))


def _shares(frame: pl.DataFrame, count: str) -> pl.DataFrame:
    """Return a table of dimensions whose shares went with their counts."""
    return _blank(frame, ("percent", "not_recorded_percent"), pl.col(count).is_not_null())
