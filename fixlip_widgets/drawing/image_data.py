"""An explanation's image as a data URI, crops of its players, and the values to draw as heat."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fixlip_widgets.drawing.player_shapes import places_of

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

_QUALITY = 92


def data_uri(image: NDArray[np.uint8], quality: int = _QUALITY) -> str:
    """Encode an (H, W, 3) image as a JPEG data URI, or an (H, W, 4) image as a PNG data URI.

    Below the default quality, chroma is subsampled.
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


def player_picture(explanation: Surrogate, player: int) -> NDArray[np.uint8]:
    """Return the (h, w, 3) pixels of a patch, or the (h, w, 4) bounding box of a region, transparent outside it."""
    assert explanation.image is not None, "an image is required"
    places, (height, width) = places_of(explanation), explanation.image.shape[:2]
    units = np.array([width, height, width, height]) / [*places.size[::-1], *places.size[::-1]]
    left, top, wide, high = np.round(places.boxes[player] * units).astype(int).tolist()
    piece = explanation.image[top : top + max(high, 1), left : left + max(wide, 1)]
    if explanation.regions is None:
        return piece
    own = Image.fromarray(((places.raster == player) * 255).astype(np.uint8)).resize((width, height))
    return np.dstack([piece, np.asarray(own)[top : top + max(high, 1), left : left + max(wide, 1)]])


def patch_values(explanation: Surrogate, player: int | None = None) -> NDArray[np.float64]:
    """Return the (n_image,) values drawn as heat, in logits: first-order attributions or one player's interactions.

    A patch's own value is 0: its main effect would be on another scale.
    """
    if player is None:
        return explanation.first_order()[: explanation.n_image]
    return explanation.interactions[player, : explanation.n_image]
