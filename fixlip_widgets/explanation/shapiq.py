"""Conversion of explanations to and from shapiq's ``InteractionValues``, for use with its plots and tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.surrogate import Surrogate

if TYPE_CHECKING:
    pass

_INDEX = {("banzhaf", 1): "BV", ("banzhaf", 2): "FBII", ("shapley", 1): "SV", ("shapley", 2): "FSII"}
_METHOD = {index: method for (method, _), index in _INDEX.items()}


def to_shapiq(explanation: Surrogate, index: str | None = None) -> Any:
    """Convert an explanation to ``shapiq.InteractionValues``, in logits.

    Args:
        explanation: Explanation of order 1 or 2.
        index: Name of the index in shapiq; by default "FBII" or "FSII" for Banzhaf or Shapley interactions, "BV" or
            "SV" for values. shapiq does not store p, so "FBII" is used for any p.

    Returns:
        All terms, with players as indices (image players first) and the baseline as the empty interaction.

    Raises:
        ImportError: shapiq is not installed.
        InputError: The explanation has another order, or its method has no index in shapiq and ``index`` is None.
    """
    try:
        import shapiq
    except ImportError as error:
        raise ImportError("to_shapiq() needs shapiq: pip install 'fixlip-widgets[shapiq]'") from error
    if explanation.order not in (1, 2):
        raise InputError(f"The explanation has order {explanation.order}; orders 1 and 2 can be converted.")
    index = index or _INDEX.get((explanation.method.removesuffix("_values"), explanation.order))
    if index is None:
        raise InputError(f"shapiq has no index for {explanation.method!r}; pass one, for example index='SV'.")
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


def polynomial_of(values: Any, n: int) -> dict[str, Any]:
    """Return baseline, main effects, interactions, method, order and budget of ``shapiq.InteractionValues``.

    Raises:
        InputError: The number of players is not ``n``, or the order is not 1 or 2.
    """
    if values.n_players != n:
        raise InputError(f"The values have {values.n_players} players; the grid and the tokens require {n}.")
    if values.max_order not in (1, 2):
        raise InputError(f"The values have order {values.max_order}; orders 1 and 2 can be converted.")
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
    return {
        "baseline": baseline,
        "main": main,
        "interactions": interactions,
        "method": _METHOD.get(values.index, values.index),
        "order": int(values.max_order),
        "budget": int(values.estimation_budget or 0),
    }
