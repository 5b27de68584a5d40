"""Whether offences lie nearer to children's homes than chance puts them: by random addresses.

A null of events anywhere in the area rejects in one case of three where nothing is there, because
homes stand where people live. Here the same number of homes is put at random addresses. Chosen
beforehand: three radii, Holm's correction over them. Association only: it names no home.
"""

import numpy as np
import polars as pl

from geo.hexagons import Floats
from profile_pipeline.tables import HOME_PROXIMITY

RADII_M = (250.0, 500.0, 1000.0)
DRAWS = 999

SCHEMA = HOME_PROXIMITY.polars_schema


def proximity_to_homes(
    locations: pl.DataFrame,
    places: pl.DataFrame,
    postcodes: pl.DataFrame,
    seed: int,
    draws: int = DRAWS,
) -> pl.DataFrame:
    """Return one row a radius: usable events within it of any children's home, and by chance.

    Columns (SCHEMA): radius_m; homes, events (count); events_near (count); expected (mean over the
    draws of as many random addresses); p_value = (1 + draws with as many or more) / (draws + 1);
    p_holm, corrected over the radii (Holm 1979). Empty without events, homes or postcodes.
    Restricted: counts are exact.
    """
    events = locations.filter(pl.col("usable")).select("easting_m", "northing_m").to_numpy()
    kind = places.filter(pl.col("kind") == "childrens_home").drop_nulls("easting_m")
    kind = kind.sort("place_id")
    homes = kind.select("easting_m", "northing_m").to_numpy()
    addresses = postcodes.sort("postcode").select("easting_m", "northing_m").to_numpy()
    if not len(events) or not len(homes) or len(addresses) < len(homes):
        return pl.DataFrame(schema=SCHEMA)
    generator = np.random.default_rng(seed)
    observed = _events_near(events, homes)
    drawn = np.array(
        [
            _events_near(events, addresses[generator.choice(len(addresses), len(homes), False)])
            for _ in range(draws)
        ]
    )
    p_values = (1 + (drawn >= observed).sum(axis=0)) / (draws + 1)
    return pl.DataFrame(
        {
            "radius_m": list(RADII_M),
            "homes": len(homes),
            "events": len(events),
            "events_near": observed.astype(np.int64),
            "expected": drawn.mean(axis=0).round(2),
            "p_value": p_values,
            "p_holm": _holm(p_values),
        },
        schema=SCHEMA,
    )


def _events_near(events: Floats, places: Floats) -> Floats:
    """Return for each radius the events within it of any of the places."""
    from scipy.spatial import cKDTree

    nearest = cKDTree(places).query(events)[0]
    counts: Floats = (nearest[:, None] <= np.array(RADII_M)).sum(axis=0).astype(np.float64)
    return counts


def _holm(p_values: Floats) -> Floats:
    """Return Holm's step-down adjusted p-values, in the order given."""
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p_values[order] * factors))
    return adjusted
