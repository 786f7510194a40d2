"""Weighted least squares with few columns and any number of rows, some of which may be enforced exactly.

The normal equations are accumulated over chunks of rows, so memory does not grow with their number. Rows of infinite
or overwhelming weight are kept apart: in

    [G  Aᵀ ] [β]   [b]        G = Σ w x xᵀ over ordinary rows,  b = Σ w x y,
    [A −W⁻¹] [λ] = [c]        A, c, W: the heavy rows, their targets and weights; W⁻¹ = 0 enforces them,

no number is large, whereas squaring a penalty into G would cost as many digits as it has. The solution is then refined
on the rows themselves, which gives back what the squared condition number took (corrected
seminormal equations, Björck 1996).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from fixlip_widgets.errors import InputError

MOST_BYTES = 2 * 10**9
"""Of one square matrix of coefficients; a solve holds about three."""
_CHUNK_BYTES = 64 * 10**6
_MOST_HEAVY = 16
_REFINEMENTS = 3
_RANK = 1e-11
"""Eigenvalues of the Gram matrix, relative to the largest, below which a direction counts as not determined."""


class LeastSquares:
    """The system of all targets that share these rows and weights.

    Args:
        columns: Rows of the design matrix: a slice of row numbers to (rows, size) float64.
        weights: (m,) float64, non-negative; infinite ones are enforced exactly.
        size: Number of columns.

    Attributes:
        determined: The rows determine every coefficient; otherwise the solution is the smallest there is.
        inverse: (size, size), the coefficients' change per change of the ordinary rows' ``Σ w x y``.
        weights: (m,) as used: of a heavy row, the ordinary part; the others' sum is 1.

    Raises:
        InputError: The Gram matrix would not fit in memory.
    """

    def __init__(self, columns: Callable[[slice], Tensor], weights: Tensor, size: int) -> None:
        check_size(size)
        self._columns, self._size = columns, size
        heavy = _heavy(weights)
        total = float(weights[~heavy].sum()) or 1.0
        self._heavy_rows = [int(row) for row in heavy.nonzero()[:, 0]]
        self.weights = torch.where(heavy, 1.0, weights / total)
        excess = weights[heavy] / total - 1.0  # each heavy row also counts once among the ordinary ones

        regular = self._regular_inverse()
        self._enforced = torch.cat([columns(slice(row, row + 1)) for row in self._heavy_rows] or [regular[:0]])
        moved = regular @ self._enforced.T
        between = self._enforced @ moved + torch.diag(1 / excess)
        self._correction = moved @ torch.linalg.pinv(between, hermitian=True)
        self.inverse = regular.sub_(self._correction @ moved.T)

    def blocks(self) -> Iterator[slice]:
        """Row numbers in chunks whose columns take little memory."""
        step = max(_CHUNK_BYTES // (8 * self._size), 64)
        for start in range(0, len(self.weights), step):
            yield slice(start, min(start + step, len(self.weights)))

    def solve(self, targets: Tensor) -> Tensor:
        """(size,) coefficients for ``targets`` (m,)."""
        solution = torch.zeros(self._size, dtype=torch.float64, device=targets.device)
        for _ in range(_REFINEMENTS):
            left = targets - self.fitted(solution)
            gradient = torch.zeros_like(solution)
            for rows in self.blocks():
                gradient += self._columns(rows).T @ (self.weights[rows] * left[rows])
            solution = solution + self.inverse @ gradient + self._correction @ left[self._heavy_rows]
        return solution

    def fitted(self, solution: Tensor) -> Tensor:
        """(m,) fitted values of coefficients (size,)."""
        return torch.cat([self._columns(rows) @ solution for rows in self.blocks()])

    def influence(self, rows: slice, residuals: Tensor) -> Tensor:
        """(rows, size): how far each of these rows has moved the solution; ``residuals`` are those of all rows (m,).

        To first order, the error of the solution is the sum of these over all rows, and the sum of their squares
        estimates its variance, robustly against heteroscedasticity (White 1980). Residuals are divided by
        1 − leverage, which makes up for their having been fitted (HC3, MacKinnon & White 1985).
        """
        columns, weights = self._columns(rows), self.weights[rows]
        slopes = columns @ self.inverse
        leverage = (weights * (columns * slopes).sum(dim=1)).clamp(0.0, 0.95)
        return slopes.mul_((weights * residuals[rows] / (1 - leverage))[:, None])

    def _regular_inverse(self) -> Tensor:
        gram = torch.zeros(self._size, self._size, dtype=torch.float64, device=self.weights.device)
        for rows in self.blocks():
            columns = self._columns(rows)
            gram.addmm_(columns.T, self.weights[rows, None] * columns)
        scale = gram.diagonal().sqrt()
        scale = torch.where(scale > 1e-150, 1 / scale, 0.0)
        gram.mul_(scale[:, None]).mul_(scale)
        factor, failed = torch.linalg.cholesky_ex(gram)
        pivots = factor.diagonal().square()
        self.determined = not bool(failed) and float(pivots.min()) > _RANK * float(pivots.max())
        if self.determined:
            inverse = torch.cholesky_inverse(factor)
        else:
            inverse = torch.linalg.pinv(gram, rtol=_RANK, hermitian=True)
        return inverse.mul_(scale[:, None]).mul_(scale)


def check_size(size: int) -> None:
    """Refuse a number of columns whose Gram matrix would not fit.

    Raises:
        InputError: It would take more than 2 GB.
    """
    if 8 * size**2 > MOST_BYTES:
        raise InputError(
            f"{size:,} unknowns need a matrix of {8 * size**2 / 1e9:.1f} GB, more than the {MOST_BYTES / 1e9:.0f} GB "
            "that are allowed; take a coarser grid, order=1, or method='banzhaf', which needs no such matrix."
        )


def _heavy(weights: Tensor) -> Tensor:
    """(m,) True for infinite weights, and for the few beside which all others together are small."""
    heavy = weights.isinf()
    largest = torch.where(heavy, 0.0, weights).topk(min(_MOST_HEAVY, len(weights))).indices
    others = torch.where(heavy, 0.0, weights).index_fill(0, largest, 0.0).sum()
    heavy[largest] |= (weights[largest] > 2 * _MOST_HEAVY * others) & (others > 0)
    return heavy
