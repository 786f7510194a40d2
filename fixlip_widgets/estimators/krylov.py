"""A Krylov space of symmetric matrices of pair coefficients, in which every shifted system is solved at once."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


class Krylov:
    """Orthonormal Krylov basis of a symmetric operator on (n, n) matrices: Lanczos, fully reorthogonalised.

    Attributes:
        size: Directions in the basis so far.
        tridiagonal: (size, size) float64 on the CPU, the operator in that basis.
        beta: Norm that the next direction has left.
        exhausted: The space is invariant: there is no next direction.
    """

    def __init__(self, apply: Callable[[Tensor], Tensor], start: Tensor, most: int = 400) -> None:
        self._apply, self._shape, self._most = apply, start.shape, most
        self._basis = torch.empty(16, start.numel(), dtype=start.dtype, device=start.device)
        self._basis[0] = (start / norm_of(start)).flatten()
        self._diagonal, self._beside = list[float](), list[float]()
        self.size, self.beta, self.exhausted = 0, 0.0, False

    def extend(self) -> bool:
        """Add one direction; False when there is none to add."""
        if self.exhausted:
            return False
        self.size += 1
        if self.size >= len(self._basis):
            self._basis = torch.cat([self._basis, torch.empty_like(self._basis)])
        basis, current = self._basis[: self.size], self._basis[self.size - 1]
        direction = self._apply(current.view(self._shape)).flatten()
        self._diagonal.append(0.5 * float(direction @ current))
        for _ in range(2):  # twice is enough (Kahan & Parlett)
            direction = direction - (0.5 * (basis @ direction)) @ basis
        self.beta = float(norm_of(direction))
        largest = max(map(abs, self._diagonal))
        if self.beta <= 1e-13 * largest or self.size == self._most or not math.isfinite(self.beta):
            self.exhausted, self.beta = True, 0.0
        else:
            self._beside.append(self.beta)
            self._basis[self.size] = direction / self.beta
        return True

    @property
    def tridiagonal(self) -> Tensor:
        off = torch.tensor(self._beside[: self.size - 1], dtype=torch.float64)
        diagonal = torch.tensor(self._diagonal, dtype=torch.float64)
        return torch.diag(diagonal) + torch.diag(off, 1) + torch.diag(off, -1)

    def combine(self, coordinates: Tensor) -> Tensor:
        """(n, n) the element with these coordinates."""
        return (coordinates.to(self._basis) @ self._basis[: len(coordinates)]).view(self._shape)


def _dot(first: Tensor, second: Tensor) -> Tensor:
    """Inner product over unordered pairs: half of the symmetric matrices' entrywise product."""
    return 0.5 * (first.flatten() @ second.flatten())


def norm_of(pairs: Tensor) -> Tensor:
    """Over unordered pairs."""
    return _dot(pairs, pairs).sqrt()
