"""Measure one pair: every method explains it, and every metric scores each explanation on the same masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.corpus.pairs import Pair
from fixlip_widgets.encoders.models import Model
from fixlip_widgets.errors import EncodingError, InputError, ModelError
from fixlip_widgets.evaluation.contestants import Contestant
from fixlip_widgets.evaluation.records import Settings
from fixlip_widgets.evaluation.shared_game import SharedGame
from fixlip_widgets.explainers.metrics import Sample, insertion_deletion, pointing_game, sample
from fixlip_widgets.explainers.metrics.pointing import Word
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.support.meter import metered

_DIGITS = 5


def measure(
    model: Model, pair: Pair, methods: Sequence[Contestant], settings: Settings, record: dict[str, Any]
) -> dict[str, Any]:
    """Return ``record`` with missing methods added: ``{"objects", "similarity", ..., "methods": {name: scores}}``.

    Scores are numbers, lists of numbers, or None if a metric does not apply. A method that does not support the model
    is recorded as ``{"refused": reason}``.

    Raises:
        InputError: The image or caption is invalid.
        EncodingError: An embedding is not finite.
    """
    game = SharedGame(model, pair.image, pair.caption)
    results: dict[str, Any] = dict(record.get("methods", {}))
    samples = [sample(game, p, settings.n_masks, settings.seed, progress=False) for p in settings.probabilities]
    for method in methods:
        if method.name not in results:
            results[method.name] = _measured(game, pair, method, settings, samples)
    return {
        "caption": game.caption,
        "objects": pair.objects,
        "similarity": game.similarity,
        "empty_similarity": game.empty_similarity,
        "patches": game.n_image,
        "tokens": game.n_text,
        "methods": results,
    }


def _measured(
    game: SharedGame, pair: Pair, method: Contestant, settings: Settings, samples: Sequence[Sample]
) -> dict[str, Any]:
    saved = game.saved()
    try:
        with metered(game.model.device, memory=True) as cost:
            explanation = method.explain(game.plain if method.gradients else game, settings)
    except (ModelError, EncodingError) as error:
        return {"refused": str(error)}
    seconds, cpu_seconds = np.array([cost.seconds, cost.cpu_seconds]) + game.saved() - saved
    scores: dict[str, Any] = {
        "order": explanation.order,
        "image_encodes": explanation.image_encodes,
        "text_encodes": explanation.text_encodes,
        "seconds": float(seconds),
        "cpu_seconds": float(cpu_seconds),
        "peak_mb": cost.megabytes,
    }
    for masks in samples:
        agreement = masks.faithfulness(explanation)
        scores[f"spearman p={masks.p:g}"], scores[f"r2 p={masks.p:g}"] = agreement.spearman, agreement.r2
    return scores | _curves(game, explanation) | _pointing(explanation, pair)


def _curves(game: SharedGame, explanation: Explanation) -> dict[str, Any]:
    try:
        curves = insertion_deletion(game, explanation, progress=False)
    except InputError:  # equal to the empty pair, so that normalisation is undefined
        return {"aid": None, "most": None, "least": None}
    return {"aid": curves.aid, "most": _rounded(curves.most), "least": _rounded(curves.least)}


def _pointing(explanation: Explanation, pair: Pair) -> dict[str, Any]:
    if not pair.regions:
        return {}
    regions: dict[Word, Any] = {word: on_grid(region, explanation.grid) for word, region in pair.regions.items()}
    pointing = pointing_game(explanation, regions)
    return {"pgr": pointing.pgr, "chance": pointing.chance}


def on_grid(region: NDArray[np.bool_], grid: tuple[int, int]) -> NDArray[np.bool_]:
    """Resample a region to another grid; a cell is inside if its centre is."""
    rows, columns = ((2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip(grid, region.shape, strict=True))
    return region[np.ix_(rows, columns)]


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), _DIGITS) for value in values]
