"""Orthogonal arrays of strength 5 as masks at p = 0.5: seeded streams of randomised Kerdock codes.

In an orthogonal array of strength 5, any five players take each of their 32 combinations of states equally often. So
main effects, pairs and constants are exactly uncorrelated, and interactions of order three leave the estimates of
single players unchanged. The Kerdock code of n = 16, 64, 256 or 1,024 columns has n² rows, close to the fewest possible
(Rao's bound: 4,034 rows for 64 columns; the code has 4,096). Any subset of its columns has the same strength.

Sources: Hammons, Kumar, Calderbank, Sloane & Solé, "The Z4-linearity of Kerdock, Preparata, Goethals, and related
codes", IEEE Trans. Inf. Theory 40 (1994); Hedayat, Sloane & Stufken, "Orthogonal Arrays" (1999).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]

_PRIMITIVE = {3: 0b1011, 5: 0b100101, 7: 0b10000011, 9: 0b1000010001}
"""Primitive polynomials over GF(2), by degree k; bit i is the coefficient of x^i."""
MOST_PLAYERS = 2 ** (max(_PRIMITIVE) + 1)
"""Columns of the largest array."""
_TAG = 5
"""Distinguishes the seeds of arrays from those of other masks of the same stream."""


def array_length(n: int) -> int:
    """Return the number of rows of the smallest array with at least ``n`` columns, at most :data:`MOST_PLAYERS`."""
    return 4 ** (_degree(n) + 1)


def draw_array_masks(n: int, start: int, stop: int, *, seed: int, stream: int) -> Bools:
    """Draw (stop − start, n) masks, ``start`` to ``stop`` of a seeded stream of randomised arrays, one after another.

    Each array has a random choice and order of its columns, and a random set of inverted columns. Every mask is thus
    uniformly distributed, and estimates are unbiased over the randomisation. The rows are complement pairs, masks 2i
    and 2i + 1, in random order: the first masks of an array are a random sample of it, without replacement.
    """
    length = array_length(n)
    if stop <= start:
        return np.empty((0, n), dtype=bool)
    parts = [
        _array(n, index, seed, stream).rows(max(start - index * length, 0), min(stop - index * length, length))
        for index in range(start // length, -(-stop // length))
    ]
    return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class _Array:
    """One randomised array.

    Attributes:
        columns: (n,) positions of the players in the code.
        inverted: (n,) whether the states of a player are exchanged.
        forms: (2^k, n) values of the quadratic forms at the columns; each defines a coset of the Reed–Muller code
            RM(1, k + 1), an array of strength 3.
        order: (4^(k + 1) / 2,) order of the complement pairs; each number is a form times 2^(k + 1) plus a linear form.
        exchanged: (4^(k + 1) / 2,) whether the two masks of a pair are exchanged.
    """

    columns: Integers
    inverted: Bools
    forms: Bools
    order: Integers
    exchanged: Bools

    def rows(self, start: int, stop: int) -> Bools:
        """Return (stop − start, n) rows of the array; each linear form, and its complement, is added to each form."""
        pairs = slice(start // 2, -(-stop // 2))
        form, linear = np.divmod(self.order[pairs], 2 * len(self.forms))
        firsts = self.forms[form] ^ _parity(linear[:, None] & self.columns) ^ self.inverted
        firsts ^= self.exchanged[pairs, None]
        both = np.stack([firsts, ~firsts], axis=1).reshape(2 * len(firsts), len(self.columns))
        return both[start % 2 :][: stop - start]


@lru_cache(maxsize=8)
def _array(n: int, index: int, seed: int, stream: int) -> _Array:
    k = _degree(n)
    random = np.random.default_rng([seed, stream, _TAG, index])
    columns = random.permutation(2 ** (k + 1))[:n]
    inverted = random.random(n) < 0.5
    order = random.permutation(2 ** (2 * k + 1))
    return _Array(columns, inverted, _kerdock_forms(k)[:, columns], order, random.random(len(order)) < 0.5)


@lru_cache(maxsize=len(_PRIMITIVE))
def _kerdock_forms(k: int) -> Bools:
    """Return (2^k, 2^(k + 1)) values of the quadratic forms ``Q_a(h, x) = Σ_j tr((ax)^(1 + 2^j)) + h · tr(ax)``.

    ``a`` and ``x`` are elements of GF(2^k), ``h`` is a bit, j = 1 to (k − 1)/2, and a column is ``h · 2^k + x``. The
    forms are the Gray map of the traces of ``a ξ^t`` in the Galois ring GR(4^k).
    """
    size = 2**k
    powers = [1]
    while len(powers) < size - 1:
        doubled = powers[-1] << 1
        powers.append(doubled ^ _PRIMITIVE[k] if doubled & size else doubled)
    exponents = np.arange(size - 1)
    power = np.array(powers)
    trace = np.bitwise_xor.reduce([power[(exponents << i) % (size - 1)] for i in range(k)]).astype(bool)
    quadratic = np.bitwise_xor.reduce([trace[exponents * (1 + 2**j) % (size - 1)] for j in range(1, (k + 1) // 2)])
    forms = np.zeros((2, size, size), dtype=bool)  # h, a, x; zero where a or x is 0
    product = (exponents[:, None] + exponents) % (size - 1)
    forms[0][np.ix_(power, power)] = quadratic[product]
    forms[1][np.ix_(power, power)] = quadratic[product] ^ trace[product]
    return np.concatenate([forms[0], forms[1]], axis=1)


def _degree(n: int) -> int:
    """Return k of the smallest code with ``n`` columns."""
    return next(k for k in _PRIMITIVE if n <= 2 ** (k + 1))


def _parity(values: Integers) -> Bools:
    """Return whether the number of ones among the lowest 16 bits is odd."""
    for shift in (8, 4, 2, 1):
        values = values ^ (values >> shift)
    return (values & 1).astype(bool)
