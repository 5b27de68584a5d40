"""Disclosure control of the profile's tables: what may be printed for an edition, as text.

First categories widen (`ladders.py`), then small counts are suppressed, then further cells until no
suppressed cell of the whole pack can be worked out (`protection.py`, `bounds.py`), the figures of
texts among them (`figures.py`), then shares, ratios and texts follow their counts. Pure: frames in,
frames out; nothing is kept or logged.
"""

from collections import defaultdict
from collections.abc import Mapping

import polars as pl

from profile_pipeline.plan.settings import Edition
from profile_pipeline.sharing.bounds import System
from profile_pipeline.sharing.cells import (
    BY_DIMENSION,
    COUNTS,
    UNKNOWN_WHEN_NULL,
    Frames,
    Pack,
    Place,
    build_pack,
    widen,
)
from profile_pipeline.sharing.editions import katz_interval, percent_text, round_count
from profile_pipeline.sharing.figures import (
    TEXTS,
    add_figures,
    exact_figures,
    printed_figures,
    shown_figures,
    with_texts,
)
from profile_pipeline.sharing.protection import suppress
from profile_pipeline.tables import NOT_HELD, NOT_RECORDED, SUPPRESSED, TOTAL

WITHHELD_FINDING = "withheld for small numbers"


def safe_tables(
    tables: Frames, edition: Edition | None, behind: Frames | None = None
) -> dict[str, pl.DataFrame]:
    """Return the tables as the edition may print them: every column text, suppressed cells `[c]`.

    A count that is null because nothing is held is `[x]`, other nulls are empty text; percentages
    have one decimal, ratios two. Rows keep their order, except that a category widened by a ladder
    stands once.

    Args:
        tables: exact tables of `tables.PROFILE` by name, held to their contract;
            `regional_summary` may be added, so that the area's own line is treated alike.
            Hand over every table of the pack at once: what one prints another must not undo.
        edition: the edition's settings; None for the restricted edition, which is exact.
        behind: for tables of events, the distinct people behind each count (see `build_pack`).

    Raises ContractError for a table without a disclosure rule, or when no suppression would do.
    """
    if edition is None:
        exact = {name: _exact(name, frame) for name, frame in tables.items()}
        return with_texts(exact, None, exact_figures(tables))
    pack = build_pack(tables, edition, behind)
    add_figures(pack, tables)
    suppressed = suppress(pack)
    wide, _ = widen(tables, edition)
    safe = {name: _Printer(name, frame, pack, suppressed).table() for name, frame in wide.items()}
    return with_texts(safe, edition, printed_figures(pack, suppressed))


def exact_texts(name: str, tables: Frames) -> pl.DataFrame:
    """Return a table with the marks of its texts written exactly, for the analyst.

    Args:
        name: the table, one of `tables`.
        tables: the exact tables its texts take figures from, by name.
    """
    frame = tables[name]
    written = safe_tables(tables, None)[name]
    texts = [c for c in frame.columns if frame.schema[c] == pl.String]
    return frame.with_columns(
        pl.when(pl.col(column).is_not_null()).then(written[column]).alias(column)
        for column in texts
    )


def solvable_cells(
    tables: Frames,
    safe: Frames,
    edition: Edition,
    behind: Frames | None = None,
) -> list[Place]:
    """Return the places of a printed pack whose small count a reader could work out; none is right.

    Judges what is printed alone, however it was made: a small count that is printed, a suppressed
    or implied small count whose bounds, from all that is printed in all tables, don't contain 1 to
    the threshold, and a larger suppressed count that is solved (see `bounds`). Implied cells have
    no place and stand as table `implied`.

    Args:
        tables: the exact tables, which tell the pack's structure.
        safe: the same tables as printed.
        edition: the edition they were printed for.
        behind: as given to `safe_tables`.
    """
    pack = build_pack(tables, edition, behind)
    add_figures(pack, tables)
    places: dict[int, list[Place]] = defaultdict(list)
    shown = shown_figures(pack, tables, safe)
    for place, cell in pack.places.items():
        root = pack.root(cell)
        places[root].append(place)
        if place.table != TEXTS and _is_shown(place, safe):
            shown.add(root)
    suppressed = set(places) - shown
    unsafe = {cell for part in System(pack, suppressed).unsafe() for cell in part}
    unsafe |= {root for root in shown if pack.small[root]}
    return sorted(
        place for root in unsafe for place in places.get(root, [Place("implied", root, "")])
    )


