"""Data sent to the view: explanations, graphs and pictures as JSON with binary buffers; see wire_types.py."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fixlip_widgets.drawing.colors import PALETTES
from fixlip_widgets.drawing.graphs import KINDS, explanation_graph
from fixlip_widgets.drawing.layouts import LAYOUTS
from fixlip_widgets.drawing.player_shapes import region_places
from fixlip_widgets.drawing.word_colors import WORD_COLORS
from fixlip_widgets.encoders.players import Players
from fixlip_widgets.encoders.towers import MASKINGS
from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.findings import findings
from fixlip_widgets.explanation.methods import CATALOGUE
from fixlip_widgets.explanation.parts import Part, parts
from fixlip_widgets.explanation.precision import relative_error, whole_arrays
from fixlip_widgets.explanation.shares import LABELS, shares
from fixlip_widgets.explanation.trust import trust_in
from fixlip_widgets.pages.provenance import provenance, reproduction
from fixlip_widgets.pages.settings import MAX_SUBSET, SIGNS
from fixlip_widgets.pages.wire_types import WireArray

if TYPE_CHECKING:
    from fixlip_widgets.explanation.group_sums import Group
    from fixlip_widgets.explanation.surrogate import Surrogate
    from fixlip_widgets.support.progress import Progress

Wire = dict[str, Any]
BLANK_SIDE = 112
"""Longest side, in pixels, of the picture that replaces removed players: one colour, or a blur."""
MOST_TRIPLES = 100
"""Largest number of third-order terms sent to the view."""


class Pair(Protocol):
    """An image and a caption: an explanation, or the game that it explains."""

    def description(self) -> dict[str, Any]:
        """Return tokens, words, grid, regions, caption, image, blank and masking."""
        ...


def symmetric(values: NDArray[Any] | None) -> WireArray | None:
    """Return the elements above the diagonal of a symmetric (n, n) matrix with zero diagonal, or None for None."""
    if values is None:
        return None
    flat = np.ascontiguousarray(values[np.triu_indices(len(values), 1)], dtype="<f4")
    return {"shape": list(values.shape), "dtype": "float32", "upper": True, "data": memoryview(flat.tobytes())}


def array(values: NDArray[Any] | None) -> WireArray | None:
    """Return ``values`` as float32 with shape and type, or None for None."""
    if values is None:
        return None
    flat = np.ascontiguousarray(values, dtype="<f4")
    return {"shape": list(flat.shape), "dtype": "float32", "data": memoryview(flat.tobytes())}


def result(
    explanation: Surrogate,
    generation: int,
    *,
    partial: bool,
    code: str | None = None,
    difference: Sequence[Part] | None = None,
) -> Wire:
    """Return everything that the view shows of an explanation.

    Args:
        explanation: The explanation to show.
        generation: Request number.
        partial: Whether the refinement is still running.
        code: Python code that reproduces the explanation; by default with placeholders for image and model.
        difference: Differences of the parts if it is the difference of two explanations.
    """
    code = reproduction(explanation) if code is None else code
    scores = ("similarity", "empty_similarity", "baseline", "r2", "spearman", "r2_in_sample")
    counts = ("budget", "image_encodes", "text_encodes")
    listed = parts(explanation) if difference is None else difference
    # of a difference, also what belongs to players of A alone
    residual = next((part.value for part in listed if part.kind == "residual"), None)
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
        "masks": explanation.masks,
        "conservative_errors": explanation.conservative_errors,
        "relative_error": number(relative_error(explanation)),
        "whole_arrays": whole_arrays(explanation),
        "ridge": number(explanation.ridge),
        **{name: int(getattr(explanation, name)) for name in counts},
        **{name: number(getattr(explanation, name)) for name in scores},
        "residual": number(residual),
        "findings": findings(explanation, partial=partial, difference=difference is not None),
        "trust": trust_in(explanation)._asdict(),
        "significant": significant(explanation),
        "degrees_of_freedom": [number(each) for each in explanation.degrees_of_freedom(np.arange(3))],
        "patch_words": explanation.patch_words()[0].tolist(),
        "parts": [part._asdict() for part in listed],
        "choice": _choice(explanation),
        "unit": explanation.unit,
        "triples": triples(explanation),
        "shares": None if partial or difference is not None else shares_of(explanation),
        "provenance": [list(row) for row in provenance(explanation)],
        "code": code,
        **({} if explanation.n_text else {"first_order": array(explanation.first_order())}),
        "main": array(explanation.main),
        "main_se": array(explanation.main_se),
        "interactions": symmetric(explanation.interactions),
        "interactions_se": symmetric(explanation.interactions_se),
    }


def _choice(explanation: Surrogate) -> Wire | None:
    choice = explanation.choice
    return {"kind": choice["kind"], "name": choice["name"], "minus": choice.get("minus")} if choice else None


def bits(flags: NDArray[np.bool_]) -> str:
    """Return ``flags`` in row-major order as base64 of bits."""
    return base64.b64encode(np.packbits(flags.ravel()).tobytes()).decode("ascii")


def significant(explanation: Surrogate) -> dict[str, str]:
    """Return which main effects, and which interactions above the diagonal, are significant, as base64 of bits."""
    flags = explanation.significant
    above = flags.interactions[np.triu_indices(explanation.n_players, 1)]
    return {name: bits(each) for name, each in (("main", flags.main), ("interactions", above))}


def shares_of(explanation: Surrogate) -> Wire:
    """Return the shares of variance by kind of term, or why they are not defined."""
    try:
        found = shares(explanation)
    except InputError as error:
        return {"parts": [], "rest": 0.0, "why": str(error)}
    absent = {"text", "text_text", "cross"} if explanation.n_text == 0 else set[str]()
    absent |= {"image", "image_image", "cross"} if explanation.n_image == 0 else set()
    parts = [
        {"kind": kind, "label": LABELS[kind], "value": value, "se": number(found.errors[kind])}
        for kind, value in found.values.items()
        if kind not in absent
    ]
    return {"parts": parts, "rest": 1 - found.explained, "why": ""}


def triples(explanation: Surrogate) -> list[Wire]:
    """Return the strongest third-order terms, strongest first; empty below order 3."""
    if explanation.triples is None:
        return []
    players, values, errors = explanation.triples.terms()
    strongest = np.argsort(-np.abs(values), kind="stable")[:MOST_TRIPLES]
    return [
        {
            "players": players[row].tolist(),
            "value": float(values[row]),
            "se": number(float(errors[row])),
            "significant": bool(explanation.significant.triples[row]) if np.isfinite(errors[row]) else None,
        }
        for row in strongest.tolist()
    ]


def group(summed: Group, generation: int, shown: str) -> Wire:
    """Return the sums over a group of players, except the summed interactions, which the view computes."""
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


def subsets(explanation: Surrogate, generation: int, shown: str) -> Wire:
    """Return the most and the least similar subset of each size from 1 on."""
    best = {name: explanation.subsets(sign, MAX_SUBSET)[1:] for name, sign in (("positive", 1), ("negative", -1))}
    entries = {
        name: [{"players": list(players), "value": value} for players, value in sizes] for name, sizes in best.items()
    }
    return {"generation": generation, "shown": shown, **entries}


def graph(explanation: Surrogate, generation: int, shown: str = "current", **options: Any) -> Wire:
    """Return the nodes of the graph with coordinates, and its edges, strongest first; see ``explanation_graph``."""
    drawn = explanation_graph(explanation, **options)
    nodes = [
        {"player": player, "kind": node["kind"], "label": node["label"], "pos": [number(part) for part in node["pos"]]}
        | ({"weight": node["weight"], "se": node["se"]} if node["kind"] == "term" else {})
        for player, node in drawn.nodes(data=True)
    ]
    edges = [
        {"source": i, "target": j, **{name: edge[name] for name in ("weight", "se", "significant", "kind")}}
        for i, j, edge in sorted(drawn.edges(data=True), key=lambda joined: -abs(joined[2]["weight"]))
    ]
    return {"generation": generation, "shown": shown, "nodes": nodes, "edges": edges}


def progress(state: Progress, generation: int) -> Wire:
    """Return the message that reports the progress of a refinement."""
    counts = ("image_done", "image_total", "text_done", "text_total")
    return {
        "type": "progress",
        "generation": generation,
        "fraction": number(state.fraction),
        "seconds_left": number(state.seconds_left),
        **{name: int(getattr(state, name)) for name in counts},
    }


def scene(of: Pair, model: str) -> Wire:
    """Return what the view shows of a pair before anything is computed; ``model`` is a one-line label."""
    description = of.description()
    picture = description["image"]
    return {
        "image": None if picture is None else image(picture),
        "tokens": list(description["tokens"]),
        "words": description["words"],
        "grid": list(description["grid"]),
        "model": model,
        "regions": regions(description["regions"]),
        "masking": masking(description["masking"], description["blank"]),
    }


class ScenePlayers(Players):
    """The players of a :func:`scene`."""

    def __init__(self, scene: Wire) -> None:
        self.tokens, self.words, self.grid = tuple(scene["tokens"]), scene["words"], tuple(scene["grid"])
        self.regions = np.empty((0, 0)) if scene["regions"] else None  # names depend only on whether regions exist


def regions(labels: NDArray[np.integer] | None) -> Wire | None:
    """Return the outlines of the regions, from (H, W) the region of each pixel; None for a grid.

    The result also contains the label map as a PNG, from which a saved explanation is restored.
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
    """Return the name, a description and a picture of what replaces removed image players; None if unknown."""
    if name not in MASKINGS:
        return None
    meaning = MASKINGS[name]
    sentence = meaning[0].upper() + meaning[1:] + "."
    return {"name": name, "says": sentence, "blank": None if blank is None else image(blank, most=BLANK_SIDE)}


