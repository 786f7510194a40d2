"""Orthogonal-array masks compared with as many random complementary pairs, at p = 0.5."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from fixlip_widgets import VisionLanguageGame, demo, load_model
from fixlip_widgets.bench.accuracy import every_text_mask, first_masks, image_masks
from fixlip_widgets.bench.measure import Row
from fixlip_widgets.encoders.models import Model
from fixlip_widgets.estimators.crossmodal_regression import Modality, regress
from fixlip_widgets.estimators.masks import MaskDesign
from fixlip_widgets.estimators.orthogonal_arrays import array_length

SCENES = ("dog_and_banana", "street", "owl_above_pizza")
SEEDS = 5
TRUE_ARRAYS = 6
"""Whole arrays whose mean is the truth; 24,000 random masks would be less accurate than what is measured."""
_TRUE_SEED = 99
_CROSS_AT_MOST = {1.0: 0.35, 0.5: 0.85, 0.25: 0.85}
"""Targets by the share of an array."""
_DESIGNS: tuple[MaskDesign, ...] = ("orthogonal", "random")
_PAIRS_AT_MOST = 0.4

Encode = Callable[[MaskDesign, int, int], Modality]
"""Function of the design, the number of masks and the seed."""
Floats = NDArray[np.float64]


def rows() -> Iterator[Row]:
    """Yield the comparison on packaged scenes with the packaged model, and on a ViT-B/32 with random weights."""
    model = load_model()
    for name in SCENES:
        yield from _compare(name, model, name, SEEDS, TRUE_ARRAYS)
    torch.manual_seed(0)
    vit = load_model("ViT-B-32", pretrained=False)
    yield from _compare("ViT-B/32 with random weights", vit, SCENES[0], seeds=1, true_arrays=2)


def _compare(label: str, model: Model, scene: str, seeds: int, true_arrays: int) -> Iterator[Row]:
    drawn = demo.scene(scene)
    game = VisionLanguageGame(model, drawn.image, drawn.caption)

    def encode(design: MaskDesign, count: int, seed: int) -> Modality:
        return image_masks(game, 0.5, 0.5, count, seed, design)

    return compare(label, encode, every_text_mask(game, 0.5), game.n_image, seeds, true_arrays)


def compare(label: str, encode: Encode, text: Modality, n: int, seeds: int, true_arrays: int) -> Iterator[Row]:
    """Yield ratios of errors, averaged over ``seeds``, and the error of image–image terms by plain least squares.

    The truth is plain least squares over ``true_arrays`` independent whole arrays of ``n`` image players.
    Errors are relative L2 distances from it.
    """
    whole = array_length(n)
    long_run = encode("orthogonal", true_arrays * whole, _TRUE_SEED)
    truth = _interactions(long_run, text, 0.0)  # over whole arrays, the mean of their estimates
    drawn = {name: [encode(name, whole, seed) for seed in range(1, seeds + 1)] for name in _DESIGNS}
    for share, at_most in _CROSS_AT_MOST.items():
        count = round(share * whole)
        for ridge, estimator in ((None, "default"), (0.0, "plain")):
            errors: list[float] = []
            for name in _DESIGNS:
                found = [_interactions(first_masks(each, count), text, ridge) for each in drawn[name]]
                errors.append(_mean_error(found, truth, np.s_[:n, n:]))
            arrays, random = errors
            yield Row(f"{label}, {count:,} masks, {estimator}: cross-modal error", arrays)
            yield Row("  ÷ that of random pairs", arrays / random, "×", at_most)
    plain = [_interactions(each, text, 0.0) for each in drawn["orthogonal"]]
    error = _mean_error(plain, truth, np.s_[:n, :n])
    yield Row(f"{label}, {whole:,} masks, plain: image–image error", error, "", _PAIRS_AT_MOST)


def _interactions(image: Modality, text: Modality, ridge: float | None) -> Floats:
    return regress(image, text, ridge).assemble().interactions


def _mean_error(estimates: list[Floats], truth: Floats, block: tuple[slice, slice]) -> float:
    size = np.linalg.norm(truth[block])
    return float(np.mean([np.linalg.norm((each - truth)[block]) / size for each in estimates]))
