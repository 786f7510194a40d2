"""What the widget offers for export: pages, pictures, and the still form for places where it cannot live."""

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
    """Mixed into the widget, which has these settings as traits.

    Attributes:
        kept: What :meth:`keep` computed, for a page that is made from the saved notebook; None for the result alone.
    """

    kept = t.Instance(dict, allow_none=True).tag(sync=True)

    method: Any
    order: Any
    measured: Any
    _worker: Worker
    _still: str | None = None
    """Id of the display that holds the still form."""

    @property
    def explanation(self) -> Explanation | None:
        """The present explanation."""
        raise NotImplementedError

    def shown_explanation(self) -> Explanation:
        """What the views show, or an :class:`InputError` where there is nothing yet."""
        raise NotImplementedError

    def resting_explainer(self) -> IncrementalExplainer | None:
        """The explainer, at rest until the widget is asked for something else; None without a model."""
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
        """Compute what a page shall be able to show without a kernel; see :func:`fixlip_widgets.pages.record`.

        Raises:
            InputError: There is no result yet, or something is asked for that needs a model and there is none.
        """
        from fixlip_widgets.pages.recording import Recording, record

        explainer = self.resting_explainer()
        explanation = self.explanation  # what the widget shows when it has come to rest
        if explanation is None:
            raise InputError("There is no result yet; call widget.wait() first.")
        if explainer is None:
            if p or budgets or captions or playground:
                raise InputError(
                    "This widget shows a finished explanation, without a model to compute others; leave out p, "
                    "budgets, captions and playground."
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
        """Compute what a page shall be able to show, and keep it with the widget.

        It is saved with the notebook's widget state, and ``jupyter nbconvert --to fixlip_html`` makes the page from it;
        otherwise that page shows the present result alone. Takes what :meth:`record` takes.
        """
        from fixlip_widgets.pages.saved_page import saved

        self.kept = saved(self.record(**recorded), self.view_settings())

    def view_settings(self) -> dict[str, Any]:
        """How it is looked at: edges, layout, view, colours."""
        return {name: getattr(self, name) for name in VIEW_SETTINGS}

    def to_html(self, path: PathLike, title: str | None = None, **recorded: Any) -> None:
        """Write a live page: one file that opens from disk, without a kernel and without a network.

        Args:
            path: The ``.html`` file; an existing one is replaced whole or not at all.
            title: Of the page; the caption by default.
            recorded: ``p``, ``budgets``, ``captions``, ``playground`` and ``progress`` as for :meth:`record`. By
                default the page offers the p of 0.1 … 0.9 that masks over a range of p can answer for.

        Raises:
            InputError: There is no result yet, or something is asked for that cannot be computed.
        """
        from fixlip_widgets.pages.reports import report

        report([self], path, title, **recorded)

    # -- in a notebook -----------------------------------------------------------------------------------------------

    def _ipython_display_(self, **_: Any) -> None:
        """The view, and beneath it the still form, which shows wherever the view cannot live.

        The two are outputs of their own: of one output with two forms JupyterLab and nbconvert would take the view,
        also where there is no model for it.
        """
        from IPython.display import display, publish_display_data  # pyright: ignore[reportUnknownVariableType]

        if getattr(self, "comm", None) is None:  # it was closed, and has no view any more
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
        """Show the present result in the still form; while one is being computed, the last."""
        from IPython.display import publish_display_data  # pyright: ignore[reportUnknownVariableType]

        from fixlip_widgets.drawing.static_html import html_beneath

        publish_display_data(
            {"text/html": html_beneath(self.explanation), "text/plain": self._in_a_line()},
            {STILL_OF: getattr(self, "model_id")},  # noqa: B009 - the widget's own, which this mixin cannot declare
            transient={"display_id": self._still},
            update=update,
        )

    def _in_a_line(self) -> str:
        explanation = self.explanation
        return "An explanation that is being computed" if explanation is None else repr(explanation)

    # -- pictures ----------------------------------------------------------------------------------------------------

    def to_svg(self, kind: Literal["graph", "overlay"] = "graph", **options: Any) -> str:
        """The graph or the picture with heat, as it is shown; see :meth:`fixlip_widgets.Explanation.to_svg`."""
        return self.shown_explanation().to_svg(kind, **{**self._drawn(kind), **options})

    def to_png(
        self, path: PathLike | None = None, kind: Literal["graph", "overlay"] = "graph", **options: Any
    ) -> bytes:
        """The same as a PNG file, written to ``path`` if given; see :meth:`fixlip_widgets.Explanation.to_png`."""
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
