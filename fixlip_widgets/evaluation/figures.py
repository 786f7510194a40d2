"""Figures of the comparison: insertion/deletion curves, faithfulness by p, pointing game, score against cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from fixlip_widgets.drawing.plotly.style import THEMES, Style
from fixlip_widgets.evaluation.tables import Record, curve, mean, object_counts, scores

_COLOURS = (
    "#8c6d31", "#bd9e39", "#7b4173", "#ce6dbd", "#17becf", "#1f77b4",
    "#2ca02c", "#ff9896", "#ff0d57", "#a50036", "#9aa0a6",
)  # fmt: skip
_SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "triangle-down", "star")
_STYLE = Style(THEMES["light"], "house")


def figures(records: Sequence[Record], labels: dict[str, str], probabilities: Sequence[float]) -> list[go.Figure]:
    """Draw every figure for which the records have scores.

    Args:
        records: Records of the pairs.
        labels: Method name → label, in table order.
        probabilities: p at which faithfulness was measured.
    """
    result = [_curves(records, labels), _faithfulness(records, labels, probabilities)]
    if object_counts(records):
        result.append(_pointing(records, labels))
    return [*result, _cost(records, labels)]


def _look(labels: dict[str, str], method: str) -> tuple[str, str]:
    """Return the method's colour and symbol in all figures; the symbol distinguishes methods without colour."""
    index = list(labels).index(method)
    return _COLOURS[index % len(_COLOURS)], _SYMBOLS[index % len(_SYMBOLS)]


def _with_layout(figure: go.Figure, title: str, x: Any, y: Any) -> go.Figure:
    axis = {"gridcolor": _STYLE.theme.line, "zerolinecolor": _STYLE.theme.line}
    axes = [part if isinstance(part, dict) else {"title": {"text": part}} for part in (x, y)]
    layout = _STYLE.layout(title, xaxis={**axis, **axes[0]}, yaxis={**axis, **axes[1]}, height=460)
    return figure.update_layout(**{**layout, "showlegend": True})


def _curves(records: Sequence[Record], labels: dict[str, str]) -> go.Figure:
    figure = go.Figure()
    for method, label in labels.items():
        colour, _ = _look(labels, method)
        for which in ("most", "least"):
            middle, half = curve(records, method, which)
            if len(middle):
                for trace in _band(middle, np.nan_to_num(half), colour, label, shown=which == "most"):
                    figure.add_trace(trace)
    return _with_layout(
        figure,
        "Insertion/deletion: most and least similar (mean, 95 % band)",
        "share of patches and tokens kept",
        "similarity (0: empty pair, 1: full pair)",
    )


def _band(middle: Any, half: Any, colour: str, label: str, *, shown: bool) -> list[go.Scatter]:
    kept = np.linspace(0.0, 1.0, len(middle))
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    band = go.Scatter(
        x=np.concatenate([kept, kept[::-1]]),
        y=np.concatenate([middle + half, (middle - half)[::-1]]),
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},0.15)",
        line={"width": 0},
        hoverinfo="skip",
        legendgroup=label,
        showlegend=False,
    )
    line = go.Scatter(x=kept, y=middle, name=label, legendgroup=label, showlegend=shown, line={"color": colour})
    return [band, line]


def _points(labels: dict[str, str], method: str, x: Sequence[Any], means: Sequence[Any], mode: str) -> go.Scatter:
    colour, symbol = _look(labels, method)
    return go.Scatter(
        x=list(x),
        y=[one.value for one in means],
        error_y={"type": "data", "array": [one.half for one in means], "thickness": 1},
        name=labels[method],
        mode=mode,
        line={"color": colour},
        marker={"color": colour, "symbol": symbol, "size": 9},
    )


def _faithfulness(records: Sequence[Record], labels: dict[str, str], probabilities: Sequence[float]) -> go.Figure:
    figure = go.Figure()
    for method in labels:
        means = [mean(scores(records, method, f"spearman p={p:g}")) for p in probabilities]
        figure.add_trace(_points(labels, method, probabilities, means, "lines+markers"))
    return _with_layout(
        figure, "p-faithfulness on new masks (mean, 95 % interval)", "p of the masks", "Spearman's correlation"
    )


def _pointing(records: Sequence[Record], labels: dict[str, str]) -> go.Figure:
    figure, counts = go.Figure(), object_counts(records)
    for method in labels:
        means = [mean(scores(records, method, "pgr", count)) for count in counts]
        figure.add_trace(_points(labels, method, counts, means, "lines+markers"))
    chance = [mean(scores(records, next(iter(labels)), "chance", count)).value for count in counts]
    for name, level in (("chance, no signs", chance), ("chance, random signs", [0.5] * len(counts))):
        dashed = {"dash": "dash", "color": _STYLE.theme.ink, "width": 1}
        figure.add_trace(go.Scatter(x=counts, y=level, name=name, mode="lines", line=dashed))
    count_axis = {"title": {"text": "objects in the scene"}, "dtick": 1}
    return _with_layout(figure, "Pointing game (mean, 95 % interval)", count_axis, "PGR")


def _cost(records: Sequence[Record], labels: dict[str, str]) -> go.Figure:
    figure = go.Figure()
    for method in labels:
        encodings = mean(scores(records, method, "image_encodes"))
        if encodings.n:
            area = mean(scores(records, method, "aid"))
            figure.add_trace(_points(labels, method, [max(encodings.value, 0.5)], [area], "markers"))
    logarithmic = {"title": {"text": "image encodings (0 drawn at ½)"}, "type": "log"}
    return _with_layout(figure, "Score against cost (mean, 95 % interval)", logarithmic, "AID")
