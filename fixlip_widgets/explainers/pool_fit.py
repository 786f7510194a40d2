"""Fit the encoded masks of a pair at any p, and describe the fit as an explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fixlip_widgets.encoders.batches import plain_settings
from fixlip_widgets.estimators.crossmodal_regression import CrossModalFit, Modality, regress
from fixlip_widgets.estimators.linear import fit_linear
from fixlip_widgets.estimators.standard_errors import standard_errors
from fixlip_widgets.estimators.third_order import ThirdOrderFit, regress_third
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explainers.metrics.fit import MIN_HELD_OUT, held_out_fit
from fixlip_widgets.explainers.pair_pools import PairPools
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.explanation.triples import Triples


@dataclass(frozen=True)
class PoolFit:
    """An explanation, and the regression behind it, which sums of a group, differences and shares need."""

    explanation: Explanation
    regression: CrossModalFit | ThirdOrderFit


@plain_settings
def fit_interactions(
    game: VisionLanguageGame,
    pools: PairPools,
    *,
    p: float,
    budget: int,
    ridge: float | None,
    scope: Literal["all", "cross"],
    order: Literal[2, 3],
) -> PoolFit:
    """Fit the polynomial of degree ``order`` to the masks of the pair's ``pools``, weighted for ``p``.

    ``budget`` is only recorded; see :meth:`fixlip_widgets.IncrementalExplainer.explanation` for the other arguments.
    """
    exact = ridge is not None
    image, text = pools.image.modality(p, exact), pools.text.modality(p, exact)
    second, triples = regress(image, text, ridge, pairs=scope == "all"), None
    errors = standard_errors(second, game.scale)
    if order == 3:
        regression, pairs_se = regress_third(image, text, ridge), errors.interactions
        fit, *blocks = regression.assemble(game.scale, game.bias)
        errors, *block_errors = regression.standard_errors(game.scale)
        triples = Triples(*blocks, *block_errors, pairs_se=pairs_se)
    else:
        regression, fit = second, second.assemble(game.scale, game.bias)
    (image_cross, image_pairs), (text_cross, text_pairs) = pools.image.determines(image), pools.text.determines(text)
    explanation = _explanation(
        game,
        pools,
        image,
        text,
        p=p,
        budget=budget,
        baseline=fit.baseline,
        main=fit.main,
        interactions=fit.interactions,
        baseline_se=errors.baseline,
        main_se=errors.main,
        interactions_se=errors.interactions,
        triples=triples,
        order=order,
        scope=scope,
        ridge=fit.ridge,
        r2_in_sample=fit.r2,
        identified={
            "cross": image_cross and text_cross,
            "image_image": scope == "all" and image_pairs,
            "text_text": scope == "all" and text_pairs,
        },
    )
    return PoolFit(explanation, regression)


@plain_settings
def fit_values(game: VisionLanguageGame, pools: PairPools, *, p: float, budget: int) -> Explanation:
    """Fit the best linear surrogate: Banzhaf values; the arguments are those of :func:`fit_interactions`."""
    image, text = pools.image.modality(p), pools.text.modality(p)
    fit = fit_linear(image, text, game.scale, game.bias)
    determined = pools.image.determines(image)[0] and pools.text.determines(text)[0]
    n = game.n_players
    return _explanation(
        game,
        pools,
        image,
        text,
        p=p,
        budget=budget,
        baseline=fit.baseline,
        main=fit.main,
        interactions=np.zeros((n, n)),
        baseline_se=fit.baseline_se,
        main_se=fit.main_se,
        method="banzhaf_values",
        order=1,
        r2_in_sample=fit.r2,
        identified=dict.fromkeys(("cross", "image_image", "text_text"), determined),
    )


def _explanation(
    game: VisionLanguageGame, pools: PairPools, image: Modality, text: Modality, *, p: float, **fields: Any
) -> Explanation:
    """Return the explanation with ``fields`` and what is known of the pair, with its fit on held-out masks."""
    explanation = Explanation(
        **fields,
        **game.explanation_fields(),
        p=p,
        seed=pools.seed,
        masks=pools.design,
        conservative_errors=pools.image.from_arrays(image) or pools.text.from_arrays(text),
        image_encodes=pools.image_encodes,
        text_encodes=pools.text_encodes,
        effective_image_masks=image.effective if image.sampled else float(len(image.masks)),
    )
    if pools.held_out.effective(p) < MIN_HELD_OUT:
        return explanation
    held_out = pools.held_out.modality(p)
    r2, spearman = held_out_fit(explanation, held_out, text, scale=game.scale, bias=game.bias, seed=pools.seed)
    return explanation.replace(r2=r2, spearman=spearman)
