"""How precise an explanation is: its standard error relative to its largest term, and its whole orthogonal arrays."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.estimators.masks import uses_arrays
from fixlip_widgets.estimators.orthogonal_arrays import array_length

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

Floats = NDArray[np.float64]
_WHOLE = 1e-9
"""Largest relative rounding error of an effective number of masks, which is a whole number if all weights are equal."""


def typical_error(explanation: Surrogate) -> float:
    """Return the root mean square standard error of the terms of :func:`relative_error`; NaN if none is known."""
    return _typical(_terms(explanation)[1])


def relative_error(explanation: Surrogate) -> float:
    """Return the root mean square standard error of an explanation's terms, relative to the largest absolute term.

    The terms are the (n_image, n_text) cross-modal interactions; the interactions of all players if only one modality
    has any, as for classes; or the (n,) main effects of an explanation without interactions. The result is 0.02 if, for
    example, the largest term is 5 logits and a typical standard error 0.1.

    Returns:
        A number from 0 (exact); NaN if no standard error is known, and infinity if all terms are zero but not exact.
    """
    values, errors = _terms(explanation)
    typical = _typical(errors)
    if not typical:
        return typical
    largest = float(np.abs(values).max())
    return typical / largest if largest > 0 else math.inf


def _terms(explanation: Surrogate) -> tuple[Floats, Floats | None]:
    """Return the terms whose precision is measured, and their standard errors, if there are any."""
    n, errors = explanation.n_image, explanation.interactions_se
    if not explanation.has_interactions:
        return explanation.main, explanation.main_se
    one_modality = n in (0, explanation.n_players)
    block = np.triu_indices(explanation.n_players, 1) if one_modality else (slice(0, n), slice(n, None))
    return explanation.interactions[block], None if errors is None else errors[block]


def _typical(errors: Floats | None) -> float:
    known = np.zeros(0) if errors is None else errors[np.isfinite(errors)]
    return math.sqrt(float(np.square(known).mean())) if known.size else math.nan


def whole_arrays(explanation: Surrogate) -> int:
    """Return the number of whole orthogonal arrays that the image masks are; 0 if they are anything else.

    In whole arrays, all main effects and all pairs of image players are exactly uncorrelated.
    """
    n, masks = explanation.n_image, explanation.effective_image_masks
    if explanation.masks != "orthogonal" or not uses_arrays(n, explanation.p, "orthogonal") or not masks < 2**n:
        return 0
    number = masks / array_length(n)
    return round(number) if number >= 1 and abs(number - round(number)) < _WHOLE else 0
