"""Run a model from an intermediate result, with a copy in which a few modules are replaced."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, nn


class PassThrough(nn.Module):
    """Replacement of a module that returns its input; other attributes are those of the original."""

    def __init__(self, original: nn.Module) -> None:
        super().__init__()
        self.original = original

    def forward(self, value: Tensor, *_: Any, **__: Any) -> Tensor:
        """Return ``value``; other arguments are ignored."""
        return value

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("original"), name)


def with_replaced(module: nn.Module, replacements: dict[str, nn.Module]) -> Any:
    """Return a copy of ``module`` with the submodules at some paths (``"trunk.patch_embed"``) replaced.

    Only the modules on the way to the replaced ones are copied, shallowly: weights are shared, and a copy takes
    microseconds. Every run can have its own, which makes towers thread-safe.
    """
    duplicate = copy.copy(module)
    children = duplicate.__dict__["_modules"] = dict(module.__dict__["_modules"])
    nested: dict[str, dict[str, nn.Module]] = {}
    for path, replacement in replacements.items():
        name, _, rest = path.partition(".")
        if rest:
            nested.setdefault(name, {})[rest] = replacement
        else:
            children[name] = replacement
            duplicate.__dict__.pop(name, None)  # an optional module that was None may be a plain attribute
    for name, inner in nested.items():
        children[name] = with_replaced(module.get_submodule(name), inner)
    return duplicate
