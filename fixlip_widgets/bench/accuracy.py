"""Error relative to a long run as a function of image encodings, by estimator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from fixlip_widgets import VisionLanguageGame, demo, load_model
from fixlip_widgets.bench.measure import Row
from fixlip_widgets.estimators.crossmodal_regression import CrossModalFit, Fit, Modality, regress
from fixlip_widgets.estimators.masks import MaskDesign, draw_masks, enumerate_masks, enumeration_weights
from fixlip_widgets.estimators.penalties import CrossValidated

LONG_RUNS = {0.3: 24_000, 0.5: 6 * 4096, 0.7: 24_000}
"""Masks of the long run by p; at 0.5, they are six whole arrays."""
COUNTS = (256, 512, 1024, 2048, 4096)
_OFFSET = 1e-7
"""Added to p = 0.5 to draw independent masks instead of complementary pairs."""


def rows() -> Iterator[Row]:
    """Yield the relative L2 error of cross-modal, image main and image–image terms at p = 0.3, 0.5 and 0.7.

    ``plain`` is the paper's least squares, ``even ridge`` penalises all image–image terms equally, with a
    cross-validated strength, and ``default`` is the estimator of :func:`fixlip_widgets.explain`.
    """
    model, scene = load_model(), demo.scene("dog_and_banana")
    game = VisionLanguageGame(model, scene.image, scene.caption)
    for p, long_run in LONG_RUNS.items():
        text = every_text_mask(game, p)
        truth = regress(image_masks(game, p, p, long_run, seed=99, design="orthogonal"), text, None).assemble()
        samplings = {"arrays": 0.5, "pairs": 0.5, "iid": 0.5 + _OFFSET} if p == 0.5 else {"iid": p}
        for sampling, drawn_at in samplings.items():
            design = "orthogonal" if sampling == "arrays" else "random"
            whole = image_masks(game, drawn_at, p, COUNTS[-1], seed=1, design=design)
            for count in COUNTS:
                image = first_masks(whole, count)
                for name, fit in _fits(image, text).items():
                    yield from _errors(fit.assemble(), truth, game, f"p {p}, {count} {sampling}, {name}")


def _fits(image: Modality, text: Modality) -> dict[str, CrossModalFit]:
    plain = regress(image, text, 0.0)
    direction = text.moments.mean_embedding
    even = image.design.fit(image.project(direction), CrossValidated(by_player=False))
    return {"plain": plain, "even ridge": replace(plain, image_part=even), "default": regress(image, text, None)}


def _errors(fit: Fit, truth: Fit, game: VisionLanguageGame, label: str) -> Iterator[Row]:
    n = game.n_image
    blocks = {
        "cross-modal": (fit.interactions[:n, n:], truth.interactions[:n, n:]),
        "image mains": (fit.main[:n], truth.main[:n]),
        "image–image": (fit.interactions[:n, :n], truth.interactions[:n, :n]),
    }
    for name, (estimate, true) in blocks.items():
        if name != "cross-modal" or "even ridge" not in label:  # even ridge leaves cross-modal terms unchanged
            yield Row(f"{label}: {name}", float(np.linalg.norm(estimate - true) / np.linalg.norm(true)))


def every_text_mask(game: VisionLanguageGame, p: float) -> Modality:
    """Encode all text masks, with their probabilities at ``p``."""
    texts = enumerate_masks(game.n_text)
    embeddings = game.text_embeddings(texts)
    weights = torch.from_numpy(enumeration_weights(texts, p)).to(embeddings.device)
    return Modality(torch.from_numpy(texts).to(embeddings.device), embeddings, weights, sampled=False)


def image_masks(
    game: VisionLanguageGame, drawn_at: float, p: float, count: int, seed: int, design: MaskDesign
) -> Modality:
    """Encode ``count`` image masks drawn at one probability, to represent ``p``."""
    masks = draw_masks(game.n_image, drawn_at, 0, count, seed=seed, stream=0, design=design)
    return _modality(torch.from_numpy(masks), game.image_embeddings(masks), paired=drawn_at == 0.5, p=p)


def first_masks(modality: Modality, count: int) -> Modality:
    """Return the first ``count`` masks."""
    return _modality(modality.masks[:count], modality.embeddings[:count], modality.paired, modality.p)


def _modality(masks: Tensor, embeddings: Tensor, paired: bool, p: float | None) -> Modality:
    weights = torch.full((len(masks),), 1 / len(masks), dtype=torch.float64)
    return Modality(masks.to(embeddings.device), embeddings, weights.to(embeddings.device), paired=paired, p=p)
