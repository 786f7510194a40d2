"""Compare a weights file with a model before it is loaded, and adapt what other projects write."""

from __future__ import annotations

import math
import re
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from fixlip_widgets.errors import ModelError

OPENAI_EXTRAS = ("input_resolution", "context_length", "vocab_size")
"""Entries of the state dicts of OpenAI's archives that are settings, not weights."""
_LONG_CLIP = "positional_embedding_res"
"""Entry of Long-CLIP's state dicts, whose models are fine-tuned ones of OpenAI."""
_NAMED = 5


def shapes_in(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of a weights file, without reading the tensors."""
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as stream:
            names = stream.keys()
            return {name.removeprefix("module."): tuple(stream.get_slice(name).get_shape()) for name in names}
    stored: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    state: Any = stored.get("state_dict", stored) if isinstance(stored, dict) else {}
    return {
        str(name).removeprefix("module."): tuple(value.shape)
        for name, value in state.items()
        if isinstance(value, Tensor)
    }


def has_quick_gelu(path: Path) -> bool:
    """Return whether a file is known to use QuickGELU: from one of OpenAI's archives, or of Long-CLIP."""
    try:
        names = set(shapes_in(path))
        return set(OPENAI_EXTRAS) <= names or _LONG_CLIP in names
    except (OSError, RuntimeError, SafetensorError, UnpicklingError):
        return False  # the error of loading the file has the reason


def check_sizes(clip: nn.Module, shapes: dict[str, tuple[int, ...]], path: Path, *, resize: bool) -> None:
    """Raise ModelError if position embeddings would be resampled; those of images may be if ``resize``."""
    own = {name: tuple(value.shape) for name, value in clip.state_dict().items()}
    for name, given in shapes.items():
        name = name if name in own else f"text.{name}"
        if not name.endswith(("positional_embedding", "pos_embed")) or name not in own or own[name] == given:
            continue
        if not name.startswith("visual."):
            raise ModelError(
                f"The weights in {path} have {given[-2]} text positions, but the model has {own[name][-2]}: they would "
                f"be resampled. Set context_length to {given[-2]} in text_cfg of the config."
            )
        size: Any = clip.visual.image_size  # pyright: ignore[reportAttributeAccessIssue]
        patches, extra = _square(own[name][-2])
        if not resize and patches:
            side = round(size[0] * math.isqrt(given[-2] - extra) / patches)
            raise ModelError(
                f"The weights in {path} are for images of {side}×{side} pixels, but the model reads {size[0]}×"
                f"{size[1]}: their positions would be resampled. Pass image_size={side} (image_size in vision_cfg of "
                f"a config), or image_size={size[0]} to resample them."
            )


def _square(positions: int) -> tuple[int, int]:
    """Return the side of a square of patches, and the number of positions before it (0 or 1)."""
    for extra in (0, 1):
        if math.isqrt(positions - extra) ** 2 == positions - extra:
            return math.isqrt(positions - extra), extra
    return 0, 0


def adapt_on_load(clip: nn.Module) -> None:
    """Let the next ``load_state_dict`` accept OpenAI's extra entries and Long-CLIP's two parts of the positions."""

    def adapt(_: nn.Module, state: dict[str, Any], prefix: str, *__: Any) -> None:
        for name in OPENAI_EXTRAS:
            state.pop(prefix + name, None)
        for stem in (prefix, f"{prefix}text."):
            rest = state.pop(stem + _LONG_CLIP, None)
            if rest is not None:  # Long-CLIP keeps the first 20 positions of CLIP and stretches the others
                name = f"{stem}positional_embedding"
                state[name] = torch.cat([state[name][:20], rest[20:]])
            for mask in ("mask1", "mask2"):
                state.pop(stem + mask, None)
        handle.remove()

    handle = clip.register_load_state_dict_pre_hook(adapt)


def misfit(error: BaseException) -> str:
    """Return the reason of a failed ``load_state_dict``: the first five names of each kind and the number of others."""
    reasons = [line.strip() for line in str(error).splitlines()[1:] if line.strip()]
    if not reasons:
        return (str(error).splitlines() or ["it contains no weights"])[-1].strip()[:300]
    kinds = [reason for reason in reasons if not reason.startswith("size mismatch")]
    sizes = [reason for reason in reasons if reason.startswith("size mismatch")]
    parts: list[str] = []
    for kind in kinds:
        names = re.findall(r'"([^"]+)"', kind)
        parts.append(f"{kind.partition(':')[0]}: {_some(names)}" if names else kind[:300])
    if sizes:
        names = [size.removeprefix("size mismatch for ").partition(":")[0] for size in sizes]
        parts.append(f"{_first_size(sizes[0])}; sizes differ in {_some(names)}")
    return ". ".join(parts) + "."


def _first_size(line: str) -> str:
    return line.replace("copying a param with shape ", "").replace("torch.Size", "")[:200].rstrip(".")


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


_QUANTISED = ("torch.ao.nn.quantized", "torch.nn.quantized")


def check_weights(model: nn.Module) -> None:
    """Check that a model's weights are in memory, and that its layers do not quantise their inputs.

    Raises:
        ModelError: Weights are on the meta device, or a layer quantises its inputs by the range of the whole batch.
    """
    if any(weight.is_meta for weight in model.parameters()):
        raise ModelError(
            "Some of the model's weights are on the meta device: they were offloaded, or never loaded. Load the whole "
            "model on one device, without offloading."
        )
    for name, module in model.named_modules():
        if type(module).__module__.startswith(_QUANTISED):
            raise ModelError(
                f"The layer {name} quantises its inputs by the range of the whole batch, so that the value of a mask "
                "would depend on the other masks. Pass the model before its quantisation, or use precision='bfloat16'."
            )
