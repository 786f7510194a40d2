"""Text encoders from transformers inside an open_clip model: RoBERTa, XLM-R, mT5 and others."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fixlip_widgets.errors import ModelError
from fixlip_widgets.support.open_clip import open_clip

MaxPooler: Any = open_clip.hf_model.MaxPooler  # pyright: ignore[reportAttributeAccessIssue]


def padding_of(text: Any) -> int:
    """The id of the token that an encoder takes for padding.

    Raises:
        ModelError: It is unknown, or the encoder pools in a way that cannot leave tokens out.
    """
    padding = text.config.pad_token_id
    if padding is None or isinstance(text.pooler, MaxPooler):
        raise ModelError(
            f"The text encoder {type(text.transformer).__name__} is not supported: its config must say which token is "
            "padding, and it must pool by mean or by its class token."
        )
    return int(padding)


class HuggingFaceTextTower:
    """Hides tokens with the encoder's own attention mask, as it hides padding; pooling leaves them out likewise.

    Padding is hidden from these encoders, so the sequence ends with the caption.
    """

    def __init__(self, clip: Any, ids: Tensor, players: Tensor, owners: Tensor) -> None:
        """As :class:`fixlip_widgets.encoders.towers.text.TextTower`.

        Raises:
            ModelError: The encoder's padding is unknown, or it pools in a way that cannot leave tokens out.
        """
        self._text = clip.text
        visible = ids != padding_of(clip.text)
        length = int(visible.nonzero().max()) + 1
        self._ids, self._visible = ids[:length], visible[:length]
        self.players, self.owners, self.n_players = players, owners, int(owners.max()) + 1

    def encode(self, masks: Tensor) -> Tensor:
        """(m, n_players) bool masks, True = kept, to (m, d) unit-norm embeddings."""
        keep = self._visible.repeat(len(masks), 1)
        keep[:, self.players] &= masks[:, self.owners]  # a caption may name the padding, which stays hidden
        attention = keep.to(torch.long)
        output = self._text.transformer(input_ids=self._ids.expand(len(masks), -1), attention_mask=attention)
        features = self._text.proj(self._text.pooler(output, attention))
        return F.normalize(features.float(), dim=-1)
