"""Weighted Banzhaf values of one modality's players along many directions, by one linear regression for all of them.

Only the right-hand sides differ between directions, so the values and their errors are products of matrices.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.crossmodal_regression import Modality
from fixlip_widgets.estimators.influence import MOST_LEVERAGE, rests_on_few, too_few
from fixlip_widgets.estimators.least_squares import MOST_ROW_LEVERAGE
from fixlip_widgets.estimators.quadratic import chunks

Floats = NDArray[np.float64]
_MOST_DIRECTIONS = 512
"""Directions per product, which bounds temporary arrays."""


def linear_values(side: Modality, directions: Tensor, scale: float = 1.0) -> tuple[Floats, Floats]:
    """Regress the embeddings' projections on every direction on a constant and the players.

    Args:
        side: Masks and embeddings of one modality.
        directions: (k, d).
        scale: Factor of the values.

    Returns:
        (k, n) values and (k, n) standard errors: White's sandwich estimator with HC3 residuals, where a complement pair
        is one unit; 0 if all masks are enumerated, and NaN if the masks are too few.
    """
    blocks = [_values(side, some.double()) for some in directions.split(_MOST_DIRECTIONS)]
    values, errors = (torch.cat(each).cpu().numpy() for each in zip(*blocks, strict=True))
    return scale * values, scale * errors


def _values(side: Modality, directions: Tensor) -> tuple[Tensor, Tensor]:
    moments = side.moments
    slopes = moments.slopes @ directions.T  # (n, k)
    squares = torch.zeros_like(slopes)
    if not side.sampled:
        return slopes.T, squares.T
    if too_few(side, pairs=False) or side.n + 1 > MOST_LEVERAGE * side.units or rests_on_few(side, "linear", None):
        return slopes.T, torch.full_like(slopes, torch.nan).T
    for rows in chunks(len(side.masks)):
        weights = side.weights[rows, None]
        centred = side.masks[rows].double() - moments.mean_mask
        offset = (side.embeddings[rows].double() - moments.mean_embedding) @ directions.T
        influence = centred @ moments.gram_inverse
        leverage = side.fold(weights * (1 + (centred * influence).sum(dim=1, keepdim=True)))
        residuals = side.fold(weights * (offset - centred @ slopes), -1)
        residuals = residuals / (1 - leverage.clamp(0.0, MOST_ROW_LEVERAGE))
        own = influence[::2] if side.paired else influence  # complements have opposite influences
        squares += own.square().T @ residuals.square()
    return slopes.T, squares.sqrt().T
