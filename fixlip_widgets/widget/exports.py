"""Exports of the widget: recordings for pages, and static output for places without widget support."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fixlip_widgets.errors import InputError
from fixlip_widgets.pages.recordable import STILL_OF
from fixlip_widgets.widget.screen import Screen
from fixlip_widgets.widget.views import Views

if TYPE_CHECKING:
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.pages.recording import Recording


class Exports:
    """The current explanation for a page, or for a notebook without widget support."""

    def __init__(self, screen: Screen, views: Views) -> None:
        self._screen, self._views = screen, views
        self._display_id = self._model_id = ""

    def record(self, explainer: IncrementalExplainer | None, **options: Any) -> Recording:
        """Compute the contents of a page with the resting explainer."""
        from fixlip_widgets.explainers.class_explainer import ClassExplainer, record_explainer
        from fixlip_widgets.explainers.recording import record
        from fixlip_widgets.pages.recording import Recording

        explanation, traits = self._views.result(), self._screen.traits
        if isinstance(explainer, ClassExplainer):
            return record_explainer(explainer, measured=traits.measured, **options)
        if explainer is None:
            if any(options[name] for name in ("p", "budgets", "text", "playground")):
                raise InputError(
                    "This widget shows a finished explanation without a model; leave out p, budgets, captions and "
                    "playground."
                )
            return Recording.of(explanation)
        recording = record(explainer, **options, method=traits.method, order=traits.order, first=explanation)
        return replace(recording, measured=tuple(traits.measured))

    def summary(self) -> str:
        """Return the current explanation in one line."""
        explanation = self._views.current
        return "An explanation that is being computed" if explanation is None else repr(explanation)

    def display(self, model_id: str, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Display the view (``data``) and, beneath it, the static output, which follows the results.

        They are separate outputs: from one output with both formats, JupyterLab and nbconvert would select the view
        even if its model is missing.
        """
        from IPython.display import publish_display_data  # pyright: ignore[reportUnknownVariableType]

        publish_display_data({**data, "text/plain": self.summary()}, metadata)
        if not self._display_id:
            self._display_id, self._model_id = uuid4().hex, model_id
            self._screen.traits.observe(self._refresh, "status")
        self._publish(update=False)

    def _refresh(self, change: Any) -> None:
        if change["new"] != "running":
            self._screen.worker.ask(self._publish)

    def _publish(self, *, update: bool = True) -> None:
        """Publish the latest result as the static output."""
        from IPython.display import publish_display_data  # pyright: ignore[reportUnknownVariableType]

        from fixlip_widgets.drawing.static_html import html_beneath

        publish_display_data(
            {"text/html": html_beneath(self._views.current), "text/plain": self.summary()},
            {STILL_OF: self._model_id},
            transient={"display_id": self._display_id},
            update=update,
        )
