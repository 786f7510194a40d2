"""Outlines of the regions of a label map as SVG paths, traced along pixel edges.

Paths connect the midpoints of edges, which smooths steps into slopes. Corners are kept where three regions meet, where
two regions touch diagonally, and at the corners of the image. Neighbouring outlines therefore have no gaps or overlaps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Point = tuple[int, int]
Edges = dict[Point, list[Point]]
"""Start point to the end points of the edges that begin there; the region lies to the right of each edge."""


def outlines(labels: NDArray[np.integer], n: int) -> list[str]:
    """Return the ``d`` of the path around each of ``n`` regions, holes included; empty for regions without pixels.

    Args:
        labels: (H, W) region of each pixel, numbered from 0.
        n: Number of regions.

    Returns:
        Paths in units of half a pixel: the map is 2 W wide and 2 H high.
    """
    corners = _corners(labels)
    edges = _edges(labels)
    return ["".join(_path(_cut(loop, corners)) for loop in _loops(edges[player])) for player in range(n)]


def _edges(labels: NDArray[np.integer]) -> defaultdict[int, Edges]:
    """Return the boundary edges of each region, clockwise around its pixels, y downward."""
    padded = np.pad(labels.astype(np.int64), 1, constant_values=-1)
    inner = padded[1:-1, 1:-1]
    sides = (
        (padded[:-2, 1:-1], (0, 0), (1, 0)),
        (padded[1:-1, 2:], (1, 0), (1, 1)),
        (padded[2:, 1:-1], (1, 1), (0, 1)),
        (padded[1:-1, :-2], (0, 1), (0, 0)),
    )
    edges: defaultdict[int, Edges] = defaultdict(dict)
    for beside, start, end in sides:
        rows, columns = np.nonzero(inner != beside)
        for y, x, player in zip(rows.tolist(), columns.tolist(), inner[rows, columns].tolist(), strict=True):
            ends = edges[player].setdefault((x + start[0], y + start[1]), [])
            ends.append((x + end[0], y + end[1]))
    return edges


def _corners(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return (H + 1, W + 1) whether the corner shared by four pixels must be kept."""
    padded = np.pad(labels.astype(np.int64), 1, constant_values=-1)
    four = np.stack([padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]])
    ordered = np.sort(four, axis=0)
    kinds = 1 + (np.diff(ordered, axis=0) != 0).sum(axis=0)
    crosswise = (four[0] == four[3]) & (four[1] == four[2]) & (four[0] != four[1])
    kept = (kinds > 2) | crosswise
    kept[[0, 0, -1, -1], [0, -1, 0, -1]] = True
    return kept


def _loops(edges: Edges) -> Iterator[list[Point]]:
    """Yield closed loops that use each edge once; where two edges begin, the loop turns right."""
    while edges:
        start = at = next(iter(edges))
        before: Point = (0, 0)
        loop: list[Point] = []
        while True:
            ends = edges[at]
            turned = (at[0] - before[1], at[1] + before[0])
            to = ends.pop(ends.index(turned) if turned in ends else 0)
            if not ends:
                del edges[at]
            loop.append(at)
            before, at = (to[0] - at[0], to[1] - at[1]), to
            if at == start:
                break
        yield loop


def _cut(loop: list[Point], corners: NDArray[np.bool_]) -> list[Point]:
    """Return the loop through edge midpoints and kept corners, in half pixels."""
    points: list[Point] = []
    for (x0, y0), (x1, y1) in zip(loop, [*loop[1:], loop[0]], strict=True):
        points.append((x0 + x1, y0 + y1))
        if corners[y1, x1]:
            points.append((2 * x1, 2 * y1))
    return points


def _path(points: list[Point]) -> str:
    """Return an SVG path through ``points``, without those in the middle of a straight line."""
    around = zip([points[-1], *points[:-1]], points, [*points[1:], points[0]], strict=True)
    turns = [at for before, at, after in around if _turns(before, at, after)]
    (x, y), steps = turns[0], ""
    for (x0, y0), (x1, y1) in pairwise(turns):
        for step in (x1 - x0, y1 - y0):
            steps += f"{step}" if step < 0 or not steps else f" {step}"
    return f"M{x} {y}l{steps}z"


def _turns(before: Point, at: Point, after: Point) -> bool:
    return (at[0] - before[0]) * (after[1] - at[1]) != (at[1] - before[1]) * (after[0] - at[0])
