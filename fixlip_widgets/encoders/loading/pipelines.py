"""Describe a model's own preprocessing in open_clip's terms, and check the description on a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torchvision import transforms

from fixlip_widgets.encoders.loading.parts import PreprocessCfg
from fixlip_widgets.errors import ModelError
from fixlip_widgets.support.open_clip import open_clip

Prepare = Callable[[Image.Image], Tensor]
"""From an RGB picture to (3, H, W) normalised pixels."""
_ALLOWED = 0.1
"""Largest difference in a smooth picture with values in [0, 1]; resampling by other libraries differs by less."""


def settings_of(preprocess: Any) -> dict[str, Any]:
    """Return the settings of open_clip's preprocessing, its dict, or a torchvision pipeline with its steps.

    Raises:
        ModelError: ``preprocess`` is of another type, or does not resize and normalise.
    """
    if isinstance(preprocess, dict):
        unknown = set(preprocess) - set(PreprocessCfg.__dataclass_fields__)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        if unknown:
            raise ModelError(
                f"preprocess has the setting {min(unknown)!r}; allowed are "  # pyright: ignore[reportUnknownArgumentType]
                f"{', '.join(PreprocessCfg.__dataclass_fields__)}."
            )
        return dict(preprocess)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(preprocess, PreprocessCfg):
        return dict(vars(preprocess))
    steps: list[Any] = list(getattr(preprocess, "transforms", ()))
    normalise: Any
    resize: Any
    crop: Any
    normalise, resize, crop = (
        next((step for step in steps if isinstance(step, kind)), None)
        for kind in (transforms.Normalize, transforms.Resize, transforms.CenterCrop)
    )
    if normalise is None or resize is None:
        raise ModelError(
            f"preprocess is a {type(preprocess).__name__}; pass open_clip's validation preprocessing, a torchvision "
            "pipeline that resizes and normalises, or a dict, such as {'resize_mode': 'squash', 'mean': …}."
        )
    sides = [resize.size] if isinstance(resize.size, int) else list(resize.size)
    squash = len(sides) == 2
    if crop is not None and min(sides) != min(crop.size):
        raise ModelError(
            f"preprocess resizes pictures to {min(sides)} pixels and crops {min(crop.size)} of them, so that less of "
            "the picture would be read than is displayed. Resize to the size of the crop, or pass pictures as "
            "preprocessed tensors."
        )
    return {
        "mean": channels(normalise.mean),
        "std": channels(normalise.std),
        "interpolation": resize.interpolation.value,
        "resize_mode": "squash" if squash else "shortest",
    }


def channels(setting: Any) -> tuple[float, ...]:
    """Return a setting of each channel, or one of all of them, as three numbers."""
    values = [setting] * 3 if isinstance(setting, (int, float)) else list(setting)
    return tuple(float(each) for each in (values * 3 if len(values) == 1 else values))


def check_pipeline(prepare: Prepare, cfg: Any, size: tuple[int, int], name: str) -> None:
    """Raise ModelError unless pixels have the model's size and show the part of a picture that ``cfg`` describes."""
    for width, height in ((3, 2), (2, 3)):
        picture = _gradient(width * size[1] // 2, height * size[0] // 2)
        pixels = prepare(picture)
        if tuple(pixels.shape) != (3, *size):
            raise ModelError(
                f"{name} prepares pictures of {' × '.join(map(str, pixels.shape[1:]))} pixels, but the model reads "
                f"{size[0]} × {size[1]}. Set its size and crop size to the model's."
            )
        transform: Any = open_clip.transform.image_transform_v2(cfg, is_train=False)
        expected: Tensor = transform(picture)
        std = torch.tensor(cfg.std).view(3, 1, 1)
        difference = float(((pixels.float() - expected) * std).abs().max())
        if difference > _ALLOWED:
            raise ModelError(
                f"{name} prepares pictures otherwise than by resizing ({cfg.resize_mode}), cropping the centre and "
                f"normalising: values in [0, 1] differ by {difference:.2f}. Settings such as padding, another crop, "
                "rescaling or order of channels are not supported; pass pictures as preprocessed tensors, and a "
                "processor without those settings."
            )


def _gradient(width: int, height: int) -> Image.Image:
    """Return a smooth picture whose channels change in different directions."""
    across = torch.linspace(0, 255, width).expand(height, width)
    down = torch.linspace(0, 255, height)[:, None].expand(height, width)
    channels = torch.stack([across, down, 255 - (across + down) / 2], dim=-1)
    return Image.fromarray(channels.to(torch.uint8).numpy())
