"""What the arguments that come back everywhere may be, said in one sentence where they are something else."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch

from fixlip_widgets.errors import InputError

MIN_BUDGET, MAX_BUDGET = 4, 2**24
DEFAULT_BUDGET = 2**17
"""Evaluations (image masks × text masks) that methods take by default, or as many image encodings as those take."""
_LEAST_P = 1e-6
_DIGITS_OF_P = 9
"""Decimals of ``p`` that tell probabilities apart: seeds of mask streams and pools of masks are keyed by it."""


def check_p(p: object) -> float:
    """Return ``p`` rounded to nine decimals, a float at least a millionth away from 0 and 1.

    Rounding makes ``0.1 + 0.2`` the same probability as ``0.3``: one stream of masks, one key in every pool.

    Raises:
        InputError: ``p`` is not a number in (0, 1), or so close to 0 or 1 that float64 cannot tell effects apart.
    """
    if isinstance(p, bool) or not isinstance(p, Real) or not 0.0 < float(p) < 1.0:
        raise InputError(f"p is {p!r}; it is the probability of keeping a player, a number between 0 and 1 (say 0.5).")
    if not _LEAST_P <= float(p) <= 1 - _LEAST_P:
        raise InputError(
            f"p is {p!r}; so close to {round(p)} nothing can be told apart; keep {_LEAST_P:f} away from it."
        )
    return round(float(p), _DIGITS_OF_P)


def check_budget(budget: object, cap: int = MAX_BUDGET) -> int:
    """``budget`` as an int from 4 to ``cap``.

    Raises:
        InputError: ``budget`` is not a whole number in that range.
    """
    whole = isinstance(budget, Integral) or (isinstance(budget, float) and budget.is_integer())
    if isinstance(budget, bool) or not whole or not MIN_BUDGET <= int(budget) <= cap:  # pyright: ignore[reportArgumentType]
        raise InputError(
            f"The budget is {budget!r}; it counts evaluations (image masks × text masks), a whole number "
            f"from {MIN_BUDGET} to {cap:,} (say 2**17)."
        )
    return int(budget)  # pyright: ignore[reportArgumentType]


def check_max_encodings(limit: object) -> None:
    """Refuse a limit that is not a number of encodings.

    Raises:
        InputError: ``limit`` is neither None nor a whole number of at least 1.
    """
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, Integral) or int(limit) < 1):
        raise InputError(f"max_encodings is {limit!r}; it counts image encodings, a whole number of at least 1.")


def check_seed(seed: object) -> int:
    """``seed`` as an int of at least 0.

    Raises:
        InputError: ``seed`` is not such a number.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or int(seed) < 0:
        raise InputError(f"The seed is {seed!r}; it is a whole number of at least 0.")
    return int(seed)


def check_batch_size(size: object) -> None:
    """Refuse what is no number of masks.

    Raises:
        InputError: ``size`` is neither None nor a whole number of at least 1.
    """
    if size is not None and (isinstance(size, bool) or not isinstance(size, Integral) or int(size) < 1):
        raise InputError(f"The batch size is {size!r}; it counts masks, a whole number of at least 1.")


def check_fit(ridge: object, scope: object, order: object) -> None:
    """What a regression is asked for: see :meth:`fixlip_widgets.IncrementalExplainer.explanation`.

    Raises:
        InputError: ``ridge`` is neither None nor a number of at least 0, or ``scope`` and ``order`` do not go together.
    """
    if ridge is not None and (
        isinstance(ridge, bool) or not isinstance(ridge, Real) or not 0 <= float(ridge) < math.inf
    ):
        raise InputError(f"ridge is {ridge!r}; it is None, which lets the data choose, or a number of at least 0.")
    if scope not in ("all", "cross"):
        raise InputError(f"scope is {scope!r}; it is 'all' or 'cross'.")
    if order not in (2, 3) or (order == 3 and scope == "cross"):
        raise InputError(f"order is {order!r} with scope {scope!r}; it is 2, or 3 with scope 'all'.")


def check_binary(masks: Any) -> None:
    """Refuse an array or tensor of masks that holds anything but True and False, or 1 and 0.

    Raises:
        InputError: There is something else in it, which as True or False would be another game's value.
    """
    if masks.dtype not in (np.bool_, torch.bool) and not bool(((masks == 0) | (masks == 1)).all()):
        raise InputError("masks hold something else than True and False (or 1 and 0): a player is kept or removed.")
