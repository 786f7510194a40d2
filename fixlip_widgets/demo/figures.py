"""A Plotly figure of a scene: its image, with the patches of every object."""

from __future__ import annotations

import base64
import io
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

if TYPE_CHECKING:
    from fixlip_widgets.demo.composer import Scene

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Colours of the objects (Okabe and Ito), of which a scene has at most four."""


def png_base64(scene: Scene) -> str:
    """Return the image of a scene as a PNG file in base64."""
    stream = io.BytesIO()
    scene.image.save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def scene_figure(scene: Scene) -> go.Figure:
    """Draw the image of a scene, and the patches that contain each object in a colour of their own."""
    fig = go.Figure()
    for (name, region), colour in zip(scene.regions.items(), cycle(_COLOURS), strict=False):
        rows, columns = region.shape
        y, x = np.nonzero(region)
        outline = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0], [np.nan, np.nan]])
        corners = np.concatenate([outline + place for place in np.stack([x, y], axis=1)]) / [columns, rows]
        fig.add_scatter(
            x=corners[:, 0], y=corners[:, 1], name=name, mode="lines", fill="toself", line={"color": colour, "width": 1}
        )
    source = f"data:image/png;base64,{png_base64(scene)}"
    fig.add_layout_image(source=source, x=0, y=0, sizex=1, sizey=1, xref="x", yref="y", layer="below")
    fig.update_xaxes(visible=False, range=[0, 1])
    fig.update_yaxes(visible=False, range=[1, 0], scaleanchor="x")
    fig.update_layout(
        title={"text": scene.caption},
        template="plotly_white",
        height=420,
        showlegend=True,
        margin={"l": 24, "r": 24, "t": 52, "b": 24},
    )
    return fig
