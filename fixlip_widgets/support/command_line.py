"""Argument types shared by several commands."""

from __future__ import annotations

import argparse
import re


def whole_number(text: str) -> int:
    """Parse ``131072``, ``131_072``, ``2^17`` or ``2**17``."""
    power = re.fullmatch(r"(\d{1,3})(?:\^|\*\*)(\d{1,2})", text)
    try:
        return int(power[1]) ** int(power[2]) if power else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number such as 131072 or 2^17") from None


def grid_sides(text: str) -> tuple[int, int]:
    """Parse the rows and columns of a grid such as 4x4 or 4×4."""
    sides = re.fullmatch(r"(\d{1,4})[x×](\d{1,4})", text)
    if sides is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a grid; write ROWSxCOLUMNS, such as 4x4")
    return int(sides[1]), int(sides[2])
