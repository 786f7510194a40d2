"""Identify a model's weights: a hash of all values, and a quick state that shows whether they have changed."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Hashable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from fixlip_widgets.encoders.towers.customised import customisations

_SAMPLES = 64
"""Least number of values per tensor that the state contains."""
_TEMPORARY = ("fixlip_widgets", "transformers")
"""Packages whose hooks only record activations; this one's are removed after use, also in other threads."""
_MODULE_ATTRIBUTES = frozenset(vars(nn.Module())) | {"fused_attn", "_output_capturing_hooks_installed"}
"""Attributes that are no switches: timm's choice of an attention function, and a note that transformers makes in the
first call that returns hidden states, do not change the result."""


def weights_state(clip: nn.Module) -> Hashable:
    """Return a value that changes with the weights, with switches such as an active adapter, and with customisations.

    It takes milliseconds. Version counters record changes in place, except through ``.data``; the sampled values record
    those and replaced tensors, unless fewer values than a row of a matrix changed. Values that are moved to another
    device and back keep their state.
    """
    tensors = [tensor for _, tensor in _tensors(clip)]
    versions = tuple(0 if tensor.is_inference() else tensor._version for tensor in tensors)
    return versions, _samples(tensors), tuple(_behaviour(module) for module in clip.modules()), customisations(clip)


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
            groups[tensor.device, tensor.dtype].append(values[:: _step(tensor)])
    chosen = [torch.cat(group).cpu().contiguous().view(torch.uint8) for group in groups.values()]
    return hash(b"".join(each.numpy().tobytes() for each in chosen))


def _step(tensor: Tensor) -> int:
    """Return a step through a tensor's values that meets each row, in different columns."""
    step, row = -(-tensor.numel() // _SAMPLES), tensor.numel() // len(tensor) if tensor.ndim else 1
    if row == 1:
        return step
    step = min(step, row + 1)
    while math.gcd(step, row) > 1:
        step -= 1
    return step


def _behaviour(module: nn.Module) -> Hashable:
    """Return a value that changes with a module's class, hooks, replaced methods and switches."""
    hooks = [hook for kind in ("_forward_hooks", "_forward_pre_hooks") for hook in getattr(module, kind).items()]
    lasting = tuple(number for number, hook in hooks if not str(getattr(hook, "__module__", "")).startswith(_TEMPORARY))
    replaced = tuple((name, id(value)) for name, value in vars(module).items() if callable(value))
    return type(module).__qualname__, lasting, replaced, _switches(module)


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
