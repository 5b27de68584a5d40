"""Children aged 10 to 17 out of population figures that break them down in different ways.

One source gives ward by age by sex, another ward by ethnic group: each question takes the first
source, in the plan's order, that can answer it. Figures of different sources are never added.
"""

from collections.abc import Sequence

import polars as pl

YOUNGEST, OLDEST = 10, 17  # years; the ages of which a rate is made
NOT_BROKEN_DOWN = "all"


# Codes of local authorities: figures of the area as a whole, which no ward is told by.
WHOLE_AREA = r"^(E0[6-9]|W06|S12|N09)\d{6}$"


def residents(
    population: pl.DataFrame,
    *,
    by: Sequence[str] = (),
    age_edges: Sequence[int] = (),
    wards: bool = False,
) -> pl.DataFrame:
    """Return the rows of the one source that gives children aged 10 to 17 broken down as asked.

    A source answers when its age bands, taken together, are exactly the ages 10 to 17, and none
    of them goes across one of `age_edges`. Nothing stands in for ages that a source doesn't give:
    without such a source the result is empty.

    Args:
        population: tables.POPULATION, in the plan's order of sources.
        by: `sex` and `ethnic_group`, whichever must be told.
        age_edges: ages at which a band begins (10, 12, 14, 16), when ages must be told.
        wards: whether wards must be told, so that figures of the area as a whole don't answer.
    """
    if wards:
        population = population.filter(~pl.col("ward_code").str.contains(WHOLE_AREA))
    young = population.filter(pl.col("age_years") >= YOUNGEST, pl.col("age_to") <= OLDEST)
    for start in age_edges:
        across = (pl.col("age_years") < start) & (pl.col("age_to") >= start)
        spoilt = young.filter(across).select("source").unique()
        young = young.join(spoilt, on="source", how="anti", maintain_order="left")
    for name in by:
        young = young.filter(pl.col(name) != NOT_BROKEN_DOWN)
    kind = ("source", "_sex", "_ethnic")
    young = young.with_columns(
        _sex=pl.col("sex") != NOT_BROKEN_DOWN, _ethnic=pl.col("ethnic_group") != NOT_BROKEN_DOWN
    )
    whole = (
        young.unique((*kind, "age_years", "age_to"), maintain_order=True)
        .group_by(kind, maintain_order=True)
        .agg(years=(pl.col("age_to") - pl.col("age_years") + 1).sum())
        .filter(pl.col("years") == OLDEST - YOUNGEST + 1)
    )
    return young.join(whole.head(1), on=kind, how="semi", maintain_order="left").select(
        population.columns
    )
