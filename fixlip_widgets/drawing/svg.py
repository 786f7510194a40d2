"""SVG drawings of an explanation: heat on the image, and the graph with patches as thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fixlip_widgets.drawing.colors import limit_of, palette
from fixlip_widgets.drawing.graphs import Kind, Layout, explanation_graph
from fixlip_widgets.drawing.image_data import patch_values
from fixlip_widgets.drawing.layouts import Graph, bend
from fixlip_widgets.drawing.svg_parts import Picture
from fixlip_widgets.drawing.word_colors import word_colors
from fixlip_widgets.support.formatting import columns, pair_name, shortened, signed, with_error, with_unit
from fixlip_widgets.support.templates import render

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

_HEAT = 0.72
"""Opacity of the strongest heat; the image stays visible."""
_FAINTEST = 0.015
"""Heat below this opacity is omitted: it is invisible and would enlarge the file."""
_FAINTEST_WORD = 0.2
"""Opacity of a patch with the weakest interaction with its word; fainter colours cannot be told apart."""
_FORCE_SIZE = (720.0, 540.0)
_FOOT_LINE = 40.0
"""Extra height of a force layout for each additional line of tokens at the bottom."""
_ANCHORED_WIDTH = 600.0
_THUMBNAIL = 48.0


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
        embed: Whether to embed the image; pass False on a page that contains the ``shared`` definitions.

    Raises:
        InputError: The player or the palette does not exist.
    """
    chosen = None if player is None else explanation.player(player)
    values = patch_values(explanation, chosen)
    subject = "First-order attributions" if chosen is None else f"Interactions with {explanation.names[chosen]}"
    picture = Picture(explanation, embed=embed)
    return render(
        "drawing/templates/overlay.svg.j2",
        title=f"{subject}: {explanation.caption}",
        width=picture.width,
        height=picture.height,
        picture=picture,
        heat=_heat(explanation, values, limit or limit_of(values), colors),
        outlined=chosen if chosen is not None and chosen < explanation.n_image else None,
    )


def words_svg(explanation: Surrogate, *, legend: bool = True, embed: bool = True) -> str:
    """Draw every patch in the colour of its word, with the coloured words below the image.

    A patch belongs to the word with which it has its largest positive, significant interaction; see
    :meth:`fixlip_widgets.Explanation.patch_words`. The opacity grows with that interaction.

    Args:
        explanation: Explanation to draw.
        legend: Whether to draw the words.
        embed: As in :func:`overlay_svg`.
    """
    picture, colors = Picture(explanation, embed=embed), word_colors(explanation)
    words, values = explanation.patch_words()
    limit = limit_of(values)
    heat = [
        {
            "player": player,
            "title": f"{explanation.names[player]}: “{explanation.names[explanation.n_image + word]}”, "
            + with_unit(signed(value), explanation.unit),
            "color": colors[word],
            "opacity": round(_FAINTEST_WORD + (_HEAT - _FAINTEST_WORD) * value / limit, 2),
        }
        for player, (word, value) in enumerate(zip(words.tolist(), values.tolist(), strict=True))
        if word >= 0 and colors[word]
    ]
    chips = _legend(explanation.names[explanation.n_image :], colors, picture) if legend else []
    return render(
        "drawing/templates/words.svg.j2",
        title=f"The word of each {explanation.image_word[0]}: {explanation.caption}",
        width=picture.width,
        height=max([chip["y"] + chip["height"] * 1.2 for chip in chips], default=picture.height),
        picture=picture,
        heat=heat,
        outlined=None,
        legend=chips,
    )


