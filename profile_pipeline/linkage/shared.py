"""How far a shared nickname, crime, vehicle or premises says that two suspects are one person.

Nothing published tells how many suspects share a nickname, or how many of a network one car; it
differs from area to area. The data tell it: of records that share such a thing and both give a
name, some give names of two people. What is learnt so takes the default chance's place and is
kept with the model; from little it is taken only where it makes sharing tell less.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import polars as pl

from profile_pipeline.linkage.clusters import CLASH, Names, near_date
from profile_pipeline.linkage.names import slip

LEARN_FROM = 20  # values that several named records share, from which sharing may tell more
ALIAS_PAIRS = 20  # pairs of one date of birth and forename from which false surnames are counted
# Comparison: the column shared, and its level.
SHARED = {
    "alias": ("aliases", "same nickname or alias"),
    "case": ("cases", "suspect of the same crime"),
    "premises": ("premises", "seen at the same premises"),
    "vehicle": ("vehicle", "same vehicle"),
}
OTHER_SURNAME = "different surname"


def two_people(identities: pl.DataFrame, column: str) -> tuple[float, int]:
    """Return the chance that two who share a value are two people, and from how many values.

    Looks at values that several named records give. Two of these are two people where forenames
    clash and surnames are unlike, or dates of birth differ by more than a slip. To what was found
    comes half a value that two people share evenly (Jeffreys): none found doesn't prove that there
    is none.
    """
    names = Names(identities)
    held: dict[str, list[int]] = defaultdict(list)
    surnames = identities["sur"].to_list()
    for place, (fore, sur, values) in enumerate(identities.select("fore", "sur", column).rows()):
        if fore is not None and sur is not None and values is not None:
            for value in [values] if isinstance(values, str) else values:
                held[value].append(place)
    records, births = identities["records"].to_list(), identities["dob"].to_list()
    found = evenly = 0.0
    number = 0
    for places in held.values():
        total = sum(records[place] for place in places)
        if total < 2:
            continue
        number += 1
        clash = sum(
            records[a] * records[b]
            for n, a in enumerate(places)
            for b in places[n + 1 :]
            if (
                names.verdict(names.of_identity[a], names.of_identity[b]) == CLASH
                and not slip(surnames[a], surnames[b])
            )
            or (births[a] and births[b] and not near_date(births[a], births[b]))
        )
        found += clash / (total * (total - 1) / 2)
        evenly += total / (2 * (total - 1))
    if not number:
        return 1.0, 0
    return (found + 0.5 * evenly / number) / (number + 1), number


def other_surnames(identities: pl.DataFrame) -> float | None:
    """Return how often one suspect stands under two surnames; None with too few to tell.

    Counted among pairs of one date of birth and one forename, which two people of an area hardly
    share: suspects go by several surnames far more often than children do.
    """
    named = identities.filter(pl.col("sur").is_not_null(), ~pl.col("dob_default")).select(
        "fore", "dob", "sur", "sur_sound", "sur_kin"
    )
    both = named.with_row_index("at").join(named.with_row_index("at"), on=["fore", "dob"])
    pairs = both.filter(pl.col("at") < pl.col("at_right"))
    if pairs.height < ALIAS_PAIRS:
        return None
    near = (
        (pl.col("sur_sound") == pl.col("sur_sound_right"))
        | (pl.col("sur_kin").list.set_intersection("sur_kin_right").list.len() > 0)
        | (pl.col("sur").str.slice(0, 3) == pl.col("sur_right").str.slice(0, 3))
    )
    other = pairs.filter(~near.fill_null(False)).height
    return (other + 0.5) / (pairs.height + 1)


def calibrated(parameters: dict[str, Any], identities: pl.DataFrame) -> dict[str, Any]:
    """Return a model with the chances that the data tell, where they do.

    A level's u becomes what gives two who agree in nothing else their chance of being one person,
    at the model's prior.
    """
    parameters = json.loads(json.dumps(parameters))
    match = float(parameters["probability_two_random_records_match"])
    for comparison in parameters["comparisons"]:
        name = comparison["output_column_name"]
        levels = [level for level in comparison["comparison_levels"] if "m_probability" in level]
        if name in SHARED and SHARED[name][0] in identities.columns:
            column, label = SHARED[name]
            level = next(one for one in levels if one["label_for_charts"] == label)
            wrong, number = two_people(identities, column)
            if number:
                odds = wrong / (1 - wrong) * match / (1 - match)
                u = min(0.99, level["m_probability"] * odds)
                few = number < LEARN_FROM
                u = max(u, level["u_probability"]) if few else u
                level["u_probability"] = float(f"{u:.6g}")
        elif name == "surname":
            _surnames(levels, other_surnames(identities))
    return parameters


def _surnames(levels: list[dict[str, Any]], other: float | None) -> None:
    """Give another surname its share among one person's records, the other levels the rest."""
    of = {level["label_for_charts"]: level for level in levels}
    if other is None or other <= of[OTHER_SURNAME]["m_probability"]:
        return
    rest = (1 - other) / (1 - of[OTHER_SURNAME]["m_probability"])
    for label, level in of.items():
        chance = other if label == OTHER_SURNAME else level["m_probability"] * rest
        level["m_probability"] = float(f"{chance:.6g}")
