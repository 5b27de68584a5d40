"""Where offences happened: one row an event, and whether its place may be used for hotspots.

A crime system gives a default point to events whose place it doesn't know, often a police station;
taken at their word such points are the strongest false hotspots there are.
"""

import numpy as np
import polars as pl
import shapely
from scipy.stats import binom

from geo.boundaries import assign_ward, polygons
from profile_pipeline import tables
from profile_pipeline.plan.settings import HotspotSettings

ONLINE_PLACES = ("online", "internet", "social media")
HOME_PLACES = ("home", "home address", "dwelling", "residence", "victim's home")
# Kinds of place that say that the place is not known, or is where the crime was reported.
NOT_A_PLACE = ("police station", "not known", "unknown", "not recorded", "not stated", "n/k")
# A point this often, with no kind of place of its own, is looked at as a default geocode. Venues
# repeat as well: below, only points that chance and a single venue can't explain are refused.
LEAST_REPEATS = 5
CHANCE = 0.001


def locate_offences(
    offences: pl.DataFrame,
    wards: pl.DataFrame,
    postcodes: pl.DataFrame,
    settings: HotspotSettings,
) -> pl.DataFrame:
    """Return tables.OFFENDING_LOCATION: every offence row, and whether its place may be used.

    `offences` is tables.MEASURES["offence"]. A row is unusable when, in this order, it is not
    geocoded (null or 0), at a default geocode (declared in the settings or told by
    `undeclared_geocodes`), online (its point is a home, not a place of offending), farther from the
    area than `margin_m`, or a further row of an event already there. Of an event's rows the first
    usable one stands for it.
    """
    kind = pl.col("place_type").str.strip_chars().str.to_lowercase()
    place_given = (pl.col("easting_m") > 0) & (pl.col("northing_m") > 0)
    own_id = pl.format("{}:{}:{}", "dataset", "file", "row")
    frame = offences.select(
        *(column.name for column in tables.DATED),
        "reference",
        "place_type",
        "online",
        pl.when(place_given).then("easting_m").alias("easting_m"),
        pl.when(place_given).then("northing_m").alias("northing_m"),
    ).with_columns(
        pl.coalesce(_filled("reference"), own_id).alias("event_id"),
        kind.alias("_kind"),
    )
    frame = assign_ward(frame, wards)
    defaults = _declared(settings)
    undeclared = undeclared_geocodes(frame, postcodes)
    is_online = pl.col("_kind").is_in(ONLINE_PLACES) | (
        pl.col("online").fill_null(False)
        & (pl.col("_kind").is_null() | pl.col("_kind").is_in(HOME_PLACES))
    )
    frame = frame.join(
        undeclared.select("easting_m", "northing_m", pl.lit(True).alias("_undeclared")),
        on=["easting_m", "northing_m"],
        how="left",
        maintain_order="left",
    ).with_columns(_is_far(frame, wards, settings.margin_m).alias("_far"))
    why = (
        pl.when(pl.col("easting_m").is_null())
        .then(pl.lit("not_geocoded"))
        .when(defaults | pl.col("_undeclared").fill_null(False))
        .then(pl.lit("default_geocode"))
        .when(is_online)
        .then(pl.lit("online"))
        .when(pl.col("_far"))
        .then(pl.lit("far_away"))
    )
    frame = frame.with_columns(why.alias("unusable_because"))
    # The first usable row of an event stands for it, whatever the order of the files.
    frame = frame.sort(
        "event_id", pl.col("unusable_because").is_not_null(), *tables.ROW_KEY
    ).with_columns(
        pl.when(pl.col("event_id").is_first_distinct())
        .then(pl.col("unusable_because"))
        .otherwise(pl.coalesce("unusable_because", pl.lit("duplicate")))
    )
    frame = frame.with_columns(pl.col("unusable_because").is_null().alias("usable"))
    return tables.conform(frame.sort(tables.ROW_KEY), tables.OFFENDING_LOCATION)


def undeclared_geocodes(offences: pl.DataFrame, postcodes: pl.DataFrame) -> pl.DataFrame:
    """Return points that look like default geocodes no one declared: easting_m, northing_m, events.

    A point on the exact metre is refused when three or more events, most of them with a kind of
    place that is none (`police station`, `not known`), share it; or when far more do than chance
    allows (binomial, each postcode a likely place, p < 0.001 for any of them) and they name no
    kind of place in common. A hotel or a park may repeat: one kind of place keeps a point.
    Takes easting_m, northing_m, place_type and, where there is one, event_id. Restricted.
    """
    event = pl.col("event_id") if "event_id" in offences.columns else pl.int_range(pl.len())
    kind = pl.col("place_type").str.strip_chars().str.to_lowercase().fill_null("not known")
    located = (
        offences.with_columns(event.alias("_event"), kind.alias("_kind"))
        .filter((pl.col("easting_m") > 0) & (pl.col("northing_m") > 0))
        .unique(["_event", "easting_m", "northing_m"], keep="first", maintain_order=True)
    )
    points = (
        located.group_by("easting_m", "northing_m")
        .agg(
            pl.len().cast(pl.Int64).alias("events"),
            pl.col("_kind").is_in(NOT_A_PLACE).sum().alias("_placeless"),
            pl.col("_kind").unique_counts().max().alias("_commonest"),
        )
        .filter(pl.col("events") >= 3)
        .sort("easting_m", "northing_m")
    )
    places = max(postcodes.height, 1)
    chance = binom.sf(points["events"].to_numpy() - 1, located.height, 1 / places) * places
    improbable = pl.Series(chance) < CHANCE
    placeless = pl.col("_placeless") * 2 > pl.col("events")
    mixed = (
        pl.lit(improbable)
        & (pl.col("events") >= LEAST_REPEATS)
        & (pl.col("_commonest") * 2 < pl.col("events"))
    )
    return points.filter(placeless | mixed).select("easting_m", "northing_m", "events")


def _filled(name: str) -> pl.Expr:
    text = pl.col(name).str.strip_chars()
    return pl.when(text == "").then(None).otherwise(text)


def _declared(settings: HotspotSettings) -> pl.Expr:
    """True for points at a default geocode of the settings."""
    at_any = pl.lit(False)
    for point in settings.default_geocodes:
        away = (pl.col("easting_m") - point.easting_m) ** 2 + (
            pl.col("northing_m") - point.northing_m
        ) ** 2
        at_any = at_any | (away <= point.radius_m**2)
    return at_any.fill_null(False)


def _is_far(frame: pl.DataFrame, wards: pl.DataFrame, margin_m: float) -> pl.Series:
    """True for points farther than the margin from every ward; false where there is no point."""
    if wards.is_empty():
        return pl.repeat(False, frame.height, dtype=pl.Boolean, eager=True)
    known = frame["easting_m"].is_not_null().to_numpy()
    far = np.zeros(frame.height, dtype=bool)
    points = shapely.points(
        frame["easting_m"].drop_nulls().to_numpy(), frame["northing_m"].drop_nulls().to_numpy()
    )
    area = shapely.union_all(polygons(wards))
    shapely.prepare(area)
    far[known] = ~shapely.dwithin(area, points, margin_m)
    return pl.Series(far)
