"""Krylov space of symmetric matrices of pair coefficients, shared by the systems of all ridge strengths."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


class Krylov:
    """Orthonormal Krylov basis of a symmetric operator on (n, n) matrices (Lanczos, fully reorthogonalised).

    Attributes:
        size: Number of directions in the basis.
        tridiagonal: (size, size) float64 on the CPU, the operator in this basis.
        beta: Norm of the next direction before normalisation.
        exhausted: Whether no direction can be added: the space is invariant or has its maximum size.
    """

    def __init__(self, apply: Callable[[Tensor], Tensor], start: Tensor, most: int = 400) -> None:
        self._apply, self._shape, self._most = apply, start.shape, most
        self._basis = torch.empty(16, start.numel(), dtype=start.dtype, device=start.device)
        self._basis[0] = (start / norm_of(start)).flatten()
        self._diagonal, self._off_diagonal = list[float](), list[float]()
        self.size, self.beta, self.exhausted = 0, 0.0, False

    def extend(self) -> bool:
        """Add one direction; return False if none can be added."""
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
            self._off_diagonal.append(self.beta)
            self._basis[self.size] = direction / self.beta
        return True

    @property
    def tridiagonal(self) -> Tensor:
        off = torch.tensor(self._off_diagonal[: self.size - 1], dtype=torch.float64)
        diagonal = torch.tensor(self._diagonal, dtype=torch.float64)
        return torch.diag(diagonal) + torch.diag(off, 1) + torch.diag(off, -1)

    def combine(self, coordinates: Tensor) -> Tensor:
        """Return the (n, n) element with these coordinates."""
        return (coordinates.to(self._basis) @ self._basis[: len(coordinates)]).view(self._shape)


def _dot(first: Tensor, second: Tensor) -> Tensor:
    """Return the inner product over unordered pairs, half of that of the symmetric matrices."""
    return 0.5 * (first.flatten() @ second.flatten())


def norm_of(pairs: Tensor) -> Tensor:
    """Return the norm over unordered pairs."""
    return _dot(pairs, pairs).sqrt()
