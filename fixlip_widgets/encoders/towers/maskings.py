"""Masking methods: how removed patches are replaced in the image encoder's input."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from fixlip_widgets.errors import InputError

Masking = Literal["zero", "mean", "blur", "remove"]
MASKINGS: dict[str, str] = {
    "zero": "removed pixels are 0 after normalisation, the mean colour of the model's training images (the paper)",
    "mean": "removed pixels have the mean colour of this image: its tint remains, its content does not",
    "blur": "removed pixels are taken from a blurred copy of the image: colours remain, details do not",
    "remove": "removed patches are dropped from the encoder's sequence: it reads fewer tokens, at unchanged positions",
}
BLUR = 1 / 16
"""Standard deviation of the blur, relative to the image's shorter side."""


def check_masking(masking: object) -> Masking:
    """Return ``masking`` if it is the name of a masking method.

    Raises:
        InputError: The name is unknown.
    """
    if masking not in MASKINGS:
        raise InputError(f"masking is {masking!r}; it must be one of {', '.join(MASKINGS)}.")
    return masking  # pyright: ignore[reportReturnType]


def replacement(masking: Masking, pixels: Tensor) -> Tensor:
    """Return the (3, H, W) replacement of removed pixels for an image with (3, H, W) normalised ``pixels``.

    For ``"remove"`` it is the zero image, which an encoder without a class token reads if no patch remains.
    """
    if masking == "mean":
        return pixels.mean(dim=(1, 2), keepdim=True).expand_as(pixels)
    if masking == "blur":
        return _blur(pixels)
    return torch.zeros_like(pixels)


def _blur(pixels: Tensor) -> Tensor:
    """Apply a separable Gaussian blur with mirrored borders."""
    height, width = pixels.shape[1:]
    sigma = max(min(height, width) * BLUR, 1e-3)
    radius = min(int(3 * sigma) + 1, height - 1, width - 1)
    offsets = torch.arange(-radius, radius + 1, device=pixels.device, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, -1)
    planes = F.pad(pixels.float()[None], (radius,) * 4, mode="reflect")
    planes = F.conv2d(planes, kernel[:, :, None, :], groups=3)
    return F.conv2d(planes, kernel[:, :, :, None], groups=3)[0].to(pixels.dtype)
