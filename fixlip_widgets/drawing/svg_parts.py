"""SVG elements of image players: image, outlines and cut-outs, defined once per page and referenced by id."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from fixlip_widgets.drawing.colors import palette
from fixlip_widgets.drawing.image_data import data_uri
from fixlip_widgets.drawing.player_shapes import places_of
from fixlip_widgets.support.formatting import signed, with_unit
from fixlip_widgets.support.markup import element, escaped

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

_HEAT = 0.72
"""Opacity of the strongest heat; the image stays visible."""
_FAINTEST = 0.015
"""Heat below this opacity is omitted: it is invisible and would enlarge the file."""
_GREY = {"fill": "#8b949e", "fill_opacity": 0.25}
_AROUND = 0.25
"""Opacity of the surroundings of a region in its thumbnail."""


def picture_size(explanation: Surrogate) -> tuple[int, int]:
    """Return the width and height of the image in pixels or, without an image, of the players' positions."""
    if explanation.image is None:
        height, width = places_of(explanation).size
        return width, height
    return explanation.image.shape[1], explanation.image.shape[0]


def definitions(explanation: Surrogate, *, quality: int = 92, image: bool = True) -> str:
    """Return the shared definitions: the image (if ``image``) and the regions' outlines; empty if there are none."""
    parts = [_image(explanation, quality)] if image and explanation.image is not None else []
    if explanation.regions is not None:
        for player in range(explanation.n_image):
            name, cut = _name(explanation, player), _name(explanation, player, "cut")
            parts.append(element("path", id=name, **_outline(explanation, player)))
            parts.append(element("clipPath", _use(name), id=cut))
    return element("defs", *parts) if parts else ""


def picture(explanation: Surrogate, embed: bool) -> str:
    """Draw the whole image, or a grey rectangle without one; with ``embed``, include the definitions."""
    if explanation.image is None:
        width, height = picture_size(explanation)
        shown = element("rect", width=width, height=height, **_GREY)
    else:
        shown = _image(explanation) if embed else _use(_picture_id(explanation))
    return (definitions(explanation, image=False) if embed else "") + shown


def shape(explanation: Surrogate, player: int, title: str = "", **look: Any) -> str:
    """Draw one player's area, in image pixels, with the attributes ``look``."""
    named = element("title", escaped(title)) if title else ""
    if explanation.regions is None:
        return element("rect", named, **_box(explanation, player), **look)
    return element("g", named, _use(_name(explanation, player)), **look)


def heat(explanation: Surrogate, values: np.ndarray, limit: float, colors: str) -> list[str]:
    """Draw players in the colours of (n_image,) ``values`` in logits; the strongest colour is at ``limit``."""
    names, chosen = explanation.names, palette(colors)
    cells: list[str] = []
    for player, value in enumerate(values.tolist()):
        opacity = _HEAT * min(abs(value) / limit, 1.0)
        if opacity > _FAINTEST:
            color = chosen.positive if value > 0 else chosen.negative
            title = f"{names[player]}: {with_unit(signed(value), explanation.unit)}"
            cells.append(shape(explanation, player, title, fill=color, fill_opacity=opacity))
    return cells


def crop(explanation: Surrogate, player: int, width: float, height: float, embed: bool = False) -> str:
    """Crop the image to one player, filling ``width`` × ``height``; a region keeps its pale surroundings.

    With ``embed``, embed only the crop's pixels, so that many crops do not each scale the whole image.
    """
    if explanation.image is None and explanation.regions is None:
        return element("rect", width=width, height=height, **_GREY)
    inside, box = cut_out(explanation, player, embed), _box(explanation, player)
    if explanation.regions is not None:
        box = _with_room(box, width / height)
        inside = element("g", _part(explanation, box, embed), opacity=_AROUND) + inside
    sides = " ".join(f"{side:.4g}" for side in box.values())
    return element("svg", inside, width=width, height=height, viewBox=sides, preserveAspectRatio="xMidYMid slice")


def cut_out(explanation: Surrogate, player: int, embed: bool = False) -> str:
    """Draw the part of the image within a region, in image pixels; for a patch, the part is not clipped."""
    part = _part(explanation, _box(explanation, player), embed)
    if explanation.regions is None:
        return part
    return element("g", part, clip_path=f"url(#{_name(explanation, player, 'cut')})")


def _part(explanation: Surrogate, box: dict[str, Any], embed: bool) -> str:
    """Draw the page's whole image or, with ``embed``, only the pixels that ``box`` touches."""
    if not embed or explanation.image is None:
        return picture(explanation, embed=False)
    x, y, width, height = box.values()
    left, top = max(math.floor(x), 0), max(math.floor(y), 0)
    pixels = explanation.image[top : math.ceil(y + height), left : math.ceil(x + width)]
    return element("image", href=data_uri(pixels), x=left, y=top, width=pixels.shape[1], height=pixels.shape[0])


def _use(name: str) -> str:
    return element("use", href=f"#{name}")


def _scale(explanation: Surrogate) -> tuple[float, float]:
    """Return the image pixels per unit of the players' positions, across and down."""
    (width, height), (units_down, units_across) = picture_size(explanation), places_of(explanation).size
    return width / units_across, height / units_down


def _box(explanation: Surrogate, player: int) -> dict[str, Any]:
    """Return a player's bounding box in image pixels."""
    across, down = _scale(explanation)
    left, top, width, height = places_of(explanation).boxes[player].tolist()
    return {"x": across * left, "y": down * top, "width": across * width, "height": down * height}


def _with_room(box: dict[str, Any], ratio: float) -> dict[str, Any]:
    """Return the box with a margin and the aspect ratio ``ratio`` (width / height)."""
    width = 1.12 * max(box["width"], ratio * box["height"])
    height = width / ratio
    left, top = box["x"] + (box["width"] - width) / 2, box["y"] + (box["height"] - height) / 2
    return {"x": left, "y": top, "width": width, "height": height}


def _outline(explanation: Surrogate, player: int) -> dict[str, Any]:
    across, down = _scale(explanation)
    scaled = None if (across, down) == (1.0, 1.0) else f"scale({across:.5g},{down:.5g})"
    return {"d": places_of(explanation).outlines[player], "transform": scaled}


def _picture_id(explanation: Surrogate) -> str:
    """Return an id derived from the pixels, so that a page can contain several images."""
    assert explanation.image is not None
    return f"fixlip-picture-{zlib.crc32(np.ascontiguousarray(explanation.image).tobytes()):08x}"


def _name(explanation: Surrogate, player: int, what: str = "region") -> str:
    """Return the id of an outline or a cut-out, derived from the regions and the size of the image."""
    assert explanation.regions is not None
    content = explanation.regions.tobytes() + repr(picture_size(explanation)).encode()
    return f"fixlip-{what}-{zlib.crc32(content):08x}-{player}"


def _image(explanation: Surrogate, quality: int = 92) -> str:
    assert explanation.image is not None
    width, height = picture_size(explanation)
    sides = {"width": width, "height": height, "preserveAspectRatio": "none"}
    return element("image", id=_picture_id(explanation), href=data_uri(explanation.image, quality), **sides)
