"""Figures of what metrics measure: insertion/deletion curves and the pointing game."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fixlip_widgets.drawing.colors import palette, rgba
from fixlip_widgets.drawing.plotly.style import THEMES, Style, escape_text

Floats = NDArray[np.float64]
_STYLE = Style(THEMES["light"], "house")


def curves_figure(kept: Floats, most: Floats, least: Floats, aid: float) -> go.Figure:
    """Draw the (m,) values of the ``most`` and ``least`` similar coalitions over the fractions ``kept``.

    ``aid``, the area between them, is in the title.
    """
    colors = palette(_STYLE.palette)
    fig = go.Figure(
        [
            go.Scatter(x=kept, y=most, name="most similar", line={"color": colors.positive}),
            go.Scatter(
                x=kept,
                y=least,
                name="least similar",
                line={"color": colors.negative},
                fill="tonexty",
                fillcolor=rgba(_STYLE.theme.ink, 0.06),
            ),
        ]
    )
    fig.update_layout(**_STYLE.layout(f"Insertion/deletion: area between the curves {aid:.2f}", height=420))
    fig.update_layout(showlegend=True)
    fig.update_xaxes(title={"text": "share of patches and tokens kept"}, gridcolor=_STYLE.theme.line)
    fig.update_yaxes(title={"text": "similarity (0: empty pair, 1: complete pair)"}, gridcolor=_STYLE.theme.line)
    return fig


def pointing_figure(by_word: Mapping[str, float], pgr: float, chance: float) -> go.Figure:
    """Draw the score of each object as a bar, with the ``chance`` level as a line; ``pgr`` is in the title."""
    words = [*by_word]
    places, color = [*range(len(words))], palette(_STYLE.palette).positive
    fig = go.Figure(go.Bar(x=places, y=[*by_word.values()], width=0.4, marker={"color": color}))
    fig.add_hline(y=chance, line={"dash": "dot", "color": _STYLE.theme.ink}, annotation_text="chance")
    fig.update_layout(**_STYLE.layout(f"Pointing game: {pgr:.2f} over all objects", height=360))
    fig.update_xaxes(tickvals=places, ticktext=[escape_text(word) for word in words])
    fig.update_yaxes(title={"text": "share at the right place"}, range=[0, 1.02], gridcolor=_STYLE.theme.line)
    return fig
