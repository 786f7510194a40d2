"""Convergence of the shown explanation: its error against the number of encodings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fixlip_widgets.explanation.precision import typical_error

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

_MAX_POINTS = 60


class Convergence:
    """The convergence curve of one caption, method, order and p; a result with other settings starts a new curve."""

    def __init__(self) -> None:
        self._settings: object = None
        self.points: list[dict[str, Any]] = []

    def add(self, explanation: Surrogate) -> list[dict[str, Any]]:
        """Add a result and return the points so far."""
        settings = (explanation.caption, explanation.method, explanation.order, explanation.p)
        if settings != self._settings:
            self._settings, self.points = settings, []
        error = error_of(explanation)
        if error is None:
            return self.points
        point = {"budget": explanation.budget, "image_encodes": explanation.image_encodes, "error": error}
        earlier = [old for old in self.points if old["image_encodes"] != explanation.image_encodes]
        if earlier and earlier[-1]["error"] == error:
            earlier.pop()  # only held-out masks were added
        if len(earlier) >= _MAX_POINTS:
            earlier = earlier[::2]
        self.points = [*earlier, point]
        return self.points


def error_of(explanation: Surrogate) -> float | None:
    """Return the typical standard error of the interactions, in logits; None if unavailable."""
    error = typical_error(explanation) if explanation.has_interactions else math.nan
    return error if math.isfinite(error) else None
