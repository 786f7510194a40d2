"""Image and image players of an explanation as ``templates/picture.svg.j2`` draws them."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fixlip_widgets.drawing.image_data import data_uri
from fixlip_widgets.drawing.player_shapes import places_of

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate


class Box(NamedTuple):
    """A rectangle in image pixels."""

    x: float
    y: float
    width: float
    height: float


class Crop(NamedTuple):
    """The pixels of a rectangle as a data URI, and their position in the image."""

    uri: str
    x: int
    y: int
    width: int
    height: int


class Region(NamedTuple):
    """The id and the SVG path of a region's outline, and the id of its clip path."""

    id: str
    outline: str
    cut: str


class Picture:
    """Image, outlines and crops of one explanation.

    Ids are derived from the pixels and the regions, so that a page can contain several images.

    Args:
        explanation: Explanation to draw.
        embed: Whether a drawing embeds its pixels; False on a page that contains the shared definitions.
        quality: JPEG quality of the whole image, from 1 to 95.

    Attributes:
        width, height: Size of the image in pixels or, without an image, of the players' positions.
        id: Id of the image; empty without an image.
        regions: The image players that are regions; empty for patches.
        transform: Transform from the outlines to image pixels; None for the identity.
    """

    def __init__(self, explanation: Surrogate, *, embed: bool, quality: int = 92) -> None:
        places, image, regions = places_of(explanation), explanation.image, explanation.regions
        self._image, self._boxes, self._quality = image, places.boxes, quality
        self.embed = embed
        self.height, self.width = places.size if image is None else image.shape[:2]
        self.id = "" if image is None else f"fixlip-picture-{_checksum(np.ascontiguousarray(image).tobytes())}"
        self._across, self._down = self.width / places.size[1], self.height / places.size[0]
        identity = self._across == self._down == 1
        self.transform = None if identity else f"scale({self._across:.5g},{self._down:.5g})"
        self.regions: list[Region] = []
        if regions is not None:
            name = _checksum(regions.tobytes() + repr((self.width, self.height)).encode())
            self.regions = [
                Region(f"fixlip-region-{name}-{player}", outline, f"fixlip-cut-{name}-{player}")
                for player, outline in enumerate(places.outlines)
            ]

    @property
    def uri(self) -> str:
        """The whole image as a data URI."""
        assert self._image is not None
        return data_uri(self._image, self._quality)

    def box(self, player: int) -> Box:
        """Return a player's bounding box."""
        left, top, width, height = self._boxes[player].tolist()
        return Box(self._across * left, self._down * top, self._across * width, self._down * height)

    def frame(self, player: int, ratio: float) -> Box:
        """Return a patch's box, or a region's box with a margin and the aspect ratio ``ratio`` (width / height)."""
        box = self.box(player)
        if not self.regions:
            return box
        width = 1.12 * max(box.width, ratio * box.height)
        height = width / ratio
        return Box(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height)

    def crop(self, box: Box) -> Crop:
        """Return the pixels that ``box`` touches."""
        assert self._image is not None
        x, y = max(math.floor(box.x), 0), max(math.floor(box.y), 0)
        pixels = self._image[y : math.ceil(box.y + box.height), x : math.ceil(box.x + box.width)]
        return Crop(data_uri(pixels), x, y, pixels.shape[1], pixels.shape[0])


def _checksum(content: bytes) -> str:
    return f"{zlib.crc32(content):08x}"
