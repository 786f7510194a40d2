"""Idea 1, mask: draw the masks to encode, and compute the weight of each.

A mask keeps each player independently with probability ``p``. Streams are seeded and prefix-stable: the first ``m``
masks do not depend on how many are drawn, so a larger budget reuses the encodings of a smaller one.
"""

from __future__ import annotations

import itertools
import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.estimators.orthogonal_arrays import MOST_PLAYERS, array_length, draw_array_masks
from fixlip_widgets.support.checks import check_name, check_p

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

MaskDesign = Literal["orthogonal", "random"]
MASK_DESIGNS: dict[MaskDesign, str] = {
    "orthogonal": "orthogonal arrays at p = 0.5, independent masks at other p",
    "random": "independent masks, in complementary pairs at p = 0.5",
}
"""How sampled masks are drawn, by name."""
DEFAULT_DESIGN: MaskDesign = "orthogonal"
ENUMERATE_UP_TO = 12
"""Maximum number of text players for encoding all ``2**n`` masks, which is exact and serves any ``p``."""
IMAGE_STREAM, TEXT_STREAM, HELD_OUT_STREAM = 0, 1, 2
"""The independent streams of masks, for one seed."""
_BLOCK = 256
"""Masks drawn from one seed. Streams consist of whole blocks, so that a mask depends only on its position."""


def split_budget(budget: int, n_image: int, n_text: int) -> tuple[int, int]:
    """Split a budget of evaluations into numbers of image masks and text masks.

    Source: Baniecki et al. 2025, the reference implementation's split:
    ``m_text = clip(⌈√budget · n_text/n_image⌉, 4, 2**n_text)`` and ``m_image = ⌊budget/m_text⌋``,
    mirrored if there are at least as many text players as image players.

    Returns:
        (m_image, m_text).
    """
    if n_text < n_image:
        m_image, m_text = _split(budget, n_image, n_text)
    else:
        m_text, m_image = _split(budget, n_text, n_image)
    return m_image, m_text


def whole_array_budget(n_image: int, n_text: int) -> int | None:
    """Return the smallest budget whose image masks at p = 0.5 are exactly one whole orthogonal array.

    Returns:
        The budget in evaluations; None if there is no array of so many players, or if all masks are at most as many.
    """
    if n_image > MOST_PLAYERS or 2**n_image <= array_length(n_image):
        return None
    return smallest_budget(array_length(n_image), n_image, n_text)


def smallest_budget(m_image: int, n_image: int, n_text: int) -> int:
    """Return the smallest budget of which :func:`split_budget` makes ``m_image`` (≤ 2**n_image) image masks.

    With m text masks, it asks for ``m = ⌈√(m_image · m) · n_text/n_image⌉``, which ``m = ⌈m_image (n_text/n_image)²⌉``
    solves.
    """
    if n_text < n_image:
        m_text = min(max(math.ceil(m_image * (n_text / n_image) ** 2), 4), 2 ** min(n_text, 62))
        return m_image * m_text
    return math.floor(((m_image - 1) * n_text / n_image) ** 2) + 1


