"""The Splink model: what is compared, how strongly each level counts, and which pairs are tried.

Every level has a documented default m and u. Where the data hold enough identities the levels
marked to be learnt are trained by Splink with a fixed seed (u by random sampling, m by expectation
maximisation); rare levels stay at their defaults, because expectation maximisation on a handful of
pairs drives m to zero or one (a trap of Splink) and a wrong m on an identifier does harm.
"""

from __future__ import annotations

import json
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from profile_pipeline.linkage import shared
from profile_pipeline.linkage.families import hold_families, one_home, one_surname
from profile_pipeline.linkage.learnt import COUNT_FROM, PART, frequencies

if TYPE_CHECKING:
    import duckdb

PRIOR_FROM = 200  # identities from which the prior is settled by the pairs
TRAIN_FROM = COUNT_FROM  # identities below which default parameters are used unaltered
TRAIN_PAIRS = 300  # pairs that expectation maximisation needs (Splink's own advice)
TRAIN_AT_MOST = 400_000  # pairs that a training rule takes
# Pairs of a group from which nothing is learnt: hundreds who agree do so by a default (01/01/2000).
TRAIN_GROUP = 20_000
# Pairs that a block on little evidence may bring: so many, or so many an identity on average.
BROAD_PAIRS, BROAD = 300_000, 4
COMMON = 0.1  # from this m a level is common enough to be learnt without a floor at its default
REFITS, PRIOR_MATCHES = 3, 50  # rounds; pairs that a default m counts for
REFIT_IDENTITIES = 60_000  # identities, at random, whose pairs settle the prior and m
REFIT_FROM = -10.0  # match weight from which pairs are looked at for that
ROUNDING = 0.01  # bits by which rounded weights may differ from Splink's own
PRIOR_ROOM = 4.0  # bits by which the prior may move once pairs are scored
# Identities on which parameters are trained where Spark scores; in the order of keyed hashes the
# first are a random part.
SPARK_TRAINING = 500_000
U_PAIRS = 300_000  # pairs sampled to estimate u
# An error rate of identifiers: one wrong number in about a thousand records of linked health data
# (Harron et al., Challenges in administrative data linkage, 2017, report 0.2 to 0.5 percent).
WRONG_IDENTIFIER = 0.001


@dataclass(frozen=True)
class Level:
    """One level of a comparison: SQL over `_l` and `_r`, its defaults, and whether it is learnt."""

    label: str
    sql: str
    m: float = 0.0
    u: float = 0.0
    learn_m: bool = False
    learn_u: bool = True
    frequency_of: str = ""
    null: bool = False
    rare: bool = False  # learnt where the data allow, else left at its default


SWAP = "forename and surname in the other order"


def _any_shared(name: str) -> str:
    return f"list_has_any({name}_l, {name}_r)"


_SWAPPED = (
    "(fore_l is not null and sur_r is not null and sur_l is not null and fore_r is not null"
    " and not (fore_l = fore_r) and not (sur_l = sur_r)"
    " and ((fore_l = sur_r and list_has_any(fore_kin_r, name_words_l))"
    " or (sur_l = fore_r and list_has_any(fore_kin_l, name_words_r))"
    " or (jaro_winkler_similarity(fore_l, sur_r) >= 0.92"
    " and jaro_winkler_similarity(sur_l, fore_r) >= 0.92)))"
)
_SHORT_FORM = (
    "(length(fore_first_l) >= 3 and length(fore_first_r) >= 3"
    " and (starts_with(fore_first_l, regexp_replace(fore_first_r, '(ie|y|ey|i)$', ''))"
    " and length(regexp_replace(fore_first_r, '(ie|y|ey|i)$', '')) >= 3"
    " or starts_with(fore_first_r, regexp_replace(fore_first_l, '(ie|y|ey|i)$', ''))"
    " and length(regexp_replace(fore_first_l, '(ie|y|ey|i)$', '')) >= 3))"
)


def _near(name: str) -> str:
    return (
        f"(jaro_winkler_similarity({name}_l, {name}_r) >= 0.92"
        f" or (greatest(length({name}_l), length({name}_r)) >= 4"
        f" and damerau_levenshtein({name}_l, {name}_r) <= 1))"
    )


def _crossed() -> str:
    """SQL: one name stands in the other's place and what it displaced is lost or different."""
    # A case reckons its costly branch for the few pairs that pass the cheap test only.
    close = " or ".join(
        f"case when {one}_l[1] = {other}_r[1] and length({one}_l) >= 3 and length({other}_r) >= 3"
        f" then jaro_winkler_similarity({one}_l, {other}_r) >= 0.92 else false end"
        for one, other in (("fore", "sur"), ("sur", "fore"))
    )
    alike = " or ".join(
        f"coalesce(list_has_any({name}_kin_l, {name}_kin_r) or {_near(name)}, false)"
        for name in ("fore", "sur")
    )
    return f"(case when {close} then not ({alike}) else false end)"


_CROSSED = _crossed()

