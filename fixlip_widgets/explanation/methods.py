"""The catalogue of methods: their names, labels and capabilities.

:mod:`fixlip_widgets.explainers.registry` implements them.
"""

from __future__ import annotations

from dataclasses import dataclass

from fixlip_widgets.errors import InputError


@dataclass(frozen=True)
class MethodInfo:
    """Static description of a method.

    Attributes:
        name: Identifier in ``explain(method=...)``, the widget and the command line.
        label: Display name.
        orders: Supported orders; a method with order 1 only has no interactions.
        uses_p: Whether the result depends on p.
        uses_budget: Whether the result depends on the budget.
        pooled: Whether results for any p are computed from an explainer's pool of encoded masks.
        in_logits: Whether values are logits; otherwise only their order and sign are meaningful.
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
"""Methods by name, in display order."""


def check_method(name: object) -> str:
    """Return ``name`` if it is the name of a method; ``"fixlip"`` is another name of ``"banzhaf"``.

    Raises:
        InputError: There is no such method; the message lists the methods.
    """
    if name == "fixlip":
        return "banzhaf"
    if not isinstance(name, str) or name not in CATALOGUE:
        raise InputError(f"There is no method {name!r}; choose one of {', '.join(CATALOGUE)}.")
    return name
