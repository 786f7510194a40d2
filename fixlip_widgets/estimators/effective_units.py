"""How many masks the standard error of a constant or of a main effect really rests on.

A constant, or a main effect, of a polynomial that is fitted around the mean mask is an extrapolation to masks that keep
nothing else: the few masks that keep almost nothing decide it, and those weigh most when they stand for a probability
that they were not drawn at. Its error is a sum of squared influences ``ψ``, so it is known as well as a mean of
``(Σ ψ²)² / Σ ψ⁴`` equal terms, Kish's formula for squares. The influences here are those that the design alone gives,
residuals taken to be alike: a sample that happens to lack the decisive masks cannot tell that from its own.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.estimators.masks import log_density

Floats = NDArray[np.float64]


@lru_cache(maxsize=64)
def effective_units(
    n: int, p: float, drawn: tuple[tuple[float, int], ...], term: Literal["constant", "linear", "pair"], degree: int
) -> float:
    """Effective number of masks behind the error of one coefficient of a polynomial of ``degree`` 1 or 2.

    Args:
        n: Players of the modality.
        p: Probability that the masks stand for.
        drawn: (probability, number of masks) of every stream that they were drawn from.
        term: The constant, any one player's linear coefficient, or any pair's coefficient.
        degree: Of the polynomial.

    Returns:
        ``(Σ c ψ²)² / Σ c ψ⁴`` over all kinds of masks, of which ``c`` are expected: by size, and by whether they keep
        the term's players. ``ψ`` is the mask's weight (balance heuristic) times the sum over
        basis functions, ``φ_a = (z_a − p)/√(p(1 − p))`` and their products, of their value there times their share in
        the coefficient.
    """
    spread = math.sqrt(p * (1 - p))
    at_zero = -p / spread  # φ of a removed player
    involved = {"constant": 0, "linear": 1, "pair": 2}[term]
    others = n - involved
    kept = np.arange(others + 1, dtype=np.float64)
    straight = (kept - others * p) / spread  # Σ φ of the other players
    if term == "constant":
        squares = (kept * (1 - p) ** 2 + (n - kept) * p**2) / spread**2
        share = 1 + at_zero * straight
        if degree == 2:
            share = share + at_zero**2 * (straight**2 - squares) / 2
    else:
        share = 1 + at_zero * straight if (term, degree) == ("linear", 2) else np.ones_like(straight)
    classes = [
        _class(kept, kept + sum(z), n, p, drawn, share * math.prod((each - p) / spread for each in z))
        for z in itertools.product((0, 1), repeat=involved)
    ]
    counts, squared = (np.concatenate(parts) for parts in zip(*classes, strict=True))
    fourth = float(counts @ squared**2)
    return float(counts @ squared) ** 2 / fourth if fourth > 0 else 0.0


def _class(
    kept: Floats, size: Floats, n: int, p: float, drawn: tuple[tuple[float, int], ...], at: Floats
) -> tuple[Floats, Floats]:
    """Expected number of masks of each ``size`` with ``kept`` of the other players, and their squared influence."""
    ways = _log_choose(len(kept) - 1)
    mixture = np.logaddexp.reduce([math.log(count) + log_density(size, n, q) for q, count in drawn if count])
    return np.exp(ways + mixture), np.square(np.exp(log_density(size, n, p) - mixture) * at)


def _log_choose(n: int) -> Floats:
    """(n + 1,) logarithms of the binomial coefficients of ``n``."""
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    return factorials[-1] - factorials - factorials[::-1]
