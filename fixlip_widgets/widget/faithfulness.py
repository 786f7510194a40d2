"""Measurement of the shown explanation on request, as a job that follows the current one."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from fixlip_widgets.errors import FixlipError, InputError
from fixlip_widgets.explanation.comparison import method_label
from fixlip_widgets.explanation.methods import CATALOGUE
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.support.progress import Progress
from fixlip_widgets.widget.measurer import Measurer, Measures, Stopped, probabilities
from fixlip_widgets.widget.refiner import PROGRESS_EVERY
from fixlip_widgets.widget.views import ShowingWidget
from fixlip_widgets.widget.worker import Job

if TYPE_CHECKING:
    from fixlip_widgets.explanation.explanation import Explanation

MOST_TOLD = 12
"""Largest number of measured explanations in the view and in a saved notebook; the oldest is dropped."""
_DIGITS = 4
"""Decimals of plotted values."""
_Key = tuple[object, ...]


class MeasuringWidget(ShowingWidget):
    """A widget that measures the shown explanation, for any method.

    Attributes:
        _measurer: Computes the measures; None without a model.
    """

    _measurer: Measurer | None = None

    def __init__(self, *args: Any, **state: Any) -> None:
        self._measures: dict[_Key, Measures] = {}
        self._last_progress = 0.0
        super().__init__(*args, **state)

    def measure(self) -> Measures:
        """Measure the shown explanation: insertion, deletion, and faithfulness at p = 0.3, 0.5, 0.7 and its own p.

        Block until all measures are computed; existing ones are reused. The view shows them too. All explanations of
        the pair are measured on the same 250 fresh masks at each p, which are encoded once.

        Raises:
            InputError: There is no result yet, or the shown explanation cannot be measured.
            FixlipError: Measuring failed or was interrupted.
        """
        explanation = self._measurable()
        if not self._is_measured(explanation):
            self._ask_to_measure()
            try:
                self._worker.wait()
            except KeyboardInterrupt:
                self._worker.cancel()
                raise
        if not self._is_measured(explanation):
            raise FixlipError(self.error or "Measuring was interrupted; call widget.measure() again to resume.")
        return self._measures[_key(explanation)]

    def _ask_to_measure(self) -> None:
        """Request the measurement of the shown explanation, without blocking.

        Raises:
            InputError: There is no result yet, or the shown explanation cannot be measured.
        """
        with self._publishing, self.hold_sync():
            self._measurable()
            if self.status == "running":
                raise InputError("The explanation is still being refined; wait for the final result to measure it.")
            if not self.measuring:
                self.measuring, self.error = True, ""
                job = Job(self.generation, self.p, self.budget, self.text, self.method, int(self.order))
                self._worker.follow(job, self._measure)

    def _measurable(self) -> Explanation:
        """Return the shown explanation; raise InputError if it cannot be measured."""
        if self._measurer is None:
            raise InputError("This widget shows a finished explanation without a model, so it cannot be measured.")
        if self.comm is None:
            raise InputError("This widget was closed; create another one to measure its explanation.")
        if self.shown == "difference":
            raise InputError("A difference of two explanations cannot be measured; show A or B instead.")
        explanation, caption = self.shown_explanation(), self._measurer.explainer.game.caption
        if explanation.caption != caption:
            raise InputError(
                f"The shown explanation is of “{explanation.caption}”, but the current caption is “{caption}”; run the "
                "former again to measure it."
            )
        return explanation

    def _is_measured(self, explanation: Explanation) -> bool:
        measures = self._measures.get(_key(explanation))
        return measures is not None and len(measures.faithfulness) == len(probabilities(explanation))

    # -- on the worker's thread --------------------------------------------------------------------------------------

    def _measure(self, job: Job) -> None:
        self._attempt("The explanation cannot be measured", partial(self._measure_shown, job))
        with self._publishing:
            self.measuring = False
        self._worker.ask_chore(self._expect_measuring)
        self._attempt("Other values of p cannot be prepared", partial(self._prepare, job))

    def _prepare(self, job: Job) -> None:
        """Resume the follow-up work that measuring interrupted."""

    def _measure_shown(self, job: Job) -> None:
        explanation, measurer = self._measurable(), self._measurer
        assert measurer is not None, "checked by _measurable"
        try:
            for measures in measurer.measure(
                explanation, self._measures.get(_key(explanation)), partial(self._between_measuring, job)
            ):
                self._publish_measures(explanation, measures)
        except Stopped:
            return

    def _between_measuring(self, job: Job, state: Progress) -> None:
        if job.stop.is_set():
            raise Stopped
        now = time.monotonic()
        if now > self._last_progress + PROGRESS_EVERY:
            self._last_progress = now
            self.send({**wire.progress(state, job.generation), "type": "measuring"})
        self._worker.do_chores()

    def _publish_measures(self, explanation: Explanation, measures: Measures) -> None:
        entry = told(explanation, measures)
        with self._publishing:
            self._measures[_key(explanation)] = measures
            others = [other for other in self.measured if not _replaces(entry, other)]
            self.measured = [*others, entry][-MOST_TOLD:]

    def _ask_about_result(self, *, final: bool) -> None:
        super()._ask_about_result(final=final)
        if final:
            self._worker.ask_chore(self._expect_measuring)

    def _expect_measuring(self) -> None:
        self._attempt("The cost of measuring cannot be estimated", self._publish_measure_cost)

    def _publish_measure_cost(self) -> None:
        """Publish the cost of the missing measures of the shown explanation; None if it cannot be measured."""
        explanation, cost = self._on_screen, None
        if self._measurer is not None and explanation is not None and self.shown != "difference":
            game = self._measurer.explainer.game
            if (explanation.caption, explanation.tokens, explanation.grid) == (game.caption, game.tokens, game.grid):
                cost = self._measurer.cost(explanation, self._measures.get(_key(explanation)))
        with self._publishing:
            if explanation is self._on_screen:
                self.measure_cost = cost


def _key(explanation: Explanation) -> _Key:
    """Return the key of an explanation in this widget; equal settings and encodings imply equal values."""
    return tuple(getattr(explanation, name) for name in (*_NAMES, *_PAID))


_NAMES = ("caption", "method", "order", "p", "budget")
"""Settings of an explanation; in the view, a measurement replaces an earlier one with the same settings."""
_PAID = ("seed", "image_encodes", "text_encodes")


def told(explanation: Explanation, found: Measures) -> dict[str, Any]:
    """Return the measures as the view reads them; see ``js/src/wire/types.ts``."""
    method = CATALOGUE.get(explanation.method)
    return {
        **{name: getattr(explanation, name) for name in (*_NAMES, *_PAID)},
        "label": method_label(explanation),
        "uses_p": method is None or method.uses_p,
        "uses_budget": method is None or method.uses_budget,
        "in_logits": explanation.in_logits,
        "most": [round(float(value), _DIGITS) for value in found.curves.most],
        "least": [round(float(value), _DIGITS) for value in found.curves.least],
        "aid": found.curves.aid,
        "faithfulness": [
            {
                "p": each.p,
                "spearman": wire.number(each.spearman),
                "r2": wire.number(each.r2),
                "masks": each.n_masks,
            }
            for each in found.faithfulness
        ],
    }


def _replaces(entry: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(entry[name] == other[name] for name in _NAMES)