def _is_shown(place: Place, safe: Frames) -> bool:
    frame = safe[place.table]
    if place.row >= 0:
        return bool(frame[place.column][place.row] != SUPPRESSED)
    # A total that isn't printed itself is as good as printed once a ratio rests on it.
    dimension = place.column.partition(":")[2]
    ratios = frame.filter(pl.col("dimension") == dimension)["ratio"]
    return any(ratio not in (SUPPRESSED, "") for ratio in ratios.to_list())


# --- printing -----------------------------------------------------------------------------------


def _plain(value: object, decimals: int = 2) -> str:
    """Return a value as text: null empty, whole numbers without point, dates as ISO."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.{decimals}f}".rstrip("0").rstrip(".") if decimals == 2 else f"{value:.1f}"
    return str(value)


def _decimals(column: str) -> int:
    return 1 if column.endswith("percent") else 2


def _texts(frame: pl.DataFrame, columns: Mapping[str, list[str]]) -> pl.DataFrame:
    return pl.DataFrame(
        {column: columns[column] for column in frame.columns},
        schema=dict.fromkeys(frame.columns, pl.String),
    )


def _counted(name: str, column: str, value: object) -> str:
    """Return a figure that disclosure control doesn't judge: unknown, no count, or null."""
    if value is None and column in UNKNOWN_WHEN_NULL.get(name, ()):
        return NOT_HELD
    return _plain(value, _decimals(column))


