"""Kinds of place: where offences happened, and where missing children were reported from and found.

Kinds and wards only; points, names of homes and premises stay in the geography step.
"""

import polars as pl

from profile_pipeline.analysis.counting import by_category, quarters_counted, recorded, yes_no
from profile_pipeline.analysis.return_interviews import distinct_episodes
from profile_pipeline.plan.settings import ProfileSettings
from profile_pipeline.tables import PROFILE, YES_NO, union

OUTSIDE = "outside the area"


def location_profile(
    offending_location: pl.DataFrame,
    missing_episode: pl.DataFrame,
    ward: pl.DataFrame,
    settings: ProfileSettings,
) -> pl.DataFrame:
    """Return profile.location_profile: events of each quarter, one dimension at a time.

    Of offences: place_type, online and ward (only those with a place that may be used; an offence
    online, not geocoded or at a default point has no ward and is not recorded). Of missing
    episodes: found_place_type, where the child was found, and reported_from, which says home,
    placement or school and never which. A crime counts once, in its first row, and an episode once.

    Args:
        offending_location: geo.offending_location.
        missing_episode: records.missing_episode, rows kept apart already taken out.
        ward: geo.ward.
        settings: settings of the profile.
    """
    quarters = quarters_counted(settings)
    offences = offending_location.sort("quarter", "file", "row").unique(
        "event_id", keep="first", maintain_order=True
    )
    # The recording police station is where the crime system puts what it can't place.
    default = pl.col("unusable_because") == "default_geocode"
    station = recorded(pl.col("place_type")).str.to_lowercase() == "police station"
    place_type = pl.when((default & station).fill_null(False).not_()).then(
        recorded(pl.col("place_type"))
    )
    usable_ward = pl.when(pl.col("usable")).then(pl.col("ward").fill_null(OUTSIDE))
    wards = [*sorted(ward["ward"].unique().to_list()), OUTSIDE]
    episodes = distinct_episodes(missing_episode).with_columns(quarter=pl.col("reported_in"))
    frames = [
        by_category(offences, place_type, quarters, "place_type", count="events"),
        by_category(offences, yes_no(pl.col("online")), quarters, "online", YES_NO, "events"),
        by_category(offences, usable_ward, quarters, "ward", wards, "events"),
        by_category(
            episodes,
            recorded(pl.col("found_place_type")),
            quarters,
            "found_place_type",
            count="events",
        ),
        by_category(
            episodes, recorded(pl.col("reported_from")), quarters, "reported_from", count="events"
        ),
    ]
    return union(frames, PROFILE["location_profile"]).sort("quarter", maintain_order=True)
