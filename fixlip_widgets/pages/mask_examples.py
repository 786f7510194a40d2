"""Masks that the model sees at a p: the first of the streams that the explainer draws from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fixlip_widgets.estimators.masks import draw_masks
from fixlip_widgets.explainers.fixlip import IMAGE_STREAM, TEXT_STREAM

if TYPE_CHECKING:
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explainers.registry import Method

COUNT = 6


def examples(explainer: IncrementalExplainer, p: float, method: Method) -> dict[str, Any] | None:
    """The first six image masks drawn at ``p``, each with a text mask; None for a method that has no p.

    Streams are prefix-stable, so these are the masks that were drawn first, or would be if nothing was drawn at ``p``
    yet. A caption that is short enough has all its masks encoded, these among them.
    """
    if not method.uses_p:
        return None
    return first_masks(explainer.game.n_image, explainer.game.n_text, p, explainer.seed)


def first_masks(n_image: int, n_text: int, p: float, seed: int) -> dict[str, Any]:
    """The first masks that an explainer with that ``seed`` draws at ``p``, as the view reads them."""
    image = draw_masks(n_image, p, 0, COUNT, seed=seed, stream=IMAGE_STREAM)
    text = draw_masks(n_text, p, 0, COUNT, seed=seed, stream=TEXT_STREAM)
    joint = np.concatenate([image, text], axis=1)
    return {"p": p, "masks": ["".join("01"[int(kept)] for kept in mask) for mask in joint]}
