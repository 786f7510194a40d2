"""SVG drawings of an explanation: heat on the image, and the graph with patches as thumbnails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from fixlip_widgets.drawing.colors import limit_of, palette
from fixlip_widgets.drawing.graphs import Kind, Layout, explanation_graph
from fixlip_widgets.drawing.image_data import patch_values
from fixlip_widgets.drawing.layouts import Graph, bend
from fixlip_widgets.drawing.svg_parts import crop, cut_out, definitions, heat, picture, picture_size, shape
from fixlip_widgets.support.formatting import columns, pair_name, shortened, with_error, with_unit
from fixlip_widgets.support.markup import element, escaped

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_BACKDROP = 0.25
"""Opacity of the image behind an anchored graph."""
_FORCE_SIZE = (720.0, 540.0)
_FOOT_LINE = 40.0
"""Extra height of a force layout for each additional line of tokens at the bottom."""
_ANCHORED_WIDTH = 600.0
_THUMBNAIL = 48.0
_DOT = 9.0
"""Side of the marker at a region's centre."""

# Pages may set these variables. The fallbacks, and the attributes for renderers without variables, suit a light theme.
_PAPER = {"fill": "#ffffff", "style": "fill:var(--fixlip-paper,#ffffff)"}
_INK = {"fill": "#1f2328", "style": "fill:var(--fixlip-ink,#1f2328)"}
_LINE = {"fill": "none", "stroke": "#c9d1d9", "style": "stroke:var(--fixlip-line,#c9d1d9)"}
_CENTRED = {"text_anchor": "middle", "dy": "0.35em"}


def overlay_svg(
    explanation: Surrogate,
    player: int | str | None = None,
    *,
    limit: float | None = None,
    colors: str = "house",
    embed: bool = True,
) -> str:
    """Draw the image with heat: first-order attributions or, for a ``player``, its interactions with the patches.

    Args:
        explanation: Explanation to draw.
        player: Index or token of the player whose interactions are shown; a patch is outlined.
        limit: Value, in logits, with the strongest heat; by default the largest magnitude drawn.
        colors: Name of the palette.
        embed: Whether to embed the image; pass False on a page that contains :func:`picture_svg`.

    Raises:
        InputError: The player or the palette does not exist.
    """
    chosen = None if player is None else explanation.player(player)
    values = patch_values(explanation, chosen)
    subject = "First-order attributions" if chosen is None else f"Interactions with {explanation.names[chosen]}"
    parts = [picture(explanation, embed), *heat(explanation, values, limit or limit_of(values), colors)]
    if chosen is not None and chosen < explanation.n_image:
        parts.append(shape(explanation, chosen, fill="none", stroke="#ffffff", stroke_width=3))
    return _svg(*picture_size(explanation), f"{subject}: {explanation.caption}", parts)


def graph_svg(
    explanation: Surrogate,
    top_k: int | None = 30,
    *,
    sign: Literal[-1, 1] | None = None,
    edges: Kind = "all",
    layout: Layout = "anchored",
    colors: str = "house",
    embed: bool = True,
) -> str:
    """Draw the explanation graph; see :func:`fixlip_widgets.drawing.graphs.explanation_graph`.

    ``edges`` is its ``kind``; ``colors`` and ``embed`` are as in :func:`overlay_svg`. Line widths are proportional to
    the interactions; lines whose 95 % interval includes 0 are dashed and pale. Players and lines have tooltips.

    Raises:
        InputError: An argument is invalid.
    """
    graph = explanation_graph(explanation, top_k, sign=sign, kind=edges, layout=layout)
    title = f"Explanation graph: {explanation.caption}"
    share, (picture_width, picture_height) = graph.graph["image_height"], picture_size(explanation)
    if share is None:
        size = (_FORCE_SIZE[0], _FORCE_SIZE[1] + _FOOT_LINE * max(0, _loose_lines(graph) - 1))
        drawing = _Drawing(explanation, graph, size, (_THUMBNAIL, _THUMBNAIL), corner=7, embed=embed)
        defs = definitions(explanation, image=False) if embed else ""
        return _svg(*size, title, [defs, *drawing.edges(colors), *drawing.patches(), *drawing.tokens()])
    width, height = _ANCHORED_WIDTH, _ANCHORED_WIDTH * picture_height / picture_width / share
    cell = (width / explanation.grid[1] - 2, height * share / explanation.grid[0] - 2)
    drawing = _Drawing(explanation, graph, (width, height), cell, corner=3, embed=embed)
    shrink = f"scale({width / picture_width:.4f})"
    backdrop = element("g", picture(explanation, embed), transform=shrink, opacity=_BACKDROP)
    return _svg(width, height, title, [backdrop, *drawing.patches(), *drawing.edges(colors), *drawing.tokens()])


def picture_svg(explanation: Surrogate, *, quality: int = 92) -> str:
    """Return a hidden SVG with the definitions used by drawings with ``embed=False``; empty if there are none.

    ``quality`` is the JPEG quality, from 1 to 95.
    """
    inside = definitions(explanation, quality=quality)
    return element("svg", inside, width=0, height=0, style="position:absolute", aria_hidden="true") if inside else ""


def thumbnail_svg(explanation: Surrogate, player: int, size: float = 28.0) -> str:
    """Draw a thumbnail of an image player, on a page that contains :func:`picture_svg`."""
    inside = crop(explanation, player, size, size)
    name = explanation.names[player]
    return element("svg", inside, class_="thumbnail", width=size, height=size, role="img", aria_label=name)


