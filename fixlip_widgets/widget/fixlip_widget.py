"""The widget: settings and results as traits, computed by a worker thread and shown by a view in the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import anywidget
import ipywidgets
import traitlets as t

from fixlip_widgets.errors import FixlipError, InputError
from fixlip_widgets.estimators.masks import DEFAULT_DESIGN, MaskDesign
from fixlip_widgets.explainers.class_explainer import ClassExplainer, caption_of
from fixlip_widgets.explainers.classes import DEFAULT_MASKS
from fixlip_widgets.explainers.registry import method as method_of
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.pages.js_bundle import DETAILS, PLOTLY, VIEW, Bundle, built, code_for, model_id, shared_bundle
from fixlip_widgets.pages.provenance import Source
from fixlip_widgets.pages.recordable import VIEW_SETTINGS
from fixlip_widgets.pages.traits import SETTINGS, WidgetTraits
from fixlip_widgets.support.checks import MAX_BUDGET, MIN_BUDGET, check_budget
from fixlip_widgets.widget.arguments import (
    RESTARTING,
    check_names,
    check_subject,
    defaults,
    first_state,
    make_class_explainer,
    make_explainer,
)
from fixlip_widgets.widget.class_list import ClassList, ClassPlayground, ClassRefiner
from fixlip_widgets.widget.exports import Exports
from fixlip_widgets.widget.measurements import Measurements
from fixlip_widgets.widget.playground import Playground
from fixlip_widgets.widget.refiner import Refiner
from fixlip_widgets.widget.screen import Screen
from fixlip_widgets.widget.setting_checks import SettingChecks
from fixlip_widgets.widget.undo_history import Undo, in_order
from fixlip_widgets.widget.views import Views
from fixlip_widgets.widget.worker import Worker

if TYPE_CHECKING:
    import networkx as nx
    import plotly.graph_objects as go
    from torch import Tensor

    from fixlip_widgets.encoders.images import ImageLike
    from fixlip_widgets.encoders.models import Model
    from fixlip_widgets.encoders.superpixels import Regions
    from fixlip_widgets.encoders.towers import Masking
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explanation.explanation import Explanation
    from fixlip_widgets.pages.recording import Recording, Step
    from fixlip_widgets.support.files import PathLike
    from fixlip_widgets.widget.faithfulness import Measures


class FixlipWidget(WidgetTraits, anywidget.AnyWidget):
    """An interactive explanation of why a model finds an image and a caption similar.

    Display it as the last line of a cell. Every setting below is a trait: it can be set, observed and linked. A new
    ``p``, ``budget``, ``stop_at``, ``text``, ``method`` or ``order`` starts a refinement in a worker thread (unless
    ``autorun`` is off), and the view shows partial results meanwhile.

    Args:
        image: An image that :class:`fixlip_widgets.VisionLanguageGame` accepts.
        text: The caption, or token ids.
        classes: Names of at least two classes, instead of a caption: why the model chooses one of them. See
            :func:`fixlip_widgets.explain_classes`; the budget is the number of image masks.
        templates: Texts with one ``{}`` for the name of a class; ``("a photo of a {}.",)`` by default.
        model: From :func:`fixlip_widgets.load_model`; the packaged demo model by default.
        explainer: An :class:`fixlip_widgets.IncrementalExplainer` to drive, instead of image, text and model.
        explanation: A finished explanation to show, instead of all of these; see :meth:`from_explanation`.
        grid: (rows, columns) of patches; the encoder's own by default.
        regions: A number of superpixels, or a label map, to use instead of a grid.
        words: Whether to remove whole words instead of tokens.
        masking: Replacement of removed patches: ``"zero"`` as in the paper, ``"mean"``, ``"blur"`` or ``"remove"``.
        seed: Seed of the mask streams.
        masks: ``"orthogonal"`` or ``"random"``; see :func:`fixlip_widgets.explain`.
        max_budget: Largest budget accepted from Python and from the view.
        **settings: Any of the settings below, ``autorun`` and ``idle_share``.

    Attributes:
        p: Probability of keeping a player, in (0, 1).
        budget: Evaluations of the game to spend; a method without a pool evaluates one joint mask for each image mask.
        stop_at: Standard error relative to the largest term at which encoding stops, as in
            :func:`fixlip_widgets.explain`; None to spend the whole budget. Ignored by methods without a pool.
        text: The caption; a change keeps the image's encodings. With classes, it follows ``chosen``.
        classes: Names of the classes; a change encodes only the texts of new ones.
        chosen: The explained class, or two: why the first rather than the second. The most probable one at first.
        method, order: A name in :data:`fixlip_widgets.explainers.registry.METHODS`, and an order of that method.
        selection: Players (indices or names) whose interactions are shown, summed if there are several.
        removed: Players (indices or names) hidden in the playground.
        top_k, graph_layout: Number of edges, and layout of the nodes.
        graph_kind, graph_sign: Kind of the edges (``cross``, ``intra`` or ``all``), and their sign.
        subset_size, subset_sign: Size and sign of the subset that the graph shows; size 0 for none.
        view: ``graph``, ``heatmap`` or ``table``.
        heatmap_kind: Interactions in the heatmap: ``cross``, ``text_text`` or ``image_image``.
        shown: ``current``, ``pinned`` or their ``difference``; see :meth:`pin`.
        compare_with: A caption to compare with, or None. It is explained from the same image masks, without encoding an
            image, whenever the current explanation changes, and pinned; ``shown`` becomes ``difference``.
        palette, theme: ``house`` or ``safe`` colours; ``auto``, ``light`` or ``dark``.
        level: ``simple`` shows the picture, the words, p, a sentence and how far to trust it; ``all`` shows every
            control. ``auto`` is the level that the user chose last in this browser, at first ``simple``.
        autorun: Whether a change of p, budget, stop_at, text, method or order starts a refinement.
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

    _esm = built("loader.js")

    bundle = t.Instance(Bundle).tag(sync=True, **ipywidgets.widget_serialization)
    details = t.Instance(Bundle).tag(sync=True, **ipywidgets.widget_serialization)
    plotly = t.Unicode(f"IPY_MODEL_{model_id(PLOTLY)}", read_only=True).tag(sync=True)

    def __init__(
        self,
        image: ImageLike | None = None,
        text: str | Tensor | None = None,
        *,
        classes: Iterable[str] | None = None,
        templates: Iterable[str] | None = None,
        model: Model | None = None,
        explainer: IncrementalExplainer | None = None,
        explanation: Explanation | None = None,
        grid: tuple[int, int] | None = None,
        regions: Regions | None = None,
        words: bool = False,
        masking: Masking = "zero",
        seed: int = 0,
        masks: MaskDesign = DEFAULT_DESIGN,
        max_budget: int = MAX_BUDGET,
        **settings: Any,
    ) -> None:
        self._worker = Worker()  # set first, because close() also runs after a failure in __init__
        check_names(set(settings), finished=explanation is not None)
        subjects = {"image": image, "text": text, "classes": classes, "templates": templates, "model": model}
        subjects |= {"explainer": explainer, "explanation": explanation}
        options = {"grid": grid, "regions": regions, "words": words, "masking": masking}
        check_subject(subjects, options)
        self.max_budget = check_budget(max_budget)
        if explanation is None:
            if classes is not None:
                settings.setdefault("budget", DEFAULT_MASKS)
                explainer = make_class_explainer(image, classes, templates, model, seed, masks, **options)
            explainer = explainer or make_explainer(image, text, model, seed, masks, **options)
            if "method" in settings:
                settings.setdefault("order", method_of(settings["method"]).orders[0])
        game = None if explainer is None else explainer.game

        screen = Screen(self, self._worker, self.hold_sync, lambda message: self.send(message))
        source = None if game is None else Source.of(image, game)
        self._views = Views(screen, explanation=explanation, explainer=explainer, source=source)
        self._classes = ClassList(screen, explainer) if isinstance(explainer, ClassExplainer) else None
        self._refiner = None if explainer is None else self._refiner_of(explainer, screen)
        self._measurements = Measurements(screen, self._views, self._refiner)
        self._playground = (
            Playground(screen, self._views, game)
            if self._classes is None
            else ClassPlayground(screen, self._views, self._classes.explainer.game, self._classes)
        )
        self._exports = Exports(screen, self._views)
        self._checks = SettingChecks(self, self._views, game, self._classes)
        self._screen = screen

        first = first_state(explanation, explainer)
        if self._classes is not None:
            first |= self._classes.first_state(settings.pop("chosen", None))
        elif "chosen" in settings:
            raise InputError("chosen names a class of the widget; pass classes too.")
        settings = {**defaults(len(first["scene"]["tokens"])), **settings}
        methods = ("banzhaf",) if self._classes is not None else None
        self._valid = first
        codes = {"bundle": shared_bundle(), "details": shared_bundle(DETAILS)}
        super().__init__(options=wire.options(methods), **codes, **{**settings, **first})
        self._valid = {}
        self._undo = Undo(screen)
        self._observe_settings()
        if explanation is not None:
            self._views.begin(explanation)
            self._playground.play()
            self._worker.ask(self._views.find_subsets)
        elif self._refiner is not None:
            self._refiner.estimate()
            if self.autorun:
                self.run()

    def _refiner_of(self, explainer: IncrementalExplainer, screen: Screen) -> Refiner:
        if self._classes is not None:
            return ClassRefiner(self._classes.explainer, screen, self._show, self._classes)
        return Refiner(explainer, screen, self._show)

    @classmethod
    def from_explanation(cls, explanation: Explanation, **settings: Any) -> FixlipWidget:
        """Return a widget that shows a finished explanation, which it cannot compute again without a model."""
        return cls(explanation=explanation, **settings)

    def __reduce_ex__(self, protocol: object) -> Any:
        """Refuse to copy and to pickle a widget: its thread, its view and its model cannot be copied."""
        raise FixlipError(
            "A widget cannot be copied or pickled. Save its explanation by widget.explanation.save('explanation.npz'), "
            "or a page by widget.to_html('page.html')."
        )

    def __copy__(self) -> Any:
        return self.__reduce_ex__(4)

    def __deepcopy__(self, memo: object) -> Any:
        return self.__reduce_ex__(4)

    def __repr__(self) -> str:
        return f"<FixlipWidget of {self.text!r}: {self.status}, p={self.p:g}, budget={self.budget:,}>"

    # -- computing -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Start a refinement up to the current budget, with the current settings, and reuse existing encodings."""
        if self._refiner is None:
            raise InputError(
                "This widget shows a finished explanation; create one with an image and a caption to run it."
            )
        if self.comm is None:
            raise InputError("This widget was closed; create another one to run it.")
        self._begin(self._refiner)

    def more(self) -> None:
        """Double the budget that the current result has reached, even if it is as precise as ``stop_at``.

        Raises:
            InputError: There is no result yet, no model, or the budget cannot be doubled.
        """
        if self._refiner is None or self.comm is None:
            self.run()  # which refuses
            return
        least = check_budget(2 * max(self._views.result().budget, MIN_BUDGET), self.max_budget)
        if self.budget < least:
            self.budget = least
        self._begin(self._refiner, least)

    def _begin(self, refiner: Refiner, least: int = 0) -> None:
        """Submit a job with the current settings, which reaches at least the budget ``least``."""
        with self._screen.publishing():
            self.generation += 1
            self.error, self.status, self.measuring = "", "running", False
            self._worker.submit(self._screen.job(least), refiner.run)

    def cancel(self) -> None:
        """Stop after the current batch, and show the partial result with the budget that it reached.

        A measurement stops too; its encodings are kept.
        """
        with self._screen.lock:
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

    def measure(self) -> Measures:
        """Measure the shown explanation: insertion, deletion, and faithfulness at p = 0.3, 0.5, 0.7 and its own p.

        Block until all measures are computed; existing ones are reused. The view shows them too. All explanations of
        the pair are measured on the same 250 fresh masks at each p, which are encoded once.

        Raises:
            InputError: There is no result yet, or the shown explanation cannot be measured.
            FixlipError: Measuring failed or was interrupted.
        """
        return self._measurements.measure()

    def close(self) -> None:
        """Stop the worker and close the view."""
        self._worker.close(timeout=10)
        if self.status == "running":
            self.status = "cancelled"
        super().close()

    # -- results -------------------------------------------------------------------------------------------------------

    @property
    def explanation(self) -> Explanation | None:
        """The current explanation: the last result, partial during a refinement; None before the first."""
        return self._views.current

    def shown_explanation(self) -> Explanation:
        """Return the shown explanation: the current one, the pinned one, or current minus pinned (see ``shown``).

        Raises:
            InputError: There is no result yet.
        """
        return self._views.shown or self._views.result()

    def graph(self) -> nx.Graph[int]:
        """Return the shown graph as a :class:`networkx.Graph`, with the same edges and layout."""
        return self.shown_explanation().to_networkx(**self._views.graph_options())

    def figure(self, kind: str = "cross") -> go.Figure:
        """Return the shown explanation as a :class:`plotly.graph_objects.Figure`.

        See :func:`fixlip_widgets.drawing.plotly.figure` for the kinds.
        """
        return self.shown_explanation().to_plotly(kind)

    @property
    def code(self) -> str:
        """Python code that computes the current explanation again."""
        self._views.result()
        return str(self.result["code"])

    def pin(self, explanation: Explanation | None = None) -> None:
        """Pin an explanation as A; the setting ``shown`` selects A, or B − A with the current explanation as B.

        Args:
            explanation: An explanation of the same image and the same patches or regions; the current one by default.

        Raises:
            InputError: There is no result yet, or the image, grid or regions differ.
        """
        self._views.pin(explanation)
        self._ask_all()

    def unpin(self) -> None:
        """Remove the pinned explanation, and show the current one."""
        self._views.unpin()

    def undo(self) -> None:
        """Revert the last change of a setting (see ``undoable``); consecutive moves of one slider are one change.

        Raises:
            InputError: There is nothing to undo.
        """
        self._undo.undo()

    def reset(self) -> None:
        """Restore the initial value of every setting; :meth:`undo` reverts this."""
        self._undo.reset()

    # -- exports -------------------------------------------------------------------------------------------------------

    def record(
        self,
        *,
        p: float | Sequence[float] | None = None,
        budgets: int | Sequence[int] | None = None,
        text: str | Sequence[str] = (),
        playground: bool = False,
        progress: bool | Callable[[Step], None] | None = None,
    ) -> Recording:
        """Compute the contents of a page that needs no kernel; see :func:`fixlip_widgets.explainers.record`.

        Raises:
            InputError: There is no result yet, or an argument is invalid or needs a model that the widget lacks.
        """
        explainer = self.resting_explainer()
        return self._exports.record(
            explainer, p=p, budgets=budgets, text=text, playground=playground, progress=progress
        )

    def keep(self, **options: Any) -> None:
        """Compute the contents of a page and store them in the widget; takes the arguments of :meth:`record`.

        They are saved with the notebook's widget state, and ``jupyter nbconvert --to fixlip_html`` makes the page from
        them. Without them, that page shows only the current result.
        """
        from fixlip_widgets.pages.saved_page import saved

        self.kept = saved(self.record(**options), self.view_settings())

    def view_settings(self) -> dict[str, Any]:
        """Return the settings of the display: edges, layout, view and colours."""
        return {name: getattr(self, name) for name in VIEW_SETTINGS}

    def to_html(self, path: PathLike, title: str | None = None, **options: Any) -> None:
        """Write a live page: one HTML file that needs neither a kernel nor a network.

        Args:
            path: The ``.html`` file; an existing file is replaced whole or not at all.
            title: Title of the page; the caption by default.
            options: ``p``, ``budgets``, ``text``, ``playground`` and ``progress`` as for :meth:`record`, and
                ``level``. By default, the page offers each p of 0.1 … 0.9 with enough effective masks, at the widget's
                level.

        Raises:
            InputError: There is no result yet, or an argument is invalid or needs a model that the widget lacks.
        """
        from fixlip_widgets.pages.reports import report

        report([self], path, title, **options)

    def to_svg(self, kind: Literal["graph", "overlay"] = "graph", **options: Any) -> str:
        """Return the graph, or the picture with heat, as shown; see :meth:`fixlip_widgets.Explanation.to_svg`."""
        return self.shown_explanation().to_svg(kind, **{**self._views.picture_options(kind), **options})

    def to_png(
        self, path: PathLike | None = None, kind: Literal["graph", "overlay"] = "graph", **options: Any
    ) -> bytes | None:
        """Return the same as PNG, or write it to ``path``; see :meth:`fixlip_widgets.Explanation.to_png`."""
        return self.shown_explanation().to_png(path, kind, **{**self._views.picture_options(kind), **options})

    def _ipython_display_(self, **_: Any) -> None:
        from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

        if self.comm is None:  # a closed widget has no view
            display(self.explanation or self._exports.summary())
        else:
            data, metadata = self._repr_mimebundle_()  # pyright: ignore[reportGeneralTypeIssues]
            self._exports.display(self.model_id, data, metadata)

    # -- from the view -------------------------------------------------------------------------------------------------

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Apply settings from the view, and confirm them; an invalid one is reported to it and keeps its value."""
        valid: dict[str, Any] = {}
        for name in in_order(sync_data):
            try:
                if name not in SETTINGS:
                    raise InputError(f"The view cannot change {name!r}.")
                valid[name] = self._checks.check(name, sync_data[name], valid.get("method", self.method))
            except InputError as error:
                self._refuse(name, str(error))
        with self._worker.held():  # the view hears of the new state before the worker computes
            if valid:
                with self._screen.publishing(), self._undo.together():
                    self._valid = valid
                    try:
                        super().set_state(valid)
                    finally:
                        self._valid = {}
            self.send({"type": "received"})

    @t.validate(*sorted(SETTINGS))
    def _check_setting(self, proposal: Any) -> Any:
        """Validate a value from Python; ``_valid`` holds the values that were validated where they arrived."""
        name, value = proposal["trait"].name, proposal["value"]
        if name in self._valid and value is self._valid[name]:
            return value
        return self._checks.check(name, value, self.method)

    def _handle_custom_msg(self, content: Any, buffers: Any) -> None:
        """Handle a message of the view, which asks for a part of the front end if it cannot find its code."""
        kind = str(content.get("type")) if isinstance(content, dict) else ""
        codes = {"bundle": VIEW, "details": DETAILS, "plotly": PLOTLY}
        requests = {name: getattr(self, name) for name in ("run", "more", "cancel", "undo", "reset", "pin", "unpin")}
        requests["measure"] = self._measurements.request
        try:
            if kind in codes:
                self.send({"type": kind, "code": code_for(codes[kind], shares=content.get("shares") is True)})
            elif kind in requests:
                requests[kind]()
            else:
                raise InputError(f"There is no request {kind[:80]!r}; choose one of {', '.join(requests)}.")
        except InputError as error:
            self._refuse(kind[:80], str(error))

    def _refuse(self, name: str, sentence: str) -> None:
        self.send({"type": "refused", "name": name, "message": sentence})
        if name in self.keys:
            self.send_state(name)

    # -- what follows a change -----------------------------------------------------------------------------------------

    def _observe_settings(self) -> None:
        """Request the chores and refinements that a new value of a setting needs."""
        chores = {
            self._views.draw: ("top_k", "graph_layout", "graph_kind", "graph_sign"),
            self._views.sum_up: ("selection",),
            self._playground.play: ("removed",),
        }
        for chore, names in chores.items():
            self.observe(lambda _, chore=chore: self._worker.ask(chore), names)
        self.observe(self._show_another, "shown")
        self.observe(self._compare_captions, "compare_with")
        if self._classes is not None:
            self.observe(self._choose, ("classes", "chosen"))
            self.observe(self._restart, ("p", "budget", "stop_at", "classes", "chosen"))
        elif self._refiner is not None:
            self.observe(self._restart, RESTARTING)

    def _restart(self, _change: Any) -> None:
        if self._refiner is not None and self.comm is not None:
            if self.autorun:
                self.run()
            else:
                self._worker.ask(self._refiner.estimate)

    def _compare_captions(self, change: Any) -> None:
        if change["new"] is None:
            self._views.stop_comparing()
        else:
            self._worker.ask(self._views.compare)

    def _choose(self, _change: Any) -> None:
        """Keep the choice among the classes, and the caption that of the choice."""
        assert self._classes is not None, "only a widget of classes observes them"
        self.chosen = self._classes.chosen_among(self.classes)
        text = caption_of(self.chosen)
        self._valid = {**self._valid, "text": text}
        self.text = text

    def _show_another(self, _change: Any) -> None:
        explanation = self._views.shown
        if explanation is not None:  # another caption may have fewer players
            self.selection = tuple(player for player in self.selection if player < explanation.n_players)
        self._ask_all()

    def _show(self, explanation: Explanation, generation: int, status: str | None) -> None:
        """On the worker's thread, show a result, and request the answers that depend on it."""
        if self._views.show(explanation, generation, status):
            self._worker.ask(self._views.sum_up, self._playground.play)
            if self._classes is not None:
                self._worker.ask(self._classes.draw_maps)
            if status is not None:
                self._worker.ask(self._views.find_subsets, self._measurements.estimate)

    def _ask_all(self) -> None:
        views = self._views
        self._worker.ask(
            views.draw, views.sum_up, self._playground.play, views.find_subsets, self._measurements.estimate
        )
