"""The regressions behind explanations, from which errors of differences and of shares are computed.

Explanations have no attribute for their regression: its masks and embeddings take megabytes, and users keep thousands
of explanations. The latest regressions stay in memory, up to :data:`MOST_BYTES`, each as long as its explanation.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, NamedTuple

from fixlip_widgets.estimators.crossmodal_regression import CrossModalFit
from fixlip_widgets.support.memory import memory_of
from fixlip_widgets.support.threads import Lock

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

MOST_BYTES = 256 * 2**20
"""Memory of the regressions that are kept."""


class KeptFit(NamedTuple):
    """A regression, and the factor of its values in the explanation.

    Attributes:
        regression: The regression, in cosines.
        scale: Factor from cosines to logits.
    """

    regression: CrossModalFit
    scale: float


_kept: weakref.WeakKeyDictionary[Surrogate, KeptFit] = weakref.WeakKeyDictionary()
"""In the order of their last use."""
_lock = Lock()


def keep_fit(explanation: Surrogate, regression: CrossModalFit, scale: float) -> None:
    """Note that ``explanation`` is ``regression`` times ``scale``; copies and changed explanations are not noted."""
    with _lock:
        _kept[explanation] = KeptFit(regression, scale)
        while len(_kept) > 1 and memory_of([kept.regression for kept in _kept.values()]) > MOST_BYTES:
            del _kept[next(iter(_kept))]


def kept_fit(explanation: Surrogate) -> KeptFit | None:
    """Return the regression of ``explanation``; None if there is none, or it is no longer in memory."""
    with _lock:
        kept = _kept.pop(explanation, None)
        if kept is not None:
            _kept[explanation] = kept
        return kept
