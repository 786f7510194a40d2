"""The settings that a view may change, and the check that each new value passes, from whichever side it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

from fixlip_widgets.colors import PALETTES
from fixlip_widgets.errors import InputError
from fixlip_widgets.graphs import KINDS
from fixlip_widgets.layouts import LAYOUTS
from fixlip_widgets.masks import check_p

Check = Callable[[Any], Any]
THEMES = ("auto", "light", "dark")
MAX_EDGES = 500
"""Most edges that the graph draws: beyond, nothing can be told apart."""
_LONGEST_CAPTION = 10_000


def check_top_k(value: Any) -> int:
    """Number of edges in the graph, 1 to 500."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not 1 <= int(value) <= MAX_EDGES:
        raise InputError(f"top_k is {value!r}; it is the number of edges shown, a whole number from 1 to {MAX_EDGES}.")
    return int(value)


def check_caption(value: Any) -> str:
    """A caption that is text and not absurdly long; whether the model can read it, the model says."""
    if not isinstance(value, str):
        raise InputError(f"The caption is a {type(value).__name__}; it must be text.")
    if len(value) > _LONGEST_CAPTION:
        raise InputError(f"The caption has {len(value):,} characters; no model here reads that many.")
    return value.strip()


def check_selection(value: Any, n_players: int) -> tuple[int, ...]:
    """Distinct players, in the order in which they were selected."""
    players = value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else (value,)
    for player in players:
        if isinstance(player, bool) or not isinstance(player, Integral) or not 0 <= int(player) < n_players:
            raise InputError(f"There is no player {player!r} to select; players are numbered 0 to {n_players - 1}.")
    return tuple(dict.fromkeys(int(player) for player in players))


def one_of(what: str, names: Sequence[str]) -> Check:
    """A check that a value is one of ``names``."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise InputError(f"There is no {what} {value!r}; choose one of {', '.join(names)}.")
        return value

    return check


CHECKS: dict[str, Check] = {
    "p": check_p,
    "text": check_caption,
    "top_k": check_top_k,
    "graph_layout": one_of("layout", tuple(LAYOUTS)),
    "graph_kind": one_of("kind of edges", KINDS),
    "palette": one_of("palette", tuple(PALETTES)),
    "theme": one_of("theme", THEMES),
}
"""Checks that need nothing but the value; ``budget`` has a cap and ``selection`` a number of players besides."""
