"""The pack as a reader who wants to solve it sees it: counts, and the sums that tie them.

Every count that is printed anywhere in the pack is a cell; a count printed twice is one cell. Some
cells are never printed but follow from others (children not screened); they are protected too. A
relation is only kept when it holds in the exact figures: what is true in every pack a reader may
know, what isn't true can't be used. Bounds are in `bounds.py`, suppression in `protection.py`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import comb
from typing import NamedTuple

import polars as pl

from profile_pipeline.errors import ContractError
from profile_pipeline.marks import Cell, Figure
from profile_pipeline.plan.settings import Edition
from profile_pipeline.sharing.editions import is_small
from profile_pipeline.sharing.ladders import choose_rungs, collapse
from profile_pipeline.tables import (
    KEY_FINDINGS,
    NOT_RECORDED,
    PROFILE,
    REGIONAL_SUMMARY,
    TOTAL,
)

# Readiness to be suppressed for another cell's sake: the lowest goes first, headlines last.
SIDE, PART, COUNT, UNKNOWN, LEVEL, WHOLE = 5, 10, 20, 30, 50, 100

# Count columns of each table. A table that isn't here is refused: nothing leaves by oversight.
COUNTS: dict[str, tuple[str, ...]] = {
    "cohort_by_quarter": ("children", "opened", "closed", "carried_over"),
    "victim_profile": ("children",),
    "suspect_profile": ("suspects",),
    "location_profile": ("events",),
    "indicator_prevalence": ("children", "events", "repeat_children"),
    "indicator_overlap": ("children",),
    "overlap_distribution": ("children", "known_to_cse", "at_risk_now"),
    "prevalence_estimate": ("observed",),
    "representation": ("known", "at_risk", "population"),
    "screening_coverage": ("children", "screened"),
    "return_interviews": ("episodes", "due", "within_72_hours", "late", "none"),
    "disruption_outcomes": ("count",),
    "information_reports": ("reports",),
    "hotspots": (),
    "intelligence_gaps": (),
    "action_plan": (),
    "data_quality": ("value",),
    "regional_summary": ("total", "at_risk", "significant", "serious"),
    "key_findings": (),
}
# Columns whose nulls say that nothing is held, printed `[x]`; other nulls have no figure to hold.
UNKNOWN_WHEN_NULL = {
    name: columns
    for name, columns in COUNTS.items()
    if name not in ("representation", "data_quality", "regional_summary")
} | {"representation": ("known", "at_risk")}
BY_DIMENSION = {
    "victim_profile": "children",
    "suspect_profile": "suspects",
    "location_profile": "events",
}


class Place(NamedTuple):
    """Where a cell is printed: table, row of the (collapsed) table or -1 for an implied total.

    For a figure of texts, table `texts` and its number.
    """

    table: str
    row: int
    column: str


@dataclass
class Pack:
    """Cells and relations of one pack; cells are numbered from 0.

    `named` finds a cell by table, key and column; `figures` holds what texts take from the tables.
    """

    edition: Edition
    values: list[int] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    small: list[bool] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    places: dict[Place, int] = field(default_factory=dict)
    relations: list[tuple[dict[int, int], bool]] = field(default_factory=list)
    wholes: dict[tuple[str, str], int] = field(default_factory=dict)
    named: dict[Cell, int] = field(default_factory=dict)
    figures: dict[Figure, int] = field(default_factory=dict)

    def add(self, value: int, weight: int, place: Place | None = None, behind: int = 0) -> int:
        """Add a cell, printed at the place or (None) implied; return its number.

        `behind` is the number of distinct people behind the count where it is known, else 0.
        """
        cell = len(self.values)
        self.values.append(value)
        self.weights.append(weight)
        self.small.append(
            is_small(value, self.edition) or (value > 0 and is_small(behind, self.edition))
        )
        self.parents.append(cell)
        if place is not None:
            self.places[place] = cell
        return cell

    def root(self, cell: int) -> int:
        """Return the number under which a cell and all its equals are treated."""
        while self.parents[cell] != cell:
            cell = self.parents[cell]
        return cell

    def same(self, first: int, second: int) -> None:
        """Treat two cells as one: they are one figure printed in two tables. Both are equal."""
        first, second = self.root(first), self.root(second)
        if first != second:
            self.parents[second] = first
            self.weights[first] = max(self.weights[first], self.weights[second])
            self.small[first] = self.small[first] or self.small[second]

    def relate(self, terms: Iterable[tuple[int, int]], *, equal: bool) -> None:
        """Keep `sum(factor * cell) = 0` (or `<= 0`), if it holds in the exact figures."""
        factors: dict[int, int] = defaultdict(int)
        for cell, factor in terms:
            factors[cell] += factor
        total = sum(self.values[cell] * factor for cell, factor in factors.items())
        if total == 0 or (total < 0 and not equal):
            self.relations.append((dict(factors), equal))

    def add_up(self, whole: int, parts: Iterable[int]) -> None:
        """Relate a whole to its parts; where they don't add up, each part is within the whole."""
        parts = list(parts)
        if sum(self.values[part] for part in parts) == self.values[whole]:
            self.relate([(whole, 1), *((part, -1) for part in parts)], equal=True)
        else:
            self.within(whole, parts)

    def within(self, whole: int, parts: Iterable[int]) -> None:
        """Relate parts that are each no more than the whole."""
        for part in parts:
            self.relate([(part, 1), (whole, -1)], equal=False)

    def rest(self, whole: int, part: int) -> None:
        """Protect the part's complement as well, which is printed nowhere."""
        difference = self.values[whole] - self.values[part]
        if difference >= 0:
            self.add_up(whole, [part, self.add(difference, SIDE)])

    def rooted(self, factors: Mapping[int, int]) -> dict[int, int]:
        """Return a relation's factors by root, those that cancel left out."""
        rooted: dict[int, int] = defaultdict(int)
        for cell, factor in factors.items():
            rooted[self.root(cell)] += factor
        return {root: factor for root, factor in rooted.items() if factor}

    def printed(self) -> set[int]:
        """Return the roots of all cells that have a place."""
        return {self.root(cell) for cell in self.places.values()}


