"""Hotspots of offending: exact binomial counts on hexagons, against a named baseline.

Under the null the count in a hexagon and its six neighbours is Binomial(events, exposure share), so
p = P(count or more) is exact; false discoveries are held by Benjamini and Hochberg (1995).
Getis-Ord Gi* invents hotspots at a borough's counts and decides nothing here. Tables only: no map,
no file.
"""

from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray
from scipy.stats import binom

from geo.boundaries import OUTSIDE
from geo.exposure import Exposure, exposure_of, window_area_m2
from geo.hexagons import Floats, neighbour_sum
from geo.near import LAYER_WORDS, known_before, layers_near, nearest_home
from profile_pipeline import tables
from profile_pipeline.plan.settings import Edition, HotspotSettings
from profile_pipeline.quarters import first_day, previous_quarter, quarter_of

SUPPRESSED = "[c]"
# Two events are no pattern, however unlikely.
LEAST_EVENTS = 3
# Kinds of place are named from this many events.
LEAST_OF_A_KIND = 5
# Level of the plain tests that call a hotspot new or fading.
STATUS_LEVEL = 0.05


class HotspotFinding(NamedTuple):
    """Hotspots (tables.GEO_HOTSPOTS), the events they rest on, the baseline, and words on both."""

    hotspots: pl.DataFrame
    events: int
    baseline: str
    note: str


class _Spot(NamedTuple):
    """A hotspot while it is being found: its events' positions, and its best cell's p and share."""

    members: NDArray[np.bool_]
    p_value: float
    share: float


def find_hotspots(
    locations: pl.DataFrame,
    children: pl.DataFrame,
    wards: pl.DataFrame,
    postcodes: pl.DataFrame,
    places: pl.DataFrame,
    layers: pl.DataFrame,
    settings: HotspotSettings,
    as_at: date,
    population: pl.DataFrame | None = None,
) -> HotspotFinding:
    """Return the hotspots of the usable events, with what is near them.

    `locations` is tables.OFFENDING_LOCATION of the period, `children` says which child each row
    speaks of (dataset, file, row, person_id), `places` is tables.PLACE, `layers` tables.AREA_LAYER;
    any of these may be empty. Below `minimum_events` usable events, or without wards or postcodes,
    nothing is inferred: the table is empty and the note says why. Restricted: exact counts and
    coordinates.
    """
    events = locations.filter(pl.col("usable")).sort(tables.ROW_KEY)
    if wards.is_empty() or postcodes.is_empty():
        missing = "ward boundaries" if wards.is_empty() else "postcode directory"
        note = f"No {missing} supplied: without a baseline no hotspot is inferred."
        return HotspotFinding(tables.empty(tables.GEO_HOTSPOTS), events.height, "none", note)
    exposure = exposure_of(wards, postcodes, settings, population)
    if events.height < settings.minimum_events:
        note = (
            f"{events.height} events with a usable place: below {settings.minimum_events} no "
            "hotspot is inferred, since chance alone makes patterns."
        )
        return HotspotFinding(
            tables.empty(tables.GEO_HOTSPOTS), events.height, exposure.baseline, note
        )
    spots = _find_spots(events, exposure, settings)
    frames = [
        _describe(spot, events, locations, children, wards, places, layers, settings, as_at)
        for spot in spots
    ]
    table = _in_order(pl.concat([tables.empty(tables.GEO_HOTSPOTS), *frames]))
    note = (
        f"{events.height} events with a usable place, baseline {exposure.baseline}; exact binomial "
        f"test on hexagons of {settings.hex_side_m:g} m side with their neighbours, false "
        f"discovery rate {settings.false_discovery_rate:.0%}."
    )
    return HotspotFinding(table, events.height, exposure.baseline, note)


def judge_cells(
    easting_m: Floats, northing_m: Floats, is_inside: NDArray[np.bool_], exposure: Exposure
) -> tuple[Floats, Floats, Floats]:
    """Return, by cell, the window's count, its share of exposure and the exact p-value.

    Events inside and outside the area are each held to their own exposure, because how many events
    beyond the border are known depends on who reports them. The two binomials are tested as one
    with their mean share, which is conservative (Hoeffding 1956, theorem 5). Cells not
    tested have p 1.
    """
    total = len(easting_m)
    counts = exposure.grid.tally(easting_m, northing_m)
    count = counts + neighbour_sum(counts)
    inside = int(is_inside.sum())
    shares = (inside * exposure.inside + (total - inside) * exposure.outside) / max(total, 1)
    share = np.clip(shares + neighbour_sum(shares), 0.0, 1.0)
    p_value = np.where(exposure.tested, binom.sf(count - 1, total, share), 1.0)
    return count, share, p_value


def discovery_cutoff(p_values: Floats, rate: float) -> float:
    """Return the largest p-value that Benjamini and Hochberg's procedure accepts; 0 for none."""
    ordered = np.sort(p_values)
    passed = ordered <= rate * np.arange(1, len(ordered) + 1) / len(ordered)
    return float(ordered[passed].max()) if passed.any() else 0.0


