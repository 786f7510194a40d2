"""Explanations computed in advance, over a grid of p, budgets and captions, for a page without a kernel."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.estimators.masks import split_budget
from fixlip_widgets.explainers.fixlip import IncrementalExplainer
from fixlip_widgets.explainers.kept_explainers import origin
from fixlip_widgets.explainers.memoized_game import RememberingGame
from fixlip_widgets.explainers.metrics.fit import held_out_count
from fixlip_widgets.explainers.registry import Method, Request, method_of_order
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.pages.recordable import recording_of
from fixlip_widgets.pages.recording import GRID, Recording, Step
from fixlip_widgets.support.checks import check_budget, check_p, list_of
from fixlip_widgets.support.progress import ProgressBar

if TYPE_CHECKING:
    from fixlip_widgets.support.progress import Progress

_AHEAD = 0.5
"""Image masks to prepare for a range of p, as a share of the budget's; same value as in the widget."""
_MASKS_PER_PATCH = 3
"""Least effective number of image masks per patch for a p to be offered; same value as in the widget."""
_SMALLER_BUDGETS = 5
"""Number of smaller budgets to offer."""
_LEAST_EXPONENT = 12
"""Exponent of two of the least of them."""

Value = TypeVar("Value", float, str)


def _show(bar: ProgressBar, step: Step) -> None:
    bar.show(step.done + step.fraction, step.total)


def record(
    explainer: IncrementalExplainer,
    *,
    p: float | Sequence[float] | None = None,
    budgets: int | Sequence[int] | None = None,
    text: str | Sequence[str] = (),
    playground: bool = False,
    method: str = "banzhaf",
    order: int | None = None,
    ridge: float | None = None,
    scope: Literal["all", "cross"] = "all",
    first: Explanation | None = None,
    progress: bool | Callable[[Step], None] | None = None,
) -> Recording:
    """Compute the contents of a page; the explainer keeps its caption.

    By default, the explainer encodes more image masks over a range of p, as an idle widget does (half as many as its
    budget has, minus those already prepared). The page then offers each p of 0.1 … 0.9 with enough effective masks
    and, at the current p, up to five smaller budgets (powers of two from 2**12) whose masks are encoded already.

    If p or budgets are given, each budget is computed from the start, with the same seed and reusing encodings. Its
    explanations equal those of a new explainer after ``extend(p, budget)`` for each p in turn, the current one first.
    The explainer itself does not change.

    Args:
        explainer: Explains the game; must not be computing meanwhile.
        p: Values of p to compute; the current one is always included.
        budgets: Budgets in evaluations, as the method counts them; by default the explainer's, or as many joint masks
            as that has image masks.
        text: More captions of the same image; their explanations reuse its encodings.
        playground: Whether to compute the model's value with each single player removed.
        method: Name of the method; see :mod:`fixlip_widgets.explainers.registry`.
        order: Order of the interactions, by default the method's first one.
        ridge: Ridge penalty, for ``"banzhaf"``; see :func:`fixlip_widgets.explain`.
        scope: Terms to fit, for ``"banzhaf"``.
        first: The current explanation, which is included unchanged.
        progress: A function that is called before each explanation and after each batch, or whether to show a progress
            bar. By default, the bar is shown on a terminal and in a notebook.

    Raises:
        InputError: A p, budget, caption or method is invalid.
        KeyboardInterrupt: The user interrupted the recording. Masks prepared over the range of p are kept.
    """
    chosen, order = method_of_order(method, order)
    fit = {} if ridge is None and scope == "all" else {"ridge": ridge, "scope": scope}
    budget = (first.budget if first else 0) or chosen.comparable_budget(explainer.game, explainer.budget)
    current_p = first.p if first else explainer.p
    at_once = p is None and budgets is None
    plan = _Plan(
        p=_distinct([current_p, *map(check_p, GRID if p is None else list_of(p))]) if chosen.uses_p else [current_p],
        budgets=sorted({*map(check_budget, list_of(budgets or budget))}) if chosen.uses_budget else [budget],
        captions=_distinct([explainer.game.caption, *list_of(text)]),
        first=first,
    )
    with ProgressBar(progress if isinstance(progress, bool) else None, "recording") as bar:
        on_step = progress if callable(progress) else partial(_show, bar)
        recorder = _Recorder(explainer, partial(chosen.explain_pool, order=order, **fit), chosen, plan, on_step)
        explanations = [*recorder.explanations(at_once=at_once, playground=playground)]
    current = (
        each for each in explanations if (each.p, each.budget, each.caption) == (current_p, budget, plan.captions[0])
    )
    shown = first or next(current, explanations[0])
    return Recording((shown, *(each for each in explanations if each is not shown)), recorder.without)


@recording_of.register
def _(part: IncrementalExplainer, **options: Any) -> tuple[Recording, dict[str, Any]]:
    return record(part, **options), {}


@recording_of.register
def _(part: Explanation, **options: Any) -> tuple[Recording, dict[str, Any]]:
    explainer, fit = origin(part) or (None, {})
    if not isinstance(explainer, IncrementalExplainer):
        return Recording.of(part), {}
    with explainer.reserved():  # a widget may use it too
        return record(explainer, method=part.method, order=part.order, first=part, **fit, **options), {}


