"""How precise an explanation is: its standard error relative to its largest term."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate


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
