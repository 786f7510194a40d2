"""Text towers: a removed token is hidden by the attention mask in every layer; it is not deleted, positions stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fixlip_widgets._open_clip import open_clip
from fixlip_widgets.errors import ModelError

_POOLED_AT_END = ("argmax", "eos")


@dataclass(frozen=True)
class TextParts:
    """The pieces of an open_clip transformer text encoder, wherever its model keeps them."""

    token_embedding: nn.Module
    positional_embedding: Tensor
    transformer: nn.Module
    ln_final: nn.Module
    text_projection: Any
    attn_mask: Tensor | None
    pool_type: str
    eos_id: int
    heads: int
    context_length: int

    @classmethod
    def of(cls, clip: Any) -> TextParts:
        """Find them in a model.

        Raises:
            ModelError: The text encoder is not a plain open_clip transformer.
        """
        text = getattr(clip, "text", clip)
        needed = ("token_embedding", "positional_embedding", "transformer", "ln_final", "text_projection")
        if not all(hasattr(text, name) for name in needed) or getattr(text, "cls_emb", None) is not None:
            raise ModelError(
                f"The text encoder {type(text).__name__} is not supported yet: its layers do not take an attention "
                "mask from outside. Use a model with an open_clip transformer text encoder, such as ViT-B-32."
            )
        return cls(
            *(getattr(text, name) for name in needed),
            attn_mask=text.attn_mask,
            pool_type=getattr(text, "pool_type", None) or clip.text_pool_type,
            eos_id=getattr(text, "eos_id", None) or clip.text_eos_id,
            heads=text.transformer.resblocks[0].attn.num_heads,
            context_length=text.context_length,
        )


class TextTower:
    """Encodes masked versions of one caption with an open_clip transformer.

    A causal tower that pools at the end token never looks past it, so its sequence is cropped there.
    """

    def __init__(self, clip: nn.Module, ids: Tensor, players: Tensor) -> None:
        """``ids``: (length,) token ids of the whole context; ``players``: (n,) positions that masks switch."""
        self._parts = parts = TextParts.of(clip)
        causal = parts.attn_mask is not None
        if causal and parts.pool_type in _POOLED_AT_END:
            end = int(ids.argmax()) if parts.pool_type == "argmax" else int((ids == parts.eos_id).int().argmax())
            ids = ids[: end + 1]
        self._ids, self._players, self.n_players = ids, players, len(players)
        with torch.inference_mode():
            embedded: Tensor = parts.token_embedding(ids)
            self._tokens = embedded + parts.positional_embedding[: len(ids)].to(embedded.dtype)
            self._causal = parts.attn_mask[: len(ids), : len(ids)].to(embedded.dtype) if causal else None  # pyright: ignore[reportOptionalSubscript]

    def encode(self, masks: Tensor) -> Tensor:
        """(m, n_players) bool masks, True = kept, to (m, d) unit-norm embeddings."""
        parts, count, length = self._parts, len(masks), len(self._ids)
        keep = torch.ones(count, length, dtype=torch.bool, device=masks.device)
        keep[:, self._players] = masks
        hidden = torch.zeros(keep.shape, dtype=self._tokens.dtype, device=masks.device)
        hidden.masked_fill_(~keep, float("-inf"))
        attention = hidden[:, None, :].expand(count, length, length)
        if self._causal is not None:
            attention = attention + self._causal
        states = parts.transformer(
            self._tokens.expand(count, -1, -1), attn_mask=attention.repeat_interleave(parts.heads, dim=0)
        )
        ids = self._ids.expand(count, -1)
        pool: Any = open_clip.transformer.text_global_pool  # pyright: ignore[reportAttributeAccessIssue]
        pooled: Tensor = pool(parts.ln_final(states), ids, parts.pool_type, eos_token_id=parts.eos_id)
        projection = parts.text_projection
        if isinstance(projection, nn.Module):
            pooled = projection(pooled)
        elif projection is not None:
            pooled = pooled @ projection
        return F.normalize(pooled.float(), dim=-1)
