"""Measures the hotspots' false alarms where there are none, and their power where there is one.

Run as `python benchmarks/hotspots.py [--runs 100]`. An invented borough: a square of 10 km whose
postcodes cluster in towns. False alarms are the share of runs that call anything hot when events
fall on addresses (and a part of them anywhere); power is the share that does when 8% of the events
lie about one place. Beside it stands the same test with equal area as baseline, the usual mistake.
"""

import argparse

import numpy as np
import polars as pl
import shapely

from geo.exposure import Exposure, exposure_of
from geo.hotspots import discovery_cutoff, judge_cells
from profile_pipeline.plan.settings import HotspotSettings

SIDE_KM, TOWNS, POSTCODES = 10, 12, 3000
WEST, SOUTH = 390_000, 280_000


def borough(generator: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return wards and postcodes: half the postcodes cluster in towns, half lie anywhere."""
    size = SIDE_KM * 1000
    towns = generator.uniform(0.1, 0.9, (TOWNS, 2)) * size
    spread = towns[generator.integers(TOWNS, size=POSTCODES // 2)]
    clustered = np.clip(spread + generator.normal(0, 500, spread.shape), 0, size - 1)
    points = np.vstack([clustered, generator.uniform(0, size, (POSTCODES - len(spread), 2))])
    postcodes = pl.DataFrame({"easting_m": points[:, 0] + WEST, "northing_m": points[:, 1] + SOUTH})
    east, north = WEST + size, SOUTH + size
    box = shapely.to_wkt(shapely.box(WEST, SOUTH, east, north))
    return pl.DataFrame({"ward_code": ["E1"], "ward": ["One"], "geometry_wkt": [box]}), postcodes


def draw(
    generator: np.random.Generator, postcodes: pl.DataFrame, events: int, open_share: float
) -> np.ndarray:
    """Return events on addresses (within 60 m of a postcode), a share of them anywhere."""
    points = postcodes.select("easting_m", "northing_m").to_numpy()
    at = points[generator.integers(len(points), size=events)] + generator.normal(0, 60, (events, 2))
    anywhere = generator.random(events) < open_share
    spread = generator.uniform(0, SIDE_KM * 1000, (int(anywhere.sum()), 2))
    at[anywhere] = spread + np.array([WEST, SOUTH])
    return np.clip(at, [WEST, SOUTH], [WEST + SIDE_KM * 1000 - 1, SOUTH + SIDE_KM * 1000 - 1])


def alarms(points: np.ndarray, exposure: Exposure) -> bool:
    """Return whether any cell is called hot."""
    inside = np.ones(len(points), dtype=bool)
    _, _, p_values = judge_cells(points[:, 0], points[:, 1], inside, exposure)
    return discovery_cutoff(p_values[exposure.tested], 0.05) > 0


def main() -> None:
    """Print false alarms and power by number of events."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    runs = parser.parse_args().runs
    generator = np.random.default_rng(20160331)
    settings = HotspotSettings()
    print("events  open land  false alarms  (equal area)  power at 8% of events about one place")
    for events in (50, 200, 500, 2000):
        for open_share in (0.0, 0.1, 0.3):
            false, naive, found = 0, 0, 0
            for _ in range(runs):
                wards, postcodes = borough(generator)
                exposure = exposure_of(wards, postcodes, settings)
                even = exposure.inside > 0
                flat = exposure._replace(inside=even / even.sum())
                points = draw(generator, postcodes, events, open_share)
                false += alarms(points, exposure)
                naive += alarms(points, flat)
                planted = int(0.08 * events)
                place = generator.uniform(0.1, 0.9, 2) * SIDE_KM * 1000 + np.array([WEST, SOUTH])
                points[:planted] = place + generator.normal(0, 100, (planted, 2))
                found += alarms(points, exposure)
            print(
                f"{events:6d} {open_share:10.1f} {false / runs:13.3f} {naive / runs:13.3f} "
                f"{found / runs:8.3f}"
            )


if __name__ == "__main__":
    main()
