"""First-order explanations from game theory: Shapley values and weighted Banzhaf values."""

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
    """Estimate the Shapley value of every player by KernelSHAP with complement pairs.

    The values sum exactly to the similarity of the full pair minus that of the empty pair.

    Args:
        game: The pair to explain.
        budget: Number of joint masks to evaluate, at about one image encoding each. By default
            :func:`~fixlip_widgets.explainers.shapley.joint_budget` of 2**17, as many as FIxLIP has image masks.
        seed: Random seed of the masks.
        progress: Called after every batch, in this thread.
        cancelled: Checked between batches; once it returns True, the result uses the masks evaluated so far.

    Returns:
        An explanation of order 1 in logits: ``main`` (n,) holds the values, ``baseline`` the empty pair's logit.

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
    """Estimate the p-weighted Banzhaf value of every player.

    It is the player's expected contribution when the others are kept with probability p.

    Args:
        game: The pair to explain.
        p: Probability of keeping a player.
        budget: Number of evaluations, image masks × text masks; the masks are those of ``explain(method="banzhaf")``.
        seed: Random seed of the masks.
        progress: Called after every batch, in this thread.
        cancelled: Checked between batches; once it returns True, the result uses the masks encoded so far.

    Returns:
        An explanation of order 1 in logits: ``main`` (n,) holds the values, which form the best linear surrogate with
        ``baseline``.

    Raises:
        InputError: ``p``, ``budget`` or ``seed`` is out of range.

    Source: Banzhaf 1965; Marichal & Mathonet 2011 (weighted values give the best linear approximation).
    """
    explainer = IncrementalExplainer(game, seed=seed)
    explainer.extend(p, budget, progress=progress, cancelled=cancelled)
    return explainer.banzhaf_values(p)