FORENAME = (
    Level("not given", "fore_l is null or fore_r is null", null=True),
    Level("same forename", "fore_l = fore_r", 0.80, 0.006, True, True, "fore"),
    Level(SWAP, _SWAPPED, 0.01, 1e-6, learn_u=False, rare=True),
    Level(
        "same first forename", "fore_first_l = fore_first_r", 0.05, 0.001, True, True,
        "fore_first",
    ),
    Level(
        "one of several forenames the same",
        "list_has_any(fore_telling_l, fore_telling_r)", 0.03, 0.0005, learn_u=False,
        rare=True,
    ),
    Level("nickname or other spelling", _any_shared("fore_kin"), 0.06, 0.004, True),
    Level("nearly the same forename", _near("fore"), 0.05, 0.003, True),
    Level(
        "forename that sounds alike or is a short form",
        f"(fore_sound_l = fore_sound_r and length(fore_sound_l) >= 2) or {_SHORT_FORM}",
        0.03, 0.005, rare=True,
    ),
    Level("one of the names in the other's place", _CROSSED, 0.004, 0.0005, rare=True),
    Level(
        "only a forename that many share the same",
        "list_has_any(fore_kin_all_l, fore_kin_all_r)",
        0.02,
        0.005,
        learn_u=False,
    ),
    Level(
        "same initial only",
        "(length(fore_l) = 1 or length(fore_r) = 1) and fore_l[1] = fore_r[1]", 0.008, 0.002,
    ),
    Level(
        "somewhat similar forename", "jaro_winkler_similarity(fore_l, fore_r) >= 0.8", 0.01, 0.01,
        rare=True,
    ),
    Level("different forename", "else", 0.02, 0.96, True),
)  # fmt: skip
# Beside one first forename: "Ryan E" and "Ryan Ernesto", "Mary Jane" and "Mary Ann".
SECOND = (
    Level(
        "not given, or of no first forename the same",
        "fore_second_l is null or fore_second_r is null or fore_first_l is null"
        " or fore_first_r is null or fore_l = fore_r or not (fore_first_l = fore_first_r)",
        null=True,
    ),
    Level(
        "same second forename or initial",
        "fore_second_l = fore_second_r or (fore_second_l[1] = fore_second_r[1]"
        " and (length(fore_second_l) = 1 or length(fore_second_r) = 1))", 0.95, 0.1, True,
    ),
    Level("another second forename", "else", 0.05, 0.9, True),
)  # fmt: skip
SURNAME = (
    Level("not given",
        f"sur_l is null or sur_r is null or {_SWAPPED} or coalesce({_CROSSED}, false)", null=True),
    Level("same surname", "sur_l = sur_r", 0.87, 0.002, True, True, "sur"),
    Level("surname in another spelling", _any_shared("sur_kin"), 0.05, 0.002, True),
    Level("nearly the same surname", _near("sur"), 0.03, 0.001, True),
    Level(
        "surname that sounds alike",
        "sur_sound_l = sur_sound_r and length(sur_sound_l) >= 3", 0.01, 0.001, rare=True,
    ),
    Level(
        "one of several surnames the same",
        "list_has_any(name_words_l, sur_words_r) or list_has_any(sur_words_l, name_words_r)"
        " or sur_last_sound_l = sur_last_sound_r and length(sur_last_sound_l) >= 3", 0.015, 0.004,
        rare=True,
    ),
    Level("different surname", "else", 0.025, 0.99, True),
)  # fmt: skip
BIRTH = (
    Level("not given", "dob_l is null or dob_r is null", null=True),
    Level("same date of birth", "dob_l = dob_r and not dob_default_l", 0.93, 0.0003, True),
    Level("same year, both 1 January", "dob_l = dob_r", 0.002, 0.0001, learn_u=False),
    Level("day and month in the other order", "dob_swapped_l = dob_r", 0.005, 0.0002),
    Level(
        "one digit of the date differs", "damerau_levenshtein(dob_l, dob_r) = 1", 0.012, 0.006,
        rare=True,
    ),
    Level(
        "same year, one only as 1 January",
        "(dob_default_l or dob_default_r) and dob_l[1:4] = dob_r[1:4]", 0.004, 0.0008,
    ),
    Level(
        "two of day, month and year the same",
        "(dob_l[1:4] = dob_r[1:4])::int + (dob_l[5:6] = dob_r[5:6])::int"
        " + (dob_l[7:8] = dob_r[7:8])::int = 2", 0.004, 0.02, rare=True,
    ),
    Level("different date of birth", "else", 0.003, 0.97, True),
)  # fmt: skip
# The weights of an age speak only of pairs in which one side has no date of birth, so its chances
# are reckoned among those: ages of children spread over about eight years.
AGE = (
    Level(
        "not needed",
        "born_from_l is null or born_from_r is null or (dob_l is not null and dob_r is not null)",
        null=True,
    ),
    Level(
        "age fits the date of birth", "born_from_l <= born_to_r and born_from_r <= born_to_l",
        0.9, 0.12,
    ),
    Level(
        "age a year out",
        "born_from_l <= born_to_r + interval 1 year and born_from_r <= born_to_l + interval 1 year",
        0.08, 0.2,
    ),
    Level("age does not fit", "else", 0.02, 0.68),
)  # fmt: skip
SEX = (
    Level("not recorded", "sex_l is null or sex_r is null", null=True),
    Level("same sex", "sex_l = sex_r", 0.99, 0.5, False, True),
    Level("different sex", "else", 0.01, 0.5, False, True),
)
POSTCODE = (
    Level("not given in full", "len(postcodes_l) = 0 or len(postcodes_r) = 0", null=True),
    Level("same postcode", "postcode_l = postcode_r", 0.75, 0.0003, True, True),
    Level(
        "same postcode at another time", _any_shared("postcodes"), 0.1, 0.0006, learn_u=False,
        rare=True,
    ),
    Level(
        "postcode with one slip", "damerau_levenshtein(postcode_l, postcode_r) = 1", 0.01, 0.0008,
        rare=True,
    ),
    Level("same sector, another postcode", "sector_l = sector_r", 0.03, 0.012, rare=True),
    Level("same district, another sector", "district_l = district_r", 0.04, 0.08, rare=True),
    Level("home in another district", "else", 0.17, 0.9, True),
)  # fmt: skip
AREA = (
    Level(
        "not needed",
        "district_l is null or district_r is null"
        " or (len(postcodes_l) > 0 and len(postcodes_r) > 0)",
        null=True,
    ),
    Level("same sector, no more given", "sector_l = sector_r", 0.7, 0.012),
    Level(
        "same district, no more given",
        "district_l = district_r and (sector_l is null or sector_r is null)", 0.5, 0.06,
    ),
    Level("same district, another sector", "district_l = district_r", 0.03, 0.05),
    Level("home in another district", "else", 0.15, 0.85),
)  # fmt: skip
# Relatives share a home and so a surname: in data that hold families, surname and home together
# tell little more than home alone, however rare the surname (`_household` sets m and u).
HOUSEHOLD = (
    Level("not given", "sur_l is null or sur_r is null", null=True),
    Level(
        "one surname at one home, as relatives have",
        "sur_l = sur_r and (case when address_l is not null and address_r is not null"
        " then address_l = address_r else postcode_l = postcode_r end)",
        0.1, 0.2, learn_u=False, frequency_of="sur",
    ),
    Level("surname or home differs", "else", 0.5, 0.5, learn_u=False),  # tells nothing
)  # fmt: skip
NHS = (
    Level("not given", "nhs_l is null or nhs_r is null", null=True),
    Level("same NHS number", "nhs_l = nhs_r", 0.985, 0.0, learn_u=False),
    Level(
        "NHS number with one slip",
        "damerau_levenshtein(nhs_l, nhs_r) = 1",
        0.01,
        1e-5,
        learn_u=False,
    ),
    Level("different NHS number", "else", 0.005, 1.0, learn_u=False),
)
UPN = (
    Level("not given", "upn_l is null or upn_r is null", null=True),
    Level("same UPN", "upn_l = upn_r", 0.985, 0.0, learn_u=False),
    Level("UPN with one slip", "damerau_levenshtein(upn_l, upn_r) = 1", 0.008, 1e-5, learn_u=False),
    Level("different UPN", "else", 0.007, 1.0, learn_u=False),
)
LOCAL_ID = (
    Level("no number of one issuer", "not list_has_any(issuers_l, issuers_r)", null=True),
    Level("same local id", _any_shared("local_ids"), 0.95, 0.0, learn_u=False),
    Level("another local id of one issuer", "else", 0.05, 1.0, learn_u=False),
)
ADDRESS = (
    Level("not given", "address_l is null or address_r is null", null=True),
    Level("same address", "address_l = address_r", 0.6, 0.0005, True, True),
    Level(
        "most words of the address the same",
        "len(list_intersect(address_words_l, address_words_r))"
        " >= 0.6 * least(len(address_words_l), len(address_words_r))", 0.2, 0.003, True,
    ),
    Level(
        "nearly the same address", "jaro_winkler_similarity(address_l, address_r) >= 0.85", 0.05,
        0.003, rare=True,
    ),
    Level("different address", "else", 0.15, 0.99, True),
)  # fmt: skip
# Families share a telephone and a mailbox, so a contact says about what an address says.
CONTACT = (
    Level("not given", "len(contacts_l) = 0 or len(contacts_r) = 0", null=True),
    Level("same e-mail or telephone", _any_shared("contacts"), 0.6, 0.0005, True, True),
    Level(
        "nearly the same e-mail or telephone",
        "jaro_winkler_similarity(contact_l, contact_r) >= 0.92", 0.05, 0.001, rare=True,
    ),
    Level("another e-mail or telephone", "else", 0.35, 0.998, True),
)  # fmt: skip
NICKNAME = (
    Level("not given", "len(other_words_l) = 0 or len(other_words_r) = 0", null=True),
    Level("same nickname or alias", _any_shared("other_words"), 0.85, 0.01),
    Level("another nickname or alias", "else", 0.15, 0.99),
)
VEHICLE = (
    Level("not seen", "vehicle_l is null or vehicle_r is null", null=True),
    Level("same vehicle", "vehicle_l = vehicle_r", 0.4, 0.003, learn_u=False),
    Level(
        "part of a registration that fits",
        "length(vehicle_l) >= 4 and length(vehicle_r) >= 4"
        " and (contains(vehicle_l, vehicle_r) or contains(vehicle_r, vehicle_l))",
        0.08,
        0.008,
        learn_u=False,
    ),
    Level(
        "registration with one slip",
        "damerau_levenshtein(vehicle_l, vehicle_r) = 1",
        0.02,
        0.008,
        learn_u=False,
    ),
    Level("another vehicle", "else", 0.5, 0.98, learn_u=False),
)
# Of suspects alone (linkage/circumstances.py); linkage/shared.py learns what sharing them means.
ALIAS = (
    Level("not given", "len(aliases_l) = 0 or len(aliases_r) = 0", null=True),
    Level("same nickname or alias", _any_shared("aliases"), 0.85, 0.01, learn_u=False),
    Level(
        "nickname the same in part, or but for a digit",
        _any_shared("other_words"),
        0.05,
        0.03,
        learn_u=False,
    ),
    Level("another nickname or alias", "else", 0.1, 0.96, learn_u=False),
)
# Two suspects of one crime may have acted together: about one crime in seven has two suspects or
# more (a working figure), and among a few hundred crimes few pairs share one by chance.
CASE = (
    Level("not given", "len(cases_l) = 0 or len(cases_r) = 0", null=True),
    Level("suspect of the same crime", _any_shared("cases"), 0.3, 0.0006, learn_u=False),
    Level("no crime in common", "else", 0.9, 0.9, learn_u=False),  # tells nothing
)
# Places that draw exploitation draw several offenders.
PREMISES = (
    Level("not given", "len(premises_l) = 0 or len(premises_r) = 0", null=True),
    Level("seen at the same premises", _any_shared("premises"), 0.2, 0.02, learn_u=False),
    Level("no premises in common", "else", 0.9, 0.9, learn_u=False),
)
COMPARISONS: dict[str, tuple[Level, ...]] = {
    "forename": FORENAME,
    "second_forename": SECOND,
    "surname": SURNAME,
    "birth": BIRTH,
    "age": AGE,
    "sex": SEX,
    "postcode": POSTCODE,
    "area": AREA,
    "household": HOUSEHOLD,
    "nhs": NHS,
    "upn": UPN,
    "local_id": LOCAL_ID,
    "address": ADDRESS,
    "contact": CONTACT,
    "nickname": NICKNAME,
    "vehicle": VEHICLE,
    "alias": ALIAS,
    "case": CASE,
    "premises": PREMISES,
}
# Fields of suspects alone, and the list that each comparison needs.
_OF_SUSPECTS = {"alias": "aliases", "case": "cases", "premises": "premises"}
# The field without which a comparison is left out, so that other kinds of data cost nothing.
_NEEDS = {
    "second_forename": "fore_second", "nhs": "nhs", "upn": "upn", "address": "address",
    "vehicle": "vehicle", "sex": "sex", "postcode": "postcode", "area": "district",
    "address_pairs": "address", "district": "district", "sector": "sector",
    "vehicle_part": "vehicle",
}  # fmt: skip
BLOCKS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("nhs",), ""),
    (("upn",), ""),
    (("local_ids",), "local_ids"),
    (("name_key", "dob"), ""),
    (("dob", "block_words"), "block_words"),
    (("dob", "sector"), ""),
    (("dob", "postcode"), ""),
    (("dob", "fore_initial"), ""),
    (("dob", "sur_initial"), ""),
    (("dob_swapped", "fore_sound"), ""),
    (("name_key",), ""),
    (("address_pairs",), "address_pairs"),
    (("contacts",), "contacts"),
    (("cases",), "cases"),
    (("other_words", "fore_sound"), "other_words"),
    (("other_words", "sur_sound"), "other_words"),
    (("sur_sound", "fore_kin"), "fore_kin"),
    (("postcode", "block_words"), "block_words"),
    (("postcode", "fore_kin"), "fore_kin"),
    (("postcodes", "sur_sound"), "postcodes"),
    (("postcodes", "dob"), "postcodes"),
    (("postcodes", "fore_sound"), "postcodes"),
    (("sur_sound", "fore_initial", "district"), ""),
)


