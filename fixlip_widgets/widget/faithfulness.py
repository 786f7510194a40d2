"""Measures of an explanation: insertion and deletion curves, and faithfulness on masks shared by all methods."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.explainers.game import Modality
from fixlip_widgets.explainers.memoized_game import Embeddings, RememberingGame, pool_embeddings
from fixlip_widgets.explainers.metrics.curves import POINTS, Curves, curves, extremes
from fixlip_widgets.explainers.metrics.sampled import Faithfulness, check_players, fresh_masks, sample
from fixlip_widgets.support.progress import Progress

if TYPE_CHECKING:
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explanation.explanation import Explanation
    from fixlip_widgets.widget.costs import Pace

Bools = NDArray[np.bool_]
_SHARED_P = (0.3, 0.5, 0.7)
"""Values of p at which every explanation is measured, besides its own."""
FRESH = 250
"""Fresh masks at each p: enough for a standard error of 0.012 of a correlation of 0.9, and cheaper than most fits."""
_COALITIONS = 2 * POINTS
_MAX_CACHED = 20_000
"""Largest number of cached encodings of a modality."""


@dataclass(frozen=True)
class Measures:
    """Measures of one explanation.

    Attributes:
        curves: Insertion and deletion curves; see :func:`fixlip_widgets.explainers.metrics.insertion_deletion`.
        faithfulness: One for each p, ascending; see :func:`fixlip_widgets.explainers.metrics.faithfulness`.
    """

    curves: Curves
    faithfulness: tuple[Faithfulness, ...] = ()


def probabilities(explanation: Explanation) -> list[float]:
    """Return the values of p at which ``explanation`` is measured, ascending."""
    return sorted({*_SHARED_P, explanation.p})


class Measurer:
    """Measurement of explanations of an explainer's game, with a cache of the encodings.

    Args:
        explainer: Must not be computing meanwhile.
        pace: Records the time of the encodings.
    """

    def __init__(self, explainer: IncrementalExplainer, pace: Pace) -> None:
        self.explainer = explainer
        self._pace = pace
        self._image: Embeddings = {}
        self._text: Embeddings = {}
        self._pair: tuple[int, str] | None = None

    def cost(self, explanation: Explanation, measures: Measures | None) -> dict[str, Any]:
        """Return the cost of the missing measures (see ``pages/wire_types.py``); its encodings are an upper bound."""
        game, p_values = self._game(), probabilities(explanation)
        image, text = map(len, _missing(game, np.concatenate([_fresh(game, p) for p in p_values])))
        if measures is None:
            image += _COALITIONS
            text += min(_COALITIONS, 2 ** min(game.n_text, 62) - len(self._text) - text)
        return {
            "image": image,
            "text": text,
            "seconds": self._pace.seconds(image, text),
            "p": p_values,
            "masks": FRESH,
        }

    def measure(self, explanation: Explanation, measures: Measures | None) -> Iterator[Progress | Measures]:
        """Compute the missing measures: the curves first, then the faithfulness at one p after the other.

        Args:
            explanation: An explanation of the explainer's current pair.
            measures: Its existing measures.

        Yields:
            The progress after every batch of encodings, and the measures so far after each new one.

        Raises:
            InputError: The explanation is of another pair, or the full pair is as similar as the empty one.
        """
        game = self._game()
        check_players(game, explanation)
        cost = self.cost(explanation, measures)
        encoding = _Encoding(game, self._pace, {"image": cost["image"], "text": cost["text"]})
        if measures is None:
            yield encoding.progress()
            most = extremes(explanation, 1)
            yield encoding.progress()  # for many players, the search takes a while too
            least = extremes(explanation, -1)
            yield from encoding.run(np.concatenate([most, least]))
            measures = Measures(curves(game, most, least))
            yield measures
        for p in probabilities(explanation)[len(measures.faithfulness) :]:
            yield from encoding.run(_fresh(game, p))
            faithfulness = sample(game, p, FRESH, progress=False).faithfulness(explanation)
            measures = replace(measures, faithfulness=(*measures.faithfulness, faithfulness))
            yield measures

    def _game(self) -> RememberingGame:
        """Return the explainer's game with the cached encodings and the explainer's masked captions."""
        changes, caption = self.explainer.game.changes["image"], self.explainer.game.caption
        if self._pair != (changes, caption):
            if self._pair is not None and self._pair[0] != changes:
                self._image = {}
            self._pair, self._text = (changes, caption), pool_embeddings(self.explainer, "text")
        for known in (self._image, self._text):
            if len(known) > _MAX_CACHED:
                known.clear()
        with self.explainer.pair():
            return RememberingGame(self.explainer.game, {"image": self._image, "text": self._text})


class _Encoding:
    """Encoding of joint masks for one measurement.

    Args:
        game: Caches the encodings.
        pace: Records the time of the encodings.
        total: Upper bound of the encodings of each modality.
    """

    def __init__(self, game: RememberingGame, pace: Pace, total: dict[Modality, int]) -> None:
        self._game, self._pace, self._total = game, pace, total
        self._done: dict[Modality, int] = {"image": 0, "text": 0}
        self._start = time.monotonic()
        pace.begin(self._start)

    def run(self, masks: Bools) -> Iterator[Progress]:
        """Encode the missing ones of (m, n) joint masks, the cheap text masks first; yield after every batch."""
        image, text = _missing(self._game, masks)
        missing: dict[Modality, Bools] = {"text": text, "image": image}
        for modality, new in missing.items():
            self._pace.resume(time.monotonic())
            for count in self._game.encode(modality, new):
                self._done[modality] += count
                progress = self.progress()
                self._pace.watch(progress, time.monotonic())
                yield progress
                self._pace.resume(time.monotonic())

    def progress(self) -> Progress:
        """Return the progress of the measurement."""
        image, text = self._done["image"], self._done["text"]
        return Progress.since(
            self._start,
            image_done=image,
            image_total=max(self._total["image"], image),
            text_done=text,
            text_total=max(self._total["text"], text),
        )


def _fresh(game: RememberingGame, p: float) -> Bools:
    return fresh_masks(game.n_players, p, FRESH)


def _missing(game: RememberingGame, joint: Bools) -> tuple[Bools, Bools]:
    """Return the distinct image masks and text masks of (m, n) joint masks that are not yet encoded."""
    return game.missing("image", joint[:, : game.n_image]), game.missing("text", joint[:, game.n_image :])
