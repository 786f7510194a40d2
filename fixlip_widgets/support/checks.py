"""Validation of common arguments."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
import torch

from fixlip_widgets.errors import InputError

MIN_BUDGET, MAX_BUDGET = 4, 2**24
DEFAULT_BUDGET = 2**17
"""Default number of evaluations (image masks × text masks), or the image encodings that so many evaluations need."""
_LEAST_P = 1e-6
_DIGITS_OF_P = 9
"""Decimals to which ``p`` is rounded; it seeds mask streams and keys mask pools."""


def check_p(p: object) -> float:
    """Return ``p`` rounded to nine decimals.

    Rounding makes ``0.1 + 0.2`` and ``0.3`` the same probability, so that they share mask streams and pool keys.

    Raises:
        InputError: ``p`` is not a number in (0, 1), or is within 1e-6 of 0 or 1, where float64 cannot resolve effects.
    """
    if isinstance(p, bool) or not isinstance(p, Real) or not 0.0 < float(p) < 1.0:
        raise InputError(
            f"p is {p!r}; it must be a number between 0 and 1, the probability of keeping a patch or token."
        )
    if not _LEAST_P <= float(p) <= 1 - _LEAST_P:
        raise InputError(
            f"p is {p!r}, too close to {round(p)} to resolve any effect; keep it at least {_LEAST_P:f} away."
        )
    return round(float(p), _DIGITS_OF_P)


def check_budget(budget: object, cap: int = MAX_BUDGET) -> int:
    """Return ``budget`` as an int from 4 to ``cap``.

    Raises:
        InputError: ``budget`` is not a whole number in that range.
    """
    whole = isinstance(budget, Integral) or (isinstance(budget, float) and budget.is_integer())
    if isinstance(budget, bool) or not whole or not MIN_BUDGET <= int(budget) <= cap:  # pyright: ignore[reportArgumentType]
        raise InputError(
            f"The budget is {budget!r}; it must be a whole number of evaluations (image masks × text masks) "
            f"from {MIN_BUDGET} to {cap:,}, for example 2**17."
        )
    return int(budget)  # pyright: ignore[reportArgumentType]


def check_max_encodings(limit: object) -> None:
    """Raise InputError unless ``limit`` is None or a number of image encodings.

    Raises:
        InputError: ``limit`` is neither None nor a whole number of at least 1.
    """
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, Integral) or int(limit) < 1):
        raise InputError(
            f"max_encodings is {limit!r}; it must be None or a whole number of image encodings, at least 1."
        )


def check_seed(seed: object) -> int:
    """Return ``seed`` as an int of at least 0.

    Raises:
        InputError: ``seed`` is not a whole number of at least 0.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or int(seed) < 0:
        raise InputError(f"The seed is {seed!r}; it must be a whole number of at least 0.")
    return int(seed)


def check_batch_size(size: object) -> None:
    """Raise InputError unless ``size`` is None or a number of masks.

    Raises:
        InputError: ``size`` is neither None nor a whole number of at least 1.
    """
    if size is not None and (isinstance(size, bool) or not isinstance(size, Integral) or int(size) < 1):
        raise InputError(f"The batch size is {size!r}; it must be None or a whole number of masks, at least 1.")


def check_fit(ridge: object, scope: object, order: object) -> None:
    """Check the options of a regression; see :meth:`fixlip_widgets.IncrementalExplainer.explanation`.

    Raises:
        InputError: ``ridge`` is neither None nor a number of at least 0, or ``scope`` or ``order`` is
            not supported.
    """
    if ridge is not None and (
        isinstance(ridge, bool) or not isinstance(ridge, Real) or not 0 <= float(ridge) < math.inf
    ):
        raise InputError(f"ridge is {ridge!r}; it must be None (chosen from the data) or a number of at least 0.")
    if scope not in ("all", "cross"):
        raise InputError(f"scope is {scope!r}; it must be 'all' or 'cross'.")
    if order not in (2, 3) or (order == 3 and scope == "cross"):
        raise InputError(f"order is {order!r} with scope {scope!r}; it must be 2, or 3 with scope 'all'.")


def check_binary(masks: Any) -> None:
    """Raise InputError unless an array or tensor of masks contains only True and False, or 1 and 0.

    Raises:
        InputError: ``masks`` contain any other value.
    """
    if masks.dtype not in (np.bool_, torch.bool) and not bool(((masks == 0) | (masks == 1)).all()):
        raise InputError("masks must contain only True and False (or 1 and 0): True keeps a player, False removes it.")


def check_name(what: str, value: object, names: Iterable[str]) -> None:
    """Raise InputError unless ``value`` is one of ``names``; ``what`` is the argument's name."""
    allowed = list(names)
    if not isinstance(value, str) or value not in allowed:
        raise InputError(f"{what} is {value!r}; it must be one of {', '.join(allowed)}.")


Sign = int | Literal["positive", "negative", "both"]
"""A sign: 1, −1 or a name."""


def check_sign(sign: object) -> Literal[-1, 1] | None:
    """Return +1 for ``"positive"`` or 1, −1 for ``"negative"`` or −1, and None for ``"both"`` or None.

    Raises:
        InputError: ``sign`` is none of these.
    """
    names: dict[object, Literal[-1, 1] | None] = {"both": None, "positive": 1, "negative": -1}
    if sign is None or (isinstance(sign, str) and sign in names):
        return names["both" if sign is None else sign]
    if isinstance(sign, bool) or not isinstance(sign, Integral) or sign not in (1, -1):
        raise InputError(f"sign is {sign!r}; it must be 'positive' or 1, 'negative' or -1, or 'both' or None.")
    return 1 if sign == 1 else -1


def list_of(values: Any) -> list[Any]:
    """Convert an iterable to a list; wrap a scalar or a string in a list."""
    return list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
