"""Sums of the interactions of a group of players, with every other player and within the group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.support.formatting import counted, with_error

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Group:
    """Sums of the interactions of a group S of players, in logits.

    Attributes:
        players: S.
        values: (n,) ``Σ_{i ∈ S} interactions[i, j]`` for every player j, including those in S.
        se: (n,) standard errors of ``values``, or None if unknown.
        total: ``Σ_{i ∈ S, j ∉ S} interactions[i, j]``.
        total_se: Standard error of ``total``, or None if unknown.
        within: ``Σ_{i < j ∈ S} interactions[i, j]``.
        within_se: Standard error of ``within``, or None if unknown.
    """

    players: tuple[int, ...]
    values: Floats
    se: Floats | None
    total: float
    total_se: float | None
    within: float
    within_se: float | None

    def __repr__(self) -> str:
        total, within = with_error(self.total, self.total_se), with_error(self.within, self.within_se)
        return f"<Group of {counted(len(self.players), 'player')}: {total} with the others, {within} within>"


def group(explanation: Surrogate, players: Sequence[int]) -> Group:
    """Return the sums for a group of distinct players.

    Standard errors are known only for sums of a single interaction: ``se`` of one player, and ``within_se`` of two. For
    other sums they are None, because estimates from the same masks are not independent.

    Raises:
        InputError: ``players`` is empty or contains a duplicate, or a player does not exist.
    """
    members = [explanation.player(int(player)) for player in players]
    if not members or len(set(members)) < len(members):
        raise InputError(f"The group is {tuple(players)!r}; give one or more distinct players.")
    inside = np.zeros(explanation.n_players, dtype=bool)
    inside[members] = True
    values, errors = explanation.interactions[members].sum(axis=0), explanation.interactions_se
    single = errors[members[0]].copy() if errors is not None and len(members) == 1 else None
    pair = float(errors[members[0], members[1]]) if errors is not None and len(members) == 2 else None
    return Group(
        players=tuple(members),
        values=values,
        se=single,
        total=float(values[~inside].sum()),
        total_se=None,
        within=0.5 * float(values[inside].sum()),
        within_se=0.0 if len(members) == 1 else pair,
    )
