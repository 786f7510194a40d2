"""The mask playground: the model's true value of a masked pair, beside the explanation's prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fixlip_widgets.pages import wire_format as wire

if TYPE_CHECKING:
    from fixlip_widgets.explainers.game import VisionLanguageGame
    from fixlip_widgets.explanation.explanation import Explanation

NO_MODEL = "This widget shows a finished explanation without a model, so the true value is not available."
TAKEN = "Another widget has changed the caption of the shared explainer; press Run to restore this one."
PICTURE_SIDE, _QUALITY = 224, 82
"""Longest side, in pixels, and WebP quality of the masked picture: about ten kilobytes at most."""
_MOST_KEPT = 4096


class Playground:
    """Model values of masked pairs, each computed once.

    Args:
        game: The game of the pair; None for a finished explanation.
    """

    def __init__(self, game: VisionLanguageGame | None) -> None:
        self._game = game
        self._values: dict[tuple[str, tuple[int, ...]], float] = {}
        self._picture: tuple[tuple[int, ...], wire.Wire] | None = None

    def known(self, removed: Sequence[int]) -> float | None:
        """Return the cached value of the model, in logits, without the ``removed`` players; None unless cached."""
        return None if self._game is None else self._values.get(self._key(self._game, removed))

    def ask(self, removed: Sequence[int]) -> float | None:
        """Return the model's value, in logits, and encode each modality once unless cached; None without a model."""
        game = self._game
        if game is None:
            return None
        key = self._key(game, removed)
        if key not in self._values:
            if len(self._values) >= _MOST_KEPT:
                self._values.clear()
            self._values[key] = float(game.value(_mask(game.n_players, removed))[0])
        return self._values[key]

    def is_taken(self, text: str, explanation: Explanation | None) -> bool:
        """Return whether the model's current caption is neither ``text`` nor that of ``explanation``."""
        captions = {text} if explanation is None else {text, explanation.caption}
        return self._game is not None and self._game.caption not in captions

    @staticmethod
    def _key(game: VisionLanguageGame, removed: Sequence[int]) -> tuple[str, tuple[int, ...]]:
        return game.caption, tuple(sorted(removed))

    def picture(self, removed: Sequence[int]) -> wire.Wire | None:
        """Return the picture with the ``removed`` patches masked; None if none is removed, or without a model."""
        game = self._game
        patches = () if game is None else tuple(sorted(player for player in removed if player < game.n_image))
        if game is None or not patches:
            return None
        if self._picture is None or self._picture[0] != patches:
            pixels = game.masked_picture(_mask(game.n_image, patches)[0])
            self._picture = patches, wire.image(pixels, most=PICTURE_SIDE, quality=_QUALITY)
        return self._picture[1]

    def answer(
        self,
        removed: Sequence[int],
        value: float | None,
        explanation: Explanation | None,
        generation: int,
        why: str = "",
    ) -> dict[str, Any]:
        """Return the data for the view: the true ``value`` or ``why`` it is missing, the prediction and the picture."""
        game, prediction = self._game, None
        fits = explanation is not None and (game is None or explanation.caption == game.caption)
        if (
            explanation is not None
            and fits
            and explanation.in_logits
            and all(player < explanation.n_players for player in removed)
        ):
            prediction = float(explanation.predict(_mask(explanation.n_players, removed))[0])
        return {
            "generation": generation,
            "removed": list(removed),
            "value": value,
            "prediction": prediction,
            "picture": self.picture(removed),
            "why": NO_MODEL if game is None else why,
        }


def _mask(n: int, removed: Sequence[int]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    mask = np.ones((1, n), dtype=bool)
    mask[0, list(removed)] = False
    return mask