# Fields within whose agreement parameters are learnt: the first two that bring enough pairs.
_TRAINING: tuple[tuple[str, ...], ...] = (
    ("dob",), ("fore", "sur"), ("sur", "postcode"), ("fore", "postcode"), ("address",),
)  # fmt: skip
# Blocks used only where they bring few pairs, which small or well spread data do.
_BROAD_BLOCKS: tuple[tuple[str, ...], ...] = (
    ("dob",), ("postcode",), ("sur_sound",), ("vehicle",), ("vehicle_part",),
    ("fore", "sur_initial"),
    ("sur", "fore_initial"), ("birthday", "fore_initial", "sur_initial"),
)  # fmt: skip


def _present(identities: pl.DataFrame, name: str) -> bool:
    needed = _NEEDS.get(name)
    if name == "postcodes":  # further homes than the present one
        homes = identities["postcodes"].list.len() - identities["postcode"].is_not_null()
        return bool((homes > 0).any())
    if name == "postcode":
        return bool((identities["postcodes"].list.len() > 0).any())
    if name == "age":
        return bool((identities["dob"].is_null() & identities["born_from"].is_not_null()).any())
    if name in _OF_SUSPECTS or name in _OF_SUSPECTS.values():
        column = _OF_SUSPECTS.get(name, name)
        return column in identities.columns and bool((identities[column].list.len() > 0).any())
    if name == "nickname" and _present(identities, "alias"):
        return False  # a suspect's nickname is compared whole
    if name in ("nickname", "other_words"):
        return bool((identities["other_words"].list.len() > 0).any())
    if name in ("contact", "contacts"):
        return bool((identities["contacts"].list.len() > 0).any())
    if name == "household":
        return hold_families(identities)
    if name == "local_id":
        return bool((identities["local_ids"].list.len() > 0).any())
    return needed is None or identities[needed].null_count() < len(identities)


