"""The widget: settings and results as traits, a worker thread behind them, a view in the browser before them."""

from __future__ import annotations

import threading
import traceback
from typing import TYPE_CHECKING, Any, cast

import anywidget
import ipywidgets
import traitlets as t

from fixlip_widgets.errors import InputError
from fixlip_widgets.masks import MAX_BUDGET, check_budget
from fixlip_widgets.methods import method as method_of
from fixlip_widgets.widget import wire
from fixlip_widgets.widget.bundle import Bundle, built, shared_bundle
from fixlip_widgets.widget.costs import costs
from fixlip_widgets.widget.refiner import Refiner
from fixlip_widgets.widget.settings import CHECKS, check_order, check_players
from fixlip_widgets.widget.traits import Answers, Settings
from fixlip_widgets.widget.worker import Job, Worker

if TYPE_CHECKING:
    import networkx as nx
    import plotly.graph_objects as go

    from fixlip_widgets.explanation import Explanation
    from fixlip_widgets.files import PathLike
    from fixlip_widgets.incremental import IncrementalExplainer
    from fixlip_widgets.models import Model


class FixlipWidget(Settings, Answers, anywidget.AnyWidget):
    """Why does the model find this image and this caption similar? Display it as the last line of a cell.

    Every setting below is a trait: set it, ``observe`` it, ``link`` it. A new ``p``, ``budget`` or ``text`` starts
    a refinement in a worker thread (unless ``autorun`` is off), and what is shown follows while it goes on.

    Args:
        image: Anything that :class:`fixlip_widgets.VisionLanguageGame` takes as an image.
        text: The caption, or token ids.
        model: From :func:`fixlip_widgets.load_model`; the packaged demo model by default.
        explainer: An :class:`fixlip_widgets.IncrementalExplainer` to drive, instead of image, text and model.
        explanation: A finished explanation to show, instead of all these; see :meth:`from_explanation`.
        grid: (rows, columns) of image players; the encoder's own patches by default.
        seed: Of the mask streams.
        max_budget: Largest budget that is accepted, from Python and from the view.
        **settings: ``p``, ``budget``, ``top_k``, ``graph_layout``, ``graph_kind``, ``palette``, ``theme``,
            ``autorun``, ``idle_share``.

    Attributes:
        p: Probability of keeping a player, in (0, 1).
        budget: Evaluations of the game to spend.
        text: The caption; a new one keeps the image's encodings.
        selection: Players (indices) whose interactions are shown.
        top_k, graph_layout, graph_kind: Edges in the graph, where its nodes lie, and which edges it has.
        palette, theme: ``house`` or ``safe`` colours; ``auto``, ``light`` or ``dark``.
        autorun: Whether a change of ``p``, ``budget`` or ``text`` starts a refinement by itself.
        idle_share: Image masks to encode at other p once a result is final, as a share of the budget's; they make the
            next move of p answer at once. 0 switches it off.
        status: ``idle``, ``running``, ``cancelled``, ``done`` or ``error`` (read only).
        error: Sentence of what went wrong last, or empty (read only).
        last_traceback: Traceback of the last error that was not foreseen, or empty.

    Raises:
        InputError: The image, the caption or a setting cannot be used, or a keyword is unknown.
    """

    _esm = built("loader.js")
    _css = built("widget.css")

    idle_share = t.Float(0.5, min=0.0, max=1.0)

    bundle = t.Instance(Bundle).tag(sync=True, **ipywidgets.widget_serialization)
    bundle_digest = t.Unicode().tag(sync=True)

    _RESTART = ("p", "budget", "text", "method", "order")
    _REDRAW = ("top_k", "graph_layout", "graph_kind", "graph_sign")
    _WRITABLE = frozenset(Settings.class_trait_names())

    def __init__(
        self,
        image: Any = None,
        text: Any = None,
        *,
        model: Model | None = None,
        explainer: IncrementalExplainer | None = None,
        explanation: Explanation | None = None,
        grid: tuple[int, int] | None = None,
        seed: int = 0,
        max_budget: int = MAX_BUDGET,
        **settings: Any,
    ) -> None:
        self._worker = Worker(self._redraw)  # first of all: a widget that fails to be made is closed too
        _check_names(set(settings), self._WRITABLE, finished=explanation is not None)
        self._ready = False
        self._publishing = threading.RLock()
        self._explanation = explanation
        self.last_traceback = ""
        self.max_budget = check_budget(max_budget)
        self._refiner: Refiner | None = None
        if explanation is None:
            explainer = explainer or _explainer(image, text, model, grid, seed)
            self._refiner = Refiner(explainer, self, self._worker.do_chore, self._worker.settle)
        bundle = shared_bundle()
        super().__init__(
            bundle=bundle, bundle_digest=bundle.digest, options=wire.options(), **settings, **self._first_state()
        )
        self._ready = True
        self._redraw()
        if self._refiner is not None and self.autorun:
            self.run()

    @classmethod
    def from_explanation(cls, explanation: Explanation, **settings: Any) -> FixlipWidget:
        """A widget that shows a finished explanation; without a model, ``p``, budget and caption stay as they are."""
        return cls(explanation=explanation, **settings)

    # -- what a person asks for --------------------------------------------------------------------------------------

    def run(self) -> None:
        """Refine up to the present budget, p and caption, from whatever is already encoded."""
        if self._refiner is None:
            raise InputError(
                "This widget shows a finished explanation; make one with an image and a caption to run it."
            )
        if self.comm is None:
            raise InputError("This widget was closed; make another to run it.")
        with self._publishing, self.hold_sync():
            self.generation += 1
            job = Job(self.generation, self.p, self.budget, self.text)
            self.error, self.status = "", "running"
            self._worker.submit(job, self._refiner.run)

    def cancel(self) -> None:
        """Stop after the running batch; what is encoded by then is solved and shown, with the budget it reached."""
        with self._publishing:
            self._worker.cancel()
            if self.status == "running":
                self.status = "cancelled"

    def wait(self, timeout: float | None = None) -> bool:
        """Block until nothing is being computed; False if ``timeout`` seconds pass first."""
        return self._worker.wait(timeout)

    @property
    def explanation(self) -> Explanation | None:
        """What is shown: the last result, partial while a refinement goes on; ``None`` before the first."""
        return self._explanation

    def graph(self) -> nx.Graph[int]:
        """The graph that is shown, as NetworkX has it: the same edges, kind and layout."""
        return self._shown().to_networkx(**self._graph_options())

    def figure(self, kind: str = "cross") -> go.Figure:
        """What is shown as a Plotly figure; see :func:`fixlip_widgets.figures.figure` for the kinds."""
        return self._shown().to_plotly(kind)

    def _shown(self) -> Explanation:
        if self._explanation is None:
            raise InputError("There is no result yet; call widget.wait() first.")
        return self._explanation

    def to_html(self, path: PathLike) -> None:
        """Write what is shown as one self-contained HTML file."""
        from fixlip_widgets.report import write_html

        write_html(self._shown(), path)

    def close(self) -> None:
        """Stop the worker and close the view."""
        self._worker.close(timeout=10)
        super().close()

    # -- settings: checked from both sides ---------------------------------------------------------------------------

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take settings from the view; what is refused is said there, and the state stays."""
        accepted: dict[str, Any] = {}
        for name, value in sync_data.items():
            try:
                if name not in self._WRITABLE:
                    raise InputError(f"{name!r} is not a setting that a view may change.")
                accepted[name] = self._checked(name, value)
            except InputError as error:
                self._refuse(name, str(error))
        if accepted:
            with self._publishing:  # notifications are held meanwhile: the worker's must not get in between
                super().set_state(accepted)

    def _refuse(self, name: str, sentence: str) -> None:
        self.send({"type": "refused", "name": name, "message": sentence})
        if name in self.keys:
            self.send_state(name)

    def _checked(self, name: str, value: Any) -> Any:
        if self._refiner is None and name in self._RESTART:
            if self._ready:
                raise InputError("This is a finished explanation; there is no model here to run again.")
            return value
        if name == "budget":
            return check_budget(value, self.max_budget)
        if name == "order":
            return check_order(value, method_of(self.method))
        if name in ("selection", "removed"):
            shown = cast(wire.Wire, self.result or self.scene)
            return check_players(value, shown["grid"][0] * shown["grid"][1] + len(shown["tokens"]))
        value = CHECKS[name](value)
        if name == "text" and self._refiner is not None and value != self._refiner.explainer.game.caption:
            from fixlip_widgets.captions import tokenize

            value = tokenize(self._refiner.explainer.game.model.tokenizer, value).text
        return value

    @t.validate(*Settings.class_trait_names())
    def _check_setting(self, proposal: Any) -> Any:
        return self._checked(proposal["trait"].name, proposal["value"])

    @t.observe(*_RESTART)
    def _restart(self, _change: Any) -> None:
        if self._ready and self.autorun and self._refiner is not None and self.comm is not None:
            self.run()

    @t.observe(*_REDRAW)
    def _ask_redraw(self, _change: Any) -> None:
        if self._ready:
            self._worker.ask_chore()

    def _handle_custom_msg(self, content: Any, buffers: Any) -> None:
        """Messages of the view: ``run``, ``cancel``, and the loader's ``bundle`` where models cannot be shared."""
        kind = content.get("type") if isinstance(content, dict) else None
        try:
            if kind == "run":
                self.run()
            elif kind == "cancel":
                self.cancel()
            elif kind == "bundle":
                self.send({"type": "bundle", "code": self.bundle.code})
            else:
                raise InputError(f"There is no request {str(kind)[:80]!r}; the view may ask to run or to cancel.")
        except InputError as error:
            self._refuse(str(kind)[:80], str(error))

    # -- the refiner's screen: called on the worker's thread ----------------------------------------------------------

    def show_caption(self, job: Job, explainer: IncrementalExplainer) -> None:
        """Show the tokens and costs of a caption that the explainer has just taken."""
        game = explainer.game
        with self._publishing, self.hold_sync():
            self.selection = tuple(player for player in self.selection if player < game.n_image)
            self.scene = {**self.scene, "tokens": list(game.tokens)}
            self.costs = self._costs()

    def show_progress(self, job: Job, message: wire.Wire) -> None:
        """Pass on how far the job is; a message, since nobody needs it later."""
        self.send(message)

    def show_result(self, job: Job, explanation: Explanation, status: str | None) -> None:
        """Show ``explanation`` unless a newer request came; partial unless there is a final ``status``."""
        drawn = wire.graph(explanation, job.generation, **self._graph_options())
        shown = wire.result(explanation, job.generation, partial=status is None)
        with self._publishing:
            if job.generation != self.generation:
                return
            self._explanation = explanation
            with self.hold_sync():
                self.result, self.graph_data = shown, drawn
                if status is not None:
                    self.status = status

    def share_when_idle(self) -> float:
        """Image masks at other p to encode ahead, as a share of the budget's; 0 for none."""
        return float(self.idle_share)

    def show_end(self, job: Job, status: str, error: str = "", trace: str = "") -> None:
        """Say how the job ended, where that is without a result: the last one stays."""
        with self._publishing, self.hold_sync():
            if job.generation == self.generation:
                self.status, self.error, self.last_traceback = status, error, trace

    def _redraw(self) -> None:
        """Draw the graph again, with other options."""
        explanation, shown = self._explanation, cast(wire.Wire | None, self.result)
        if explanation is None or shown is None:
            return
        try:
            drawn = wire.graph(explanation, shown["generation"], **self._graph_options())
        except Exception as error:
            self.last_traceback = traceback.format_exc()
            self.error = f"The graph cannot be drawn: {error}"
            return
        with self._publishing:
            self.graph_data = drawn

    def _graph_options(self) -> dict[str, Any]:
        sign = {"both": None, "positive": 1, "negative": -1}[self.graph_sign]
        return {"top_k": self.top_k, "layout": self.graph_layout, "kind": self.graph_kind, "sign": sign}

    def _costs(self) -> dict[str, Any]:
        assert self._refiner is not None, "a finished explanation costs nothing"
        return costs(self._refiner.explainer, self.max_budget, self.p, method_of(self.method), self._refiner.pace)

    # -- beginning ---------------------------------------------------------------------------------------------------

    def _first_state(self) -> dict[str, Any]:
        """Traits before anything is computed: enough for a first paint."""
        explanation, refiner = self._explanation, self._refiner
        if explanation is not None:
            label = wire.model_label(explanation.model)
            return {
                "live": False,
                "method": explanation.method,
                "order": explanation.order,
                "text": explanation.caption,
                "p": explanation.p,
                "budget": explanation.budget,
                "status": "done",
                "scene": wire.scene(explanation.image, explanation.tokens, explanation.grid, label),
                "result": wire.result(explanation, 0, partial=False),
            }
        assert refiner is not None, "there is an explanation or an explainer"
        explainer = refiner.explainer
        game = explainer.game
        label = wire.model_label({"name": game.model.name, "pretrained": game.model.pretrained})
        return {
            "text": game.caption,
            "scene": wire.scene(game.picture, game.tokens, game.grid, label),
            "costs": self._costs(),
        }


def _check_names(given: set[str], settings: frozenset[str], *, finished: bool) -> None:
    """Refuse keywords by name: a misspelt setting must not be lost silently."""
    known = (settings | {"autorun", "idle_share"}) - {"text", "selection", "removed", "shown"}
    if unknown := given - known:
        raise InputError(
            f"FixlipWidget does not know {', '.join(sorted(unknown))}; it knows {', '.join(sorted(known))}."
        )
    if finished and given & {"p", "budget"}:
        raise InputError("A finished explanation has its own p and budget; neither can be set.")


def _explainer(image: Any, text: Any, model: Model | None, grid: Any, seed: int) -> IncrementalExplainer:
    from fixlip_widgets.game import VisionLanguageGame
    from fixlip_widgets.incremental import IncrementalExplainer
    from fixlip_widgets.models import load_model

    if image is None or text is None:
        raise InputError("FixlipWidget needs an image and a caption, an explainer, or an explanation.")
    return IncrementalExplainer(VisionLanguageGame(model or load_model(), image, text, grid), seed=seed)
