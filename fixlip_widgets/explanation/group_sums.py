"""What several players do together: their summed interactions with every other player and among themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.errors import InputError

if TYPE_CHECKING:
    from fixlip_widgets.explanation.explanation import Explanation

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Group:
    """Sums of interactions of the players of a group S, in logits.

    Attributes:
        players: S.
        values: (n,) ``Σ_{i ∈ S} interactions[i, j]`` for every player j, those of S included.
        se: (n,) standard errors of ``values``, or None: they need more than the standard errors of each interaction.
        total: ``Σ_{i ∈ S, j ∉ S} interactions[i, j]``.
        total_se: Its standard error, or None.
        within: ``Σ_{i < j ∈ S} interactions[i, j]``.
        within_se: Its standard error, or None.
    """

    players: tuple[int, ...]
    values: Floats
    se: Floats | None
    total: float
    total_se: float | None
    within: float
    within_se: float | None


def group(explanation: Explanation, players: Sequence[int]) -> Group:
    """The sums of a group of distinct players.

    Their standard errors are those of the single interactions where the group has one player (``se``) or two
    (``within_se``), and None otherwise, since interactions are estimated from the same masks and are not independent.

    Raises:
        InputError: A player does not exist or comes twice, or there is none.
    """
    members = [explanation.player(int(player)) for player in players]
    if not members or len(set(members)) < len(members):
        raise InputError(f"The group is {tuple(players)!r}; give one or more different players.")
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
