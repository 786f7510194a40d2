"""Plotly figures of several candidates: a heatmap of candidates × players, and the ranking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fixlip_widgets.drawing.colors import diverging_scale, limit_of, palette, tint
from fixlip_widgets.drawing.plotly.style import THEMES, Style, escape_text
from fixlip_widgets.errors import InputError
from fixlip_widgets.support.formatting import plain, shortened, with_error

Floats = NDArray[np.float64]
_LETTERS = 30


def heatmap(
    names: Sequence[str],
    players: Sequence[str],
    values: Floats,
    errors: Floats,
    *,
    theme: str = "light",
    palette: str = "house",
) -> go.Figure:
    """Draw the weighted Banzhaf values of the players for the logit of every candidate.

    Args:
        names: (k,) candidates, from top to bottom.
        players: (n,) names of the players.
        values: (k, n) values in logits.
        errors: (k, n) standard errors, for the hover texts.
        theme: ``light`` or ``dark``.
        palette: ``house`` or ``safe``.

    Raises:
        InputError: The theme or the palette does not exist.
    """
    style, limit = _style(theme, palette), limit_of(values)
    texts = [
        [
            f"{escape_text(name)}<br>{escape_text(player)}<br>{with_error(value, error)} logits"
            for player, value, error in zip(players, row, row_errors, strict=True)
        ]
        for name, row, row_errors in zip(names, values.tolist(), errors.tolist(), strict=True)
    ]
    trace = go.Heatmap(
        z=values,
        colorscale=diverging_scale(style.palette),
        zmin=-limit,
        zmax=limit,
        colorbar=style.color_bar("logits"),
        hovertext=texts,
        hoverinfo="text",
    )
    fig = go.Figure(trace)
    fig.update_layout(**style.layout("Weighted Banzhaf values", height=max(220, min(760, 120 + 26 * len(names)))))
    fig.update_xaxes(title={"text": "player"}, showticklabels=len(players) <= 30, **_ticks(players))
    fig.update_yaxes(autorange="reversed", **_ticks(names))
    return fig


def ranking(
    names: Sequence[str], logits: Floats, probabilities: Floats, *, theme: str = "light", palette: str = "house"
) -> go.Figure:
    """Draw the probabilities, or logits if there are none, as bars; these are values of the model, without error.

    Args:
        names: (k,) candidates, from top to bottom.
        logits: (k,) logits of the complete input.
        probabilities: (k,) probabilities, or NaN.
        theme: As in :func:`heatmap`.
        palette: As in :func:`heatmap`.
    """
    style = _style(theme, palette)
    known = bool(np.isfinite(probabilities).all())
    values = probabilities if known else logits
    shares = [f", {share:.1%}" if known else "" for share in probabilities.tolist()]
    texts = [
        f"{escape_text(name)}<br>logit {plain(logit)}{share}"
        for name, logit, share in zip(names, logits.tolist(), shares, strict=True)
    ]
    color = tint(1.0, 1.0, style.palette)
    fig = go.Figure(go.Bar(x=values, y=[*range(len(names))], orientation="h", hovertext=texts, hoverinfo="text"))
    fig.update_traces(marker_color=color)
    fig.update_layout(**style.layout("Ranking", height=max(220, min(760, 120 + 26 * len(names))), bargap=0.35))
    fig.update_xaxes(title={"text": "probability" if known else "logit"}, gridcolor=style.theme.line)
    fig.update_yaxes(autorange="reversed", **_ticks(names))
    return fig


def _style(theme: str, colors: str) -> Style:
    if theme not in THEMES:
        raise InputError(f"There is no theme {theme!r}; choose one of {', '.join(THEMES)}.")
    palette(colors)
    return Style(THEMES[theme], colors)


def _ticks(names: Sequence[str]) -> dict[str, Any]:
    return {"tickvals": [*range(len(names))], "ticktext": [escape_text(shortened(name, _LETTERS)) for name in names]}
