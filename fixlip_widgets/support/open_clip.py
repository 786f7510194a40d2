"""Import of open_clip that also works if the builds of torch and torchvision differ; other modules import it from here.

A CPU-only torch cannot load the operators of a torchvision built for CUDA, and ``import torchvision`` fails when it
registers shapes for two of them. open_clip needs only torchvision's transforms, so this module declares the two
operators. The import then succeeds, although calling the operators still fails.
"""

from __future__ import annotations

from importlib import import_module

import torch

_MISSING = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_declared: list[torch.library.Library] = []
"""References that keep the declarations alive."""


def builds_differ() -> bool:
    """Return whether the builds of torch and torchvision differ, so that ``import torchvision`` alone fails."""
    return bool(_declared)


def _ensure_torchvision() -> None:
    """Import torchvision, declaring its missing operators if necessary."""
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name, schema in _MISSING.items():
            library.define(name + schema)
        _declared.append(library)
        import_module("torchvision")


_ensure_torchvision()

import open_clip  # noqa: E402

__all__ = ["builds_differ", "open_clip"]
