"""What the editions count: the profile's tables made again without restricted information reports.

The exact tables of `profile` are complete and the analyst's own. A report that is coded, uncoded,
unsanitised or without consent changes nothing that is printed of places, persons or indicators: its
rows are left out and every table behind which they stand is made again, by the same recipes. Which
records are one person is not decided again: that is the linkage's, with all that is known.
"""

from collections.abc import Mapping
from graphlib import TopologicalSorter

import dagster as dg
import polars as pl

from assets.analysis import analysis_recipes
from assets.people import people_recipes
from assets.profile import profile_recipes
from assets.resources import Profile
from assets.tables import OWNERS, Frames, Recipe, by_name, inputs
from profile_pipeline import tables
from profile_pipeline.analysis.handling import REPORT, restricted_rows, withhold
from profile_pipeline.analysis.overlap import NO_SOURCE
from profile_pipeline.plan.load import Plan

# What speaks of deliveries and of joining records, not of what a report says, stays whole.
PROCESS = (
    "profile.data_quality",
    "profile.information_reports",
    "people.unlinkable_share",
    "people.linkage_accuracy",
)
# Of tables of texts the wording counts: an edition writes the figures itself.
COUNTED = {
    **{name: f"profile.{name}" for name in tables.PROFILE},
    **{name: f"wording.{name}" for name in tables.WORDING},
}
PREVALENCE = "profile.indicator_prevalence"
REPORTS_HELD = "restricted reports, if any"


def _recipes() -> dict[str, Recipe]:
    """Return the recipes behind the editions' tables by `schema.table`, in order of making."""
    known = {
        recipe.name: recipe
        for recipe in (*people_recipes(), *analysis_recipes(), *profile_recipes())
        if recipe.name not in PROCESS
    }
    wanted, found = list(COUNTED.values()), {}
    while wanted:
        name = wanted.pop()
        if name in known and name not in found:
            found[name] = known[name]
            wanted += known[name].needs
    order = TopologicalSorter({name: recipe.needs for name, recipe in found.items()})
    return {name: found[name] for name in order.static_order() if name in found}


RECIPES = _recipes()
NEEDS = tuple(
    sorted({*COUNTED.values(), REPORT, *(need for r in RECIPES.values() for need in r.needs)})
)


def counted_for_editions(frames: Frames, plan: Plan) -> dict[str, pl.DataFrame]:
    """Return the editions' tables by name, before disclosure control.

    Args:
        frames: the tables of NEEDS by `schema.table`, exact.
        plan: the plan.
    """
    if restricted_rows(frames[REPORT]).is_empty():
        return {name: frames[table] for name, table in COUNTED.items()}
    held = withhold(frames)
    changed = {REPORT} | {name for name in held if held[name].height < frames[name].height}
    for name, recipe in RECIPES.items():
        if changed.intersection(recipe.needs):
            made = tables.conform(recipe.make(held, plan), recipe.table)
            held[name] = _sources(made, plan) if name == PREVALENCE else made
            changed.add(name)
    return {name: held[table] for name, table in COUNTED.items()}


def _sources(prevalence: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Say of an indicator that the plan takes from reports that these may be held back.

    Without any source it would read as one that nobody supplies, and its counts as noughts; what
    restricted reports alone tell is not known to an edition's reader.
    """
    from_reports = {
        event.indicator
        for dataset in plan.datasets
        if any(
            event.measure == tables.MEASURES["information_report"].name for event in dataset.events
        )
        for event in dataset.events
        if event.indicator
    }
    unseen = (pl.col("sources") == NO_SOURCE) | (pl.col("children") == 0)
    silent = unseen & pl.col("indicator").is_in(list(from_reports))
    return prevalence.with_columns(
        pl.when(~silent).then(pl.col("children", "events", "repeat_children")),
        sources=pl.when(silent).then(pl.lit(REPORTS_HELD)).otherwise("sources"),
    )


@dg.multi_asset(
    name="count_for_editions",
    outs={
        name: dg.AssetOut(
            key=list(table.asset_key),
            group_name=table.group,
            description=table.description,
            kinds={"polars"},
            owners=OWNERS,
        )
        for name, table in tables.EDITION.items()
    },
    ins=inputs(NEEDS),
)
def count_for_editions(profile: Profile, **frames: pl.DataFrame):
    """The profile's tables without anything that rests on a restricted information report."""
    counted: Mapping[str, pl.DataFrame] = counted_for_editions(by_name(frames), profile.plan)
    for name, table in tables.EDITION.items():
        yield dg.MaterializeResult(asset_key=list(table.asset_key), value=counted[name])
