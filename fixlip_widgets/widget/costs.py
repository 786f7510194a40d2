"""Costs of encoding: seconds and memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.support.progress import Progress

SLIDER_BUDGETS = range(8, 23)
"""Exponents of two on the budget slider."""
_WIDEST = 2048
"""Assumed embedding size of a model without ``output_dim``."""
_MOST_KRYLOV, _ROWS = 400, 8192
"""Largest number of directions in the regression of pairs, and of masks in one product; see quadratic.py."""


@dataclass
class Pace:
    """Mean seconds per encoding on this machine.

    Call :meth:`begin` before work starts and :meth:`watch` after every batch. The time between a ``watch`` and the next
    :meth:`resume` is not counted.
    """

    image_seconds: float = 0.0
    image_count: int = 0
    text_seconds: float = 0.0
    text_count: int = 0
    _since: float = 0.0
    _image_done: int = 0
    _text_done: int = 0

    def begin(self, now: float) -> None:
        """Start the clock for a new request, whose counts start at 0."""
        self._since, self._image_done, self._text_done = now, 0, 0

    def watch(self, state: Progress, now: float) -> None:
        """Record a batch; one with images and texts counts as images, which take nearly all of the time."""
        images, texts = state.image_done - self._image_done, state.text_done - self._text_done
        if images > 0:
            self.image_count, self.image_seconds = self.image_count + images, self.image_seconds + now - self._since
        elif texts > 0:
            self.text_count, self.text_seconds = self.text_count + texts, self.text_seconds + now - self._since
        self._image_done, self._text_done = state.image_done, state.text_done

    def resume(self, now: float) -> None:
        """Restart the clock for the next batch."""
        self._since = now

    def seconds(self, images: int, texts: int) -> float | None:
        """Return the estimated seconds for so many encodings; None if a required modality was never measured."""
        if (images and not self.image_count) or (texts and not self.text_count):
            return None
        image = images * self.image_seconds / self.image_count if images else 0.0
        return image + (texts * self.text_seconds / self.text_count if texts else 0.0)


def exponent(budget: int) -> str:
    """Return the exponent of two of a budget, as the view reads it: "17", or "17.6147" for 200,704."""
    return f"{math.log2(budget):.6g}"


def megabytes(explainer: IncrementalExplainer, image: int, text: int) -> float:
    """Return the most memory that ``image`` and ``text`` encodings and the regression take, in 10⁶ bytes.

    For each modality, with m masks of n players and embeddings of d numbers, this is the sum of: the buffer of float32
    embeddings, which doubles when it is full (old and new together 12 m d bytes); the masks and one copy (2 m n) and
    their keys (m (n/8 + 128)); the design in float64 (8 m n); chunks of at most 8,192 rows (8 (10 n + 4 d) each); the
    moments (24 (1 + n + d)²); the basis of the regression of pairs (at most 400 directions of 8 n² bytes, and half as
    many again while it grows); directions for the standard errors (16 n² d up to 16 players, 256 n² above). The memory
    of the encoder for one batch does not depend on the budget and is excluded.
    """
    game = explainer.game
    width = int(getattr(game.model.clip.visual, "output_dim", _WIDEST))
    return sum(_bytes(m, n, width) for m, n in ((image, game.n_image), (text, game.n_text))) / 1e6


def _bytes(m: int, n: int, d: int) -> int:
    pool = 12 * m * d + 2 * m * n + m * (n // 8 + 128)
    rows = 8 * m * n + 8 * min(m, _ROWS) * (10 * n + 4 * d)
    krylov = 12 * n * n * min(_MOST_KRYLOV, n * (n - 1) // 2 + 1)
    errors = n * n * (16 * d if n <= 16 else 256)
    return pool + rows + 24 * (1 + n + d) ** 2 + krylov + errors
