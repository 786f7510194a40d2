"""The explanation graph: players as nodes, the strongest interactions as edges, and node positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.drawing.layouts import LAYOUTS, image_height
from fixlip_widgets.drawing.player_shapes import places_of
from fixlip_widgets.encoders.players import numbered
from fixlip_widgets.errors import InputError
from fixlip_widgets.support.checks import Sign, check_sign

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate, Term

Indices = NDArray[np.intp]
Kind = Literal["all", "cross", "intra"]
Layout = Literal["anchored", "spring", "kamada_kawai"]

KINDS = ("all", "cross", "intra")


def explanation_graph(
    explanation: Surrogate,
    top_k: int | None = 30,
    *,
    sign: Sign | None = None,
    kind: Kind = "all",
    layout: Layout = "anchored",
) -> nx.Graph[int]:
    """Return a :class:`networkx.Graph` of the ``top_k`` strongest interactions.

    It contains the players that they connect, and all tokens.

    Args:
        explanation: Explanation to draw. With first order, the graph has only nodes: tokens and the strongest patches.
        top_k: Number of edges; None for all non-zero interactions.
        sign: ``"positive"`` or 1, or ``"negative"`` or -1, for only such interactions; ``"both"`` or None for all.
        kind: ``cross`` for only image–text interactions, ``intra`` for only those within image or text.
        layout: ``anchored`` places patches at their position in the image and tokens in rows below; ``spring`` and
            ``kamada_kawai`` start from there and move interacting players together. All layouts are deterministic.

    Returns:
        Nodes are player indices with ``kind`` (``patch`` or ``token``), ``label`` (numbered for a token that occurs
        more than once: ``a¹``, ``a²``), ``main`` and ``se`` (logits; ``se`` is None if unknown), ``pos`` (x, y in
        [0, 1], y downward), and for patches of a grid ``row`` and ``column``, counted from 0. Regions also have kind
        ``patch``.
        Edges have ``weight`` (the interaction, logits), ``se``, ``sign``, ``kind`` (``cross``, ``text_text``,
        ``image_image``) and ``significant`` (at a family-wise level of 5 %; None if ``se`` is
        unknown). Edges are in order of decreasing magnitude. A third-order term is a node of kind ``term``, numbered
        from ``n_players`` on and connected to its three players. Graph attributes are ``baseline``, ``p``, ``method``,
        ``caption`` and ``image_height``: the fraction of the height covered by the image in the anchored layout, None
        in the others.

    Raises:
        InputError: ``top_k``, ``sign``, ``kind`` or ``layout`` is invalid.
    """
    chosen_sign = check_sign(sign)
    _check(top_k, kind, layout)
    first, second = strongest_pairs(explanation, top_k, sign=chosen_sign, kind=kind)
    graph: nx.Graph[int] = nx.Graph(
        baseline=explanation.baseline, p=explanation.p, method=explanation.method, caption=explanation.caption
    )
    triples = _strongest_triples(explanation, top_k, chosen_sign, kind)
    members = np.array([player for term in triples for player in term.players], dtype=np.intp)
    for player in _players(explanation, np.union1d(first, members), second, top_k):
        graph.add_node(player, **_node(explanation, player))
    for i, j in zip(first.tolist(), second.tolist(), strict=True):
        graph.add_edge(i, j, **_edge(explanation, i, j))
    graph.graph["image_height"] = image_height(graph) if layout == "anchored" else None
    for player, place in LAYOUTS[layout](graph, places_of(explanation).centres).items():
        graph.nodes[player]["pos"] = place
    for number, term in enumerate(triples, explanation.n_players):
        _add_triple(graph, number, term)
    return graph


def _strongest_triples(explanation: Surrogate, top_k: int | None, sign: int | None, kind: str) -> list[Term]:
    """Return the third-order terms among the ``top_k`` strongest interactions of all orders."""
    if explanation.triples is None or kind == "intra":
        return []
    terms = explanation.top(explanation.n_players**3 if top_k is None else top_k)
    return [term for term in terms if len(term.players) == 3 and term.value and (sign is None or term.value * sign > 0)]


def _add_triple(graph: nx.Graph[int], number: int, term: Term) -> None:
    """Add a node of kind ``term``, connected to its three players and centred between them."""
    error = None if np.isnan(term.standard_error) else term.standard_error
    sign = 1 if term.value > 0 else -1
    attributes = {"weight": term.value, "se": error, "sign": sign, "significant": term.significant}
    x, y = np.mean([graph.nodes[player]["pos"] for player in term.players], axis=0).tolist()
    graph.add_node(number, kind="term", label=" × ".join(term.names), pos=(x, y), **attributes)
    for player in term.players:
        graph.add_edge(number, player, kind="term", **attributes)


def strongest_pairs(
    explanation: Surrogate, top_k: int | None, *, sign: int | None = None, kind: str = "all"
) -> tuple[Indices, Indices]:
    """Return the players (first < second) of the ``top_k`` strongest non-zero interactions, strongest first."""
    first, second = np.triu_indices(explanation.n_players, 1)
    values = explanation.interactions[first, second]
    eligible = values != 0 if sign is None else values * sign > 0
    if kind != "all":
        across = (first < explanation.n_image) & (second >= explanation.n_image)
        eligible &= across if kind == "cross" else ~across
    candidates = np.flatnonzero(eligible & np.isfinite(values))
    order = np.argsort(-np.abs(values[candidates]), kind="stable")
    chosen = candidates[order[:top_k]]
    return first[chosen], second[chosen]


def _check(top_k: int | None, kind: str, layout: str) -> None:
    whole = isinstance(top_k, (int, np.integer)) and not isinstance(top_k, bool)
    if top_k is not None and (not whole or top_k < 0):
        raise InputError(f"top_k is {top_k!r}; give a non-negative whole number of edges, or None for all.")
    if kind not in KINDS:
        raise InputError(f"There is no edge kind {kind!r}; choose one of {', '.join(KINDS)}.")
    if layout not in LAYOUTS:
        raise InputError(f"There is no layout {layout!r}; choose one of {', '.join(LAYOUTS)}.")


def _players(explanation: Surrogate, first: Indices, second: Indices, top_k: int | None) -> list[int]:
    """Return the players to draw: patches with an edge (with first order, the strongest patches) and all tokens."""
    n_image = explanation.n_image
    if explanation.has_interactions:
        patches = np.union1d(first, second)
    else:
        patches = np.sort(np.argsort(-np.abs(explanation.main[:n_image]), kind="stable")[:top_k])
    return [*patches[patches < n_image].tolist(), *range(n_image, explanation.n_players)]


def _node(explanation: Surrogate, player: int) -> dict[str, Any]:
    main, errors = float(explanation.main[player]), explanation.main_se
    shared = {"main": main, "se": None if errors is None else _known(errors[player])}
    if player >= explanation.n_image:
        return {"kind": "token", "label": numbered(explanation.tokens)[player - explanation.n_image], **shared}
    if explanation.regions is not None:
        return {"kind": "patch", "label": f"{player + 1}", **shared}
    row, column = divmod(player, explanation.grid[1])
    return {"kind": "patch", "label": f"{row + 1},{column + 1}", "row": row, "column": column, **shared}


def _edge(explanation: Surrogate, i: int, j: int) -> dict[str, Any]:
    weight, errors = float(explanation.interactions[i, j]), explanation.interactions_se
    se = None if errors is None else _known(errors[i, j])
    n_image = explanation.n_image
    kind = "image_image" if j < n_image else "text_text" if i >= n_image else "cross"
    significant = None if se is None else bool(explanation.significant.interactions[i, j])
    return {"weight": weight, "se": se, "sign": 1 if weight > 0 else -1, "kind": kind, "significant": significant}


def _known(error: float) -> float | None:
    return float(error) if np.isfinite(error) else None