Cells = dict[str, list[int | None]]
Frames = Mapping[str, pl.DataFrame]


def widen(
    tables: Frames, edition: Edition
) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """Return the tables with categories widened by the ladders, and the moves of each table."""
    moves = {
        name: choose_rungs(tables[name], count, edition)
        for name, count in BY_DIMENSION.items()
        if name in tables
    }
    wide = {
        name: collapse(frame, BY_DIMENSION[name], moves[name]) if name in moves else frame
        for name, frame in tables.items()
    }
    return wide, moves


def build_pack(tables: Frames, edition: Edition, behind: Frames | None = None) -> Pack:
    """Return cells and relations of the exact tables of one pack.

    Args:
        tables: exact tables by name, held to their contract; `regional_summary` may be among them.
        edition: the edition whose threshold and ladders apply.
        behind: for tables of events, the distinct people behind each count: a frame by table with
            the same rows, in the same order, and columns named as the counts.

    Raises ContractError for a table without a disclosure rule.
    """
    unknown = sorted(set(tables) - COUNTS.keys())
    if unknown:
        raise ContractError(f"no disclosure rule for {', '.join(unknown)}: add it to COUNTS")
    wide, moves = widen(tables, edition)
    pack = Pack(edition)
    dimensioned = {
        name: _add_dimensions(pack, name, tables[name], wide[name], moves[name], behind or {})
        for name in moves
    }
    plain = {
        name: _add_counts(pack, name, frame, behind or {})
        for name, frame in tables.items()
        if name not in moves
    }
    for name, relate in _RELATIONS.items():
        if name in plain:
            relate(pack, tables[name], plain[name])
    _join_totals(pack, tables, plain, dimensioned)
    _join_victims(pack, tables, plain, dimensioned)
    _join_representation(pack, tables, plain, dimensioned)
    _join_indicators(pack, tables, plain)
    _join_regional(pack, tables, plain)
    for name, cells in dimensioned.items():
        column = BY_DIMENSION[name]
        pack.named.update({Cell(name, key, column): cell for key, cell in cells.items()})
    for name, columns in plain.items():
        _name_cells(pack, name, tables[name], columns)
    return pack


