"""Figures in texts: judged with the pack's tables, and written for an edition.

A figure that a text takes from a table, or works out from several of its cells, is one more thing
the reader knows. It joins the pack as a cell of its own, related to those it is made of, so that it
is withheld where it would give one of them away, and everywhere alike.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from profile_pipeline.marks import (
    Cell,
    Count,
    CountShare,
    Figure,
    FigureShare,
    Mark,
    as_written,
    marks_in,
    written,
)
from profile_pipeline.plan.settings import Edition
from profile_pipeline.sharing.cells import LEVEL, Frames, Pack, Place, keys_of
from profile_pipeline.sharing.editions import (
    WITHHELD_NUMBER,
    WITHHELD_SHARE,
    percent_text,
    round_count,
    safe_count,
    safe_percent,
)
from profile_pipeline.tables import SUPPRESSED

TEXTS = "texts"


def add_figures(pack: Pack, tables: Frames) -> None:
    """Add the figures of the tables' texts to the pack, with what ties them to its cells.

    A share's complement is protected as well. A figure whose cells the pack doesn't hold is left
    out; it is withheld when printed.
    """
    marks = [mark for frame in tables.values() for mark in marks_in(frame)]
    for mark in marks:
        if isinstance(mark, FigureShare):
            part, whole = (_add(pack, side) for side in (mark.part, mark.whole))
            if part is not None and whole is not None:
                pack.rest(whole, part)
        elif isinstance(mark, tuple):
            _add(pack, mark)


def _add(pack: Pack, figure: Figure) -> int | None:
    """Return the pack's cell of a figure, added if it is new; None when it can't be found."""
    if figure in pack.figures:
        return pack.figures[figure]
    terms = [(sign, pack.named.get(cell)) for sign, cell in figure]
    known = [(sign, cell) for sign, cell in terms if cell is not None]
    if len(known) < len(terms):
        return None
    if len(known) == 1 and known[0][0] == 1:
        whole = known[0][1]
    else:
        value = sum(sign * pack.values[cell] for sign, cell in known)
        if value < 0:
            return None
        # As dear as a headline: a year's figure says more than one quarter's part of it.
        whole = pack.add(value, LEVEL)
        pack.relate([(whole, 1), *((cell, -sign) for sign, cell in known)], equal=True)
    pack.places[Place(TEXTS, len(pack.figures), "")] = whole
    pack.figures[figure] = whole
    return whole


def with_texts(
    safe: Frames, edition: Edition | None, figures: Mapping[Figure, int | None]
) -> dict[str, pl.DataFrame]:
    """Return the printed tables with the marks of their texts written.

    Args:
        safe: tables as printed, every column text; a table's own percentages are quoted from them.
        edition: None for the exact edition.
        figures: the figures as they may be printed, None where withheld.
    """
    quoted = {
        cell.table
        for frame in safe.values()
        for mark in marks_in(frame)
        if isinstance(mark, tuple)
        for _, cell in mark
        if _is_percent(cell)
    }
    lookup = {name: _by_key(name, frame) for name, frame in safe.items() if name in quoted}

    def write(mark: Mark | None) -> str:
        match mark:
            case Count(value, is_held):
                withheld = is_held and edition is not None
                return WITHHELD_NUMBER if withheld else safe_count(value, edition)
            case CountShare(part, whole):
                share = safe_percent(part, whole, edition)
                return WITHHELD_SHARE if share is None else f"{share}%"
            case FigureShare(part, whole):
                return _share(figures.get(part), figures.get(whole), edition)
            case ((1, cell),) if _is_percent(cell):
                return _quote(lookup, cell)
            case tuple():
                number = figures.get(mark)
                return WITHHELD_NUMBER if number is None else str(number)
        return SUPPRESSED

    return {
        name: frame.with_columns(
            pl.Series(column, [written(text, write) for text in frame[column]], dtype=pl.String)
            for column in frame.columns
            if column not in keys_of(name) and frame[column].str.contains(r"\{\w+:").any()
        )
        for name, frame in safe.items()
    }


def _share(part: int | None, whole: int | None, edition: Edition | None) -> str:
    least = 1 if edition is None else max(1, edition.minimum_denominator)
    if part is None or whole is None or whole < least:
        return WITHHELD_SHARE
    return f"{percent_text(min(part, whole), whole)}%"


def _is_percent(cell: Cell) -> bool:
    return cell.column.endswith("percent")


def _by_key(name: str, frame: pl.DataFrame) -> dict[tuple[str, ...], dict[str, Any]]:
    keys = keys_of(name)
    return {tuple(str(row[key]) for key in keys): row for row in frame.iter_rows(named=True)}


def _quote(lookup: Mapping[str, Mapping[tuple[str, ...], dict[str, str]]], cell: Cell) -> str:
    text = lookup.get(cell.table, {}).get(cell.keys, {}).get(cell.column, "")
    return WITHHELD_SHARE if text in (SUPPRESSED, "") else f"{text}%"


def exact_figures(tables: Frames) -> dict[Figure, int | None]:
    """Return every figure of the tables' texts as the exact tables have it; None if they don't."""
    rows: dict[str, dict[tuple[str, ...], dict[str, Any]]] = {}

    def value(cell: Cell) -> int | None:
        if cell.table not in tables:
            return None
        if cell.table not in rows:
            rows[cell.table] = _by_key(cell.table, tables[cell.table])
        found = rows[cell.table].get(cell.keys, {}).get(cell.column)
        return int(found) if isinstance(found, int | float) else None

    def exact(figure: Figure) -> int | None:
        terms = [(sign, value(cell)) for sign, cell in figure]
        known = [sign * number for sign, number in terms if number is not None]
        return sum(known) if len(known) == len(terms) else None

    marks = [mark for frame in tables.values() for mark in marks_in(frame)]
    shares = [side for m in marks if isinstance(m, FigureShare) for side in (m.part, m.whole)]
    return {
        figure: exact(figure) for figure in [*shares, *(m for m in marks if isinstance(m, tuple))]
    }


def printed_figures(pack: Pack, suppressed: set[int]) -> dict[Figure, int | None]:
    """Return every figure of the pack as the edition prints it; None where it is suppressed."""
    return {
        figure: None
        if pack.root(cell) in suppressed
        else round_count(pack.values[cell], pack.edition)
        for figure, cell in pack.figures.items()
    }


def shown_figures(pack: Pack, tables: Frames, safe: Frames) -> set[int]:
    """Return the cells that a printed text shows, whatever the tables do."""
    shown: set[int] = set()
    for name, frame in tables.items():
        for column in frame.columns:
            if frame.schema[column] != pl.String or not marks_in(frame.select(column)):
                continue
            for text, done in zip(frame[column], safe[name][column], strict=True):
                for mark, told in as_written(text or "", done or ""):
                    if told[:1].isdigit():
                        sides = (
                            (mark.part, mark.whole) if isinstance(mark, FigureShare) else (mark,)
                        )
                        shown |= {
                            pack.root(pack.figures[side])
                            for side in sides
                            if isinstance(side, tuple) and side in pack.figures
                        }
    return shown
