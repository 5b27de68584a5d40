"""Which further cells to suppress so that a small count can't be worked out.

For a cell that a reader could bound too tightly, one linear programme asks: with which printed
counts unknown could this cell be 1, or the threshold? It moves the pack away from its true figures
at least cost, where moving a printed count costs its weight; the counts that move are suppressed
(the linear programme of Kelly, Golden and Assad 1992 for secondary suppression). A printed zero
never moves.
"""

from collections import defaultdict

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from profile_pipeline.errors import ContractError
from profile_pipeline.sharing.bounds import TOLERANCE, System
from profile_pipeline.sharing.cells import Pack
from profile_pipeline.sharing.editions import rounding_bounds


def suppress(pack: Pack) -> set[int]:
    """Return the cells (roots) to suppress: small counts, then those that protect them.

    The result passes `System.unsafe`. Raises ContractError when no suppression would do.
    """
    printed = pack.printed()
    suppressed = {root for root in printed if pack.small[root]}
    parts = _parts(pack)
    while unsafe := System(pack, suppressed).unsafe():
        before = len(suppressed)
        for cell in (cell for part in unsafe for cell in part):
            for move in _moves(pack, cell):
                suppressed |= parts[cell].cheapest(cell, move, printed - suppressed)
        if len(suppressed) == before:
            raise ContractError("the pack's relations leave a suppressed count open to solution")
    return suppressed


def _moves(pack: Pack, cell: int) -> list[int]:
    """Return how far a cell must be able to move: a small count to 1 and to the threshold."""
    value, top = pack.values[cell], pack.edition.suppress_up_to
    if pack.small[cell]:
        return [move for move in (min(0, 1 - value), max(0, top - value)) if move]
    return [top - 1]  # a larger count is safe when its bounds are as wide as a small one's


class _Part:
    """Cells that relations join, as a linear programme of moves away from the true figures."""

    def __init__(
        self, pack: Pack, cells: list[int], relations: list[tuple[dict[int, int], bool]]
    ) -> None:
        self.pack, self.cells = pack, cells
        self.column = {cell: index for index, cell in enumerate(cells)}
        self.equal = self._matrix([factors for factors, equal in relations if equal])
        less = [factors for factors, equal in relations if not equal]
        self.less = self._matrix(less)
        self.room = [-sum(pack.values[c] * f for c, f in factors.items()) for factors in less]

    def _matrix(self, rows: list[dict[int, int]]) -> csr_array:
        """Return the relations over four moves a cell: up and down, free (rounding) and paid."""
        width = len(self.cells)
        indices = [
            self.column[c] + block * width for row in rows for block in range(4) for c in row
        ]
        data = [sign * f for row in rows for sign in (1, -1, 1, -1) for f in row.values()]
        starts = np.cumsum([0, *(4 * len(row) for row in rows)])
        return csr_array((data, indices, starts), shape=(len(rows), 4 * width), dtype=float)

    def cheapest(self, cell: int, move: int, printed: set[int]) -> set[int]:
        """Return the printed cells that must be unknown for a cell to make a move."""
        values = self.pack.values
        free_up, free_down, paid_up, paid_down, cost = [], [], [], [], []
        for root in self.cells:
            value, known = values[root], root in printed
            lower, upper = rounding_bounds(value, self.pack.edition) if known else (0, np.inf)
            free_up.append((0, upper - value))
            free_down.append((0, value - lower))
            paid = known and value > 0
            paid_up.append((0, np.inf if paid else 0))
            paid_down.append((0, lower if paid else 0))
            cost.append(self.pack.weights[root] + min(value, 1000) / 1000 if paid else 0)
        width, at = len(self.cells), self.column[cell]
        # The cell itself moves as asked and by nothing else.
        up, down = max(0, move), max(0, -move)
        free_up[at], free_down[at] = (up, up), (down, down)
        paid_up[at] = paid_down[at] = (0, 0)
        answer = linprog(
            np.array([0.0] * 2 * width + cost * 2),
            A_eq=self.equal if self.equal.shape[0] else None,
            b_eq=np.zeros(self.equal.shape[0]) if self.equal.shape[0] else None,
            A_ub=self.less if self.less.shape[0] else None,
            b_ub=self.room or None,
            bounds=[*free_up, *free_down, *paid_up, *paid_down],
            method="highs",
        )
        if answer.status != 0:
            return set()
        moved = answer.x[2 * width : 3 * width] + answer.x[3 * width :]
        return {root for root, far in zip(self.cells, moved, strict=True) if far > TOLERANCE}


def _parts(pack: Pack) -> dict[int, _Part]:
    """Return the part of each cell; printed zeros join nothing, for they never move."""
    printed = pack.printed()
    still = {root for root in printed if pack.values[root] == 0}
    relations = [
        ({c: f for c, f in pack.rooted(factors).items() if c not in still}, equal)
        for factors, equal in pack.relations
    ]
    beside: dict[int, list[int]] = defaultdict(list)
    for index, (factors, _) in enumerate(relations):
        for cell in factors:
            beside[cell].append(index)
    parts: dict[int, _Part] = {}
    for start in sorted(beside):
        if start not in parts:
            cells, waiting = {start}, [start]
            indices: set[int] = set()
            while waiting:
                new_indices = set(beside[waiting.pop()]) - indices
                indices |= new_indices
                new = {c for index in new_indices for c in relations[index][0]} - cells
                cells |= new
                waiting.extend(new)
            part = _Part(pack, sorted(cells), [relations[i] for i in sorted(indices)])
            parts.update(dict.fromkeys(cells, part))
    return parts