class _Drawing:
    """Nodes and edges of a graph on a canvas of ``size``, with patches as ``thumbnail`` (width, height)."""

    def __init__(
        self,
        explanation: Surrogate,
        graph: Graph,
        size: tuple[float, float],
        thumbnail: tuple[float, float],
        corner: float,
        embed: bool,
    ) -> None:
        self._explanation, self._graph, self._size = explanation, graph, size
        self._shape = {"width": thumbnail[0], "height": thumbnail[1], "rx": corner}
        self._names = explanation.names
        self._embed = embed
        self._in_place = explanation.regions is not None and graph.graph["image_height"] is not None
        self._rounded = "fixlip-rounded-" + "-".join(f"{side:.0f}" for side in self._shape.values())

    def edges(self, colors: str) -> list[str]:
        """Return the edges, weakest first, so that the strongest is on top."""
        edges = [*self._graph.edges(data=True)]
        limit = limit_of([edge["weight"] for _, _, edge in edges])
        return [self._edge(i, j, edge, limit, colors) for i, j, edge in reversed(edges)]

    def patches(self) -> list[str]:
        """Return the patches as thumbnails with rounded corners."""
        nodes = [(player, node) for player, node in self._graph.nodes(data=True) if node["kind"] == "patch"]
        rounded = element("clipPath", element("rect", **self._shape), id=self._rounded)
        return [rounded, *(self._patch(player, node) for player, node in nodes)]

    def tokens(self) -> list[str]:
        """Return the tokens as text in boxes."""
        return [self._token(i, node) for i, node in self._graph.nodes(data=True) if node["kind"] == "token"]

    def _at(self, place: tuple[float, float]) -> tuple[float, float]:
        return place[0] * self._size[0], place[1] * self._size[1]

    def _edge(self, i: int, j: int, edge: dict[str, Any], limit: float, colors: str) -> str:
        (x0, y0), (x1, y1) = (self._at(self._graph.nodes[end]["pos"]) for end in (i, j))
        x, y = self._at(bend(self._graph, i, j))
        unsure = edge["certain"] is False
        name, value = self._name(min(i, j), max(i, j)), self._value(edge["weight"], edge["se"])
        return element(
            "path",
            element("title", escaped(f"{name}: {value}")),
            d=f"M{x0:.1f} {y0:.1f}Q{x:.1f} {y:.1f} {x1:.1f} {y1:.1f}",
            fill="none",
            stroke=palette(colors).positive if edge["sign"] > 0 else palette(colors).negative,
            stroke_width=1 + 8 * abs(edge["weight"]) / limit,
            stroke_opacity=0.45 if unsure else 0.8,
            stroke_dasharray="5 6" if unsure else None,
            stroke_linecap=None if unsure else "round",
        )

    def _name(self, i: int, j: int) -> str:
        """Return the name of a pair, or of a third-order term for an edge to its node."""
        if j >= self._explanation.n_players:
            return str(self._graph.nodes[j]["label"])
        return pair_name(self._names, self._explanation.n_image, i, j)

    def _patch(self, player: int, node: dict[str, Any]) -> str:
        if self._in_place:
            return self._region(player, node)
        (x, y), width, height = self._at(node["pos"]), self._shape["width"], self._shape["height"]
        if self._explanation.image is None:
            place = element("text", node["label"], x=width / 2, y=height / 2, font_size=12, **_CENTRED, **_INK)
            inside = element("rect", **self._shape, **_PAPER) + place
        else:
            inside = crop(self._explanation, player, width, height, self._embed)
            inside = element("g", inside, clip_path=f"url(#{self._rounded})")
        frame = element("rect", **self._shape, **_LINE)
        corner = f"translate({x - width / 2:.1f},{y - height / 2:.1f})"
        return element("g", self._title(player, node), inside, frame, transform=corner)

    def _region(self, player: int, node: dict[str, Any]) -> str:
        """Draw a region at its position, on the pale image."""
        outline = shape(self._explanation, player, fill="none", stroke="#ffffff", stroke_width=1)
        scale = f"scale({self._size[0] / picture_size(self._explanation)[0]:.4f})"
        inside = element("g", cut_out(self._explanation, player, self._embed), outline, transform=scale)
        (x, y), side = self._at(node["pos"]), _DOT
        dot = {"x": x - side / 2, "y": y - side / 2, "width": side, "height": side, "rx": side / 2}
        middle = element("rect", **dot, **_PAPER) + element("rect", **dot, **_LINE)
        return element("g", self._title(player, node), inside, middle)

    def _token(self, player: int, node: dict[str, Any]) -> str:
        (x, y), label = self._at(node["pos"]), shortened(node["label"], 18)
        width = 18 + 8.2 * columns(label)
        x = min(max(x, width / 2 + 1), self._size[0] - width / 2 - 1)
        box = {"x": x - width / 2, "y": y - 14, "width": width, "height": 28, "rx": 7}
        letters = element("text", escaped(label), x=x, y=y, font_size=13.5, font_weight="600", **_CENTRED, **_INK)
        sheet = element("rect", **box, **_PAPER) + element("rect", **box, **_LINE)
        return element("g", self._title(player, node), sheet, letters)

    def _title(self, player: int, node: dict[str, Any]) -> str:
        value = self._value(node["main"], node["se"])
        return element("title", escaped(f"{self._names[player]}: main effect {value}"))

    def _value(self, value: float, error: float | None) -> str:
        return with_unit(with_error(value, error), self._explanation.unit)


def _loose_lines(graph: Graph) -> int:
    """Return the number of lines of unconnected tokens."""
    return len({node["pos"][1] for player, node in graph.nodes(data=True) if not graph.degree(player)})


def _svg(width: float, height: float, title: str, parts: list[str]) -> str:
    box = f"0 0 {width:g} {height:.5g}"
    space = "http://www.w3.org/2000/svg"
    return element("svg", *parts, xmlns=space, viewBox=box, role="img", aria_label=title, font_family=_FONT)
