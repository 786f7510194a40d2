"""Pair coefficients over whole orthogonal arrays, where each is one inner product and is shrunk on its own.

The monomials are orthonormal on the masks of whole arrays (:mod:`.orthogonal_arrays`), so that the normal equations of
a ridge are diagonal. Their solution takes one matrix product, in place of a Krylov loop.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fixlip_widgets.estimators.heredity import expected_squares
from fixlip_widgets.estimators.shrinkage import choices, columns


def shrink(plain: Tensor, g: Tensor, ridge: float) -> tuple[Tensor, float]:
    """Minimise ``Σ (v − plain)² + ridge · Σ v²/(g_i g_j)`` over the pairs.

    Args:
        plain: (n, n) least-squares coefficients, symmetric with a zero diagonal.
        g: (n,) strengths of the players.
        ridge: Strength of the penalty, at least 0.

    Returns:
        The (n, n) coefficients, and their effective degrees of freedom ``Σ g_i g_j/(g_i g_j + ridge)``.
    """
    squares = expected_squares(g)
    kept = torch.where(squares > 0, squares / (squares + ridge), 0.0)
    return (kept * plain.double()).to(plain), float(kept.sum()) / 2


def cross_validated_ridge(plain: Tensor, g: Tensor, energy: float, units: float) -> float:
    """Choose the ridge of :func:`shrink` by generalised cross-validation.

    Args:
        plain: As in :func:`shrink`.
        g: As in :func:`shrink`.
        energy: Weighted sum of the squares of the targets.
        units: Number of rows, less one for each other term that was fitted.

    Source: Golub, Heath & Wahba 1979, ``RSS(λ) / (1 − freedom(λ)/units)²``.
    """
    squares = expected_squares(g)
    first, second = torch.triu_indices(len(g), len(g), 1, device=g.device)
    found, expected = plain[first, second].double().square(), squares[first, second]
    ridges, freedom = choices(squares, math.inf)
    unexplained = max(energy - float(found.sum()), 0.0)
    parts = columns(ridges.to(expected), len(found))
    rss = unexplained + torch.cat([(part / (expected + part)).square() @ found for part in parts]).cpu()
    left = (1 - freedom / units).clamp_min(1e-6)
    return float(ridges[int((rss / left.square()).argmin())])
