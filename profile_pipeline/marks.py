"""Marks: how a text carries a figure until an edition prints it.

One text serves every edition, so a sentence of the analysis holds marks where its figures go:

- `{n:17}` a count that no table of the pack prints;
- `{pct:103/436}` a share of two such counts;
- `{held:17}` such a count that rests on items which may not leave the analyst's desk;
- `{cell:cohort_by_quarter|2015-16 Q4|all|children}` a figure of a table: name, key, column;
- `{sum:cell:...⊕cell:...⊖cell:...}` figures of tables added and taken away;
- `{pct:cell:...÷cell:...}` a share of two figures of tables, each a cell or a sum.

The last two name where a figure comes from, so that disclosure control can judge the text with
the tables. The first half of this module writes marks (polars expressions), the second reads them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

PLUS, MINUS, PER = "⊕", "⊖", "÷"

# --- writing --------------------------------------------------------------------------------------


def number(count: pl.Expr) -> pl.Expr:
    """Return the mark of a count that no table of the pack prints: `{n:17}`."""
    return pl.concat_str(pl.lit("{n:"), count.cast(pl.Int64), pl.lit("}"))


def held(count: pl.Expr) -> pl.Expr:
    """Return the mark of a count that no edition but the exact one may print: `{held:17}`."""
    return pl.concat_str(pl.lit("{held:"), count.cast(pl.Int64), pl.lit("}"))


def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return the mark of a share of two such counts: `{pct:103/436}`."""
    return pl.concat_str(
        pl.lit("{pct:"), part.cast(pl.Int64), pl.lit("/"), whole.cast(pl.Int64), pl.lit("}")
    )


def cell(table: str, *keys: str | pl.Expr, column: str) -> pl.Expr:
    """Return the mark of a figure of a table of the pack, found by its key."""
    parts = [key if isinstance(key, pl.Expr) else pl.lit(key) for key in keys]
    inner = pl.concat_str(pl.lit(table), *parts, pl.lit(column), separator="|")
    return pl.concat_str(pl.lit("{cell:"), inner, pl.lit("}"))


def total(*cells: pl.Expr) -> pl.Expr:
    """Return, as an aggregation, the mark of the sum of `cell` marks over rows and expressions."""
    terms = [_inner(each).str.join(PLUS) for each in cells]
    return pl.concat_str(pl.lit("{sum:"), pl.concat_str(terms, separator=PLUS), pl.lit("}"))


def difference(whole: pl.Expr, part: pl.Expr) -> pl.Expr:
    """Return the mark of a figure less another; marks of `cell` or `total`."""
    less = _inner(part).str.replace_all(PLUS, MINUS, literal=True)
    return pl.concat_str(pl.lit("{sum:"), _inner(whole), pl.lit(MINUS), less, pl.lit("}"))


def share_of(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return the mark of a share of two figures; marks of `cell`, `total` or `difference`."""
    return pl.concat_str(pl.lit("{pct:"), _inner(part), pl.lit(PER), _inner(whole), pl.lit("}"))


def sentence(*parts: str | pl.Expr) -> pl.Expr:
    """Return the parts joined: text as it stands, expressions by row."""
    return pl.concat_str([pl.lit(part) if isinstance(part, str) else part for part in parts])


def _inner(mark: pl.Expr) -> pl.Expr:
    return mark.str.strip_prefix("{").str.strip_prefix("sum:").str.strip_suffix("}")


# --- reading --------------------------------------------------------------------------------------

# A mark that was cut off reads as one too, so that none of it is ever printed.
MARK = re.compile(r"\{(?:n|held|cell|sum|pct):[^{}]*\}?")
_COUNT = re.compile(r"(n|held):(\d{1,9})")
_SHARE = re.compile(r"pct:(\d{1,9})/(\d{1,9})")


@dataclass(frozen=True)
class Cell:
    """A figure of a table: where it stands."""

    table: str
    keys: tuple[str, ...]
    column: str


Figure = tuple[tuple[int, Cell], ...]
"""Cells of tables, each with the sign it is added with."""


@dataclass(frozen=True)
class Count:
    """A count that no table of the pack prints; `held` is for the exact edition alone."""

    value: int
    held: bool = False


@dataclass(frozen=True)
class CountShare:
    """A share of two counts that no table of the pack prints."""

    part: int
    whole: int


@dataclass(frozen=True)
class FigureShare:
    """A share of two figures of tables."""

    part: Figure
    whole: Figure


Mark = Count | CountShare | Figure | FigureShare


def parsed(mark: str) -> Mark | None:
    """Return what a mark stands for; None for one that is malformed."""
    if not mark.endswith("}"):
        return None
    inner = mark[1:-1]
    if found := _COUNT.fullmatch(inner):
        return Count(int(found[2]), held=found[1] == "held")
    if found := _SHARE.fullmatch(inner):
        return CountShare(int(found[1]), int(found[2]))
    kind, _, rest = inner.partition(":")
    if kind == "pct":
        part, _, whole = (_figure(side) for side in rest.partition(PER))
        return FigureShare(part, whole) if part and whole else None
    return _figure(inner.removeprefix("sum:"))


def _figure(text: str) -> Figure | None:
    terms: list[tuple[int, Cell]] = []
    signed = text.replace(PLUS, f"\0{PLUS}").replace(MINUS, f"\0{MINUS}").split("\0")
    for term in signed:
        place = term.removeprefix(PLUS).removeprefix(MINUS)
        if not place.startswith("cell:"):
            return None
        name, *keys = place.removeprefix("cell:").split("|")
        if len(keys) < 2:
            return None
        terms.append((-1 if term.startswith(MINUS) else 1, Cell(name, tuple(keys[:-1]), keys[-1])))
    return tuple(terms)


def marks_in(frame: pl.DataFrame) -> list[Mark]:
    """Return the well-formed marks of a table's texts, each once, in order."""
    found = [
        parsed(mark)
        for column in frame.columns
        if frame.schema[column] == pl.String
        for text in frame.filter(pl.col(column).str.contains(r"\{\w+:"))[column].to_list()
        for mark in MARK.findall(text)
    ]
    return list(dict.fromkeys(mark for mark in found if mark is not None))


def written(text: str, write: Callable[[Mark | None], str]) -> str:
    """Return a text with every mark written; a sentence that begins with one gets its capital."""
    done = MARK.sub(lambda match: write(parsed(match[0])), text)
    return done[:1].upper() + done[1:] if text.startswith("{") else done


def as_written(text: str, done: str) -> list[tuple[Mark | None, str]]:
    """Return each mark of a text with what a printed text has in its place; none if it isn't it."""
    parts = MARK.split(text)
    pattern = "(.*?)".join(re.escape(part) for part in parts)
    found = re.fullmatch(pattern, done, re.DOTALL)
    marks = [parsed(mark) for mark in MARK.findall(text)]
    return list(zip(marks, found.groups(), strict=True)) if found else []
