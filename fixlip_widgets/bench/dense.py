"""Dense formulation, used as a baseline: a design matrix with one row for each pair of masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def fit_interactions(image_masks: Bools, text_masks: Bools, values: Floats, weights: Floats, ridge: float) -> Floats:
    """Return (n, n) interactions from weighted least squares on ``values`` (m_image, m_text) by normal equations.

    The design matrix contains all rows and all columns 1, φ_i and φ_i φ_j. ``ridge`` penalises pairs within a modality
    as the decoupled solve does, so that the solution is unique even with few masks.
    """
    m_image, m_text = values.shape
    columns, scale = zip(
        *(_standardised(image_masks, weights.sum(1)), _standardised(text_masks, weights.sum(0))), strict=True
    )
    phi = np.concatenate([np.repeat(columns[0], m_text, axis=0), np.tile(columns[1], (m_image, 1))], axis=1)
    n_image, n = columns[0].shape[1], phi.shape[1]
    first, second = np.triu_indices(n, 1)
    design = np.concatenate([np.ones((len(phi), 1)), phi, phi[:, first] * phi[:, second]], axis=1)
    weighted = design * weights.ravel()[:, None]
    within = (second < n_image) | (first >= n_image)
    penalty = np.concatenate([np.zeros(1 + n), np.where(within, ridge, 0.0)])
    solution = np.linalg.solve(design.T @ weighted + np.diag(penalty), weighted.T @ values.ravel())
    spread = np.concatenate(scale)
    interactions = np.zeros((n, n))
    interactions[first, second] = solution[1 + n :] / (spread[first] * spread[second])
    return interactions + interactions.T


def _standardised(masks: Bools, weights: Floats) -> tuple[Floats, Floats]:
    mean = weights @ masks
    spread = np.sqrt(mean * (1 - mean))
    return (masks - mean) / spread, spread
