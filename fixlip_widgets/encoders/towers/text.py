"""Text towers: the attention mask hides removed tokens in every layer; positions do not change."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fixlip_widgets.encoders.towers.cpu_chunks import chunks
from fixlip_widgets.encoders.towers.customised import text_customisation
from fixlip_widgets.encoders.towers.hf_text import HuggingFaceTextTower
from fixlip_widgets.encoders.towers.pooled_position import state_at
from fixlip_widgets.encoders.towers.transformers_model import TransformersEncoder, TransformersTextTower
from fixlip_widgets.errors import ModelError
from fixlip_widgets.support.open_clip import open_clip

HFTextEncoder: Any = open_clip.hf_model.HFTextEncoder  # pyright: ignore[reportAttributeAccessIssue]


def plain_transformer(clip: Any) -> Any:
    """Return the module that contains a model's open_clip text transformer: ``clip.text`` or the model itself.

    Raises:
        ModelError: The text encoder is not a plain open_clip transformer that pools at a single token.
    """
    text = getattr(clip, "text", clip)
    needed = ("token_embedding", "positional_embedding", "transformer", "ln_final", "text_projection")
    if not all(hasattr(text, name) for name in needed) or not hasattr(text.transformer, "resblocks"):
        raise ModelError(
            f"The text encoder {type(text).__name__} is not supported: its layers do not accept an attention mask. "
            "Use a model with an open_clip transformer or a transformers text encoder, such as ViT-B-32 or "
            "xlm-roberta-base-ViT-B-32."
        )
    if not has_class_token(text) and pool_type(text) not in ("first", "last", "argmax", "eos"):
        raise ModelError(f"The text encoder pools by {pool_type(text)!r}; it must pool at a single token.")
    return text


def has_class_token(text: Any) -> bool:
    """Return whether a text transformer appends a class token, which is then pooled."""
    return getattr(text, "cls_emb", None) is not None


def pool_type(text: Any) -> str:
    """Return open_clip's name of the pooling method of a text transformer."""
    return getattr(text, "pool_type", None) or text.text_pool_type


def _embed(text: Any, ids: Tensor) -> tuple[Tensor, Tensor | None]:
    """Embed (context,) ids; return (length, D) embeddings with positions, and the (length, length) additive mask.

    A class token comes last, if the model has one. The mask hides padding if the model does.
    """
    if hasattr(text, "_embeds"):
        tokens, mask = text._embeds(ids[None])
        return tokens[0], mask if mask is None or mask.ndim == 2 else mask[0]
    embedded: Tensor = text.token_embedding(ids)
    return embedded + text.positional_embedding[: len(ids)].to(embedded.dtype), text.attn_mask


def _pooled_position(text: Any, ids: Tensor, length: int) -> int:
    """Return the position whose state becomes the embedding."""
    pooling = pool_type(text)
    if has_class_token(text) or pooling == "last":
        return length - 1
    if pooling == "first":
        return 0
    if pooling == "argmax":
        return int(ids.argmax())
    end = getattr(text, "eos_id", None) or text.text_eos_id
    return int((ids == end).int().argmax())


class TextTower:
    """Tower of an open_clip text transformer, with or without a class token.

    Positions that cannot influence the pooled one are dropped: for CLIP all after the end token, for SigLIP none.
    """

    def __init__(self, clip: Any, ids: Tensor, players: Tensor, owners: Tensor) -> None:
        """``ids``: (context,); ``players``: (k,) positions that masks hide; ``owners``: (k,) player of each."""
        self._text = text = plain_transformer(clip)
        tokens, mask = _embed(text, ids)
        pooled = _pooled_position(text, ids, len(tokens))
        positions = _influences(pooled, mask, len(tokens)).to(ids.device)
        index = torch.full((len(tokens),), -1, device=ids.device)
        index[positions] = torch.arange(len(positions), device=ids.device)
        matters = index[players] >= 0
        self.players, self.owners = index[players][matters], owners[matters]
        self.n_players, self._pooled = int(owners.max()) + 1, int(index[pooled])
        self._tokens = tokens[positions]
        self._mask = None if mask is None else mask[positions][:, positions].to(tokens.dtype)

    def encode(self, masks: Tensor) -> Tensor:
        """Encode (m, n_players) bool masks, True = kept, into (m, d) unit-norm embeddings."""
        features = [self._features(chunk) for chunk in chunks(masks, self._tokens)]
        return F.normalize(torch.cat(features).float(), dim=-1)

    def _features(self, masks: Tensor) -> Tensor:
        text, count, length = self._text, len(masks), len(self._tokens)
        keep = torch.ones(count, length, dtype=torch.bool, device=masks.device)
        keep[:, self.players] = masks[:, self.owners]
        hidden = torch.zeros(keep.shape, dtype=self._tokens.dtype, device=masks.device)
        hidden.masked_fill_(~keep, float("-inf"))
        attention = hidden[:, None, :].expand(count, length, length)
        if self._mask is not None:
            attention = attention + self._mask
        attention = attention.repeat_interleave(text.transformer.resblocks[0].attn.num_heads, dim=0)
        tokens = self._tokens.expand(count, -1, -1)
        pooled: Tensor = text.ln_final(state_at(text.transformer, tokens, self._pooled, attention)[:, 0])
        projection = text.text_projection
        if isinstance(projection, nn.Module):
            pooled = projection(pooled)
        elif projection is not None:
            pooled = pooled @ projection
        return pooled


AnyTextTower = TextTower | HuggingFaceTextTower | TransformersTextTower


def _influences(position: int, mask: Tensor | None, length: int) -> Tensor:
    """Return the positions that can influence ``position`` through any number of layers, in ascending order."""
    if mask is None:
        return torch.arange(length)
    visible = mask.cpu() == 0
    reached = torch.zeros(length, dtype=torch.bool)
    reached[position] = True
    while not torch.equal(reached, wider := reached | visible[reached].any(dim=0)):
        reached = wider
    return reached.nonzero()[:, 0]


def text_tower(clip: Any, ids: Tensor, players: Tensor, owners: Tensor | None = None) -> AnyTextTower:
    """Return the tower for a model's text encoder.

    Args:
        clip: The model.
        ids: (context,) token ids of the whole context.
        players: (k,) positions that masks hide.
        owners: (k,) player of each position; by default each is a player of its own.

    Raises:
        ModelError: The text encoder is not supported, or a token is not in its vocabulary.
    """
    vocabulary = max((each.num_embeddings for each in clip.modules() if isinstance(each, nn.Embedding)), default=0)
    if (largest := int(ids.max())) >= vocabulary > 0:
        raise ModelError(
            f"The tokenizer gives token {largest:,}, but the model's vocabulary has {vocabulary:,} tokens, numbered "
            "from 0: it belongs to another model. Set hf_tokenizer_name in the config, or pass the model's processor."
        )
    if customised := text_customisation(clip):
        raise ModelError(
            f"The text encoder cannot be masked, because {customised} has hooks or a forward of its own, which running "
            "it in part would skip. Remove them, or register the hooks on its blocks."
        )
    owners = torch.arange(len(players), device=players.device) if owners is None else owners
    if isinstance(clip, TransformersEncoder):
        return TransformersTextTower(clip, ids, players, owners)
    if isinstance(getattr(clip, "text", None), HFTextEncoder):
        return HuggingFaceTextTower(clip, ids, players, owners)
    return TextTower(clip, ids, players, owners)
