"""First-order explanations by game theory: every player's Shapley value or weighted Banzhaf value."""

from __future__ import annotations

from collections.abc import Callable

from fixlip_widgets.explainers.fixlip import IncrementalExplainer
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.shapley import explain_shapley
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.support.checks import DEFAULT_BUDGET
from fixlip_widgets.support.progress import Progress


def shapley_values(
    game: VisionLanguageGame,
    budget: int | None = None,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Explanation:
    """The Shapley value of every player, by KernelSHAP with complement pairs; they sum to full minus empty exactly.

    Args:
        game: The pair to explain.
        budget: Joint masks to evaluate; each costs about an image encoding. By default
            :func:`~fixlip_widgets.explainers.shapley.joint_budget` of 2**17, as many as FIxLIP has image masks.
        seed: Of the masks.
        progress: Called after every batch, in this thread.
        cancelled: Asked between batches; when it says True, the result is that of the masks evaluated so far.

    Returns:
        An explanation of order 1 in logits: ``main`` (n,) are the values, ``baseline`` the empty pair's logit.

    Raises:
        InputError: ``budget`` or ``seed`` is out of range.

    Source: Shapley 1953; Lundberg & Lee 2017 (KernelSHAP); Covert & Lee 2021 (complement pairs).
    """
    explanation = explain_shapley(game, budget, order=1, seed=seed, progress=progress, cancelled=cancelled)
    return explanation.replace(method="shapley_values")


def banzhaf_values(
    game: VisionLanguageGame,
    p: float = 0.5,
    budget: int = DEFAULT_BUDGET,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Explanation:
    """The p-weighted Banzhaf value of every player: its expected contribution when others are kept with probability p.

    Args:
        game: The pair to explain.
        p: Probability of keeping a player.
        budget: Evaluations, image masks × text masks, on the same masks as ``explain(method="banzhaf")``.
        seed: Of the masks.
        progress: Called after every batch, in this thread.
        cancelled: Asked between batches; when it says True, the result is that of the masks encoded so far.

    Returns:
        An explanation of order 1 in logits: ``main`` (n,) are the values; with ``baseline``, the best linear surrogate.

    Raises:
        InputError: ``p``, ``budget`` or ``seed`` is out of range.

    Source: Banzhaf 1965; Marichal & Mathonet 2011 (weighted values give the best linear approximation).
    """
    explainer = IncrementalExplainer(game, seed=seed)
    explainer.extend(p, budget, progress=progress, cancelled=cancelled)
    return explainer.banzhaf_values(p)
