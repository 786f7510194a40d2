"""Cost of an explanation beyond its encoders."""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch

from fixlip_widgets import IncrementalExplainer, VisionLanguageGame, demo, load_model
from fixlip_widgets.bench.measure import Row, best_of
from fixlip_widgets.estimators.masks import draw_masks, enumerate_masks, split_budget

BUDGET = 2**17
_ROUNDS = 3


def rows() -> Iterator[Row]:
    """Yield the time of an explanation ÷ that of its encoders, and the time to the first partial result."""
    model, scene = load_model(), demo.scene("dog_and_banana")
    game = VisionLanguageGame(model, scene.image, scene.caption)
    game.image_embeddings(enumerate_masks(5).repeat(-(-game.n_image // 5), axis=1)[:, : game.n_image])  # warm up
    bare, whole = best_of(_ROUNDS, lambda: _encode(game, BUDGET), lambda: _explain(game, BUDGET))
    yield Row(f"explain at budget 2^17, {game.n_image} patches, {game.n_text} tokens", whole, "s")
    yield Row("  ÷ the encoders alone on as many masks", whole / bare, "×", at_most=1.25)
    yield Row("time to the first partial explanation", _first_partial(game), "s", at_most=1.5)
    four = 4096 * split_budget(BUDGET, game.n_image, game.n_text)[1]
    bare, whole = best_of(_ROUNDS, lambda: _encode(game, four), lambda: _explain(game, four))
    yield Row("share of the time outside the encoders, 4,096 image masks", max(0.0, 1 - bare / whole), "", at_most=0.1)


def _explain(game: VisionLanguageGame, budget: int) -> IncrementalExplainer:
    explainer = IncrementalExplainer(game)
    explainer.extend(0.5, budget)
    explainer.explanation()
    return explainer


def _encode(game: VisionLanguageGame, budget: int) -> None:
    """Encode as many masks as an explanation does, and discard the embeddings."""
    m_image, _ = split_budget(budget, game.n_image, game.n_text)
    m_image += min(max(m_image // 10, 32), 256)  # the held-out masks
    image = torch.from_numpy(draw_masks(game.n_image, 0.5, 0, m_image, seed=1, stream=0))
    text = torch.from_numpy(enumerate_masks(game.n_text))
    with torch.inference_mode():
        for encode, masks, size in (
            (game.encoder("image"), image, game.batch.size),
            (game.encoder("text"), text, game.batch.size),
        ):
            for batch in masks.to(game.model.device).split(size):
                encode(batch)


def _first_partial(game: VisionLanguageGame) -> float:
    explainer, start, first = IncrementalExplainer(game), time.perf_counter(), list[float]()

    def look(state: object) -> None:
        if getattr(state, "image_done", 0):
            explainer.explanation()
            first.append(time.perf_counter() - start)

    explainer.extend(0.5, BUDGET, progress=look, cancelled=lambda: bool(first))
    return first[0]
