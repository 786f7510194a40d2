"""Search for the most and least similar coalitions of each size: greedy growth from every player, then exchanges."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.support.checks import Sign, check_sign

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Subset = tuple[tuple[int, ...], float]
"""Players in ascending order, and Σ main + Σ interactions within the coalition, in logits."""

_MOST_STARTS = 128
"""Maximum number of starting players for greedy growth; those with the largest main effects are chosen."""
_MOST_EXCHANGES = 2**21
"""Maximum number of exchanges compared in one step; beyond it, only the best states are improved."""
_EXACT = 12
"""Maximum number of players for exhaustive search."""


def best_subset(main: ArrayLike, interactions: ArrayLike, size: int, sign: Sign = 1) -> Subset:
    """Return the most (``sign=+1``) or least (``sign=-1``) similar coalition of ``size`` players.

    Args:
        main: (n,) main effects, in logits.
        interactions: (n, n) symmetric interactions with a zero diagonal, in logits.
        size: Number of players, 0 to n.
        sign: 1 or ``"positive"`` for the largest value, -1 or ``"negative"`` for the smallest.

    Returns:
        The players, ascending, and Σ main + Σ interactions within the coalition, in logits. No exchange of one member
        for one non-member improves the coalition. It is optimal for up to 12 players; finding the optimum in general is
        NP-hard.

    Raises:
        InputError: The arrays do not match or are not finite, or ``size`` or ``sign`` is invalid.
    """
    direction = _direction(sign)
    mains, pairs = _checked(main, interactions, direction)
    try:
        size = operator.index(size)
    except TypeError:
        raise InputError(f"size is {size!r}; give a whole number.") from None
    if not 0 <= size <= len(mains):
        raise InputError(f"size is {size}; give a whole number from 0 to {len(mains)}, the number of players.")
    if len(mains) <= _EXACT:
        return _best(mains, pairs, _every(len(mains), size), direction)
    *_, grown = _grown(mains, pairs, size)
    *_, shrunk = _shrunk(mains, pairs, size)
    return _best(mains, pairs, np.concatenate([grown, shrunk]), direction)


def best_subsets(
    main: ArrayLike, interactions: ArrayLike, sign: Sign = 1, sizes: Iterable[int] | None = None
) -> list[Subset]:
    """Return the :func:`best_subset` of each of ``sizes``, in their order; by default of all sizes from 0 to n.

    Sizes larger than n are omitted.

    Raises:
        InputError: The arrays do not match or are not finite, or ``sign`` is invalid.
    """
    direction = _direction(sign)
    mains, pairs = _checked(main, interactions, direction)
    n = len(mains)
    possible = [size for size in (range(n + 1) if sizes is None else sizes) if size <= n]
    if n <= _EXACT:
        return [_best(mains, pairs, _every(n, size), direction) for size in possible]
    largest, smallest = max(possible, default=0), min(possible, default=n)
    distinct = set(possible)
    grown = {size: states.copy() for size, states in enumerate(_grown(mains, pairs, largest)) if size in distinct}
    shrunk = {
        n - count: states for count, states in enumerate(_shrunk(mains, pairs, smallest)) if n - count in distinct
    }
    return [_best(mains, pairs, np.concatenate([grown[size], shrunk[size]]), direction) for size in possible]


def _direction(sign: Sign) -> Literal[-1, 1]:
    direction = check_sign(sign)
    if direction is None:
        raise InputError(
            f"sign is {sign!r}; give 'positive' or 1 for the most similar subset, 'negative' or -1 for the least."
        )
    return direction


def _checked(main: ArrayLike, interactions: ArrayLike, sign: int) -> tuple[Floats, Floats]:
    """Validate the arrays and multiply them by ``sign``, so that the search always maximises."""
    mains, pairs = np.asarray(main, dtype=np.float64), np.asarray(interactions, dtype=np.float64)
    if mains.ndim != 1 or not len(mains) or pairs.shape != (len(mains), len(mains)):
        raise InputError(f"main has shape {mains.shape}, interactions {pairs.shape}; they must be (n,) and (n, n).")
    if not (np.isfinite(mains).all() and np.isfinite(pairs).all()):
        raise InputError("main and interactions must be finite numbers.")
    rounding = 1e-6 * float(np.abs(pairs).max())  # float32 solves are symmetric only up to rounding
    if np.diagonal(pairs).any() or np.abs(pairs - pairs.T).max() > rounding:
        raise InputError("interactions must be symmetric with a zero diagonal.")
    return sign * mains, sign * (pairs + pairs.T) / 2


# A state is a row of booleans, True = inside. Its gains are the changes in value if each player is added:
# gain[j] = main[j] + Σ_{i inside} interactions[i, j]. Adding j changes all gains by row j of the interactions.


def _grown(main: Floats, pairs: Floats, size: int) -> Iterator[Bools]:
    """Yield states of sizes 0 to ``size``, grown greedily from every start. The array is reused."""
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
    """Yield states of sizes n down to ``size``, by greedy removal of players.

    Removing players from the full set is the same as growing the complement C, whose value is, up to a constant,
    Σ_{i∈C} (−main[i] − Σ_j interactions[i, j]) + Σ_{i<j∈C} interactions[i, j].
    """
    for removed in _grown(-main - pairs.sum(axis=1), pairs, len(main) - size):
        yield ~removed


def _every(n: int, size: int) -> Bools:
    """Return all states of ``size`` players."""
    members = np.array([*combinations(range(n), size)], dtype=np.intp)
    states = np.zeros((len(members), n), dtype=bool)
    states[np.arange(len(members))[:, None], members] = True
    return states


def _best(main: Floats, pairs: Floats, states: Bools, sign: int) -> Subset:
    """Return the best coalition reached from ``states`` (all of one size) by exchanges."""
    states = _distinct(states)
    size, n = int(states[0].sum()), len(main)
    most = max(8, _MOST_EXCHANGES // max(1, size * (n - size)))
    if len(states) > most:
        states = states[np.argsort(-_values(main, pairs, states), kind="stable")[:most]]
    if 0 < size < n:
        states = _swapped(main, pairs, states)
    values = _values(main, pairs, states)
    best = int(values.argmax())
    return tuple(np.flatnonzero(states[best]).tolist()), sign * float(values[best]) + 0.0  # avoid -0.0


def _values(main: Floats, pairs: Floats, states: Bools) -> Floats:
    """Return the (m,) sums Σ main + Σ interactions within each of the (m, n) states."""
    inside = states.astype(np.float64)
    return inside @ main + 0.5 * ((inside @ pairs) * inside).sum(axis=1)


def _distinct(states: Bools) -> Bools:
    """Return ``states`` without duplicates; greedy growth often reaches the same ones."""
    packed = np.packbits(states, axis=1)
    _, first = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_index=True)
    return states[first]


def _swapped(main: Floats, pairs: Floats, states: Bools) -> Bools:
    """Make the best exchange of one member for one non-member in each state until none improves it."""
    n, size = len(main), int(states[0].sum())
    states, gains = states.copy(), main + states.astype(np.float64) @ pairs
    tolerance = 1e-12 * (np.abs(main).max() + np.abs(pairs).sum(axis=1).max())  # prevents cycles due to rounding
    active = np.arange(len(states))
    while len(active):
        now, rows = states[active], np.arange(len(active))
        inside = np.nonzero(now)[1].reshape(-1, size)
        outside = np.nonzero(~now)[1].reshape(-1, n - size)
        change = gains[active[:, None], outside][:, None] - gains[active[:, None], inside][:, :, None]
        change -= pairs[inside[:, :, None], outside[:, None]]
        flat = change.reshape(len(active), -1)
        choice = flat.argmax(axis=1)
        improving = flat[rows, choice] > tolerance
        active, choice, rows = active[improving], choice[improving], rows[improving]
        leaves, enters = inside[rows, choice // (n - size)], outside[rows, choice % (n - size)]
        states[active, leaves], states[active, enters] = False, True
        gains[active] += pairs[enters] - pairs[leaves]
    return states
