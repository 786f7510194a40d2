"""Places to draw an explanation graph's nodes at: where they are in the image, or near what they interact with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Graph: TypeAlias = "nx.Graph[int]"
Grid = tuple[int, int]
Places = dict[int, tuple[float, float]]
"""Node -> (x, y) in the unit square, y downward."""

_IMAGE_SHARE = 0.8
"""Height of the unit square that the picture takes in the anchored layout; the tokens stand below."""
_TOKENS_PER_ROW = 12
_MARGIN = 0.06
_SEED = 0
_CENTRE = -1
"""Node that holds a force layout's loose parts together; it never leaves this module."""


def _anchored(graph: Graph, grid: Grid) -> Places:
    """Patches where they are in the image; tokens in reading order below, each with room for its letters."""
    rows, columns = grid
    places: Places = {}
    letters: dict[int, float] = {}
    for node, described in graph.nodes(data=True):
        if described["kind"] == "patch":
            places[node] = ((described["column"] + 0.5) / columns, (described["row"] + 0.5) / rows * _IMAGE_SHARE)
        else:
            letters[node] = len(described["label"]) + 2.0
    lines = -(-len(letters) // _TOKENS_PER_ROW)
    for line, members in enumerate(np.array_split(np.array([*letters]), lines) if lines else []):
        widths = np.array([letters[node] for node in members.tolist()])
        centres = (np.cumsum(widths) - widths / 2) / widths.sum()
        height = _IMAGE_SHARE + (1 - _IMAGE_SHARE) * (line + 1) / (lines + 1)
        places.update((node, (x, height)) for node, x in zip(members.tolist(), centres.tolist(), strict=True))
    return places


def _spring(graph: Graph, grid: Grid) -> Places:
    """Fruchterman and Reingold's spring layout by NetworkX, from the anchored places."""
    start: dict[int, Any] = {_CENTRE: (0.5, 0.5), **_anchored(graph, grid)}
    held = _held_together(graph)
    found: dict[int, Any] = nx.spring_layout(held, pos=start, weight="pull", seed=_SEED, iterations=80)
    return _in_frame(graph, found)


def _kamada_kawai(graph: Graph, grid: Grid) -> Places:
    """Kamada and Kawai's energy (squared errors of distances relative to graph distance), from the anchored places.

    Minimised by majorisation (Gansner, Koren and North, "Graph drawing by stress majorization", 2004): it never
    overshoots, and unlike NetworkX's own minimiser it needs no SciPy.
    """
    start, nodes = _anchored(graph, grid), list(graph)
    if len(nodes) < 2:
        return start
    distances = _graph_distances(graph, nodes)
    closeness = np.where(distances > 0, 1 / np.maximum(distances, 1e-9) ** 2, 0.0)
    laplacian = np.diag(closeness.sum(axis=1)) - closeness
    inverse = np.linalg.pinv(laplacian)
    places = np.array([start[node] for node in nodes]) * distances.max()
    for _ in range(60):
        apart = places[:, None] - places[None]
        lengths = np.sqrt((apart**2).sum(axis=2))
        pull = np.where(lengths > 1e-9, closeness * distances / np.maximum(lengths, 1e-9), 0.0)
        places = inverse @ ((np.diag(pull.sum(axis=1)) - pull) @ places)
    return _in_frame(graph, dict(zip(nodes, places, strict=True)))


LAYOUTS: dict[str, Callable[[Graph, Grid], Places]] = {
    "anchored": _anchored,
    "spring": _spring,
    "kamada_kawai": _kamada_kawai,
}
"""Layouts by name."""


def _held_together(graph: Graph) -> Graph:
    """The graph with positive pulls and a faint one to the centre, without which loose players fly off the page."""
    held: Graph = nx.Graph()
    held.add_nodes_from(graph)
    held.add_weighted_edges_from(((i, j, 0.2 + strength) for i, j, strength in _strengths(graph)), weight="pull")
    held.add_weighted_edges_from(((_CENTRE, node, 0.05) for node in graph), weight="pull")
    return held


def _strengths(graph: Graph) -> list[tuple[int, int, float]]:
    """Edges with their strength relative to the strongest, in (0, 1]."""
    edges = [(i, j, abs(float(edge["weight"]))) for i, j, edge in graph.edges(data=True)]
    strongest = max((strength for _, _, strength in edges), default=1.0)
    return [(i, j, strength / strongest) for i, j, strength in edges]


def _graph_distances(graph: Graph, nodes: list[int]) -> Floats:
    """(n, n) lengths of shortest paths; parts that nothing joins are a little further apart than the longest path."""
    index = {node: position for position, node in enumerate(nodes)}
    distances = np.full((len(nodes), len(nodes)), np.inf)
    np.fill_diagonal(distances, 0.0)
    for i, j, strength in _strengths(graph):
        distances[index[i], index[j]] = distances[index[j], index[i]] = 1.5 - 0.5 * strength
    for middle in range(len(nodes)):
        np.minimum(distances, distances[:, middle, None] + distances[None, middle], out=distances)
    joined = distances[np.isfinite(distances)]
    return np.where(np.isfinite(distances), distances, joined.max() + 1.0)


def _in_frame(graph: Graph, places: dict[int, Any]) -> Places:
    """``places`` stretched over the unit square inside its margin, with nodes pushed off one another."""
    nodes = list(graph)
    if not nodes:
        return {}
    xy = np.array([places[node] for node in nodes], dtype=np.float64)
    boxes = np.array([_box(graph.nodes[node]) for node in nodes])
    for _ in range(2):  # pushing apart can leave the frame; the second stretch brings it back
        low, span = xy.min(axis=0), np.ptp(xy, axis=0)
        xy = np.where(span > 1e-9, (xy - low) / np.where(span > 1e-9, span, 1.0), 0.5)
        xy = _MARGIN + (1 - 2 * _MARGIN) * xy
        xy = _pushed_apart(xy, boxes)
    xy = np.clip(xy, 0.0, 1.0)
    return {node: (float(x), float(y)) for node, (x, y) in zip(nodes, xy, strict=True)}


def _box(node: dict[str, Any]) -> tuple[float, float]:
    """Width and height, in the unit square, that a node's picture or letters are expected to take."""
    return (0.075, 0.105) if node["kind"] == "patch" else (0.03 + 0.0135 * len(node["label"]), 0.07)


def _pushed_apart(xy: Floats, boxes: Floats, rounds: int = 60) -> Floats:
    """(n, 2) places moved, each as little as it can, until no two boxes overlap or the rounds are over."""
    needed = (boxes[:, None] + boxes[None]) / 2
    diagonal = np.eye(len(xy), dtype=bool)
    tie = np.sign(np.arange(len(xy))[:, None] - np.arange(len(xy)))[..., None]
    for _ in range(rounds):
        apart = xy[:, None] - xy[None]
        overlap = needed - np.abs(apart)
        touching = (overlap > 1e-6).all(axis=2) & ~diagonal
        if not touching.any():
            break
        sideways = overlap[..., 0] < overlap[..., 1]  # leave along the axis where the way out is shorter
        direction = np.where(apart == 0, tie, np.sign(apart))
        push = 0.5 * overlap * direction * touching[..., None] * np.stack([sideways, ~sideways], axis=2)
        xy = np.clip(xy + push.sum(axis=1) * 0.6, _MARGIN / 2, 1 - _MARGIN / 2)
    return xy
