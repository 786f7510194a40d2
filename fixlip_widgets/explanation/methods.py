"""The catalogue of methods: names, labels and what each offers, as data alone.

How each explains a game stands in :mod:`fixlip_widgets.explainers.registry`.
"""

from __future__ import annotations

from dataclasses import dataclass

from fixlip_widgets.errors import InputError


@dataclass(frozen=True)
class MethodInfo:
    """What is known of a method without running it.

    Attributes:
        name: As ``explain(method=...)``, the widget and the command line take it.
        label: As a person reads it.
        orders: Orders that it offers; a method with order 1 alone has no interactions.
        uses_p: Whether p changes its result.
        uses_budget: Whether the budget does.
        pooled: Whether it answers from an explainer's pool of encoded masks, at any p, at once.
        in_logits: Whether its numbers are logits; of others only order and sign mean something.
    """

    name: str
    label: str
    orders: tuple[int, ...]
    uses_p: bool = False
    uses_budget: bool = False
    pooled: bool = False
    in_logits: bool = True


_ALL = (
    MethodInfo("banzhaf", "FIxLIP (weighted Banzhaf)", (2, 3), uses_p=True, uses_budget=True, pooled=True),
    MethodInfo("shapley", "Shapley interactions", (2,), uses_budget=True),
    MethodInfo("exclip", "exCLIP", (2,)),
    MethodInfo("banzhaf_values", "Banzhaf values", (1,), uses_p=True, uses_budget=True, pooled=True),
    MethodInfo("shapley_values", "Shapley values", (1,), uses_budget=True),
    MethodInfo("grad_eclip", "Grad-ECLIP", (1,), in_logits=False),
    MethodInfo("game_attention", "GAME (attention)", (1,), in_logits=False),
    MethodInfo("random", "Random numbers", (2,), in_logits=False),
)
CATALOGUE: dict[str, MethodInfo] = {method.name: method for method in _ALL}
"""Name → what is known of the method, in the order to offer them in."""


def check_method(name: object) -> str:
    """Return ``name`` if it is the name of a method.

    Raises:
        InputError: There is no such method; the message lists them.
    """
    if not isinstance(name, str) or name not in CATALOGUE:
        raise InputError(f"There is no method {name!r}; there is {', '.join(CATALOGUE)}.")
    return name
