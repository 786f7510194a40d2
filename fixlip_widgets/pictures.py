"""An explanation's picture: as a data URI that a page can hold, cut into patches, and the heat to lay on them."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from fixlip_widgets.explanation import Explanation

_QUALITY = 92


def data_uri(image: NDArray[np.uint8], quality: int = _QUALITY) -> str:
    """``data:image/jpeg;base64,…`` of an (H, W, 3) picture; below the usual quality, colours are halved too."""
    stream = io.BytesIO()
    subsampling = 0 if quality >= _QUALITY else 2
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "JPEG", quality=quality, subsampling=subsampling)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def patch_of(image: NDArray[np.uint8], grid: tuple[int, int], player: int) -> NDArray[np.uint8]:
    """The pixels of image player ``player``."""
    left, top, width, height = patch_box((image.shape[0], image.shape[1]), grid, player)
    return image[top : top + height, left : left + width]


def patch_box(size: tuple[int, ...], grid: tuple[int, int], player: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of image player ``player`` in a picture of ``size`` (height, width).

    Boxes tile the picture; they differ by a pixel where the grid does not divide it.
    """
    (rows, columns), (height, width) = grid, size[:2]
    row, column = divmod(player, columns)
    top, bottom = round(row * height / rows), round((row + 1) * height / rows)
    left, right = round(column * width / columns), round((column + 1) * width / columns)
    return left, top, max(1, right - left), max(1, bottom - top)


def patch_values(explanation: Explanation, player: int | None = None) -> NDArray[np.float64]:
    """(n_image,) what is shown as heat, in logits: first-order attributions or one player's interactions.

    A patch has no interaction with itself; its main effect would be on another scale.
    """
    if player is None:
        return explanation.first_order()[: explanation.n_image]
    return explanation.interactions[player, : explanation.n_image]
