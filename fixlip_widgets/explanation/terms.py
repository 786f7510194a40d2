"""Terms of a polynomial by kind and sign, strongest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.support.checks import Sign, check_name, check_sign

Floats = NDArray[np.float64]
KINDS = {
    "image": (1, 1),
    "text": (1, 0),
    "image_image": (2, 2),
    "cross": (2, 1),
    "text_text": (2, 0),
    "image_image_text": (3, 2),
    "image_text_text": (3, 1),
}
"""Number of players, and of image players, of each kind of term."""


class Term(NamedTuple):
    """One row of :meth:`fixlip_widgets.Explanation.top`."""

    players: tuple[int, ...]
    names: tuple[str, ...]
    value: float
    standard_error: float
    significant: bool | None
    """None if the standard error is unknown."""


class Block(NamedTuple):
    """All terms of one order.

    Attributes:
        players: (m, order) players of each term.
        values: (m,) values.
        errors: (m,) standard errors, NaN if unknown.
        significant: (m,) whether each differs significantly from 0.
    """

    players: NDArray[np.intp]
    values: Floats
    errors: Floats
    significant: NDArray[np.bool_]


def order_of(kind: str) -> int:
    """Return the number of players of a kind of term.

    Raises:
        InputError: The kind is unknown.
    """
    check_name("kind", kind, KINDS)
    return KINDS[kind][0]


def strongest(
    blocks: Iterable[Block], names: Sequence[str], n_image: int, k: int, kind: str | None, sign: Sign | None
) -> list[Term]:
    """Return the ``k`` terms of largest magnitude.

    Args:
        blocks: The terms, by order.
        names: (n,) names of the players.
        n_image: Number of image players.
        k: Maximum number of terms.
        kind: A key of :data:`KINDS`, or None for all terms.
        sign: As for :func:`fixlip_widgets.support.checks.check_sign`.

    Raises:
        InputError: ``sign`` is unknown.
    """
    chosen_sign, terms = check_sign(sign), list[Term]()
    for block in blocks:
        keep = np.ones(len(block.values), dtype=bool) if chosen_sign is None else block.values * chosen_sign > 0
        if kind is not None:
            keep &= (block.players < n_image).sum(axis=1) == KINDS[kind][1]
        rows = np.flatnonzero(keep)
        for row in rows[np.argsort(-np.abs(block.values[rows]), kind="stable")][: max(k, 0)]:
            members = tuple(int(player) for player in block.players[row])
            known = bool(np.isfinite(block.errors[row]))
            terms.append(
                Term(
                    players=members,
                    names=tuple(names[player] for player in members),
                    value=float(block.values[row]),
                    standard_error=float(block.errors[row]),
                    significant=bool(block.significant[row]) if known else None,
                )
            )
    return sorted(terms, key=lambda term: -abs(term.value))[: max(k, 0)]
