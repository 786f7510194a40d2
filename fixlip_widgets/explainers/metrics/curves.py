"""Insertion and deletion: how far the explanation's best and worst coalitions of every size lie apart in the game."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.metrics.sampled import check_players
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.explanation.subsets import best_subsets

POINTS = 51
"""Points of a curve, from nothing kept to everything kept."""

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """What the game says of the coalitions that an explanation calls most and least similar.

    Attributes:
        kept: (51,) shares of players kept, 0 to 1.
        most, least: (51,) values of the most and least similar coalitions, as shares of the way from the empty pair
            (0) to the full pair (1). Values beyond these are legitimate: a coalition may be less similar than nothing.
        aid: Area between insertion and deletion: the mean of ``most − least`` over ``kept``, by the trapezoidal rule.
            0 for an explanation that knows nothing, negative for one that is wrong.
    """

    kept: Floats
    most: Floats
    least: Floats
    aid: float


def insertion_deletion(game: VisionLanguageGame, explanation: Explanation) -> Curves:
    """Curves of the most and the least similar coalition of every size, and the area between them.

    Interactions count in choosing a coalition: where the explanation has some, the coalitions of each size are searched
    for (:meth:`Explanation.subsets`); a first-order explanation's are the players with the largest or smallest main
    effects. Where there are more than 50 players, coalitions of 51 sizes are asked for.

    Args:
        game: The game that is explained; it is asked for at most 102 coalitions.
        explanation: Any explanation of that pair.

    Raises:
        InputError: The explanation has other players, or the full pair is as similar as the empty one.

    Source: Baniecki et al. 2025, insertion/deletion of subsets; 51 points as there.
    """
    check_players(game, explanation)
    return curves(game, extremes(explanation, 1), extremes(explanation, -1))


def curves(game: VisionLanguageGame, most: Bools, least: Bools) -> Curves:
    """The curves of given coalitions: (m, n) ``most`` and ``least`` similar ones, of each size from none to all.

    Raises:
        InputError: The full pair is as similar as the empty one.
    """
    span = game.similarity - game.empty_similarity
    if span == 0:
        raise InputError("The full pair is exactly as similar as the empty one: there is nothing to normalise by.")
    values = (game.value(np.concatenate([most, least])) - game.empty_similarity) / span
    shares, kept = most.sum(axis=1) / game.n_players, np.linspace(0.0, 1.0, POINTS)
    above, below = (np.interp(kept, shares, half) for half in np.split(values, 2))
    area = torch.trapezoid(torch.from_numpy(above - below), torch.from_numpy(kept))  # numpy has it under two names
    return Curves(kept, above, below, float(area))


def extremes(explanation: Explanation, sign: int) -> Bools:
    """(m, n) the coalitions of one curve, ``most`` (``sign=+1``) or ``least`` (−1): m ≤ 51 sizes, from none to all."""
    n = explanation.n_players
    sizes = np.unique(np.round(np.linspace(0, n, POINTS)).astype(int)) if n >= POINTS else np.arange(n + 1)
    return coalitions(explanation, sign, sizes)


def coalitions(explanation: Explanation, sign: int, sizes: NDArray[np.intp]) -> Bools:
    """(m, n) masks: the most (``sign=+1``) or least (−1) similar coalition of each of m ``sizes``, as explained."""
    if not explanation.has_interactions:
        ranks = np.argsort(np.argsort(-sign * explanation.main, kind="stable"), kind="stable")
        return ranks[None, :] < sizes[:, None]
    masks = np.zeros((len(sizes), explanation.n_players), dtype=bool)
    found = best_subsets(*explanation.searched(), sign, sizes.tolist())
    for mask, (players, _) in zip(masks, found, strict=True):
        mask[list(players)] = True
    return masks