def comparisons(identities: pl.DataFrame) -> dict[str, tuple[Level, ...]]:
    """Return the comparisons whose fields the identities hold."""
    return {name: levels for name, levels in COMPARISONS.items() if _present(identities, name)}


_INITIALS = (
    pl.col("fore_first").str.slice(0, 1).alias("fore_initial"),
    pl.col("sur").str.slice(0, 1).alias("sur_initial"),
    pl.col("dob").str.slice(4).alias("birthday"),  # mmdd: a wrong year is a common slip
    pl.col("vehicle").str.slice(0, 4).alias("vehicle_part"),
)


def splink_input(identities: pl.DataFrame, *, training: bool = False) -> pl.DataFrame:
    """Return the columns that the model's SQL reads, and those of `training` if it is to be."""
    columns = (
        "identity", "fore", "sur", "fore_first", "fore_second", "fore_telling", "fore_kin_all",
        "sur_words", "name_words", "fore_kin", "sur_kin", "fore_sound", "sur_sound",
        "sur_last_sound", "name_key", "block_words", "dob", "dob_swapped", "dob_default",
        "born_from", "born_to", "sex", "postcode", "postcodes", "sector", "district",
        "nhs", "upn", "local_ids", "issuers", "address", "contacts", "other_words", "vehicle",
    )  # fmt: skip
    # Fields of suspects stand empty for children, as a model may name them.
    nothing = [
        pl.lit([], dtype=pl.List(pl.String)).alias(name)
        for name in _OF_SUSPECTS.values()
        if name not in identities.columns
    ]
    return (
        identities.with_columns(nothing)
        .select(*columns, *_OF_SUSPECTS.values())
        .with_columns(
            *_INITIALS,
            pl.col("address").str.split(" ").list.unique().list.sort().alias("address_words"),
            _address_pairs().alias("address_pairs"),
            pl.col("contacts").list.get(0, null_on_oob=True).alias("contact"),
            *(_training_parts(identities).drop("identity").get_columns() if training else ()),
        )
    )


