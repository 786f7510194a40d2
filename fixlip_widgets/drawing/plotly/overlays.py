"""Heat on the image for main effects, first-order attributions or one player's interactions; bars for tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from fixlip_widgets.drawing.colors import diverging_scale, limit_of, tint
from fixlip_widgets.drawing.image_data import data_uri, patch_values
from fixlip_widgets.drawing.player_shapes import places_of
from fixlip_widgets.drawing.plotly.style import Style, escape_text, figure_title
from fixlip_widgets.errors import InputError
from fixlip_widgets.support.formatting import shortened, signed, with_error, with_unit

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

Floats = NDArray[np.float64]

_HEAT = 0.7
"""Opacity of the strongest heat; the image stays visible."""
_HALF_INTERVAL = 1.96
"""Standard errors on each side of a 95 % interval."""
_LETTERS = 14
"""Maximum length of a token's label beside its bar."""


def overlay(explanation: Surrogate, style: Style, player: int | str | None = None) -> go.Figure:
    """Draw heat on the image: first-order attributions or, for a ``player``, its interactions with every patch."""
    if player is None:
        values, title = patch_values(explanation), f"First order, p = {explanation.p:g}"
    else:
        index = explanation.player(player)
        values = patch_values(explanation, index)
        title = f"Interactions with {escape_text(explanation.names[index])}"
    fig = go.Figure()
    fig.update_layout(**style.layout(figure_title(title, explanation.caption), height=460))
    return _picture(fig, explanation, style, values)


def main(explanation: Surrogate, style: Style) -> go.Figure:
    """Draw main effects: patches as heat on the image, tokens as bars with 95 % intervals."""
    fig = make_subplots(1, 2, column_widths=[0.58, 0.42], horizontal_spacing=0.2)
    fig.update_layout(**style.layout(figure_title("Main effects", explanation.caption), height=430, bargap=0.35))
    _picture(fig, explanation, style, explanation.main[: explanation.n_image], bar={**style.color_bar(""), "x": 0.475})
    fig.add_trace(_bars(explanation, style), row=1, col=2)
    names = [escape_text(shortened(name, _LETTERS)) for name in explanation.names[explanation.n_image :]]
    fig.update_yaxes(tickvals=[*range(len(names))], ticktext=names, autorange="reversed", row=1, col=2)
    fig.update_xaxes(
        title={"text": explanation.unit}, gridcolor=style.theme.line, zerolinecolor=style.theme.ink, row=1, col=2
    )
    return fig


def _bars(explanation: Surrogate, style: Style) -> go.Bar:
    values = explanation.main[explanation.n_image :]
    errors = np.full(len(values), np.nan)
    if explanation.main_se is not None:
        errors = explanation.main_se[explanation.n_image :]
    return go.Bar(
        x=values,
        y=[*range(len(values))],
        orientation="h",
        marker_color=[tint(float(np.sign(value)), 1.0, style.palette) for value in values],
        error_x={"array": _HALF_INTERVAL * errors, "color": style.theme.ink, "thickness": 1, "width": 3},
        hovertext=[
            f"{escape_text(name)}<br>{with_unit(with_error(value, error), explanation.unit)}"
            for name, value, error in zip(explanation.names[explanation.n_image :], values, errors, strict=True)
        ],
        hoverinfo="text",
    )


def _hover(explanation: Surrogate, raster: NDArray[np.integer], values: Floats) -> dict[str, Any]:
    """Return hover texts with name and value; regions use a template, because each covers many cells."""
    if explanation.regions is not None:
        value = with_unit("%{z:+.3~g}", explanation.unit)
        return {"customdata": raster + 1, "hovertemplate": f"region %{{customdata}}<br>{value}<extra></extra>"}
    names = zip(explanation.names, values.tolist(), strict=False)
    texts = np.array([f"{name}<br>{with_unit(signed(value), explanation.unit)}" for name, value in names])
    return {"hovertext": texts[raster], "hoverinfo": "text"}


def _picture(
    fig: go.Figure, explanation: Surrogate, style: Style, values: Floats, bar: dict[str, Any] | None = None
) -> go.Figure:
    """Draw the image on the figure's first axes, with the (n_image,) ``values`` as heat."""
    if not explanation.n_image:
        raise InputError("The explanation has no image players, whose values could be drawn; choose text or graph.")
    raster, limit = places_of(explanation).raster, limit_of(values)
    rows, columns = raster.shape
    fig.add_trace(
        go.Heatmap(
            z=values[raster],
            **_hover(explanation, raster, values),
            colorscale=diverging_scale(style.palette),
            zmin=-limit,
            zmax=limit,
            opacity=_HEAT,
            colorbar=bar or style.color_bar(explanation.unit),
        )
    )
    height, width = (rows, columns) if explanation.image is None else explanation.image.shape[:2]
    if explanation.image is not None:
        fig.add_layout_image(
            source=data_uri(explanation.image),
            xref="x",
            yref="y",
            x=-0.5,
            y=-0.5,
            sizex=columns,
            sizey=rows,
            sizing="stretch",
            layer="below",
        )
    hidden = {"showgrid": False, "zeroline": False, "showticklabels": False, "constrain": "domain"}
    across, down = {**hidden, "range": [-0.5, columns - 0.5]}, {**hidden, "range": [rows - 0.5, -0.5]}
    upright = {"scaleanchor": "x", "scaleratio": (height / rows) / (width / columns)}
    return fig.update_layout(xaxis=across, yaxis={**down, **upright})
