"""Agreement between a game and its surrogate on masks that the fit has not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.estimators.crossmodal import Modality
from fixlip_widgets.explanation.explanation import Explanation

Floats = NDArray[np.float64]
_PAIRS = 2000
_ROUNDING = 1e-6
"""Relative difference of two values that are the same but for rounding, in float32."""


def r2_score(values: Floats, predictions: Floats) -> float:
    """Coefficient of determination: 1 − Σ(values − predictions)² / Σ(values − mean)²; nan where values do not vary."""
    if not _vary(values):
        return float("nan")
    return 1.0 - float(np.square(values - predictions).sum() / np.square(values - values.mean()).sum())


def spearman(values: Floats, predictions: Floats) -> float:
    """Spearman's rank correlation; ties share their mean rank. nan where values or predictions do not vary."""
    first, second = _ranks(values), _ranks(predictions)
    if not _vary(values) or second.std() == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def _vary(values: Floats) -> bool:
    """Whether values differ by more than rounding: embeddings of one mask are not the same to the last bit."""
    return bool(np.square(values - values.mean()).sum() > np.square(_ROUNDING * values).sum())


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2.0)[inverse]


def held_out_fit(
    explanation: Explanation, image: Modality, text: Modality, scale: float, bias: float, seed: int
) -> tuple[float, float]:
    """(R², Spearman) on pairs of held-out image masks with text masks, drawn with the masks' weights."""
    random = np.random.default_rng([seed, 7])
    rows = random.choice(len(image.masks), _PAIRS, p=image.weights.cpu().numpy())
    columns = random.choice(len(text.masks), _PAIRS, p=text.weights.cpu().numpy())
    cosines = (image.embeddings[rows].double() * text.embeddings[columns].double()).sum(dim=1)
    masks = np.concatenate([image.masks.cpu().numpy()[rows], text.masks.cpu().numpy()[columns]], axis=1)
    values = (scale * cosines + bias).cpu().numpy()
    predictions = explanation.predict(masks)
    return r2_score(values, predictions), spearman(values, predictions)
