"""The packaged pictures: one atlas of Noto emoji, in the order of the concepts."""

from __future__ import annotations

from functools import cache
from math import ceil
from pathlib import Path

from PIL import Image

from fixlip_widgets.demo.concepts import CONCEPTS

ATLAS = Path(__file__).parent / "sprites" / "noto.png"
_COLUMNS = 12


@cache
def packaged_pictures() -> dict[str, Image.Image]:
    """Concept name -> its square RGBA picture."""
    with Image.open(ATLAS) as opened:
        atlas = opened.convert("RGBA")
    side = atlas.width // _COLUMNS
    found: dict[str, Image.Image] = {}
    for index, name in enumerate(CONCEPTS):
        row, column = divmod(index, _COLUMNS)
        found[name] = atlas.crop((column * side, row * side, (column + 1) * side, (row + 1) * side))
    return found


def pack(pictures: dict[str, Image.Image], side: int, path: Path = ATLAS) -> None:
    """Write the atlas from square pictures of all concepts."""
    atlas = Image.new("RGBA", (_COLUMNS * side, ceil(len(CONCEPTS) / _COLUMNS) * side))
    for index, name in enumerate(CONCEPTS):
        row, column = divmod(index, _COLUMNS)
        picture = pictures[name].convert("RGBA").resize((side, side), Image.Resampling.BICUBIC)
        atlas.paste(picture, (column * side, row * side))
    path.parent.mkdir(parents=True, exist_ok=True)
    atlas.save(path, optimize=True)
