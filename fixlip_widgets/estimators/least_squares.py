"""Weighted least squares with few columns and any number of rows, some of which may be enforced exactly.

The normal equations are accumulated over chunks of rows, so memory does not grow with the number of rows. Rows of
infinite or dominating weight are treated separately. In

    [G  Aᵀ ] [β]   [b]        G = Σ w x xᵀ over ordinary rows,  b = Σ w x y,
    [A −W⁻¹] [λ] = [c]        A, c, W: the heavy rows, their targets and weights; W⁻¹ = 0 enforces them,

no entry is large, whereas adding large weights to G would lose as many digits as they have. The solution is then
refined on the rows themselves, which restores the digits lost to the squared condition number (corrected seminormal
equations, Björck 1996).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from fixlip_widgets.errors import InputError

MOST_BYTES = 2 * 10**9
"""Maximum size of a Gram matrix; a solve holds about three matrices of this size."""
MOST_ROW_LEVERAGE = 0.95
"""Upper bound on a row's leverage in its HC3 factor, which is infinite for a row that alone fixes a coefficient."""
_CHUNK_BYTES = 64 * 10**6
"""Size of a chunk of the design matrix."""
_MOST_HEAVY = 16
"""Maximum number of rows of finite weight that are treated as heavy."""
_REFINEMENTS = 3
"""Solves: the first, and two refinements, each of which restores about as many digits as the first determines."""
_RANK = 1e-11
"""Eigenvalue of the Gram matrix, relative to the largest, below which a direction counts as undetermined."""


class LeastSquares:
    """Least-squares system of all targets that share rows and weights.

    Args:
        columns: Function that returns the (rows, size) float64 rows of the design matrix for a slice of row numbers.
        weights: (m,) float64, non-negative; an infinite weight enforces its row exactly.
        size: Number of columns.

    Attributes:
        determined: Whether the rows determine every coefficient; if not, the minimum-norm solution is computed.
        inverse: (size, size) derivative of the coefficients by the ordinary rows' ``Σ w x y``.
        weights: (m,) weights of the ordinary rows, which sum to 1, and 1 for the ordinary part of each heavy row.

    Raises:
        InputError: The Gram matrix would exceed 2 GB.
    """

    def __init__(self, columns: Callable[[slice], Tensor], weights: Tensor, size: int) -> None:
        check_size(size)
        self._columns, self._size = columns, size
        heavy = _heavy(weights)
        total = float(weights[~heavy].sum()) or 1.0
        self._heavy_rows = [int(row) for row in heavy.nonzero()[:, 0]]
        self.weights = torch.where(heavy, 1.0, weights / total)
        excess = weights[heavy] / total - 1.0  # each heavy row is also an ordinary row of weight 1

        regular = self._regular_inverse()
        self._enforced = torch.cat([columns(slice(row, row + 1)) for row in self._heavy_rows] or [regular[:0]])
        response = regular @ self._enforced.T
        between = self._enforced @ response + torch.diag(1 / excess)
        self._correction = response @ torch.linalg.pinv(between, hermitian=True)
        self.inverse = regular.sub_(self._correction @ response.T)

    def blocks(self) -> Iterator[slice]:
        """Iterate over slices of rows whose columns take little memory."""
        step = max(_CHUNK_BYTES // (8 * self._size), 64)
        for start in range(0, len(self.weights), step):
            yield slice(start, min(start + step, len(self.weights)))

    def solve(self, targets: Tensor) -> Tensor:
        """Return (size,) coefficients for ``targets`` (m,)."""
        solution = torch.zeros(self._size, dtype=torch.float64, device=targets.device)
        for _ in range(_REFINEMENTS):
            residuals = targets - self.fitted(solution)
            gradient = torch.zeros_like(solution)
            for rows in self.blocks():
                gradient += self._columns(rows).T @ (self.weights[rows] * residuals[rows])
            solution = solution + self.inverse @ gradient + self._correction @ residuals[self._heavy_rows]
        return solution

    def fitted(self, solution: Tensor) -> Tensor:
        """Return (m,) fitted values for coefficients (size,)."""
        return torch.cat([self._columns(rows) @ solution for rows in self.blocks()])

    def influence(self, rows: slice, residuals: Tensor) -> Tensor:
        """Return (rows, size) influences of these rows on the solution; ``residuals`` (m,) are those of all rows.

        To first order, the error of the solution is the sum of the influences of all rows. The sum of their squares
        estimates its variance, robustly against heteroscedasticity (White 1980). Residuals are divided by
        1 − leverage, since the fit makes them too small (HC3, MacKinnon & White 1985).
        """
        columns, weights = self._columns(rows), self.weights[rows]
        slopes = columns @ self.inverse
        leverage = (weights * (columns * slopes).sum(dim=1)).clamp(0.0, MOST_ROW_LEVERAGE)
        return slopes.mul_((weights * residuals[rows] / (1 - leverage))[:, None])

    def _regular_inverse(self) -> Tensor:
        if 0 < len(self.weights) < self._size:
            self.determined = False
            return self._inverse_of_few_rows()
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

    def _inverse_of_few_rows(self) -> Tensor:
        """Return the same pseudoinverse, from the Gram matrix of the rows: there are fewer rows than columns."""
        rows = torch.cat([self._columns(rows) for rows in self.blocks()]) * self.weights.sqrt()[:, None]
        scale = torch.linalg.vector_norm(rows, dim=0)
        scale = torch.where(scale > 1e-150, 1 / scale, 0.0)
        rows = rows * scale
        values, vectors = torch.linalg.eigh(rows @ rows.T)
        kept = values > _RANK * values[-1]
        basis = (vectors[:, kept] / values[kept]).T @ rows * scale
        return basis.T @ basis


def check_size(size: int) -> None:
    """Raise InputError if the Gram matrix of ``size`` columns would be too large.

    Raises:
        InputError: The matrix would exceed 2 GB.
    """
    if 8 * size**2 > MOST_BYTES:
        raise InputError(
            f"{size:,} unknowns need a matrix of {8 * size**2 / 1e9:.1f} GB; the limit is {MOST_BYTES / 1e9:.0f} GB. "
            "Use a coarser grid, order=1, or method='banzhaf', which needs no such matrix."
        )


def _heavy(weights: Tensor) -> Tensor:
    """Return (m,) bool: True for infinite weights, and for the few that dominate the sum of all others."""
    heavy = weights.isinf()
    largest = torch.where(heavy, 0.0, weights).topk(min(_MOST_HEAVY, len(weights))).indices
    others = torch.where(heavy, 0.0, weights).index_fill(0, largest, 0.0).sum()
    heavy[largest] |= (weights[largest] > 2 * _MOST_HEAVY * others) & (others > 0)
    return heavy
