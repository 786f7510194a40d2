"""Layouts of the explanation graph: anchored to the image, or force-directed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.support.formatting import columns, right_to_left

Floats = NDArray[np.float64]
Ends = NDArray[np.intp]
"""(m, 2) indices of the end nodes of m edges."""
Graph: TypeAlias = "nx.Graph[int]"
Places = dict[int, tuple[float, float]]
"""Node -> (x, y) in the unit square, y downward."""

_LETTERS = 72.0
"""Columns of text per line of tokens, including two for the space around each token."""
_LINE = 0.07
"""Height of a line of tokens, in the unit square."""
_MARGIN = 0.06
_ROUNDS = 60
_MOST_AVOIDED = 60
"""Maximum number of edges that nodes avoid; with more, there is no room."""
_SEED = 0
_CENTRE = -1
"""Temporary node that keeps the components of a force layout together."""


def image_height(graph: Graph) -> float:
    """Return the fraction of the height covered by the image in the anchored layout; tokens are below it."""
    tokens = [node for node, attributes in graph.nodes(data=True) if attributes["kind"] == "token"]
    return max(0.5, 0.9 - _LINE * _lines(graph, tokens))


def bend(graph: Graph, i: int, j: int) -> tuple[float, float]:
    """Return the control point of the quadratic curve that draws the edge i–j.

    Edges are straight, except between tokens in the anchored layout: those curve below the line of tokens, because
    straight ones would overlap.
    """
    (x0, y0), (x1, y1) = graph.nodes[i]["pos"], graph.nodes[j]["pos"]
    tokens = graph.nodes[i]["kind"] == graph.nodes[j]["kind"] == "token"
    hang = 0.06 + 0.1 * abs(x1 - x0) if tokens and graph.graph["image_height"] is not None else 0.0
    return (x0 + x1) / 2, (y0 + y1) / 2 + hang


def _anchored(graph: Graph, centres: Floats) -> Places:
    """Place patches at their position in the image, and tokens below in reading order, spaced by their width."""
    height = image_height(graph)
    places: Places = {
        node: (float(centres[node, 0]), float(centres[node, 1]) * height)
        for node, patch in graph.nodes(data=True)
        if patch["kind"] == "patch"
    }
    return places | _in_lines(graph, [node for node in graph if node not in places], height)


def _widths(graph: Graph, tokens: list[int]) -> Floats:
    return np.array([columns(graph.nodes[token]["label"]) + 2.0 for token in tokens])


def _lines(graph: Graph, tokens: list[int]) -> int:
    return max(1, int(np.ceil(_widths(graph, tokens).sum() / _LETTERS)))


def _in_lines(graph: Graph, tokens: list[int], top: float) -> Places:
    """Place tokens in reading order in as many lines as their text needs, spread over the width."""
    widths, lines = _widths(graph, tokens), _lines(graph, tokens)
    from_right = right_to_left(graph.nodes[token]["label"] for token in tokens)
    line_of = np.minimum((np.cumsum(widths) - widths / 2) / max(widths.sum(), 1.0) * lines, lines - 0.5).astype(int)
    places: Places = {}
    for line in range(lines):
        members = np.flatnonzero(line_of == line)
        line_widths = widths[members]
        centres = (np.cumsum(line_widths) - line_widths / 2) / max(line_widths.sum(), 1.0)
        centres = 1 - centres if from_right else centres
        height = top + (1 - top) * (line + 0.5) / lines
        places.update((tokens[at], (x, height)) for at, x in zip(members.tolist(), centres.tolist(), strict=True))
    return places


def _spring(graph: Graph, centres: Floats) -> Places:
    """Apply NetworkX's Fruchterman–Reingold spring layout, starting from the anchored positions."""
    return _connected_above_loose(graph, centres, _sprung)


def _kamada_kawai(graph: Graph, centres: Floats) -> Places:
    """Minimise Kamada and Kawai's energy, starting from the anchored positions."""
    return _connected_above_loose(graph, centres, _settled)


