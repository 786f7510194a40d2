"""Support of the caption's tokens by the image: how much of the picture speaks for each word."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.sums import cross_sum_errors
from fixlip_widgets.explanation.kept_fits import kept_fit

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

Floats = NDArray[np.float64]


class Support(NamedTuple):
    """Support of each text player, in logits.

    Attributes:
        values: (n_text,) sums of the significant positive cross-modal terms; 0 if there are none.
        errors: (n_text,) standard errors; 0 for an empty sum, NaN if unknown.
    """

    values: Floats
    errors: Floats


def token_support(explanation: Surrogate) -> Support:
    """Return the support of each token: the sum of its significant positive interactions with image players.

    Which terms are significant is decided by Holm's procedure over all interactions (:mod:`.significance`). The
    standard errors are those of the sums, from the regression of the explanation, with the choice of terms taken as
    given. They are unknown if the regression is no longer in memory (:mod:`.kept_fits`), except for a single term.

    Raises:
        InputError: The method has no interactions.
    """
    if not explanation.has_interactions:
        raise InputError(f"The method {explanation.method!r} has no interactions, so that no token has a support.")
    n_image = explanation.n_image
    chosen = explanation.significant.interactions[n_image:, :n_image] & (explanation.cross > 0)
    count = chosen.sum(axis=1)
    kept = kept_fit(explanation)
    if kept is not None:
        errors = cross_sum_errors(kept.regression, chosen, kept.scale)
    else:
        known = explanation.interactions_se
        single = np.nan if known is None else (known[n_image:, :n_image] * chosen).sum(axis=1)
        errors = np.where(count == 1, single, np.nan)
    return Support(np.where(chosen, explanation.cross, 0.0).sum(axis=1), np.where(count == 0, 0.0, errors))
