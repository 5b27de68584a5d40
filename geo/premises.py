"""Licensed premises that information reports name, matched to the licensing register.

Trading names are written in many ways; the address or postcode beside them tells which premises is
meant. A doubtful match is left unmatched: it would put a business under suspicion.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from profile_pipeline import tables

# Words that say what a business is, not which: left out before names are compared.
_COMMON_WORDS = ("the", "ltd", "limited", "llp", "plc", "hotel", "pub", "bar", "restaurant")
_SHORT_FORMS = {
    "st": "street",
    "rd": "road",
    "ln": "lane",
    "ave": "avenue",
    "dr": "drive",
    "pl": "place",
    "sq": "square",
    "ct": "court",
    "av": "avenue",
    "cl": "close",
    "cres": "crescent",
    "gdns": "gardens",
    "gr": "grove",
    "pde": "parade",
    "ter": "terrace",
}
# What comes after a street's kind is the town, unless it is part of the street's name.
_STREETS = r"(?:" + "|".join([*dict.fromkeys(_SHORT_FORMS.values()), "way", "walk", "row"]) + ")"
_COMPASS = r"\b(?:north|south|east|west|upper|lower|extension)\b"
# Scores of rapidfuzz (0-100). Set so that a dropped letter (`Lanten Lodge`) or word passes and the
# same first word on another business (`Lantern Cars`) does not.
NAME_IS_ALIKE = 85.0
NAME_IS_SURE = 92.0
NAME_IS_PARTLY = 80.0
ADDRESS_IS_ALIKE = 90.0


def match_premises(information_reports: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return tables.PREMISES_REPORTS: the reports that name premises, matched to the register.

    `information_reports` is tables.MEASURES["information_report"], `places` tables.PLACE. The
    address is a street line with its number, a postcode, or both. Matched by

    - name and address: the address fits and the name is alike,
    - address: the address fits and the name at least partly; among several the best name,
    - name: no address fits because none is given, and one name alone in the register is alike.

    Everything else keeps nulls. Ties stay unmatched.
    """
    reports = information_reports.filter(
        (pl.col("premises_name").str.strip_chars() != "")
        | (pl.col("premises_address").str.strip_chars() != "")
    ).with_columns(pl.col("premises_name", "premises_address").fill_null(""))
    register = places.filter(pl.col("kind") == "licensed_premises").sort("place_id")
    named = reports.select("premises_name", "premises_address").unique(maintain_order=True)
    matched = _match(named, register)
    joined = reports.join(matched, on=["premises_name", "premises_address"], how="left")
    return tables.conform(joined.sort(tables.ROW_KEY), tables.PREMISES_REPORTS)


def _match(named: pl.DataFrame, register: pl.DataFrame) -> pl.DataFrame:
    """Return each name and address with premises_id, premises and matched_by."""
    from rapidfuzz import fuzz, process

    empty = named.with_columns(
        pl.lit(None, dtype=pl.String).alias(name)
        for name in ("premises_id", "premises", "matched_by")
    )
    if register.is_empty() or named.is_empty():
        return empty
    wanted = named.select(
        _plain("premises_name").alias("name"),
        _plain("premises_address").alias("line"),
        _postcode(pl.col("premises_address")).alias("postcode"),
    )
    known = register.select(
        _plain("name").alias("name"),
        _plain("address").fill_null("").alias("line"),
        _postcode(pl.col("postcode")).alias("postcode"),
    )
    # Common words are left out when something is left without them.
    names = np.maximum(
        process.cdist(_bare(wanted["name"]), _bare(known["name"]), scorer=fuzz.token_sort_ratio),
        process.cdist(wanted["name"], known["name"], scorer=fuzz.token_sort_ratio),
    )
    # High when the words that are left of one name all stand in the other.
    parts = process.cdist(_bare(wanted["name"]), _bare(known["name"]), scorer=fuzz.token_set_ratio)
    lines = process.cdist(
        _without_postcode(wanted["line"]), known["line"], scorer=fuzz.token_sort_ratio
    )
    same_number = _numbers(wanted["line"])[:, None] == _numbers(known["line"])[None, :]
    has_number = (_numbers(wanted["line"]) != "")[:, None]
    at_line = (lines >= ADDRESS_IS_ALIKE) & same_number & has_number
    codes = wanted["postcode"].fill_null("").to_numpy()
    known_codes = known["postcode"].fill_null("").to_numpy()
    told = (codes != "")[:, None]
    at_code = (codes[:, None] == known_codes[None, :]) & told
    # The town may stand behind the street on one side: looked at where no line fits as it stands.
    elsewhere = told & (known_codes != "")[None, :] & ~at_code
    streets = _without_town(wanted["line"], known["line"], named, register)
    alone = ~at_line.any(axis=1)[:, None]
    at_line |= (streets >= ADDRESS_IS_ALIKE) & same_number & has_number & ~elsewhere & alone
    address = at_line | at_code
    no_address = (wanted["line"] == "").to_numpy()[:, None]

    both = _only_best(np.where(address & (names >= NAME_IS_ALIKE), names, 0))
    partly = np.maximum(names, parts)
    by_address = _only_best(np.where(address & (partly >= NAME_IS_PARTLY), partly, 0))
    by_name = _only_best(np.where(no_address & (names >= NAME_IS_SURE), names, 0))
    row = np.select([both >= 0, by_address >= 0, by_name >= 0], [both, by_address, by_name], -1)
    how = np.select(
        [both >= 0, by_address >= 0, by_name >= 0], ["name and address", "address", "name"], ""
    )
    index = pl.Series([int(at) if at >= 0 else None for at in row], dtype=pl.UInt32)
    return named.with_columns(
        register["place_id"].gather(index).alias("premises_id"),
        register["name"].gather(index).alias("premises"),
        pl.Series("matched_by", [str(text) or None for text in how], dtype=pl.String),
    )


