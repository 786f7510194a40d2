"""Identify a model's weights: a hash of all values, and a quick state that shows whether they have changed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from fixlip_widgets.encoders.towers.customised import customisations

_SAMPLES = 64
"""Number of values per tensor that the state contains."""
_MODULE_ATTRIBUTES = frozenset(vars(nn.Module())) | {"fused_attn"}
"""Attributes that are no switches; timm's choice of an attention function does not change the result."""


def weights_state(clip: nn.Module) -> Hashable:
    """Return a value that changes with the weights, with switches such as an active adapter, and with customisations.

    It takes milliseconds. Version counters record changes in place, except through ``.data``; the sampled values record
    those and replaced tensors. Values that are moved to another device and back keep their state.
    """
    tensors = [tensor for _, tensor in _tensors(clip)]
    versions = tuple(0 if tensor.is_inference() else tensor._version for tensor in tensors)
    switches = tuple(_switches(module) for module in clip.modules())
    return versions, _samples(tensors), switches, customisations(clip)


def weights_hash(clip: nn.Module) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 hash of all weights, quantised ones included."""
    digest = hashlib.sha256()
    for name, value in sorted(clip.state_dict().items()):
        digest.update(name.encode())
        digest.update(_content(value))
    return digest.hexdigest()[:16]


def _content(value: Any) -> bytes:
    """Return the bytes of an entry of a state dict; quantised modules add entries that are not tensors."""
    if isinstance(value, (tuple, list)):
        parts: Any = value
        return b"".join(_content(part) for part in parts)
    if not isinstance(value, Tensor):
        return repr(value).encode()
    tensor = value.detach()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if not tensor.ndim:
        return str(float(tensor)).encode()
    return tensor.cpu().contiguous().view(torch.uint8).numpy().tobytes()


def _tensors(clip: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the weights with their names; unlike ``state_dict``, without copies."""
    yield from clip.named_parameters()
    yield from clip.named_buffers()


def _samples(tensors: list[Tensor]) -> int:
    """Return a hash of a few values of each tensor; each device is read once per dtype."""
    groups: dict[tuple[torch.device, torch.dtype], list[Tensor]] = defaultdict(list)
    for tensor in tensors:
        if not tensor.is_meta and not tensor.is_quantized and tensor.numel():
            values = tensor.detach().reshape(-1)
            groups[tensor.device, tensor.dtype].append(values[:: -(-len(values) // _SAMPLES)])
    chosen = [torch.cat(group).cpu().contiguous().view(torch.uint8) for group in groups.values()]
    return hash(b"".join(each.numpy().tobytes() for each in chosen))


def _switches(module: nn.Module) -> str:
    """Return a module's own settings other than tensors, numbers of calls and training mode."""
    found = {name: value for name, value in vars(module).items() if name not in _MODULE_ATTRIBUTES and _is_plain(value)}
    return repr(found) if found else ""


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        entries: Any = value.values()
        return all(isinstance(each, (bool, int, float, str)) for each in entries)
    if isinstance(value, (list, tuple, set)):
        elements: Any = value
        return all(isinstance(each, (bool, float, str)) for each in elements)
    return isinstance(value, (bool, float, str))
