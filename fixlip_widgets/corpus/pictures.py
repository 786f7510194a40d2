"""Pictures as small WebP files: thumbnails of whole images, and what the model sees."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

THUMBNAIL = 96
"""Longer side of a thumbnail in pixels."""
_QUALITY = 90


def webp(picture: NDArray[np.uint8] | Image.Image, quality: int = _QUALITY) -> bytes:
    """Return an (H, W, 3) picture as WebP; quality 100 is lossless."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    stream = BytesIO()
    image.save(stream, "WEBP", quality=quality, lossless=quality == 100, method=2)
    return stream.getvalue()


def thumbnail(picture: NDArray[np.uint8] | Image.Image) -> bytes:
    """Return the picture as WebP of at most :data:`THUMBNAIL` pixels a side."""
    small = picture.copy() if isinstance(picture, Image.Image) else Image.fromarray(picture)
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    return webp(small)


def pixels_of(encoded: bytes) -> NDArray[np.uint8]:
    """Return the (H, W, 3) picture of :func:`webp`."""
    with Image.open(BytesIO(encoded)) as opened:
        picture: Any = opened.convert("RGB")
    return np.asarray(picture)
