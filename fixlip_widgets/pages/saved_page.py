"""A recording as JSON for the offline page, in the format of ``js/src/offline/saved.ts``."""

from __future__ import annotations

import base64
import itertools
import math
from typing import TYPE_CHECKING, Any

from fixlip_widgets.estimators.masks import check_design
from fixlip_widgets.explanation.comparison import label, partners, subtract
from fixlip_widgets.explanation.findings import findings
from fixlip_widgets.explanation.kept_fits import kept_fit
from fixlip_widgets.explanation.methods import CATALOGUE
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.pages.convergence import error_of
from fixlip_widgets.pages.mask_examples import first_masks
from fixlip_widgets.pages.packed_arrays import from_wire, packed
from fixlip_widgets.pages.traits import WidgetTraits

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate
    from fixlip_widgets.pages.recording import Recording

Saved = dict[str, Any]
FORMAT = 1
WHY = "This page was saved without its model: open the notebook to compute something new."
_ARRAYS = {"first_order": False, "main": False, "main_se": True, "interactions": False, "interactions_se": True}
"""Arrays of a result, and whether half precision suffices."""
_FORCES = ("spring", "kamada_kawai")
_EDGES = (24, 60)
"""Numbers of edges with a saved force layout; other numbers use the layout of the next larger one."""
MOST_DIFFERENCES = 500_000
"""Largest number of standard errors of differences in a page: a megabyte, and a third more as base64."""
_PLACE = 3
"""Decimals of coordinates in the unit square."""


def saved(recording: Recording, settings: dict[str, Any] | None = None) -> Saved:
    """Return the JSON contents of a live page.

    Args:
        recording: The explanations; the first is shown first.
        settings: Traits of the widget that replace the defaults, such as ``top_k`` or ``palette``.
    """
    first = recording.explanations[0]
    captions = {explanation.caption: explanation for explanation in recording.explanations}
    order = {caption: number for number, caption in enumerate(captions)}
    return {
        "format": FORMAT,
        **packed_scene(wire.scene(first, wire.model_label(first.model))),
        "why": WHY,
        "classes": recording.classes and _classes(recording.classes),
        "captions": [_caption(explanation, recording, [*captions.values()]) for explanation in captions.values()],
        "snapshots": [_snapshot(each, order[each.caption], recording) for each in recording.explanations],
        "measured": list(recording.measured),
        "differences": _differences(recording),
        "settings": {**_defaults(recording), **(settings or {})},
    }


def packed_result(result: dict[str, Any]) -> dict[str, Any]:
    """Return a :func:`fixlip_widgets.pages.wire_format.result` with its arrays packed."""
    arrays = {
        name: packed(from_wire(result[name]), coarse=coarse) if result.get(name) else None
        for name, coarse in _ARRAYS.items()
    }
    return {**result, **arrays}


def _classes(classes: dict[str, Any]) -> Saved:
    """Return the classes of a :class:`Recording` with their arrays packed."""
    candidates, maps, without = classes["candidates"], classes["maps"], classes["without"]
    numbers = {name: from_wire(candidates[name]).tolist() for name in ("logits", "probabilities")}
    return {
        **candidates,
        **numbers,
        "choices": classes["choices"],
        "map_names": maps["names"],
        "map_values": packed(from_wire(maps["values"]).ravel()),
        "map_significant": maps["significant"],
        "without": without and packed(from_wire(without).ravel()),
    }


