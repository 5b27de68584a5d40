"""Names of the invented people: forenames and surnames by origin, with spellings and short forms.

`names.csv` was written from general knowledge of names that are common in England; which spellings
the linkage knows plays no part in it.
"""

import csv
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.random import Generator

GIRL, BOY, SURNAME = "girl", "boy", "surname"
# DfE ethnicity code -> origin of names; mixed families have names of either side.
ORIGINS = {
    "WBRI": ("british",), "WIRI": ("irish",), "WIRT": ("irish",), "WROM": ("roma",),
    "WOTH": ("polish", "polish", "roma"), "MWBC": ("british",), "MWBA": ("british", "african"),
    "MWAS": ("british", "pakistani", "indian"), "MOTH": ("british", "arabic"), "AIND": ("indian",),
    "APKN": ("pakistani",), "ABAN": ("bangladeshi",), "AOTH": ("pakistani", "indian"),
    "CHNE": ("chinese",), "BCRB": ("british",), "BAFR": ("african",), "BOTH": ("african",
    "british"),
    "OOTH": ("arabic",),
}  # fmt: skip


@cache
def _rows() -> list[dict[str, str]]:
    text = files("profile_pipeline.sample").joinpath("names.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def pool(origin: str, kind: str) -> tuple[str, ...]:
    """Return the names of an origin and kind (girl, boy or surname), commonest first."""
    return tuple(r["name"] for r in _rows() if r["origin"] == origin and r["kind"] == kind)


@cache
def _others(column: str) -> dict[tuple[str, str], tuple[str, ...]]:
    return {
        (row["origin"], row["name"]): tuple(row[column].split("|"))
        for row in _rows()
        if row[column]
    }


def spellings(origin: str, name: str) -> tuple[str, ...]:
    """Return how else the name is spelt."""
    return _others("spellings").get((origin, name), ())


def short_forms(origin: str, name: str) -> tuple[str, ...]:
    """Return the name's short forms."""
    return _others("short_forms").get((origin, name), ())


def draw(rng: Generator, origins: list[str], kinds: list[str]) -> list[str]:
    """Return a name for each origin and kind; the first of a list are the commonest."""
    chosen = [""] * len(origins)
    pairs = np.array([f"{origin}:{kind}" for origin, kind in zip(origins, kinds, strict=True)])
    for pair in np.unique(pairs):
        origin, kind = str(pair).split(":")
        names = pool(origin, kind)
        weights = 1 / (np.arange(len(names)) + 6.0)
        places = np.flatnonzero(pairs == pair)
        for place, pick in zip(
            places, rng.choice(len(names), len(places), p=weights / weights.sum()), strict=True
        ):
            chosen[place] = names[pick]
    return chosen
