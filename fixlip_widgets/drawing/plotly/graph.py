"""The explanation graph as a figure: thumbnails and tokens, connected by edges of proportional width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fixlip_widgets.drawing.colors import limit_of, palette
from fixlip_widgets.drawing.graphs import Kind, Layout, explanation_graph
from fixlip_widgets.drawing.image_data import data_uri, player_picture
from fixlip_widgets.drawing.layouts import Graph, bend
from fixlip_widgets.drawing.player_shapes import Places, places_of
from fixlip_widgets.drawing.plotly.style import Style, escape_text, figure_title
from fixlip_widgets.support.checks import Sign
from fixlip_widgets.support.formatting import pair_name, shortened, with_error, with_unit

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

Floats = NDArray[np.float64]
Curves = tuple[list[float | None], list[float | None]]

_WIDTHS = (1.0, 2.0, 3.5, 5.5, 8.0)
_THUMBNAIL = (0.075, 0.11)
_BACKDROP = 0.22
"""Opacity of the image behind an anchored graph."""
_LETTERS = 16
_SEAM = 0.97


def graph(
    explanation: Surrogate,
    style: Style,
    top_k: int | None = 30,
    sign: Sign | None = None,
    edges: Kind = "all",
    layout: Layout = "anchored",
) -> go.Figure:
    """Draw the ``top_k`` strongest interactions; those that are not significant are dotted and pale."""
    network = explanation_graph(explanation, top_k, sign=sign, kind=edges, layout=layout)
    fig = go.Figure(_lines(style, network))
    fig.add_trace(_hover_over_edges(explanation, network))
    fig.add_trace(_hover_over_nodes(explanation, network))
    fig.update_layout(**style.layout(figure_title("Explanation graph", explanation.caption), height=560))
    fig.update_xaxes(visible=False, range=[-0.02, 1.02])
    fig.update_yaxes(visible=False, range=[1.02, -0.02])
    _add_thumbnails(fig, explanation, network)
    _add_labels(fig, explanation, style, network)
    return fig


def _lines(style: Style, network: Graph) -> list[go.Scatter]:
    """Return one trace per style (colour, width, significance); one per edge would be slow."""
    limit = limit_of([edge["weight"] for _, _, edge in network.edges(data=True)])
    colors = palette(style.palette)
    looks: dict[tuple[int, int, bool], Curves] = {}
    for i, j, edge in network.edges(data=True):
        step = min(int(abs(edge["weight"]) / limit * len(_WIDTHS)), len(_WIDTHS) - 1)
        xs, ys = looks.setdefault((step, edge["sign"], edge["significant"] is False), ([], []))
        curve = _curve(network, i, j)
        xs += [*curve[:, 0].tolist(), None]
        ys += [*curve[:, 1].tolist(), None]
    traces: list[go.Scatter] = []
    for (step, sign, unsure), (xs, ys) in sorted(looks.items(), key=lambda look: look[0]):
        color = colors.positive if sign > 0 else colors.negative
        line = {"color": color, "width": _WIDTHS[step], "dash": "dot" if unsure else "solid"}
        opacity = 0.4 if unsure else 0.75
        traces.append(go.Scatter(x=xs, y=ys, mode="lines", line=line, opacity=opacity, hoverinfo="skip"))
    return traces


def _curve(network: Graph, i: int, j: int) -> Floats:
    """Return (m, 2) points along an edge: the two ends of a straight edge, more for a curved one."""
    ends, middle = np.array([network.nodes[i]["pos"], network.nodes[j]["pos"]]), np.array(bend(network, i, j))
    along = np.linspace(0, 1, 2 if np.allclose(ends.mean(axis=0), middle) else 13)[:, None]
    return (1 - along) ** 2 * ends[0] + 2 * along * (1 - along) * middle + along**2 * ends[1]


def _hover_over_edges(explanation: Surrogate, network: Graph) -> go.Scatter:
    """Return invisible hover targets at the midpoints of the edges."""
    names, n_image, unit = explanation.names, explanation.n_image, explanation.unit
    texts: list[str] = []
    middles = np.zeros((network.number_of_edges(), 2))
    for at, (i, j, edge) in enumerate(network.edges(data=True)):
        middles[at] = _curve(network, i, j)[[0, -1]].mean(axis=0) / 2 + np.array(bend(network, i, j)) / 2
        name = escape_text(pair_name(names, n_image, min(i, j), max(i, j)))
        texts.append(f"{name}<br>{with_unit(with_error(edge['weight'], edge['se']), unit)}")
    return _unseen(middles, texts, size=14)


def _hover_over_nodes(explanation: Surrogate, network: Graph) -> go.Scatter:
    names = explanation.names
    texts = [
        f"{escape_text(names[player])}<br>"
        f"main effect {with_unit(with_error(node['main'], node['se']), explanation.unit)}"
        for player, node in network.nodes(data=True)
    ]
    places = np.array([node["pos"] for _, node in network.nodes(data=True)]).reshape(-1, 2)
    return _unseen(places, texts, size=34)


def _unseen(places: Floats, texts: list[str], size: int) -> go.Scatter:
    marker = {"size": size, "opacity": 0, "symbol": "square"}
    return go.Scatter(x=places[:, 0], y=places[:, 1], mode="markers", marker=marker, hovertext=texts, hoverinfo="text")


def _add_thumbnails(fig: go.Figure, explanation: Surrogate, network: Graph) -> None:
    """Add the patches' pixels; in the anchored layout at their own size, on the pale image."""
    if explanation.image is None:
        return
    height, places = network.graph["image_height"], places_of(explanation)
    shared: dict[str, Any] = {"xref": "x", "yref": "y", "sizing": "contain" if height is None else "stretch"}
    if height is not None:
        whole = {"x": 0, "y": 0, "sizex": 1, "sizey": height, "opacity": _BACKDROP, "layer": "below"}
        fig.add_layout_image(source=data_uri(explanation.image), **shared, **whole)
        tall, wide = explanation.image.shape[:2]
        fig.update_yaxes(scaleanchor="x", scaleratio=tall / wide / height, constrain="domain")
        fig.update_xaxes(constrain="domain")
    for player, node in network.nodes(data=True):
        if node["kind"] == "patch":
            pixels = player_picture(explanation, player)
            x, y, wide, high = (*node["pos"], *_THUMBNAIL) if height is None else _in_place(places, player, height)
            box = {"x": x, "y": y, "sizex": wide, "sizey": high, "xanchor": "center", "yanchor": "middle"}
            fig.add_layout_image(source=data_uri(pixels), layer="below" if height else "above", **shared, **box)


def _in_place(places: Places, player: int, height: float) -> tuple[float, float, float, float]:
    """Return centre, width and height of a player's box in the anchored layout, with a gap between patches."""
    left, top, wide, high = (places.boxes[player] / [*places.size[::-1], *places.size[::-1]]).tolist()
    seam = 1.0 if places.outlines[player] else _SEAM
    return left + wide / 2, height * (top + high / 2), seam * wide, seam * height * high


def _add_labels(fig: go.Figure, explanation: Surrogate, style: Style, network: Graph) -> None:
    """Add labels of tokens and, without an image, of patches."""
    for _, node in network.nodes(data=True):
        if node["kind"] == "token" or explanation.image is None:
            x, y = node["pos"]
            fig.add_annotation(
                x=x,
                y=y,
                text=f"<b>{escape_text(shortened(node['label'], _LETTERS))}</b>",
                showarrow=False,
                bgcolor=style.theme.paper,
                bordercolor=style.theme.line,
                borderpad=4,
            )
