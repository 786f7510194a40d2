"""What is measured of an explanation: its curves and its faithfulness, on masks that every method is measured on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.explainers.metrics.curves import POINTS, Curves, curves, extremes
from fixlip_widgets.explainers.metrics.sampled import Faithfulness, check_players, fresh_masks, sample
from fixlip_widgets.explainers.remembering_game import Known, RememberingGame, known_to
from fixlip_widgets.support.progress import Progress

if TYPE_CHECKING:
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explanation.explanation import Explanation
    from fixlip_widgets.widget.costs import Pace

Bools = NDArray[np.bool_]
EVERYWHERE = (0.3, 0.5, 0.7)
"""Values of p at which every explanation is measured; its own comes to them."""
FRESH = 250
"""Fresh masks at each p: a correlation of 0.9 has a standard error of 0.012, and they cost less than most fits."""
_COALITIONS = 2 * POINTS
_MOST_KEPT = 20_000
"""Encodings of a modality that are remembered."""


class Stopped(Exception):  # noqa: N818 - no error: somebody wants something else
    """Measuring ends here; what is encoded is remembered."""


@dataclass(frozen=True)
class Measures:
    """What was measured of one explanation.

    Attributes:
        curves: Insertion and deletion; see :func:`fixlip_widgets.explainers.metrics.insertion_deletion`.
        faithfulness: On fresh masks at each p, ascending; see :func:`fixlip_widgets.explainers.metrics.faithfulness`.
    """

    curves: Curves
    faithfulness: tuple[Faithfulness, ...] = ()


def probabilities(explanation: Explanation) -> list[float]:
    """Values of p at which ``explanation`` is measured, ascending."""
    return sorted({*EVERYWHERE, explanation.p})


class Measurer:
    """Measures explanations of an explainer's game, and remembers every encoding that this took.

    Args:
        explainer: Must not be computing meanwhile.
        pace: Told what encodings take.
    """

    def __init__(self, explainer: IncrementalExplainer, pace: Pace) -> None:
        self.explainer = explainer
        self._pace = pace
        self._image: Known = {}
        self._text: Known = {}
        self._pair: tuple[int, str] | None = None

    def cost(self, explanation: Explanation, so_far: Measures | None) -> dict[str, Any]:
        """What measuring the rest takes, as ``js/src/protocol.ts`` has it; its encodings are an upper bound."""
        game, wanted = self._game(), probabilities(explanation)
        image, text = map(len, _missing(game, np.concatenate([_fresh(game, p) for p in wanted])))
        if so_far is None:
            image += _COALITIONS
            text += min(_COALITIONS, 2 ** min(game.n_text, 62) - len(self._text) - text)
        return {
            "image": image,
            "text": text,
            "seconds": self._pace.seconds(image, text),
            "p": wanted,
            "masks": FRESH,
        }

    def measure(
        self, explanation: Explanation, so_far: Measures | None, between: Callable[[Progress], None]
    ) -> Iterator[Measures]:
        """Measure what is not measured ``so_far``: the curves first, then at one p after the other.

        Args:
            explanation: Of the explainer's present pair.
            so_far: What is measured of it already.
            between: Called after every batch of encodings; ends it by raising :class:`Stopped`.

        Raises:
            InputError: It is of another pair, or the full pair is as similar as the empty one.
        """
        game = self._game()
        check_players(game, explanation)
        cost = self.cost(explanation, so_far)
        encoding = _Encoding(game, self._pace, between, (cost["image"], cost["text"]))
        if so_far is None:
            most, least = (_searched(explanation, sign, encoding) for sign in (1, -1))
            encoding.run(np.concatenate([most, least]))
            so_far = Measures(curves(game, most, least))
            yield so_far
        for p in probabilities(explanation)[len(so_far.faithfulness) :]:
            encoding.run(_fresh(game, p))
            found = sample(game, p, FRESH).faithfulness(explanation)
            so_far = Measures(so_far.curves, (*so_far.faithfulness, found))
            yield so_far

    def _game(self) -> RememberingGame:
        """The explainer's game, with what was encoded here, and the masked captions that the explainer has."""
        changes, caption = self.explainer.game.changes["image"], self.explainer.game.caption
        if self._pair != (changes, caption):
            if self._pair is not None and self._pair[0] != changes:
                self._image = {}
            self._pair, self._text = (changes, caption), known_to(self.explainer, "text")
        for known in (self._image, self._text):
            if len(known) > _MOST_KEPT:
                known.clear()
        with self.explainer.pair():
            return RememberingGame(self.explainer.game, {"image": self._image, "text": self._text})


class _Encoding:
    """Encodes joint masks for one measurement, and tells after every batch how far that is.

    Args:
        game: Remembers what is encoded.
        pace: Told what encodings take.
        between: Told how far it is.
        total: (image, text) encodings to come, at most.
    """

    def __init__(
        self, game: RememberingGame, pace: Pace, between: Callable[[Progress], None], total: tuple[int, int]
    ) -> None:
        self._game, self._pace, self._between, self._total = game, pace, between, total
        self._image = self._text = 0
        self._started = time.monotonic()
        pace.begin(self._started)

    def run(self, masks: Bools) -> None:
        """Encode what is missing of (m, n) joint masks; text first, which is cheap."""
        image, text = _missing(self._game, masks)
        self._pace.resume(time.monotonic())
        for count in self._game.encode("text", text):
            self._text += count
            self._batch_done()
        for count in self._game.encode("image", image):
            self._image += count
            self._batch_done()

    def tell(self) -> None:
        """Say how far it is, which may end it."""
        self._between(self._progress())

    def _batch_done(self) -> None:
        self._pace.watch(self._progress(), time.monotonic())
        self.tell()
        self._pace.resume(time.monotonic())

    def _progress(self) -> Progress:
        image, text = self._total
        return Progress.since(self._started, self._image, max(image, self._image), self._text, max(text, self._text))


def _searched(explanation: Explanation, sign: int, encoding: _Encoding) -> Bools:
    """The coalitions of one curve; of many players, finding them takes a while too."""
    encoding.tell()
    return extremes(explanation, sign)


def _fresh(game: RememberingGame, p: float) -> Bools:
    return fresh_masks(game.n_players, p, FRESH)


def _missing(game: RememberingGame, joint: Bools) -> tuple[Bools, Bools]:
    """Distinct image masks and text masks of (m, n) joint ones that are still to be encoded."""
    return game.missing("image", joint[:, : game.n_image]), game.missing("text", joint[:, game.n_image :])
