"""First-order explanations by game theory: every player's Shapley value or weighted Banzhaf value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fixlip_widgets.estimators.linear import fit_linear
from fixlip_widgets.explanation import Explanation
from fixlip_widgets.game import VisionLanguageGame
from fixlip_widgets.incremental import IncrementalExplainer, Progress
from fixlip_widgets.shapley import explain_shapley


def shapley_values(
    game: VisionLanguageGame,
    budget: int = 2**13,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Explanation:
    """The Shapley value of every player, by KernelSHAP with complement pairs; they sum to full minus empty exactly.

    Args:
        game: The pair to explain.
        budget: Joint masks to evaluate; each costs about an image encoding.
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
    budget: int = 2**17,
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
    return linear_explanation(explainer, p)


def linear_explanation(explainer: IncrementalExplainer, p: float) -> Explanation:
    """Banzhaf values at ``p`` from the masks that ``explainer`` has encoded."""
    second = explainer.explanation(p, ridge=0.0, scope="cross")
    game = explainer.game
    # the explainer's pools are its own; this is the one other estimator that reads them
    image, text = explainer._image.modality(p), explainer._text.modality(p)  # pyright: ignore[reportPrivateUsage]
    fit = fit_linear(image, text, game.scale, game.bias)
    first = second.replace(
        baseline=fit.baseline,
        main=fit.main,
        interactions=np.zeros_like(second.interactions),
        baseline_se=fit.baseline_se,
        main_se=fit.main_se,
        interactions_se=None,
        method="banzhaf_values",
        order=1,
        scope="all",
        r2_in_sample=fit.r2,
        identified=dict.fromkeys(second.identified, second.identified["cross"]),
    )
    r2, spearman = explainer._faithfulness(first, p)  # pyright: ignore[reportPrivateUsage]
    return first.replace(r2=r2, spearman=spearman)