LAYOUTS: dict[str, Callable[[Graph, Floats], Places]] = {
    "anchored": _anchored,
    "spring": _spring,
    "kamada_kawai": _kamada_kawai,
}
"""Layouts by name."""


def _connected_above_loose(graph: Graph, centres: Floats, lay_out: Callable[[Graph, Places], dict[int, Any]]) -> Places:
    """Apply a force layout to connected nodes, and place unconnected tokens at the bottom in reading order."""
    start = _anchored(graph, centres)
    connected: list[int] = [node for node in graph if graph.degree(node)]
    if not connected:
        return start
    loose = [node for node in graph if not graph.degree(node)]
    subgraph: Graph = graph.subgraph(connected)
    top = 1 - _LINE * (_lines(graph, loose) + 0.5) if loose else 1 - _MARGIN
    places = _in_frame(subgraph, lay_out(subgraph, start), top) | _in_lines(graph, loose, top)
    return {node: places[node] for node in graph}


def _sprung(graph: Graph, start: Places) -> dict[int, Any]:
    held = _held_together(graph)
    begin = {node: start.get(node, (0.5, 0.5)) for node in held}
    return nx.spring_layout(held, pos=begin, weight="pull", seed=_SEED, iterations=80)


def _settled(graph: Graph, start: Places) -> dict[int, Any]:
    """Minimise stress by majorisation (Gansner, Koren and North, "Graph drawing by stress majorization", 2004).

    Stress decreases in every step, and unlike NetworkX's minimiser of the same energy, this needs no SciPy.
    """
    nodes = list(graph)
    distances = _graph_distances(graph, nodes)
    closeness = np.where(distances > 0, 1 / np.maximum(distances, 1e-9) ** 2, 0.0)
    inverse = np.linalg.pinv(np.diag(closeness.sum(axis=1)) - closeness)
    places = np.array([start[node] for node in nodes]) * distances.max()
    for _ in range(60):
        lengths = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=2))
        pull = np.where(lengths > 1e-9, closeness * distances / np.maximum(lengths, 1e-9), 0.0)
        places = inverse @ ((np.diag(pull.sum(axis=1)) - pull) @ places)
    return dict(zip(nodes, places, strict=True))


def _held_together(graph: Graph) -> Graph:
    """Return the graph with positive weights, and weak edges to a central node that hold its components together."""
    held: Graph = nx.Graph()
    held.add_nodes_from(graph)
    held.add_weighted_edges_from(((i, j, 0.2 + strength) for i, j, strength in _strengths(graph)), weight="pull")
    held.add_weighted_edges_from(((_CENTRE, node, 0.05) for node in graph), weight="pull")
    return held


def _strengths(graph: Graph) -> list[tuple[int, int, float]]:
    """Return the edges with their strength relative to the strongest, in (0, 1]."""
    edges = [(i, j, abs(float(edge["weight"]))) for i, j, edge in graph.edges(data=True)]
    strongest = max((strength for _, _, strength in edges), default=1.0)
    return [(i, j, strength / strongest) for i, j, strength in edges]


def _graph_distances(graph: Graph, nodes: list[int]) -> Floats:
    """Return (n, n) shortest path lengths; unconnected nodes are at the mean path length plus 1."""
    index = {node: position for position, node in enumerate(nodes)}
    distances = np.full((len(nodes), len(nodes)), np.inf)
    np.fill_diagonal(distances, 0.0)
    for i, j, strength in _strengths(graph):
        distances[index[i], index[j]] = distances[index[j], index[i]] = 1.5 - 0.5 * strength
    for middle in range(len(nodes)):
        np.minimum(distances, distances[:, middle, None] + distances[None, middle], out=distances)
    known = distances[np.isfinite(distances)]
    return np.where(np.isfinite(distances), distances, known.mean() + 1.0)


