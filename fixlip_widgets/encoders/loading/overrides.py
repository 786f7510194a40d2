"""Settings of a model that its config or weights do not record, passed by the user."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from fixlip_widgets.errors import InputError

_SIGLIP = {"mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bicubic", "resize_mode": "squash"}
"""Preprocessing of all of open_clip's SigLIP weights."""


class Overrides(NamedTuple):
    """Arguments of :func:`fixlip_widgets.load_model` that replace settings of a config.

    Attributes:
        quick_gelu: Whether the activation is QuickGELU.
        image_size: Side of the images, in pixels.
        preprocess: Settings of the preprocessing.
    """

    quick_gelu: bool | None = None
    image_size: int | None = None
    preprocess: dict[str, Any] | None = None

    def applied(self, config: dict[str, Any]) -> dict[str, Any]:
        """Return a copy of an open_clip config with these settings."""
        config = copy.deepcopy(config)
        model_cfg = config.get("model_cfg", config)
        if self.quick_gelu is not None:
            model_cfg["quick_gelu"] = bool(self.quick_gelu)
        if self.image_size is not None:
            model_cfg["vision_cfg"]["image_size"] = self.image_size
        return config


NONE = Overrides()


def check_image_size(size: object) -> None:
    """Raise InputError unless ``size`` is None or a positive integer."""
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise InputError(f"image_size is {size!r}; it must be the side of the images in pixels, such as 224.")


def inferred_preprocessing(model_cfg: dict[str, Any]) -> dict[str, Any]:
    """Return the preprocessing that a config without one implies: a logit bias is SigLIP's."""
    return dict(_SIGLIP) if "init_logit_bias" in model_cfg else {}
