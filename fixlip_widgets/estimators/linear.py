"""The best linear surrogate over all image × text mask pairs: weighted Banzhaf values, with their standard errors.

Under a product of weighted measures the regression on linear terms decouples: an image player's coefficient is that of
the image embeddings' linear regression, times the mean text embedding, and the other way round. Its population value
is the p-weighted Banzhaf value, the expected marginal contribution of the player (Marichal & Mathonet 2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.crossmodal import Modality
from fixlip_widgets.estimators.influence import MOST_LEVERAGE, rests_on_few, too_few
from fixlip_widgets.estimators.quadratic import chunks

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LinearFit:
    """What :func:`fit_linear` returns, in logits; players image first.

    Attributes:
        baseline: Constant term.
        main: (n,) coefficient of each player.
        baseline_se, main_se: Standard errors of the above; 0 where all masks were taken, NaN where they are too few.
        r2: Weighted R² over all pairs of masks.
    """

    baseline: float
    main: Floats
    baseline_se: float
    main_se: Floats
    r2: float


def fit_linear(image: Modality, text: Modality, scale: float = 1.0, bias: float = 0.0) -> LinearFit:
    """Weighted least squares of ``scale · E Hᵀ + bias`` on a constant and every player, over all pairs of masks.

    The sandwich's sampling units are the masks of each modality, complement pairs counting as one.
    """
    left, right = image.moments, text.moments
    mains = left.slopes @ right.mean_embedding, right.slopes @ left.mean_embedding
    centre = float(left.mean_embedding @ right.mean_embedding)
    baseline = centre - float(mains[0] @ left.mean_mask) - float(mains[1] @ right.mean_mask)
    total = float((left.second_moment * right.second_moment).sum()) - centre**2
    explained = _explained(image, text, mains[0]) + _explained(text, image, mains[1])

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


def _explained(side: Modality, other: Modality, main: Tensor) -> float:
    """Variance that the linear terms of one modality explain."""
    moments = side.moments
    covariance = moments.masks_embeddings / moments.weight - torch.outer(moments.mean_mask, moments.mean_embedding)
    return float(main @ covariance @ other.moments.mean_embedding)


def _squared_influences(side: Modality, other: Modality, main: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Σ over the masks of ``side`` of squared influences on the constant (1,), its mains and the other's mains.

    A mask moves its own modality's coefficients through its residual, and the other's by moving the mean embedding
    that those are projected on. Residuals are divided by 1 − leverage (HC3, MacKinnon & White 1985).
    """
    moments, mean_other = side.moments, other.moments
    constant, own, others = main.new_zeros(1), main.new_zeros(side.n), main.new_zeros(other.n)

    def fold(values: Tensor) -> Tensor:
        return values[::2] + values[1::2] if side.paired else values

    if too_few(side, pairs=False) or side.n + 1 > MOST_LEVERAGE * side.units:
        return constant + torch.nan, own + torch.nan, others + torch.nan
    for rows in chunks(len(side.masks)):
        weights = side.weights[rows, None]
        centred = side.masks[rows].double() - moments.mean_mask
        offset = side.embeddings[rows].double() - moments.mean_embedding
        slopes = centred @ moments.gram_inverse
        leverage = fold(weights * (1 + (centred * slopes).sum(dim=1, keepdim=True))).clamp(0.0, 0.95)
        left = weights * (offset @ mean_other.mean_embedding - centred @ main)[:, None]
        moved_own = fold(left * slopes) / (1 - leverage)
        moved_other = fold(weights * offset) @ mean_other.slopes.T
        moved = fold(left)[:, 0] - moved_own @ moments.mean_mask - moved_other @ mean_other.mean_mask
        constant += moved.square().sum()
        own += moved_own.square().sum(dim=0)
        others += moved_other.square().sum(dim=0)
    if rests_on_few(side, "constant", None):
        constant.fill_(torch.nan)
    if rests_on_few(side, "linear", None):
        own.fill_(torch.nan)
    return constant, own, others
