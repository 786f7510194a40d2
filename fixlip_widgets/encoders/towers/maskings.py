"""Masking methods: how removed patches are replaced in the image encoder's input."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from fixlip_widgets.support.checks import check_name
from fixlip_widgets.support.open_clip import open_clip

gaussian_blur: Any = open_clip.transform.F.gaussian_blur
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
    check_name("masking", masking, MASKINGS)
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
    """Apply a Gaussian blur with mirrored borders, first along rows and then along columns, which is faster."""
    shorter = min(pixels.shape[1:])
    sigma = max(shorter * BLUR, 1e-3)
    width = 2 * min(int(3 * sigma) + 1, shorter - 1) + 1
    blurred = gaussian_blur(gaussian_blur(pixels.float(), [width, 1], [sigma, sigma]), [1, width], [sigma, sigma])
    return blurred.to(pixels.dtype)