def _distinct(values: Iterable[Value]) -> list[Value]:
    return list(dict.fromkeys(values))


@dataclass(frozen=True)
class _Plan:
    """The explanations to record; the current p and caption come first.

    Attributes:
        p: Values of p.
        budgets: Budgets for every p.
        captions: Captions.
        first: The current explanation, or None.
        smaller: More budgets for the current p.
    """

    p: list[float]
    budgets: list[int]
    captions: list[str]
    first: Explanation | None
    smaller: list[int] = field(default_factory=lambda: [])

    @property
    def total(self) -> int:
        """Number of explanations."""
        return (len(self.p) * len(self.budgets) + len(self.smaller)) * len(self.captions)

    def present(self, p: float, budget: int, caption: str) -> Explanation | None:
        """Return the current explanation if it has these settings, else None."""
        first = self.first
        return first if first and (first.p, first.budget, first.caption) == (p, budget, caption) else None


class _Recorder:
    """Computation of the planned explanations, one after the other."""

    def __init__(
        self,
        explainer: IncrementalExplainer,
        explain_pool: Callable[[IncrementalExplainer, float], Explanation],
        method: Method,
        plan: _Plan,
        on_step: Callable[[Step], None],
    ) -> None:
        self._explainer, self._explain_pool, self._method = explainer, explain_pool, method
        self._plan, self._on_step = plan, on_step
        self._game = RememberingGame.of(explainer)
        self._done = 0
        self.without: dict[str, NDArray[np.float64]] = {}

    def explanations(self, *, at_once: bool, playground: bool) -> Iterator[Explanation]:
        """Yield the planned explanations; with ``at_once``, from the explainer's encoded images."""
        if self._plan.first:
            yield self._plan.first
        self._prepare(at_once)
        for caption in self._plan.captions:
            if caption != self._game.caption:
                self._game.set_text(caption)
            for budget in self._plan.budgets:
                explainer = self._answering() if at_once else self._new_explainer()
                yield from self._over_p(explainer, self._plan.p, budget, extend=not at_once)
            for budget in self._plan.smaller:
                yield from self._over_p(self._new_explainer(), self._plan.p[:1], budget, extend=True)
            if playground:
                self.without[self._game.caption] = self._game.value(~np.eye(self._game.n_players, dtype=bool))

    @property
    def _total(self) -> int:
        return 1 + self._plan.total

    def _prepare(self, at_once: bool) -> None:
        """Encode masks over the range of p, and determine the values of p and budget to offer; the first step."""
        plan = self._plan
        step = Step(0, self._total, plan.p[0], plan.budgets[0], self._game.caption)
        self._on_step(step)
        if at_once and self._method.pooled and self._method.uses_p:
            self._explainer.prepare(_AHEAD, GRID[0], GRID[-1], progress=partial(self._encoded, step))
            enough = _MASKS_PER_PATCH * self._game.n_image
            plan.p[1:] = [p for p in plan.p[1:] if self._explainer.effective_image_masks(p) > enough]
            plan.smaller[:] = self._encoded_budgets(plan.p[0], plan.budgets[0], enough)
        self._done = 1
        self._on_step(replace(step, done=1, total=self._total))

    def _encoded_budgets(self, p: float, budget: int, enough: int) -> list[int]:
        """Return smaller budgets whose image masks at ``p``, more than ``enough``, are encoded already."""
        pools, game = self._explainer.pools, self._game
        powers = [2**exponent for exponent in range(_LEAST_EXPONENT, math.ceil(math.log2(budget)))]
        counts = {power: split_budget(power, game.n_image, game.n_text)[0] for power in powers}
        missing = {
            power: pools.image.missing_draws(p, count) + pools.held_out.missing_draws(p, held_out_count(count))
            for power, count in counts.items()
        }
        known = [power for power, count in missing.items() if pools.image.complete or not count]
        return [power for power in known if counts[power] > enough][-_SMALLER_BUDGETS:]

    def _new_explainer(self) -> IncrementalExplainer:
        return IncrementalExplainer(self._game, self._explainer.seed, self._explainer.masks)

    def _answering(self) -> IncrementalExplainer:
        """Return an explainer of the recorded caption that shares the encoded images."""
        if self._game.caption == self._explainer.game.caption:
            return self._explainer
        return self._explainer.with_game(self._game)

    def _over_p(
        self, explainer: IncrementalExplainer, values: list[float], budget: int, *, extend: bool
    ) -> Iterator[Explanation]:
        for p in values:
            step = Step(self._done, self._total, p, budget, self._game.caption)
            self._on_step(step)
            present = self._plan.present(p, budget, self._game.caption)
            if extend and self._method.pooled:  # even if the explanation exists: later ones build on these masks
                explainer.extend(p, budget, progress=partial(self._encoded, step))
            if present is None:
                yield self._explained(explainer, p, budget, step)
            self._done += 1
            self._on_step(replace(step, done=self._done))

    def _explained(self, explainer: IncrementalExplainer, p: float, budget: int, step: Step) -> Explanation:
        if self._method.pooled:
            return self._explain_pool(explainer, p)
        request = Request(self._game, budget, self._explainer.seed, progress=partial(self._encoded, step))
        return self._method.explain_game(request)

    def _encoded(self, step: Step, state: Progress) -> None:
        self._on_step(replace(step, fraction=state.fraction))
