"""The regressions behind explanations, from which errors of differences and of shares are computed.

Explanations do not hold their regression: its masks and embeddings take megabytes, and users keep thousands of
explanations. The latest regressions stay in memory, up to :data:`MOST_BYTES`.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, NamedTuple

from fixlip_widgets.estimators.crossmodal_regression import CrossModalFit
from fixlip_widgets.support.memory import BoundedCache
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


_origins: weakref.WeakKeyDictionary[Surrogate, tuple[weakref.ref[CrossModalFit], float]] = weakref.WeakKeyDictionary()
_kept = BoundedCache[int, CrossModalFit](MOST_BYTES)
_lock = Lock()


def keep_fit(explanation: Surrogate, regression: CrossModalFit, scale: float) -> None:
    """Note that ``explanation`` is ``regression`` times ``scale``; copies and changed explanations are not noted."""
    with _lock:
        if id(regression) not in _kept:
            _kept.put(id(regression), regression)
        _origins[explanation] = weakref.ref(regression), scale


def kept_fit(explanation: Surrogate) -> KeptFit | None:
    """Return the regression of ``explanation``; None if there is none, or it is no longer in memory."""
    with _lock:
        reference, scale = _origins.get(explanation, (None, 1.0))
        regression = reference() if reference is not None else None
        if regression is None:
            return None
        _kept.get(id(regression))  # used most recently now
        return KeptFit(regression, scale)
