"""Maskings: what the image encoder is shown in place of a removed patch."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from fixlip_widgets.errors import InputError

Masking = Literal["zero", "mean", "blur", "remove"]
MASKINGS: dict[str, str] = {
    "zero": "removed pixels are 0 after the model's normalisation, its training pictures' mean colour (the paper)",
    "mean": "removed pixels have the mean colour of this picture: its tint stays, its content goes",
    "blur": "removed pixels come from the blurred picture: colours stay where they are, detail goes",
    "remove": "removed patches leave the encoder's sequence: it reads fewer tokens, and positions stay",
}
BLUR = 1 / 16
"""Standard deviation of the blur, as a share of the picture's shorter side."""


def check_masking(masking: object) -> Masking:
    """``masking`` if there is one of that name.

    Raises:
        InputError: There is none.
    """
    if masking not in MASKINGS:
        raise InputError(f"There is no masking {masking!r}; there is {', '.join(MASKINGS)}.")
    return masking  # pyright: ignore[reportReturnType]


def replacement(masking: Masking, pixels: Tensor) -> Tensor:
    """(3, H, W) what removed pixels become, given the picture's own normalised ``pixels``, of the same shape.

    For ``"remove"`` it is the zero picture: what is shown where nothing at all is left.
    """
    if masking == "mean":
        return pixels.mean(dim=(1, 2), keepdim=True).expand_as(pixels)
    if masking == "blur":
        return _blurred(pixels)
    return torch.zeros_like(pixels)


def _blurred(pixels: Tensor) -> Tensor:
    """Gaussian blur, separable, its border mirrored."""
    height, width = pixels.shape[1:]
    sigma = max(min(height, width) * BLUR, 1e-3)
    reach = min(int(3 * sigma) + 1, height - 1, width - 1)
    offsets = torch.arange(-reach, reach + 1, device=pixels.device, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, -1)
    planes = F.pad(pixels.float()[None], (reach,) * 4, mode="reflect")
    planes = F.conv2d(planes, kernel[:, :, None, :], groups=3)
    return F.conv2d(planes, kernel[:, :, :, None], groups=3)[0].to(pixels.dtype)
