"""Palettes and colour scales for signed values, shared by all views."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fixlip_widgets.errors import InputError

RGB = tuple[int, int, int]


class Palette(NamedTuple):
    """Colours of positive and negative values, as ``#rrggbb``."""

    positive: str
    negative: str


PALETTES = {
    "house": Palette("#ff0d57", "#1e88e5"),  # as in SHAP's force plots
    "safe": Palette("#e66100", "#5d3a9b"),  # orange and purple: safe for common forms of colour blindness
}
"""Palettes by name, as accepted by every drawing function."""


def palette(name: str = "house") -> Palette:
    """Return the palette called ``name``.

    Raises:
        InputError: There is no such palette.
    """
    if name not in PALETTES:
        raise InputError(f"There is no palette {name!r}; choose one of {', '.join(PALETTES)}.")
    return PALETTES[name]


def rgb(color: str) -> RGB:
    """Convert ``#rrggbb`` to three integers from 0 to 255."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def rgba(color: str, opacity: float) -> str:
    """Return the CSS colour ``color`` (``#rrggbb``) with ``opacity`` from 0 to 1."""
    red, green, blue = rgb(color)
    return f"rgba({red},{green},{blue},{opacity:.3g})"


def limit_of(values: object) -> float:
    """Return the largest magnitude of ``values``, for a symmetric colour scale; 1 if all are zero or unknown."""
    magnitudes = np.abs(np.asarray(values, dtype=np.float64)).ravel()
    largest = float(np.nanmax(magnitudes)) if np.isfinite(magnitudes).any() else 0.0
    return largest if largest > 0 else 1.0


def tint(value: float, limit: float, name: str = "house", strongest: float = 1.0) -> str:
    """Return the CSS colour of ``value`` on a scale to ±``limit``, from transparent to opacity ``strongest``."""
    colors = palette(name)
    share = 0.0 if not np.isfinite(value) else min(abs(value) / limit, 1.0)
    return rgba(colors.positive if value > 0 else colors.negative, strongest * share)


def diverging_scale(name: str = "house", middle: str = "rgba(255,255,255,0)") -> list[list[float | str]]:
    """Return a Plotly colour scale from the negative colour through ``middle`` to the positive colour."""
    colors = palette(name)
    if middle.startswith("rgba") and middle.endswith(
        ",0)"
    ):  # fade each side in its own colour; interpolating between the two would turn the middle grey
        return [
            [0.0, rgba(colors.negative, 1)],
            [0.5, rgba(colors.negative, 0)],
            [0.5, rgba(colors.positive, 0)],
            [1.0, rgba(colors.positive, 1)],
        ]
    return [[0.0, colors.negative], [0.5, middle], [1.0, colors.positive]]