def _packed_picture(picture: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a :func:`fixlip_widgets.pages.wire_format.image` with its bytes as base64."""
    return picture and {**picture, "data": base64.b64encode(picture["data"]).decode("ascii")}


def packed_scene(scene: dict[str, Any]) -> Saved:
    """Return a :func:`fixlip_widgets.pages.wire_format.scene` without its tokens, which belong to the captions."""
    masking, regions = scene.get("masking"), scene.get("regions")
    return {
        "picture": _packed_picture(scene["image"]),
        "grid": scene["grid"],
        "model": scene["model"],
        "words": scene.get("words", False),
        "regions": regions and {name: value for name, value in regions.items() if name != "labels"},
        "masking": masking and {**masking, "blank": _packed_picture(masking["blank"])},
    }


def _caption(explanation: Surrogate, recording: Recording, others: list[Surrogate]) -> Saved:
    without = recording.without.get(explanation.caption)
    return {
        "text": explanation.caption,
        "tokens": list(explanation.tokens),
        "anchored": _anchored(explanation),
        "without": None if without is None else without.tolist(),
        "partners": [partners(explanation, other) for other in others],
    }


def _anchored(explanation: Surrogate) -> list[list[float]]:
    """Return the (n, 2) coordinates of all players in the anchored layout, which does not depend on the edges."""
    every = explanation.replace(order=1, triples=None)
    places = wire.graph(every, 0, top_k=explanation.n_players, layout="anchored")["nodes"]
    return [[round(part, 5) for part in node["pos"]] for node in sorted(places, key=lambda node: node["player"])]


def _snapshot(explanation: Surrogate, caption: int, recording: Recording) -> Saved:
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


def _differences(recording: Recording) -> list[Saved]:
    """Return the paired errors of captions at one p and budget, up to :data:`MOST_DIFFERENCES` numbers.

    Only explanations whose regressions are in memory have them.
    """
    found, numbers = list[Saved](), 0
    for (i, b), (j, a) in itertools.permutations(enumerate(recording.explanations), 2):
        alike = (b.p, b.budget) == (a.p, a.budget) and b.caption != a.caption
        size = b.n_players * (b.n_players + 1) // 2
        if alike and numbers + size <= MOST_DIFFERENCES and kept_fit(b) is not None and kept_fit(a) is not None:
            difference, numbers = subtract(b, a).explanation, numbers + size
            if difference.main_se is None or difference.interactions_se is None:
                continue
            found.append(
                {
                    "b": i,
                    "a": j,
                    "main_se": packed(difference.main_se, coarse=True),
                    "interactions_se": packed(difference.interactions_se, coarse=True),
                    "finding": findings(difference, difference=True)[-1],
                }
            )
    return found


def _examples(explanation: Surrogate) -> Saved | None:
    """Return masks that the model saw; None unless the explanation comes from an explainer's mask streams."""
    method = CATALOGUE.get(explanation.method)
    if method is None or not method.pooled or explanation.seed is None or not explanation.image_encodes:
        return None
    design = check_design(explanation.masks or "random")  # files of earlier versions do not name it
    return first_masks(explanation.n_image, explanation.n_text, explanation.p, explanation.seed, design)


def _convergence(explanation: Surrogate, recording: Recording) -> list[Saved]:
    """Return the error at each recorded budget up to that of ``explanation``."""
    earlier = [
        (each.budget, each.image_encodes, error_of(each))
        for each in recording.explanations
        if (each.caption, each.p) == (explanation.caption, explanation.p) and each.budget <= explanation.budget
    ]
    points = [point for point in sorted(earlier, key=lambda point: point[:2]) if point[2] is not None]
    return [dict(zip(("budget", "image_encodes", "error"), point, strict=True)) for point in points]


def _places(explanation: Surrogate) -> list[Saved]:
    """Return the node coordinates of the force layouts, which the page cannot compute without NetworkX."""
    if not explanation.has_interactions:
        return []
    return [
        {"layout": layout, "edges": edges, "at": _nodes(explanation, layout, edges)}
        for layout in _FORCES
        for edges in _EDGES
    ]


def _nodes(explanation: Surrogate, layout: str, edges: int) -> list[list[float]]:
    drawn = wire.graph(explanation.replace(triples=None), 0, layout=layout, top_k=edges)
    return [[node["player"], *(round(part, _PLACE) for part in node["pos"])] for node in drawn["nodes"]]


def _defaults(recording: Recording) -> dict[str, Any]:
    """Return the settings of a widget that shows the first explanation, and the available options."""
    first = recording.explanations[0]
    options = wire.options()
    info = CATALOGUE.get(first.method)
    methods = [entry for entry in options["methods"] if info and entry["name"] == info.name]
    other = {"name": first.method, "label": first.method, "uses_p": False, "uses_budget": False}
    settings = {name: trait.default() for name, trait in WidgetTraits.class_traits(setting=True).items()}
    return {
        **{name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()},
        "p": first.p,
        "budget": first.budget,
        "text": first.caption,
        "classes": recording.classes["candidates"]["names"] if recording.classes else [],
        "chosen": recording.classes["choices"][0] if recording.classes else [],
        **({} if first.n_text else {"graph_kind": "all", "heatmap_kind": "image_image"}),
        "method": first.method,
        "order": first.order,
        "options": {**options, "methods": [{**(methods or [other])[0], "orders": [first.order]}]},
        "costs": _costs(recording),
    }


def _costs(recording: Recording) -> dict[str, Any]:
    """Return the encodings of each recorded budget, keyed by the budget's exponent of two."""
    by_exponent = {round(math.log2(each.budget), 6): each for each in recording.explanations if each.budget}
    return {
        f"{exponent:g}": {
            "image": each.image_encodes,
            "text": each.text_encodes,
            "new_image": 0,
            "new_text": 0,
            "seconds": 0,
            "megabytes": 0,
        }
        for exponent, each in sorted(by_exponent.items())
    }
