"""Figures of the comparison: insertion/deletion curves, faithfulness by p, pointing game, score against cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
import plotly.express as px
import plotly.graph_objects as go

from fixlip_widgets.drawing.plotly.style import THEMES, Style
from fixlip_widgets.evaluation.tables import curve, means

COLOURS = (
    "#8c6d31", "#bd9e39", "#7b4173", "#ce6dbd", "#17becf", "#1f77b4",
    "#2ca02c", "#ff9896", "#ff0d57", "#a50036", "#9aa0a6",
)  # fmt: skip
"""Colours of the methods, in table order."""
_SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "triangle-down", "star")
_STYLE = Style(THEMES["light"], "house")


def figures(rows: pd.DataFrame, labels: Mapping[str, str], probabilities: Sequence[float]) -> list[go.Figure]:
    """Draw every figure for which there are scores.

    Args:
        rows: Scores by pair and method; see :func:`fixlip_widgets.evaluation.tables.flat`.
        labels: Method name → label, in table order.
        probabilities: p at which faithfulness was measured.
    """
    result = [_curves(rows, labels), _faithfulness(rows, labels, probabilities)]
    if not rows.dropna(subset="objects").empty:
        result.append(_pointing(rows, labels))
    return [*result, _cost(rows, labels)]


def _with_layout(figure: go.Figure, title: str, x: Any, y: Any) -> go.Figure:
    axis = {"gridcolor": _STYLE.theme.line, "zerolinecolor": _STYLE.theme.line}
    axes = [part if isinstance(part, dict) else {"title": {"text": part}} for part in (x, y)]
    layout = _STYLE.layout(title, xaxis={**axis, **axes[0]}, yaxis={**axis, **axes[1]}, height=460)
    return figure.update_layout(**{**layout, "showlegend": True})


def _curves(rows: pd.DataFrame, labels: Mapping[str, str]) -> go.Figure:
    figure = go.Figure()
    for (method, label), colour in zip(labels.items(), cycle(COLOURS), strict=False):
        for which in ("most", "least"):
            points = curve(rows, method, which)
            if len(points):
                figure.add_traces(_band(points, colour, label, shown=which == "most"))
    return _with_layout(
        figure,
        "Insertion/deletion: most and least similar (mean, 95 % band)",
        "share of patches and tokens kept",
        "similarity (0: empty pair, 1: full pair)",
    )


def _band(points: pd.DataFrame, colour: str, label: str, *, shown: bool) -> list[go.Scatter]:
    middle, half = points["mean"], points["half"].fillna(0.0)
    kept = np.linspace(0.0, 1.0, len(points))
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


def _points(values: pd.DataFrame, labels: Mapping[str, str], x: str, mode: str = "lines+markers") -> go.Figure:
    """Draw ``mean`` and ``half`` against ``x``; the symbols distinguish the methods without colour."""
    figure = px.line(
        values.rename(labels, level="method").query("method in @labels.values()").reset_index(),
        x=x,
        y="mean",
        error_y="half",
        color="method",
        symbol="method",
        labels={"method": ""},  # the legend needs no title
        category_orders={"method": [*labels.values()]},
        color_discrete_map=dict(zip(labels.values(), cycle(COLOURS), strict=False)),
        symbol_map=dict(zip(labels.values(), cycle(_SYMBOLS), strict=False)),
    )
    return figure.update_traces(mode=mode, marker_size=9, error_y_thickness=1, hovertemplate=None)


def _faithfulness(rows: pd.DataFrame, labels: Mapping[str, str], probabilities: Sequence[float]) -> go.Figure:
    values = pd.concat([means(rows, f"spearman p={p:g}") for p in probabilities], keys=probabilities, names=["p"])
    return _with_layout(
        _points(values, labels, "p"),
        "p-faithfulness on new masks (mean, 95 % interval)",
        "p of the masks",
        "Spearman's correlation",
    )


def _pointing(rows: pd.DataFrame, labels: Mapping[str, str]) -> go.Figure:
    figure = _points(means(rows, "pgr", ["objects", "method"]), labels, "objects")
    chance = means(rows, "chance", ["objects"])["mean"]
    for name, level in (("chance, no signs", chance), ("chance, random signs", [0.5] * len(chance))):
        dashed = {"dash": "dash", "color": _STYLE.theme.ink, "width": 1}
        figure.add_trace(go.Scatter(x=chance.index, y=level, name=name, mode="lines", line=dashed))
    count_axis = {"title": {"text": "objects in the scene"}, "dtick": 1}
    return _with_layout(figure, "Pointing game (mean, 95 % interval)", count_axis, "PGR")


def _cost(rows: pd.DataFrame, labels: Mapping[str, str]) -> go.Figure:
    encodings = means(rows, "image_encodes")["mean"].dropna().clip(lower=0.5)
    figure = _points(means(rows, "aid").assign(encodings=encodings), labels, "encodings", "markers")
    logarithmic = {"title": {"text": "image encodings (0 drawn at ½)"}, "type": "log"}
    return _with_layout(figure, "Score against cost (mean, 95 % interval)", logarithmic, "AID")
