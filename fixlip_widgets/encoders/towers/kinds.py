"""Describe a model's two encoders, and how each is masked."""

from __future__ import annotations

from typing import Any, NamedTuple

from fixlip_widgets.encoders.towers.hf_text import padding_of
from fixlip_widgets.encoders.towers.image import patches_of
from fixlip_widgets.encoders.towers.text import HFTextEncoder, has_class_token, plain_transformer, pool_type
from fixlip_widgets.encoders.towers.transformers_model import TransformersEncoder


class Kinds(NamedTuple):
    """One description per encoder."""

    image: str
    text: str


def kinds_of(clip: Any) -> Kinds:
    """Describe a model's encoders, and how each is masked.

    Raises:
        ModelError: An encoder is not supported.
    """
    return Kinds(_image(clip), _text(clip))


def _image(clip: Any) -> str:
    patches = patches_of(clip)
    if isinstance(clip, TransformersEncoder):
        name = type(clip.model.vision_model).__name__
    else:
        name = type(getattr(clip.visual, "trunk", clip.visual)).__name__
    if patches is None:
        return f"{name} without patches: masked at the pixels, on a 7×7 grid by default"
    grid = f"{patches.grid[0]}×{patches.grid[1]} patches of {patches.size[0]}×{patches.size[1]} pixels"
    if patches.apart:
        return f"{name}, {grid}: embedded once per image, masked at the embeddings"
    return f"{name}, {grid}, overlapping or mixed: masked at the pixels"


def _text(clip: Any) -> str:
    if isinstance(clip, TransformersEncoder):
        kind = "causal" if clip.is_causal else "not causal, padding visible"
        return f"{type(clip.model.text_model).__name__}, {kind}, up to {clip.context_length} tokens"
    text = getattr(clip, "text", None)
    if isinstance(text, HFTextEncoder):
        padding_of(text)
        pooler = type(text.pooler).__name__  # pyright: ignore[reportOptionalMemberAccess]
        return f"{type(text.transformer).__name__} (transformers), padding hidden, {pooler}"  # pyright: ignore[reportOptionalMemberAccess]
    text = plain_transformer(clip)
    kind = "causal" if text.attn_mask is not None else "not causal, padding visible"
    pooling = pool_type(text)
    pooled = "its class token" if has_class_token(text) else {"argmax": "eos"}.get(pooling, pooling)
    return f"transformer, {kind}, pooled at {pooled}, up to {text.context_length} tokens"
