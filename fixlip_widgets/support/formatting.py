"""Formatting of numbers and names, shared by all figures and reports."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

MINUS = "\u2212"
_SMALLEST = 1e-6


def plain(value: float) -> str:
    """Format a number as ``33.1``, ``−0.40``, ``0.012`` or ``0.00042``; below 1e-6 in size, as ``0.00``."""
    size = abs(value)
    decimals = 1 if size >= 10 else 2
    if _SMALLEST <= size < 0.1:
        decimals = 1 - int(f"{size:.1e}".partition("e")[2])  # two significant digits
    digits = f"{size:.{decimals}f}"
    return f"{MINUS}{digits}" if value <= -_SMALLEST else digits


def signed(value: float) -> str:
    """Format a number as :func:`plain` does, with a plus sign if it is positive."""
    return f"+{plain(value)}" if value >= _SMALLEST else plain(value)


def with_error(value: float, error: float | None) -> str:
    """Format a value with its standard error as ``+1.20 ± 0.10``, or alone if the error is unknown."""
    if error is None or not np.isfinite(error):
        return signed(value)
    return f"{signed(value)} ± {plain(error)}"


def with_unit(value: str, unit: str) -> str:
    """Append the unit, if there is one: ``+1.20 logits``."""
    return f"{value} {unit}" if unit else value


def shortened(text: str, most: int = 60) -> str:
    """Put ``text`` on one line, cut to ``most`` characters with an ellipsis; blank text becomes ``␣``."""
    line = " ".join(text.split()) or ("␣" if text else "")
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def pair_name(names: Sequence[str], n_image: int, i: int, j: int) -> str:
    """Name a pair of players, tokens before patches: ``dog × patch (5, 2)``."""
    first, second = (j, i) if i < n_image <= j else (i, j)
    return f"{isolated(names[first])} × {isolated(names[second])}"


def columns(text: str) -> int:
    """Return the display width of ``text``: 1 per Latin letter, 2 per wide character, 0 per combining mark."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def isolated(name: str) -> str:
    """Wrap a right-to-left name in Unicode isolates, so that it does not reorder the surrounding text."""
    turns = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in name)
    return f"\u2068{name}\u2069" if turns else name


def right_to_left(texts: Iterable[str]) -> bool:
    """Return whether the first letter with a direction is right-to-left (Unicode rule P2)."""
    directions = (unicodedata.bidirectional(letter) for text in texts for letter in text)
    return next((each for each in directions if each in ("L", "R", "AL")), "L") != "L"


def counted(count: int, one: str, several: str | None = None) -> str:
    """Format a count and its noun as ``1 patch`` or ``4 patches``; the plural is ``one`` plus "s" by default."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def joined(words: Sequence[str]) -> str:
    """Join words as ``a``, ``a and b`` or ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
