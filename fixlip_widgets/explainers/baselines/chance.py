"""A chance-level baseline: an explanation that is independent of the model."""

from __future__ import annotations

import numpy as np

from fixlip_widgets.errors import InputError
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.support.checks import check_seed


def random_explanation(game: VisionLanguageGame, seed: int = 0, order: int = 2) -> Explanation:
    """Draw standard normal main effects and, at order 2, interactions.

    Args:
        game: The pair to explain; only its full and empty similarity are computed.
        seed: Random seed.
        order: 2, or 1 for main effects only.

    Returns:
        An explanation with ``method="random"``.

    Raises:
        InputError: ``order`` or ``seed`` is out of range.
    """
    if order not in (1, 2):
        raise InputError(f"order is {order!r}; a random explanation has order 1 or 2.")
    rng, n = np.random.default_rng(check_seed(seed)), game.n_players
    upper = np.triu(rng.normal(size=(n, n)), 1) if order > 1 else np.zeros((n, n))
    return Explanation(
        baseline=game.empty_similarity,
        main=rng.normal(size=n),
        interactions=upper + upper.T,
        **game.explanation_fields(),
        method="random",
        order=order,
        seed=seed,
    )
