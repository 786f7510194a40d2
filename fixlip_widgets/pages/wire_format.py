"""What travels to the view: explanations, graphs and pictures as JSON with binary buffers."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fixlip_widgets.drawing.colors import PALETTES
from fixlip_widgets.drawing.graphs import KINDS
from fixlip_widgets.drawing.layouts import LAYOUTS
from fixlip_widgets.drawing.player_shapes import region_places
from fixlip_widgets.encoders.players import Players
from fixlip_widgets.encoders.towers import MASKINGS
from fixlip_widgets.explanation.findings import findings
from fixlip_widgets.explanation.methods import CATALOGUE
from fixlip_widgets.pages.provenance import provenance, reproduction
from fixlip_widgets.pages.settings import MAX_SUBSET, SIGNS

if TYPE_CHECKING:
    from fixlip_widgets.explainers.game import VisionLanguageGame
    from fixlip_widgets.explanation.explanation import Explanation
    from fixlip_widgets.explanation.group_sums import Group
    from fixlip_widgets.support.progress import Progress

Wire = dict[str, Any]
BLANK_SIDE = 112
"""Longest side, in pixels, of the picture of what stands for removed players: one colour, or a blur."""
MOST_TRIPLES = 100
"""Third-order terms that travel to the view."""


class WireArray(TypedDict):
    """An array as the view reads it: float32 in row-major order."""

    shape: list[int]
    dtype: str
    data: memoryview


def array(values: NDArray[Any] | None) -> WireArray | None:
    """``values`` as float32 with shape and type; ``None`` stays."""
    if values is None:
        return None
    flat = np.ascontiguousarray(values, dtype="<f4")
    return {"shape": list(flat.shape), "dtype": "float32", "data": memoryview(flat.tobytes())}


def result(
    explanation: Explanation, generation: int, *, partial: bool, code: str | None = None, difference: bool = False
) -> Wire:
    """Everything the view shows of an explanation.

    Args:
        explanation: What to show.
        generation: Number of the request that it answers.
        partial: Whether more is being computed.
        code: Lines that compute it again; by default with names in place of what only the caller knows.
        difference: It is one explanation minus another.
    """
    code = reproduction(explanation) if code is None else code
    known = ("similarity", "empty_similarity", "baseline", "residual", "r2", "spearman", "r2_in_sample")
    counts = ("budget", "image_encodes", "text_encodes")
    return {
        "generation": generation,
        "partial": partial,
        "p": explanation.p,
        "method": explanation.method,
        "in_logits": explanation.in_logits,
        "order": explanation.order,
        "seed": explanation.seed,
        "caption": explanation.caption,
        "tokens": list(explanation.tokens),
        "words": explanation.words,
        "grid": list(explanation.grid),
        "regions": explanation.regions is not None,
        "identified": {name: bool(value) for name, value in explanation.identified.items()},
        "effective_image_masks": number(explanation.effective_image_masks),
        "ridge": number(explanation.ridge),
        **{name: int(getattr(explanation, name)) for name in counts},
        **{name: number(getattr(explanation, name)) for name in known},
        "findings": findings(explanation, partial=partial, difference=difference),
        "triples": triples(explanation),
        "provenance": [list(row) for row in provenance(explanation)],
        "code": code,
        "main": array(explanation.main),
        "main_se": array(explanation.main_se),
        "interactions": array(explanation.interactions),
        "interactions_se": array(explanation.interactions_se),
    }


def triples(explanation: Explanation) -> list[Wire]:
    """The strongest third-order terms, strongest first; none below order 3."""
    if explanation.triples is None:
        return []
    players, values, errors = explanation.triples.terms()
    strongest = np.argsort(-np.abs(values), kind="stable")[:MOST_TRIPLES]
    return [
        {"players": players[row].tolist(), "value": float(values[row]), "se": number(float(errors[row]))}
        for row in strongest.tolist()
    ]


def group(summed: Group, generation: int, shown: str) -> Wire:
    """Sums over several players; the view knows the interactions and sums them itself."""
    return {
        "generation": generation,
        "shown": shown,
        "selection": list(summed.players),
        "se": array(summed.se),
        "total": summed.total,
        "total_se": number(summed.total_se),
        "within": summed.within,
        "within_se": number(summed.within_se),
    }


def subsets(explanation: Explanation, generation: int, shown: str) -> Wire:
    """The best subset of each size from 1 on, most and least similar."""
    best = {name: explanation.subsets(sign, MAX_SUBSET)[1:] for name, sign in (("positive", 1), ("negative", -1))}
    told = {
        name: [{"players": list(players), "value": value} for players, value in found] for name, found in best.items()
    }
    return {"generation": generation, "shown": shown, **told}


def graph(explanation: Explanation, generation: int, **options: Any) -> Wire:
    """The explanation graph: nodes with places, edges strongest first; ``options`` are ``explanation_graph``'s."""
    drawn = explanation.to_networkx(**options)
    nodes = [
        {"player": player, "kind": node["kind"], "label": node["label"], "pos": [number(part) for part in node["pos"]]}
        | ({"weight": node["weight"], "se": node["se"]} if node["kind"] == "term" else {})
        for player, node in drawn.nodes(data=True)
    ]
    edges = [
        {"source": i, "target": j, "weight": edge["weight"], "se": edge["se"], "kind": edge["kind"]}
        for i, j, edge in sorted(drawn.edges(data=True), key=lambda joined: -abs(joined[2]["weight"]))
    ]
    return {"generation": generation, "nodes": nodes, "edges": edges}