def keys_of(name: str) -> tuple[str, ...]:
    """Return the key columns of a table of the pack."""
    others = {table.name: table.key for table in (REGIONAL_SUMMARY, KEY_FINDINGS)}
    return others[name] if name in others else PROFILE[name].key


def _name_cells(pack: Pack, name: str, frame: pl.DataFrame, cells: Cells) -> None:
    keys = frame.select(pl.col(key).cast(pl.String) for key in keys_of(name)).rows()
    for column, numbers in cells.items():
        pack.named.update(
            {
                Cell(name, key, column): cell
                for key, cell in zip(keys, numbers, strict=True)
                if cell is not None
            }
        )


_WEIGHTS = {
    ("cohort_by_quarter", "children"): LEVEL,
    ("indicator_prevalence", "children"): COUNT,
    ("indicator_prevalence", "events"): SIDE,
    ("indicator_prevalence", "repeat_children"): SIDE,
    ("indicator_overlap", "children"): SIDE,
    ("overlap_distribution", "children"): COUNT,
    ("screening_coverage", "children"): COUNT,
    ("return_interviews", "episodes"): COUNT,
    ("return_interviews", "due"): LEVEL,
    ("representation", "population"): LEVEL,
    ("regional_summary", "total"): LEVEL,
}


def _weight(table: str, column: str, label: str | None) -> int:
    weight = _WEIGHTS.get((table, column), PART)
    if label == TOTAL:
        return weight * 2
    return max(weight, UNKNOWN) if label == NOT_RECORDED else weight


def _labels(name: str, frame: pl.DataFrame) -> list[str | None]:
    column = next(
        (c for c in ("category", "risk_level", "outcome", "group") if c in frame.columns), None
    )
    return [None] * len(frame) if column is None else frame[column].to_list()


def _add_counts(pack: Pack, name: str, frame: pl.DataFrame, behind: Frames) -> Cells:
    """Add a table's counts; a null, and a measure that isn't a count of rows, is no cell."""
    labels = _labels(name, frame)
    cells: Cells = {}
    for column in COUNTS[name]:
        values = frame[column].to_list()
        if name == "data_quality":
            counted = frame["measure"].str.contains("^(rows|cells)_").to_list()
            values = [v if c else None for v, c in zip(values, counted, strict=True)]
        people = _people(name, column, len(frame), behind)
        cells[column] = [
            None
            if value is None
            else pack.add(
                int(value),
                _weight(name, column, labels[row]),
                Place(name, row, column),
                people[row],
            )
            for row, value in enumerate(values)
        ]
    return cells


def _people(name: str, column: str, rows: int, behind: Frames) -> list[int]:
    if name in behind and column in behind[name].columns:
        return behind[name][column].fill_null(0).to_list()
    return [0] * rows


Key = tuple[str, str, str]


