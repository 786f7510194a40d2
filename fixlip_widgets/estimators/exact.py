"""Exact interactions and values of a game of at most 16 players, from the table of its 2**n values.

The sampling estimators converge to these results, computed by definition or by regression over every mask. A table
lists values in the order of :func:`~.masks.enumerate_masks`: bit i of the position is 1 if player i is
kept.
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.crossmodal_regression import Fit
from fixlip_widgets.estimators.joint import fit_joint
from fixlip_widgets.estimators.masks import enumerate_masks, enumeration_weights
from fixlip_widgets.estimators.shapley import kernel_weights
from fixlip_widgets.support.checks import check_p

Floats = NDArray[np.float64]
MOST_PLAYERS = 16
"""Maximum number of players: a table of 65,536 values."""


def banzhaf_interactions(values: ArrayLike, p: float = 0.5, order: int = 2) -> Fit:
    """Compute the faithful p-weighted Banzhaf index by regression over all masks, weighted by p^k (1 − p)^(n − k).

    Args:
        values: (2**n,) table of the game, n ≤ 16.
        p: Probability of keeping a player.
        order: 1 or 2.

    Raises:
        InputError: The table's length is not a power of 2 up to 2**16, or ``p`` or ``order`` is out of range.

    Source: Tsai, Yeh & Ravikumar 2023 (Faith-Banzhaf) at p = ½; Baniecki et al. 2025 for any p.
    """
    table = _checked(values)
    masks = enumerate_masks(_players(table))
    return fit_joint(masks, table, enumeration_weights(masks, check_p(p)), order)


def shapley_interactions(values: ArrayLike, order: int = 2) -> Fit:
    """Compute the faithful Shapley index (FSII) by Shapley-kernel regression, exact at the empty and full mask.

    Args:
        values: (2**n,) table of the game, 2 ≤ n ≤ 16.
        order: 1 or 2.

    Raises:
        InputError: The table's length is not a power of 2 from 2**2 to 2**16, or ``order`` is out of range.

    Source: Tsai, Yeh & Ravikumar 2023 (Faith-Shap).
    """
    table = _checked(values, fewest=2)
    masks = enumerate_masks(_players(table))
    weights = np.full(len(table), np.inf)
    weights[1:-1] = kernel_weights(masks.shape[1])[masks[1:-1].sum(axis=1) - 1]
    return fit_joint(masks, table, weights, order)


def banzhaf_values(values: ArrayLike, p: float = 0.5) -> Floats:
    """Compute (n,) p-weighted Banzhaf values by definition, ``E_p[f(S ∪ i) − f(S ∖ i)]``.

    Args:
        values: (2**n,) table of the game, n ≤ 16.
        p: Probability of keeping each of the other players.

    Raises:
        InputError: The table's length is not a power of 2 up to 2**16, or ``p`` is out of range.
    """
    table = _checked(values)
    weights = enumeration_weights(enumerate_masks(_players(table) - 1), check_p(p))
    return np.array([weights @ gain for gain in _contributions(table)])


def shapley_values(values: ArrayLike) -> Floats:
    """Compute (n,) Shapley values by definition, ``Σ_S s! (n−s−1)!/n! (f(S ∪ i) − f(S))`` (Shapley 1953).

    Args:
        values: (2**n,) table of the game, n ≤ 16.

    Raises:
        InputError: The table's length is not a power of 2 up to 2**16.
    """
    table = _checked(values)
    n = _players(table)
    sizes = enumerate_masks(n - 1).sum(axis=1)
    weights = np.array([1.0 / (n * comb(n - 1, s)) for s in range(n)])[sizes]
    return np.array([weights @ gain for gain in _contributions(table)])


def moebius(values: ArrayLike) -> Floats:
    """Compute (2**n,) Möbius coefficients ``a(S) = Σ_{T ⊆ S} (−1)^(s − t) f(T)``, those of the game's monomials."""
    coefficients = _checked(values).copy()
    for player in range(_players(coefficients)):
        with_and_without = coefficients.reshape(-1, 2, 2**player)
        with_and_without[:, 1] -= with_and_without[:, 0]
    return coefficients


def _contributions(table: Floats) -> list[Floats]:
    """Return, per player, (2**(n−1),) contributions to the coalitions of the others in ``enumerate_masks`` order."""
    halves = (table.reshape(-1, 2, 2**player) for player in range(_players(table)))
    return [(half[:, 1] - half[:, 0]).ravel() for half in halves]


def _players(table: Floats) -> int:
    return len(table).bit_length() - 1


def _checked(values: ArrayLike, fewest: int = 1) -> Floats:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 1 or len(table) not in [2**n for n in range(fewest, MOST_PLAYERS + 1)]:
        raise InputError(
            f"The table of values has shape {table.shape}; it must list the values of all 2**n masks of "
            f"{fewest} to {MOST_PLAYERS} players."
        )
    return table