def _in_frame(graph: Graph, places: dict[int, Any], bottom: float) -> Places:
    """Stretch ``places`` over the unit square, within its margin and down to ``bottom``, and remove overlaps."""
    nodes = list(graph)
    xy = np.array([places[node] for node in nodes], dtype=np.float64)
    boxes = np.array([_box(graph.nodes[node]) for node in nodes])
    low, span = xy.min(axis=0), np.ptp(xy, axis=0)
    low_end = np.maximum(_MARGIN, boxes / 2)
    high_end = np.minimum([1 - _MARGIN, bottom], 1 - boxes / 2)
    shares = np.where(span > 1e-9, (xy - low) / np.where(span > 1e-9, span, 1.0), 0.5)
    edges = np.array([(nodes.index(i), nodes.index(j)) for i, j in graph.edges], dtype=np.intp).reshape(-1, 2)
    xy = _pushed_apart(low_end + shares * (high_end - low_end), boxes, edges, low_end, high_end)
    return {node: (float(x), float(y)) for node, (x, y) in zip(nodes, xy, strict=True)}


def _box(node: dict[str, Any]) -> tuple[float, float]:
    """Return the expected width and height of a node's thumbnail or text, in the unit square."""
    return (0.085, 0.125) if node["kind"] == "patch" else (0.035 + 0.0135 * columns(node["label"]), 0.075)


def _pushed_apart(xy: Floats, boxes: Floats, edges: Ends, low_end: Floats, high_end: Floats) -> Floats:
    """Move the (n, 2) positions until no node overlaps another node or a passing edge."""
    for _ in range(_ROUNDS):
        push = _off_nodes(xy, boxes) + _off_edges(xy, boxes, edges)
        if np.abs(push).max() < 1e-4:
            break
        xy = np.clip(xy + 0.7 * push, low_end, high_end)
    return xy


def _off_nodes(xy: Floats, boxes: Floats) -> Floats:
    """Return the (n, 2) push of each node out of other nodes' boxes, along the axis of smaller overlap."""
    apart = xy[:, None] - xy[None]
    overlap = (boxes[:, None] + boxes[None]) / 2 - np.abs(apart)
    touching = (overlap > 1e-6).all(axis=2) & ~np.eye(len(xy), dtype=bool)
    if not touching.any():
        return np.zeros_like(xy)
    order = np.arange(len(xy))
    sideways = overlap[..., 0] < overlap[..., 1]
    direction = np.where(apart == 0, np.sign(order[:, None] - order)[..., None], np.sign(apart))
    push = 0.5 * overlap * direction * touching[..., None] * np.stack([sideways, ~sideways], axis=2)
    return push.sum(axis=1)


def _off_edges(xy: Floats, boxes: Floats, edges: Ends) -> Floats:
    """Return the (n, 2) push of each node away from passing edges; 0 if there are too many edges."""
    if not 0 < len(edges) <= _MOST_AVOIDED:
        return np.zeros_like(xy)
    start, along = xy[edges[:, 0]], xy[edges[:, 1]] - xy[edges[:, 0]]
    length = np.maximum(np.sqrt((along**2).sum(axis=1)), 1e-9)
    unit = along / length[:, None]
    from_start = xy[None] - start[:, None]  # (edges, nodes, 2)
    passed = (from_start * unit[:, None]).sum(axis=2)
    normal = np.stack([-unit[:, 1], unit[:, 0]], axis=1)
    off = (from_start * normal[:, None]).sum(axis=2)
    reach = 0.4 * (np.abs(normal)[:, None] * boxes[None]).sum(axis=2)
    near = (np.abs(off) < reach) & (passed > 0) & (passed < length[:, None])
    near &= (edges[:, :1] != np.arange(len(xy))) & (edges[:, 1:] != np.arange(len(xy)))
    push = np.where(near, 0.3 * (reach - np.abs(off)) * np.where(off < 0, -1.0, 1.0), 0.0)
    return (push[..., None] * normal[:, None]).sum(axis=0)
