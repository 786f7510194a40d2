"""Composition of labelled scenes from the packaged pictures: an image, its caption and the place of each object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from fixlip_widgets.demo.captions import RELATIONS, Claim, Layout, relations
from fixlip_widgets.demo.concepts import BACKGROUNDS, CONCEPTS
from fixlip_widgets.demo.drawing import CELLS, GRID, Backdrop, Placement, covered, draw_tile, paint
from fixlip_widgets.demo.pictures import packaged_pictures
from fixlip_widgets.errors import InputError
from fixlip_widgets.support.formatting import joined
from fixlip_widgets.support.templates import render

if TYPE_CHECKING:
    import plotly.graph_objects as go

SIDE = 224
"""Side of a composed image in pixels."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A composed scene.

    Attributes:
        image: RGB, 224 x 224 pixels.
        caption: a true caption that names every object.
        names: the objects, as passed to `compose`.
        regions: name -> (8, 8) bool, the patches of the demo model's grid that contain the object (all copies).
        layout: the cell of each object, and the background.
    """

    image: Image.Image
    caption: str
    names: tuple[str, ...]
    regions: dict[str, NDArray[np.bool_]]
    layout: Layout

    def plot(self) -> go.Figure:
        """Return a Plotly figure of the image, in which the patches of every object have a colour of their own."""
        from fixlip_widgets.demo.figures import scene_figure

        return scene_figure(self.image, self.caption, self.regions)

    def __repr__(self) -> str:
        return f"<Scene “{self.caption}”: {joined(self.names)} on {self.layout.background}>"

    def _repr_png_(self) -> bytes | None:
        """Return the image as PNG for notebooks."""
        return self.image._repr_png_()  # pyright: ignore[reportPrivateUsage]

    def _repr_html_(self) -> str:
        """Return the image and its caption for notebooks."""
        from fixlip_widgets.demo.figures import png_base64

        return render("demo/templates/scene.html.j2", png=png_base64(self.image), caption=self.caption)


def compose(
    names: Sequence[str],
    background: str = "green",
    seed: int = 0,
    relation: str | None = None,
    mention_background: bool = False,
    pictures: dict[str, Image.Image] | None = None,
) -> Scene:
    """Compose a scene of one to four objects on a coloured background.

    Args:
        names: the objects, from `names()`; a name may repeat ("two dogs").
        background: the background's colour, from `backgrounds()`.
        seed: seed of places, sizes, angles and shades; the same arguments give the same scene.
        relation: for two different objects, one of "left of", "right of", "above", "below", "next to". It
            determines the cells and appears in the caption. None places freely and joins the names with "and".
        mention_background: end the caption with "on a green background".
        pictures: name -> RGBA picture, to replace the packaged pictures.

    Raises:
        InputError: an unknown name, background or relation, no object or more than four, or a relation without
            two different objects.
    """
    chosen = _checked(names, background, relation)
    rng = np.random.default_rng([seed, 2])
    cells = _cells(len(chosen), relation, rng)
    layout = Layout(chosen, cells, background)
    source = packaged_pictures() if pictures is None else pictures
    size = SIDE // CELLS
    tiles = np.zeros((1, CELLS**2, size, size, 4), dtype=np.uint8)
    regions = {name: np.zeros((GRID, GRID), dtype=bool) for name in chosen}
    side = GRID // CELLS
    for name, cell in zip(chosen, cells, strict=True):
        tile = draw_tile(source[name], Placement.random(rng), size)
        tiles[0, cell] = tile
        top, left = side * (cell // CELLS), side * (cell % CELLS)
        regions[name][top : top + side, left : left + side] |= covered(tile)
    backdrop = Backdrop.random(BACKGROUNDS[background], rng)
    pixels = paint(torch.from_numpy(tiles), torch.tensor([backdrop.colour]), torch.tensor([backdrop.shade]))
    for region in regions.values():
        region.setflags(write=False)
    mentioned = background if mention_background else None
    claim = Claim(tuple(Counter(chosen).items()), relation=relation, background=mentioned)
    return Scene(Image.fromarray(pixels[0].numpy()), claim.text(), chosen, regions, layout)


def _checked(names: Sequence[str], background: str, relation: str | None) -> tuple[str, ...]:
    if isinstance(names, str):
        names = [names]
    if not 1 <= len(names) <= CELLS**2:
        raise InputError(f"A scene holds one to four objects, not {len(names)}; pass a list such as ['dog', 'banana'].")
    for name in names:
        if name not in CONCEPTS:
            raise InputError(f"There is no picture of {name!r}; {_hint(name, list(CONCEPTS))} names() lists them all.")
    if background not in BACKGROUNDS:
        raise InputError(f"There is no background {background!r}; choose one of {', '.join(BACKGROUNDS)}.")
    if relation is not None and relation not in RELATIONS:
        raise InputError(f"There is no relation {relation!r}; choose one of {', '.join(RELATIONS)}, or None.")
    if relation is not None and (len(names) != 2 or names[0] == names[1]):
        raise InputError(f"A relation needs two different objects, not {list(names)}; pass two names or no relation.")
    return tuple(names)


def _hint(name: str, names: list[str]) -> str:
    near = get_close_matches(str(name), names, n=3)
    return f"did you mean {' or '.join(near)}?" if near else f"use, for example, {', '.join(names[:5])}."


def _cells(count: int, relation: str | None, rng: np.random.Generator) -> tuple[int, ...]:
    if relation is None:
        return tuple(int(cell) for cell in rng.permutation(CELLS**2)[:count])
    pairs = [(a, b) for a in range(CELLS**2) for b in range(CELLS**2) if relation in relations(a, b)]
    return pairs[int(rng.integers(len(pairs)))]
