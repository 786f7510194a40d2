"""A Plotly figure of a scene: its image, with the patches of every object."""

from __future__ import annotations

import base64
import io
from itertools import cycle

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Colours of the objects (Okabe and Ito), of which a scene has at most four."""


def png_base64(image: Image.Image) -> str:
    """Return ``image`` as a PNG file in base64."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def scene_figure(image: Image.Image, caption: str, regions: dict[str, NDArray[np.bool_]]) -> go.Figure:
    """Draw the image of a scene, and the patches that contain each object in a colour of their own.

    Args:
        image: The image.
        caption: Title of the figure.
        regions: Name of each object → (rows, columns) patches that contain it.
    """
    fig = go.Figure()
    for (name, region), colour in zip(regions.items(), cycle(_COLOURS), strict=False):
        rows, columns = region.shape
        y, x = np.nonzero(region)
        outline = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0], [np.nan, np.nan]])
        corners = np.concatenate([outline + place for place in np.stack([x, y], axis=1)]) / [columns, rows]
        fig.add_scatter(
            x=corners[:, 0], y=corners[:, 1], name=name, mode="lines", fill="toself", line={"color": colour, "width": 1}
        )
    source = f"data:image/png;base64,{png_base64(image)}"
    fig.add_layout_image(source=source, x=0, y=0, sizex=1, sizey=1, xref="x", yref="y", layer="below")
    fig.update_xaxes(visible=False, range=[0, 1])
    fig.update_yaxes(visible=False, range=[1, 0], scaleanchor="x")
    fig.update_layout(
        title={"text": caption},
        template="plotly_white",
        height=420,
        showlegend=True,
        margin={"l": 24, "r": 24, "t": 52, "b": 24},
    )
    return fig
