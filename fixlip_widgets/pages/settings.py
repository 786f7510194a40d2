"""Settings that a view may change, and the validation of their values, for Python and for the view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

from fixlip_widgets.drawing.colors import PALETTES
from fixlip_widgets.drawing.graphs import KINDS
from fixlip_widgets.drawing.layouts import LAYOUTS
from fixlip_widgets.encoders.players import Players
from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.methods import MethodInfo, check_method
from fixlip_widgets.support.checks import check_p

Check = Callable[[Any], Any]
THEMES = ("auto", "light", "dark")
LEVELS = ("auto", "simple", "all")
MAX_EDGES = 500
"""Largest number of edges in the graph; more are not legible."""
SIGNS = ("both", "positive", "negative")
VIEWS = ("graph", "heatmap", "maps", "waterfall", "table")
BLOCKS = ("cross", "text_text", "image_image")
SHOWN = ("current", "pinned", "difference")
MAX_SUBSET = 24
"""Largest number of players in the subset that the graph shows."""
_LONGEST_CAPTION = 10_000


def whole_number(what: str, low: int, high: int) -> Check:
    """Return a check for whole numbers from ``low`` to ``high``; ``what`` is ``"name: meaning"`` of the setting."""
    name, _, meaning = what.partition(": ")

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
            raise InputError(f"{name} is {value!r}; {meaning} must be a whole number from {low} to {high}.")
        return int(value)

    return check


def check_caption(value: Any) -> str:
    """Return the caption, stripped; raise InputError unless it is a string of acceptable length."""
    if not isinstance(value, str):
        raise InputError(f"The caption is of type {type(value).__name__}; it must be a string.")
    if len(value) > _LONGEST_CAPTION:
        raise InputError(f"The caption has {len(value):,} characters; at most {_LONGEST_CAPTION:,} are allowed.")
    return value.strip()


def check_players(value: Any, players: Players) -> tuple[int, ...]:
    """Return the indices of players given by index or name, without duplicates and in the same order."""
    players_or_names: Any = value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else (value,)
    return tuple(dict.fromkeys(players.player(player) for player in players_or_names))


def check_order(value: Any, method: MethodInfo) -> int:
    """Return an order that ``method`` offers; raise InputError for any other value."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) not in method.orders:
        offered = " or ".join(map(str, method.orders))
        raise InputError(f"order is {value!r}; {method.label} offers order {offered}.")
    return int(value)


def one_of(what: str, names: Sequence[str]) -> Check:
    """Return a check that a value is one of ``names``."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise InputError(f"There is no {what} {value!r}; choose one of {', '.join(names)}.")
        return value

    return check


CHECKS: dict[str, Check] = {
    "p": check_p,
    "text": check_caption,
    "method": check_method,
    "top_k": whole_number("top_k: the number of edges shown", 1, MAX_EDGES),
    "graph_layout": one_of("layout", tuple(LAYOUTS)),
    "graph_kind": one_of("kind of edges", KINDS),
    "graph_sign": one_of("sign of edges", SIGNS),
    "subset_size": whole_number("subset_size: the number of players in the subset shown (0 for none)", 0, MAX_SUBSET),
    "subset_sign": one_of("sign of a subset", SIGNS[1:]),
    "view": one_of("view", VIEWS),
    "heatmap_kind": one_of("kind of interactions in the heatmap", BLOCKS),
    "shown": one_of("explanation to show", SHOWN),
    "palette": one_of("palette", tuple(PALETTES)),
    "theme": one_of("theme", THEMES),
    "level": one_of("level", LEVELS),
}
"""Checks that need only the value; those of ``budget``, ``order``, ``selection``, ``removed`` depend on the widget."""