def _address_pairs() -> pl.Expr:
    """The three longest words of an address, two by two: enough to find it again after a slip."""
    words = (
        pl.col("address")
        .str.split(" ")
        .list.unique()
        .list.eval(
            pl.element()
            .sort_by([pl.element().str.len_chars(), pl.element()], descending=[True, False])
            .head(3)
        )
        .list.sort()
    )
    first, second, third = (words.list.get(place, null_on_oob=True) for place in range(3))
    return pl.concat_list(
        pl.concat_str(first, second, separator="|"),
        pl.concat_str(first, third, separator="|"),
        pl.concat_str(second, third, separator="|"),
    ).list.drop_nulls()


def prior(identities: pl.DataFrame) -> float:
    """Return the probability that two identities are one person, from identities that surely are.

    Pairs that share an NHS number, or name and date of birth, over all pairs, with an assumed
    recall of 0.7; at least one partner for ten identities, at most 0.1.
    """
    pairs = 0.0
    for columns in (("fore", "sur", "dob"),):
        counts = identities.drop_nulls(columns).group_by(columns).len()["len"].cast(pl.Float64)
        pairs += float((counts * (counts - 1) / 2).sum())
    numbers = (
        identities.select("identity", "nhs")
        .drop_nulls()
        .group_by("nhs")
        .len()["len"]
        .cast(pl.Float64)
    )
    pairs = max(pairs, float((numbers * (numbers - 1) / 2).sum()))
    total = max(1.0, len(identities) * (len(identities) - 1) / 2)
    # One in ten identities with a partner is the least that a linkage is asked for.
    return min(0.1, max(pairs / 0.7, 0.1 * len(identities)) / total)


# The field that an exact level compares, and what two strangers who agree in it don't share.
_EXACT = {
    "same date of birth": ("dob", "postcode"),
    "same postcode": ("postcode", "dob"),
    "same address": ("address", "dob"),
    "same e-mail or telephone": ("contacts", "dob"),
}
_HOMES = {"same postcode": "postcode", "same address": "address"}
CHANCE_IDENTITIES = 50_000  # identities (at random, being in the order of keyed hashes) for it


def stranger_chances(identities: pl.DataFrame) -> dict[str, float]:
    """Return, by label of an exact level, the chance that two different people agree in it.

    A random sample of pairs holds pairs of one person too, as many as agree in a date of birth by
    chance, and so makes rare agreement look common. Here only pairs count that agree in nothing
    else: neither a name in either place, by sound, nor the date of birth or the home.
    """
    found = {}
    for label, (column, other) in _EXACT.items():
        some = identities.head(CHANCE_IDENTITIES)
        if some.schema[column] == pl.List(pl.String):
            some = some.explode(column, empty_as_null=True)
        rows = some.drop_nulls(column).select(
            "identity", column, pl.col(other).alias("other"), "block_words", "fore", "sur"
        )
        pairs = len(rows) * (len(rows) - 1) / 2
        if pairs < TRAIN_PAIRS:
            continue
        both = rows.join(rows, on=column, suffix="_b").filter(
            (pl.col("identity") < pl.col("identity_b"))
            & (pl.col("other") != pl.col("other_b")).fill_null(True)
            & (pl.col("block_words").list.set_intersection("block_words_b").list.len() == 0)
            & ~(
                (pl.col("fore") == pl.col("fore_b")) | (pl.col("sur") == pl.col("sur_b"))
            ).fill_null(False)
        )
        found[label] = float(f"{(len(both) + 0.5) / pairs:.6g}")
    return found


def _swap_chance(identities: pl.DataFrame) -> float | None:
    """Return the chance that two people bear each other's names in the other order.

    A forename that serves as a surname too makes it likelier: the sum over names of their shares
    among forenames and surnames, squared, as both have to agree. None in few data.
    """
    if len(identities) < TRAIN_FROM:
        return None
    shares = [
        identities.select(pl.col(column).alias("name"))
        .drop_nulls()
        .group_by("name")
        .len()
        .select("name", (pl.col("len") / pl.col("len").sum()).alias(column))
        for column in ("fore", "sur")
    ]
    both = shares[0].join(shares[1], on="name").select((pl.col("fore") * pl.col("sur")).sum())
    return max(1e-8, float(both.item()) ** 2)


def _broad_blocks(identities: pl.DataFrame) -> list[tuple[tuple[str, ...], str]]:
    """Return blocks on little evidence where they bring few pairs (small or well spread data)."""
    most = max(BROAD_PAIRS, BROAD * len(identities))
    chosen: list[tuple[tuple[str, ...], str]] = [
        (columns, "") for columns in _BROAD_BLOCKS if _pairs_on(identities, columns) <= most
    ]
    aliases = (
        identities["other_words"].explode(empty_as_null=True).drop_nulls().value_counts()["count"]
    )
    if float((aliases.cast(pl.Float64) ** 2 / 2).sum()) <= most:
        chosen.append((("other_words",), "other_words"))
    return chosen


