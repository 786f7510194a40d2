"""Run an open_clip transformer whose output is read at one position, which the last block alone computes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from fixlip_widgets.encoders.towers.customised import is_customised
from fixlip_widgets.encoders.towers.replaced_modules import with_replaced
from fixlip_widgets.support.open_clip import open_clip

_transformer: Any = open_clip.transformer  # pyright: ignore[reportAttributeAccessIssue]


def state_at(transformer: Any, tokens: Tensor, position: int, attention_mask: Tensor | None = None) -> Tensor:
    """Return the state of one position after all blocks.

    The last block needs the keys and values of all positions, but the query, projection and MLP of only one: in a layer
    of width D, 2 D² of the 12 D² products per position remain. The result is the same. If gradients are recorded, the
    block computes all positions, for methods that read its activations.

    Args:
        transformer: open_clip's ``Transformer``; any other one with ``resblocks``, or one with hooks,
            computes all positions.
        tokens: (m, n, D) input.
        position: Position of the output to return.
        attention_mask: (m · heads, n, n) mask that is added to the attention scores.

    Returns:
        (m, 1, D).
    """
    here, blocks = slice(position, position + 1), transformer.resblocks
    last = blocks[-1]
    plain = type(transformer) is _transformer.Transformer and type(last) is _transformer.ResidualAttentionBlock
    customised = is_customised(transformer) or is_customised(last)
    if not plain or customised or not transformer.batch_first or torch.is_grad_enabled():
        return transformer(tokens, attn_mask=attention_mask)[:, here]
    states = with_replaced(transformer, {"resblocks": blocks[:-1]})(tokens, attn_mask=attention_mask)
    # With ln_1_kv, a block takes its keys and values from other states than its queries; here the norm is the same.
    # Copies of a compiled module are not compiled, so a compiled last block runs uncompiled here.
    reader = with_replaced(last, {"ln_1_kv": last.ln_1})
    return reader(states[:, here], states, states, None if attention_mask is None else attention_mask[:, here])
