"""The renderer ``fixlip_widgets`` of MyST-NB: in Sphinx sites and Jupyter Books, widgets stay interactive offline.

MyST-NB finds it by its entry point and calls it for every output of an executed notebook. The outputs are those that
the kernel had sent when the notebook ended, so end a notebook with ``widget.wait()``.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from docutils import nodes

from fixlip_widgets.pages.html_page import view
from fixlip_widgets.pages.saved_widgets import WIDGET_STATE, WIDGET_VIEW, All, frame, restore, still_of


class LiveWidgets:
    """Plugin of MyST-NB that replaces widgets by live pages in frames; other outputs are left to MyST-NB."""

    mime_priority_overrides = ()

    @staticmethod
    def handle_mime(renderer: Any, data: Any, inline: bool) -> list[nodes.Element] | None:
        """Return the nodes of one form of one output, or None if it is not of this package.

        Args:
            renderer: MyST-NB's renderer of the notebook.
            data: The output in one MIME type, with ``content`` and ``output_metadata``.
            inline: Whether the output is within a sentence.
        """
        restored = _restored(renderer)
        if still_of({"metadata": data.output_metadata}) in restored.widgets:
            return []
        if inline or data.mime_type != WIDGET_VIEW:
            return None
        widgets = restored.within(data.content.get("model_id"))
        if not widgets:
            return None
        before = "" if renderer in _WITH_VIEW else view(gallery=restored.has_gallery)
        _WITH_VIEW[renderer] = True
        return [nodes.raw("", before + "".join(map(frame, widgets)), format="html")]


_RESTORED: WeakKeyDictionary[Any, All] = WeakKeyDictionary()
"""Widgets of each notebook that is being rendered."""
_WITH_VIEW: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
"""Renderers whose page holds the code of the view already."""


def _restored(renderer: Any) -> All:
    """Return the notebook's widgets, and remove from it the state that only they use."""
    if renderer not in _RESTORED:
        metadata = renderer.renderer.nb_client.nb_metadata
        models = metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
        _RESTORED[renderer] = restore(models)
        for name in _RESTORED[renderer].parts:
            models.pop(name, None)
    return _RESTORED[renderer]