def _exact(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    columns = {
        column: [_counted(name, column, value) for value in frame[column].to_list()]
        for column in frame.columns
    }
    return _texts(frame, columns)


class _Printer:
    """One table on its way to text."""

    def __init__(self, name: str, frame: pl.DataFrame, pack: Pack, suppressed: set[int]) -> None:
        self.name, self.frame, self.pack, self.suppressed = name, frame, pack, suppressed
        self.edition = pack.edition

    def table(self) -> pl.DataFrame:
        columns = {c: self._column(c) for c in self.frame.columns}
        follow = {
            **dict.fromkeys(BY_DIMENSION, self._shares),
            "screening_coverage": self._coverage,
            "representation": self._ratios,
            "prevalence_estimate": self._estimate,
            "data_quality": self._quality,
            "hotspots": self._bands,
        }.get(self.name)
        if follow is not None:
            follow(columns)
        return _texts(self.frame, columns)

    def _column(self, column: str) -> list[str]:
        if column in COUNTS[self.name]:
            return [self._count(row, column) for row in range(len(self.frame))]
        return [_plain(value, _decimals(column)) for value in self.frame[column].to_list()]

    def _number(self, row: int, column: str) -> int | None:
        """Return a count as printed; None when it is suppressed, null or no count."""
        cell = self.pack.places.get(Place(self.name, row, column))
        if cell is None or self.pack.root(cell) in self.suppressed:
            return None
        return round_count(self.pack.values[cell], self.edition)

    def _count(self, row: int, column: str) -> str:
        if Place(self.name, row, column) not in self.pack.places:
            return _counted(self.name, column, self.frame[column][row])
        number = self._number(row, column)
        return SUPPRESSED if number is None else str(number)

    def _percent(self, part: int | None, whole: int | None) -> str:
        if part is None or whole is None or whole < max(1, self.edition.minimum_denominator):
            return SUPPRESSED
        return percent_text(min(part, whole), whole)

    def _shares(self, columns: dict[str, list[str]]) -> None:
        """Shares of those recorded; withheld where the unrecorded could be worked out from them."""
        count = BY_DIMENSION[self.name]
        rows: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        keys = self.frame.select("quarter", "dimension", "category")
        for row, (quarter, dimension, category) in enumerate(keys.iter_rows()):
            rows[quarter, dimension][category] = row
        for members in rows.values():
            if all(self.frame[count][row] is None for row in members.values()):
                continue
            whole = self._number(members[TOTAL], count) if TOTAL in members else None
            unknown = self._number(members[NOT_RECORDED], count) if NOT_RECORDED in members else 0
            recorded = None if whole is None or unknown is None else whole - unknown
            for row in members.values():
                for column, part, base in (
                    ("percent", self._number(row, count), recorded),
                    ("not_recorded_percent", unknown, whole),
                ):
                    if self.frame[column][row] is not None:
                        columns[column][row] = self._percent(part, base)

    def _coverage(self, columns: dict[str, list[str]]) -> None:
        for row, percent in enumerate(self.frame["percent"].to_list()):
            if percent is not None:
                columns["percent"][row] = self._percent(
                    self._number(row, "screened"), self._number(row, "children")
                )

    def _total(self, column: str, dimension: str) -> int | None:
        """Return a dimension's total of those recorded, which its ratios rest on."""
        return self._number(-1, f"{column}:{dimension}")

    def _rates(self, columns: dict[str, list[str]]) -> None:
        """Rates per 10,000 go with their counts, and are taken from them where they are rounded."""
        for row, (dimension, living) in enumerate(
            self.frame.select("dimension", "population").iter_rows()
        ):
            for name in ("known", "at_risk"):
                number = self._number(row, name)
                names = (f"{name}_rate", f"{name}_rate_lower", f"{name}_rate_upper")
                few = living is None or living < self.edition.minimum_denominator
                for column in names:
                    value = self.frame[column][row]
                    if value is None or self.frame[name][row] is None:
                        columns[column][row] = ""
                    elif number is None or few:
                        columns[column][row] = SUPPRESSED
                    elif self.edition.round_to == 1:
                        columns[column][row] = f"{value:.1f}"
                    elif column == names[0]:
                        columns[column][row] = f"{10_000 * number / living:.1f}"
                    else:
                        columns[column][row] = SUPPRESSED
            if self.frame["known"][row] is None:
                columns["against_population"][row] = ""
            elif columns["against_population"][row] and (
                self._number(row, "known") is None or self._total("known", dimension) is None
            ):
                columns["against_population"][row] = WITHHELD_FINDING

    def _ratios(self, columns: dict[str, list[str]]) -> None:
        self._rates(columns)
        for row, (dimension, ratio) in enumerate(
            self.frame.select("dimension", "ratio").iter_rows()
        ):
            if ratio is None:
                continue
            figures = [
                self._number(row, "known"),
                self._total("known", dimension),
                self._number(row, "at_risk"),
                self._total("at_risk", dimension),
            ]
            printed = self._ratio([f for f in figures if f is not None])
            if printed is None:
                columns["finding"][row] = WITHHELD_FINDING
            for column, value in zip(
                ("ratio", "lower", "upper"), printed or (None,) * 3, strict=True
            ):
                exact = self.frame[column][row]
                if value is None or (exact is None and self.edition.round_to > 1):
                    columns[column][row] = SUPPRESSED
                elif self.edition.round_to > 1:
                    columns[column][row] = _plain(value)

    def _ratio(self, figures: list[int]) -> tuple[float, float, float] | None:
        """Return ratio and limits from printed figures; None when they must be withheld."""
        if len(figures) < 4:
            return None
        part_a, whole_a, part_b, whole_b = figures
        if min(whole_a, whole_b) < self.edition.minimum_denominator:
            return None
        if self.edition.round_to == 1:
            return 1.0, 1.0, 1.0  # exact figures stand as the analysis gave them
        if not (0 < part_a <= whole_a and 0 < part_b <= whole_b):
            return None
        return katz_interval(part_a, whole_a, part_b, whole_b)

    def _estimate(self, columns: dict[str, list[str]]) -> None:
        top = self.edition.suppress_up_to
        for row, observed in enumerate(columns["observed"]):
            for column in ("estimate", "lower", "upper"):
                value = self.frame[column][row]
                if value is not None and (observed == SUPPRESSED or 0 < value < top + 1):
                    columns[column][row] = SUPPRESSED

    def _quality(self, columns: dict[str, list[str]]) -> None:
        """Percentages of few rows go with them, and whether their number is unusual."""
        keys = self.frame.select("dataset", "quarter", "measure").rows()
        received = {
            (dataset, quarter): self._number(row, "value")
            for row, (dataset, quarter, measure) in enumerate(keys)
            if measure == "rows_received"
        }
        for row, (dataset, quarter, measure) in enumerate(keys):
            rows = received.get((dataset, quarter), self.edition.minimum_denominator)
            few = rows is None or rows < self.edition.minimum_denominator
            if "percent" in measure and columns["value"][row]:
                value = self.frame["value"][row]
                columns["value"][row] = SUPPRESSED if few else f"{value:.1f}"
            elif measure == "volume_outlier" and few and columns["value"][row]:
                columns["value"][row] = SUPPRESSED

    def _bands(self, columns: dict[str, list[str]]) -> None:
        """A band that begins within the threshold says only what it ends below."""
        for row, band in enumerate(columns["count_band"]):
            limits = [int(part) for part in _numbers(band)]
            if limits and limits[0] <= self.edition.suppress_up_to:
                end = max(limits[-1], self.edition.suppress_up_to)
                columns["count_band"][row] = f"fewer than {end + 1}"


def _numbers(text: str) -> list[str]:
    return "".join(c if c in "0123456789" else " " for c in text).split()
