"""Heatmaps of interactions: tokens × patches, tokens × tokens, patches × patches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fixlip_widgets.drawing.colors import diverging_scale, limit_of
from fixlip_widgets.drawing.plotly.style import Style, escape_text, figure_title
from fixlip_widgets.errors import InputError
from fixlip_widgets.support.formatting import pair_name, with_error, with_unit

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

Players = NDArray[np.intp]

_MOST_TICKS = 30
"""Maximum number of patches labelled individually on an axis; more are labelled by row."""
_MOST_NAMED = 50_000
"""Maximum number of cells with individual hover texts; with more, hovering shows only values, to keep pages small."""


def cross(explanation: Surrogate, style: Style) -> go.Figure:
    """Draw tokens × patches, patches in row-major order."""
    title = _titled(explanation, "Image\u2013text interactions", "cross")
    return _heatmap(explanation, style, title, _texts(explanation), _patches(explanation))


def text(explanation: Surrogate, style: Style) -> go.Figure:
    """Draw tokens × tokens."""
    title, players = _titled(explanation, "Text\u2013text interactions", "text_text"), _texts(explanation)
    return _squared(_heatmap(explanation, style, title, players, players))


def image(explanation: Surrogate, style: Style) -> go.Figure:
    """Draw patches × patches, in row-major order."""
    title, players = _titled(explanation, "Image\u2013image interactions", "image_image"), _patches(explanation)
    return _squared(_heatmap(explanation, style, title, players, players))


def _patches(explanation: Surrogate) -> Players:
    return np.arange(explanation.n_image)


def _texts(explanation: Surrogate) -> Players:
    return np.arange(explanation.n_image, explanation.n_players)


def _squared(fig: go.Figure) -> go.Figure:
    return fig.update_yaxes(scaleanchor="x", constrain="domain").update_xaxes(constrain="domain")


def _titled(explanation: Surrogate, title: str, block: str) -> str:
    early = "" if explanation.identified.get(block, True) else " · few masks, shrunk"
    return figure_title(title, explanation.caption) + early


def _heatmap(explanation: Surrogate, style: Style, title: str, down: Players, across: Players) -> go.Figure:
    """Draw interactions of players ``down`` × ``across``; the diagonal is blank."""
    if not explanation.has_interactions:
        raise InputError(
            f"A first-order explanation ({explanation.method}) has no interactions to draw; choose main or overlay."
        )
    values = np.where(down[:, None] == across, np.nan, explanation.interactions[np.ix_(down, across)])
    limit = limit_of(values)
    trace = go.Heatmap(
        z=values,
        colorscale=diverging_scale(style.palette),
        zmin=-limit,
        zmax=limit,
        colorbar=style.color_bar(explanation.unit),
        xgap=0 if len(across) > _MOST_TICKS else 1,
        ygap=0 if len(down) > _MOST_TICKS else 1,
        hoverongaps=False,
        **_hover(explanation, down, across),
    )
    fig = go.Figure(trace)
    height = max(220, min(760, 120 + (26 if len(down) <= _MOST_TICKS else 11) * len(down)))
    fig.update_layout(**style.layout(title, height=height))
    fig.update_xaxes(**_axis(explanation, style, across))
    fig.update_yaxes(**_axis(explanation, style, down), autorange="reversed")
    if _by_row(explanation, across):
        _rule_off_rows(fig.add_vline, explanation, style)
    if _by_row(explanation, down):
        _rule_off_rows(fig.add_hline, explanation, style)
    return fig


def _hover(explanation: Surrogate, down: Players, across: Players) -> dict[str, Any]:
    """Return hover texts: both names, and the value with its standard error."""
    if down.size * across.size > _MOST_NAMED:
        return {"hovertemplate": f"{with_unit('%{z:+.3~g}', explanation.unit)}<extra></extra>"}
    names, n_image = [escape_text(name) for name in explanation.names], explanation.n_image
    values = explanation.interactions[np.ix_(down, across)].tolist()
    no_error = np.full((len(down), len(across)), np.nan)
    errors = no_error if explanation.interactions_se is None else explanation.interactions_se[np.ix_(down, across)]
    texts = [
        [
            f"{pair_name(names, n_image, i, j)}<br>{with_unit(with_error(value, error), explanation.unit)}"
            for j, value, error in zip(across.tolist(), value_row, error_row, strict=True)
        ]
        for i, value_row, error_row in zip(down.tolist(), values, errors.tolist(), strict=True)
    ]
    return {"hovertext": texts, "hoverinfo": "text"}


def _by_row(explanation: Surrogate, players: Players) -> bool:
    """Return whether an axis has too many patches to label individually."""
    return len(players) > _MOST_TICKS and players[0] < explanation.n_image


def _axis(explanation: Surrogate, style: Style, players: Players) -> dict[str, Any]:
    """Return tick labels: tokens and few patches by name, many patches by row."""
    shared = {"showgrid": False, "zeroline": False, "linecolor": style.theme.line, "ticks": ""}
    rows, columns = explanation.grid
    if explanation.regions is not None and len(players) and players[0] < explanation.n_image:
        every = -(-len(players) // _MOST_TICKS)
        ticks = [at for at in range(len(players)) if at % every == 0]
        return {**shared, "tickvals": ticks, "ticktext": [str(at + 1) for at in ticks], "title": {"text": "region"}}
    if _by_row(explanation, players):
        middles = [row * columns + (columns - 1) / 2 for row in range(rows)]
        names = [str(row + 1) for row in range(rows)]
        return {**shared, "tickvals": middles, "ticktext": names, "title": {"text": "row"}}
    if len(players) and players[0] < explanation.n_image:
        names = [f"{i // columns + 1},{i % columns + 1}" for i in players.tolist()]
        return {**shared, "tickvals": [*range(len(players))], "ticktext": names, "title": {"text": "row,column"}}
    names = [escape_text(name) for name in explanation.names[explanation.n_image :]]
    return {**shared, "tickvals": [*range(len(players))], "ticktext": names}


def _rule_off_rows(rule: Callable[..., Any], explanation: Surrogate, style: Style) -> None:
    rows, columns = explanation.grid if explanation.regions is None else (1, 0)
    for row in range(1, rows):
        rule(row * columns - 0.5, line={"color": style.theme.line, "width": 1})
