"""Standard errors of the sums of a group of players, from the regression behind their explanation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from fixlip_widgets.encoders.batches import plain_settings
from fixlip_widgets.estimators.crossmodal_regression import CrossModalFit, regress
from fixlip_widgets.estimators.sums import sum_errors
from fixlip_widgets.explainers.pair_pools import PairPools
from fixlip_widgets.explainers.pool_fit import PoolFit
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.explanation.group_sums import Group

_SAME_FIT = 1e-4
"""Largest difference between the interactions of two equal fits, relative to the largest interaction."""


@plain_settings
def add_errors(sums: Group, regression: CrossModalFit, scale: float) -> Group:
    """Return ``sums`` with standard errors, from the regression of their explanation."""
    inside = np.isin(np.arange(len(sums.values)), sums.players)
    errors = sum_errors(regression, inside, scale)
    total, within = (None if np.isnan(error) else error for error in (errors.total, errors.within))
    return replace(sums, se=errors.values, total_se=total, within_se=within)


@plain_settings
def regression_of(explanation: Explanation, fits: Iterable[PoolFit], pools: PairPools, scale: float) -> CrossModalFit:
    """Return the regression that gave ``explanation``: that of one of ``fits``, or else a repetition of it."""
    for fit in fits:
        regression, same_p = fit.regression, fit.explanation.p == explanation.p
        same = same_p and np.array_equal(fit.explanation.interactions, explanation.interactions)
        if same and isinstance(regression, CrossModalFit):
            return regression
    image, text = pools.image.modality(explanation.p), pools.text.modality(explanation.p)
    pairs = explanation.scope == "all"
    regression = regress(image, text, None, pairs=pairs)
    repeated, interactions = regression.assemble(scale).interactions, explanation.interactions
    if np.abs(repeated - interactions).max() <= _SAME_FIT * np.abs(interactions).max():
        return regression
    return regress(image, text, explanation.ridge, pairs=pairs)  # it was fitted with a fixed ridge
