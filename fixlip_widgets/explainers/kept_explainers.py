"""The explainers of finished explanations, from which a page computes other values of p and of the budget.

Explanations have no attribute for their explainer: a mask pool takes megabytes, and users keep thousands of
explanations. This module keeps the explainers of the latest ones, each as long as its explanation exists.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from fixlip_widgets.support.memory import memory_of
from fixlip_widgets.support.threads import Lock

if TYPE_CHECKING:
    from fixlip_widgets.explainers.game import VisionLanguageGame
    from fixlip_widgets.explanation.surrogate import Surrogate

MOST_BYTES = 256 * 2**20
"""Memory of the explainers that :func:`keep` keeps, apart from the latest one and its model."""


class Explainer(Protocol):
    """An :class:`~fixlip_widgets.IncrementalExplainer`, whose module imports this one."""

    game: VisionLanguageGame


@dataclass
class _Origin:
    """An explainer, the version of its image at that time, and the options of the fit.

    Attributes:
        kept: The explainer, if this module keeps it in memory.
        used: Increases with each use.
    """

    explainer: weakref.ref[Explainer]
    image: int
    fit: dict[str, Any]
    kept: Explainer | None = None
    used: int = 0


_origins: weakref.WeakKeyDictionary[Surrogate, _Origin] = weakref.WeakKeyDictionary()
_uses = count(1)
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


def keep(explanation: Surrogate) -> None:
    """Keep the explainer of a linked explanation in memory as long as the explanation exists.

    The explainers that were not used for longest are dropped beyond :data:`MOST_BYTES`.
    """
    with _lock:
        latest = _origins[explanation]
        latest.kept, latest.used = latest.explainer(), next(_uses)
        model = latest.kept.game.model if latest.kept is not None else None
        kept = sorted((each for each in _origins.values() if each.kept is not None), key=lambda each: each.used)
        while len(kept) > 1 and memory_of([each.kept for each in kept], apart_from=model) > MOST_BYTES:
            kept.pop(0).kept = None


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
        found.used = next(_uses)
        return explainer, found.fit
