"""Krylov space of symmetric matrices of pair coefficients, shared by the systems of all ridge strengths."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

_MOST_DIRECTIONS = 400
"""Maximum size of the space, which bounds its memory; masks at moderate p need far fewer directions."""
_BREAKDOWN = 1e-13
"""Norm of a new direction, relative to the operator's, that is attributed to rounding."""


class Krylov:
    """Orthonormal Krylov basis of a symmetric operator on (n, n) matrices (Lanczos, fully reorthogonalised).

    Inner products are over unordered pairs, half of those of the symmetric matrices.

    Attributes:
        norm: Norm of the start.
        size: Number of directions in the basis.
        exhausted: Whether no direction can be added: the space is invariant or has its maximum size.
    """

    def __init__(self, apply: Callable[[Tensor], Tensor], start: Tensor) -> None:
        self._apply, self._shape = apply, start.shape
        self.norm = _norm(start)
        self._basis = torch.empty(16, start.numel(), dtype=start.dtype, device=start.device)
        self._basis[0] = (start / self.norm).flatten()
        self._diagonal, self._off_diagonal = list[float](), list[float]()
        self.size, self._beta, self.exhausted = 0, 0.0, False

    def extend(self, count: int) -> None:
        """Add up to ``count`` directions."""
        for _ in range(count):
            if not self.exhausted:
                self._extend()

    def _extend(self) -> None:
        self.size += 1
        if self.size >= len(self._basis):
            self._basis = torch.cat([self._basis, torch.empty_like(self._basis)])
        basis, current = self._basis[: self.size], self._basis[self.size - 1]
        direction = self._apply(current.view(self._shape)).flatten()
        self._diagonal.append(0.5 * float(direction @ current))
        for _ in range(2):  # twice is enough (Kahan & Parlett)
            direction = direction - (0.5 * (basis @ direction)) @ basis
        self._beta = _norm(direction)
        rounding = _BREAKDOWN * max(map(abs, self._diagonal))
        if self._beta <= rounding or self.size == _MOST_DIRECTIONS or not math.isfinite(self._beta):
            self.exhausted = True
        else:
            self._off_diagonal.append(self._beta)
            self._basis[self.size] = direction / self._beta

    @property
    def tridiagonal(self) -> Tensor:
        """(size, size) float64 on the CPU, the operator in this basis."""
        off_diagonal = torch.tensor(self._off_diagonal[: self.size - 1], dtype=torch.float64)
        diagonal = torch.tensor(self._diagonal, dtype=torch.float64)
        return diagonal.diag() + off_diagonal.diag(1) + off_diagonal.diag(-1)

    def solve(self, ridge: float) -> Tensor:
        """Return the coordinates of the solution of ``(operator + ridge) x = start`` in this space."""
        start = torch.zeros(self.size, 1, dtype=torch.float64)
        start[0] = self.norm
        shifted = self.tridiagonal + ridge * torch.eye(self.size, dtype=torch.float64)
        return torch.linalg.lstsq(shifted, start, driver="gelsd").solution[:, 0]

    def residual(self, coordinates: Tensor) -> float:
        """Return the norm of the residual of a solution."""
        return self._beta * abs(float(coordinates[-1]))

    def combine(self, coordinates: Tensor) -> Tensor:
        """Return the (n, n) element with these coordinates."""
        return (coordinates.to(self._basis) @ self._basis[: len(coordinates)]).view(self._shape)


def _norm(pairs: Tensor) -> float:
    """Return the norm over unordered pairs."""
    return float(torch.linalg.vector_norm(pairs)) / math.sqrt(2)
