"""An invented borough as a complete profile folder, with the truth about it beside the data.

Same seed and size, same bytes. Each part draws from a generator of its own, so that a change to one
leaves the others as they were.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
from numpy.random import Generator

from profile_pipeline.sample import council, partners, police, schools
from profile_pipeline.sample.dirt import plant
from profile_pipeline.sample.folder import empty_folder
from profile_pipeline.sample.people import make_people
from profile_pipeline.sample.place import make_place
from profile_pipeline.sample.reference import write_reference
from profile_pipeline.sample.setting import scaled
from profile_pipeline.sample.truth import cohort_counts, open_at_end, write_truth
from profile_pipeline.sample.writing import Layout, write_dataset

# How many of each fault are planted in each dataset of the full borough (dirt.EXPECTED).
FAULTS: dict[str, dict[str, int]] = {
    "missing_reports": {"exact_duplicate": 8, "no_identifier": 4, "no_date": 3,
    "impossible_date": 4,
                        "adult": 6, "birth_in_future": 3, "unknown_text": 12, "script": 2,
                        "formula": 2},
    "exploitation_crimes": {"exact_duplicate": 3, "impossible_date": 2, "unknown_text": 3,
    "script": 1},
    "information_reports": {"exact_duplicate": 3, "script": 3, "formula": 3},
    "cse_tracker": {"exact_duplicate": 2, "unknown_text": 6, "formula": 2},
    "looked_after": {"exact_duplicate": 4, "no_identifier": 2, "unknown_text": 4},
    "assessments": {"exact_duplicate": 6, "no_identifier": 3, "no_date": 2, "impossible_date": 2,
                    "birth_in_future": 2, "serial_date": 9, "unknown_text": 10, "script": 2,
                    "formula": 2},
    "attendance": {"exact_duplicate": 10, "unknown_text": 8},
    "exclusions": {"exact_duplicate": 4, "no_identifier": 2, "impossible_date": 3,
    "serial_date": 5, "formula": 1},
    "youth_offending": {"exact_duplicate": 3, "no_identifier": 2, "adult": 5, "impossible_date": 2,
                        "serial_date": 4, "unknown_text": 5, "script": 1},
    "sexual_health": {"exact_duplicate": 3, "no_identifier": 3, "impossible_date": 1,
    "unknown_text": 3},
    "street_project": {"no_identifier": 6, "no_date": 2, "unknown_text": 4, "script": 1},
    "youth_housing": {"adult": 2, "no_identifier": 1, "unknown_text": 3},
    "panel_outcomes": {"exact_duplicate": 1},
}  # fmt: skip


def write_borough(folder: Path, *, seed: int = 2016, children: int = 3000) -> None:
    """Write a profile folder of the invented borough Thornmere, ready to be run on.

    It holds `profile.yaml`, `collection_plan.yaml`, `data/`, `reference/` and `truth/` (what is
    true, never read by the pipeline). `children` is how many have records; below 3,000 the cohort
    of the CSE team (95 children at 31 March 2016, as published for one borough) shrinks in
    proportion.

    Raises:
        PlanError: the folder holds something already.
    """
    empty_folder(folder)
    generators = _generators(seed)
    place = make_place(next(generators))
    people = make_people(next(generators), place, children)
    cases = council.cases(next(generators), people)
    crimes = police.crimes(next(generators), people, place, children)
    made: list[tuple[Layout, pl.DataFrame]] = [
        (police.MISSING, police.missing_reports(next(generators), people, place)),
        (police.CRIMES, crimes.rows),
        (police.INFORMATION, police.information_reports(next(generators), people, place, children)),
        (council.TRACKER, council.tracker(next(generators), people, cases)),
        (council.LOOKED_AFTER, council.looked_after(next(generators), people, place)),
        (council.ASSESSMENTS, council.assessments(next(generators), people)),
        (schools.ATTENDANCE, schools.attendance(next(generators), people, place)),
        (schools.EXCLUSIONS, schools.exclusions(next(generators), people, place)),
        (partners.YOUTH_OFFENDING, partners.youth_offending(next(generators), people)),
        (partners.SEXUAL_HEALTH, partners.sexual_health(next(generators), people)),
        (partners.STREET_PROJECT, partners.street_project(next(generators), people)),
        (partners.YOUTH_HOUSING, partners.youth_housing(next(generators), people)),
        (police.PANEL, police.panel_outcomes(next(generators), people, crimes, children)),
    ]
    frames = {
        layout.dataset: plant(next(generators), frame, layout, _faults(layout.dataset, children))
        for layout, frame in made
    }
    layouts = [layout for layout, _ in made]
    told = pl.concat(write_dataset(folder / "data", frames[each.dataset], each) for each in layouts)
    cohort = cohort_counts(open_at_end(frames["cse_tracker"], people))
    write_reference(folder / "reference", next(generators), place, cohort, children)
    write_truth(
        folder / "truth",
        seed=seed,
        size=children,
        people=people,
        place=place,
        told=told,
        frames=frames,
        layouts=layouts,
        hotspot_of=crimes.hotspot,
    )
    for name in ("profile.yaml", "collection_plan.yaml"):
        text = files("profile_pipeline.sample").joinpath("thornmere", name).read_bytes()
        (folder / name).write_bytes(text)


def _generators(seed: int) -> Iterator[Generator]:
    """Yield one generator after the other, each independent of the rest."""
    part = 0
    while True:
        yield np.random.default_rng([seed, part])
        part += 1


def _faults(dataset: str, children: int) -> Mapping[str, int]:
    return {kind: scaled(number, children) for kind, number in FAULTS[dataset].items()}
