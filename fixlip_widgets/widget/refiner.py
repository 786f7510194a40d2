"""What the worker does with a job: encode, and now and then show what there is, without slowing the encoders."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from fixlip_widgets.errors import FixlipError
from fixlip_widgets.estimators.masks import split_budget
from fixlip_widgets.explainers.registry import Method, Request
from fixlip_widgets.explainers.registry import method as method_of
from fixlip_widgets.explanation.methods import CATALOGUE
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.support.checks import MIN_BUDGET
from fixlip_widgets.widget.costs import Pace
from fixlip_widgets.widget.worker import Job

if TYPE_CHECKING:
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explanation.explanation import Explanation
    from fixlip_widgets.support.progress import Progress

PROGRESS_EVERY, RESULT_EVERY = 0.1, 0.25
"""Least seconds between two messages of progress, and between two partial results."""
_MASKS_PER_PATCH = 3
"""Effective masks per image player from which cross-modal terms are shown; with just as many as players they spike."""
SLIDER_P = (0.1, 0.9)
"""The p slider's range."""
_MOST_KEPT = 64
"""Results of methods without a pool that are kept."""
_SHARE_OF_SOLVING = 0.2
"""Most of the worker's time that partial results may take: the encoders come first."""


class Screen(Protocol):
    """Where a job's outcome is shown; each call is dropped if a newer request has come meanwhile."""

    def show_caption(self, job: Job, explainer: IncrementalExplainer) -> None:
        """Show the tokens and costs of a caption that the explainer has just taken."""

    def show_progress(self, job: Job, message: wire.Wire) -> None:
        """Pass on how far the job is."""

    def show_result(self, job: Job, explanation: Explanation, status: str | None) -> None:
        """Show an explanation; without a ``status``, more is to come."""

    def share_when_idle(self) -> float:
        """Image masks at other p to encode ahead, as a share of the budget's; 0 for none."""
        ...

    def show_end(self, job: Job, status: str, error: str = "", trace: str = "") -> None:
        """Say how the job ended, where that is without a result."""


