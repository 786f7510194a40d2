"""Example masks at a given p: the first of the explainer's mask streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fixlip_widgets.estimators.masks import draw_masks
from fixlip_widgets.explainers.pair_pools import IMAGE_STREAM, TEXT_STREAM

if TYPE_CHECKING:
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explainers.registry import Method

COUNT = 6


def examples(explainer: IncrementalExplainer, p: float, method: Method) -> dict[str, Any] | None:
    """Return the first six image masks drawn at ``p``, each with a text mask; None for a method without p.

    Streams are prefix-stable, so these are the first masks drawn at ``p``, even if none has been drawn yet. For short
    captions all text masks are encoded, including these.
    """
    if not method.uses_p:
        return None
    return first_masks(explainer.game.n_image, explainer.game.n_text, p, explainer.seed)


def first_masks(n_image: int, n_text: int, p: float, seed: int) -> dict[str, Any]:
    """Return the first masks that an explainer with this ``seed`` draws at ``p``, in the view's format."""
    image = draw_masks(n_image, p, 0, COUNT, seed=seed, stream=IMAGE_STREAM)
    text = draw_masks(n_text, p, 0, COUNT, seed=seed, stream=TEXT_STREAM)
    joint = np.concatenate([image, text], axis=1)
    return {"p": p, "masks": ["".join("01"[int(kept)] for kept in mask) for mask in joint]}
