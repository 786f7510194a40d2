"""What the arguments that come back everywhere may be, said in one sentence where they are something else."""

from __future__ import annotations

from numbers import Integral, Real

from fixlip_widgets.errors import InputError

MIN_BUDGET, MAX_BUDGET = 4, 2**24


def check_p(p: object) -> float:
    """``p`` as a float strictly between 0 and 1.

    Raises:
        InputError: ``p`` is not a number in (0, 1).
    """
    if isinstance(p, bool) or not isinstance(p, Real) or not 0.0 < float(p) < 1.0:
        raise InputError(f"p is {p!r}; it is the probability of keeping a player, a number between 0 and 1 (say 0.5).")
    return float(p)


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


def check_seed(seed: object) -> int:
    """``seed`` as an int of at least 0.

    Raises:
        InputError: ``seed`` is not such a number.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or int(seed) < 0:
        raise InputError(f"The seed is {seed!r}; it is a whole number of at least 0.")
    return int(seed)
