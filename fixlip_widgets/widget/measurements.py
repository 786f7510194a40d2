"""Measurement of the shown explanation on request, as a job that follows the current one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fixlip_widgets.errors import FixlipError, InputError
from fixlip_widgets.explanation.comparison import method_label
from fixlip_widgets.explanation.methods import CATALOGUE
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.widget.faithfulness import Measurer, Measures, probabilities
from fixlip_widgets.widget.refiner import Refiner
from fixlip_widgets.widget.screen import Screen
from fixlip_widgets.widget.views import Views
from fixlip_widgets.widget.worker import Job

if TYPE_CHECKING:
    from fixlip_widgets.explanation.explanation import Explanation

MAX_MEASUREMENTS = 12
"""Largest number of measured explanations in the view and in a saved notebook; the oldest is dropped."""
_DIGITS = 4
"""Decimals of plotted values."""
_SETTINGS = ("caption", "method", "order", "p", "budget")
"""Settings of an explanation; in the view, a measurement replaces an earlier one with the same settings."""
_KEY = (*_SETTINGS, "seed", "image_encodes", "text_encodes")
"""Attributes of an explanation that determine its values, within one widget."""


class Measurements:
    """Measures of the shown explanations, for any method; nothing can be measured without a ``refiner``."""

    def __init__(self, screen: Screen, views: Views, refiner: Refiner | None) -> None:
        self._screen, self._traits, self._views, self._refiner = screen, screen.traits, views, refiner
        self._measurer = None if refiner is None else Measurer(refiner.explainer, refiner.pace)
        self._measures: dict[tuple[object, ...], Measures] = {}

    def measure(self) -> Measures:
        """Return the measures of the shown explanation, once they are complete; raise FixlipError if interrupted."""
        explanation, _ = self._measurable()
        if not self._is_complete(explanation):
            self.request()
            try:
                self._screen.worker.wait()
            except KeyboardInterrupt:
                self._screen.worker.cancel()
                raise
        if not self._is_complete(explanation):
            raise FixlipError(self._traits.error or "Measuring was interrupted; call widget.measure() again to resume.")
        return self._measures[_key(explanation)]

    def request(self) -> None:
        """Request the measurement of the shown explanation, without blocking.

        Raises:
            InputError: There is no result yet, or the shown explanation cannot be measured.
        """
        traits = self._traits
        with self._screen.publishing():
            self._measurable()
            if traits.status == "running":
                raise InputError("The explanation is still being refined; wait for the final result to measure it.")
            if not traits.measuring:
                traits.measuring, traits.error = True, ""
                self._screen.worker.follow(self._screen.job(), self._run)

    def estimate(self) -> None:
        """Publish the cost of the missing measures of the shown explanation; None if it cannot be measured."""
        with self._screen.reporting("The cost of measuring cannot be estimated"):
            explanation, cost = self._views.shown, None
            if self._measurer is not None and explanation is not None and self._traits.shown != "difference":
                pair = self._measurer.explainer.game
                if all(getattr(explanation, name) == getattr(pair, name) for name in ("caption", "tokens", "grid")):
                    cost = self._measurer.cost(explanation, self._measures.get(_key(explanation)))
            with self._screen.lock:
                if explanation is self._views.shown:
                    self._traits.measure_cost = cost

    def _measurable(self) -> tuple[Explanation, Measurer]:
        """Return the shown explanation and its measurer; raise InputError if it cannot be measured."""
        if self._measurer is None:
            raise InputError("This widget shows a finished explanation without a model, so it cannot be measured.")
        if self._screen.worker.closed:
            raise InputError("This widget was closed; create another one to measure its explanation.")
        if self._traits.shown == "difference":
            raise InputError("A difference of two explanations cannot be measured; show A or B instead.")
        explanation, caption = self._views.shown or self._views.result(), self._measurer.explainer.game.caption
        if explanation.caption != caption:
            raise InputError(
                f"The shown explanation is of “{explanation.caption}”, but the current caption is “{caption}”; run the "
                "former again to measure it."
            )
        return explanation, self._measurer

    def _is_complete(self, explanation: Explanation) -> bool:
        measures = self._measures.get(_key(explanation))
        return measures is not None and len(measures.faithfulness) == len(probabilities(explanation))

    # -- on the worker's thread --------------------------------------------------------------------------------------

    def _run(self, job: Job) -> None:
        """Measure the shown explanation, and resume the follow-up work that this interrupted."""
        with self._screen.reporting("The explanation cannot be measured"):
            explanation, measurer = self._measurable()
            for step in measurer.measure(explanation, self._measures.get(_key(explanation))):
                if isinstance(step, Measures):
                    self._publish(explanation, step)
                    continue
                if job.stop.is_set():
                    break
                self._screen.send_progress(job, step, "measuring")
                self._screen.worker.do_chores()
        with self._screen.lock:
            self._traits.measuring = False
        self._screen.worker.ask(self.estimate)
        if self._refiner is not None:
            with self._screen.reporting("Other values of p cannot be prepared"):
                self._refiner.prepare(job)

    def _publish(self, explanation: Explanation, measures: Measures) -> None:
        entry = measurement(explanation, measures)
        with self._screen.lock:
            self._measures[_key(explanation)] = measures
            others = [other for other in self._traits.measured if any(other[name] != entry[name] for name in _SETTINGS)]
            self._traits.measured = [*others, entry][-MAX_MEASUREMENTS:]


def _key(explanation: Explanation) -> tuple[object, ...]:
    return tuple(getattr(explanation, name) for name in _KEY)


def measurement(explanation: Explanation, measures: Measures) -> dict[str, Any]:
    """Return the measures as the view reads them; see ``pages/wire_types.py``."""
    method = CATALOGUE.get(explanation.method)
    return {
        **{name: getattr(explanation, name) for name in _KEY},
        "label": method_label(explanation),
        "uses_p": method is None or method.uses_p,
        "uses_budget": method is None or method.uses_budget,
        "in_logits": explanation.in_logits,
        "most": [round(float(value), _DIGITS) for value in measures.curves.most],
        "least": [round(float(value), _DIGITS) for value in measures.curves.least],
        "aid": measures.curves.aid,
        "faithfulness": [
            {
                "p": each.p,
                "spearman": wire.number(each.spearman),
                "r2": wire.number(each.r2),
                "masks": each.n_masks,
            }
            for each in measures.faithfulness
        ],
    }