def settings(identities: pl.DataFrame, *, rare: bool = True) -> dict[str, Any]:
    """Return Splink settings with the default parameters, for these identities."""
    match = prior(identities)
    # Two people share a number only by mistake: errors fall on the true owner's few records, so
    # the chance among non-matches shrinks with the number of people exactly as the prior does.
    wrong = max(1e-12, 2 * WRONG_IDENTIFIER * match)
    swap = _swap_chance(identities)
    chances = stranger_chances(identities) if len(identities) >= TRAIN_FROM else {}
    compared = comparisons(identities)
    families = "household" in compared
    built = []
    for name, levels in compared.items():
        rows: list[dict[str, Any]] = []
        for level in levels:
            row: dict[str, Any] = {
                "sql_condition": "ELSE" if level.sql == "else" else level.sql,
                "label_for_charts": level.label,
            }
            if level.null:
                row["is_null_level"] = True
            else:
                row["m_probability"] = level.m
                row["u_probability"] = level.u or wrong
                if level.label == SWAP and swap is not None:
                    row["u_probability"] = swap
                row["fix_m_probability"] = not (level.learn_m or (rare and level.rare))
                row["fix_u_probability"] = not level.learn_u
                if level.label in chances:
                    row["u_probability"] = chances[level.label]
                    row["fix_u_probability"] = True
                if families and level.label in _HOMES:
                    shared_home = one_home(identities, _HOMES[level.label])
                    row["u_probability"] = max(row["u_probability"], float(f"{shared_home:.6g}"))
                    row["fix_u_probability"] = True
            if level.frequency_of:
                row["tf_adjustment_column"] = level.frequency_of
                row["tf_adjustment_weight"] = 1.0
                if name == "household":
                    row["disable_tf_exact_match_detection"] = True
                row["tf_minimum_u_value"] = 1.0 / max(1000, len(identities))
            rows.append(row)
        built.append({"output_column_name": name, "comparison_levels": rows})
    blocks = []
    for columns, exploded in (*_broad_blocks(identities), *BLOCKS):
        if any(
            (column in _NEEDS or column in ("other_words", "postcodes", "contacts", "cases"))
            and not _present(identities, column)
            for column in columns
        ):
            continue
        sql = " and ".join(f"l.{column} = r.{column}" for column in columns)
        blocks.append(
            {"blocking_rule": sql, **({"arrays_to_explode": [exploded]} if exploded else {})}
        )
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "identity",
        "probability_two_random_records_match": match,
        "comparisons": built,
        "blocking_rules_to_generate_predictions": blocks,
        "retain_intermediate_calculation_columns": True,
        "retain_matching_columns": False,
        "max_iterations": 15,
    }


def _pairs_on(
    identities: pl.DataFrame, columns: tuple[str, ...], largest: float = math.inf
) -> float:
    """Return how many pairs of identities agree in the columns, in groups of at most `largest`."""
    sizes = (
        identities.with_columns(*_INITIALS)
        .select(columns)
        .drop_nulls()
        .group_by(columns)
        .len()["len"]
        .cast(pl.Float64)
    )
    pairs = sizes * (sizes - 1) / 2
    return float(pairs.filter(pairs <= largest).sum())


def _training_rules(identities: pl.DataFrame) -> list[tuple[str, ...]]:
    """Return the fields within whose agreement parameters are learnt: the first two that serve."""
    return [c for c in _TRAINING if _pairs_on(identities, c, TRAIN_GROUP) >= TRAIN_PAIRS][:2]


def _training_parts(identities: pl.DataFrame) -> pl.DataFrame:
    """Return `identity, training_0, training_1`: "y" for the identities a rule's training takes.

    Whole groups of agreeing identities, in the order of their keyed hashes and so at random, up to
    TRAIN_AT_MOST pairs: more pairs cost time and memory and teach nothing more.
    """
    parts, rules = identities.select("identity"), _training_rules(identities)
    for place in range(2):
        name = f"training_{place}"
        if place >= len(rules):
            parts = parts.with_columns(pl.lit(None, dtype=pl.String).alias(name))
            continue
        columns = rules[place]
        rows = identities.with_columns(*_INITIALS).select("identity", *columns).drop_nulls()
        size = pl.col("size").cast(pl.Float64)
        pairs = size * (size - 1) / 2
        taken = (
            rows.group_by(columns)
            .agg(pl.len().alias("size"), pl.col("identity").min().alias("first"))
            .filter(pairs <= TRAIN_GROUP)
            .sort("first")
            .filter(pairs.cum_sum() <= TRAIN_AT_MOST)
        )
        chosen = rows.join(taken, on=list(columns), how="semi").select(
            "identity", pl.lit("y").alias(name)
        )
        parts = parts.join(chosen, on="identity", how="left", maintain_order="left")
    return parts


def train(linker: Any, identities: pl.DataFrame, seed: int) -> bool:
    """Train the levels that are to be learnt; return whether there was enough data to do so."""
    from splink.internals.blocking_rule_library import block_on

    if len(identities) < TRAIN_FROM:
        return False
    linker.training.estimate_u_using_random_sampling(
        max_pairs=U_PAIRS, seed=seed, min_count_per_level=None, num_chunks=1
    )
    for place, columns in enumerate(_training_rules(identities)):
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(*columns, f"training_{place}"), fix_u_probabilities=True
        )
    return True


def score(
    con: duckdb.DuckDBPyConnection,
    identities: pl.DataFrame,
    *,
    seed: int,
    from_weight: float,
    model: Path | None = None,
    save_to: Path | None = None,
    key: bytes = b"",
    engine: str = "duckdb",
) -> pl.DataFrame:
    """Return the pairs that a block brings together, from match weight `from_weight` up.

    Columns `identity_a < identity_b`, `match_weight` (log2), `match_probability`, and for each
    comparison `level_<name>` (label) and `weight_<name>` (log2, term frequency included). With
    `model` (JSON saved before) nothing is trained, and blocks and term frequencies are those of
    the model; with `save_to` the model used is kept. `key` is that of the saved names' hashes.
    `engine` compares the pairs: duckdb or spark.
    """
    from splink import DuckDBAPI

    logging.getLogger("splink").setLevel(logging.ERROR)
    if len(identities) < 2:
        return _empty(list(comparisons(identities)))
    lookups = frequencies(model, identities, key)
    if model is None:
        some = identities.head(SPARK_TRAINING) if engine == "spark" else identities
        table = DuckDBAPI(connection=con).register(
            splink_input(some, training=True), dataset_display_name="training"
        )
        chosen = trained(table, some, settings(some), seed)
        chosen["probability_two_random_records_match"] = prior(identities)
        _household(chosen, some)
        if len(identities) >= PRIOR_FROM:
            chosen = refitted(con, identities.head(REFIT_IDENTITIES), chosen, lookups)
        if set(_OF_SUSPECTS.values()) <= set(identities.columns):
            chosen = shared.calibrated(chosen, identities)
    else:
        chosen = json.loads(model.read_text(encoding="utf-8"))
        chosen.pop(PART, None)
    least = from_weight - ROUNDING
    if engine == "spark":
        from profile_pipeline.linkage import spark

        with spark.session(len(identities)) as session:
            arrow = spark.predicted(session, splink_input(identities), chosen, lookups, least)
        pairs = _labelled(con.from_arrow(arrow), chosen)
    else:
        pairs, chosen = _predicted("identities", con, identities, chosen, lookups, least)
    if save_to is not None:
        save_to.write_text(json.dumps(chosen, indent=1) + "\n", encoding="utf-8")
    return pairs.filter(pl.col("match_weight") >= from_weight)


