"""How precise an explanation is: its standard error relative to its largest term, and its whole orthogonal arrays."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from fixlip_widgets.estimators.masks import uses_arrays
from fixlip_widgets.estimators.orthogonal_arrays import array_length

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

_WHOLE = 1e-9
"""Largest relative rounding error of an effective number of masks, which is a whole number if all weights are equal."""


def relative_error(explanation: Surrogate) -> float:
    """Return the root mean square standard error of an explanation's terms, relative to the largest absolute term.

    The terms are the (n_image, n_text) cross-modal interactions, or the (n,) main effects of an explanation without
    interactions. The result is 0.02 if, for example, the largest term is 5 logits and a typical standard error 0.1.

    Returns:
        A number from 0 (exact); NaN if no standard error is known, and infinity if all terms are zero but not exact.
    """
    n = explanation.n_image
    if explanation.has_interactions:
        values, errors = explanation.interactions[:n, n:], explanation.interactions_se
        errors = None if errors is None else errors[:n, n:]
    else:
        values, errors = explanation.main, explanation.main_se
    if errors is None or not np.isfinite(errors).any():
        return math.nan
    typical, largest = math.sqrt(float(np.nanmean(np.square(errors)))), float(np.abs(values).max())
    if typical == 0:
        return 0.0
    return typical / largest if largest > 0 else math.inf


def whole_arrays(explanation: Surrogate) -> int:
    """Return the number of whole orthogonal arrays that the image masks are; 0 if they are anything else.

    In whole arrays, all main effects and all pairs of image players are exactly uncorrelated.
    """
    n, masks = explanation.n_image, explanation.effective_image_masks
    if explanation.masks != "orthogonal" or not uses_arrays(n, explanation.p, "orthogonal") or not masks < 2**n:
        return 0
    number = masks / array_length(n)
    return round(number) if number >= 1 and abs(number - round(number)) < _WHOLE else 0
