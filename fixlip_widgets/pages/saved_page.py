"""A recording as JSON: what ``js/src/offline/saved.ts`` describes and the page's own model answers from."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any

from fixlip_widgets.explanation.comparison import correspondence, label
from fixlip_widgets.explanation.methods import CATALOGUE
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.pages.convergence import cross_error
from fixlip_widgets.pages.mask_examples import first_masks
from fixlip_widgets.pages.packed_arrays import from_wire, packed
from fixlip_widgets.pages.traits import Settings

if TYPE_CHECKING:
    from fixlip_widgets.explanation.explanation import Explanation
    from fixlip_widgets.pages.recording import Recording

Saved = dict[str, Any]
FORMAT = 1
WHY = "This page was saved without its model: open the notebook to compute something new."
_ARRAYS = {"main": False, "main_se": True, "interactions": False, "interactions_se": True}
"""Arrays of a result, and whether half precision does for them."""
_FORCES = ("spring", "kamada_kawai")
_EDGES = (24, 60)
"""Numbers of edges for which force layouts are saved; for others the next larger one's places serve."""
_PLACE = 3
"""Decimals of a place in the unit square."""


def saved(recording: Recording, settings: dict[str, Any] | None = None) -> Saved:
    """What a live page holds of ``recording``.

    Args:
        recording: What it can show; the first explanation is shown first.
        settings: Traits of the widget that were not as they are by default, as ``top_k`` or ``palette``.
    """
    first = recording.explanations[0]
    captions = {explanation.caption: explanation for explanation in recording.explanations}
    order = {caption: number for number, caption in enumerate(captions)}
    return {
        "format": FORMAT,
        **packed_scene(wire.scene(first, wire.model_label(first.model))),
        "why": WHY,
        "captions": [_caption(explanation, recording, [*captions.values()]) for explanation in captions.values()],
        "snapshots": [_snapshot(each, order[each.caption], recording) for each in recording.explanations],
        "measured": list(recording.measured),
        "settings": {**_defaults(recording), **(settings or {})},
    }


def packed_result(result: dict[str, Any]) -> dict[str, Any]:
    """A :func:`fixlip_widgets.pages.wire_format.result` with its arrays packed."""
    arrays = {
        name: packed(from_wire(result[name]), coarse=coarse) if result.get(name) else None
        for name, coarse in _ARRAYS.items()
    }
    return {**result, **arrays}


def _packed_picture(picture: dict[str, Any] | None) -> dict[str, Any] | None:
    """A :func:`fixlip_widgets.pages.wire_format.image` with its bytes as base64."""
    return picture and {**picture, "data": base64.b64encode(picture["data"]).decode("ascii")}


def packed_scene(scene: dict[str, Any]) -> Saved:
    """A :func:`fixlip_widgets.pages.wire_format.scene` without its tokens, which are the captions'."""
    masking, regions = scene.get("masking"), scene.get("regions")
    return {
        "picture": _packed_picture(scene["image"]),
        "grid": scene["grid"],
        "model": scene["model"],
        "words": scene.get("words", False),
        "regions": regions and {name: value for name, value in regions.items() if name != "labels"},
        "masking": masking and {**masking, "blank": _packed_picture(masking["blank"])},
    }


def _caption(explanation: Explanation, recording: Recording, all_of_them: list[Explanation]) -> Saved:
    without = recording.without.get(explanation.caption)
    return {
        "text": explanation.caption,
        "tokens": list(explanation.tokens),
        "anchored": _anchored(explanation),
        "without": None if without is None else without.tolist(),
        "partners": [_partners(explanation, other) for other in all_of_them],
    }


def _partners(explanation: Explanation, other: Explanation) -> list[int | None]:
    """Return for each token the matching token of another caption, or None."""
    own, theirs = correspondence(explanation, other)
    found = dict(zip(own.tolist(), theirs.tolist(), strict=True))
    players = range(explanation.n_image, explanation.n_players)
    return [found[player] - explanation.n_image if player in found else None for player in players]


