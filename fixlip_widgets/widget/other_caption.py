"""The caption of "Compare with …", which is explained from the image masks of the current explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixlip_widgets.explainers.fixlip import IncrementalExplainer
from fixlip_widgets.explainers.registry import method as method_of

if TYPE_CHECKING:
    from fixlip_widgets.explanation.explanation import Explanation


class OtherCaption:
    """Explains other captions of a widget's image, and keeps the encoded masks of the last one.

    Args:
        explainer: Explains the widget's pair, and encodes its image masks.
    """

    def __init__(self, explainer: IncrementalExplainer) -> None:
        self._explainer = explainer
        self._other: IncrementalExplainer | None = None

    def explain(self, caption: str, like: Explanation) -> Explanation:
        """Explain ``caption`` by the method and at the p of ``like``, without encoding an image.

        Raises:
            InputError: The caption is empty or too long.
        """
        own, other = self._explainer, self._other
        if other is None or other.game.caption != caption or other.pools.image is not own.pools.image:
            with own.pair():
                other = own.with_game(own.game.with_text(caption))
        other.p, other.budget, other.budget_done = own.p, own.budget, own.budget_done
        self._other = other
        return method_of(like.method).explain_pool(other, like.p, like.order)
