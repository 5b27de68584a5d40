"""Who is known to the CSE team, against who shows signs and who lives in the area.

A group that is missing from the known is a prompt to look, never a finding about a community, and
a difference that chance may explain is said to be one. Shares not recorded are judged first.
"""

from collections.abc import Sequence

import polars as pl

from profile_pipeline.ages import age_on
from profile_pipeline.analysis.counting import (
    ADULT_AGE,
    AGE_BAND_FROM,
    age_band,
    ethnic_category,
)
from profile_pipeline.analysis.intervals import (
    benjamini_hochberg,
    katz_ratio,
    low_ratio_p,
    mid_p_low,
    poisson_limits,
)
from profile_pipeline.plan.settings import ProfileSettings
from profile_pipeline.population import NOT_BROKEN_DOWN, residents
from profile_pipeline.tables import (
    AGE_BANDS,
    ETHNIC_GROUPS,
    NOT_RECORDED,
    PROFILE,
    SEXES,
    TOTAL,
    conform,
    union,
)

UNDER = "possible under-identification"
MAYBE_UNDER = (
    "a smaller share of the open than of those with several indicators, which chance may explain"
)
OVER = "a larger share of the open than of those with several indicators"
NO_DIFFERENCE = "no difference beyond chance"
NO_COMPARISON = "cannot tell: no child of the group has several indicators"
TOO_MUCH_UNKNOWN = "cannot tell: too much is not recorded"
NOT_COMPARED = "not compared"
PER = 10_000  # rates are of so many residents aged 10 to 17
FEWER = "fewer than among all who live there"
MORE = "more than among all who live there"
AS_MANY = "no difference beyond chance"
NO_POPULATION = "cannot tell"
FALSE_DISCOVERY_RATE = 0.10
Z90 = 1.6448536269514722  # an alert short of an alarm, as the inner limits of a funnel plot are


def representation(
    person_overlap: pl.DataFrame,
    person: pl.DataFrame,
    population: pl.DataFrame,
    ward: pl.DataFrame,
    settings: ProfileSettings,
) -> pl.DataFrame:
    """Return profile.representation: known, at risk and population by sex, ethnic group, age, ward.

    `known` are the children open and at risk now, `at_risk` those with at least
    `overlap_at_least` indicators in the last four quarters; both under 18 on the as-at date, and a
    child may be in both. `ratio` is the group's share of the known over its share of those at
    risk, shares of those recorded, with Katz's log limits. Where more than `not_recorded_percent`
    of either is not recorded, nothing is compared. A group is possibly under-identified when the
    upper 95% limit is below 1 and stays so among all groups of the dimension (Benjamini-Hochberg
    at .10); where the 90% limit alone is below 1, chance may explain it.

    The limits take the two groups for independent, which they are not where children are in both:
    they are then a little too wide, so that too few groups are named rather than too many.

    Args:
        person_overlap: people.person_overlap.
        person: people.person.
        population: analysis.population; ages 10 to 17 are used, no other ages stand in for them.
            Each dimension takes the first source that breaks them down so (`population.residents`).
        ward: geo.ward.
        settings: settings of the profile.
    """
    as_at = pl.lit(settings.as_at)
    children = (
        person_overlap.select("person_id", "indicators", "at_risk_now")
        .join(
            person.select(
                "person_id", "date_of_birth", "sex", "ethnic_group", "ethnicity_code", "ward"
            ),
            on="person_id",
            how="inner",
        )
        .with_columns(age_years=age_on(pl.col("date_of_birth"), as_at))
        .filter((pl.col("age_years") < ADULT_AGE).fill_null(True))
    )
    edges = AGE_BAND_FROM[1:-1]
    living = {
        "sex": residents(population, by=("sex",)),
        # White as a whole says nothing of White British: it has no category of its own.
        "ethnic_group": residents(population, by=("ethnic_group",)).with_columns(
            ethnicity_code=pl.when(pl.col("ethnicity_code") != NOT_BROKEN_DOWN).then(
                pl.col("ethnicity_code")
            )
        ),
        "age": residents(population, age_edges=edges),
        "ward": residents(population, wards=True).join(
            ward.select("ward_code", "ward"), on="ward_code", how="left"
        ),
    }
    ethnic = ethnic_category(pl.col("ethnic_group"), pl.col("ethnicity_code"))
    dimensions: dict[str, tuple[pl.Expr, Sequence[str]]] = {
        "sex": (pl.col("sex"), SEXES),
        "ethnic_group": (ethnic, ETHNIC_GROUPS),
        "age": (age_band(pl.col("age_years")), AGE_BANDS),
        "ward": (pl.col("ward"), sorted(ward["ward"].unique().to_list())),
    }
    frames = [
        _dimension(children, living[dimension], value, dimension, categories, settings)
        for dimension, (value, categories) in dimensions.items()
    ]
    return union(frames, PROFILE["representation"])