def _anchored(explanation: Explanation) -> list[list[float]]:
    """(n, 2) places of every player in the layout that keeps patches where they are, whatever the graph shows."""
    every = explanation.replace(order=1, triples=None)
    places = wire.graph(every, 0, top_k=explanation.n_players, layout="anchored")["nodes"]
    return [[round(part, 5) for part in node["pos"]] for node in sorted(places, key=lambda node: node["player"])]


def _snapshot(explanation: Explanation, caption: int, recording: Recording) -> Saved:
    return {
        "caption": caption,
        "p": explanation.p,
        "budget": explanation.budget,
        "label": label(explanation),
        "result": packed_result(wire.result(explanation, 0, partial=False)),
        "places": _places(explanation),
        "subsets": wire.subsets(explanation, 0, "current") if explanation.has_interactions else None,
        "examples": _examples(explanation),
        "convergence": _convergence(explanation, recording),
    }


def _examples(explanation: Explanation) -> Saved | None:
    """Masks that the model saw; None of an explanation that is not known to come from an explainer's streams."""
    method = CATALOGUE.get(explanation.method)
    if method is None or not method.pooled or explanation.seed is None or not explanation.image_encodes:
        return None
    return first_masks(explanation.n_image, explanation.n_text, explanation.p, explanation.seed)


def _convergence(explanation: Explanation, recording: Recording) -> list[Saved]:
    """How the error fell from the smallest recorded budget to this explanation's."""
    earlier = [
        (each.budget, each.image_encodes, cross_error(each))
        for each in recording.explanations
        if (each.caption, each.p) == (explanation.caption, explanation.p) and each.budget <= explanation.budget
    ]
    known = [point for point in sorted(earlier, key=lambda point: point[:2]) if point[2] is not None]
    return [dict(zip(("budget", "image_encodes", "error"), point, strict=True)) for point in known]


def _places(explanation: Explanation) -> list[Saved]:
    """Where force layouts put the nodes: they follow from the edges, and NetworkX is not in the page."""
    if not explanation.has_interactions:
        return []
    return [
        {"layout": layout, "edges": edges, "at": _nodes(explanation, layout, edges)}
        for layout in _FORCES
        for edges in _EDGES
    ]


def _nodes(explanation: Explanation, layout: str, edges: int) -> list[list[float]]:
    drawn = wire.graph(explanation.replace(triples=None), 0, layout=layout, top_k=edges)
    return [[node["player"], *(round(part, _PLACE) for part in node["pos"])] for node in drawn["nodes"]]


def _defaults(recording: Recording) -> dict[str, Any]:
    """Settings of a widget that shows the first explanation, and what there is to choose from."""
    first = recording.explanations[0]
    options = wire.options()
    known = CATALOGUE.get(first.method)
    methods = [entry for entry in options["methods"] if known and entry["name"] == known.name]
    other = {"name": first.method, "label": first.method, "uses_p": False, "uses_budget": False}
    settings = {name: trait.default() for name, trait in Settings.class_traits().items()}
    return {
        **{name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()},
        "p": first.p,
        "budget": first.budget,
        "text": first.caption,
        "method": first.method,
        "order": first.order,
        "options": {**options, "methods": [{**(methods or [other])[0], "orders": [first.order]}]},
        "costs": _costs(recording),
    }


def _costs(recording: Recording) -> dict[str, Any]:
    """Exponent of each budget to what its explanations took."""
    taken = {round(math.log2(each.budget), 6): each for each in recording.explanations if each.budget}
    return {
        f"{exponent:g}": {
            "image": each.image_encodes,
            "text": each.text_encodes,
            "new_image": 0,
            "new_text": 0,
            "seconds": 0,
            "megabytes": 0,
        }
        for exponent, each in sorted(taken.items())
    }
