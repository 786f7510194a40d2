"""The one place that imports open_clip: beside a CPU-only torch its import of torchvision may need help.

Package indexes pair a CPU-only torch with a torchvision built for CUDA; its operators then cannot be loaded, and the
import fails where it registers shapes for two of them. open_clip needs torchvision's transforms only, so the two
operators are declared (not defined: calling them still fails) and the import goes through.
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


def _ensure_torchvision() -> None:
    """Import torchvision, declaring the operators it lacks if that is what it takes."""
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

__all__ = ["open_clip"]