def _find_spots(events: pl.DataFrame, exposure: Exposure, settings: HotspotSettings) -> list[_Spot]:
    """Return hotspots, strongest first: take the best cell, gather its events, look at the rest.

    A cell and its neighbours overlap, so one place makes many significant cells. The events of the
    best cell are gathered around their own mean within two sides; what remains must pass the same
    cut-off without them. What is found within three sides of an earlier hotspot joins it.
    """
    east, north = events["easting_m"].to_numpy(), events["northing_m"].to_numpy()
    is_inside = events["ward_code"].is_not_null().to_numpy()
    count, share, p_value = judge_cells(east, north, is_inside, exposure)
    cutoff = discovery_cutoff(p_value[exposure.tested], settings.false_discovery_rate)
    free = np.ones(len(east), dtype=bool)
    spots: list[_Spot] = []
    while cutoff > 0:
        left = exposure.grid.tally(east[free], north[free])
        count = left + neighbour_sum(left)
        p_value = np.where(exposure.tested, binom.sf(count - 1, len(east), share), 1.0)
        best = int(np.argmin(p_value))
        if p_value.flat[best] > cutoff or count.flat[best] < LEAST_EVENTS:
            break
        members = _gather(best, east, north, free, exposure, 2 * settings.hex_side_m)
        free &= ~members
        spot = _Spot(members, float(p_value.flat[best]), float(share.flat[best]))
        near = [
            number
            for number, other in enumerate(spots)
            if _apart(spot.members, other.members, east, north) <= 3 * settings.hex_side_m
        ]
        if near:
            other = spots[near[0]]
            spots[near[0]] = other._replace(members=other.members | members)
        else:
            spots.append(spot)
    return spots


def _gather(
    best: int,
    east: Floats,
    north: Floats,
    free: NDArray[np.bool_],
    exposure: Exposure,
    reach_m: float,
) -> NDArray[np.bool_]:
    """Return the free events around the best cell's; the mean moves until it rests (mean shift)."""
    window = np.zeros(exposure.grid.shape)
    window.flat[best] = 1
    window += neighbour_sum(window)
    members = free & np.isin(exposure.grid.flat_index(east, north), np.flatnonzero(window))
    for _ in range(50):
        away = np.hypot(east - east[members].mean(), north - north[members].mean())
        moved = free & (away <= reach_m)
        if not moved.any() or (moved == members).all():
            break
        members = moved
    return members


def _apart(one: NDArray[np.bool_], other: NDArray[np.bool_], east: Floats, north: Floats) -> float:
    return float(
        np.hypot(east[one].mean() - east[other].mean(), north[one].mean() - north[other].mean())
    )


def _describe(
    spot: _Spot,
    events: pl.DataFrame,
    locations: pl.DataFrame,
    children: pl.DataFrame,
    wards: pl.DataFrame,
    places: pl.DataFrame,
    layers: pl.DataFrame,
    settings: HotspotSettings,
    as_at: date,
) -> pl.DataFrame:
    """Return one row of tables.GEO_HOTSPOTS, not yet named."""
    its = events.filter(pl.Series(spot.members))
    east, north = _mean(its, "easting_m"), _mean(its, "northing_m")
    away = np.hypot(its["easting_m"].to_numpy() - east, its["northing_m"].to_numpy() - north)
    radius = float(np.ceil(np.quantile(away, 0.9)))
    reach_m = 2 * settings.hex_side_m
    # The share of a circle of the reach, at the density of the best cell and its neighbours.
    share = min(1.0, spot.share * np.pi * reach_m**2 / window_area_m2(settings.hex_side_m))
    circle = shapely.buffer(shapely.Point(east, north), max(radius, 1.0))
    before = known_before(circle, layers)
    year_start = _last_year(as_at)
    recent = its.filter(pl.col("date") >= year_start).height
    home, home_m = nearest_home(east, north, places)
    wards_of_it = _wards_of(its)
    return pl.DataFrame(
        {
            "hotspot": [""],
            "easting_m": [east],
            "northing_m": [north],
            "radius_m": [radius],
            "events": [its.height],
            "children": [_children_of(its, locations, children)],
            "events_last_year": [recent],
            "expected": [round(events.height * share, 3)],
            "p_value": [spot.p_value],
            "status": [
                _status(its.height - recent, recent, share, events, year_start, before is not None)
            ],
            "when": [_when(its)],
            "kinds_of_place": [_kinds_of(its)],
            "wards": [", ".join(wards_of_it)],
            "layers": [layers_near(east, north, places, layers, settings.near_m)],
            "nearest_home": [home],
            "nearest_home_m": [home_m],
            "known_before": [before],
            "cross_border": [OUTSIDE in wards_of_it],
        },
        schema=tables.GEO_HOTSPOTS.polars_schema,
    )


def _mean(events: pl.DataFrame, name: str) -> float:
    return round(float(events[name].to_numpy().mean()), 1)