def progress(state: Progress, generation: int) -> Wire:
    """The message that tells how far a refinement is."""
    counts = ("image_done", "image_total", "text_done", "text_total")
    return {
        "type": "progress",
        "generation": generation,
        "fraction": number(state.fraction),
        "seconds_left": number(state.seconds_left),
        **{name: int(getattr(state, name)) for name in counts},
    }


def scene(of: Explanation | VisionLanguageGame, model: str) -> Wire:
    """What can be shown of a pair before anything is computed; ``model`` in one line."""
    described = of.described()
    picture = described["image"]
    return {
        "image": None if picture is None else image(picture),
        "tokens": list(described["tokens"]),
        "words": described["words"],
        "grid": list(described["grid"]),
        "model": model,
        "regions": regions(described["regions"]),
        "masking": masking(described["masking"], described["blank"]),
    }


class ScenePlayers(Players):
    """The players of a :func:`scene`."""

    def __init__(self, scene: Wire) -> None:
        self.tokens, self.words, self.grid = tuple(scene["tokens"]), scene["words"], tuple(scene["grid"])
        self.regions = np.empty((0, 0)) if scene["regions"] else None  # that there are some is all that names need


def regions(labels: NDArray[np.integer] | None) -> Wire | None:
    """Where image players lie that are regions, given (H, W) the region of each pixel; None for a grid.

    The view gets outlines. ``labels`` are a PNG of the map that they were drawn from, for whoever opens what was saved.
    """
    if labels is None:
        return None
    places = region_places(labels, int(labels.max()) + 1)
    stream = io.BytesIO()
    Image.fromarray(places.raster.astype(np.uint16)).save(stream, "PNG", optimize=True)
    return {
        "width": places.size[1],
        "height": places.size[0],
        "paths": list(places.outlines),
        "boxes": places.boxes.tolist(),
        "centres": places.centres.round(4).tolist(),
        "labels": memoryview(stream.getvalue()),
    }


def masking(name: str, blank: NDArray[np.uint8] | None) -> Wire | None:
    """What becomes of removed image players: in a word, in a sentence, and as a picture; None where it is not known."""
    if name not in MASKINGS:
        return None
    sentence = MASKINGS[name]
    says = sentence[0].upper() + sentence[1:] + "."
    return {"name": name, "says": says, "blank": None if blank is None else image(blank, most=BLANK_SIDE)}


def image(pixels: NDArray[np.uint8], *, most: int | None = None, quality: int = 90) -> Wire:
    """(H, W, 3) uint8 as a WebP file with its size, small enough to be saved with the notebook.

    Args:
        pixels: The picture.
        most: Longest side that it may have; larger ones are made smaller.
        quality: WebP's, from 0 to 100.
    """
    shown = Image.fromarray(pixels)
    if most is not None:
        shown.thumbnail((most, most))
    stream = io.BytesIO()
    shown.save(stream, "WEBP", quality=quality, method=4)
    return {
        "mime": "image/webp",
        "data": memoryview(stream.getvalue()),
        "width": shown.width,
        "height": shown.height,
    }


def options() -> Wire:
    """The names that settings may take, and the colours that belong to the palettes."""
    return {
        "palettes": {name: list(colors) for name, colors in PALETTES.items()},
        "layouts": list(LAYOUTS),
        "kinds": list(KINDS),
        "signs": list(SIGNS),
        "methods": [
            {name: getattr(method, name) for name in ("name", "label", "uses_p", "uses_budget")}
            | {"orders": list(method.orders)}
            for method in CATALOGUE.values()
        ],
    }


def model_label(model: dict[str, str]) -> str:
    """A model's name and weights in one line."""
    return " · ".join(part for part in (model.get("name"), model.get("pretrained")) if part)


def number(value: float | None) -> float | None:
    """``value``, or ``None`` where JSON has no word for it."""
    return float(value) if value is not None and math.isfinite(value) else None
