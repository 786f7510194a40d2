"""Read images of all accepted types, and convert normalised pixels back for display."""

from __future__ import annotations

import os
import struct
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from fixlip_widgets.errors import InputError

MAX_PIXELS = 89_000_000
"""Maximum number of pixels. Pillow warns about larger images; they are rejected here."""
MAX_ASPECT = 200
"""Maximum ratio of the sides. Images are resized by their shorter side, so a longer one would become huge."""
_UNREADABLE = (UnidentifiedImageError, OSError, ValueError, SyntaxError, RuntimeError, struct.error)
"""Exceptions that Pillow raises for damaged files and for modes that it cannot convert."""
ImageLike = str | os.PathLike[str] | Image.Image | NDArray[np.uint8] | torch.Tensor
"""A path, PIL image, uint8 array (H, W), (H, W, 3) or (H, W, 4), or normalised float tensor (3, H, W)."""


def open_image(image: Any) -> Image.Image:
    """Return the image as an upright RGB PIL image, with a white background for transparency.

    Raises:
        InputError: The image cannot be read, is too large or has an unsupported type.
    """
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.shape[2:] not in ((), (3,), (4,)) or image.ndim < 2:
            raise InputError(
                f"The image array has shape {image.shape} and type {image.dtype}; expected uint8 of shape "
                "(height, width), (height, width, 3) or (height, width, 4)."
            )
        return _upright_rgb(Image.fromarray(image))
    if not isinstance(image, (str, os.PathLike, Image.Image)):
        raise InputError(
            f"The image is a {type(image).__name__}; pass a path, a PIL image, a uint8 array (H, W, 3) or a "
            "preprocessed tensor."
        )
    subject = "The image" if isinstance(image, Image.Image) else f"The image {image}"
    try:
        with nullcontext(image) if isinstance(image, Image.Image) else Image.open(image) as opened:
            return _upright_rgb(opened)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{subject} does not exist.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{subject} is too large ({error}); resize it first.") from error
    except _UNREADABLE as error:
        raise InputError(f"{subject} cannot be read: {error}.") from error


def _upright_rgb(image: Image.Image) -> Image.Image:
    width, height = image.size
    if min(width, height) == 0:
        raise InputError(f"The image is empty: it has {width} × {height} pixels.")
    if image.mode == "F":
        raise InputError("The image contains floats of unknown range; scale them to 0 … 255 and call convert('L').")
    if width * height > MAX_PIXELS:
        raise InputError(
            f"The image has {width:,} × {height:,} pixels; at most {MAX_PIXELS:,} are allowed. Resize it first."
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
                f"The image contains integers up to {grey.max():.0f}, which would be almost black as 16-bit grey; "
                "convert it to 8 bits: Image.fromarray(np.asarray(image, dtype=np.uint8))."
            )
        image = Image.fromarray((grey / 257.0).clip(0, 255).astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def denormalise(pixels: torch.Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.uint8]:
    """Undo the normalisation of (3, H, W) ``pixels``, and return an (H, W, 3) uint8 image."""
    restored = pixels.detach().float().cpu() * torch.tensor(std).view(3, 1, 1) + torch.tensor(mean).view(3, 1, 1)
    return (restored.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def check_preprocessed(pixels: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Return ``pixels`` if it is a float tensor (3, H, W) of the model's size.

    Raises:
        InputError: The type or shape is different, or a value is not finite.
    """
    if not pixels.is_floating_point() or tuple(pixels.shape) != (3, *size):
        raise InputError(
            f"The image tensor has shape {tuple(pixels.shape)} and type {pixels.dtype}; a preprocessed image for this "
            f"model is a float tensor of shape {(3, *size)}."
        )
    if not bool(torch.isfinite(pixels).all()):
        raise InputError("The image tensor contains values that are not finite.")
    return pixels