def _last_year(as_at: date) -> date:
    """Return the first day of the last four quarters up to the as-at date's."""
    quarter = quarter_of(as_at)
    for _ in range(3):
        quarter = previous_quarter(quarter)
    return first_day(quarter)


def _status(
    earlier: int, recent: int, share: float, events: pl.DataFrame, since: date, known: bool
) -> str:
    """Return new, persistent or fading.

    Fading: the last four quarters alone show no more events than the baseline expects. New: not
    known before, and the quarters before show no more than expected. Both by the exact binomial.
    """
    recent_total = events.filter(pl.col("date") >= since).height
    if binom.sf(recent - 1, recent_total, share) > STATUS_LEVEL:
        return "fading"
    unusual = binom.sf(earlier - 1, events.height - recent_total, share) <= STATUS_LEVEL
    return "persistent" if known or unusual else "new"


def _when(events: pl.DataFrame) -> str:
    """Return in words the quarters that hold most events; `throughout` when all hold their part."""
    counts = events.group_by("quarter").len().sort("quarter")
    quarters, least = counts.height, counts["len"].min()
    if quarters >= 4 and isinstance(least, int) and least * quarters * 2 >= events.height:
        return f"throughout, {counts['quarter'][0]} to {counts['quarter'][-1]}"
    by_size = counts.sort(["len", "quarter"], descending=[True, True])
    half = by_size.filter((pl.col("len").cum_sum() - pl.col("len")) * 2 < events.height)
    years = (
        half.with_columns(pl.col("quarter").str.split(" ").alias("parts"))
        .select(pl.col("parts").list.get(0).alias("year"), pl.col("parts").list.get(1).alias("q"))
        .sort("year", "q")
        .group_by("year", maintain_order=True)
        .agg(pl.col("q").str.join(", "))
        .select(pl.format("{} {}", "year", "q"))
        .to_series()
    )
    return "most in " + "; ".join(years.to_list())


def _kinds_of(events: pl.DataFrame) -> str | None:
    kinds = (
        events.filter(pl.col("place_type").str.strip_chars() != "")
        .group_by("place_type")
        .len()
        .filter(pl.col("len") >= LEAST_OF_A_KIND)
        .sort(["len", "place_type"], descending=[True, False])
    )
    return ", ".join(kinds["place_type"].head(3).to_list()) or None


def _wards_of(events: pl.DataFrame) -> list[str]:
    """Return the wards that hold at least a tenth of the events, `outside the area` last."""
    names = (
        events.group_by("ward")
        .len()
        .filter(pl.col("len") * 10 >= events.height)
        .sort("ward", nulls_last=True)["ward"]
    )
    return names.fill_null(OUTSIDE).to_list()


def _children_of(events: pl.DataFrame, locations: pl.DataFrame, children: pl.DataFrame) -> int:
    """Return the distinct children that any row of these events speaks of."""
    rows = locations.join(events.select("event_id").unique(), on="event_id").select(tables.ROW_KEY)
    return rows.join(children, on=list(tables.ROW_KEY))["person_id"].n_unique()


def _in_order(found: pl.DataFrame) -> pl.DataFrame:
    ordered = found.sort("p_value", "easting_m", "northing_m")
    named = ordered.with_columns(pl.format("H{}", pl.int_range(1, pl.len() + 1)).alias("hotspot"))
    return tables.conform(named, tables.GEO_HOTSPOTS)


def publish_hotspots(geo_hotspots: pl.DataFrame, edition: Edition) -> pl.DataFrame:
    """Return PROFILE["hotspots"]: no coordinates, counts in bands, layers by kind alone.

    A hotspot with no more events or distinct children than the edition suppresses keeps its wards
    and status; its count, times, kinds of place and layers are `[c]`.
    """
    least = edition.suppress_up_to + 1
    small = pl.min_horizontal("events", "children") < least
    kinds = pl.concat_str(
        [
            pl.when(pl.format("; {}", "layers").str.contains(f"; {words}: ", literal=True))
            .then(pl.lit(words))
            .otherwise(None)
            for words in LAYER_WORDS.values()
        ],
        separator=", ",
        ignore_nulls=True,
    )
    bands = [least, *(edge for edge in (10, 20, 50) if edge >= 2 * least)]
    band = pl.lit(f"{bands[-1]} or more")
    for lower, upper in reversed(list(pairwise(bands))):
        band = (
            pl.when(pl.col("events") < upper).then(pl.lit(f"{lower}-{upper - 1}")).otherwise(band)
        )

    def hidden(value: pl.Expr) -> pl.Expr:
        return pl.when(small).then(pl.lit(SUPPRESSED)).otherwise(value)

    published = geo_hotspots.with_columns(
        hidden(band).alias("count_band"),
        hidden(pl.col("when")).alias("when"),
        hidden(pl.col("kinds_of_place")).alias("kinds_of_place"),
        hidden(pl.when(kinds == "").then(None).otherwise(kinds)).alias("layers"),
    )
    return tables.conform(published, tables.PROFILE["hotspots"])
