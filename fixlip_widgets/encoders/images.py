"""Read images of all accepted types, and convert normalised pixels back for display."""

from __future__ import annotations

import os
import struct
from contextlib import nullcontext
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from fixlip_widgets.errors import InputError
from fixlip_widgets.support.notices import warn

MAX_PIXELS = 89_000_000
"""Maximum number of pixels. Pillow warns about larger images; they are rejected here."""
MAX_ASPECT = 200
"""Maximum ratio of the sides. Images are resized by their shorter side, so a longer one would become huge."""
_UNREADABLE = (UnidentifiedImageError, OSError, ValueError, SyntaxError, RuntimeError, struct.error)
"""Exceptions that Pillow raises for damaged files and for modes that it cannot convert."""
_WHITE, _HALF = 2**16 - 1, 2**15
"""White of 16-bit grey; an image whose values are all below half of it probably uses fewer bits."""
_PHOTOMETRIC = 262
"""TIFF tag; 0 if 0 is white. Pillow inverts such 8-bit images, but not 16-bit ones."""
_SAMPLE_FORMAT, _SIGNED = 339, 2
"""TIFF tag; Pillow reads signed 8-bit values as unsigned ones."""
_BITS, _PLANES, _SEPARATE = 258, 284, 2
"""TIFF tags; Pillow reads separate planes of 16 bits as if they had 8."""
_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_WITH_ALPHA = ("LA", "PA", "RGBA")
_LARGEST = 10.0
"""Normalised pixels are at most 3, and pixels of 0 … 255 usually exceed 10."""
ImageLike = (
    str | os.PathLike[str] | BinaryIO | Image.Image | NDArray[np.uint8] | NDArray[np.floating[Any]] | torch.Tensor
)
"""A path, open seekable binary file, PIL image, array of uint8 or of floats in [0, 1], or normalised float tensor.

Arrays are (H, W), (H, W, 3), (H, W, 4), or (3, H, W) where that is unambiguous; tensors are (3, H, W).
"""


def open_image(image: Any) -> Image.Image:
    """Return the image as an upright RGB PIL image, with a white background for transparency.

    open_clip's own preprocessing does neither: it ignores the orientation in EXIF and drops the alpha channel, which
    uncovers the colours of transparent pixels. It also clips 16-bit grey at 255.

    Raises:
        InputError: The image cannot be read, is too large, has an unsupported type or contains only 0 and 1.
    """
    picture = _opened(image)
    if max(highest for _, highest in picture.getextrema()) == 1:  # pyright: ignore[reportGeneralTypeIssues] # of bands
        raise InputError(
            "The image contains only the values 0 and 1 of 255, so it would be almost black. Multiply a mask by 255; "
            "pass floats in [0, 1] as floats, instead of casting them to uint8."
        )
    return picture


def _opened(image: Any) -> Image.Image:
    if isinstance(image, np.ndarray):
        return _upright_rgb(Image.fromarray(_bytes_of(image)))
    if not isinstance(image, (str, os.PathLike, Image.Image)) and not hasattr(image, "read"):
        raise InputError(
            f"The image is a {type(image).__name__}; pass a path, an open binary file (io.BytesIO for bytes), a PIL "
            "image, an array (H, W, 3) of uint8 or of floats in [0, 1], or a preprocessed tensor."
        )
    if hasattr(image, "seekable") and not image.seekable():  # pyright: ignore[reportAttributeAccessIssue]
        raise InputError("The image is an open file that can be read only once; pass io.BytesIO(file.read()).")
    subject = f"The image {image}" if isinstance(image, (str, os.PathLike)) else "The image"
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
        raise InputError(f"{subject} cannot be read: {str(error).rstrip('.')}.") from error


