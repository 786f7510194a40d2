"""Recording of a tower's attention, computed explicitly so that its weights can be differentiated.

Towers compute attention in fused kernels that do not return the weights. While an :class:`AttentionRecorder` is active,
PyTorch redirects both of its attention functions to it, and it computes the same results step by step and records them.
This works for every kind of tower, independently of its classes.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from fixlip_widgets.errors import ModelError

_UNUSUAL = ("bias_k", "bias_v", "key_padding_mask", "static_k", "static_v")


@dataclass(frozen=True)
class Attention:
    """One attention operation on one masked input.

    Attributes:
        queries: (heads, n_queries, width).
        keys, values: (heads, n_keys, width).
        weights: (1, heads, n_queries, n_keys), rows sum to 1; part of the autograd graph.
        output: (1, heads, n_queries, width) ``weights @ values``, the input of the output projection; part of the
            autograd graph.
    """

    queries: Tensor
    keys: Tensor
    values: Tensor
    weights: Tensor
    output: Tensor

    @property
    def is_self_attention(self) -> bool:
        """Whether there are as many queries as keys."""
        return self.weights.shape[-2] == self.weights.shape[-1]


class AttentionRecorder(TorchFunctionMode):
    """Context manager that computes every attention explicitly and records it, in the order of the layers.

    Attributes:
        attentions: Attentions recorded so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.attentions: list[Attention] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is F.scaled_dot_product_attention:
            return self._scaled_dot_product(*args, **(kwargs or {}))
        if func is F.multi_head_attention_forward:
            return self._multi_head(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _scaled_dot_product(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        if enable_gqa:
            raise _unsupported("shares keys between heads")
        scale = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
        scores = query @ key.transpose(-2, -1) * scale
        if is_causal:
            hidden = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
            scores = scores.masked_fill(hidden, float("-inf"))
        if attn_mask is not None:
            hidden = attn_mask.dtype == torch.bool
            scores = scores.masked_fill(~attn_mask, float("-inf")) if hidden else scores + attn_mask
        weights = scores.softmax(dim=-1)
        if not weights.requires_grad:  # first layer: all later results depend on its weights
            weights.requires_grad_()
        output = weights @ value
        if output.ndim != 4 or len(output) != 1:
            raise _unsupported(f"attends with output shape {tuple(output.shape)}, not over all positions of one input")
        attention = Attention(queries=query[0], keys=key[0], values=value[0], weights=weights, output=output)
        self.attentions.append(attention)
        return output

    def _multi_head(self, *args: Any, **kwargs: Any) -> tuple[Tensor, None]:
        """Compute PyTorch's multi-head attention: sequence first, heads concatenated in the width."""
        call = _SIGNATURE.bind(*args, **kwargs)
        call.apply_defaults()
        arguments = call.arguments
        if arguments["add_zero_attn"] or any(arguments[name] is not None for name in _UNUSUAL):
            raise _unsupported("adds extra keys")
        heads = int(arguments["num_heads"])
        projected = [_split(part, heads) for part in _projected(arguments)]
        mask = arguments["attn_mask"]
        if mask is not None and mask.dtype == torch.bool:
            mask = ~mask  # True hides a key here, but keeps it in _scaled_dot_product
        if mask is not None and mask.ndim == 3:
            mask = mask.view(-1, heads, *mask.shape[1:])
        output = self._scaled_dot_product(*projected, attn_mask=mask)
        together = output.permute(2, 0, 1, 3).flatten(2)
        return F.linear(together, arguments["out_proj_weight"], arguments["out_proj_bias"]), None


_SIGNATURE = inspect.signature(F.multi_head_attention_forward)


def _projected(arguments: dict[str, Any]) -> list[Tensor]:
    """Return the projected queries, keys and values, (length, batch, width) each."""
    if arguments["use_separate_proj_weight"]:
        weights = [arguments[f"{name}_proj_weight"] for name in "qkv"]
    else:
        weights = arguments["in_proj_weight"].chunk(3)
    bias = arguments["in_proj_bias"]
    biases = (None, None, None) if bias is None else bias.chunk(3)
    inputs = (arguments["query"], arguments["key"], arguments["value"])
    return [F.linear(source, weight, shift) for source, weight, shift in zip(inputs, weights, biases, strict=True)]


def _split(projected: Tensor, heads: int) -> Tensor:
    """Reshape (length, batch, width) to (batch, heads, length, width / heads)."""
    length, batch, width = projected.shape
    return projected.view(length, batch, heads, width // heads).permute(1, 2, 0, 3)


def _unsupported(reason: str) -> ModelError:
    return ModelError(
        f"The encoder {reason}; GAME and Grad-ECLIP support plain self-attention only. "
        "Use a vision transformer, or method='banzhaf', which works with every encoder."
    )


@contextmanager
def gradients_of(model: nn.Module) -> Generator[None]:
    """Enable gradients, whatever the caller has set.

    Raises:
        ModelError: The weights were created in inference mode, so PyTorch cannot differentiate functions of them.
    """
    if any(weight.is_inference() for weight in model.parameters()):
        raise ModelError(
            "The model was loaded in torch.inference_mode(), so gradient methods cannot use its weights. Load it "
            "outside of inference mode, or use method='banzhaf'."
        )
    with torch.inference_mode(False), torch.enable_grad():
        yield


@contextmanager
def pytorch_attention(model: nn.Module) -> Generator[None]:
    """Let parts of transformers and timm call PyTorch's attention function, which a recorder can replace.

    Their settings ``attn_implementation``, such as "eager", and ``fused_attn`` are restored afterwards. They do not
    change the result.
    """
    configs: list[Any] = [getattr(module, "config", None) for module in model.modules()]
    before = [(each, each._attn_implementation) for each in configs if hasattr(each, "_attn_implementation")]
    unfused: list[Any] = [module for module in model.modules() if getattr(module, "fused_attn", None) is False]
    try:
        for config, _ in before:
            config._attn_implementation = "sdpa"
        for module in unfused:
            module.fused_attn = True
        yield
    finally:
        for module in unfused:
            module.fused_attn = False
        for config, implementation in before:  # outer configs first, because they overwrite those inside them
            config._attn_implementation = implementation


@dataclass(frozen=True)
class TowerAttention:
    """Embedding and attentions of a tower for one input.

    Attributes:
        embedding: (d,) unit norm, part of the autograd graph.
        layers: Self-attentions, first layer first, all over the same positions.
        pool: Attention that pools the positions, if the tower has one, as SigLIP's image towers do.
    """

    embedding: Tensor
    layers: tuple[Attention, ...]
    pool: Attention | None

    @property
    def length(self) -> int:
        """Number of positions in the sequence."""
        return self.layers[0].weights.shape[-1]


def record_attention(encode: Callable[[Tensor], Tensor], mask: Tensor) -> TowerAttention:
    """Encode one (n,) mask and record the attentions of the tower.

    Raises:
        ModelError: The tower is not a stack of self-attentions over all positions with at most one pooling attention.
    """
    with torch.inference_mode(False), torch.enable_grad(), AttentionRecorder() as recorder:
        embedding = encode(mask[None])[0]
    if not recorder.attentions:
        raise _unsupported("computes no attention with PyTorch's attention functions")
    pool = None if recorder.attentions[-1].is_self_attention else recorder.attentions[-1]
    layers = tuple(recorder.attentions if pool is None else recorder.attentions[:-1])
    if not all(layer.is_self_attention for layer in layers) or len({layer.weights.shape[-1] for layer in layers}) != 1:
        raise _unsupported("does not attend over the same positions in every layer")
    return TowerAttention(embedding, layers, pool)
