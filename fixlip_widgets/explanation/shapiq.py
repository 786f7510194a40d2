"""Explanations to and from shapiq's ``InteractionValues``, so that its plots and tools can go on with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.explanation import Explanation

if TYPE_CHECKING:
    from collections.abc import Sequence

_INDEX = {("banzhaf", 1): "BV", ("banzhaf", 2): "FBII", ("shapley", 1): "SV", ("shapley", 2): "FSII"}
_METHOD = {index: method for (method, _), index in _INDEX.items()}


def to_shapiq(explanation: Explanation, index: str | None = None) -> Any:
    """``explanation`` as a ``shapiq.InteractionValues``, in logits.

    Args:
        explanation: Of order 1 or 2.
        index: shapiq's name of the index; by default "FBII" or "FSII" for Banzhaf or Shapley interactions, "BV" or
            "SV" for values. shapiq has no p: "FBII" there stands for any.

    Returns:
        All terms, players as their numbers (image patches first), the baseline as the empty interaction.

    Raises:
        ImportError: shapiq is not installed.
        InputError: The explanation is of another order, or of a method that has no index in shapiq.
    """
    try:
        import shapiq
    except ImportError as error:
        raise ImportError("to_shapiq() needs shapiq: pip install 'fixlip-widgets[shapiq]'") from error
    if explanation.order not in (1, 2):
        raise InputError(f"The explanation has order {explanation.order}; orders 1 and 2 can be converted.")
    index = index or _INDEX.get((explanation.method.removesuffix("_values"), explanation.order))
    if index is None:
        raise InputError(f"shapiq has no index of its own for {explanation.method!r}; name one, say index='SV'.")
    first, second = np.triu_indices(explanation.n_players, 1 if explanation.has_interactions else explanation.n_players)
    players = [
        (),
        *((int(i),) for i in range(explanation.n_players)),
        *zip(first.tolist(), second.tolist(), strict=True),
    ]
    return shapiq.InteractionValues(
        np.concatenate([[explanation.baseline], explanation.main, explanation.interactions[first, second]]),
        interaction_lookup={interaction: position for position, interaction in enumerate(players)},
        index=index,
        max_order=explanation.order,
        n_players=explanation.n_players,
        min_order=0,
        estimated=True,
        estimation_budget=explanation.budget or None,
        baseline_value=float(explanation.baseline),
    )


def from_shapiq(values: Any, tokens: Sequence[str], grid: tuple[int, int], **fields: Any) -> Explanation:
    """A ``shapiq.InteractionValues`` of order 1 or 2 as an explanation; shapiq itself is not needed for it.

    Args:
        values: What shapiq computed; its players are the patches, row-major, then the tokens.
        tokens: One per text player.
        grid: (rows, columns) of the image players.
        fields: Further fields of the explanation, as ``p``, ``caption`` or ``image``.

    Raises:
        InputError: The number of players or the order does not fit.
    """
    n = grid[0] * grid[1] + len(tokens)
    if values.n_players != n:
        raise InputError(
            f"The values are of {values.n_players} players; a grid of {grid[0]}×{grid[1]} and {len(tokens)} tokens "
            f"make {n}."
        )
    if values.max_order not in (1, 2):
        raise InputError(f"The values go up to order {values.max_order}; orders 1 and 2 can be converted.")
    main, interactions = np.zeros(n), np.zeros((n, n))
    baseline = float(values.baseline_value)
    for players, value in values.dict_values.items():
        if len(players) == 0:
            baseline = float(value)
        elif len(players) == 1:
            main[players[0]] = value
        else:
            first, second = players
            interactions[first, second] = interactions[second, first] = value
    given: dict[str, Any] = {
        "method": _METHOD.get(values.index, values.index),
        "order": int(values.max_order),
        "budget": int(values.estimation_budget or 0),
        **fields,
    }
    return Explanation(
        baseline=baseline, main=main, interactions=interactions, tokens=tuple(tokens), grid=(grid[0], grid[1]), **given
    )
