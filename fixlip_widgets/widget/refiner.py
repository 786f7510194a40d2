"""The job of refining an explanation: encode masks, and show partial results without slowing the encoders."""

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
"""Least seconds between two progress messages, and between two partial results."""
_MASKS_PER_PATCH = 3
"""Least effective number of masks per image player to show cross-modal terms; at 1, their errors peak."""
SLIDER_P = (0.1, 0.9)
"""The p slider's range."""
_MOST_KEPT = 64
"""Largest number of cached results of methods without a pool."""
_SHARE_OF_SOLVING = 0.2
"""Largest share of the worker's time for partial results; the rest is for the encoders."""


class Screen(Protocol):
    """Display of a job's outcome; the results of outdated requests are ignored."""

    def show_caption(self, job: Job, explainer: IncrementalExplainer) -> None:
        """Show the tokens and costs of the explainer's new caption."""

    def show_progress(self, job: Job, message: wire.Wire) -> None:
        """Show the progress of the job."""

    def show_result(self, job: Job, explanation: Explanation, status: str | None) -> None:
        """Show an explanation; it is partial without a ``status``."""

    def share_when_idle(self) -> float:
        """Return the image masks to encode at other p, as a share of the budget's; 0 for none."""
        ...

    def show_end(self, job: Job, status: str, error: str = "", trace: str = "") -> None:
        """Show how a job without a result ended."""


class Refiner:
    """A widget's access to its explainer.

    Args:
        explainer: May be shared with other widgets, which then take turns.
        screen: Shows results and progress.
        between: Called between batches, to run chores.
        settle: Called when a job's result is final.

    Attributes:
        pace: Mean time of the encodings so far.
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
        """Run a job; show any error, and keep the last good result."""
        try:
            with self.explainer.reserved(job.stop.is_set) as reserved:  # waits for other widgets
                if reserved:
                    self._explain(job)
                elif job.cancelled:
                    self._screen.show_end(job, "cancelled")
            self.prepare(job)
        except FixlipError as error:
            self._screen.show_end(job, "error", str(error))
        except Exception as error:
            self._screen.show_end(job, "error", f"{type(error).__name__}: {error}", traceback.format_exc())

    def _explain(self, job: Job) -> None:
        """Set the caption and explain the pair; requires that the explainer is reserved for this thread."""
        self._take_caption(job)
        method = method_of(job.method)
        self._between()
        if not method.pooled:
            self._explain_anew(job, method)
        else:
            self._refine(job)

    def keeps(self, method: Method, p: float, budget: int) -> bool:
        """Return whether the result of a method without a pool is cached, for the current caption."""
        return self._key(method, p, budget) in self._kept

    def reused(self, explanation: Explanation) -> bool:
        """Return whether the pool holds more masks than a new explainer would draw for ``explanation``."""
        method, game, p = CATALOGUE.get(explanation.method), self.explainer.game, explanation.p
        if method is None or not method.pooled:
            return False
        image_masks, _ = split_budget(max(explanation.budget, MIN_BUDGET), game.n_image, game.n_text)
        fresh = image_masks + image_masks % 2 if p == 0.5 else image_masks
        return self.explainer.probabilities not in ({}, {p: fresh})

    def _key(self, method: Method, p: float, budget: int) -> tuple[object, ...]:
        """Return the cache key of a result: image, caption, and the settings that the method uses."""
        game = self.explainer.game
        settings = p if method.uses_p else None, budget if method.uses_budget else None
        return method.name, game.changes["image"], game.caption, *settings

    def _refine(self, job: Job) -> None:
        """Extend the pool to the budget, and show its results at the job's p."""
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
        """Run a method without a pool; results are cached, because each needs all of its encodings again."""
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
            explanation = method.explain_game(request)
            if not job.stop.is_set():
                self._keep(key, explanation)
        if not job.stop.is_set() or job.cancelled:
            self._screen.show_result(job, explanation, "cancelled" if job.cancelled else "done")

    def _keep(self, key: tuple[object, ...], explanation: Explanation) -> None:
        while len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = explanation

    def prepare(self, job: Job) -> None:
        """Follow up on a job whose result is final, until the next request stops it.

        Encode masks over the slider's range, so that the next p is answered at once.
        """
        self._between()  # run pending chores before prefetching
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
        """Show the pool's result at the job's p, if it has enough masks for the cross-modal interactions."""
        enough = self.explainer.effective_image_masks(job.p) > _MASKS_PER_PATCH * self.explainer.game.n_image
        if enough and not job.stop.is_set():
            began = time.monotonic()
            self._screen.show_result(job, self._solve(job), None)
            ended = time.monotonic()
            self._next_result = ended + max(RESULT_EVERY, (ended - began) * (1 / _SHARE_OF_SOLVING - 1))

    def _solve(self, job: Job) -> Explanation:
        return method_of(job.method).explain_pool(self.explainer, job.p, job.order)

    def _finish(self, job: Job) -> None:
        if job.stop.is_set() and not job.cancelled:
            return  # a newer job waits
        status = "cancelled" if job.cancelled else "done"
        if self.explainer.effective_image_masks(job.p) > 1:
            self._screen.show_result(job, self._solve(job), status)
        else:
            self._screen.show_end(job, status)
