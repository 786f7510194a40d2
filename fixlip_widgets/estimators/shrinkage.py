"""What a ridge does to pair coefficients on average over random masks: freedom used, and variance left.

Rows of a random orthonormal design have a spectrum that depends on the number of rows and columns alone, so neither
needs a factorisation of the Gram matrix. A ridge λ on coefficients with prior variances t acts as if the Gram matrix
were the identity and the ridge κ ≥ λ, with ``λ = κ (1 − freedom(κ)/units)`` and ``freedom(κ) = Σ t/(t + κ)``: the
deterministic equivalent of Silverstein (1995), which is Marchenko & Pastur's law where all t are equal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_STEPS = 36
"""Of bisection: κ is known to nine digits then."""
_AT_ONCE = 10**6
"""Numbers per temporary array."""


@dataclass(frozen=True)
class Shrinkage:
    """A penalty ``ridge · Σ_{i<j} v_ij²/t_ij`` on pair coefficients.

    Attributes:
        ridge: λ; 0 is no penalty.
        freedom: Effective number of coefficients that are free.
        variance: (n, n) factor of each coefficient's variance against that of one coefficient alone; it contains the
            squared bias on average over coefficients with the prior variances t (Wahba 1983).
        lost: (n, n) share of each coefficient that the penalty takes away, ``κ/(t + κ)``; 0 on the diagonal.
    """

    ridge: float
    freedom: float
    variance: Tensor
    lost: Tensor


def shrinkage(squares: Tensor, units: float, ridge: float) -> Shrinkage:
    """What ``ridge`` does where pairs have prior variances ``squares`` (n, n), zero diagonal, with ``units`` rows."""
    count = len(squares) * (len(squares) - 1) / 2
    if ridge == 0 and count < units:  # the limit: nothing is lost, and the Gram matrix is as far from the identity
        nothing = torch.zeros_like(squares)
        return Shrinkage(0.0, count, torch.full_like(squares, 1 / (1 - count / units)).fill_diagonal_(0), nothing)
    strength, low, high, flat = max(ridge, 1e-12), -30.0, 30.0, _once_each(squares)
    for _ in range(_STEPS):  # λ(κ) grows wherever it is positive
        middle = 0.5 * (low + high)
        low, high = (middle, high) if float(_ridge(flat, units, flat.new_tensor(middle))) < strength else (low, middle)
    kappa = float(torch.tensor(high, dtype=torch.float64).exp())
    variance = torch.where(squares > 0, squares * (kappa / strength) / (squares + kappa), 0.0)
    lost = torch.where(squares > 0, kappa / (squares + kappa), 0.0)
    return Shrinkage(ridge, min(float(_freedom(flat, flat.new_tensor(high))), units), variance, lost)


def choices(squares: Tensor, units: float, count: int = 49) -> tuple[Tensor, Tensor]:
    """(k,) ridges worth trying, ascending, from next to none to all-shrinking, and the (k,) freedom each leaves."""
    flat = _once_each(squares)
    enough = 2 * float(flat.sum()) / units  # where at most half of the units' freedom is left: λ is positive
    logs = torch.linspace(-7, max(7, math.log(max(enough, 1))), count, dtype=torch.float64, device=squares.device)
    ridges, freedom = _ridge(flat, units, logs), _freedom(flat, logs)
    useful = ridges > 1e-4
    return ridges[useful].cpu(), freedom[useful].cpu()


def _once_each(squares: Tensor) -> Tensor:
    """(n (n − 1)/2,) the entries above the diagonal."""
    first, second = torch.triu_indices(len(squares), len(squares), 1, device=squares.device)
    return squares[first, second]


def _ridge(flat: Tensor, units: float, log_kappa: Tensor) -> Tensor:
    return log_kappa.exp() * (1 - _freedom(flat, log_kappa) / units)


def _freedom(flat: Tensor, log_kappa: Tensor) -> Tensor:
    kappas = log_kappa.exp().reshape(-1, 1)
    parts = kappas.split(max(_AT_ONCE // max(len(flat), 1), 1))
    return torch.cat([(flat / (flat + part)).sum(1) for part in parts]).view_as(log_kappa)
