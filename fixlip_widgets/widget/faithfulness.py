"""Measuring what is shown: asked for by a person, done by the worker after what else it has to do."""

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
"""Measured explanations that the view and a saved notebook hold; an older one makes way."""
_DIGITS = 4
"""Decimals of what a plot shows."""
_Key = tuple[object, ...]


class MeasuringWidget(ShowingWidget):
    """Measures the explanation that is shown, whichever method it is of.

    Attributes:
        _measurer: None without a model.
    """

    _measurer: Measurer | None = None

    def __init__(self, *given: Any, **state: Any) -> None:
        self._measures: dict[_Key, Measures] = {}
        self._last_told = 0.0
        super().__init__(*given, **state)

    def measure(self) -> Measures:
        """Measure what is shown: insertion and deletion curves, and faithfulness at p = 0.3, 0.5, 0.7 and its own p.

        Blocks until that is done, as far as it was not before; the view shows it too. Every explanation of the pair is
        measured on the same 250 fresh masks at each p, which are encoded once.

        Raises:
            InputError: There is nothing to measure, or no model to measure it on.
            FixlipError: It was stopped or failed before it was done.
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
            raise FixlipError(self.error or "Measuring was stopped before it was done; call widget.measure() again.")
        return self._measures[_key(explanation)]

    def _ask_to_measure(self) -> None:
        """Have the worker measure what is shown; returns at once.

        Raises:
            InputError: There is nothing to measure, or no model to measure it on.
        """
        with self._publishing, self.hold_sync():
            self._measurable()
            if self.status == "running":
                raise InputError("The explanation is still being refined; measure it when that is done.")
            if not self.measuring:
                self.measuring, self.error = True, ""
                job = Job(self.generation, self.p, self.budget, self.text, self.method, int(self.order))
                self._worker.follow(job, self._measure)

    def _measurable(self) -> Explanation:
        """What is shown, if it can be measured."""
        if self._measurer is None:
            raise InputError("This is a finished explanation; there is no model here to measure it on.")
        if self.comm is None:
            raise InputError("This widget was closed; make another to measure its explanation.")
        if self.shown == "difference":
            raise InputError("A difference of two explanations explains no pair; show A or B to measure it.")
        explanation, caption = self.shown_explanation(), self._measurer.explainer.game.caption
        if explanation.caption != caption:
            raise InputError(
                f"What is shown explains “{explanation.caption}”, and the model has “{caption}” now; take its caption "
                "to measure it."
            )
        return explanation

    def _is_measured(self, explanation: Explanation) -> bool:
        found = self._measures.get(_key(explanation))
        return found is not None and len(found.faithfulness) == len(probabilities(explanation))

    # -- on the worker's thread --------------------------------------------------------------------------------------

    def _measure(self, job: Job) -> None:
        self._attempt("The explanation cannot be measured", partial(self._measure_shown, job))
        with self._publishing:
            self.measuring = False
        self._worker.ask_chore(self._expect_measuring)
        self._attempt("Nothing is encoded ahead", partial(self._prepare, job))

    def _prepare(self, job: Job) -> None:
        """Go on with what measuring interrupted."""

    def _measure_shown(self, job: Job) -> None:
        explanation, measurer = self._measurable(), self._measurer
        assert measurer is not None, "it is measurable"
        try:
            for found in measurer.measure(
                explanation, self._measures.get(_key(explanation)), partial(self._between_measuring, job)
            ):
                self._tell_measures(explanation, found)
        except Stopped:
            return

    def _between_measuring(self, job: Job, state: Progress) -> None:
        if job.stop.is_set():
            raise Stopped
        now = time.monotonic()
        if now > self._last_told + PROGRESS_EVERY:
            self._last_told = now
            self.send({**wire.progress(state, job.generation), "type": "measuring"})
        self._worker.do_chores()

    def _tell_measures(self, explanation: Explanation, found: Measures) -> None:
        entry = told(explanation, found)
        with self._publishing:
            self._measures[_key(explanation)] = found
            others = [other for other in self.measured if not _replaces(entry, other)]
            self.measured = [*others, entry][-MOST_TOLD:]

    def _ask_about_result(self, *, final: bool) -> None:
        super()._ask_about_result(final=final)
        if final:
            self._worker.ask_chore(self._expect_measuring)

    def _expect_measuring(self) -> None:
        self._attempt("What measuring costs is not known", self._tell_measure_cost)

    def _tell_measure_cost(self) -> None:
        """What measuring the rest of what is shown would cost; None where it cannot be measured."""
        explanation, cost = self._on_screen, None
        if self._measurer is not None and explanation is not None and self.shown != "difference":
            game = self._measurer.explainer.game
            if (explanation.caption, explanation.tokens, explanation.grid) == (game.caption, game.tokens, game.grid):
                cost = self._measurer.cost(explanation, self._measures.get(_key(explanation)))
        with self._publishing:
            if explanation is self._on_screen:
                self.measure_cost = cost


def _key(explanation: Explanation) -> _Key:
    """Tells explanations of one widget apart; with as many encodings and all else equal, so are their numbers."""
    return tuple(getattr(explanation, name) for name in (*_NAMES, *_PAID))


_NAMES = ("caption", "method", "order", "p", "budget")
"""What an explanation is of: of two with the same, the later is shown."""
_PAID = ("seed", "image_encodes", "text_encodes")


def told(explanation: Explanation, found: Measures) -> dict[str, Any]:
    """What the view is told, as ``js/src/protocol.ts`` describes it."""
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
