"""What a reader can work out: the bounds of every suppressed cell, by linear programming.

The reader knows all that is printed, the threshold, the rounding and every relation of the pack.
A small count is safe when its bounds still contain 1 to the threshold; a larger count, suppressed
for another's sake, when its bounds do or are at least as wide. Bounds of the linear programme are
never tighter than those of whole numbers; for trees of totals they are the same.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from profile_pipeline.sharing.cells import Pack
from profile_pipeline.sharing.editions import rounding_bounds

Bounds = tuple[float, float | None]
TOLERANCE = 1e-6


class System:
    """The pack's relations as the reader holds them, split into parts that don't touch."""

    def __init__(self, pack: Pack, suppressed: Iterable[int]) -> None:
        """Take the roots of the suppressed cells; every other printed cell is known."""
        self.pack = pack
        self.suppressed = {pack.root(cell) for cell in suppressed}
        printed = pack.printed()
        self.bounds: dict[int, Bounds] = {}
        for cell in range(len(pack.values)):
            root = pack.root(cell)
            if root in printed and root not in self.suppressed:
                self.bounds[root] = rounding_bounds(pack.values[root], pack.edition)
            else:
                self.bounds[root] = (0, None)
        placed = {pack.root(cell) for place, cell in pack.places.items() if place.row >= 0}
        self.targets = (self.suppressed & placed) | {
            root for root, limits in self.bounds.items() if limits == (0, None) and pack.small[root]
        }
        self.relations = [
            self._free(pack.rooted(factors), equal) for factors, equal in pack.relations
        ]
        self.parts = self._split()

    def _free(self, factors: dict[int, int], equal: bool) -> tuple[dict[int, int], int, bool]:
        """Return a relation over what isn't known: factors, right-hand side, equality."""
        free: dict[int, int] = {}
        known = 0
        for root, factor in factors.items():
            lower, upper = self.bounds[root]
            if lower == upper:
                known += factor * self.pack.values[root]
            else:
                free[root] = factor
        return free, -known, equal

    def _split(self) -> list[tuple[list[int], list[int]]]:
        """Return the parts that hold a target: cells and indices of relations, both sorted."""
        neighbours: dict[int, list[int]] = defaultdict(list)
        for index, (factors, _, _) in enumerate(self.relations):
            for root in factors:
                neighbours[root].append(index)
        parts, seen = [], set()
        for start in sorted(self.targets):
            if start in seen:
                continue
            cells, relations, waiting = {start}, set(), [start]
            while waiting:
                for index in neighbours[waiting.pop()]:
                    if index not in relations:
                        relations.add(index)
                        new = set(self.relations[index][0]) - cells
                        cells |= new
                        waiting.extend(new)
            seen |= cells
            parts.append((sorted(cells), sorted(relations)))
        return parts

    def unsafe(self) -> list[list[int]]:
        """Return, part by part, the targets whose bounds don't contain 1 to the threshold."""
        found = (self._unsafe_in(cells, relations) for cells, relations in self.parts)
        return [cells for cells in found if cells]

    def _unsafe_in(self, cells: list[int], relations: list[int]) -> list[int]:
        top = self.pack.edition.suppress_up_to
        targets = [cell for cell in cells if cell in self.targets]
        if not relations:
            return []
        programme = _Programme(cells, [self.relations[i] for i in relations], self.bounds)
        open_to = programme.reach(targets, 1, up=False) & programme.reach(targets, top, up=True)
        return [
            cell
            for cell in targets
            if cell not in open_to
            and (self.pack.small[cell] or programme.width(cell) < top - 1 - TOLERANCE)
        ]


class _Programme:
    """One part's linear programme: cells are columns, relations rows."""

    def __init__(
        self,
        cells: list[int],
        relations: list[tuple[dict[int, int], int, bool]],
        bounds: dict[int, Bounds],
    ) -> None:
        self.cells = cells
        self.column = {cell: index for index, cell in enumerate(cells)}
        self.bounds = [bounds[cell] for cell in cells]
        self.equal = [(f, b) for f, b, equal in relations if equal]
        self.less = [(f, b) for f, b, equal in relations if not equal]

    def _solve(
        self, cost: np.ndarray, bounds: list[Bounds], less: list[tuple[dict[int, float], float]]
    ) -> np.ndarray | None:
        width = len(cost)
        options: dict[str, object] = {}
        if self.equal:
            options["A_eq"] = _matrix([self._columns(f) for f, _ in self.equal], width)
            options["b_eq"] = [b for _, b in self.equal]
        upper = [(self._columns(f), float(b)) for f, b in self.less] + less
        if upper:
            options["A_ub"] = _matrix([f for f, _ in upper], width)
            options["b_ub"] = [b for _, b in upper]
        answer = linprog(cost, bounds=bounds, method="highs", **options)
        return answer.x if answer.status == 0 else None

    def _columns(self, factors: dict[int, int]) -> dict[int, float]:
        return {self.column[cell]: float(factor) for cell, factor in factors.items()}

    def reach(self, targets: list[int], limit: int, *, up: bool) -> set[int]:
        """Return the targets that can be at least (`up`) or at most the limit.

        One programme pushes all targets towards the limit together; most are settled by it. Those
        left are tried one by one.
        """
        width, extra = len(self.cells), len(targets)
        sign = 1.0 if up else -1.0
        # A slack variable a target: how far short of the limit it stays; their sum is least.
        less = [
            ({self.column[cell]: -sign, width + index: -1.0}, -sign * limit)
            for index, cell in enumerate(targets)
        ]
        cost = np.concatenate([np.zeros(width), np.ones(extra)])
        solution = self._solve(cost, [*self.bounds, *[(0.0, None)] * extra], less)
        reached = set()
        for cell in targets:
            column = self.column[cell]
            if solution is not None and sign * (solution[column] - limit) >= -TOLERANCE:
                reached.add(cell)
                continue
            lower, upper = self.bounds[column]
            tried = list(self.bounds)
            tried[column] = (max(lower, limit), upper) if up else (lower, float(limit))
            if self._solve(np.zeros(width), tried, []) is not None:
                reached.add(cell)
        return reached

    def width(self, cell: int) -> float:
        """Return how many values a cell's bounds span, less one; infinite when unbounded."""
        cost = np.zeros(len(self.cells))
        ends = []
        for sign in (1.0, -1.0):
            cost[self.column[cell]] = sign
            solution = self._solve(cost, self.bounds, [])
            if solution is None:
                return np.inf
            ends.append(float(solution[self.column[cell]]))
        return ends[1] - ends[0]


def _matrix(rows: list[dict[int, float]], width: int) -> csr_array:
    indices = [column for row in rows for column in row]
    data = [factor for row in rows for factor in row.values()]
    starts = np.cumsum([0, *(len(row) for row in rows)])
    return csr_array((data, indices, starts), shape=(len(rows), width))
