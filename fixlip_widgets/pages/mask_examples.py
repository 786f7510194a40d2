"""Example masks at a given p: the first of the mask streams."""

from __future__ import annotations

from typing import Any

import numpy as np

from fixlip_widgets.estimators.masks import IMAGE_STREAM, TEXT_STREAM, MaskDesign, draw_masks

COUNT = 6


def first_masks(n_image: int, n_text: int, p: float, seed: int, design: MaskDesign) -> dict[str, Any]:
    """Return the first six image masks that an explainer with these settings draws at ``p``, each with a text mask.

    Streams are prefix-stable, so these are the first masks drawn at ``p``, even if none has been drawn yet. For short
    captions all text masks are encoded, including these.
    """
    image = draw_masks(n_image, p, 0, COUNT, seed=seed, stream=IMAGE_STREAM, design=design)
    text = draw_masks(n_text, p, 0, COUNT, seed=seed, stream=TEXT_STREAM, design=design)
    joint = np.concatenate([image, text], axis=1)
    return {"p": p, "masks": ["".join("01"[int(kept)] for kept in mask) for mask in joint]}
