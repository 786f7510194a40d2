"""Static HTML of what metrics measure, for notebook cells."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.drawing.colors import palette
from fixlip_widgets.support.templates import render

_LEFT, _RIGHT, _TOP, _BOTTOM = 30.0, 312.0, 8.0, 150.0
"""Edges of the plot in the template."""


def curves_html(summary: str, kept: NDArray[np.float64], most: NDArray[np.float64], least: NDArray[np.float64]) -> str:
    """Return a small plot of the (m,) values ``most`` and ``least`` over the fractions ``kept``, below ``summary``."""
    low, high = min(0.0, most.min(), least.min()), max(1.0, most.max(), least.max())
    colors = palette("house")

    def height(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return _BOTTOM - (values - low) / (high - low) * (_BOTTOM - _TOP)

    def points(values: NDArray[np.float64]) -> str:
        across = _LEFT + kept * (_RIGHT - _LEFT)
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, height(values), strict=True))

    return render(
        "drawing/templates/curves.html.j2",
        summary=summary,
        grid=[(value, float(height(np.array(value)))) for value in (0, 1)],
        lines=[
            {"name": "most similar", "color": colors.positive, "points": points(most)},
            {"name": "least similar", "color": colors.negative, "points": points(least)},
        ],
    )


def pointing_html(summary: str, by_word: Mapping[str, float]) -> str:
    """Return a table of the score of each object, below ``summary``."""
    rows = [(word, "–" if np.isnan(score) else f"{score:.2f}") for word, score in by_word.items()]
    return render("drawing/templates/pointing.html.j2", summary=summary, rows=rows)
