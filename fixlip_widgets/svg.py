"""An explanation as SVG, drawn without a browser: heat on the picture, and the graph with patches as thumbnails."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fixlip_widgets.colors import limit_of, palette
from fixlip_widgets.graphs import Kind, Layout, explanation_graph
from fixlip_widgets.layouts import Graph, bend
from fixlip_widgets.markup import element, escaped
from fixlip_widgets.pictures import data_uri, patch_box, patch_values
from fixlip_widgets.wording import columns, pair_name, shortened, signed, with_error

if TYPE_CHECKING:
    from fixlip_widgets.explanation import Explanation

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_HEAT = 0.72
"""Opacity of the strongest heat, so that the picture is still seen through it."""
_FAINTEST = 0.015
"""Heat below this opacity is left out; nobody sees it and it would fill the file."""
_BACKDROP = 0.25
"""Opacity of the picture behind an anchored graph."""
_FORCE_SIZE = (720.0, 540.0)
_FOOT_LINE = 40.0
"""Height that a force layout grows by for each further line of tokens at its foot."""
_ANCHORED_WIDTH = 600.0
_THUMBNAIL = 48.0

# A page may set these variables. Fallbacks, and attributes for programs that know no variables, are for light paper.
_PAPER = {"fill": "#ffffff", "style": "fill:var(--fixlip-paper,#ffffff)"}
_INK = {"fill": "#1f2328", "style": "fill:var(--fixlip-ink,#1f2328)"}
_LINE = {"fill": "none", "stroke": "#c9d1d9", "style": "stroke:var(--fixlip-line,#c9d1d9)"}
_CENTRED = {"text_anchor": "middle", "dy": "0.35em"}
_GREY = {"fill": "#8b949e", "fill_opacity": 0.25}


def overlay_svg(
    explanation: Explanation,
    player: int | str | None = None,
    *,
    limit: float | None = None,
    colors: str = "house",
    embed: bool = True,
) -> str:
    """The picture with heat: first-order attributions or, for a ``player``, its interactions with the patches.

    Args:
        explanation: What to draw.
        player: Index or token of the player whose interactions are shown; a patch is outlined.
        limit: Value, in logits, at which the heat is strongest; by default the largest magnitude shown.
        colors: Name of the palette.
        embed: False to leave the picture out, for a page that holds it already (:func:`picture_svg`).

    Raises:
        InputError: There is no such player or palette.
    """
    chosen = None if player is None else explanation.player(player)
    values = patch_values(explanation, chosen)
    subject = "First-order attributions" if chosen is None else f"Interactions with {explanation.names[chosen]}"
    parts = [_picture(explanation, embed), *_heat(explanation, values, limit or limit_of(values), colors)]
    size = _picture_size(explanation)
    if chosen is not None and chosen < explanation.n_image:
        parts.append(element("rect", **_box(explanation, chosen), fill="none", stroke="#ffffff", stroke_width=3))
    return _svg(*size, f"{subject}: {explanation.caption}", parts)


def graph_svg(
    explanation: Explanation,
    top_k: int | None = 30,
    *,
    sign: Literal[-1, 1] | None = None,
    edges: Kind = "all",
    layout: Layout = "anchored",
    colors: str = "house",
    embed: bool = True,
) -> str:
    """The explanation graph; see :func:`fixlip_widgets.graphs.explanation_graph` for what it shows and raises.

    ``edges`` is its ``kind``. Lines are as wide as their interactions are strong; those not certain of their sign are
    dashed and pale. Players and lines name themselves when pointed at. ``colors`` and ``embed`` are as in
    :func:`overlay_svg`.
    """
    graph = explanation_graph(explanation, top_k, sign=sign, kind=edges, layout=layout)
    title = f"Explanation graph: {explanation.caption}"
    share, (picture_width, picture_height) = graph.graph["image_height"], _picture_size(explanation)
    if share is None:
        size = (_FORCE_SIZE[0], _FORCE_SIZE[1] + _FOOT_LINE * max(0, _loose_lines(graph) - 1))
        drawing = _Drawing(explanation, graph, size, (_THUMBNAIL, _THUMBNAIL), corner=7)
        held = element("defs", _image(explanation)) if embed and explanation.image is not None else ""
        return _svg(*size, title, [held, *drawing.edges(colors), *drawing.patches(), *drawing.tokens()])
    width, height = _ANCHORED_WIDTH, _ANCHORED_WIDTH * picture_height / picture_width / share
    cell = (width / explanation.grid[1] - 2, height * share / explanation.grid[0] - 2)
    drawing = _Drawing(explanation, graph, (width, height), cell, corner=3)
    shrink = f"scale({width / picture_width:.4f})"
    backdrop = element("g", _picture(explanation, embed), transform=shrink, opacity=_BACKDROP)
    return _svg(width, height, title, [backdrop, *drawing.patches(), *drawing.edges(colors), *drawing.tokens()])


def picture_svg(explanation: Explanation, *, quality: int = 92) -> str:
    """An unseen SVG that holds the picture for a page's SVGs drawn with ``embed=False``; empty where there is none.

    ``quality`` is JPEG's, from 1 to 95.
    """
    if explanation.image is None:
        return ""
    held = element("defs", _image(explanation, quality))
    return element("svg", held, width=0, height=0, style="position:absolute", aria_hidden="true")


def thumbnail_svg(explanation: Explanation, player: int, size: float = 28.0) -> str:
    """One patch, of the picture that the page holds already (:func:`picture_svg`)."""
    inside = _crop(explanation, player, size, size)
    name = explanation.names[player]
    return element("svg", inside, class_="thumbnail", width=size, height=size, role="img", aria_label=name)


class _Drawing:
    """One graph's nodes and edges on a canvas of ``size``, its patches as ``thumbnail`` (width, height)."""

    def __init__(
        self,
        explanation: Explanation,
        graph: Graph,
        size: tuple[float, float],
        thumbnail: tuple[float, float],
        corner: float,
    ) -> None:
        self._explanation, self._graph, self._size = explanation, graph, size
        self._shape = {"width": thumbnail[0], "height": thumbnail[1], "rx": corner}
        self._names = explanation.names
        self._rounded = "fixlip-rounded-" + "-".join(f"{side:.0f}" for side in self._shape.values())

    def edges(self, colors: str) -> list[str]:
        """Weakest first, so that the strongest lies on top."""
        edges = [*self._graph.edges(data=True)]
        limit = limit_of([edge["weight"] for _, _, edge in edges])
        return [self._edge(i, j, edge, limit, colors) for i, j, edge in reversed(edges)]

    def patches(self) -> list[str]:
        """Thumbnails with rounded corners."""
        nodes = [(player, node) for player, node in self._graph.nodes(data=True) if node["kind"] == "patch"]
        rounded = element("clipPath", element("rect", **self._shape), id=self._rounded)
        return [rounded, *(self._patch(player, node) for player, node in nodes)]

    def tokens(self) -> list[str]:
        """Letters on paper."""
        return [self._token(i, node) for i, node in self._graph.nodes(data=True) if node["kind"] == "token"]

    def _at(self, place: tuple[float, float]) -> tuple[float, float]:
        return place[0] * self._size[0], place[1] * self._size[1]

    def _edge(self, i: int, j: int, edge: dict[str, Any], limit: float, colors: str) -> str:
        (x0, y0), (x1, y1) = (self._at(self._graph.nodes[end]["pos"]) for end in (i, j))
        x, y = self._at(bend(self._graph, i, j))
        unsure = edge["certain"] is False
        name = self._name(min(i, j), max(i, j))
        return element(
            "path",
            element("title", escaped(f"{name}: {with_error(edge['weight'], edge['se'])} logits")),
            d=f"M{x0:.1f} {y0:.1f}Q{x:.1f} {y:.1f} {x1:.1f} {y1:.1f}",
            fill="none",
            stroke=palette(colors).positive if edge["sign"] > 0 else palette(colors).negative,
            stroke_width=1 + 8 * abs(edge["weight"]) / limit,
            stroke_opacity=0.45 if unsure else 0.8,
            stroke_dasharray="5 6" if unsure else None,
            stroke_linecap=None if unsure else "round",
        )

    def _name(self, i: int, j: int) -> str:
        """Of a pair; an edge to the node of a third-order term has that term's name."""
        if j >= self._explanation.n_players:
            return str(self._graph.nodes[j]["label"])
        return pair_name(self._names, self._explanation.n_image, i, j)

    def _patch(self, player: int, node: dict[str, Any]) -> str:
        (x, y), width, height = self._at(node["pos"]), self._shape["width"], self._shape["height"]
        if self._explanation.image is None:
            place = element("text", node["label"], x=width / 2, y=height / 2, font_size=12, **_CENTRED, **_INK)
            inside = element("rect", **self._shape, **_PAPER) + place
        else:
            crop = _crop(self._explanation, player, width, height)
            inside = element("g", crop, clip_path=f"url(#{self._rounded})")
        frame = element("rect", **self._shape, **_LINE)
        corner = f"translate({x - width / 2:.1f},{y - height / 2:.1f})"
        return element("g", self._title(player, node), inside, frame, transform=corner)

    def _token(self, player: int, node: dict[str, Any]) -> str:
        (x, y), label = self._at(node["pos"]), shortened(node["label"], 18)
        width = 18 + 8.2 * columns(label)
        x = min(max(x, width / 2 + 1), self._size[0] - width / 2 - 1)
        box = {"x": x - width / 2, "y": y - 14, "width": width, "height": 28, "rx": 7}
        letters = element("text", escaped(label), x=x, y=y, font_size=13.5, font_weight="600", **_CENTRED, **_INK)
        sheet = element("rect", **box, **_PAPER) + element("rect", **box, **_LINE)
        return element("g", self._title(player, node), sheet, letters)

    def _title(self, player: int, node: dict[str, Any]) -> str:
        value = with_error(node["main"], node["se"])
        return element("title", escaped(f"{self._names[player]}: main effect {value} logits"))


