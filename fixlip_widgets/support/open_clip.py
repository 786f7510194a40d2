"""The only module that imports open_clip, since torchvision may need help when its build does not match torch's.

A CPU-only torch beside a torchvision built for CUDA cannot load torchvision's operators, and ``import torchvision``
fails where it registers shapes for two of them. open_clip needs only torchvision's transforms, so this module declares
the two operators (calling them still fails), and the import succeeds.
"""

from __future__ import annotations

from importlib import import_module

import torch

_MISSING = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_declared: list[torch.library.Library] = []
"""Keeps the declarations alive."""


def builds_differ() -> bool:
    """Whether torch and torchvision are of different builds, so that ``import torchvision`` alone fails."""
    return bool(_declared)


def _ensure_torchvision() -> None:
    """Import torchvision; declare the operators that it lacks if it cannot be imported otherwise."""
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
