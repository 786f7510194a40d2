"""The most and the least similar coalitions of each size: greedy growth from every player, then swaps."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fixlip_widgets.errors import InputError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Subset = tuple[tuple[int, ...], float]
"""Players in order, and the value of the surrogate without its baseline: Σ main + Σ interactions within, in logits."""

_MOST_STARTS = 128
"""Greedy growth starts from every player; among more players than this, from those with the largest main effects."""
_MOST_EXCHANGES = 2**21
"""Exchanges that one step of the swaps weighs; where there are more, only the best states are swapped."""
_EXACT = 12
"""Up to this many players every coalition is looked at."""


def best_subset(main: ArrayLike, interactions: ArrayLike, size: int, sign: int = 1) -> Subset:
    """The most (``sign=+1``) or least (``sign=-1``) similar coalition of ``size`` players.

    Args:
        main: (n,) main effects, in logits.
        interactions: (n, n) symmetric interactions with a zero diagonal, in logits.
        size: Number of players, 0 to n.
        sign: +1 for the largest value, -1 for the smallest.

    Returns:
        The players, ascending, and Σ main + Σ interactions within them, in logits. No two of them can be exchanged
        (one inside for one outside) for a better coalition. Up to 12 players it is the best there is; beyond, being
        certain of that is NP-hard.

    Raises:
        InputError: The arrays do not fit together, or ``size`` or ``sign`` is none of these.
    """
    mains, pairs = _checked(main, interactions, sign)
    try:
        size = operator.index(size)
    except TypeError:
        raise InputError(f"A subset's size is {size!r}; give a whole number.") from None
    if not 0 <= size <= len(mains):
        raise InputError(
            f"A subset of {size} players was asked for; give a size from 0 to {len(mains)}, all there are."
        )
    if len(mains) <= _EXACT:
        return _best(mains, pairs, _every(len(mains), size), sign)
    *_, grown = _grown(mains, pairs, size)
    *_, shrunk = _shrunk(mains, pairs, size)
    return _best(mains, pairs, np.concatenate([grown, shrunk]), sign)


def best_subsets(
    main: ArrayLike, interactions: ArrayLike, sign: int = 1, sizes: Iterable[int] | None = None
) -> list[Subset]:
    """:func:`best_subset` of several ``sizes`` at once, in their order; by default of all, 0 to n. The rest as there.

    Larger sizes than n are left out.
    """
    mains, pairs = _checked(main, interactions, sign)
    n = len(mains)
    wanted = [size for size in (range(n + 1) if sizes is None else sizes) if size <= n]
    if n <= _EXACT:
        return [_best(mains, pairs, _every(n, size), sign) for size in wanted]
    largest, smallest = max(wanted, default=0), min(wanted, default=n)
    asked = set(wanted)
    grown = {size: states.copy() for size, states in enumerate(_grown(mains, pairs, largest)) if size in asked}
    shrunk = {n - left: states for left, states in enumerate(_shrunk(mains, pairs, smallest)) if n - left in asked}
    return [_best(mains, pairs, np.concatenate([grown[size], shrunk[size]]), sign) for size in wanted]


def _checked(main: ArrayLike, interactions: ArrayLike, sign: int) -> tuple[Floats, Floats]:
    """Both arrays times ``sign``, so that the search only ever looks for the largest value."""
    if isinstance(sign, bool) or sign not in (1, -1):
        raise InputError(f"sign is {sign!r}; give +1 for the most similar subset or -1 for the least similar.")
    mains, pairs = np.asarray(main, dtype=np.float64), np.asarray(interactions, dtype=np.float64)
    if mains.ndim != 1 or not len(mains) or pairs.shape != (len(mains), len(mains)):
        raise InputError(f"main has shape {mains.shape}, interactions {pairs.shape}; they must be (n,) and (n, n).")
    if not (np.isfinite(mains).all() and np.isfinite(pairs).all()):
        raise InputError("main and interactions must be finite numbers.")
    rounding = 1e-6 * float(np.abs(pairs).max())  # what a solve in float32 leaves
    if np.diagonal(pairs).any() or np.abs(pairs - pairs.T).max() > rounding:
        raise InputError("interactions must be symmetric with a zero diagonal.")
    return sign * mains, sign * (pairs + pairs.T) / 2


# In what follows a state is a row of booleans, True = inside, and its gains are what each player would add to it:
# gain[j] = main[j] + Σ_{i inside} interactions[i, j]. Adding j changes every gain by one row of the interactions.


def _grown(main: Floats, pairs: Floats, size: int) -> Iterator[Bools]:
    """States of sizes 0 to ``size`` in turn, one greedy growth from every start; the same array each time, changed."""
    starts = np.argsort(-main, kind="stable")[:_MOST_STARTS]
    rows = np.arange(len(starts))
    states = np.zeros((len(starts), len(main)), dtype=bool)
    gains = np.tile(main, (len(starts), 1))
    yield states
    for count in range(size):
        added = starts if count == 0 else np.where(states, -np.inf, gains).argmax(axis=1)
        states[rows, added] = True
        gains += pairs[added]
        yield states


def _shrunk(main: Floats, pairs: Floats, size: int) -> Iterator[Bools]:
    """States of sizes n down to ``size``: greedy removal, first of each start in turn.

    Removing from the full set is growing the complement C, whose value is, up to a constant,
    Σ_{i∈C} (−main[i] − Σ_j interactions[i, j]) + Σ_{i<j∈C} interactions[i, j].
    """
    for removed in _grown(-main - pairs.sum(axis=1), pairs, len(main) - size):
        yield ~removed


def _every(n: int, size: int) -> Bools:
    """Every state of ``size``."""
    members = np.array([*combinations(range(n), size)], dtype=np.intp)
    states = np.zeros((len(members), n), dtype=bool)
    states[np.arange(len(members))[:, None], members] = True
    return states


def _best(main: Floats, pairs: Floats, states: Bools, sign: int) -> Subset:
    """The best of ``states`` (all of one size) after swaps."""
    states = _distinct(states)
    size, n = int(states[0].sum()), len(main)
    most = max(8, _MOST_EXCHANGES // max(1, size * (n - size)))
    if len(states) > most:
        states = states[np.argsort(-_values(main, pairs, states), kind="stable")[:most]]
    if 0 < size < n:
        states = _swapped(main, pairs, states)
    values = _values(main, pairs, states)
    best = int(values.argmax())
    return tuple(np.flatnonzero(states[best]).tolist()), sign * float(values[best]) + 0.0  # -0.0 reads badly


def _values(main: Floats, pairs: Floats, states: Bools) -> Floats:
    """(m,) Σ main + Σ interactions within each of the (m, n) states."""
    inside = states.astype(np.float64)
    return inside @ main + 0.5 * ((inside @ pairs) * inside).sum(axis=1)


def _distinct(states: Bools) -> Bools:
    """The different ones among ``states``; most growths end in the same few."""
    packed = np.packbits(states, axis=1)
    _, first = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_index=True)
    return states[first]


def _swapped(main: Floats, pairs: Floats, states: Bools) -> Bools:
    """Each state with its best exchange of one inside for one outside, again and again until none is better."""
    n, size = len(main), int(states[0].sum())
    states, gains = states.copy(), main + states.astype(np.float64) @ pairs
    better = 1e-12 * (np.abs(main).max() + np.abs(pairs).sum(axis=1).max())  # rounding must not make it circle
    active = np.arange(len(states))
    while len(active):
        now, rows = states[active], np.arange(len(active))
        inside = np.nonzero(now)[1].reshape(-1, size)
        outside = np.nonzero(~now)[1].reshape(-1, n - size)
        change = gains[active[:, None], outside][:, None] - gains[active[:, None], inside][:, :, None]
        change -= pairs[inside[:, :, None], outside[:, None]]
        flat = change.reshape(len(active), -1)
        choice = flat.argmax(axis=1)
        going = flat[rows, choice] > better
        active, choice, rows = active[going], choice[going], rows[going]
        leaves, enters = inside[rows, choice // (n - size)], outside[rows, choice % (n - size)]
        states[active, leaves], states[active, enters] = False, True
        gains[active] += pairs[enters] - pairs[leaves]
    return states
