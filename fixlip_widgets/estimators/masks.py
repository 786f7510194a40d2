"""Idea 1, mask: which coalitions of players are shown to the encoders, and with which weight each counts.

A coalition keeps every player independently with probability ``p``. Streams are seeded and prefix-stable: the first
``m`` masks of a stream are the same however many are asked for, so a larger budget reuses a smaller one's encodings.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.support.checks import check_p

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

ENUMERATE_UP_TO = 12
"""Text players up to which all ``2**n`` masks are encoded instead of a sample: exact, and reusable at any ``p``."""
_BLOCK = 256
"""Masks drawn from one seed; streams are made of whole blocks so that position alone decides a mask."""


def split_budget(budget: int, n_image: int, n_text: int) -> tuple[int, int]:
    """How many image masks and text masks a budget of ``budget`` evaluations stands for.

    Source: Baniecki et al. 2025, the reference implementation's split:
    ``m_text = clip(⌈√budget · n_text/n_image⌉, 4, 2**n_text)`` and ``m_image = ⌊budget/m_text⌋``,
    mirrored where there are at least as many text players as image players.

    Returns:
        (m_image, m_text).
    """
    if n_text < n_image:
        m_image, m_text = _split(budget, n_image, n_text)
    else:
        m_text, m_image = _split(budget, n_text, n_image)
    return m_image, m_text


def _split(budget: int, n_more: int, n_fewer: int) -> tuple[int, int]:
    """Masks of the modality with more players, and of the one with fewer."""
    all_masks = 2 ** min(n_fewer, 62)
    m_fewer = min(max(math.ceil(math.sqrt(budget) * n_fewer / n_more), 4), all_masks)
    return max(budget // m_fewer, 2), m_fewer


def enumerate_masks(n: int) -> Bools:
    """(2**n, n) all masks of ``n`` players, from none kept to all kept."""
    return (np.arange(2**n)[:, None] >> np.arange(n)[None, :] & 1).astype(bool)


def draw_masks(n: int, p: float, start: int, stop: int, *, seed: int, stream: int) -> Bools:
    """(stop − start, n) masks ``start`` to ``stop`` of the seeded stream; each player is kept with probability ``p``.

    At ``p = 0.5`` exactly, masks 2i and 2i + 1 are complements of each other: that decouples odd from even terms and
    lowers the variance. At any other ``p`` complements would have another distribution, so there are none.
    """
    first, last = start // _BLOCK, -(-stop // _BLOCK)
    if last <= first:
        return np.empty((0, n), dtype=bool)
    blocks = [_draw_block(n, p, seed, stream, index) for index in range(first, last)]
    return np.concatenate(blocks)[start - first * _BLOCK : stop - first * _BLOCK]


def _draw_block(n: int, p: float, seed: int, stream: int, index: int) -> Bools:
    random = np.random.default_rng([seed, stream, round(p * 1e9), index])
    if p == 0.5:
        half = random.random((_BLOCK // 2, n)) < 0.5
        return np.stack([half, ~half], axis=1).reshape(_BLOCK, n)
    return random.random((_BLOCK, n)) < p


def packed_rows(masks: Bools) -> list[bytes]:
    """Each of (m, n) masks as bytes, eight players to one: what tells masks apart in a dictionary."""
    return [row.tobytes() for row in np.packbits(masks, axis=1)]


def log_density(sizes: NDArray[np.integer] | Floats, n: int, p: float) -> Floats:
    """Log-probability of one mask with ``sizes`` of ``n`` players kept: ``log p^k (1 − p)^(n − k)``; same shape."""
    return sizes * math.log(p) + (n - sizes) * math.log1p(-p)


def enumeration_weights(masks: Bools, p: float) -> Floats:
    """(m,) exact probabilities of all enumerated masks; they sum to 1."""
    return np.exp(log_density(masks.sum(axis=1), masks.shape[1], p))


def balance_by_size(n: int, p: float, drawn: dict[float, int]) -> Floats:
    """(n + 1,) weight of a mask of each size, up to a factor, that makes masks drawn elsewhere count as drawn at ``p``.

    Args:
        n: Players.
        p: The probability to answer for.
        drawn: How many masks were drawn at each probability.

    Source: the balance heuristic (Veach & Guibas 1995),
    ``w(k) ∝ p^k (1 − p)^(n − k) / Σ_j N_j p_j^k (1 − p_j)^(n − k)`` for a mask of size k.
    """
    sizes = np.arange(n + 1)
    mixture = np.logaddexp.reduce([math.log(count) + log_density(sizes, n, q) for q, count in drawn.items() if count])
    by_size = log_density(sizes, n, p) - mixture
    return np.exp(by_size - by_size.max())


def balance_weights(masks: Bools, p: float, drawn: dict[float, int]) -> Floats:
    """(m,) weights, summing to 1, of all masks of a pool, whatever they were drawn at; see :func:`balance_by_size`."""
    weights = balance_by_size(masks.shape[1], p, drawn)[masks.sum(axis=1)]
    total = weights.sum()
    if total <= 0:  # no mask of the pool has any weight at this p that float64 can hold
        return np.full(len(masks), 1.0 / max(len(masks), 1))
    return weights / total


def spread_probabilities(n: int, low: float, high: float) -> list[float]:
    """Probabilities from ``low`` to ``high`` so dense that masks drawn at them answer for every one in between.

    A mask's share of kept players has standard deviation 1/(2√n) on the scale ``arcsin √p``, whatever p is; neighbours
    are at most three of these apart there. 0.5 is among them where it lies in the range.
    """
    ends = [math.asin(math.sqrt(check_p(p))) for p in (low, 0.5, high)]
    spread: list[float] = []
    for first, last in itertools.pairwise(sorted(ends)) if low < 0.5 < high else [(ends[0], ends[2])]:
        steps = max(math.ceil((last - first) * math.sqrt(n) / 1.5), 1)
        spread += [math.sin(first + (last - first) * step / steps) ** 2 for step in range(steps + 1)]
    return sorted({round(p, 6) for p in spread})


def effective_sample_size(weights: Floats, counts: Floats | None = None) -> float:
    """Kish's effective sample size ``(Σ c w)² / Σ c w²`` of weights that occur ``counts`` times each, or once."""
    counts = np.ones_like(weights) if counts is None else counts
    squares = float(counts @ np.square(weights))
    return float(counts @ weights) ** 2 / squares if squares > 0 else 0.0
