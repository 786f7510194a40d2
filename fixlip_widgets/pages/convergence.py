"""How the error fell as encodings were added, for what is shown now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fixlip_widgets.explanation.explanation import Explanation

_MOST = 60


class Convergence:
    """Points of one curve: results of one caption, method and order at one p; another begins it anew."""

    def __init__(self) -> None:
        self._of: object = None
        self.points: list[dict[str, Any]] = []

    def add(self, explanation: Explanation) -> list[dict[str, Any]]:
        """Take in a result, and return the points so far."""
        of = (explanation.caption, explanation.method, explanation.order, explanation.p)
        if of != self._of:
            self._of, self.points = of, []
        error = cross_error(explanation)
        if error is None:
            return self.points
        point = {"budget": explanation.budget, "image_encodes": explanation.image_encodes, "error": error}
        kept = [old for old in self.points if old["image_encodes"] != explanation.image_encodes]
        if kept and kept[-1]["error"] == error:
            kept.pop()  # masks held out from the fit came, and no others
        if len(kept) >= _MOST:
            kept = kept[::2]
        self.points = [*kept, point]
        return self.points


def cross_error(explanation: Explanation) -> float | None:
    """Root mean square standard error of the cross-modal interactions, in logits; None where none is known."""
    if explanation.interactions_se is None or not explanation.has_interactions:
        return None
    errors = explanation.interactions_se[explanation.n_image :, : explanation.n_image]
    known = errors[np.isfinite(errors)]
    return float(np.sqrt(np.square(known).mean())) if known.size else None