def _loose_lines(graph: Graph) -> int:
    """Lines that the tokens which nothing joins stand in."""
    return len({node["pos"][1] for player, node in graph.nodes(data=True) if not graph.degree(player)})


def _svg(width: float, height: float, title: str, parts: list[str]) -> str:
    box = f"0 0 {width:g} {height:.5g}"
    space = "http://www.w3.org/2000/svg"
    return element("svg", *parts, xmlns=space, viewBox=box, role="img", aria_label=title, font_family=_FONT)


def _picture_size(explanation: Explanation) -> tuple[int, int]:
    """Width and height in the picture's own pixels; 32 a patch where there is no picture."""
    if explanation.image is None:
        return 32 * explanation.grid[1], 32 * explanation.grid[0]
    return explanation.image.shape[1], explanation.image.shape[0]


def _box(explanation: Explanation, player: int) -> dict[str, Any]:
    width, height = _picture_size(explanation)
    left, top, wide, tall = patch_box((height, width), explanation.grid, player)
    return {"x": left, "y": top, "width": wide, "height": tall}


def _picture_id(explanation: Explanation) -> str:
    """The same for the same picture, so that a page with many explanations can tell them apart."""
    assert explanation.image is not None
    return f"fixlip-picture-{zlib.crc32(np.ascontiguousarray(explanation.image).tobytes()):08x}"


