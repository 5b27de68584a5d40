"""Load the tables of nicknames, spellings and name parts that the linkage compares names with.

`nicknames.csv` (full, short), `spellings.csv` (kind, origin, spellings), `parts.csv` (part, kind,
origin) and `common.csv` (name, kind, share, among) were written from general knowledge of how names
are borne, shortened and transliterated in England; a partnership may add lines. A line of the first
two says that two written names *may* be one name, never that they are. A share is that among the
people whom `among` names, as namesakes are met there; it is right to a factor of two or so.
"""

import csv
from functools import cache
from importlib.resources import files

import polars as pl

FORENAME, SURNAME = "forename", "surname"


def _rows(name: str) -> list[dict[str, str]]:
    text = files("profile_pipeline.codes.names").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _plain(text: str) -> str:
    folded = pl.Series([text]).str.normalize("NFKD").str.replace_all(r"\p{M}", "").item()
    return str(folded).replace("ł", "l").replace("-", "")


@cache
def parts(kind: str) -> frozenset[str]:
    """Return the parts of a kind: particle, shared, title or placeholder (lower case)."""
    return frozenset(row["part"] for row in _rows("parts.csv") if row["kind"] == kind)


@cache
def common(kind: str) -> dict[str, float]:
    """Return the names that many people share, with their share; `kind` forename or surname."""
    return {row["name"]: float(row["share"]) for row in _rows("common.csv") if row["kind"] == kind}


@cache
def kin(kind: str) -> dict[str, tuple[str, ...]]:
    """Return, for each written name (lower case, no accents), the names it may stand for.

    `kind` is forename or surname. Two written names are kin when their tuples share an entry.
    """
    alike: dict[str, set[str]] = {}
    groups: list[set[str]] = []
    for number, row in enumerate(_rows("spellings.csv")):
        if row["kind"] in (kind, "both"):
            members = {_plain(word) for word in row["spellings"].split()}
            groups.append(members)
            for member in members:
                alike.setdefault(member, set()).add(f"s{number}")
    if kind == FORENAME:
        spelt: dict[str, set[str]] = {}
        for group in groups:
            for member in group:
                spelt.setdefault(member, set()).update(group)
        for row in _rows("nicknames.csv"):
            full = _plain(row["full"])
            # Other spellings of the full name are shortened in the same way.
            members = {full, *spelt.get(full, ()), *map(_plain, row["short"].split())}
            for member in members:
                alike.setdefault(member, set()).add(f"n:{full}")
    return {name: tuple(sorted(entries)) for name, entries in sorted(alike.items())}
