"""The worker: explains prepared images with all their captions. It is the same in this process and in Ray's actors."""

from __future__ import annotations

import time
from typing import Any

import pyarrow as pa

from fixlip_widgets.corpus.schema import Row, explained, table_of
from fixlip_widgets.corpus.settings import Settings
from fixlip_widgets.corpus.tasks import Prepared, Task
from fixlip_widgets.encoders.models import Model
from fixlip_widgets.errors import EncodingError, InputError, ModelError
from fixlip_widgets.explainers.cautions import cautions_of_fit
from fixlip_widgets.explainers.fixlip import IncrementalExplainer
from fixlip_widgets.explainers.game import Modality, VisionLanguageGame
from fixlip_widgets.explainers.memoized_game import RememberingGame
from fixlip_widgets.explanation.explanation import Explanation


class Explainer:
    """Explains pairs with one model.

    Args:
        model: The model.
        settings: The settings of every explanation.
    """

    def __init__(self, model: Model, settings: Settings) -> None:
        self._model, self._settings = model, settings

    def __call__(self, prepared: Prepared) -> pa.Table:
        """Return a row for each pair of a task; the rows of failed pairs have an error."""
        with self._model.unchanged():
            return self._table(prepared)

    def _table(self, prepared: Prepared) -> pa.Table:
        rows, game, started = list[Row](), None, time.perf_counter()
        shared = len(prepared.pairs) > 1
        common = {"image": prepared.image, "thumbnail": prepared.thumbnail, "picture": prepared.picture}
        for pair, error in zip(prepared.pairs, prepared.errors, strict=True):
            found: Row = {}
            if not error:
                try:
                    game = (
                        self._game(prepared.pixels, pair.caption, shared)
                        if game is None
                        else game.with_text(pair.caption)
                    )
                    found = self._explained(game)
                except (InputError, ModelError, EncodingError) as problem:
                    error = str(problem)
                except Exception as problem:  # a long run must not end with one pair
                    error = f"Unexpected {type(problem).__name__}: {problem}"
            now = time.perf_counter()
            row = {**common, **pair.columns(), "failed": bool(error), "error": error, "caution": ""}
            rows.append({**row, "seconds": now - started, **found})
            started = now
        return table_of(rows, self._settings.image_players(self._model))

    def _game(self, pixels: Any, caption: str, shared: bool) -> VisionLanguageGame:
        """Return the game of a pair; if other captions follow, it keeps the encodings of the image."""
        game = VisionLanguageGame(self._model, pixels, caption, **self._settings.game_options())
        return _SharedImage(game) if shared else game

    def _explained(self, game: VisionLanguageGame) -> Row:
        settings = self._settings
        if isinstance(game, _SharedImage):
            game.computed = 0
        # a pool of its own, so that the masks do not depend on the other captions
        explainer = IncrementalExplainer(game, seed=settings.seed, masks=settings.masks)
        explainer.extend(settings.p, settings.budget)
        explanation = explainer.explanation(settings.p)
        encodings = explainer.image_encodes + explainer.text_encodes
        if isinstance(game, _SharedImage):
            encodings = game.computed
        return {**explained(explanation), "encodings": encodings, "caution": _caution(explanation)}


def failed(task: Task, error: str, n_image: int | None) -> pa.Table:
    """Return the rows of a task that could not be read at all."""
    common = {"image": task.image, "failed": True, "error": error, "caution": ""}
    return table_of([{**common, **pair.columns()} for pair in task.pairs], n_image)


def _caution(explanation: Explanation) -> str:
    return " ".join(cautions_of_fit(explanation))


class _SharedImage(RememberingGame):
    """A game whose other captions find the encodings of the image.

    Attributes:
        computed: Number of encodings computed since it was set to 0.
    """

    computed = 0

    def _count(self, modality: Modality, asked: int, new: int) -> None:
        self.computed += new
