"""Explanations computed beforehand, for a page that has no kernel: over a grid of p, of budgets and of captions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.explainers.fixlip import IncrementalExplainer
from fixlip_widgets.explainers.registry import Method, Request
from fixlip_widgets.explainers.registry import method as method_of
from fixlip_widgets.explainers.remembering_game import RememberingGame
from fixlip_widgets.explanation.comparison import same_regions
from fixlip_widgets.support.checks import check_budget, check_p
from fixlip_widgets.support.progress import ProgressBar

if TYPE_CHECKING:
    from fixlip_widgets.explanation.explanation import Explanation
    from fixlip_widgets.support.progress import Progress

GRID = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Values of p that a page usually offers."""
_AHEAD = 0.5
"""Image masks to prepare for a range of p, as a share of those that the budget stands for; as in the widget."""
_MASKS_PER_PATCH = 3
"""Effective image masks per patch from which the pool's answer at a p is worth showing; as in the widget."""


Value = TypeVar("Value", float, str)


@dataclass(frozen=True)
class Step:
    """Progress of a recording.

    Attributes:
        done, total: Explanations.
        p, budget, caption: Of the one that is being computed.
        fraction: Share of its encodings that is done.
    """

    done: int
    total: int
    p: float
    budget: int
    caption: str
    fraction: float = 0.0


def _show(bar: ProgressBar, step: Step) -> None:
    bar.show(step.done + step.fraction, step.total)


@dataclass(frozen=True)
class Recording:
    """What a page can show.

    Attributes:
        explanations: One for each p, budget and caption; the first is shown first. All of one image, grid and method.
        without: Caption to (n,) values of the model, in logits, with each single player removed.
        measured: What was measured of explanations, as the widget tells its view.
    """

    explanations: tuple[Explanation, ...]
    without: dict[str, NDArray[np.float64]] = field(default_factory=lambda: {})
    measured: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if not self.explanations:
            raise InputError("There is nothing to show: give at least one explanation.")
        first = self.explanations[0]
        for other in self.explanations:
            same = (other.grid, other.method, other.order) == (first.grid, first.method, first.order)
            if not (same and same_regions(first, other)):
                raise InputError(
                    "One view shows explanations of one grid, method and order, and of the same regions; put others "
                    "into a view of their own."
                )

    @classmethod
    def of(cls, explanation: Explanation) -> Recording:
        """Of a finished explanation alone."""
        return cls((explanation,))


def record(
    explainer: IncrementalExplainer,
    *,
    p: float | Sequence[float] | None = None,
    budgets: int | Sequence[int] | None = None,
    captions: str | Sequence[str] = (),
    playground: bool = False,
    method: str = "banzhaf",
    order: int = 2,
    first: Explanation | None = None,
    progress: bool | Callable[[Step], None] | None = None,
) -> Recording:
    """Compute what a page shall be able to show; the explainer goes on explaining what it did.

    By default the explainer prepares for a range of p, as an idle widget does (half as many image masks again as its
    budget has, less those it has prepared before), and the page offers each p of 0.1 … 0.9 that enough of them answer
    for.

    Where p or budgets are named, every budget is played anew, from the same seed and from what is encoded already: its
    explanations are those that an explainer of its own would give after ``extend(p, budget)`` for each p in turn, the
    present one first. The explainer itself stays as it is.

    Args:
        explainer: Whose game to explain; must not be computing meanwhile.
        p: Values of p to compute; the present one is always among them.
        budgets: Evaluations to show, as the method counts them; by default those of the explainer, or as many joint
            masks as those have image masks.
        captions: Further captions of the same image; their explanations reuse its encodings.
        playground: Whether to compute the model's value without each single player.
        method: Name of the method; see :mod:`fixlip_widgets.explainers.registry`.
        order: Of the interactions.
        first: The present explanation, which is taken as it is.
        progress: A function that is called before each explanation and after each batch; True or False for a bar or
            none, by default one where somebody watches.

    Raises:
        InputError: A p, a budget or a caption is not what is allowed.
        KeyboardInterrupt: Somebody stopped it; what was encoded by then is kept where the explainer itself prepared.
    """
    chosen = method_of(method)
    budget = (first.budget if first else 0) or chosen.comparable_budget(explainer.game, explainer.budget)
    now = first.p if first else explainer.p
    at_once = p is None and budgets is None
    wanted = _Wanted(
        p=_distinct([now, *map(check_p, GRID if p is None else as_list(p))]) if chosen.uses_p else [now],
        budgets=sorted({*map(check_budget, as_list(budgets or budget))}) if chosen.uses_budget else [budget],
        captions=_distinct([explainer.game.caption, *as_list(captions)]),
        first=first,
    )
    with ProgressBar(progress if isinstance(progress, bool) else None, "recording") as bar:
        tell = progress if callable(progress) else partial(_show, bar)
        recorder = _Recorder(explainer, chosen, order, wanted, tell)
        found = [*recorder.explanations(at_once=at_once, playground=playground)]
    presents = (each for each in found if (each.p, each.budget, each.caption) == (now, budget, wanted.captions[0]))
    shown = first or next(presents, found[0])
    return Recording((shown, *(each for each in found if each is not shown)), recorder.without)


