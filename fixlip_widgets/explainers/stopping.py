"""Encode in steps of doubled budgets, until the explanation is precise enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from numbers import Real

from fixlip_widgets.errors import InputError
from fixlip_widgets.explainers.fixlip import IncrementalExplainer
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.explanation.precision import relative_error
from fixlip_widgets.support.checks import MIN_BUDGET
from fixlip_widgets.support.progress import Progress

_FIRST_SHARE = 64
"""The first step has this fraction of the budget; each next one doubles it, and reuses all earlier encodings."""


def check_stop_at(stop_at: object) -> float:
    """Return ``stop_at`` as a float above 0 and below 1.

    Raises:
        InputError: It is not such a number.
    """
    if isinstance(stop_at, bool) or not isinstance(stop_at, Real) or not 0 < float(stop_at) < 1:
        raise InputError(
            f"stop_at is {stop_at!r}; it must be a standard error relative to the largest term, above 0 and below 1, "
            "for example 0.02."
        )
    return float(stop_at)


def extend_until(
    explainer: IncrementalExplainer,
    p: float,
    budget: int,
    stop_at: float,
    explain: Callable[[], Explanation],
    progress: Callable[[Progress], None] | None = None,
) -> Explanation:
    """Extend ``explainer`` until :func:`~fixlip_widgets.explanation.precision.relative_error` is at most ``stop_at``.

    Args:
        explainer: Its pools are extended.
        p: Probability of keeping a player.
        budget: Maximum number of evaluations (image masks × text masks).
        stop_at: Relative standard error; with 0, the whole budget is encoded in one step.
        explain: Returns the explanation of all masks encoded so far.
        progress: Called after every batch, with the encodings of the whole budget as the total.
    """
    report = None if progress is None else progress_of_all(explainer, p, budget, progress)
    explanation = None
    for step in steps(budget) if stop_at else [budget]:
        explainer.extend(p, step, progress=report)
        explanation = explain()
        if relative_error(explanation) <= stop_at:
            break
    assert explanation is not None, "there is at least one step"
    return explanation


def steps(budget: int, first: int = 0) -> Iterator[int]:
    """Yield budgets that double, the last of which is ``budget``; by default, the first is 1/64 of it."""
    step = min(first or max(budget // _FIRST_SHARE, MIN_BUDGET), budget)
    yield step
    while step < budget:
        step = min(2 * step, budget)
        yield step


def progress_of_all(
    explainer: IncrementalExplainer, p: float, budget: int, progress: Callable[[Progress], None]
) -> Callable[[Progress], None]:
    """Return a callback for extensions in steps: it calls ``progress`` with the total of ``budget``."""
    image_total, text_total = explainer.missing(p, budget)
    images, texts, started = explainer.image_encodes, explainer.text_encodes, time.monotonic()

    def report(_: Progress) -> None:
        done = explainer.image_encodes - images, explainer.text_encodes - texts
        progress(Progress.since(started, done[0], image_total, done[1], text_total))

    return report
