"""Effective number of masks behind the standard error of a coefficient.

A polynomial is fitted around the mean mask, so its constant and main effects extrapolate to masks that keep nothing
else. The few masks that keep almost nothing determine them, most of all if the masks were drawn at another probability.
The error is a sum of squared influences ``ψ``, and is as precise as a mean of ``(Σ ψ²)² / Σ ψ⁴`` equal terms (Kish's
formula for squares). The influences here follow from the design alone, assuming residuals of equal size: a sample that
happens to lack the decisive masks cannot reveal that.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.estimators.masks import log_density, log_mixture

Floats = NDArray[np.float64]


@lru_cache(maxsize=64)
def effective_units(
    n: int, p: float, drawn: tuple[tuple[float, int], ...], term: Literal["constant", "linear", "pair"], degree: int
) -> float:
    """Return the effective number of masks behind the error of one coefficient.

    Args:
        n: Players of the modality.
        p: Keep probability that the masks represent.
        drawn: (probability, number of masks) of each stream of masks.
        term: The constant, the linear coefficient of a player, or the coefficient of a pair.
        degree: Degree of the polynomial, 1 or 2.

    Returns:
        ``(Σ c ψ²)² / Σ c ψ⁴`` over classes of masks with ``c`` expected masks each. A class is defined by
        the mask size and the state (kept or removed) of the term's players. ``ψ`` is the mask's weight (balance
        heuristic) times the sum of the basis functions, ``φ_a = (z_a − p)/√(p(1 − p))`` and their products, each
        multiplied by its share in the coefficient.
    """
    spread = math.sqrt(p * (1 - p))
    at_zero = -p / spread  # φ of a removed player
    involved = {"constant": 0, "linear": 1, "pair": 2}[term]
    others = n - involved
    kept = np.arange(others + 1, dtype=np.float64)
    phi_sum = (kept - others * p) / spread  # Σ φ of the other players
    if term == "constant":
        squares = (kept * (1 - p) ** 2 + (n - kept) * p**2) / spread**2
        share = 1 + at_zero * phi_sum
        if degree == 2:
            share = share + at_zero**2 * (phi_sum**2 - squares) / 2
    else:
        share = 1 + at_zero * phi_sum if (term, degree) == ("linear", 2) else np.ones_like(phi_sum)
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
    """Return the expected number of masks per ``size`` and number ``kept`` of others, and their squared influence."""
    ways = _log_choose(len(kept) - 1)
    mixture = log_mixture(size, n, dict(drawn))
    return np.exp(ways + mixture), np.square(np.exp(log_density(size, n, p) - mixture) * at)


def _log_choose(n: int) -> Floats:
    """Return (n + 1,) logarithms of the binomial coefficients of ``n``."""
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    return factorials[-1] - factorials - factorials[::-1]