def as_list(given: Any) -> list[Any]:
    """One thing as a list of it; what may be gone through, but text, as the list of what is in it."""
    return list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _distinct(values: Iterable[Value]) -> list[Value]:
    return list(dict.fromkeys(values))


@dataclass(frozen=True)
class _Wanted:
    """What to record; the present p and caption come first."""

    p: list[float]
    budgets: list[int]
    captions: list[str]
    first: Explanation | None

    def present(self, p: float, budget: int, caption: str) -> Explanation | None:
        """The explanation that is there already, if it is that one."""
        first = self.first
        return first if first and (first.p, first.budget, first.caption) == (p, budget, caption) else None


class _Recorder:
    """Computes what is wanted, one explanation after the other."""

    def __init__(
        self,
        explainer: IncrementalExplainer,
        method: Method,
        order: int,
        wanted: _Wanted,
        tell: Callable[[Step], None],
    ) -> None:
        self._explainer, self._method, self._order, self._wanted, self._tell = explainer, method, order, wanted, tell
        self._game = RememberingGame.of(explainer)
        self._done = 0
        self.without: dict[str, NDArray[np.float64]] = {}

    def explanations(self, *, at_once: bool, playground: bool) -> Iterator[Explanation]:
        """All of them; ``at_once`` takes them from the images that the explainer has."""
        if self._wanted.first:
            yield self._wanted.first
        self._prepare(at_once)
        for caption in self._wanted.captions:
            if caption != self._game.caption:
                self._game.set_text(caption)
            for budget in self._wanted.budgets:
                explainer = self._answering() if at_once else IncrementalExplainer(self._game, self._explainer.seed)
                yield from self._over_p(explainer, budget, extend=not at_once)
            if playground:
                self.without[self._game.caption] = self._game.value(~np.eye(self._game.n_players, dtype=bool))

    @property
    def _total(self) -> int:
        return 1 + len(self._wanted.p) * len(self._wanted.budgets) * len(self._wanted.captions)

    def _prepare(self, at_once: bool) -> None:
        """The first step: encode masks over the range of p, and leave out what too few of them answer for."""
        wanted = self._wanted
        step = Step(0, self._total, wanted.p[0], wanted.budgets[0], self._game.caption)
        self._tell(step)
        if at_once and self._method.pooled and self._method.uses_p:
            self._explainer.prepare(_AHEAD, GRID[0], GRID[-1], progress=partial(self._encoded, step))
            enough = _MASKS_PER_PATCH * self._game.n_image
            wanted.p[1:] = [p for p in wanted.p[1:] if self._explainer.effective_image_masks(p) > enough]
        self._done = 1
        self._tell(replace(step, done=1, total=self._total))

    def _answering(self) -> IncrementalExplainer:
        """One with the images that are encoded, which it shares, and the caption that is recorded now."""
        if self._game.caption == self._explainer.game.caption:
            return self._explainer
        return self._explainer.with_game(self._game)

    def _over_p(self, explainer: IncrementalExplainer, budget: int, *, extend: bool) -> Iterator[Explanation]:
        for p in self._wanted.p:
            step = Step(self._done, self._total, p, budget, self._game.caption)
            self._tell(step)
            present = self._wanted.present(p, budget, self._game.caption)
            if extend and self._method.pooled:  # also where it is present: what follows builds upon it
                explainer.extend(p, budget, progress=partial(self._encoded, step))
            if present is None:
                yield self._explained(explainer, p, budget, step)
            self._done += 1
            self._tell(replace(step, done=self._done))

    def _explained(self, explainer: IncrementalExplainer, p: float, budget: int, step: Step) -> Explanation:
        if self._method.pooled:
            return self._method.refined(explainer, p, self._order)
        request = Request(self._game, budget, p, self._explainer.seed, progress=partial(self._encoded, step))
        return self._method.anew(request)

    def _encoded(self, step: Step, state: Progress) -> None:
        self._tell(replace(step, fraction=state.fraction))
