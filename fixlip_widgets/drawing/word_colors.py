"""The colours of words, and of the patches that belong to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

WORD_COLORS = ("#d55e00", "#0072b2", "#882255", "#f0e442", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Eight colours that remain distinct with common forms of colour blindness, the most distinct ones first.

Source: Okabe and Ito, "Color Universal Design", 2008, with black replaced by wine from Paul Tol's "muted" scheme.
"""


def word_colors(explanation: Surrogate) -> list[str | None]:
    """Return a colour for each of the (at most eight) text players to which patches belong most, None for the others.

    The colours are given in the order of the sums of the patches' interactions, strongest first.
    """
    words, strengths = explanation.patch_words()
    sums = np.bincount(words[words >= 0], weights=strengths[words >= 0], minlength=explanation.n_text)
    colors: list[str | None] = [None] * explanation.n_text
    for word, color in zip(np.argsort(-sums, kind="stable").tolist(), WORD_COLORS, strict=False):
        colors[word] = color if sums[word] > 0 else None
    return colors
