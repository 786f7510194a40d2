"""PNG rendering of the package's SVG drawings by resvg, without a browser.

resvg (https://github.com/linebender/resvg) supports all of static SVG, and ``resvg-py`` has no system dependencies;
CairoSVG would require a Cairo library, and Pillow a second implementation of every drawing. Text uses system fonts.
"""

from __future__ import annotations

import re

from fixlip_widgets.errors import InputError

_VARIABLE = re.compile(r"var\(--[\w-]+,([^()]+)\)")
"""CSS variable with a fallback. resvg does not support CSS variables, so their fallbacks are used."""


def png(svg: str, *, scale: float = 2.0, background: str | None = "#ffffff") -> bytes:
    """Render an SVG as the bytes of a PNG file.

    Args:
        svg: Complete drawing, with its image embedded.
        scale: Pixels of the PNG per unit of the drawing.
        background: CSS colour of the background; None for transparent.

    Raises:
        ImportError: resvg-py is not installed.
        InputError: ``scale`` is not a number from 0.1 to 20.
    """
    try:
        import resvg_py
    except ImportError as error:
        raise ImportError("PNG files require resvg-py: pip install 'fixlip-widgets[png]'") from error
    if not 0.1 <= scale <= 20:
        raise InputError(f"scale is {scale!r}; give pixels per unit of the drawing, from 0.1 to 20.")
    return bytes(resvg_py.svg_to_bytes(svg_string=_VARIABLE.sub(r"\1", svg), zoom=scale, background=background))