def _add_dimensions(
    pack: Pack,
    name: str,
    exact: pl.DataFrame,
    wide: pl.DataFrame,
    moves: pl.DataFrame,
    behind: Frames,
) -> dict[Key, int]:
    """Add a table of dimensions: exact categories (printed or not), widened ones, and totals."""
    column = BY_DIMENSION[name]
    wider = {(d, c): w for d, c, w in moves.iter_rows()}
    keys = ["quarter", "dimension", "category"]
    rows = {key: row for row, key in enumerate(wide.select(keys).iter_rows())}
    people = _people(name, column, len(exact), behind)
    cells: dict[Key, int] = {}
    parts: dict[Key, list[int]] = defaultdict(list)
    for (quarter, dimension, category, value), backing in zip(
        exact.select(*keys, column).iter_rows(), people, strict=True
    ):
        if value is None:  # not held: nothing to protect, nothing to work out from
            continue
        key = (quarter, dimension, category)
        label = wider.get((dimension, category))
        place = Place(name, rows[key], column) if label is None else None
        cells[key] = pack.add(value, _weight(name, column, category), place, backing)
        if label is not None:
            parts[quarter, dimension, label].append(cells[key])
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for key, members in parts.items():
        value = sum(pack.values[member] for member in members)
        widened = pack.add(value, PART, Place(name, rows[key], column))
        pack.add_up(widened, members)
        groups[key[:2]].append(widened)
    for (quarter, dimension, category), cell in cells.items():
        if category != TOTAL and (dimension, category) not in wider:
            groups[quarter, dimension].append(cell)
    for (quarter, dimension), members in groups.items():
        if (quarter, dimension, TOTAL) in cells:
            pack.add_up(cells[quarter, dimension, TOTAL], members)
    return cells


# --- relations within a table -------------------------------------------------------------------


def _row(cells: Cells, row: int) -> dict[str, int]:
    return {column: cell for column, c in cells.items() if (cell := c[row]) is not None}


def _cohort(pack: Pack, frame: pl.DataFrame, cells: Cells) -> None:
    """Levels sum to `all`; children are opened and carried over; quarters follow on."""
    quarters = frame["quarter"].to_list()
    levels = frame["risk_level"].to_list()
    at = {
        (q, level): _row(cells, row)
        for row, (q, level) in enumerate(zip(quarters, levels, strict=True))
    }
    ordered = sorted(set(quarters))
    at = {key: row for key, row in at.items() if "children" in row}
    for row in at.values():
        pack.add_up(row["children"], [row["opened"], row["carried_over"]])
    for quarter in ordered:
        parts = [row for (q, level), row in at.items() if q == quarter and level != TOTAL]
        if (quarter, TOTAL) in at:
            for column, whole in at[quarter, TOTAL].items():
                pack.add_up(whole, [part[column] for part in parts])
    for earlier, later in pairwise(ordered):
        for level in {level for q, level in at if q == later}:
            if (earlier, level) in at:
                before, now = at[earlier, level], at[later, level]
                if "closed" not in now:
                    continue
                pack.within(before["children"], [now["closed"]])
                if level == TOTAL:
                    pack.add_up(before["children"], [now["carried_over"], now["closed"]])


def _prevalence(pack: Pack, frame: pl.DataFrame, cells: Cells) -> None:
    """A child with an event has one at least, a repeat child two."""
    for row in range(len(frame)):
        at = _row(cells, row)
        if not at:
            continue
        pack.relate(
            [(at["children"], 1), (at["repeat_children"], 1), (at["events"], -1)], equal=False
        )
        pack.rest(at["children"], at["repeat_children"])


def _distribution(pack: Pack, frame: pl.DataFrame, cells: Cells) -> None:
    for row in range(len(frame)):
        at = _row(cells, row)
        for column in ("known_to_cse", "at_risk_now"):
            if "children" in at and column in at:
                pack.rest(at["children"], at[column])
        if {"known_to_cse", "at_risk_now"} <= at.keys():
            pack.within(at["known_to_cse"], [at["at_risk_now"]])


def _screening(pack: Pack, frame: pl.DataFrame, cells: Cells) -> None:
    for row in range(len(frame)):
        at = _row(cells, row)
        if "screened" in at:
            pack.rest(at["children"], at["screened"])