def _household(parameters: dict[str, Any], identities: pl.DataFrame) -> None:
    """Set what one surname at one home takes back (in `parameters`), where the data hold families.

    The surname's weight, frequency included, gives way to that of bearing one's relatives' surname:
    the frequency counts the other way round here, and m and u are such that the sum comes out so.
    """
    levels = {
        level["label_for_charts"]: level
        for comparison in parameters["comparisons"]
        for level in comparison["comparison_levels"]
        if comparison["output_column_name"] in ("surname", "household")
    }
    level = levels.get(HOUSEHOLD[1].label)
    if level is None:
        return
    u = levels["same surname"]["u_probability"]
    level["u_probability"] = u
    level["m_probability"] = float(f"{u * u / max(u, one_surname(identities)):.6g}")
    level["tf_adjustment_weight"] = -1.0


def _predicted(
    name: str,
    con: duckdb.DuckDBPyConnection,
    identities: pl.DataFrame,
    parameters: dict[str, Any],
    lookups: dict[str, pl.DataFrame],
    least: float,
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the pairs that DuckDB scores, labelled, and the parameters as Splink keeps them."""
    from splink import DuckDBAPI, Linker

    api = DuckDBAPI(connection=con)
    table = api.register(splink_input(identities), dataset_display_name=name)
    linker = Linker([table], parameters, log_level=logging.ERROR)
    for column, frame in lookups.items():
        lookup = api.register(frame, dataset_display_name=f"{name}_{column}")
        linker.table_management.register_term_frequency_lookup(lookup, column)
    kept = linker.misc.save_model_to_json()
    relation = linker.inference.predict(threshold_match_weight=least).as_duckdbpyrelation()
    return _labelled(relation, kept), kept


def refitted(
    con: duckdb.DuckDBPyConnection,
    identities: pl.DataFrame,
    parameters: dict[str, Any],
    lookups: dict[str, pl.DataFrame],
) -> dict[str, Any]:
    """Return the parameters with the prior and m learnt again from all pairs that blocks bring.

    Each pair counts by its match probability, in REFITS rounds. Of large data a random part is
    taken: its share of matches among pairs is that of the whole.
    """
    pairs, parameters = _predicted(
        "some_identities", con, identities, parameters, lookups, REFIT_FROM
    )
    pairs = _teaching(pairs, "level_household" in pairs.columns)
    for _ in range(REFITS):
        pairs = _with_prior_from_pairs(pairs, parameters, len(identities))
        pairs = _with_levels_from_pairs(pairs, parameters)
    _with_prior_from_pairs(pairs, parameters, len(identities))
    return parameters


def _with_prior_from_pairs(
    pairs: pl.DataFrame, parameters: dict[str, Any], identities: int
) -> pl.DataFrame:
    """Settle the prior (in `parameters`) at the share of matches that the pairs themselves expect.

    The first estimate rests on exact agreement, which is rare where names and dates are often
    mistyped. Moves the weights by at most PRIOR_ROOM bits.
    """
    first = float(parameters["probability_two_random_records_match"])
    total = identities * (identities - 1) / 2
    weights = pairs["match_weight"]
    match = first
    for _ in range(50):
        shift = math.log2(match / (1 - match)) - math.log2(first / (1 - first))
        expected = float((1 / (1 + 2 ** (-(weights + shift)))).sum())
        match = min(max(expected / total, first / 2**PRIOR_ROOM), first * 2**PRIOR_ROOM, 0.1)
    match = float(f"{match:.4g}")
    parameters["probability_two_random_records_match"] = match
    return _weighed(pairs, match)


_SAYS_SAME = (
    "same NHS number", "same UPN", "same local id", "same date of birth",
    "day and month in the other order", "one digit of the date differs", "same nickname or alias",
)  # fmt: skip


def _teaching(pairs: pl.DataFrame, families: bool) -> pl.DataFrame:
    """Return the pairs from which the prior and m are learnt: relatives teach nothing.

    In data that hold families these are the pairs of another forename beside neither a like date of
    birth nor one number. They share surname and home and are far more than wrong forenames are: the
    data would learn of them that one person's forename and date of birth often differ.
    """
    if not families:
        return pairs
    said = [pl.col(column) for column in pairs.columns if column.startswith("level_")]
    same = pl.any_horizontal(column.is_in(_SAYS_SAME) for column in said)
    return pairs.filter((pl.col("level_forename") != "different forename") | same)


def _with_levels_from_pairs(pairs: pl.DataFrame, parameters: dict[str, Any]) -> pl.DataFrame:
    """Learn m from all scored pairs, each counting by its match probability; change `parameters`.

    Expectation maximisation within a block sees pairs of distinct identities, which agree there and
    so must differ elsewhere: it overrates differences. The defaults count as PRIOR_MATCHES pairs.
    """
    sure = pl.col("match_probability")
    surnames = next(
        level["u_probability"]
        for comparison in parameters["comparisons"]
        for level in comparison["comparison_levels"]
        if level["label_for_charts"] == "same surname"
    )
    for comparison in parameters["comparisons"]:
        name = comparison["output_column_name"]
        known = {level.label: level for level in COMPARISONS[name]}
        levels = {
            level["label_for_charts"]: level
            for level in comparison["comparison_levels"]
            if "m_probability" in level
        }
        free = [label for label in levels if known[label].learn_m or known[label].rare]
        if not free:
            continue
        seen = (
            pairs.filter(pl.col(f"level_{name}").is_in(list(levels)))
            .group_by(f"level_{name}")
            .agg(sure.sort().sum())
        )
        found = dict(seen.iter_rows())
        total = sum(found.values()) + PRIOR_MATCHES
        shift = {}
        for label in free:
            m = (found.get(label, 0.0) + PRIOR_MATCHES * known[label].m) / total
            m = float(f"{m:.4g}")
            shift[label] = math.log2(m / levels[label]["m_probability"])
            levels[label]["m_probability"] = m
            if label == SWAP:  # a namesake whose names were swapped is as likely as a namesake
                both = levels["same forename"]["u_probability"], surnames
                u = max(levels[label]["u_probability"], m * both[0] * both[1])
                shift[label] += math.log2(levels[label]["u_probability"] / u)
                levels[label]["u_probability"] = float(f"{u:.6g}")
        pairs = pairs.with_columns(
            (
                pl.col(f"weight_{name}")
                + pl.col(f"level_{name}").replace_strict(
                    shift, default=0.0, return_dtype=pl.Float64
                )
            ).round(5)
        )
    return pairs


def _weighed(pairs: pl.DataFrame, match: float) -> pl.DataFrame:
    """Return the pairs with match weight and probability at a prior.

    The sum of rounded parts: a saved model gives what the run that trained it gave, to the last
    digit, whatever prior each started from.
    """
    parts = [column for column in pairs.columns if column.startswith("weight_")]
    prior_bits = round(math.log2(match / (1 - match)), 5)
    weight = pl.sum_horizontal(pl.lit(prior_bits), *parts).round(4)
    return pairs.with_columns(weight.alias("match_weight")).with_columns(
        (1 / (1 + 2 ** (-pl.col("match_weight")))).round(9).alias("match_probability")
    )


def trained(
    table: Any, identities: pl.DataFrame, defaults: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Return trained settings as JSON keeps them; rare levels only where the data hold some."""
    from splink import Linker

    for rare in (True, False):
        chosen = defaults if rare else settings(identities, rare=False)
        linker = Linker([table], chosen, log_level=logging.ERROR)
        try:
            train(linker, identities, seed)
            return _settled(linker.misc.save_model_to_json())
        except (ValueError, ZeroDivisionError):
            # Splink stops when expectation maximisation drives an m to zero.
            continue
    return _settled(defaults)


def _settled(parameters: dict[str, Any]) -> dict[str, Any]:
    """Keep learnt m from falling below their defaults where disagreement is rare, and round.

    A difference that the training pairs hardly show is still possible: its m stays at the default
    at least, and that of any other level at a quarter of it. Six significant digits: sums over
    threads differ in the last ones from run to run.
    """
    for comparison in parameters["comparisons"]:
        defaults = {level.label: level for level in COMPARISONS[comparison["output_column_name"]]}
        for level in comparison["comparison_levels"]:
            default = defaults[level["label_for_charts"]]
            if "m_probability" in level:
                rarely = default.sql == "else" and default.m < COMMON
                least = default.m if rarely else default.m / 4
                level["m_probability"] = max(level["m_probability"], least)
            for name in ("m_probability", "u_probability"):
                if isinstance(level.get(name), float):
                    level[name] = float(f"{level[name]:.6g}")
    return parameters


def _labelled(relation: Any, parameters: dict[str, Any]) -> pl.DataFrame:
    """Name the level of every comparison; Splink's output has its base weight."""
    present = set(relation.columns)
    frequency = {
        c["output_column_name"]: f"mw_tf_adj_{c['output_column_name']}"
        if f"mw_tf_adj_{c['output_column_name']}" in present
        else "0"
        for c in parameters["comparisons"]
    }
    columns = ", ".join(
        f"round(mw_{name}, 5) as base_{name}, round(mw_{name} + {extra}, 5) as weight_{name}"
        for name, extra in frequency.items()
    )
    first, second = "least(identity_l, identity_r)", "greatest(identity_l, identity_r)"
    frame: pl.DataFrame = relation.project(
        f"{first} as identity_a, {second} as identity_b, match_weight, {columns}"
    ).pl()
    frame = _weighed(frame, float(parameters["probability_two_random_records_match"]))
    labels = []
    for comparison in parameters["comparisons"]:
        name, known = comparison["output_column_name"], {0.0: "not compared"}
        for level in reversed(comparison["comparison_levels"]):
            if not level.get("is_null_level"):
                weight = round(math.log2(level["m_probability"] / level["u_probability"]), 5)
                if weight != 0:  # a level that tells nothing looks like fields not given
                    known[weight] = level["label_for_charts"]
        weights = pl.DataFrame(
            {f"base_{name}": list(known), f"level_{name}": list(known.values())},
            schema={f"base_{name}": pl.Float64, f"level_{name}": pl.String},
        ).sort(f"base_{name}")
        labels.append((name, weights))
    for name, weights in labels:
        frame = (
            frame.sort(f"base_{name}")
            .join_asof(weights, on=f"base_{name}", strategy="nearest")
            .drop(f"base_{name}")
        )
    return frame.sort("match_weight", "identity_a", "identity_b", descending=[True, False, False])


def _empty(names: list[str]) -> pl.DataFrame:
    schema: dict[str, Any] = {
        "identity_a": pl.String, "identity_b": pl.String,
        "match_weight": pl.Float64, "match_probability": pl.Float64,
    }  # fmt: skip
    for name in names:
        schema |= {f"weight_{name}": pl.Float64, f"level_{name}": pl.String}
    return pl.DataFrame(schema=schema)
