"""The job of refining an explanation: encode masks, and show partial results without slowing the encoders."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from fixlip_widgets.errors import CancelledError
from fixlip_widgets.estimators.masks import uses_arrays, whole_array_budget
from fixlip_widgets.explainers.registry import Method, Request
from fixlip_widgets.explainers.registry import method as method_of
from fixlip_widgets.explainers.stopping import progress_of_all, steps
from fixlip_widgets.explanation.precision import relative_error
from fixlip_widgets.pages.mask_examples import first_masks
from fixlip_widgets.support.memory import BoundedCache
from fixlip_widgets.widget.costs import SLIDER_BUDGETS, Pace, exponent, megabytes
from fixlip_widgets.widget.screen import Screen, failure
from fixlip_widgets.widget.worker import Job

if TYPE_CHECKING:
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explanation.explanation import Explanation
    from fixlip_widgets.support.progress import Progress

RESULT_EVERY = 0.25
"""Least seconds between two partial results."""
_MASKS_PER_PATCH = 3
"""Least effective number of masks per image player to show cross-modal terms; at 1, their errors peak."""
SLIDER_P = (0.1, 0.9)
"""The p slider's range."""
CACHE_BYTES = 64 * 2**20
"""Memory of the cached results of methods without a pool."""
_SHARE_OF_SOLVING = 0.2
"""Largest share of the worker's time for partial results; the rest is for the encoders."""
_PAINTING = 0.04
"""Seconds left to the kernel's messages and the view to show a result, before what depends on it is computed."""

Show = Callable[["Explanation", int, str | None], None]
"""Shows an explanation and its request number; it is partial without a final status."""