def _interviews(pack: Pack, frame: pl.DataFrame, cells: Cells) -> None:
    for row in range(len(frame)):
        at = _row(cells, row)
        if "none" in at:
            pack.add_up(at["due"], [at["within_72_hours"], at["late"], at["none"]])
        if "due" in at:
            pack.rest(at["episodes"], at["due"])


def _disruption(pack: Pack, frame: pl.DataFrame, cells: Cells) -> None:
    at = {
        key: cell
        for row, key in enumerate(frame.select("quarter", "outcome").iter_rows())
        if (cell := cells["count"][row]) is not None
    }
    for (quarter, outcome), whole in at.items():
        if outcome == TOTAL:
            pack.add_up(whole, [c for (q, o), c in at.items() if q == quarter and o != TOTAL])


def _reports(pack: Pack, frame: pl.DataFrame, cells: Cells) -> None:
    """Each aspect adds up to the same reports."""
    rows: dict[str, dict[str, int]] = defaultdict(dict)
    for row, (aspect, category) in enumerate(frame.select("aspect", "category").iter_rows()):
        rows[aspect][category] = _row(cells, row)["reports"]
    wholes = [members.pop(TOTAL) for members in rows.values() if TOTAL in members]
    for whole, members in zip(wholes, rows.values(), strict=True):
        pack.add_up(whole, members.values())
        _merge_equal(pack, wholes[0], whole)


def _representation(pack: Pack, frame: pl.DataFrame, cells: Cells) -> None:
    """Each dimension adds up to a total that its ratios rest on, printed or not."""
    rows: dict[str, dict[str, int]] = defaultdict(dict)
    for row, (dimension, category) in enumerate(frame.select("dimension", "category").iter_rows()):
        rows[dimension][category] = row
    for dimension, members in rows.items():
        # Population is published by others: no total is kept from the reader, none is used here.
        for column in ("known", "at_risk"):
            counts = {name: cells[column][row] for name, row in members.items()}
            if all(cell is None for cell in counts.values()):
                continue  # not held
            parts = [
                cell
                for name, cell in counts.items()
                if name not in (TOTAL, NOT_RECORDED) and cell is not None
            ]
            recorded = pack.add(
                sum(pack.values[part] for part in parts),
                WHOLE - 10,
                Place("representation", -1, f"{column}:{dimension}"),
            )
            pack.add_up(recorded, parts)
            unknown = counts.get(NOT_RECORDED)
            halves = [recorded] if unknown is None else [recorded, unknown]
            whole = counts.get(TOTAL)
            if whole is None:
                whole = pack.add(sum(pack.values[half] for half in halves), WHOLE)
            pack.add_up(whole, halves)
            pack.wholes[column, dimension] = whole


def _quality(pack: Pack, frame: pl.DataFrame, cells: Cells) -> None:
    """Relate rows received to their fates, and counts by rule to the count they are part of.

    `rows_quarantined:no_identifier` is part of `rows_quarantined`.
    """
    groups: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row, (dataset, quarter, measure) in enumerate(
        frame.select("dataset", "quarter", "measure").iter_rows()
    ):
        if (cell := cells["value"][row]) is not None:
            groups[dataset, quarter][measure] = cell
    for measures in groups.values():
        by_rule: dict[str, list[int]] = defaultdict(list)
        for measure, cell in measures.items():
            whole, _, rule = measure.partition(":")
            if rule and whole in measures:
                by_rule[whole].append(cell)
        for whole, parts in by_rule.items():
            # A row may break two rules: the parts then exceed the whole, and each is within it.
            pack.add_up(measures[whole], parts)
        rows = {m: c for m, c in measures.items() if m.startswith("rows_") and ":" not in m}
        received = rows.pop("rows_received", None)
        if received is not None:
            pack.relate([(received, 1), *((c, -1) for c in rows.values())], equal=True)


