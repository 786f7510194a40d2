"""Pictures in: from what a user passes to pixels normalised for a model, and the same picture to show beside them."""

from __future__ import annotations

import os
import struct
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from fixlip_widgets.errors import InputError

MAX_PIXELS = 89_000_000
"""Pixels of the largest picture that is decoded; Pillow warns of larger ones, and they are refused here."""
MAX_ASPECT = 200
"""Longest picture for its height, or highest for its width: resized by its short side, a longer one would be huge."""
_UNREADABLE = (UnidentifiedImageError, OSError, ValueError, SyntaxError, RuntimeError, struct.error)
"""What Pillow raises for files that are damaged, whole or in part, and for modes that it cannot convert."""
ImageLike = str | os.PathLike[str] | Image.Image | NDArray[np.uint8] | torch.Tensor
"""A path, a PIL image, a uint8 array (H, W), (H, W, 3) or (H, W, 4), or a normalised float tensor (3, H, W)."""


def open_image(image: Any) -> Image.Image:
    """The picture as an upright RGB PIL image; transparency is laid on white.

    Raises:
        InputError: It cannot be read, is too large, or is not a picture at all.
    """
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.shape[2:] not in ((), (3,), (4,)) or image.ndim < 2:
            raise InputError(
                f"The image array has shape {image.shape} and type {image.dtype}; expected (height, width), grey, "
                "(height, width, 3) or (height, width, 4) of uint8, 0 to 255."
            )
        return _upright_rgb(Image.fromarray(image))
    if isinstance(image, Image.Image):
        try:
            return _upright_rgb(image)
        except InputError:
            raise
        except _UNREADABLE as error:
            raise InputError(f"The image cannot be read as a picture: {error}.") from error
    if not isinstance(image, (str, os.PathLike)):
        raise InputError(
            f"The image is a {type(image).__name__}; pass a path, a PIL image, a uint8 array (H, W, 3) or a "
            "preprocessed tensor."
        )
    return _read(image)


def _read(path: str | os.PathLike[str]) -> Image.Image:
    try:
        with Image.open(path) as opened:
            return _upright_rgb(opened)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"There is no image {path}.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"The image {path} is too large ({error}); make it smaller first.") from error
    except _UNREADABLE as error:
        raise InputError(f"The image {path} cannot be read as a picture: {error}.") from error


def _upright_rgb(image: Image.Image) -> Image.Image:
    width, height = image.size
    if min(width, height) == 0:
        raise InputError(f"The image has {width} × {height} pixels: there is nothing on it.")
    if image.mode == "F":
        raise InputError("The image holds floats, whose range nobody knows; scale them to 0 … 255 and convert('L').")
    if width * height > MAX_PIXELS:
        raise InputError(
            f"The image has {width:,} × {height:,} pixels; at most {MAX_PIXELS:,} are read. Make it smaller first."
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise InputError(
            f"The image has {width:,} × {height:,} pixels; one side may be at most {MAX_ASPECT} times the other. "
            "Crop it first."
        )
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        grey = np.asarray(image, dtype=np.float64)
        if image.mode == "I" and 0 < grey.max() < 256:
            raise InputError(
                f"The image holds whole numbers up to {grey.max():.0f}, which as 16-bit grey would be all but black; "
                "make it one of 8 bits: Image.fromarray(np.asarray(image, dtype=np.uint8))."
            )
        image = Image.fromarray((grey / 257.0).clip(0, 255).astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def displayable(pixels: torch.Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 picture of normalised ``pixels`` (3, H, W): the normalisation undone."""
    restored = pixels.detach().float().cpu() * torch.tensor(std).view(3, 1, 1) + torch.tensor(mean).view(3, 1, 1)
    return (restored.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def check_preprocessed(pixels: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """``pixels`` if it is a float tensor (3, H, W) of the model's size.

    Raises:
        InputError: Any other type, shape, or values that are not finite.
    """
    if not pixels.is_floating_point() or tuple(pixels.shape) != (3, *size):
        raise InputError(
            f"The image tensor has shape {tuple(pixels.shape)} and type {pixels.dtype}; a preprocessed image for this "
            f"model is a float tensor of shape {(3, *size)}."
        )
    if not bool(torch.isfinite(pixels).all()):
        raise InputError("The image tensor holds values that are not finite numbers.")
    return pixels
