"""This package compared with the formulation of the research code.

The research code evaluates the game in blocks of pairs, so that each image mask is encoded once for every block of text
masks, and solves a dense regression with m_image · m_text rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import torch

from fixlip_widgets import IncrementalExplainer, VisionLanguageGame, demo, load_model
from fixlip_widgets.bench import dense
from fixlip_widgets.bench.measure import Row
from fixlip_widgets.estimators.crossmodal_regression import Modality, regress
from fixlip_widgets.estimators.masks import draw_masks, enumerate_masks, split_budget
from fixlip_widgets.support.meter import metered

_IMAGE_BLOCK, _TEXT_BLOCK = 64, 16
_RIDGE = 0.1


def rows() -> Iterator[Row]:
    """Yield memory, speed-up and the largest difference of the results at budgets 2^13 to 2^19."""
    model, scene = load_model(), demo.scene("dog_and_banana")
    game = VisionLanguageGame(model, scene.image, "a dog next to a banana and apple")
    n = game.n_players
    for power in (13, 15, 17, 19):
        m_image, m_text = split_budget(2**power, game.n_image, game.n_text)
        needed = 2 * m_image * m_text * (1 + n + n * (n - 1) // 2) * 8 / 1e9
        yield Row(f"budget 2^{power}: memory of the dense design, with its weighted copy", needed, "GB")
        if needed > 0.5 * _free_gigabytes():
            yield Row("  (skipped: more than half of this machine's free memory)", float("nan"))
            continue
        yield from _compare(game, m_image, m_text, power)


def _compare(game: VisionLanguageGame, m_image: int, m_text: int, power: int) -> Iterator[Row]:
    image = draw_masks(game.n_image, 0.4, 0, m_image, seed=0, stream=0)
    order = np.random.default_rng(0).permutation(2**game.n_text)[:m_text]
    text = enumerate_masks(game.n_text)[order]
    with metered() as blockwise:
        values = _blockwise_values(game, image, text)
    weights = np.full(values.shape, 1 / values.size)
    with metered() as solving:
        expected = dense.fit_interactions(image, text, values, weights, _RIDGE)
    fit = regress(_modality(game, "image", image), _modality(game, "text", text), _RIDGE).assemble(game.scale)
    difference = np.abs(fit.interactions - expected).max() / np.abs(expected).max()
    explainer = IncrementalExplainer(game)
    with metered() as ours:
        explainer.extend(0.4, 2**power)
        explainer.explanation()
    yield Row("  encoders, block by block", blockwise.seconds, "s")
    yield Row("  dense solve", solving.seconds, "s")
    yield Row("  this package, whole explanation", ours.seconds, "s")
    yield Row("  speed-up", (blockwise.seconds + solving.seconds) / ours.seconds, "×")
    yield Row("  largest difference ÷ largest interaction, same masks", difference, "")


def _blockwise_values(game: VisionLanguageGame, image: dense.Bools, text: dense.Bools) -> dense.Floats:
    values = np.empty((len(image), len(text)))
    for top in range(0, len(image), _IMAGE_BLOCK):
        for left in range(0, len(text), _TEXT_BLOCK):
            rows, columns = slice(top, top + _IMAGE_BLOCK), slice(left, left + _TEXT_BLOCK)
            values[rows, columns] = game.values(image[rows], text[columns])
    return values


def _modality(game: VisionLanguageGame, name: str, masks: dense.Bools) -> Modality:
    embeddings = game.image_embeddings(masks) if name == "image" else game.text_embeddings(masks)
    weights = torch.full((len(masks),), 1 / len(masks), dtype=torch.float64)
    return Modality(torch.from_numpy(masks), embeddings.cpu(), weights)


def _free_gigabytes() -> float:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