class Refiner:
    """Drives an explainer for a widget.

    Args:
        explainer: May be shared with other widgets, which then take turns.
        screen: Told what there is to show.
        between: Called between batches, for what cannot wait until the job ends.
        settle: Called when a job's result is final.

    Attributes:
        pace: What encodings took so far.
    """

    def __init__(
        self,
        explainer: IncrementalExplainer,
        screen: Screen,
        between: Callable[[], None],
        settle: Callable[[Job], None],
    ) -> None:
        self.explainer = explainer
        self._screen, self._between, self._settle = screen, between, settle
        self._last_progress = self._next_result = 0.0
        self._kept: dict[tuple[object, ...], Explanation] = {}
        self.pace = Pace()

    def run(self, job: Job) -> None:
        """Do a job; whatever goes wrong is shown, and the last good result stays."""
        try:
            with self.explainer.reserved(job.stop.is_set) as ours:  # by another widget of this explainer, perhaps
                if ours:
                    self._explain(job)
                elif job.cancelled:
                    self._screen.show_end(job, "cancelled")
            self.prepare(job)
        except FixlipError as error:
            self._screen.show_end(job, "error", str(error))
        except Exception as error:
            self._screen.show_end(job, "error", f"{type(error).__name__}: {error}", traceback.format_exc())

    def _explain(self, job: Job) -> None:
        """Take the caption and explain the pair, with no other thread at the explainer's captions in between."""
        self._take_caption(job)
        method = method_of(job.method)
        self._between()
        if not method.pooled:
            self._explain_anew(job, method)
        else:
            self._refine(job)

    def keeps(self, method: Method, p: float, budget: int) -> bool:
        """Whether the result of a method that starts anew is there already, for the present caption."""
        return self._key(method, p, budget) in self._kept

    def reused(self, explanation: Explanation) -> bool:
        """Whether the pool holds more than a fresh explainer would draw for ``explanation``, and so says it better."""
        method, game, p = CATALOGUE.get(explanation.method), self.explainer.game, explanation.p
        if method is None or not method.pooled:
            return False
        wanted, _ = split_budget(max(explanation.budget, MIN_BUDGET), game.n_image, game.n_text)
        fresh = wanted + wanted % 2 if p == 0.5 else wanted
        return self.explainer.probabilities not in ({}, {p: fresh})

    def _key(self, method: Method, p: float, budget: int) -> tuple[object, ...]:
        """What a result depends on: image, caption, and the settings that the method uses."""
        game = self.explainer.game
        settings = p if method.uses_p else None, budget if method.uses_budget else None
        return method.name, game.changes["image"], game.caption, *settings

    def _refine(self, job: Job) -> None:
        """Grow the pool, and show what it says of this p; at once where that is final already."""
        if any(self.explainer.missing(job.p, job.budget)):
            self._preview(job)
        self.pace.begin(time.monotonic())
        self.explainer.extend(
            job.p,
            job.budget,
            progress=lambda progress: self._between_batches(job, progress, preview=True),
            cancelled=job.stop.is_set,
        )
        self._finish(job)

    def _explain_anew(self, job: Job, method: Method) -> None:
        """A method that has no pool: its results are kept, since each takes all of its encodings again."""
        key = self._key(method, job.p, job.budget)
        explanation = self._kept.get(key)
        if explanation is None:
            self.pace.begin(time.monotonic())
            game = self.explainer.game
            request = Request(
                game,
                method.comparable_budget(game, job.budget),
                job.p,
                self.explainer.seed,
                progress=lambda progress: self._between_batches(job, progress),
                cancelled=job.stop.is_set,
            )
            explanation = method.anew(request)
            if not job.stop.is_set():
                self._keep(key, explanation)
        if not job.stop.is_set() or job.cancelled:
            self._screen.show_result(job, explanation, "cancelled" if job.cancelled else "done")

    def _keep(self, key: tuple[object, ...], explanation: Explanation) -> None:
        while len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = explanation

    def prepare(self, job: Job) -> None:
        """What is left of a job once its result is final, and ends as soon as anything is asked for.

        It encodes masks over the slider's range, so that the next move is answered at once.
        """
        self._between()  # what the result asks for comes before what is for later
        self._settle(job)
        share = self._screen.share_when_idle()
        if share > 0 and method_of(job.method).pooled and not job.stop.is_set():
            self.explainer.prepare(share, *SLIDER_P, progress=lambda _: self._between(), cancelled=job.stop.is_set)

    def _take_caption(self, job: Job) -> None:
        if job.caption != self.explainer.game.caption:
            self.explainer.set_text(job.caption)
            self._screen.show_caption(job, self.explainer)

    def _between_batches(self, job: Job, progress: Progress, *, preview: bool = False) -> None:
        now = time.monotonic()
        self.pace.watch(progress, now)
        if now > self._last_progress + PROGRESS_EVERY and not job.stop.is_set():
            self._last_progress = now
            self._screen.show_progress(job, wire.progress(progress, job.generation))
        self._between()
        if preview and now > self._next_result:
            self._preview(job)
        self.pace.resume(time.monotonic())

    def _preview(self, job: Job) -> None:
        """Show what the pool has for this p, once that is enough for the cross-modal interactions."""
        enough = self.explainer.effective_image_masks(job.p) > _MASKS_PER_PATCH * self.explainer.game.n_image
        if enough and not job.stop.is_set():
            began = time.monotonic()
            self._screen.show_result(job, self._solve(job), None)
            ended = time.monotonic()
            self._next_result = ended + max(RESULT_EVERY, (ended - began) * (1 / _SHARE_OF_SOLVING - 1))

    def _solve(self, job: Job) -> Explanation:
        return method_of(job.method).refined(self.explainer, job.p, job.order)

    def _finish(self, job: Job) -> None:
        if job.stop.is_set() and not job.cancelled:
            return  # a newer job waits
        status = "cancelled" if job.cancelled else "done"
        if self.explainer.effective_image_masks(job.p) > 1:
            self._screen.show_result(job, self._solve(job), status)
        else:
            self._screen.show_end(job, status)
