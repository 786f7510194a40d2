"""Measures of an explanation: insertion and deletion curves, and faithfulness on masks shared by all methods."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.explainers.metrics.curves import POINTS, Curves, curves, extremes
from fixlip_widgets.explainers.metrics.sampled import Faithfulness, check_players, fresh_masks, sample
from fixlip_widgets.explainers.remembering_game import Embeddings, RememberingGame, pool_embeddings
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


class Stop(Exception):  # noqa: N818 - a control signal, not an error
    """Raised to stop measuring; encodings are kept."""


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

    def cost(self, explanation: Explanation, so_far: Measures | None) -> dict[str, Any]:
        """Return the cost of the missing measures (see ``js/src/wire/types.ts``); its encodings are an upper bound."""
        game, p_values = self._game(), probabilities(explanation)
        image, text = map(len, _missing(game, np.concatenate([_fresh(game, p) for p in p_values])))
        if so_far is None:
            image += _COALITIONS
            text += min(_COALITIONS, 2 ** min(game.n_text, 62) - len(self._text) - text)
        return {
            "image": image,
            "text": text,
            "seconds": self._pace.seconds(image, text),
            "p": p_values,
            "masks": FRESH,
        }

    def measure(
        self, explanation: Explanation, so_far: Measures | None, between: Callable[[Progress], None]
    ) -> Iterator[Measures]:
        """Compute the missing measures: the curves first, then the faithfulness at one p after the other.

        Args:
            explanation: An explanation of the explainer's current pair.
            so_far: Its existing measures.
            between: Called after every batch of encodings; raises :class:`Stop` to stop.

        Yields:
            The measures so far, after each new one.

        Raises:
            InputError: The explanation is of another pair, or the full pair is as similar as the empty one.
        """
        game = self._game()
        check_players(game, explanation)
        cost = self.cost(explanation, so_far)
        encoding = _Encoding(game, self._pace, between, (cost["image"], cost["text"]))
        if so_far is None:
            most, least = (_search(explanation, sign, encoding) for sign in (1, -1))
            encoding.run(np.concatenate([most, least]))
            so_far = Measures(curves(game, most, least))
            yield so_far
        for p in probabilities(explanation)[len(so_far.faithfulness) :]:
            encoding.run(_fresh(game, p))
            faithfulness = sample(game, p, FRESH).faithfulness(explanation)
            so_far = Measures(so_far.curves, (*so_far.faithfulness, faithfulness))
            yield so_far

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
    """Encoding of joint masks for one measurement, with progress after every batch.

    Args:
        game: Caches the encodings.
        pace: Records the time of the encodings.
        between: Called with the progress.
        total: Upper bound of the (image, text) encodings.
    """

    def __init__(
        self, game: RememberingGame, pace: Pace, between: Callable[[Progress], None], total: tuple[int, int]
    ) -> None:
        self._game, self._pace, self._between, self._total = game, pace, between, total
        self._image = self._text = 0
        self._started = time.monotonic()
        pace.begin(self._started)

    def run(self, masks: Bools) -> None:
        """Encode the missing ones of (m, n) joint masks, the cheap text masks first."""
        image, text = _missing(self._game, masks)
        self._pace.resume(time.monotonic())
        for count in self._game.encode("text", text):
            self._text += count
            self._batch_done()
        for count in self._game.encode("image", image):
            self._image += count
            self._batch_done()

    def report(self) -> None:
        """Report the progress; may raise :class:`Stop`."""
        self._between(self._progress())

    def _batch_done(self) -> None:
        self._pace.watch(self._progress(), time.monotonic())
        self.report()
        self._pace.resume(time.monotonic())

    def _progress(self) -> Progress:
        image, text = self._total
        return Progress.since(self._started, self._image, max(image, self._image), self._text, max(text, self._text))


def _search(explanation: Explanation, sign: int, encoding: _Encoding) -> Bools:
    """Return the coalitions of one curve; for many players, the search takes a while too."""
    encoding.report()
    return extremes(explanation, sign)


def _fresh(game: RememberingGame, p: float) -> Bools:
    return fresh_masks(game.n_players, p, FRESH)


def _missing(game: RememberingGame, joint: Bools) -> tuple[Bools, Bools]:
    """Return the distinct image masks and text masks of (m, n) joint masks that are not yet encoded."""
    return game.missing("image", joint[:, : game.n_image]), game.missing("text", joint[:, game.n_image :])
