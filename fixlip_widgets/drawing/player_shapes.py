"""Positions of image players in the image: cells of a grid, or regions of any shape.

Used by everything drawn on the image: heat, thumbnails, nodes of an anchored graph and the widget's scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.drawing.trace_outlines import outlines

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

Floats = NDArray[np.float64]
Labels = NDArray[np.integer]
SIDE = 112
"""Longest side, in pixels, of the label map from which outlines are traced; finer steps are not visible."""
_LONGEST = 60_000
"""Maximum total length of outlines, in characters, because widgets store them; longer ones use a coarser map."""


@dataclass(frozen=True)
class Places:
    """Positions of the n image players.

    Attributes:
        raster: (rows, columns) player at each point of the image: the grid's cells, or a coarse label map.
        size: (height, width) of the image in the units of outlines and boxes.
        boxes: (n, 4) left, top, width and height of each player's bounding box.
        centres: (n, 2) central point (x, y) within each player, in the unit square, y downward.
        outlines: Outline of each player as the ``d`` of an SVG path; empty strings for a grid, whose cells are boxes.
    """

    raster: Labels
    size: tuple[int, int]
    boxes: NDArray[np.int64]
    centres: Floats
    outlines: tuple[str, ...]


def places_of(explanation: Surrogate) -> Places:
    """Return the positions of an explanation's image players; without an image, a patch has 32 × 32 pixels."""
    rows, columns = explanation.grid
    if explanation.regions is not None:
        return region_places(explanation.regions, rows * columns)
    image = explanation.image
    if not explanation.n_image:
        return _no_places((64, 64) if image is None else (image.shape[0], image.shape[1]))
    return grid_places(explanation.grid, (32 * rows, 32 * columns) if image is None else image.shape[:2])


def _no_places(size: tuple[int, int]) -> Places:
    """Return the positions of no player."""
    boxes, centres = np.zeros((0, 4), dtype=np.int64), np.zeros((0, 2))
    return Places(np.zeros((0, 0), dtype=np.int64), size, boxes, centres, ())


@lru_cache(maxsize=64)
def grid_places(grid: tuple[int, int], size: tuple[int, int]) -> Places:
    """Return the positions of patches on a grid. Boxes tile an image of ``size`` and may differ by a pixel."""
    rows, columns = grid
    down, across = (
        np.round(np.arange(count + 1) * side / count).astype(int) for count, side in zip(grid, size, strict=True)
    )
    row, column = np.divmod(np.arange(rows * columns), columns)
    wide, high = np.maximum(np.diff(across), 1), np.maximum(np.diff(down), 1)
    boxes = np.stack([across[column], down[row], wide[column], high[row]], axis=1)
    centres = np.stack([(column + 0.5) / columns, (row + 0.5) / rows], axis=1)
    return Places(np.arange(rows * columns).reshape(grid), size, boxes, centres, ("",) * (rows * columns))


def region_places(labels: Labels, n: int) -> Places:
    """Return the positions of ``n`` regions of an (H, W) label map; a pixel of the raster has two units."""
    narrow = np.ascontiguousarray(labels, dtype=np.uint16)
    return _region_places(narrow.tobytes(), (narrow.shape[0], narrow.shape[1]), n)


@lru_cache(maxsize=16)
def _region_places(labels: bytes, shape: tuple[int, int], n: int) -> Places:
    whole = np.frombuffer(labels, dtype=np.uint16).reshape(shape)
    side = SIDE
    raster = coarse(whole, n, side)
    paths = outlines(raster, n)
    while sum(map(len, paths)) > _LONGEST and side > 16:
        side = 3 * side // 4
        raster = coarse(whole, n, side)
        paths = outlines(raster, n)
    height, width = raster.shape
    boxes, centres = np.zeros((n, 4), dtype=np.int64), np.full((n, 2), 0.5)
    for player in range(n):
        down, across = np.nonzero(raster == player)
        if len(down):
            left, top = across.min(), down.min()
            boxes[player] = 2 * np.array([left, top, across.max() + 1 - left, down.max() + 1 - top])
            centres[player] = _middle(across, down) / (width, height)
    return Places(raster, (2 * height, 2 * width), boxes, centres, tuple(paths))


def _middle(across: NDArray[np.intp], down: NDArray[np.intp]) -> Floats:
    """Return the centroid of the pixels, or the centre of the nearest pixel if it lies outside."""
    pixels = np.stack([across, down], axis=1).astype(np.float64)
    centroid = pixels.mean(axis=0)
    nearest = pixels[((pixels - centroid) ** 2).sum(axis=1).argmin()]
    inside = np.abs(nearest - centroid).max() <= 0.5
    return np.where(inside, centroid, nearest) + 0.5


def coarse(labels: Labels, n: int, side: int = SIDE) -> Labels:
    """Downsample an (H, W) label map to at most ``side`` pixels per side; small regions keep a pixel if possible."""
    share = min(side / max(labels.shape), 1.0)
    height, width = (max(1, round(share * each)) for each in labels.shape)
    rows = ((np.arange(height) + 0.5) * labels.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * labels.shape[1] / width).astype(int)
    raster = labels[rows[:, None], columns[None, :]].copy()
    counts = np.bincount(raster.ravel(), minlength=n)
    for player in np.flatnonzero(counts[:n] == 0).tolist():
        for y, x in np.argwhere(labels == player).tolist():
            place = y * height // labels.shape[0], x * width // labels.shape[1]
            if counts[raster[place]] > 1:
                counts[raster[place]] -= 1
                counts[player], raster[place] = 1, player
                break
    return raster
