"""The widget: settings and results as traits, computed by a worker thread and shown by a view in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets as t

from fixlip_widgets.encoders.players import Players
from fixlip_widgets.errors import InputError
from fixlip_widgets.explainers.registry import method as method_of
from fixlip_widgets.explanation.group_sums import Group
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.pages.mask_examples import examples
from fixlip_widgets.pages.provenance import Source, reproduction
from fixlip_widgets.pages.settings import check_players
from fixlip_widgets.support.checks import MAX_BUDGET, check_budget
from fixlip_widgets.widget.arguments import (
    RESTARTING,
    check_names,
    check_options,
    check_subject,
    first_state,
    make_explainer,
)
from fixlip_widgets.widget.costs import costs
from fixlip_widgets.widget.faithfulness import MeasuringWidget
from fixlip_widgets.widget.measurer import Measurer
from fixlip_widgets.widget.playground import Playground
from fixlip_widgets.widget.refiner import Refiner
from fixlip_widgets.widget.worker import Job, Worker

if TYPE_CHECKING:
    from torch import Tensor

    from fixlip_widgets.encoders.images import ImageLike
    from fixlip_widgets.encoders.models import Model
    from fixlip_widgets.encoders.superpixels import Regions
    from fixlip_widgets.encoders.towers import Masking
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explanation.explanation import Explanation


class FixlipWidget(MeasuringWidget):
    """An interactive explanation of why a model finds an image and a caption similar.

    Display it as the last line of a cell. Every setting below is a trait: it can be set, observed and linked. A new
    ``p``, ``budget``, ``text``, ``method`` or ``order`` starts a refinement in a worker thread (unless ``autorun`` is
    off), and the view shows partial results meanwhile.

    Args:
        image: An image that :class:`fixlip_widgets.VisionLanguageGame` accepts.
        text: The caption, or token ids.
        model: From :func:`fixlip_widgets.load_model`; the packaged demo model by default.
        explainer: An :class:`fixlip_widgets.IncrementalExplainer` to drive, instead of image, text and model.
        explanation: A finished explanation to show, instead of all of these; see :meth:`from_explanation`.
        grid: (rows, columns) of patches; the encoder's own by default.
        regions: A number of superpixels, or a label map, to use instead of a grid.
        words: Whether to remove whole words instead of tokens.
        masking: Replacement of removed patches: ``"zero"`` as in the paper, ``"mean"``, ``"blur"`` or ``"remove"``.
        seed: Seed of the mask streams.
        max_budget: Largest budget accepted from Python and from the view.
        **settings: Any of the settings below, ``autorun`` and ``idle_share``.

    Attributes:
        p: Probability of keeping a player, in (0, 1).
        budget: Evaluations of the game to spend; a method without a pool evaluates one joint mask for each image mask.
        text: The caption; a change keeps the image's encodings.
        method, order: A name in :data:`fixlip_widgets.explainers.registry.METHODS`, and an order of that method.
        selection: Players (indices or names) whose interactions are shown, summed if there are several.
        removed: Players (indices or names) hidden in the playground.
        top_k, graph_layout, graph_kind, graph_sign: Number of edges, layout of the nodes, kind and sign of the edges.
        subset_size, subset_sign: Size and sign of the subset that the graph shows; size 0 for none.
        view, block: ``graph``, ``heatmap`` or ``table``; ``cross``, ``text_text`` or ``image_image`` for the heatmap.
        shown: ``current``, ``pinned`` or their ``difference``; see :meth:`pin`.
        palette, theme: ``house`` or ``safe`` colours; ``auto``, ``light`` or ``dark``.
        autorun: Whether a change of p, budget, text, method or order starts a refinement.
        idle_share: Image masks to encode at other p after a final result, as a share of the budget's, so that the next
            p is answered at once; 0 for none.
        status: ``idle``, ``running``, ``cancelled``, ``done`` or ``error`` (read only).
        error: Message of the last error, or empty (read only).
        last_traceback: Traceback of the last unexpected error, or empty.
        undoable: Description of the change that :meth:`undo` reverts (read only).
        measured: Measurements requested by :meth:`measure` or in the view (read only).

    Raises:
        InputError: The image, the caption or a setting is invalid, or a keyword is unknown.
    """

    idle_share = t.Float(0.5, min=0.0, max=1.0)

    def __init__(
        self,
        image: ImageLike | None = None,
        text: str | Tensor | None = None,
        *,
        model: Model | None = None,
        explainer: IncrementalExplainer | None = None,
        explanation: Explanation | None = None,
        grid: tuple[int, int] | None = None,
        regions: Regions | None = None,
        words: bool = False,
        masking: Masking = "zero",
        seed: int = 0,
        max_budget: int = MAX_BUDGET,
        **settings: Any,
    ) -> None:
        worker = Worker()
        self._worker = worker  # set first, because close() also runs after a failure in __init__
        check_names(set(settings), finished=explanation is not None)
        check_subject(image, text, model, explainer, explanation)
        options = {"grid": grid, "regions": regions, "words": words, "masking": masking}
        check_options(options, explainer=explainer is not None, explanation=explanation is not None)
        self.max_budget = check_budget(max_budget)
        self._refiner: Refiner | None = None
        if explanation is None:
            explainer = explainer or make_explainer(image, text, model, seed, **options)
            self._refiner = Refiner(explainer, self, worker.do_chores, worker.settle)
            self._measurer = Measurer(explainer, self._refiner.pace)
            self._source = Source.of(image, explainer.game)
            if "method" in settings:
                settings.setdefault("order", method_of(settings["method"]).orders[0])
        playground = Playground(explainer.game if explainer is not None else None)
        first = {**settings, **first_state(explanation, explainer)}
        super().__init__(worker, explanation, playground, options=wire.options(), **first)
        if explanation is not None:
            self._begin_with(explanation)
            return
        self._expect()
        if self.autorun:
            self.run()

    @classmethod
    def from_explanation(cls, explanation: Explanation, **settings: Any) -> FixlipWidget:
        """Return a widget that shows a finished explanation, which it cannot compute again without a model."""
        return cls(explanation=explanation, **settings)

    # -- actions -------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Start a refinement up to the current budget, with the current settings, and reuse existing encodings."""
        if self._refiner is None:
            raise InputError(
                "This widget shows a finished explanation; create one with an image and a caption to run it."
            )
        if self.comm is None:
            raise InputError("This widget was closed; create another one to run it.")
        with self._publishing, self.hold_sync():
            self.generation += 1
            job = Job(self.generation, self.p, self.budget, self.text, self.method, int(self.order))
            self.error, self.status, self.measuring = "", "running", False
            self._worker.submit(job, self._refiner.run)

    def cancel(self) -> None:
        """Stop after the current batch, and show the partial result with the budget that it reached.

        A measurement stops too; its encodings are kept.
        """
        with self._publishing:
            self._worker.cancel()
            if self.status == "running":
                self.status = "cancelled"

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the worker is idle; return False if ``timeout`` seconds pass first.

        Meanwhile the kernel receives nothing from the view, not even *cancel*; interrupt the cell to stop waiting.
        """
        return self._worker.wait(timeout)

    def resting_explainer(self) -> IncrementalExplainer | None:
        """Return the explainer once the worker is resting; None without a model."""
        if self._refiner is None:
            return None
        self._worker.rest()
        return self._refiner.explainer

    def __repr__(self) -> str:
        return f"<FixlipWidget of {self.text!r}: {self.status}, p={self.p:g}, budget={self.budget:,}>"

    def close(self) -> None:
        """Stop the worker and close the view."""
        self._worker.close(timeout=10)
        if self.status == "running":
            self.status = "cancelled"
        super().close()

    # -- settings and messages ---------------------------------------------------------------------------------------

    def _checked(self, name: str, value: Any, method: str) -> Any:
        if self._refiner is None and name in RESTARTING:
            if self._ready:
                raise InputError(f"This widget shows a finished explanation without a model; {name} cannot be changed.")
            return value
        if name == "budget":
            return check_budget(value, self.max_budget)
        if name in ("selection", "removed"):
            return check_players(value, self._players_of(name))
        value = super()._checked(name, value, method)
        if name == "shown":
            self._check_shown(value)
        if name == "text" and self._refiner is not None and value != self._refiner.explainer.game.caption:
            from fixlip_widgets.encoders.captions import tokenize

            value = tokenize(self._refiner.explainer.game.model.tokenizer, value).text
        return value

    def _players_of(self, name: str) -> Players:
        """Return the players that a setting may name: those shown or, in the playground, those of the model's pair."""
        explanation = self._on_screen if name == "selection" else None
        return wire.ScenePlayers(self.scene) if explanation is None else explanation

    @t.observe(*RESTARTING)
    def _restart(self, _change: Any) -> None:
        if self._ready and self._refiner is not None and self.comm is not None:
            self._worker.ask_chore(self._expect)
            if self.autorun:
                self.run()

    def _handle_custom_msg(self, content: Any, buffers: Any) -> None:
        """Handle a message of the view; the loader sends ``bundle`` if widgets cannot share the bundle's model."""
        kind = content.get("type") if isinstance(content, dict) else None
        requests = {
            "run": self.run,
            "cancel": self.cancel,
            "undo": self.undo,
            "reset": self.reset,
            "pin": self.pin,
            "unpin": self.unpin,
            "measure": self._ask_to_measure,
            "bundle": lambda: self.send({"type": "bundle", "code": self.bundle.code}),
        }
        try:
            if not isinstance(kind, str) or kind not in requests:
                raise InputError(f"There is no request {str(kind)[:80]!r}; choose one of {_listed(requests)}.")
            requests[kind]()
        except InputError as error:
            self._refuse(str(kind)[:80], str(error))

    # -- the refiner's screen: called on the worker's thread -----------------------------------------------------------

    def show_caption(self, job: Job, explainer: IncrementalExplainer) -> None:
        """Show the tokens of the explainer's new caption."""
        game = explainer.game
        with self._publishing, self.hold_sync():
            self.selection = tuple(player for player in self.selection if player < game.n_image)
            self.removed = tuple(player for player in self.removed if player < game.n_image)
            self.scene = {**self.scene, "tokens": list(game.tokens)}
            self.subsets = None
        self._worker.ask_chore(self._expect)

    def show_progress(self, job: Job, message: wire.Wire) -> None:
        """Send the progress as a message, because it need not be saved."""
        self.send(message)

    def show_result(self, job: Job, explanation: Explanation, status: str | None) -> None:
        """Show ``explanation`` unless a newer request exists; it is partial without a final ``status``."""
        self._take(explanation, job.generation, status)
        if status is not None:
            self._worker.ask_chore(self._expect)

    def share_when_idle(self) -> float:
        """Return the image masks to encode at other p, as a share of the budget's; 0 for none."""
        return float(self.idle_share)

    def _prepare(self, job: Job) -> None:
        if self._refiner is not None:
            self._refiner.prepare(job)

    def show_end(self, job: Job, status: str, error: str = "", trace: str = "") -> None:
        """Show how a job without a result ended; the previous result stays."""
        with self._publishing, self.hold_sync():
            if job.generation == self.generation:
                self.status, self.error, self.last_traceback = status, error, trace

    # -- read from the explainer: on the worker's thread, or before it starts ------------------------------------------

    def _expect(self) -> None:
        """Publish the example masks and the costs of the next refinement."""
        self._attempt("The costs cannot be estimated", self._publish_costs)

    def _publish_costs(self) -> None:
        assert self._refiner is not None, "a finished explanation has no costs"
        p, method = self.p, method_of(self.method)
        masks = examples(self._refiner.explainer, p, method)
        estimates = costs(self._refiner, self.max_budget, p, method)
        with self._publishing, self.hold_sync():
            if (p, method.name) == (self.p, self.method):
                self.costs, self.examples = estimates, masks

    def _summed(self, explanation: Explanation, players: tuple[int, ...]) -> Group:
        if self._refiner is None:
            return super()._summed(explanation, players)
        return self._refiner.explainer.group(players, explanation)

    def _code(self, explanation: Explanation) -> str | None:
        if self._refiner is None:
            return None
        return reproduction(explanation, self._source, reused=self._refiner.reused(explanation))


def _listed(requests: dict[str, Any]) -> str:
    return ", ".join(name for name in requests if name != "bundle")
