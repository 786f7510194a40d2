"""A waterfall: how baseline, main effects and interactions add up to the similarity, or to another score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from fixlip_widgets.drawing.colors import palette
from fixlip_widgets.drawing.plotly.style import Style, escape_text, figure_title
from fixlip_widgets.explanation.parts import parts
from fixlip_widgets.support.formatting import plain, shortened, signed, with_unit

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

_LETTERS = 14
"""Maximum length of a token in the label of its bar."""


def waterfall(explanation: Surrogate, style: Style) -> go.Figure:
    """Draw ``baseline + Σ main + Σ interactions + residual = similarity`` as bars that begin where the last one ended.

    Interactions between image and text have a bar for each token. The residual is what the surrogate leaves. Without
    it, if the similarity is unknown or the values are not in logits, the bars add up to the surrogate's value.
    """
    bars, colors = _bars(explanation), palette(style.palette)
    names, values = [name for name, _ in bars], [value for _, value in bars]
    total = sum(values)
    end = explanation.score_name if np.isfinite(explanation.residual) else "surrogate"
    fig = go.Figure(
        go.Waterfall(
            x=[*range(len(bars) + 1)],
            y=[*values, total],
            measure=["absolute", *["relative"] * (len(bars) - 1), "total"],
            text=[*(signed(value) for value in values), plain(total)],
            textposition="outside",
            cliponaxis=False,
            hovertext=[
                f"{name}<br>{with_unit(signed(value), explanation.unit)}" for name, value in [*bars, (end, total)]
            ],
            hoverinfo="text",
            increasing={"marker": {"color": colors.positive}},
            decreasing={"marker": {"color": colors.negative}},
            totals={"marker": {"color": style.theme.ink}},
            connector={"line": {"color": style.theme.line, "width": 1}},
        )
    )
    title = figure_title(f"From the baseline to the {explanation.score_name}", explanation.caption)
    fig.update_layout(**style.layout(title, height=460))
    fig.update_xaxes(tickvals=[*range(len(bars) + 1)], ticktext=[*names, end], tickangle=-35)
    fig.update_yaxes(title={"text": explanation.unit}, gridcolor=style.theme.line, zerolinecolor=style.theme.ink)
    return fig


def _bars(explanation: Surrogate) -> list[tuple[str, float]]:
    """Return the names and values of the bars before the last; interactions only if the explanation has any."""
    patches, (_, words) = explanation.image_word[1], explanation.text_word
    names = {
        "baseline": "baseline",
        "image": f"{patches}, alone",
        "text": f"{words}, alone",
        "image_image": f"{patches} × {patches}",
        "text_text": f"{words} × {words}",
        "third": "third order",
        "residual": "residual",
    }
    bars: list[tuple[str, float]] = []
    for part in parts(explanation)[:-1]:
        if part.kind == "cross":
            bars += [
                (f"“{escape_text(shortened(name, _LETTERS))}” × {patches}", float(row.sum()))
                for name, row in zip(explanation.names[explanation.n_image :], explanation.cross, strict=True)
            ]
        else:
            bars.append((names[part.kind], part.value))
    return bars
