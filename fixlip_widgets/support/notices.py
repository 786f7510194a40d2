"""Warnings, which name the first line outside this package that led to them."""

from __future__ import annotations

import traceback
import warnings
from pathlib import Path

from fixlip_widgets.errors import FixlipWarning

_PACKAGE = str(Path(__file__).parents[1])


def warn(message: str) -> None:
    """Issue a :class:`~fixlip_widgets.errors.FixlipWarning` at the caller's line outside this package."""
    frames = [frame.filename for frame in traceback.extract_stack()][::-1]
    inside = [depth for depth, name in enumerate(frames) if name.startswith(_PACKAGE)]
    warnings.warn(message, FixlipWarning, stacklevel=max(inside) + 2)
