"""Packaged pictures: one atlas of Noto emoji, in the order of the concepts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PIL import Image

from fixlip_widgets.demo.concepts import CONCEPTS

ATLAS = Path(__file__).parent / "sprites" / "noto.png"
COLUMNS = 12
"""Pictures per row of the atlas; each picture is a square."""


@cache
def packaged_pictures() -> dict[str, Image.Image]:
    """Return the square RGBA picture of each concept, by name."""
    with Image.open(ATLAS) as opened:
        atlas = opened.convert("RGBA")
    side = atlas.width // COLUMNS
    pictures: dict[str, Image.Image] = {}
    for index, name in enumerate(CONCEPTS):
        row, column = divmod(index, COLUMNS)
        pictures[name] = atlas.crop((column * side, row * side, (column + 1) * side, (row + 1) * side))
    return pictures