def _regional(pack: Pack, frame: pl.DataFrame, cells: Cells) -> None:
    for row in range(len(frame)):
        at = _row(cells, row)
        whole = at.pop("total")
        if len(at) == 3:
            pack.add_up(whole, at.values())


_RELATIONS = {
    "cohort_by_quarter": _cohort,
    "indicator_prevalence": _prevalence,
    "overlap_distribution": _distribution,
    "screening_coverage": _screening,
    "return_interviews": _interviews,
    "disruption_outcomes": _disruption,
    "information_reports": _reports,
    "representation": _representation,
    "data_quality": _quality,
    "regional_summary": _regional,
}


# --- relations across tables --------------------------------------------------------------------


def _merge_equal(pack: Pack, first: int, second: int) -> None:
    if pack.values[first] == pack.values[second]:
        pack.same(first, second)


def _cohort_totals(tables: Frames, plain: Mapping[str, Cells]) -> dict[str, int]:
    """Return the cell of all children at risk by quarter."""
    if "cohort_by_quarter" not in tables:
        return {}
    keys = tables["cohort_by_quarter"].select("quarter", "risk_level").iter_rows()
    return {
        quarter: cell
        for (quarter, level), cell in zip(keys, plain["cohort_by_quarter"]["children"], strict=True)
        if level == TOTAL and cell is not None
    }


def _join_totals(
    pack: Pack,
    tables: Frames,
    plain: Mapping[str, Cells],
    dimensioned: Mapping[str, dict[Key, int]],
) -> None:
    """One figure a quarter: `all` of a table's dimensions, of the cohort, of the episodes."""
    cohort = _cohort_totals(tables, plain)
    for name, cells in dimensioned.items():
        firsts = {}
        if name == "victim_profile":
            firsts = {(quarter, pack.values[cell]): cell for quarter, cell in cohort.items()}
        if name == "location_profile" and "return_interviews" in tables:
            quarters = tables["return_interviews"]["quarter"].to_list()
            episodes = plain["return_interviews"]["episodes"]
            firsts = {
                (quarter, pack.values[cell]): cell
                for quarter, cell in zip(quarters, episodes, strict=True)
                if cell is not None
            }
        for (quarter, _, category), cell in cells.items():
            if category == TOTAL:
                pack.same(firsts.setdefault((quarter, pack.values[cell]), cell), cell)


def _join_victims(
    pack: Pack,
    tables: Frames,
    plain: Mapping[str, Cells],
    dimensioned: Mapping[str, dict[Key, int]],
) -> None:
    """The victim profile repeats the cohort's levels; looked after is a sum of legal statuses."""
    victims = dimensioned.get("victim_profile", {})
    if "cohort_by_quarter" in tables:
        keys = tables["cohort_by_quarter"].select("quarter", "risk_level").iter_rows()
        for (quarter, level), cell in zip(
            keys, plain["cohort_by_quarter"]["children"], strict=True
        ):
            twin = victims.get((quarter, "risk_level", level))
            if twin is not None and cell is not None:
                _merge_equal(pack, cell, twin)
    for (quarter, dimension, category), cell in victims.items():
        if (dimension, category) == ("looked_after", "yes"):
            statuses = [
                (status, -1)
                for (q, d, name), status in victims.items()
                if (q, d) == (quarter, "legal_status")
                and name.lower().startswith(("lac", "cla", "looked after"))
            ]
            if statuses:
                pack.relate([(cell, 1), *statuses], equal=True)


