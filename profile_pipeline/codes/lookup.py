"""Code lists: spellings to standard values, from CSV files an analyst can extend.

Each `<list>.csv` here has the columns `spelling,code`; an empty code means "not recorded". A
profile folder's own `codes/<list>.csv` adds to or overrides the list of its name. Spellings are
compared by `fold`: case, accents, punctuation and spacing don't matter.
"""

import csv
import difflib
import re
import unicodedata
from functools import cache
from pathlib import Path

import polars as pl

HERE = Path(__file__).parent


def fold(text: str) -> str:
    """Return the spelling as compared: lower case, without accents, punctuation or extra space."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return " ".join(re.sub(r"[^0-9a-z+]+", " ", plain.lower()).split())


def fold_expr(text: pl.Expr) -> pl.Expr:
    """Return `fold` of a text column."""
    return (
        text.str.normalize("NFKD")
        .str.replace_all(r"\p{M}", "")
        .str.to_lowercase()
        .str.replace_all(r"[^0-9a-z+]+", " ")
        .str.strip_chars()
    )


def read_list(path: Path) -> dict[str, str | None]:
    """Return folded spelling -> code of one CSV file; None means "not recorded"."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return {
            fold(row["spelling"]): (row["code"] or "").strip() or None
            for row in csv.DictReader(lines)
            if row.get("spelling")
        }


@cache
def list_names(own: Path | None = None) -> tuple[str, ...]:
    """Return the names of all code lists, the profile folder's own (`own`) included."""
    folders = [HERE, *([own] if own and own.is_dir() else [])]
    return tuple(sorted({path.stem for folder in folders for path in folder.glob("*.csv")}))


@cache
def code_list(name: str, own: Path | None = None) -> dict[str, str | None]:
    """Return folded spelling -> standard value of a list; raise KeyError when there is none."""
    found: dict[str, str | None] = {}
    paths = [HERE / f"{name}.csv", *([own / f"{name}.csv"] if own else [])]
    present = [path for path in paths if path.is_file()]
    if not present:
        raise KeyError(name)
    for path in present:
        found.update(read_list(path))
    # A file that holds standard values already is read as such.
    for code in list(found.values()):
        if code is not None:
            found.setdefault(fold(code), code)
    return found


@cache
def unknown_texts(own: Path | None = None) -> tuple[str, ...]:
    """Return the folded spellings that mean "we don't know" in any column of any file."""
    return tuple(sorted(spelling for spelling in code_list("unknown", own) if spelling))


def suggest(value: str, spellings: dict[str, str | None]) -> str | None:
    """Return the standard value of the nearest known spelling, or None when none is near."""
    near = difflib.get_close_matches(fold(value), spellings, n=1, cutoff=0.75)
    return spellings[near[0]] if near else None
