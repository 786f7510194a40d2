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
