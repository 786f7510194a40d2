"""Drawing of scenes, shared by the training data, the evaluation and the packaged examples.

A scene is a square of 2 x 2 cells on a coloured background. A cell is empty or holds one object, drawn into a square
*tile*. `draw_tile` draws every tile and `paint` assembles every scene, at any resolution, so that training images and
the scenes in a notebook differ only in resolution.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

CELLS = 2
"""Cells per side, numbered row-major: 0 top left, 1 top right, 2 bottom left, 3 bottom right."""

GRID = 8
"""Patches per side of the demo model; a cell covers `GRID // CELLS` patches per side."""

MIN_COVERAGE = 0.1
"""Minimum share of a patch's area that an object must cover to count as inside the patch."""


@dataclass(frozen=True)
class Placement:
    """Placement of an object in its tile.

    Attributes:
        scale: longer side of the object, relative to the tile's side.
        angle: rotation in degrees, counter-clockwise.
        flip: whether to mirror left to right.
        dx, dy: position in the free space, -1 (left, top) to 1 (right, bottom).
        stretch: factor of the width relative to the height.
        hue: rotation of the colours in degrees.
        saturation: 0 for grey, 1 for the picture's own colours.
        gain: brightness factor of the three colour channels.
    """

    scale: float = 0.9
    angle: float = 0.0
    flip: bool = False
    dx: float = 0.0
    dy: float = 0.0
    stretch: float = 1.0
    hue: float = 0.0
    saturation: float = 1.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @staticmethod
    def random(rng: np.random.Generator) -> Placement:
        """Return a random placement that keeps the picture's shape and colours."""
        return Placement(
            scale=float(rng.uniform(0.72, 0.98)),
            angle=float(rng.uniform(-15.0, 15.0)),
            flip=bool(rng.random() < 0.5),
            dx=float(rng.uniform(-1.0, 1.0)),
            dy=float(rng.uniform(-1.0, 1.0)),
        )

    def varied(self, rng: np.random.Generator) -> Placement:
        """Return this placement with random shape and colours, so that training generalises across picture sets."""
        red, green, blue = (float(factor) for factor in rng.uniform(0.8, 1.2, 3))
        colourful = bool(rng.random() < 0.5)
        return replace(
            self,
            stretch=float(rng.uniform(0.82, 1.22)),
            hue=float(rng.uniform(-36.0, 36.0)) if colourful else 0.0,
            saturation=float(rng.uniform(0.2, 1.5)) if colourful else 1.0,
            gain=(red, green, blue),
        )

    def colours(self) -> NDArray[np.float32]:
        """Return the (3, 3) matrix that maps a picture's colour (a row) to the drawn colour."""
        cosine, sine = np.cos(np.radians(self.hue)), np.sin(np.radians(self.hue))
        grey = np.full((3, 3), 1.0 / 3.0)
        turn = np.array([[0.0, 1.0, -1.0], [-1.0, 0.0, 1.0], [1.0, -1.0, 0.0]]) / np.sqrt(3.0)
        rotated = cosine * np.eye(3) + (1.0 - cosine) * grey + sine * turn
        mixed = self.saturation * rotated + (1.0 - self.saturation) * grey
        return (mixed * np.asarray(self.gain)).astype(np.float32)


@dataclass(frozen=True)
class Backdrop:
    """Background of a scene: its mean colour (R, G, B), and the brightness of the top row minus the mean."""

    colour: tuple[float, float, float]
    shade: float = 0.0

    @staticmethod
    def random(colour: tuple[int, int, int], rng: np.random.Generator) -> Backdrop:
        """Return a random variation of a named colour."""
        red, green, blue = (float(c + rng.uniform(-10.0, 10.0)) for c in colour)
        return Backdrop((red, green, blue), float(rng.uniform(-12.0, 12.0)))


def draw_tile(picture: Image.Image, placement: Placement, size: int) -> NDArray[np.uint8]:
    """Draw one object into a transparent tile.

    Args:
        picture: the object, RGBA.
        placement: its placement in the tile.
        size: the tile's side in pixels.

    Returns:
        (size, size, 4) uint8, colours premultiplied by alpha.
    """
    drawn = picture.convert("RGBA")
    if placement.flip:
        drawn = drawn.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if placement.angle:
        drawn = drawn.rotate(placement.angle, Image.Resampling.BICUBIC, expand=True)
    drawn = drawn.crop(drawn.getchannel("A").point([0] * 9 + [255] * 247).getbbox())
    shape = (drawn.width * placement.stretch, drawn.height)
    factor = placement.scale * size / max(shape)
    width, height = (max(1, round(side * factor)) for side in shape)
    small = np.asarray(drawn.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)
    alpha = small[..., 3:]
    colour = np.clip(small[..., :3] @ placement.colours(), 0.0, 255.0) * (alpha / 255.0)
    left = round((size - width) * (1.0 + placement.dx) / 2.0)
    top = round((size - height) * (1.0 + placement.dy) / 2.0)
    tile = np.zeros((size, size, 4), dtype=np.uint8)
    tile[top : top + height, left : left + width] = np.rint(np.concatenate([colour, alpha], axis=-1))
    return tile


def covered(tile: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which patches of its cell an object covers: (4, 4) bool from a (size, size, 4) tile."""
    side = GRID // CELLS
    size = tile.shape[0] // side
    alpha = tile[..., 3].reshape(side, size, side, size).mean(axis=(1, 3))
    return alpha >= MIN_COVERAGE * 255.0


def paint(tiles: Tensor, colours: Tensor, shades: Tensor) -> Tensor:
    """Assemble scenes from tiles.

    Args:
        tiles: (n, 4, size, size, 4) uint8 premultiplied tiles, cells in row-major order, zeros where empty.
        colours: (n, 3) float32 mean background colours.
        shades: (n,) float32 brightness of the top row minus the mean.

    Returns:
        (n, 2 * size, 2 * size, 3) uint8 scenes.
    """
    n, _, size, _, _ = tiles.shape
    side = CELLS * size
    grid = tiles.view(n, CELLS, CELLS, size, size, 4).permute(0, 1, 3, 2, 4, 5).reshape(n, side, side, 4)
    slope = torch.linspace(1.0, -1.0, side)
    backdrop = (colours[:, None, :] + shades[:, None, None] * slope[None, :, None]).clamp_(0.0, 255.0)
    clear = 1.0 - grid[..., 3:].float() / 255.0
    scene = clear * backdrop[:, :, None, :]
    scene += grid[..., :3]
    return scene.round_().clamp_(0.0, 255.0).to(torch.uint8)
