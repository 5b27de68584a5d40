"""How an asset of one table is made from its contract and a function of the method."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
import polars as pl

from assets.resources import Profile
from profile_pipeline.plan.load import Plan
from profile_pipeline.tables import Table

Frames = Mapping[str, pl.DataFrame]
Make = Callable[[Frames, Plan], pl.DataFrame]

OWNERS = ["team:analysts"]


def key_of(name: str) -> dg.AssetKey:
    """Return the asset key of `schema.table`."""
    return dg.AssetKey(name.split("."))


def inputs(names: Sequence[str]) -> dict[str, dg.AssetIn]:
    """Return asset inputs of the tables, by argument name (`schema__table`)."""
    return {name.replace(".", "__"): dg.AssetIn(key_of(name)) for name in names}


def by_name(frames: Frames) -> dict[str, pl.DataFrame]:
    """Return frames that came by argument name under `schema.table`."""
    return {name.replace("__", ".", 1): frame for name, frame in frames.items()}


@dataclass(frozen=True)
class Recipe:
    """How one table is made: `make(frames by schema.table, plan)` gives its rows.

    What is counted without restricted reports is made by the same recipes (`assets.editions`).
    """

    table: Table
    needs: Sequence[str]
    make: Make

    @property
    def name(self) -> str:
        """The table as `schema.table`."""
        return f"{self.table.schema}.{self.table.name}"


def asset_of(recipe: Recipe) -> dg.AssetsDefinition:
    """Return the asset of a recipe's table."""
    return table_asset(recipe.table, recipe.needs, recipe.make)


def table_asset(
    table: Table, needs: Sequence[str], make: Make, *, deps: Sequence[dg.AssetKey] = ()
) -> dg.AssetsDefinition:
    """Return the asset of a table: `make(frames by schema.table, plan)` gives its rows."""

    @dg.asset(
        key=dg.AssetKey(list(table.asset_key)),
        ins=inputs(needs),
        deps=list(deps),
        group_name=table.group,
        description=table.description,
        kinds={"polars"},
        owners=OWNERS,
    )
    def made(profile: Profile, **frames: pl.DataFrame) -> pl.DataFrame:
        return make(by_name(frames), profile.plan)

    return made
