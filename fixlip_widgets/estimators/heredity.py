"""Heredity prior: the variance that the penalty on pair terms expects of each pair.

A patch of the background interacts with nothing, a patch of the dog with half of the image. A penalty that treats all
pairs alike shrinks the few strong ones too much and the many that are zero too little. Following the heredity principle
(Hamada & Wu 1992), the coefficient of the pair (i, j) is expected to have variance ``g_i g_j``. The strengths g are
estimated from the same data (empirical Bayes by moments).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

_ITERATIONS = 20
"""Steps of the fixed-point iteration, each of which about halves the error."""
_WEAKEST = 0.02
"""Minimum strength of a player, relative to the mean, so that no estimate excludes a player."""


def strengths(coefficients: Tensor, noise: Tensor) -> Tensor:
    """Estimate the players' strengths from unbiased, noisy pair coefficients.

    Args:
        coefficients: (n, n) symmetric.
        noise: (n, n) variances of the coefficients.

    Returns:
        (n,) float64 g, such that ``g_i g_j`` is proportional to the expected square of a pair's coefficient and has
        mean 1 over pairs. All ones if the coefficients do not exceed their noise.

    Source: a rank-one model of ``E[v_ij²] = coefficients² − noise``, tempered: the strengths solve
    ``g_i² Σ_{j≠i} g_j ∝ Σ_j E[v_ij²]``, so they are close to the square roots of those that match the sums of rows.
    """
    explained = (coefficients.double().square() - noise.double()).fill_diagonal_(0).sum(1)
    energy = explained.cpu().numpy()  # NumPy is faster for short vectors
    if not energy.sum() > 0:
        return torch.ones_like(explained)
    energy, g, n = np.maximum(energy, 0), np.ones_like(energy), len(energy)
    for _ in range(_ITERATIONS):
        update = np.sqrt(energy / np.maximum(g.sum() - g, 1e-12))
        update = np.maximum(update, _WEAKEST / n * update.sum())
        g = np.sqrt(g * update * (n / update.sum()))
    pairs = g.sum() ** 2 - np.square(g).sum()
    return torch.from_numpy(g / np.sqrt(pairs / (n * (n - 1)))).to(explained)


def expected_squares(g: Tensor) -> Tensor:
    """Return (n, n) ``g_i g_j`` with a zero diagonal."""
    return torch.outer(g, g).fill_diagonal_(0)
