"""The best linear surrogate over all image × text mask pairs: weighted Banzhaf values with standard errors.

Under a product of weighted measures, the regression on linear terms decouples. The coefficient of an image player is
its coefficient in the linear regression of the image embeddings, times the mean text embedding, and vice versa. Its
population value is the p-weighted Banzhaf value, the expected marginal contribution of the player (Marichal & Mathonet
2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.crossmodal_regression import Modality
from fixlip_widgets.estimators.influence import MOST_LEVERAGE, rests_on_few, too_few
from fixlip_widgets.estimators.least_squares import MOST_ROW_LEVERAGE
from fixlip_widgets.estimators.quadratic import chunks

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LinearFit:
    """Result of :func:`fit_linear`, in logits, image players first.

    Attributes:
        baseline: Constant term.
        main: (n,) coefficients of the players.
        baseline_se, main_se: Standard errors; 0 if all masks were enumerated, NaN if the masks are too few.
        r2: Weighted R² over all pairs of masks.
    """

    baseline: float
    main: Floats
    baseline_se: float
    main_se: Floats
    r2: float


def fit_linear(image: Modality, text: Modality, scale: float = 1.0, bias: float = 0.0) -> LinearFit:
    """Regress ``scale · E Hᵀ + bias`` on a constant and every player by weighted least squares, over all mask pairs.

    The sampling units of the sandwich estimator are the masks of each modality; a complement pair is one unit.
    """
    left, right = image.moments, text.moments
    mains = left.slopes @ right.mean_embedding, right.slopes @ left.mean_embedding
    centre = float(left.mean_embedding @ right.mean_embedding)
    baseline = centre - float(mains[0] @ left.mean_mask) - float(mains[1] @ right.mean_mask)
    total = float((left.second_moment * right.second_moment).sum()) - centre**2
    explained = float(mains[0] @ left.covariance @ right.mean_embedding)
    explained += float(mains[1] @ right.covariance @ left.mean_embedding)

    squares = torch.zeros(1 + image.n + text.n, dtype=torch.float64, device=mains[0].device)
    if image.sampled:
        squares += torch.cat(_squared_influences(image, text, mains[0]))
    if text.sampled:
        constant, own, other = _squared_influences(text, image, mains[1])
        squares += torch.cat([constant, other, own])
    errors = scale * squares.sqrt().cpu().numpy()
    return LinearFit(
        baseline=scale * baseline + bias,
        main=scale * torch.cat(mains).cpu().numpy(),
        baseline_se=float(errors[0]),
        main_se=errors[1:],
        r2=explained / total if total > 0 else 1.0,
    )


def _squared_influences(side: Modality, other: Modality, main: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sum squared influences on the constant (1,), own and other main effects, over the masks of ``side``.

    A mask affects the coefficients of its own modality through its residual, and those of the other through the mean
    embedding on which they are projected. Residuals are divided by 1 − leverage (HC3, MacKinnon & White 1985).
    """
    moments, mean_other = side.moments, other.moments
    constant, own, others = main.new_zeros(1), main.new_zeros(side.n), main.new_zeros(other.n)
    if too_few(side, pairs=False) or side.n + 1 > MOST_LEVERAGE * side.units:
        return constant + torch.nan, own + torch.nan, others + torch.nan
    for rows in chunks(len(side.masks)):
        weights = side.weights[rows, None]
        centred = side.masks[rows].double() - moments.mean_mask
        offset = side.embeddings[rows].double() - moments.mean_embedding
        slopes = centred @ moments.gram_inverse
        leverage = side.fold(weights * (1 + (centred * slopes).sum(dim=1, keepdim=True))).clamp(0.0, MOST_ROW_LEVERAGE)
        residuals = weights * (offset @ mean_other.mean_embedding - centred @ main)[:, None]
        own_influence = side.fold(residuals * slopes) / (1 - leverage)
        other_influence = side.fold(weights * offset) @ mean_other.slopes.T
        influence = side.fold(residuals)[:, 0] - own_influence @ moments.mean_mask
        constant += (influence - other_influence @ mean_other.mean_mask).square().sum()
        own += own_influence.square().sum(dim=0)
        others += other_influence.square().sum(dim=0)
    if rests_on_few(side, "constant", None):
        constant.fill_(torch.nan)
    if rests_on_few(side, "linear", None):
        own.fill_(torch.nan)
    return constant, own, others
