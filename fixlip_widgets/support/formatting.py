"""How numbers and players are put into words, the same in every figure and report."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

MINUS = "\u2212"
_SMALLEST = 1e-6


def plain(value: float) -> str:
    """``33.1``, ``−0.40``, ``0.012``, ``0.00042``, with a minus as wide as a plus; what is but rounding is ``0.00``."""
    size = abs(value)
    decimals = 1 if size >= 10 else 2
    if _SMALLEST <= size < 0.1:
        decimals = 1 - int(f"{size:.1e}".partition("e")[2])  # two digits that count
    written = f"{size:.{decimals}f}"
    return f"{MINUS}{written}" if value <= -_SMALLEST else written


def signed(value: float) -> str:
    """:func:`plain` with a plus before what is positive."""
    return f"+{plain(value)}" if value >= _SMALLEST else plain(value)


def with_error(value: float, error: float | None) -> str:
    """``+1.20 ± 0.10``, the value alone where its standard error is unknown."""
    if error is None or not np.isfinite(error):
        return signed(value)
    return f"{signed(value)} ± {plain(error)}"


def with_unit(value: str, unit: str) -> str:
    """``+1.20 logits``; the value alone where it has no unit."""
    return f"{value} {unit}" if unit else value


def shortened(text: str, most: int = 60) -> str:
    """``text`` on one line, cut with an ellipsis where it has more than ``most`` characters; mere blanks are ``␣``."""
    line = " ".join(text.split()) or ("␣" if text else "")
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def pair_name(names: Sequence[str], n_image: int, i: int, j: int) -> str:
    """``dog × patch (5, 2)``: of a patch and a token, the token comes first."""
    first, second = (j, i) if i < n_image <= j else (i, j)
    return f"{isolated(names[first])} × {isolated(names[second])}"


def columns(text: str) -> int:
    """Columns that ``text`` takes where a Latin letter takes one: wide scripts take two, combining marks none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def isolated(name: str) -> str:
    """A name within a sentence: one from the right is put in isolates, so as not to turn round what is beside it."""
    turns = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in name)
    return f"\u2068{name}\u2069" if turns else name


def right_to_left(texts: Iterable[str]) -> bool:
    """Whether ``texts`` are read from the right, by the first letter that has a direction (Unicode's rule P2)."""
    directions = (unicodedata.bidirectional(letter) for text in texts for letter in text)
    return next((each for each in directions if each in ("L", "R", "AL")), "L") != "L"


def counted(count: int, one: str, several: str | None = None) -> str:
    """``1 patch``, ``4 patches``: ``several`` is ``one`` with an s by default."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def joined(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
