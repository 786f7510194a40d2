"""Wrap an open_clip model that a program has already loaded."""

from __future__ import annotations

from typing import Any

from torch import nn

from fixlip_widgets.encoders.loading.parts import Parts, preprocessing
from fixlip_widgets.encoders.loading.pipelines import check_pipeline, settings_of
from fixlip_widgets.errors import ModelError
from fixlip_widgets.support.open_clip import open_clip

OPEN_CLIP_MODELS: tuple[type[nn.Module], ...] = (open_clip.CLIP, open_clip.CustomTextCLIP, open_clip.CoCa)


def from_module(clip: Any, tokenizer: Any, preprocess: Any) -> Parts:
    """Wrap an open_clip model, its tokenizer and its preprocessing.

    Raises:
        ModelError: The tokenizer is missing, or the preprocessing is unknown or unsupported.
    """
    if tokenizer is None or not hasattr(tokenizer, "context_length"):
        raise ModelError(
            "A loaded open_clip model needs its tokenizer and preprocessing: load_model(model, "
            "tokenizer=open_clip.get_tokenizer(name), preprocess=preprocess_val)."
        )
    if preprocess is None:
        preprocess = getattr(clip.visual, "preprocess_cfg", None)
    if preprocess is None:
        raise ModelError(
            "The open_clip model does not record its preprocessing; pass preprocess_val of "
            "open_clip.create_model_and_transforms as preprocess=."
        )
    cfg = preprocessing(clip.visual.image_size, settings_of(preprocess))
    prepare: Any = preprocess if callable(preprocess) else None
    if prepare is not None:
        size: Any = clip.visual.image_size
        check_pipeline(prepare, cfg, (size, size) if isinstance(size, int) else tuple(size), "preprocess")
    return Parts(clip, tokenizer, cfg, type(clip).__name__, "loaded", prepare)
