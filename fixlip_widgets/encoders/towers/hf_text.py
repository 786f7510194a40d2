"""Transformers text encoders inside open_clip models: RoBERTa, XLM-R, mT5 and others."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fixlip_widgets.errors import ModelError
from fixlip_widgets.support.open_clip import open_clip

MaxPooler: Any = open_clip.hf_model.MaxPooler  # pyright: ignore[reportAttributeAccessIssue]


def padding_of(text: Any) -> int:
    """Return the id of an encoder's padding token.

    Raises:
        ModelError: The padding token is unknown, or the pooling cannot exclude tokens.
    """
    padding = text.config.pad_token_id
    if padding is None or isinstance(text.pooler, MaxPooler):
        raise ModelError(
            f"The text encoder {type(text.transformer).__name__} is not supported: its config must define "
            "pad_token_id, and it must pool by mean or by its class token."
        )
    return int(padding)


class HuggingFaceTextTower:
    """Tower that hides tokens with the encoder's own attention mask, like padding; pooling excludes them too.

    These encoders ignore padding, so the sequence ends with the caption.
    """

    def __init__(self, clip: Any, ids: Tensor, players: Tensor, owners: Tensor) -> None:
        """See :class:`fixlip_widgets.encoders.towers.text.TextTower`.

        Raises:
            ModelError: The padding token is unknown, or the pooling cannot exclude tokens.
        """
        self._text = clip.text
        visible = ids != padding_of(clip.text)
        length = int(visible.nonzero().max()) + 1
        self._ids, self._visible = ids[:length], visible[:length]
        self.players, self.owners, self.n_players = players, owners, int(owners.max()) + 1

    def encode(self, masks: Tensor) -> Tensor:
        """Encode (m, n_players) bool masks, True = kept, into (m, d) unit-norm embeddings."""
        keep = self._visible.repeat(len(masks), 1)
        keep[:, self.players] &= masks[:, self.owners]  # padding tokens in the caption itself stay hidden
        attention = keep.to(torch.long)
        output = self._text.transformer(input_ids=self._ids.expand(len(masks), -1), attention_mask=attention)
        features = self._text.proj(self._text.pooler(output, attention))
        return F.normalize(features.float(), dim=-1)