def _image(explanation: Explanation, quality: int = 92) -> str:
    assert explanation.image is not None
    width, height = _picture_size(explanation)
    shape = {"width": width, "height": height, "preserveAspectRatio": "none"}
    return element("image", id=_picture_id(explanation), href=data_uri(explanation.image, quality), **shape)


def _picture(explanation: Explanation, embed: bool) -> str:
    """The whole picture in its own pixels, or grey where there is none."""
    if explanation.image is None:
        width, height = _picture_size(explanation)
        return element("rect", width=width, height=height, **_GREY)
    return _image(explanation) if embed else element("use", href=f"#{_picture_id(explanation)}")


def _crop(explanation: Explanation, player: int, width: float, height: float) -> str:
    """One patch of the picture that the page holds, filling ``width`` × ``height``."""
    if explanation.image is None:
        return element("rect", width=width, height=height, **_GREY)
    box = " ".join(str(side) for side in _box(explanation, player).values())
    whole = element("use", href=f"#{_picture_id(explanation)}")
    return element("svg", whole, width=width, height=height, viewBox=box, preserveAspectRatio="xMidYMid slice")


def _heat(explanation: Explanation, values: np.ndarray, limit: float, colors: str) -> list[str]:
    names, chosen = explanation.names, palette(colors)
    cells: list[str] = []
    for player, value in enumerate(values.tolist()):
        opacity = _HEAT * min(abs(value) / limit, 1.0)
        if opacity > _FAINTEST:
            color = chosen.positive if value > 0 else chosen.negative
            title = element("title", escaped(f"{names[player]}: {signed(value)} logits"))
            cells.append(element("rect", title, **_box(explanation, player), fill=color, fill_opacity=opacity))
    return cells
