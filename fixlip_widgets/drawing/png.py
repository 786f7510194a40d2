"""Drawings as PNG files, without a browser: the package's own SVG, rendered by resvg.

resvg (https://github.com/linebender/resvg) renders the whole of static SVG and comes to Python as ``resvg-py``, one
wheel for each system with nothing else to install; CairoSVG would need a Cairo library on the machine, and drawing with
Pillow a second copy of every drawing. Letters take the machine's fonts.
"""

from __future__ import annotations

import re

from fixlip_widgets.errors import InputError

_VARIABLE = re.compile(r"var\(--[\w-]+,([^()]+)\)")
"""resvg knows no CSS variables; what stands in a drawing in case there is none is taken."""


def png(svg: str, *, scale: float = 2.0, background: str | None = "#ffffff") -> bytes:
    """An SVG as the bytes of a PNG file.

    Args:
        svg: A whole drawing, its picture included.
        scale: Pixels of the PNG per unit of the drawing.
        background: CSS colour of the paper; None for transparent.

    Raises:
        ImportError: resvg-py is not installed.
        InputError: ``scale`` is not a number from 0.1 to 20.
    """
    try:
        import resvg_py
    except ImportError as error:
        raise ImportError("PNG files need resvg-py: pip install 'fixlip-widgets[png]'") from error
    if not 0.1 <= scale <= 20:
        raise InputError(f"scale is {scale!r}; give pixels per unit of the drawing, from 0.1 to 20.")
    return bytes(resvg_py.svg_to_bytes(svg_string=_VARIABLE.sub(r"\1", svg), zoom=scale, background=background))