def _bytes_of(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the (H, W), (H, W, 3) or (H, W, 4) uint8 form of an array of uint8, or of floats in [0, 1].

    Raises:
        InputError: The type, range or shape is different, or rows and channels cannot be distinguished.
    """
    floats = np.issubdtype(array.dtype, np.floating)
    given = f"The image array has shape {array.shape} and type {array.dtype}"
    if array.ndim == 3 and len(array) == 3:
        if array.shape[2] in (3, 4):
            raise InputError(f"{given}, so its channels may be the first axis or the last; pass a PIL image.")
        array = np.moveaxis(array, 0, 2)
    if not (array.dtype == np.uint8 or floats) or array.shape[2:] not in ((), (3,), (4,)) or array.ndim < 2:
        raise InputError(
            f"{given}; expected uint8, or floats in [0, 1], of shape (height, width), (height, width, 3) or "
            "(height, width, 4), or with the channels first. Scale other values to 0 … 255, and call astype(np.uint8)."
        )
    if not floats:
        return array
    if not array.size:
        return array.astype(np.uint8)
    lowest, highest = float(array.min()), float(array.max())
    if not 0.0 <= lowest <= highest <= 1.0:
        raise InputError(
            f"{given} and contains floats from {lowest:g} to {highest:g}; only 0 … 1 is unambiguous. Scale them to "
            "[0, 1], or pass uint8."
        )
    return np.rint(array.astype(np.float64) * 255.0).astype(np.uint8)


def _grey_of(image: Image.Image) -> Image.Image:
    """Return the 8-bit form of an image of 16-bit grey values, 0 is black and 65,535 is white.

    Raises:
        InputError: The values are negative, exceed 16 bits, or use fewer, so that their white is unknown.
    """
    grey = np.asarray(image, dtype=np.float64)
    lowest, highest = grey.min(), grey.max()
    if lowest < 0 or 0 < highest < _HALF or highest > _WHITE:
        reason = "would be almost black" if lowest >= 0 and highest < _HALF else "are not what is expected"
        raise InputError(
            f"The image contains integers up to {highest:.0f} and from {lowest:.0f}, which {reason} as 16-bit grey "
            f"(0 is black, {_WHITE:,} is white). Scale them to 8 bits, with the value that is white in your data: "
            "Image.fromarray((np.asarray(image) / white * 255).clip(0, 255).astype(np.uint8))."
        )
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0:
        raise InputError("The image is a 16-bit TIFF in which 0 is white; save it with 0 as black.")
    return Image.fromarray((grey / 257.0).astype(np.uint8))


def _check_bits(image: Image.Image) -> None:
    """Check values that Pillow does not read in full: colours of 16 bits, of which it keeps 8, and signed ones.

    Raises:
        InputError: Colours of 16 bits use fewer, so that their white is unknown, or 8-bit values are signed.
    """
    tags: Any = getattr(image, "tag_v2", {})
    if tags.get(_PLANES) == _SEPARATE and max(tags.get(_BITS, (8,))) > 8:
        raise InputError("The image is a TIFF with separate planes of 16 bits; save it as 8-bit RGB.")
    if image.mode == "L" and _SIGNED in tags.get(_SAMPLE_FORMAT, ()):
        raise InputError("The image is a TIFF of signed 8-bit values; add 128, and save it as unsigned ones.")
    if image.mode.startswith("I") or not any(";16" in str(tile.args) for tile in getattr(image, "tile", ())):
        return
    extrema: Any = image.getextrema()
    bands = image.getbands()
    highest = max(most for (_, most), band in zip(extrema, bands, strict=True) if band != "A")
    if highest < _HALF // 256:
        raise InputError(
            f"The image has 16 bits a channel, but uses values below {(highest + 1) * 256:,} only, which would be "
            f"almost black ({_WHITE:,} is white). Read it as an array, for example with tifffile or OpenCV, and scale "
            "it to 8 bits, with the value that is white in your data: "
            "(array / white * 255).clip(0, 255).astype(np.uint8)."
        )


def _upright_rgb(image: Image.Image) -> Image.Image:
    width, height = image.size
    if min(width, height) == 0:
        raise InputError(f"The image is empty: it has {width} × {height} pixels.")
    if width * height > MAX_PIXELS:
        raise InputError(
            f"The image has {width:,} × {height:,} pixels; at most {MAX_PIXELS:,} are allowed. Resize it first."
        )
    if image.mode == "F":
        raise InputError("The image contains floats of unknown range; scale them to 0 … 255 and call convert('L').")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise InputError(
            f"The image has {width:,} × {height:,} pixels; one side may be at most {MAX_ASPECT} times the other. "
            "Crop it first."
        )
    _check_bits(image)
    if image.mode.startswith("I"):
        grey = _grey_of(image)
        grey.info = dict(image.info)
        grey.getexif().update(image.getexif())
        grey.info.pop("transparency", None)
        image = grey
    image = ImageOps.exif_transpose(image)
    if image.mode in _PREMULTIPLIED:
        image = image.convert(_PREMULTIPLIED[image.mode])
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def denormalise(pixels: torch.Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.uint8]:
    """Undo the normalisation of (3, H, W) ``pixels``, and return an (H, W, 3) uint8 image."""
    given = pixels.detach().float().cpu()
    restored = given * given.new_tensor(std).view(3, 1, 1) + given.new_tensor(mean).view(3, 1, 1)
    return (restored.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def check_preprocessed(pixels: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Return ``pixels``, detached, if it is a float tensor (3, H, W) of the model's size.

    Warn if its values are probably not normalised.

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
    pixels = pixels.detach().clone() if pixels.is_inference() else pixels.detach()
    lowest, highest = float(pixels.min()), float(pixels.max())
    if 0.0 <= lowest < highest <= 1.0 or highest > _LARGEST:
        warn(
            f"The image tensor has values from {lowest:.3g} to {highest:.3g}, so it is probably not normalised with "
            "the model's mean and standard deviation. Pass the picture itself, or model.transform()(picture)."
        )
    return pixels
