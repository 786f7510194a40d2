"""The regressions behind explanations, from which errors of differences and of shares are computed.

Explanations have no attribute for their regression: its masks and embeddings take megabytes, and users keep thousands
of explanations. The latest regressions stay in memory, up to :data:`MOST_BYTES`, each as long as its explanation.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from fixlip_widgets.estimators.crossmodal_regression import CrossModalFit
from fixlip_widgets.estimators.third_order import ThirdOrderFit
from fixlip_widgets.support.memory import memory_of
from fixlip_widgets.support.threads import Lock

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

MOST_BYTES = 256 * 2**20
"""Memory of the regressions that are kept."""


AnyFit = CrossModalFit | ThirdOrderFit
Kind = TypeVar("Kind", CrossModalFit, ThirdOrderFit)


class KeptFit(NamedTuple, Generic[Kind]):
    """A regression, and the factor of its values in the explanation.

    Attributes:
        regression: The regression, in cosines.
        scale: Factor from cosines to logits.
    """

    regression: Kind
    scale: float


_kept: weakref.WeakKeyDictionary[Surrogate, tuple[AnyFit, float]] = weakref.WeakKeyDictionary()
"""In the order of their last use."""
_lock = Lock()
_at_most = 0
"""Upper bound of their memory: they share buffers, and measuring all of them takes milliseconds."""


def keep_fit(explanation: Surrogate, regression: AnyFit, scale: float) -> None:
    """Note that ``explanation`` is ``regression`` times ``scale``; copies and changed explanations are not noted."""
    global _at_most
    with _lock:
        new = all(kept is not regression for kept, _ in _kept.values())
        _kept[explanation] = regression, scale
        _at_most += memory_of(regression) if new else 0
        while len(_kept) > 1 and _at_most > MOST_BYTES:
            _at_most = memory_of([kept for kept, _ in _kept.values()])
            if _at_most > MOST_BYTES:
                del _kept[next(iter(_kept))]


def kept_fit(explanation: Surrogate) -> KeptFit[CrossModalFit] | None:
    """Return the second-order regression of ``explanation``; None if there is none, or it is no longer in memory."""
    return _kept_fit(explanation, CrossModalFit)


def kept_third_fit(explanation: Surrogate) -> KeptFit[ThirdOrderFit] | None:
    """Return the third-order regression of ``explanation``; None as for :func:`kept_fit`."""
    return _kept_fit(explanation, ThirdOrderFit)


def _kept_fit(explanation: Surrogate, kind: type[Kind]) -> KeptFit[Kind] | None:
    with _lock:
        regression, scale = _kept.pop(explanation, (None, 1.0))
        if regression is not None:
            _kept[explanation] = regression, scale
        return KeptFit(regression, scale) if isinstance(regression, kind) else None
