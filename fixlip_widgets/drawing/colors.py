"""The colours of signed numbers: one palette for every view, so that red means the same everywhere."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fixlip_widgets.errors import InputError

RGB = tuple[int, int, int]


class Palette(NamedTuple):
    """Colours of what raises and of what lowers the similarity, as ``#rrggbb``."""

    positive: str
    negative: str


PALETTES = {
    "house": Palette("#ff0d57", "#1e88e5"),  # as in the field's force plots
    "safe": Palette("#e66100", "#5d3a9b"),  # orange and purple: told apart in every common colour blindness
}
"""Palettes by name; every drawing function takes one of these names."""


def palette(name: str = "house") -> Palette:
    """The palette called ``name``.

    Raises:
        InputError: There is none of that name.
    """
    if name not in PALETTES:
        raise InputError(f"There is no palette {name!r}; choose one of {', '.join(PALETTES)}.")
    return PALETTES[name]


def rgb(color: str) -> RGB:
    """``#rrggbb`` as three numbers from 0 to 255."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def rgba(color: str, opacity: float) -> str:
    """A CSS colour: ``color`` (``#rrggbb``) at ``opacity`` from 0 to 1."""
    red, green, blue = rgb(color)
    return f"rgba({red},{green},{blue},{opacity:.3g})"


def limit_of(values: object) -> float:
    """The largest magnitude among ``values``, the symmetric end of a colour scale; 1 where all are zero or unknown."""
    magnitudes = np.abs(np.asarray(values, dtype=np.float64)).ravel()
    largest = float(np.nanmax(magnitudes)) if np.isfinite(magnitudes).any() else 0.0
    return largest if largest > 0 else 1.0


def tint(value: float, limit: float, name: str = "house", strongest: float = 1.0) -> str:
    """CSS colour of ``value`` on a scale to ±``limit``: transparent at zero, opaque by ``strongest`` at the ends."""
    colors = palette(name)
    share = 0.0 if not np.isfinite(value) else min(abs(value) / limit, 1.0)
    return rgba(colors.positive if value > 0 else colors.negative, strongest * share)


def diverging_scale(name: str = "house", middle: str = "rgba(255,255,255,0)") -> list[list[float | str]]:
    """Plotly colour scale from the negative colour over ``middle`` at zero to the positive colour."""
    colors = palette(name)
    if middle.startswith("rgba") and middle.endswith(",0)"):  # fade each side to its own colour, or the middle greys
        return [
            [0.0, rgba(colors.negative, 1)],
            [0.5, rgba(colors.negative, 0)],
            [0.5, rgba(colors.positive, 0)],
            [1.0, rgba(colors.positive, 1)],
        ]
    return [[0.0, colors.negative], [0.5, middle], [1.0, colors.positive]]
