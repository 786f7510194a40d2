"""Running the rest of a model from the middle: a twin shares every module but a few, whose results are given."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, nn


class Given(nn.Module):
    """Stands where a module stood: returns what it is given; every other attribute is still the module's."""

    def __init__(self, original: nn.Module) -> None:
        super().__init__()
        self.original = original

    def forward(self, given: Tensor, *_: Any, **__: Any) -> Tensor:
        """``given``, whatever else the module would have been told."""
        return given

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("original"), name)


def twin(module: nn.Module, replaced: dict[str, nn.Module]) -> Any:
    """``module`` with the submodules at some paths (``"trunk.patch_embed"``) replaced; ``module`` itself stays as is.

    Only the modules on the way to the replaced ones are copied, and only shallowly: weights are shared, and making a
    twin costs microseconds, so every run can have its own and towers stay safe to use from several threads.
    """
    double = copy.copy(module)
    children = double.__dict__["_modules"] = dict(module.__dict__["_modules"])
    below: dict[str, dict[str, nn.Module]] = {}
    for path, replacement in replaced.items():
        name, _, rest = path.partition(".")
        if rest:
            below.setdefault(name, {})[rest] = replacement
        else:
            children[name] = replacement
            double.__dict__.pop(name, None)  # an optional module that was None may be a plain attribute
    for name, inner in below.items():
        children[name] = twin(module.get_submodule(name), inner)
    return double