def _join_representation(
    pack: Pack,
    tables: Frames,
    plain: Mapping[str, Cells],
    dimensioned: Mapping[str, dict[Key, int]],
) -> None:
    """The known are the last quarter's cohort; those at risk have several indicators."""
    if "representation" not in tables:
        return
    keys = tables["representation"].select("dimension", "category").iter_rows()
    known = {
        key: cell
        for key, cell in zip(keys, plain["representation"]["known"], strict=True)
        if cell is not None and key[1] != TOTAL
    }
    victims = dimensioned.get("victim_profile", {})
    last = max((quarter for quarter, _, _ in victims), default="")
    groups: dict[str, dict[str, int]] = defaultdict(dict)
    for (quarter, dimension, category), cell in victims.items():
        if quarter == last and category != TOTAL:
            groups[dimension][category] = cell
    for (dimension, category), cell in known.items():
        for group in groups.values():
            shared = [c for d, c in known if d == dimension and c in group]
            if (
                category in group
                and len(shared) > 1
                and all(pack.values[known[dimension, c]] == pack.values[group[c]] for c in shared)
            ):
                pack.same(group[category], cell)
    wholes: dict[str, int] = {}
    cohort = _cohort_totals(tables, plain)
    if cohort:
        wholes["known"] = cohort[max(cohort)]
    for (column, _), whole in pack.wholes.items():
        _merge_equal(pack, wholes.setdefault(column, whole), whole)
    if "overlap_distribution" in tables and "at_risk" in wholes:
        frame = tables["overlap_distribution"]
        pairs = list(
            zip(
                frame["indicators"].to_list(),
                plain["overlap_distribution"]["children"],
                strict=True,
            )
        )
        for least in range(1, 6):
            at_least = [(c, -1) for n, c in pairs if n >= least and c is not None]
            pack.relate([(wholes["at_risk"], 1), *at_least], equal=True)


def _join_indicators(pack: Pack, tables: Frames, plain: Mapping[str, Cells]) -> None:
    """Pairs lie within their indicators; sums over indicators and over numbers of them agree."""
    names = ("indicator_prevalence", "indicator_overlap", "overlap_distribution")
    of_indicator, of_pair, of_number = (
        plain[name]["children"] if name in tables else [] for name in names
    )
    prevalence, overlap, distribution = (
        [c for c in column if c is not None] for column in (of_indicator, of_pair, of_number)
    )
    if prevalence and overlap:
        of = dict(zip(tables[names[0]]["indicator"].to_list(), of_indicator, strict=True))
        for pair, cell in zip(
            tables[names[1]].select("indicator_a", "indicator_b").iter_rows(), of_pair, strict=True
        ):
            for indicator in pair:
                whole = of.get(indicator)
                if whole is not None and cell is not None:
                    pack.within(whole, [cell])
    if distribution:
        numbers = tables[names[2]]["indicators"].to_list()
        held = list(zip(numbers, distribution, strict=True))
        for cells, size in ((prevalence, 1), (overlap, 2)):
            if cells:
                pack.relate(
                    [*((c, comb(n, size)) for n, c in held), *((c, -1) for c in cells)], equal=True
                )
        cohort = _cohort_totals(tables, plain)
        now = [c for c in plain[names[2]]["at_risk_now"] if c is not None]
        if cohort:
            pack.relate([(cohort[max(cohort)], 1), *((c, -1) for c in now)], equal=True)


def _join_regional(pack: Pack, tables: Frames, plain: Mapping[str, Cells]) -> None:
    """The area's own line of the regional summary is the cohort again."""
    if not {"regional_summary", "cohort_by_quarter"} <= tables.keys():
        return
    cohort: dict[str, dict[str, int]] = defaultdict(dict)
    for (quarter, level), cell in zip(
        tables["cohort_by_quarter"].select("quarter", "risk_level").iter_rows(),
        plain["cohort_by_quarter"]["children"],
        strict=True,
    ):
        if cell is not None:
            cohort[quarter]["total" if level == TOTAL else level] = cell
    for row, quarter in enumerate(tables["regional_summary"]["quarter"].to_list()):
        at = _row(plain["regional_summary"], row)
        ours = cohort.get(quarter, {})
        if at.keys() == ours.keys() and all(
            pack.values[at[column]] == pack.values[ours[column]] for column in at
        ):
            for column, cell in at.items():
                pack.same(ours[column], cell)