def _legend(words: Sequence[str], colors: Sequence[str | None], picture: Picture) -> list[dict[str, Any]]:
    """Place the words in lines below the image."""
    height = picture.width / 16
    x, y, chips = 0.0, picture.height + height / 4, list[dict[str, Any]]()
    for word, color in zip(words, colors, strict=True):
        text = shortened(word, 18)
        width = height * (0.8 + 0.38 * columns(text))
        if x and x + width > picture.width:
            x, y = 0.0, y + 1.25 * height
        chips.append({"text": text, "color": color, "x": x, "y": y, "width": width, "height": height})
        x += width + height / 4
    return chips


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
    the interactions; lines that are not significant are dashed and pale. Players and lines have tooltips.

    Raises:
        InputError: An argument is invalid.
    """
    graph = explanation_graph(explanation, top_k, sign=sign, kind=edges, layout=layout)
    picture, share = Picture(explanation, embed=embed), graph.graph["image_height"]
    if share is None:
        width, height = _FORCE_SIZE[0], _FORCE_SIZE[1] + _FOOT_LINE * max(0, _loose_lines(graph) - 1)
        cell = {"width": _THUMBNAIL, "height": _THUMBNAIL, "corner": 7}
    else:
        width, height = _ANCHORED_WIDTH, _ANCHORED_WIDTH * picture.height / picture.width / share
        rows, across = explanation.grid
        cell = {"width": width / max(across, 1) - 2, "height": height * share / max(rows, 1) - 2, "corner": 3}
    return render(
        "drawing/templates/graph.svg.j2",
        title=f"Explanation graph: {explanation.caption}",
        width=width,
        height=height,
        picture=picture,
        anchored=share is not None,
        cell=cell,
        to_canvas=f"scale({width / picture.width:.4f})",
        edges=_edges(explanation, graph, (width, height), colors),
        patches=_nodes(explanation, graph, (width, height), "patch"),
        tokens=[_in_box(token, width) for token in _nodes(explanation, graph, (width, height), "token")],
    )


def _heat(explanation: Surrogate, values: np.ndarray, limit: float, colors: str) -> list[dict[str, Any]]:
    """Return the cells with visible heat for (n_image,) ``values`` in logits; the strongest is at ``limit``."""
    names, chosen = explanation.names, palette(colors)
    opacities = _HEAT * np.minimum(np.abs(values) / limit, 1.0)
    return [
        {
            "player": player,
            "title": f"{names[player]}: {with_unit(signed(value), explanation.unit)}",
            "color": chosen.positive if value > 0 else chosen.negative,
            "opacity": round(opacity, 2),
        }
        for player, (value, opacity) in enumerate(zip(values.tolist(), opacities.tolist(), strict=True))
        if opacity > _FAINTEST
    ]


def _edges(explanation: Surrogate, graph: Graph, size: tuple[float, float], colors: str) -> list[dict[str, Any]]:
    """Return the edges, weakest first, so that the strongest is on top."""
    edges, chosen = [*graph.edges(data=True)], palette(colors)
    limit = limit_of([edge["weight"] for _, _, edge in edges])
    drawn: list[dict[str, Any]] = []
    for i, j, edge in reversed(edges):
        ends = graph.nodes[i]["pos"], bend(graph, i, j), graph.nodes[j]["pos"]
        start, middle, end = (f"{x * size[0]:.1f} {y * size[1]:.1f}" for x, y in ends)
        value = with_unit(with_error(edge["weight"], edge["se"]), explanation.unit)
        drawn.append(
            {
                "path": f"M{start}Q{middle} {end}",
                "title": f"{_edge_name(explanation, graph, min(i, j), max(i, j))}: {value}",
                "color": chosen.positive if edge["sign"] > 0 else chosen.negative,
                "width": 1 + 8 * abs(edge["weight"]) / limit,
                "unsure": edge["significant"] is False,
            }
        )
    return drawn


def _edge_name(explanation: Surrogate, graph: Graph, i: int, j: int) -> str:
    """Return the name of a pair, or of a third-order term for an edge to its node."""
    if j >= explanation.n_players:
        return str(graph.nodes[j]["label"])
    return pair_name(explanation.names, explanation.n_image, i, j)


def _nodes(explanation: Surrogate, graph: Graph, size: tuple[float, float], kind: str) -> list[dict[str, Any]]:
    """Return the positions and texts of the players of one kind."""
    drawn: list[dict[str, Any]] = []
    for player, node in graph.nodes(data=True):
        if node["kind"] == kind:
            effect = with_unit(with_error(node["main"], node["se"]), explanation.unit)
            title = f"{explanation.names[player]}: main effect {effect}"
            x, y = node["pos"][0] * size[0], node["pos"][1] * size[1]
            drawn.append({"player": player, "x": x, "y": y, "label": node["label"], "title": title})
    return drawn


def _in_box(token: dict[str, Any], canvas: float) -> dict[str, Any]:
    """Return a token with a short label and the width of its box, which lies within the canvas."""
    label = shortened(token["label"], 18)
    width = 18 + 8.2 * columns(label)
    x = min(max(token["x"], width / 2 + 1), canvas - width / 2 - 1)
    return {**token, "label": label, "width": width, "x": x}


def _loose_lines(graph: Graph) -> int:
    """Return the number of lines of unconnected tokens."""
    return len({node["pos"][1] for player, node in graph.nodes(data=True) if not graph.degree(player)})