def _without_town(
    wanted: pl.Series, known: pl.Series, named: pl.DataFrame, register: pl.DataFrame
) -> NDArray[np.float64]:
    """Return how alike two addresses are (0-100) when one of them has lost its last parts."""
    from rapidfuzz import fuzz, process

    wanted_line = _without_postcode(wanted)
    scores = np.zeros((len(wanted), len(known)))
    for ours, theirs in (
        *((part, known.to_list()) for part in _first_parts(named["premises_address"])),
        *((wanted_line, part) for part in _first_parts(register["address"])),
    ):
        scores = np.maximum(scores, process.cdist(ours, theirs, scorer=fuzz.token_sort_ratio))
    return scores


def _first_parts(addresses: pl.Series) -> list[list[str]]:
    """Return what stands before the first, second and third comma, and the line up to its street.

    Each plain, empty where there is no such part or it doesn't hold a number and a word.
    """
    frame = pl.DataFrame({"address": addresses.fill_null("")})
    cut = frame.with_columns(
        pl.when(pl.col("address").str.count_matches(",", literal=True) >= count)
        .then(pl.col("address").str.split(",").list.head(count).list.join(" "))
        .otherwise(pl.lit(""))
        .alias(f"before_{count}")
        for count in (1, 2, 3)
    )
    plain = cut.select(_plain(name).alias(name) for name in cut.columns)
    line = pl.Series("line", _without_postcode(plain["address"]), dtype=pl.String)
    town = line.str.extract(rf"^.*\b{_STREETS} (.+)$")
    street = line.str.extract(rf"^(.*\b{_STREETS}) .+$")
    is_town = ~town.str.contains(_COMPASS).fill_null(value=True)
    parts = {f"before_{n}": _without_postcode(plain[f"before_{n}"]) for n in (1, 2, 3)}
    whole = r"^(?:unit |flat )?[0-9]+[a-z]? [a-z]{2,}"
    held = pl.DataFrame(
        {**parts, "street": street, "is_town": is_town},
        schema_overrides=dict.fromkeys(parts, pl.String),
    ).select(
        *parts, street=pl.when("is_town").then("street").otherwise(pl.lit(""))
    )  # fmt: skip
    named = held.select(
        pl.when(pl.col(name).str.contains(whole)).then(name).otherwise(pl.lit("")).alias(name)
        for name in held.columns
    )
    return [named[name].to_list() for name in named.columns]


def _only_best(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each row the column of its one best score; -1 for none or a tie."""
    best = scores.max(axis=1)
    alone = (scores == best[:, None]).sum(axis=1) == 1
    return np.where((best > 0) & alone, scores.argmax(axis=1), -1)


def _plain(name: str) -> pl.Expr:
    """Lower case, `&` as `and`, apostrophes dropped, other signs as spaces, short forms in full."""
    text = pl.col(name).str.to_lowercase().str.replace_all("&", " and ", literal=True)
    text = (
        text.str.replace_all(r"['`\u2019]", "")
        .str.replace_all(r"[^a-z0-9]+", " ")
        .str.strip_chars()
    )
    words = text.str.split(" ").list.eval(pl.element().replace(_SHORT_FORMS))
    return words.list.join(" ")


def _postcode(text: pl.Expr) -> pl.Expr:
    """The full postcode in the text, without its space; null when there is none."""
    return (
        text.str.to_uppercase()
        .str.extract(r"\b([A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2})\b")
        .str.replace(" ", "", literal=True)
    )


def _bare(names: pl.Series) -> list[str]:
    """Return the names without the words that many businesses share; whole if none were left."""
    common = list(_COMMON_WORDS)
    words = pl.col("name").str.split(" ").list.filter(~pl.element().is_in(common))
    frame = pl.DataFrame({"name": names}).select(words.list.join(" ").alias("bare"), "name")
    return (
        frame.select(pl.when(pl.col("bare") == "").then("name").otherwise("bare"))
        .to_series()
        .to_list()
    )


def _without_postcode(lines: pl.Series) -> list[str]:
    code = r"\b[a-z]{1,2}[0-9][0-9a-z]? ?[0-9][a-z]{2}\b"
    return lines.str.replace(code, "").str.strip_chars().to_list()


def _numbers(lines: pl.Series) -> NDArray[np.object_]:
    """Return the house number that opens each address; empty when none does."""
    return lines.str.extract(r"^(?:unit |flat )?([0-9]+[a-z]?)\b").fill_null("").to_numpy()
