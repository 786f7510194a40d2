"""A transformer of open_clip whose output is read at one position: the last block need not compute the others."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from fixlip_widgets.encoders.towers.stand_in import twin
from fixlip_widgets.support.open_clip import open_clip

_transformer: Any = open_clip.transformer  # pyright: ignore[reportAttributeAccessIssue]


def state_at(transformer: Any, tokens: Tensor, position: int, attention_mask: Tensor | None = None) -> Tensor:
    """The state of one position after all blocks.

    The last block needs every position's key and value, but only that position's query, projection and MLP: of the
    products of a layer of width D, 2 D² a position remain of 12 D². The result is the same. Where gradients are
    recorded the block runs whole, for those who look into it.

    Args:
        transformer: open_clip's ``Transformer``, or another one with ``resblocks``, which then runs whole.
        tokens: (m, n, D) what enters it.
        position: Where its output is read.
        attention_mask: (m · heads, n, n) added to the attention scores.

    Returns:
        (m, 1, D).
    """
    here, blocks = slice(position, position + 1), transformer.resblocks
    last = blocks[-1]
    plain = type(transformer) is _transformer.Transformer and type(last) is _transformer.ResidualAttentionBlock
    if not plain or not transformer.batch_first or torch.is_grad_enabled():
        return transformer(tokens, attn_mask=attention_mask)[:, here]
    states = twin(transformer, {"resblocks": blocks[:-1]})(tokens, attn_mask=attention_mask)
    # A block attends to other states than its own where it has a normalisation for those; here it is the same one.
    # torch compiles a module's own call and leaves that out of copies, so a compiled last block runs plainly here.
    reader = twin(last, {"ln_1_kv": last.ln_1})
    return reader(states[:, here], states, states, None if attention_mask is None else attention_mask[:, here])
