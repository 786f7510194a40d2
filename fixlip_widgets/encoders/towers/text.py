"""Text towers: a removed token is hidden by the attention mask in every layer; it is not deleted, positions stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fixlip_widgets.encoders.towers.hf_text import HuggingFaceTextTower
from fixlip_widgets.encoders.towers.one_position import state_at
from fixlip_widgets.encoders.towers.pieces import pieces
from fixlip_widgets.encoders.towers.transformers_model import TransformersEncoder, TransformersTextTower
from fixlip_widgets.errors import ModelError
from fixlip_widgets.support.open_clip import open_clip

HFTextEncoder: Any = open_clip.hf_model.HFTextEncoder  # pyright: ignore[reportAttributeAccessIssue]


@dataclass(frozen=True)
class TextParts:
    """The pieces of an open_clip transformer text encoder, wherever its model keeps them."""

    token_embedding: nn.Module
    positional_embedding: Tensor
    transformer: nn.Module
    ln_final: nn.Module
    text_projection: Any
    attn_mask: Tensor | None
    cls_emb: Tensor | None
    pool_type: str
    eos_id: int
    heads: int
    context_length: int
    embeds: Any

    @classmethod
    def of(cls, clip: Any) -> TextParts:
        """Find them in a model.

        Raises:
            ModelError: The text encoder is not a plain open_clip transformer that pools at a single token.
        """
        text = getattr(clip, "text", clip)
        needed = ("token_embedding", "positional_embedding", "transformer", "ln_final", "text_projection")
        if not all(hasattr(text, name) for name in needed) or not hasattr(text.transformer, "resblocks"):
            raise ModelError(
                f"The text encoder {type(text).__name__} is not supported: its layers do not take an attention mask "
                "from outside. Use a model with an open_clip transformer or a transformers text encoder, such as "
                "ViT-B-32 or xlm-roberta-base-ViT-B-32."
            )
        cls_emb, pool_type = getattr(text, "cls_emb", None), getattr(text, "pool_type", None) or clip.text_pool_type
        if cls_emb is None and pool_type not in ("first", "last", "argmax", "eos"):
            raise ModelError(f"The text encoder pools by {pool_type!r}; one that pools at a single token is needed.")
        return cls(
            *(getattr(text, name) for name in needed),
            attn_mask=text.attn_mask,
            cls_emb=cls_emb,
            pool_type=pool_type,
            eos_id=getattr(text, "eos_id", None) or clip.text_eos_id,
            heads=text.transformer.resblocks[0].attn.num_heads,
            context_length=text.context_length,
            embeds=getattr(text, "_embeds", None),
        )

    def embed(self, ids: Tensor) -> tuple[Tensor, Tensor | None]:
        """(context,) ids to (length, D) embeddings, positions included, and the (length, length) additive mask.

        A class token, if there is one, comes last; padding is hidden where the model hides it.
        """
        if self.embeds is not None:
            tokens, mask = self.embeds(ids[None])
            return tokens[0], mask if mask is None or mask.ndim == 2 else mask[0]
        embedded: Tensor = self.token_embedding(ids)
        return embedded + self.positional_embedding[: len(ids)].to(embedded.dtype), self.attn_mask

    def pooled_at(self, ids: Tensor, length: int) -> int:
        """The position whose state becomes the embedding."""
        if self.cls_emb is not None or self.pool_type == "last":
            return length - 1
        if self.pool_type == "first":
            return 0
        if self.pool_type == "argmax":
            return int(ids.argmax())
        return int((ids == self.eos_id).int().argmax())


class TextTower:
    """Encodes masked versions of one caption with an open_clip transformer, with or without a class token.

    Positions that the pooled one cannot see, directly or through others, are left out: for CLIP all behind the end
    token, for SigLIP none.
    """

    def __init__(self, clip: Any, ids: Tensor, players: Tensor, owners: Tensor) -> None:
        """``ids``: (context,) token ids; ``players``: (k,) positions that masks switch; ``owners``: (k,) whose."""
        self._parts = parts = TextParts.of(clip)
        tokens, mask = parts.embed(ids)
        pooled = parts.pooled_at(ids, len(tokens))
        seen = _seen_from(pooled, mask, len(tokens)).to(ids.device)
        place = torch.full((len(tokens),), -1, device=ids.device)
        place[seen] = torch.arange(len(seen), device=ids.device)
        matters = place[players] >= 0
        self.players, self.owners = place[players][matters], owners[matters]
        self.n_players, self._pooled = int(owners.max()) + 1, int(place[pooled])
        self._tokens = tokens[seen]
        self._mask = None if mask is None else mask[seen][:, seen].to(tokens.dtype)

    def encode(self, masks: Tensor) -> Tensor:
        """(m, n_players) bool masks, True = kept, to (m, d) unit-norm embeddings."""
        features = [self._features(some) for some in pieces(masks, self._tokens)]
        return F.normalize(torch.cat(features).float(), dim=-1)

    def _features(self, masks: Tensor) -> Tensor:
        parts, count, length = self._parts, len(masks), len(self._tokens)
        keep = torch.ones(count, length, dtype=torch.bool, device=masks.device)
        keep[:, self.players] = masks[:, self.owners]
        hidden = torch.zeros(keep.shape, dtype=self._tokens.dtype, device=masks.device)
        hidden.masked_fill_(~keep, float("-inf"))
        attention = hidden[:, None, :].expand(count, length, length)
        if self._mask is not None:
            attention = attention + self._mask
        attention = attention.repeat_interleave(parts.heads, dim=0)
        tokens = self._tokens.expand(count, -1, -1)
        pooled: Tensor = parts.ln_final(state_at(parts.transformer, tokens, self._pooled, attention)[:, 0])
        projection = parts.text_projection
        if isinstance(projection, nn.Module):
            pooled = projection(pooled)
        elif projection is not None:
            pooled = pooled @ projection
        return pooled


AnyTextTower = TextTower | HuggingFaceTextTower | TransformersTextTower


def _seen_from(position: int, mask: Tensor | None, length: int) -> Tensor:
    """Positions that can influence ``position`` through any number of layers, ascending."""
    if mask is None:
        return torch.arange(length)
    visible = mask.cpu() == 0
    seen = torch.zeros(length, dtype=torch.bool)
    seen[position] = True
    while not torch.equal(seen, wider := seen | visible[seen].any(dim=0)):
        seen = wider
    return seen.nonzero()[:, 0]


def text_tower(clip: Any, ids: Tensor, players: Tensor, owners: Tensor | None = None) -> AnyTextTower:
    """The tower for what the text encoder is.

    Args:
        clip: The model.
        ids: (context,) token ids of the whole context.
        players: (k,) positions that masks switch.
        owners: (k,) the player of each; by default each is one.

    Raises:
        ModelError: The text encoder is of a kind that is not supported, or has no such tokens.
    """
    vocabulary = max((each.num_embeddings for each in clip.modules() if isinstance(each, nn.Embedding)), default=0)
    if (largest := int(ids.max())) >= vocabulary > 0:
        raise ModelError(
            f"The tokenizer gives token {largest:,}, but the model's vocabulary has {vocabulary:,} tokens, numbered "
            "from 0: it is another model's. Name the right one: hf_tokenizer_name in the config, or the processor."
        )
    owners = torch.arange(len(players), device=players.device) if owners is None else owners
    if isinstance(clip, TransformersEncoder):
        return TransformersTextTower(clip, ids, players, owners)
    if isinstance(getattr(clip, "text", None), HFTextEncoder):
        return HuggingFaceTextTower(clip, ids, players, owners)
    return TextTower(clip, ids, players, owners)