def _split(budget: int, n_more: int, n_fewer: int) -> tuple[int, int]:
    """Return the number of masks of the modality with more players, and of the one with fewer."""
    all_masks = 2 ** min(n_fewer, 62)
    m_fewer = min(max(math.ceil(math.sqrt(budget) * n_fewer / n_more), 4), all_masks)
    return max(budget // m_fewer, 2), m_fewer


def enumerate_masks(n: int) -> Bools:
    """Return all (2**n, n) masks of ``n`` players, from none kept to all kept."""
    return (np.arange(2**n)[:, None] >> np.arange(n)[None, :] & 1).astype(bool)


def check_design(masks: object) -> MaskDesign:
    """Return ``masks`` if it is the name of a design.

    Raises:
        InputError: The name is unknown.
    """
    check_name("masks", masks, MASK_DESIGNS)
    return masks  # pyright: ignore[reportReturnType]


def uses_arrays(n: int, p: float, design: MaskDesign) -> bool:
    """Return whether masks of ``n`` players at ``p`` are rows of orthogonal arrays."""
    return design == "orthogonal" and p == 0.5 and n <= MOST_PLAYERS


def draw_masks(
    n: int, p: float, start: int, stop: int, *, seed: int, stream: int, design: MaskDesign = "random"
) -> Bools:
    """Draw (stop − start, n) masks, ``start`` to ``stop`` of a seeded stream, keeping players with probability ``p``.

    At ``p = 0.5``, masks 2i and 2i + 1 are complements, which decouples odd from even terms and lowers the variance. At
    any other ``p``, complements would have another distribution, so masks are independent. Pairs are random, or rows
    of orthogonal arrays with ``design="orthogonal"``; see :mod:`.orthogonal_arrays`.
    """
    if uses_arrays(n, p, design):
        return draw_array_masks(n, start, stop, seed=seed, stream=stream)
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
    """Pack each of (m, n) masks into bytes, eight players per byte, for use as dictionary keys."""
    return [row.tobytes() for row in np.packbits(masks, axis=1)]


def log_density(sizes: NDArray[np.integer] | Floats, n: int, p: float) -> Floats:
    """Return ``log p^k (1 − p)^(n − k)``, the log-probability of a mask with k = ``sizes`` kept players; same shape."""
    return sizes * math.log(p) + (n - sizes) * math.log1p(-p)


def log_mixture(sizes: NDArray[np.integer] | Floats, n: int, drawn: dict[float, int]) -> Floats:
    """Return ``log Σ_j N_j p_j^k (1 − p_j)^(n − k)`` for N_j masks drawn at p_j and k = ``sizes`` kept; same shape."""
    return np.logaddexp.reduce([math.log(count) + log_density(sizes, n, q) for q, count in drawn.items() if count])


def enumeration_weights(masks: Bools, p: float) -> Floats:
    """Return (m,) exact probabilities of all enumerated masks, which sum to 1."""
    return np.exp(log_density(masks.sum(axis=1), masks.shape[1], p))


def balance_by_size(n: int, p: float, drawn: dict[float, int]) -> Floats:
    """Return (n + 1,) importance weights at ``p`` by mask size, up to a factor, for masks drawn at other probabilities.

    Args:
        n: Players.
        p: Keep probability that the masks represent.
        drawn: Number of masks drawn at each probability.

    Source: the balance heuristic (Veach & Guibas 1995),
    ``w(k) ∝ p^k (1 − p)^(n − k) / Σ_j N_j p_j^k (1 − p_j)^(n − k)`` for a mask of size k.
    """
    sizes = np.arange(n + 1)
    by_size = log_density(sizes, n, p) - log_mixture(sizes, n, drawn)
    return np.exp(by_size - by_size.max())


def balance_weights(masks: Bools, p: float, drawn: dict[float, int]) -> Floats:
    """Return (m,) importance weights at ``p``, summing to 1, of all masks of a pool; see :func:`balance_by_size`."""
    weights = balance_by_size(masks.shape[1], p, drawn)[masks.sum(axis=1)]
    total = weights.sum()
    if total <= 0:  # all weights at this p underflow float64
        return np.full(len(masks), 1.0 / max(len(masks), 1))
    return weights / total


def spread_probabilities(n: int, low: float, high: float) -> list[float]:
    """Return probabilities from ``low`` to ``high``, dense enough for masks drawn at them to represent all in between.

    On the scale ``arcsin √p``, the share of kept players in a mask has standard deviation 1/(2√n) for every p.
    Neighbours are at most three standard deviations apart. 0.5 is included if it lies in the range.
    """
    ends = [math.asin(math.sqrt(check_p(p))) for p in (low, 0.5, high)]
    spread: list[float] = []
    for first, last in itertools.pairwise(sorted(ends)) if low < 0.5 < high else [(ends[0], ends[2])]:
        steps = max(math.ceil((last - first) * math.sqrt(n) / 1.5), 1)
        spread += [math.sin(first + (last - first) * step / steps) ** 2 for step in range(steps + 1)]
    return sorted({round(p, 6) for p in spread})


def effective_sample_size(weights: Floats, counts: Floats | None = None) -> float:
    """Return Kish's effective sample size ``(Σ c w)² / Σ c w²`` of weights that occur ``counts`` (default 1) times."""
    counts = np.ones_like(weights) if counts is None else counts
    squares = float(counts @ np.square(weights))
    return float(counts @ weights) ** 2 / squares if squares > 0 else 0.0
