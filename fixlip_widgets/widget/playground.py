"""The mask playground: the model's true value of a masked pair, beside the explanation's prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.widget.screen import Screen
from fixlip_widgets.widget.views import Views

if TYPE_CHECKING:
    from fixlip_widgets.explainers.game import VisionLanguageGame

NO_MODEL = "This widget shows a finished explanation without a model, so the true value is not available."
OTHER_CAPTION = "Another widget has changed the caption of the shared explainer; press Run to restore this one."
PICTURE_SIDE, _QUALITY = 224, 82
"""Longest side, in pixels, and WebP quality of the masked picture: about ten kilobytes at most."""
_MAX_CACHED = 4096


class Playground:
    """Model values of masked pairs, each computed once; there are none without a ``game``."""

    def __init__(self, screen: Screen, views: Views, game: VisionLanguageGame | None) -> None:
        self._screen, self._traits, self._views, self._game = screen, screen.traits, views, game
        self._values: dict[tuple[str, tuple[int, ...]], float] = {}
        self._picture: tuple[tuple[int, ...], wire.Wire] | None = None

    def play(self) -> None:
        """On the worker's thread, publish the model's value without the removed players, and the prediction."""
        with self._screen.reporting("The model's value cannot be computed"):
            removed, explanation, game = self._traits.removed, self._views.current, self._game
            if game is None:
                value = None if explanation is None or removed else wire.number(explanation.similarity)
                self._publish(removed, value, NO_MODEL)
                return
            captions = {self._traits.text} if explanation is None else {self._traits.text, explanation.caption}
            if removed and game.caption not in captions:
                self._publish(removed, None, OTHER_CAPTION)
                return
            value = self.known_value(game, removed)
            if explanation is not None and not removed and value is None:
                value = wire.number(explanation.similarity)
            self._publish(removed, value)
            if removed and value is None:
                self._publish(removed, self.evaluate(game, removed))

    def known_value(self, game: VisionLanguageGame, removed: Sequence[int]) -> float | None:
        """Return the model's value if it was computed before."""
        return self._values.get(_key(game, removed))

    def extras(self, removed: Sequence[int]) -> wire.Wire:
        """Return further fields to publish."""
        return {}

    def evaluate(self, game: VisionLanguageGame, removed: Sequence[int]) -> float:
        """Return the model's value, in logits, which encodes each modality once."""
        if len(self._values) >= _MAX_CACHED:
            self._values.clear()
        value = float(game.value(mask_without(game.n_players, removed))[0])
        self._values[_key(game, removed)] = value
        return value

    def _publish(self, removed: tuple[int, ...], value: float | None, why: str = "") -> None:
        """Publish the true ``value``, or ``why`` it is missing, with the prediction and the picture."""
        traits = self._traits
        with self._screen.lock:
            if removed == traits.removed and (traits.result or removed):
                traits.played = {
                    "generation": self._screen.generation if traits.result else traits.generation,
                    "removed": list(removed),
                    "value": value,
                    "prediction": self._prediction(removed),
                    "picture": self._masked_picture(removed),
                    "why": why,
                    **self.extras(removed),
                }

    def _prediction(self, removed: Sequence[int]) -> float | None:
        explanation, game = self._views.current, self._game
        if (
            explanation is not None
            and (game is None or explanation.caption == game.caption)
            and explanation.in_logits
            and all(player < explanation.n_players for player in removed)
        ):
            return float(explanation.predict(mask_without(explanation.n_players, removed))[0])
        return None

    def _masked_picture(self, removed: Sequence[int]) -> wire.Wire | None:
        """Return the picture without the ``removed`` patches; None if none is removed, or without a model."""
        game = self._game
        patches = () if game is None else tuple(sorted(player for player in removed if player < game.n_image))
        if game is None or not patches:
            return None
        if self._picture is None or self._picture[0] != patches:
            pixels = game.masked_picture(mask_without(game.n_image, patches)[0])
            self._picture = patches, wire.image(pixels, most=PICTURE_SIDE, quality=_QUALITY)
        return self._picture[1]


def _key(game: VisionLanguageGame, removed: Sequence[int]) -> tuple[str, tuple[int, ...]]:
    return game.caption, tuple(sorted(removed))


def mask_without(n: int, removed: Sequence[int]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return the (1, n) mask without the ``removed`` players."""
    mask = np.ones((1, n), dtype=bool)
    mask[0, list(removed)] = False
    return mask
