"""Insertion and deletion: game values of an explanation's most and least similar coalitions of every size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.metrics.sampled import check_players, evaluate
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.explanation.subsets import best_subsets

if TYPE_CHECKING:
    import plotly.graph_objects as go

POINTS = 51
"""Number of points of a curve, from nothing kept to everything kept."""

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """Game values of the coalitions that are most and least similar according to an explanation.

    Attributes:
        kept: (51,) fraction of players kept, 0 to 1.
        most, least: (51,) values of the most and least similar coalitions, scaled to 0 for the empty pair and 1 for the
            full pair. Values outside [0, 1] are valid: a coalition may be less similar than the empty pair.
        aid: Area between insertion and deletion: the mean of ``most − least`` over ``kept``, by the trapezoidal rule.
            0 is the chance level; wrong explanations have negative areas.
    """

    kept: Floats
    most: Floats
    least: Floats
    aid: float

    def plot(self) -> go.Figure:
        """Return a Plotly figure of both curves."""
        from fixlip_widgets.drawing.plotly.measures import curves_figure

        return curves_figure(self.kept, self.most, self.least, self.aid)

    def __repr__(self) -> str:
        return f"<Curves of {len(self.kept)} points: area between insertion and deletion {self.aid:.3f}>"

    def _repr_html_(self) -> str:
        from fixlip_widgets.drawing.measures import curves_html

        return curves_html(f"Area between insertion and deletion {self.aid:.3f}", self.kept, self.most, self.least)


def insertion_deletion(game: VisionLanguageGame, explanation: Explanation, progress: bool | None = None) -> Curves:
    """Compute the curves of the most and least similar coalitions of every size, and the area between them.

    If the explanation has interactions, the coalitions of each size are found by search (:meth:`Explanation.subsets`).
    For a first-order explanation, they are the players with the largest or smallest main effects. With more than 50
    players, coalitions of 51 sizes are evaluated.

    Args:
        game: The game that is explained; at most 102 coalitions are evaluated.
        explanation: Any explanation of that pair.
        progress: Whether to show a progress bar; by default only for long computations in interactive use.

    Raises:
        InputError: The explanation has other players, or the full and the empty pair are equally similar.

    Source: Baniecki et al. 2025, insertion/deletion of subsets, with the paper's 51 points.
    """
    check_players(game, explanation)
    return curves(game, extremes(explanation, 1), extremes(explanation, -1), progress)


def curves(game: VisionLanguageGame, most: Bools, least: Bools, progress: bool | None = False) -> Curves:
    """Compute the curves of (m, n) ``most`` and ``least`` similar coalitions, of sizes from none to all.

    Raises:
        InputError: The full and the empty pair are equally similar.
    """
    span = game.similarity - game.empty_similarity
    if span == 0:
        raise InputError("The full and the empty pair are equally similar, so the curves cannot be normalised.")
    values = (evaluate(game, np.concatenate([most, least]), progress) - game.empty_similarity) / span
    shares, kept = most.sum(axis=1) / game.n_players, np.linspace(0.0, 1.0, POINTS)
    above, below = (np.interp(kept, shares, half) for half in np.split(values, 2))
    area = torch.trapezoid(torch.from_numpy(above - below), torch.from_numpy(kept))  # np.trapz was renamed in NumPy 2
    return Curves(kept=kept, most=above, least=below, aid=float(area))


def extremes(explanation: Explanation, sign: int) -> Bools:
    """Return the (m, n) coalitions of the ``most`` (``sign=+1``) or ``least`` (−1) curve, of m ≤ 51 sizes."""
    n = explanation.n_players
    sizes = np.unique(np.round(np.linspace(0, n, POINTS)).astype(int)) if n >= POINTS else np.arange(n + 1)
    return coalitions(explanation, sign, sizes)


def coalitions(explanation: Explanation, sign: int, sizes: NDArray[np.intp]) -> Bools:
    """Return the (m, n) most (``sign=+1``) or least (−1) similar coalitions of m ``sizes``, as explained."""
    if not explanation.has_interactions:
        ranks = np.argsort(np.argsort(-sign * explanation.main, kind="stable"), kind="stable")
        return ranks[None, :] < sizes[:, None]
    masks = np.zeros((len(sizes), explanation.n_players), dtype=bool)
    subsets = best_subsets(*explanation.quadratic_terms(), sign, sizes.tolist())
    for mask, (players, _) in zip(masks, subsets, strict=True):
        mask[list(players)] = True
    return masks
