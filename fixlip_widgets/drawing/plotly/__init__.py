"""Plotly figures of an explanation: heatmaps of interactions, heat on the image, bars, and the graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from fixlip_widgets.drawing.colors import palette
from fixlip_widgets.drawing.plotly.graph import graph
from fixlip_widgets.drawing.plotly.heatmaps import cross, image, text
from fixlip_widgets.drawing.plotly.overlays import main, overlay
from fixlip_widgets.drawing.plotly.style import THEMES, Style
from fixlip_widgets.drawing.plotly.waterfall import waterfall
from fixlip_widgets.errors import InputError

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

__all__ = ["KINDS", "THEMES", "figure"]

_KINDS: dict[str, Callable[..., go.Figure]] = {
    "cross": cross,
    "text_text": text,
    "image_image": image,
    "main": main,
    "overlay": overlay,
    "graph": graph,
    "waterfall": waterfall,
}
_OTHER_NAMES = {"text": "text_text", "image": "image_image"}
KINDS = tuple(_KINDS)
"""Kinds of figures."""


def figure(explanation: Surrogate, kind: str = "cross", **options: Any) -> go.Figure:
    """Return an interactive :class:`plotly.graph_objects.Figure` of ``explanation``.

    Args:
        explanation: Explanation to draw.
        kind: ``cross`` (tokens × patches), ``text_text`` (tokens × tokens), ``image_image`` (patches × patches),
            ``main`` (main effects: heat on the image, bars for the tokens), ``overlay`` (heat on the image: first-order
            attributions or, with ``player=``, one player's interactions), ``graph`` (the explanation graph), or
            ``waterfall`` (baseline, main effects and interactions that add up to the similarity).
        options: ``palette`` (``house`` or ``safe``) and ``theme`` (``light`` or ``dark``) for every kind;
            ``player`` for ``overlay``; ``top_k``, ``sign``, ``edges`` (``all``, ``cross``, ``intra``) and ``layout``
            for ``graph``.

    Raises:
        InputError: The kind or an option does not exist, or a heatmap of interactions is requested for a first-order
            explanation.
    """
    kind = _OTHER_NAMES.get(kind, kind)
    if kind not in _KINDS:
        raise InputError(f"There is no figure kind {kind!r}; choose one of {', '.join(_KINDS)}.")
    draw = _KINDS[kind]
    allowed = [*inspect.signature(draw).parameters][2:]  # skip the explanation and the style
    theme, colors = options.pop("theme", "light"), options.pop("palette", "house")
    unknown = [name for name in options if name not in allowed]
    if unknown:
        choices = ", ".join([*allowed, "palette", "theme"])
        raise InputError(f"A {kind!r} figure has no option {unknown[0]!r}; it takes {choices}.")
    if theme not in THEMES:
        raise InputError(f"There is no theme {theme!r}; choose one of {', '.join(THEMES)}.")
    palette(colors)
    return draw(explanation, Style(THEMES[theme], colors), **options)
