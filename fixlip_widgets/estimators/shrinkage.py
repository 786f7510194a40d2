"""Average effect of a ridge on pair coefficients over random masks: degrees of freedom and variance.

The spectrum of a random orthonormal design depends only on its numbers of rows and columns, so the Gram matrix need not
be factorised. A ridge λ on coefficients with prior variances t acts as if the Gram matrix
were the identity and the ridge κ ≥ λ, with ``λ = κ (1 − freedom(κ)/units)`` and ``freedom(κ) = Σ t/(t + κ)``: the
deterministic equivalent of Silverstein (1995), which is the Marchenko–Pastur law if all t are equal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_STEPS = 100
"""Maximum number of Newton steps for κ; a few suffice, and some 20 if there are as many coefficients as rows."""
_RELATIVE = 1e-12
"""Relative change of κ at which Newton's method ends."""
_CANDIDATES, _CANDIDATES_TO = 49, 7.0
"""Number of candidate ridges, and their largest absolute log κ: from negligible to dominant for coefficients of
standardised players, in steps of about 0.3."""
_SMALLEST_RIDGE = 1e-4
"""Minimum candidate; a weaker ridge is least squares for all practical purposes."""
_MAX_TEMPORARY = 10**6
"""Maximum number of elements of a temporary array."""


@dataclass(frozen=True)
class Shrinkage:
    """Effect of a penalty ``ridge · Σ_{i<j} v_ij²/t_ij`` on pair coefficients.

    Attributes:
        ridge: λ; 0 means no penalty.
        freedom: Effective degrees of freedom.
        variance: (n, n) variance of each coefficient, relative to that of a lone coefficient. It includes the squared
            bias, averaged over coefficients with prior variances t (Wahba 1983).
        lost: (n, n) share of each coefficient lost to the penalty, ``κ/(t + κ)``; zero diagonal.
    """

    ridge: float
    freedom: float
    variance: Tensor
    lost: Tensor


def shrinkage(squares: Tensor, units: float, ridge: float) -> Shrinkage:
    """Compute the effect of ``ridge`` at ``units`` rows, for prior variances ``squares`` (n, n) with zero diagonal."""
    count = len(squares) * (len(squares) - 1) / 2
    if ridge == 0 and count < units:  # limit λ → 0: only the Gram matrix adds variance
        zeros = torch.zeros_like(squares)
        variance = torch.full_like(squares, 1 / (1 - count / units)).fill_diagonal_(0)
        return Shrinkage(ridge=0.0, freedom=count, variance=variance, lost=zeros)
    strength, flat = max(ridge, 1e-12), _upper_triangle(squares)
    kappa = _solve_kappa(flat, units, strength)
    variance = torch.where(squares > 0, squares * (kappa / strength) / (squares + kappa), 0.0)
    lost = torch.where(squares > 0, kappa / (squares + kappa), 0.0)
    freedom = min(float(_freedom(flat, flat.new_tensor(kappa).log())), units)
    return Shrinkage(ridge=ridge, freedom=freedom, variance=variance, lost=lost)


def choices(squares: Tensor, units: float) -> tuple[Tensor, Tensor]:
    """Return (k,) candidate ridges, ascending from negligible to dominant, and their (k,) degrees of freedom."""
    flat = _upper_triangle(squares)
    enough = 2 * float(flat.sum()) / units  # from this κ on, freedom ≤ units/2, so λ is positive
    most = max(_CANDIDATES_TO, math.log(max(enough, 1)))
    logs = torch.linspace(-_CANDIDATES_TO, most, _CANDIDATES, dtype=torch.float64, device=squares.device)
    freedom = _freedom(flat, logs)
    ridges = logs.exp() * (1 - freedom / units)
    useful = ridges > _SMALLEST_RIDGE
    return ridges[useful].cpu(), freedom[useful].cpu()


def _upper_triangle(squares: Tensor) -> Tensor:
    """Return the (n (n − 1)/2,) entries above the diagonal."""
    first, second = torch.triu_indices(len(squares), len(squares), 1, device=squares.device)
    return squares[first, second]


def _solve_kappa(flat: Tensor, units: float, strength: float) -> float:
    """Return κ with ``λ(κ) = strength``.

    ``λ(κ) = κ − Σ κt/(t + κ)/units`` is convex, and the largest κ considered is an upper bound of the solution, so
    Newton's method decreases monotonically to it.
    """
    kappa = strength + float(flat.sum()) / units
    for _ in range(_STEPS):
        kept = flat / (flat + kappa)
        freedom, squared = torch.stack([kept.sum(), kept.square().sum()]).tolist()
        step = (kappa * (1 - freedom / units) - strength) / (1 - squared / units)
        kappa -= step
        if step <= _RELATIVE * kappa:
            break
    return kappa


def _freedom(flat: Tensor, log_kappa: Tensor) -> Tensor:
    return torch.cat([(flat / (flat + part)).sum(1) for part in columns(log_kappa.exp(), len(flat))]).view_as(log_kappa)


def columns(values: Tensor, width: int) -> tuple[Tensor, ...]:
    """Split values into (k, 1) columns, so that their combinations with ``width`` others are bounded in size."""
    return values.reshape(-1, 1).split(max(_MAX_TEMPORARY // max(width, 1), 1))
