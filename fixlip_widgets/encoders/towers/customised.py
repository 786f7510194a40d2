"""Find modules that behave otherwise than their class: with hooks, a forward of their own, or overridden methods.

Towers run some modules in part or as a copy. A hook on such a module, or a forward that replaces its class's, would be
skipped or would see other inputs. These modules are run whole instead, or their model is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from fixlip_widgets.encoders.towers.transformers_model import TransformersEncoder

_LIBRARIES = ("open_clip", "timm", "transformers", "torch", "fixlip_widgets")
_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
_IMAGE = {
    True: ("model.vision_model", "model.vision_model.embeddings", "model.vision_model.embeddings.patch_embedding"),
    False: ("visual", "visual.conv1", "visual.trunk", "visual.trunk.patch_embed", "visual.trunk.patch_embed.proj"),
}


def is_customised(module: nn.Module) -> bool:
    """Return whether a module has forward hooks, or methods other than those of its library's class."""
    return any(getattr(module, hooks, None) for hooks in _HOOKS) or overrides(module) != ()


def overrides(module: nn.Module) -> tuple[str, ...]:
    """Return the names of methods that an instance, or a class from outside the libraries, replaces."""
    kind = type(module)
    names = {name for name, value in vars(module).items() if callable(value) and _is_method(kind, name)}
    names.discard("_compiled_call_impl")
    outside = [each for each in kind.__mro__ if each.__module__.partition(".")[0] not in _LIBRARIES]
    inside = next((each for each in kind.__mro__ if each not in outside), object)
    for each in outside:
        names |= {name for name in vars(each) if not name.startswith("__") and _is_method(inside, name)}
    return tuple(sorted(names))


def _is_method(kind: type, name: str) -> bool:
    return isinstance(getattr(kind, name, None), Callable)


def image_customisation(clip: Any) -> str | None:
    """Return the path of a customised module of the image encoder that towers run in part, or ``None``."""
    wrapped = isinstance(clip, TransformersEncoder)
    if (top := clip.model if wrapped else clip) and {"encode_image", "get_image_features"} & set(overrides(top)):
        return "encode_image"
    return _first(clip, _IMAGE[wrapped])


def text_customisation(clip: Any) -> str | None:
    """Return the path of a customised module of the text encoder that towers run in part, or ``None``."""
    wrapped = isinstance(clip, TransformersEncoder)
    if (top := clip.model if wrapped else clip) and {"encode_text", "get_text_features"} & set(overrides(top)):
        return "encode_text"
    return None if wrapped else _first(clip, ("text",))


def customisations(clip: Any) -> tuple[str | None, str | None]:
    """Return the results of :func:`image_customisation` and :func:`text_customisation`."""
    return image_customisation(clip), text_customisation(clip)


def _first(clip: nn.Module, paths: tuple[str, ...]) -> str | None:
    for path in paths:
        module: Any = clip
        for name in path.split("."):
            module = getattr(module, name, None)
        if isinstance(module, nn.Module) and is_customised(module):
            return path
    return None