def _dimension(
    children: pl.DataFrame,
    people: pl.DataFrame,
    value: pl.Expr,
    dimension: str,
    categories: Sequence[str],
    settings: ProfileSettings,
) -> pl.DataFrame:
    category = pl.when(value.is_in(list(categories))).then(value).otherwise(pl.lit(NOT_RECORDED))
    counts = (
        children.with_columns(category=category)
        .group_by("category")
        .agg(
            known=pl.col("at_risk_now").sum().cast(pl.Int64),
            at_risk=(pl.col("indicators") >= settings.overlap_at_least).sum().cast(pl.Int64),
        )
    )
    living = (
        people.with_columns(category=category)
        .group_by("category")
        .agg(pl.col("population").sum())
        .filter(pl.col("category") != NOT_RECORDED)
    )
    frame = (
        pl.DataFrame({"category": [*categories, NOT_RECORDED]}, schema={"category": pl.String})
        .join(counts, on="category", how="left", maintain_order="left")
        .join(living, on="category", how="left", maintain_order="left")
        .with_columns(pl.col("known", "at_risk").fill_null(0), dimension=pl.lit(dimension))
    )
    totals = frame.select(
        pl.col("known", "at_risk").sum(),
        pl.when(pl.col("population").count() > 0).then(pl.col("population").sum()),
        dimension=pl.lit(dimension),
        category=pl.lit(TOTAL),
    )
    frame = pl.concat([frame, totals.select(frame.columns)])
    compared = ~pl.col("category").is_in([NOT_RECORDED, TOTAL])
    known_total = float(frame.filter(compared)["known"].sum())
    at_risk_total = float(frame.filter(compared)["at_risk"].sum())
    unknown = frame.filter(pl.col("category") == NOT_RECORDED)
    limit = settings.gaps.not_recorded_percent / 100
    hidden = any(
        float(unknown[name].sum()) > limit * (float(unknown[name].sum()) + total)
        for name, total in (("known", known_total), ("at_risk", at_risk_total))
    )
    counts_and_totals = (
        frame["known"].to_numpy(),
        known_total,
        frame["at_risk"].to_numpy(),
        at_risk_total,
    )
    ratio, lower, upper = katz_ratio(*counts_and_totals)
    _, _, upper_90 = katz_ratio(*counts_and_totals, z=Z90)
    limits = pl.DataFrame(
        {"ratio": ratio, "lower": lower, "upper": upper, "upper_90": upper_90}
    ).fill_nan(None)
    # Among two dozen wards some are low by chance: the share of false alarms is what is held.
    groups = len(categories)
    adjusted = benjamini_hochberg(low_ratio_p(*counts_and_totals)[:groups])
    surely = pl.Series("surely", [*(adjusted <= FALSE_DISCOVERY_RATE).tolist(), False, False])
    usable = compared & pl.lit(not hidden)
    frame = pl.concat([frame, limits, surely.to_frame()], how="horizontal").with_columns(
        pl.when(usable).then(pl.col("ratio", "lower", "upper"))
    )
    finding = (
        pl.when(~compared)
        .then(pl.lit(NOT_COMPARED))
        .when(pl.lit(hidden))
        .then(pl.lit(TOO_MUCH_UNKNOWN))
        .when(pl.col("ratio").is_null())
        .then(pl.lit(NO_COMPARISON))
        .when((pl.col("upper") < 1) & pl.col("surely"))
        .then(pl.lit(UNDER))
        .when(pl.col("lower") > 1)
        .then(pl.lit(OVER))
        .when(pl.col("upper_90") < 1)
        .then(pl.lit(MAYBE_UNDER))
        .otherwise(pl.lit(NO_DIFFERENCE))
    )
    against = [_against_population(frame, name) for name in ("known", "at_risk")]
    told = pl.concat([frame.with_columns(finding=finding), *against], how="horizontal")
    if "against_population" not in told.columns:
        told = told.with_columns(against_population=pl.lit(None, dtype=pl.String))
    return conform(
        told.with_columns(
            pl.when(compared).then(pl.col("against_population").fill_null(NO_POPULATION))
        ),
        PROFILE["representation"],
    )


def _against_population(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return a rate per 10,000 residents with limits, and what may be said of it, by row.

    `expected` is the number a group would have if its children were as frequent as those of all
    groups together that have a population. Limits are Byar's from 10 children, exact Poisson's
    below; few and many are told when they are beyond chance among all groups of the dimension
    (mid-P, Benjamini-Hochberg at .10).
    """
    living = pl.when(pl.col("population") > 0).then(pl.col("population"))
    frame = frame.select("category", observed=name, living=living)
    group = ~frame["category"].is_in([NOT_RECORDED, TOTAL]) & frame["living"].is_not_null()
    part = frame.filter(group)
    share = float(part["observed"].sum()) / max(1.0, float(part["living"].sum()))
    expected = (part["living"] * share).to_numpy()
    lower, upper = poisson_limits(frame["observed"].to_numpy())
    rates = frame.select(
        (pl.lit(PER) * values / pl.col("living")).alias(f"{name}_{column}")
        for column, values in (
            ("rate", pl.col("observed")),
            ("rate_lower", pl.Series(lower)),
            ("rate_upper", pl.Series(upper)),
        )
    )
    if name == "at_risk" or share == 0:
        # Children with several indicators are those some agency saw: no share is expected.
        return rates
    observed = part["observed"].to_numpy()
    low = benjamini_hochberg(mid_p_low(observed, expected)) <= FALSE_DISCOVERY_RATE
    high = benjamini_hochberg(1 - mid_p_low(observed, expected)) <= FALSE_DISCOVERY_RATE
    words = [FEWER if few else MORE if many else AS_MANY
             for few, many in zip(low.tolist(), high.tolist(), strict=True)]  # fmt: skip
    told = pl.DataFrame({"category": part["category"], "against_population": words})
    said = frame.join(told, on="category", how="left", maintain_order="left")
    return rates.with_columns(said["against_population"])
