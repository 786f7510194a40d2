"""The explainers of finished explanations, from which a page computes other values of p and of the budget.

Explanations do not hold their explainer: a mask pool takes megabytes, and users keep thousands of explanations.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from fixlip_widgets.support.memory import BoundedCache
from fixlip_widgets.support.threads import Lock

if TYPE_CHECKING:
    from fixlip_widgets.explainers.game import VisionLanguageGame
    from fixlip_widgets.explanation.surrogate import Surrogate

MOST_BYTES = 256 * 2**20
"""Memory of the explainers that :func:`keep` keeps, apart from the latest one and its model."""


class Explainer(Protocol):
    """An :class:`~fixlip_widgets.IncrementalExplainer`, whose module imports this one."""

    game: VisionLanguageGame


@dataclass(frozen=True)
class _Origin:
    """An explainer, the version of its image at that time, and the options of the fit."""

    explainer: weakref.ref[Explainer]
    image: int
    fit: dict[str, Any]


_origins: weakref.WeakKeyDictionary[Surrogate, _Origin] = weakref.WeakKeyDictionary()
_kept = BoundedCache[int, Explainer](MOST_BYTES)
_lock = Lock()


def link(explanation: Surrogate, explainer: Explainer, **fit: Any) -> None:
    """Note that ``explainer`` computed ``explanation``; neither keeps the other in memory.

    Copies, saved and changed explanations are not linked.

    Args:
        explanation: The result.
        explainer: Its explainer.
        fit: Arguments of :meth:`~fixlip_widgets.IncrementalExplainer.explanation` besides p and order.
    """
    with _lock:
        _origins[explanation] = _Origin(weakref.ref(explainer), explainer.game.changes["image"], fit)


def keep(explainer: Explainer) -> None:
    """Keep an explainer in memory that nothing else holds, and drop the oldest ones beyond :data:`MOST_BYTES`."""
    with _lock:
        _kept.put(id(explainer), explainer, apart_from=explainer.game.model)


def origin(explanation: Surrogate) -> tuple[Explainer, dict[str, Any]] | None:
    """Return the explainer of ``explanation`` and the options of the fit.

    Returns:
        None if the explainer is unknown, no longer in memory, or explains another image or caption by now.
    """
    with _lock:
        found = _origins.get(explanation)
        explainer = found.explainer() if found else None
        if found is None or explainer is None:
            return None
        game = explainer.game
        same_text = (game.caption, game.tokens) == (explanation.caption, explanation.tokens)
        if not same_text or game.changes["image"] != found.image:
            return None
        _kept.get(id(explainer))  # used most recently now
        return explainer, found.fit
