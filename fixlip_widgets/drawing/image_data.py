"""An explanation's picture: as a data URI that a page can hold, cut into players, and the heat to lay on them."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fixlip_widgets.drawing.player_shapes import places_of

if TYPE_CHECKING:
    from fixlip_widgets.explanation.explanation import Explanation

_QUALITY = 92


def data_uri(image: NDArray[np.uint8], quality: int = _QUALITY) -> str:
    """``data:image/jpeg;base64,…`` of an (H, W, 3) picture; below the usual quality, colours are halved too.

    With a fourth channel, opacity, it is a PNG.
    """
    if image.shape[2] == 4:
        return _png(image)
    stream = io.BytesIO()
    subsampling = 0 if quality >= _QUALITY else 2
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "JPEG", quality=quality, subsampling=subsampling)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def _png(image: NDArray[np.uint8]) -> str:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def player_picture(explanation: Explanation, player: int) -> NDArray[np.uint8]:
    """(h, w, 3) pixels of an image player's bounding box; (h, w, 4), clear around it, where it is a region."""
    assert explanation.image is not None, "there is a picture to cut from"
    places, (height, width) = places_of(explanation), explanation.image.shape[:2]
    units = np.array([width, height, width, height]) / [*places.size[::-1], *places.size[::-1]]
    left, top, wide, high = np.round(places.boxes[player] * units).astype(int).tolist()
    piece = explanation.image[top : top + max(high, 1), left : left + max(wide, 1)]
    if explanation.regions is None:
        return piece
    own = Image.fromarray(((places.raster == player) * 255).astype(np.uint8)).resize((width, height))
    return np.dstack([piece, np.asarray(own)[top : top + max(high, 1), left : left + max(wide, 1)]])


def patch_values(explanation: Explanation, player: int | None = None) -> NDArray[np.float64]:
    """(n_image,) what is shown as heat, in logits: first-order attributions or one player's interactions.

    A patch has no interaction with itself; its main effect would be on another scale.
    """
    if player is None:
        return explanation.first_order()[: explanation.n_image]
    return explanation.interactions[player, : explanation.n_image]
