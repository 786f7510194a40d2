"""Which players interact at all: what the penalty on pair terms expects of each pair before it sees its coefficient.

A patch of the background interacts with nothing, one of the dog with half of the picture; so a penalty that treats all
pairs alike shrinks the few strong ones for the sake of the many that are nil. Following the heredity principle (Hamada
& Wu 1992), the pair (i, j) is expected to have variance ``g_i g_j``, and the strengths g are estimated from the same
data: empirical Bayes by moments.
"""

from __future__ import annotations

import torch
from torch import Tensor

_ROUNDS = 20
_WEAKEST = 0.02
"""Least strength of a player, relative to the mean: nobody is ruled out by an estimate."""


def even_strengths(n: int, device: torch.device) -> Tensor:
    """(n,) ones: every pair is expected to be as strong as any other."""
    return torch.ones(n, dtype=torch.float64, device=device)


def strengths(coefficients: Tensor, noise: Tensor) -> Tensor:
    """Strengths of the players from pair coefficients that are unbiased, though noisy.

    Args:
        coefficients: (n, n) symmetric.
        noise: (n, n) their variances.

    Returns:
        (n,) float64 g, such that ``g_i g_j`` is proportional to the expected square of a pair's coefficient, with mean
        1 over pairs; all ones where no pair stands out of the noise.

    Source: a rank-one model of ``E[v_ij²] = coefficients² − noise``, fitted by matching the sums of its rows.
    """
    energy = (coefficients.double().square() - noise.double()).fill_diagonal_(0).sum(1)
    g = even_strengths(len(energy), energy.device)
    if not float(energy.sum()) > 0:
        return g
    for _ in range(_ROUNDS):
        wanted = (energy.clamp_min(0) / (g.sum() - g).clamp_min(1e-12)).sqrt()
        wanted = wanted.clamp_min(_WEAKEST * float(wanted.mean()))
        g = (g * wanted / wanted.mean()).sqrt()
    return g / expected_squares(g).sum().div(len(g) * (len(g) - 1)).sqrt()


def expected_squares(g: Tensor) -> Tensor:
    """(n, n) ``g_i g_j`` with a zero diagonal."""
    return torch.outer(g, g).fill_diagonal_(0)