def image(pixels: NDArray[np.uint8], *, most: int | None = None, quality: int = 90) -> Wire:
    """Encode (H, W, 3) uint8 pixels as a WebP file that is small enough to be saved with the notebook.

    Args:
        pixels: The picture.
        most: Longest side in pixels; larger pictures are scaled down.
        quality: WebP quality, from 0 to 100.
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


def options(methods: Sequence[str] | None = None) -> Wire:
    """Return the allowed values of settings, and the colours of palettes and words.

    Args:
        methods: Names of the methods offered, with their first order alone; by default all, with all orders.
    """
    return {
        "palettes": {name: list(colors) for name, colors in PALETTES.items()},
        "word_colors": list(WORD_COLORS),
        "layouts": list(LAYOUTS),
        "kinds": list(KINDS),
        "signs": list(SIGNS),
        "methods": [
            {name: getattr(method, name) for name in ("name", "label", "uses_p", "uses_budget")}
            | {"orders": list(method.orders if methods is None else method.orders[:1])}
            for method in CATALOGUE.values()
            if methods is None or method.name in methods
        ],
    }


def model_label(model: dict[str, str]) -> str:
    """Return a model's name and weights in one line."""
    return " · ".join(part for part in (model.get("name"), model.get("pretrained")) if part)


def number(value: float | None) -> float | None:
    """Return ``value``, or None unless it is finite, since JSON has no NaN or infinity."""
    return float(value) if value is not None and math.isfinite(value) else None
