"""Checks that a report offers what its arguments request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.surrogate import Surrogate
from fixlip_widgets.pages.recording import Recording
from fixlip_widgets.support.checks import check_budget, check_p, list_of

_WHY = (
    "Other explanations are computed only for explainers, widgets and explanations whose masks are in memory, and only "
    "of methods that use the setting."
)


def check_offered(
    recordings: Sequence[Recording], *, p: Any = None, budgets: Any = None, text: Any = (), playground: bool = False
) -> None:
    """Raise InputError if no part of a report uses an argument, which would otherwise be ignored silently.

    Values that a part has anyway are accepted: ``p=explanation.p`` requests a page with this explanation alone.

    Args:
        recordings: The parts of the report.
        p: For this and the following arguments, see :func:`fixlip_widgets.report`.
        budgets: Budgets in game evaluations.
        text: More captions.
        playground: Whether single players can be removed.
    """
    requested: list[tuple[str, set[Any], Callable[[Surrogate], Any]]] = [
        ("p", {check_p(each) for each in list_of(p)} if p is not None else set(), lambda each: each.p),
        ("budgets", {check_budget(each) for each in list_of(budgets)} if budgets else set(), lambda each: each.budget),
        ("text", {*list_of(text)}, lambda each: each.caption),
    ]
    for name, values, setting in requested:
        offered = [{setting(each) for each in recording.explanations} for recording in recordings]
        if values and all(len(each) == 1 and not values <= each for each in offered):
            raise InputError(f"No part of the report can use {name}={_listed(values)}; leave it out. {_WHY}")
    if playground and not any(recording.without for recording in recordings):
        raise InputError(f"No part of the report can use playground=True; leave it out. {_WHY}")


def _listed(values: set[Any]) -> str:
    return repr(sorted(values))