class Refiner:
    """A widget's access to its explainer.

    Args:
        explainer: May be shared with other widgets, which then take turns.
        screen: The widget's state.
        show: Shows a result.

    Attributes:
        pace: Mean time of the encodings so far.
        exponents: Exponents of two on the budget slider.
    """

    exponents = SLIDER_BUDGETS

    def __init__(self, explainer: IncrementalExplainer, screen: Screen, show: Show) -> None:
        self.explainer: IncrementalExplainer = explainer
        self._screen, self._worker, self._show = screen, screen.worker, show
        self._next_result = 0.0
        self._cache = BoundedCache[tuple[object, ...], "Explanation"](CACHE_BYTES)
        self.pace = Pace()

    def run(self, job: Job) -> None:
        """Run a job; show any error, and keep the last good result."""
        try:
            with self.explainer.reserved(job.stop.is_set) as reserved:  # waits for other widgets
                if reserved:
                    self._explain(job)
                elif job.cancelled:
                    self._show_end(job, "cancelled")
            self._worker.pause(_PAINTING)
            self.prepare(job)
        except CancelledError:
            self._show_end(job, "cancelled")
        except Exception as error:
            self._show_end(job, "error", *failure(error))

    def prepare(self, job: Job) -> None:
        """Follow up on a job whose result is final, until the next request stops it.

        Encode masks over the slider's range, so that the next p is answered at once.
        """
        self._worker.do_chores()  # run pending chores before prefetching
        self._worker.settle()
        share = self._screen.traits.idle_share
        if share > 0 and method_of(job.method).pooled and not job.stop.is_set():
            self.explainer.prepare(
                share, *SLIDER_P, progress=lambda _: self._worker.do_chores(), cancelled=job.stop.is_set
            )

    def estimate(self) -> None:
        """Publish the example masks and the costs of the next refinement."""
        traits = self._screen.traits
        with self._screen.reporting("The costs cannot be estimated"):
            p, method = traits.p, method_of(traits.method)
            game, seed, design = self.explainer.game, self.explainer.seed, self.explainer.masks
            masks = first_masks(game.n_image, game.n_text, p, seed, design) if method.uses_p else None
            budgets = [2**power for power in self.exponents if 2**power <= traits.max_budget]
            costs = {exponent(budget): self._cost(method, p, budget) for budget in budgets}
            if method.pooled and uses_arrays(game.n_image, p, design):
                whole = whole_array_budget(game.n_image, game.n_text)
                if whole is not None and budgets[0] <= whole <= budgets[-1]:
                    costs[exponent(whole)] = {**self._cost(method, p, whole), "whole_array": whole}
            with self._screen.publishing():
                if (p, method.name) == (traits.p, traits.method):
                    traits.costs, traits.examples = costs, masks

    def _cost(self, method: Method, p: float, budget: int) -> dict[str, Any]:
        """Return the cost of a budget; a method without a pool reuses only its cached results."""
        image, text = method.encodes(self.explainer.game, budget)
        if method.pooled:
            new_image, new_text = self.explainer.missing(p, budget)
            image = max(image, new_image)  # masks at p = 0.5 come in pairs
        else:
            new_image, new_text = (0, 0) if self._key(method, p, budget) in self._cache else (image, text)
        return {
            "image": image,
            "text": text,
            "new_image": new_image,
            "new_text": new_text,
            "seconds": self.pace.seconds(new_image, new_text),
            "megabytes": megabytes(self.explainer, image, text),
        }

    def _key(self, method: Method, p: float, budget: int) -> tuple[object, ...]:
        """Return the cache key of a result: image, caption, and the settings that the method uses."""
        game = self.explainer.game
        settings = p if method.uses_p else None, budget if method.uses_budget else None
        return method.name, game.changes["image"], game.caption, *settings

    def _explain(self, job: Job) -> None:
        """Set the pair and explain it; requires that the explainer is reserved for this thread."""
        self.set_pair(job)
        method = method_of(job.method)
        self._worker.do_chores()
        explanation = self._refine(job) if method.pooled else self._compute(job, method)
        if job.replaced:
            return
        status = "cancelled" if job.cancelled else "done"
        if explanation is None:
            self._show_end(job, status)
        else:
            self._show(explanation, job.generation, status)
            self._worker.ask(self.estimate)

    def set_pair(self, job: Job) -> None:
        """Set the caption of ``job``."""
        if job.caption != self.explainer.game.caption:
            self.explainer.set_text(job.caption)
            self._show_caption()

    def _refine(self, job: Job) -> Explanation | None:
        """Extend the pool to the budget, and return its result at the job's p; None with too few masks.

        With a target precision, the budget is spent in steps that double, until a result has that precision.
        """
        if any(self.explainer.missing(job.p, job.budget)):
            self.estimate()
            self._preview(job)
        self.pace.begin(time.monotonic())
        progress = progress_of_all(self.explainer, job.p, job.budget, partial(self._between_batches, job, preview=True))
        for step in steps(job.budget, job.least) if job.stop_at else [job.budget]:
            self.explainer.extend(job.p, step, progress=progress, cancelled=job.stop.is_set)
            if job.stop.is_set() or (step < job.budget and relative_error(self._solve(job)) <= (job.stop_at or 0.0)):
                break
        enough = not job.replaced and self.explainer.effective_image_masks(job.p) > 1
        return self._solve(job) if enough else None

    def _compute(self, job: Job, method: Method) -> Explanation:
        """Run a method without a pool; results are cached, because each needs all of its encodings again."""
        key = self._key(method, job.p, job.budget)
        if (known := self._cache.get(key)) is not None:
            return known
        self.estimate()
        self.pace.begin(time.monotonic())
        request = Request(
            game=self.explainer.game,
            budget=method.comparable_budget(self.explainer.game, job.budget),
            seed=self.explainer.seed,
            progress=partial(self._between_batches, job, preview=False),
            cancelled=job.stop.is_set,
        )
        explanation = method.explain_game(request)
        if not job.stop.is_set():
            self._cache.put(key, explanation)
        return explanation

    def _between_batches(self, job: Job, progress: Progress, *, preview: bool) -> None:
        now = time.monotonic()
        self.pace.watch(progress, now)
        self._screen.send_progress(job, progress)
        self._worker.do_chores()
        if preview and now > self._next_result:
            self._preview(job)
        self.pace.resume(time.monotonic())

    def _preview(self, job: Job) -> None:
        """Show the pool's result at the job's p, if it has enough masks for the cross-modal interactions."""
        enough = self.explainer.effective_image_masks(job.p) > _MASKS_PER_PATCH * self.explainer.game.n_image
        if enough and not job.stop.is_set():
            start = time.monotonic()
            self._show(self._solve(job), job.generation, None)
            end = time.monotonic()
            self._next_result = end + max(RESULT_EVERY, (end - start) * (1 / _SHARE_OF_SOLVING - 1))

    def _solve(self, job: Job) -> Explanation:
        return method_of(job.method).explain_pool(self.explainer, job.p, job.order)

    def _show_caption(self) -> None:
        """Show the tokens of the new caption; patches stay selected, tokens of another caption do not."""
        traits, game = self._screen.traits, self.explainer.game
        with self._screen.publishing():
            traits.selection = tuple(player for player in traits.selection if player < game.n_image)
            traits.removed = tuple(player for player in traits.removed if player < game.n_image)
            traits.scene = {**traits.scene, "tokens": list(game.tokens)}
            if traits.shown != "pinned":
                traits.subsets = None
        self._worker.ask(self.estimate)

    def _show_end(self, job: Job, status: str, error: str = "", trace: str = "") -> None:
        """Show how a job without a result ended, unless a newer request exists; the previous result stays."""
        traits = self._screen.traits
        with self._screen.publishing():
            if job.generation == traits.generation:
                traits.status, traits.error, traits.last_traceback = status, error, trace
