"""Agreement between a game and its surrogate on held-out masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.estimators.crossmodal_regression import Modality
from fixlip_widgets.explanation.explanation import Explanation

Floats = NDArray[np.float64]
MIN_HELD_OUT = 8
"""Smallest effective number of held-out masks that a fit is measured on."""
_PAIRS = 2000
_ROUNDING = 1e-6
"""Relative difference of two float32 values that is attributed to rounding."""


def r2_score(values: Floats, predictions: Floats) -> float:
    """Return R² = 1 − Σ(values − predictions)² / Σ(values − mean)²; NaN if the values do not vary."""
    if not _vary(values):
        return float("nan")
    return 1.0 - float(np.square(values - predictions).sum() / np.square(values - values.mean()).sum())


def spearman(values: Floats, predictions: Floats) -> float:
    """Return Spearman's rank correlation, with mean ranks for ties; NaN if either array does not vary."""
    first, second = _ranks(values), _ranks(predictions)
    if not _vary(values) or second.std() == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def _vary(values: Floats) -> bool:
    """Return whether values differ by more than rounding: equal masks may have slightly different embeddings."""
    return bool(np.square(values - values.mean()).sum() > np.square(_ROUNDING * values).sum())


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2.0)[inverse]


def held_out_count(n_masks: int) -> int:
    """Return the number of masks to hold out of a fit on ``n_masks``: a tenth as many, between 32 and 256."""
    return min(max(n_masks // 10, 32), 256)


def held_out_fit(
    explanation: Explanation, image: Modality, text: Modality, scale: float, bias: float, seed: int
) -> tuple[float, float]:
    """Return (R², Spearman) on pairs of held-out image masks and text masks, drawn by the weights of the masks."""
    random = np.random.default_rng([seed, 7])
    rows = random.choice(len(image.masks), _PAIRS, p=image.weights.cpu().numpy())
    columns = random.choice(len(text.masks), _PAIRS, p=text.weights.cpu().numpy())
    pairs, drawn = np.unique(rows * len(text.masks) + columns, return_inverse=True)
    rows, columns = np.divmod(pairs, len(text.masks))
    cosines = (image.embeddings[rows].double() * text.embeddings[columns].double()).sum(dim=1)
    masks = np.concatenate([image.masks.cpu().numpy()[rows], text.masks.cpu().numpy()[columns]], axis=1)
    values = (scale * cosines + bias).cpu().numpy()[drawn]
    predictions = explanation.predict(masks)[drawn]
    return r2_score(values, predictions), spearman(values, predictions)
