"""Exports of the widget: pages, pictures, and static output for places without widget support."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import traitlets as t

from fixlip_widgets.errors import InputError
from fixlip_widgets.pages.recordable import STILL_OF, VIEW_SETTINGS

if TYPE_CHECKING:
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explanation.explanation import Explanation
    from fixlip_widgets.pages.recording import Recording, Step
    from fixlip_widgets.support.files import PathLike
    from fixlip_widgets.widget.worker import Worker


class Exports(t.HasTraits):
    """A mixin that exports what the widget shows.

    Attributes:
        kept: The contents computed by :meth:`keep` for a page made from the notebook; None for the current result.
    """

    kept = t.Instance(dict, allow_none=True).tag(sync=True)

    method: Any
    order: Any
    measured: Any
    _worker: Worker
    _still: str | None = None
    """Display id of the static output."""

    @property
    def explanation(self) -> Explanation | None:
        """The current explanation."""
        raise NotImplementedError

    def shown_explanation(self) -> Explanation:
        """Return the shown explanation; raise :class:`InputError` before the first result."""
        raise NotImplementedError

    def resting_explainer(self) -> IncrementalExplainer | None:
        """Return the explainer once the worker is resting; None without a model."""
        raise NotImplementedError

    def record(
        self,
        *,
        p: float | Sequence[float] | None = None,
        budgets: int | Sequence[int] | None = None,
        captions: str | Sequence[str] = (),
        playground: bool = False,
        progress: bool | Callable[[Step], None] | None = None,
    ) -> Recording:
        """Compute the contents of a page that needs no kernel; see :func:`fixlip_widgets.pages.record`.

        Raises:
            InputError: There is no result yet, or an argument is invalid or needs a model that the widget lacks.
        """
        from fixlip_widgets.pages.recording import Recording, record

        explainer = self.resting_explainer()
        explanation = self.explanation  # read after the worker has come to rest
        if explanation is None:
            raise InputError("There is no result yet; call widget.wait() first.")
        if explainer is None:
            if p or budgets or captions or playground:
                raise InputError(
                    "This widget shows a finished explanation without a model; leave out p, budgets, captions and "
                    "playground."
                )
            return Recording.of(explanation)
        recorded = record(
            explainer,
            p=p,
            budgets=budgets,
            captions=captions,
            playground=playground,
            method=self.method,
            order=self.order,
            first=explanation,
            progress=progress,
        )
        return replace(recorded, measured=tuple(self.measured))

    def keep(self, **recorded: Any) -> None:
        """Compute the contents of a page and store them in the widget; takes the arguments of :meth:`record`.

        They are saved with the notebook's widget state, and ``jupyter nbconvert --to fixlip_html`` makes the page from
        them. Without them, that page shows only the current result.
        """
        from fixlip_widgets.pages.saved_page import saved

        self.kept = saved(self.record(**recorded), self.view_settings())

    def view_settings(self) -> dict[str, Any]:
        """Return the settings of the display: edges, layout, view and colours."""
        return {name: getattr(self, name) for name in VIEW_SETTINGS}

    def to_html(self, path: PathLike, title: str | None = None, **recorded: Any) -> None:
        """Write a live page: one HTML file that needs neither a kernel nor a network.

        Args:
            path: The ``.html`` file; an existing file is replaced whole or not at all.
            title: Title of the page; the caption by default.
            recorded: ``p``, ``budgets``, ``captions``, ``playground`` and ``progress`` as for :meth:`record`. By
                default, the page offers each p of 0.1 … 0.9 with enough effective masks.

        Raises:
            InputError: There is no result yet, or an argument is invalid or needs a model that the widget lacks.
        """
        from fixlip_widgets.pages.reports import report

        report([self], path, title, **recorded)

    # -- in a notebook -----------------------------------------------------------------------------------------------

    def _ipython_display_(self, **_: Any) -> None:
        """Display the view and, beneath it, the static output for places without widget support.

        They are separate outputs: from one output with both formats, JupyterLab and nbconvert would select the view
        even if its model is missing.
        """
        from IPython.display import display, publish_display_data  # pyright: ignore[reportUnknownVariableType]

        if getattr(self, "comm", None) is None:  # a closed widget has no view
            display(self.explanation or self._in_a_line())
            return
        data, metadata = self._repr_mimebundle_()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]
        publish_display_data({**data, "text/plain": self._in_a_line()}, metadata)
        if self._still is None:
            self._still = uuid4().hex
            self.observe(self._refresh_still, "status")
        self._publish_still(update=False)

    def _refresh_still(self, change: Any) -> None:
        if change["new"] != "running":
            self._worker.ask_chore(self._publish_still)

    def _publish_still(self, *, update: bool = True) -> None:
        """Publish the latest result as the static output."""
        from IPython.display import publish_display_data  # pyright: ignore[reportUnknownVariableType]

        from fixlip_widgets.drawing.static_html import html_beneath

        publish_display_data(
            {"text/html": html_beneath(self.explanation), "text/plain": self._in_a_line()},
            {STILL_OF: getattr(self, "model_id")},  # noqa: B009 - this mixin cannot declare it
            transient={"display_id": self._still},
            update=update,
        )

    def _in_a_line(self) -> str:
        explanation = self.explanation
        return "An explanation that is being computed" if explanation is None else repr(explanation)

    # -- pictures ----------------------------------------------------------------------------------------------------

    def to_svg(self, kind: Literal["graph", "overlay"] = "graph", **options: Any) -> str:
        """Return the graph, or the picture with heat, as shown; see :meth:`fixlip_widgets.Explanation.to_svg`."""
        return self.shown_explanation().to_svg(kind, **{**self._drawn(kind), **options})

    def to_png(
        self, path: PathLike | None = None, kind: Literal["graph", "overlay"] = "graph", **options: Any
    ) -> bytes:
        """Return the same as PNG, and write it to ``path`` if given; see :meth:`fixlip_widgets.Explanation.to_png`."""
        return self.shown_explanation().to_png(path, kind, **{**self._drawn(kind), **options})

    def _drawn(self, kind: str) -> dict[str, Any]:
        if kind != "graph":
            return {"colors": getattr(self, "palette", "house")}
        settings = self.view_settings()
        return {
            "top_k": settings["top_k"],
            "edges": settings["graph_kind"],
            "layout": settings["graph_layout"],
            "sign": {"positive": 1, "negative": -1}.get(settings["graph_sign"]),
            "colors": settings["palette"],
        }
