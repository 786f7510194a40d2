"""An explanation's picture as what a page can hold: a data URI, whole or one patch of it."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_QUALITY = 92


def data_uri(image: NDArray[np.uint8]) -> str:
    """``data:image/jpeg;base64,…`` of an (H, W, 3) picture."""
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "JPEG", quality=_QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def patch_of(image: NDArray[np.uint8], grid: tuple[int, int], player: int) -> NDArray[np.uint8]:
    """The pixels of image player ``player``; cut to whole pixels where the grid does not divide the picture."""
    (rows, columns), (height, width) = grid, image.shape[:2]
    row, column = divmod(player, columns)
    top, bottom = round(row * height / rows), round((row + 1) * height / rows)
    left, right = round(column * width / columns), round((column + 1) * width / columns)
    return image[top : max(bottom, top + 1), left : max(right, left + 1)]
