"""Interface between pages and widgets: recording, and the view settings that a page keeps."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from fixlip_widgets.pages.recording import Recording

VIEW_SETTINGS = (
    "top_k",
    "graph_layout",
    "graph_kind",
    "graph_sign",
    "subset_size",
    "subset_sign",
    "view",
    "block",
    "palette",
    "theme",
)
"""Settings that a page takes from the widget; selection and comparison are reset."""
STILL_OF = "fixlip_widgets_still_of"
"""Key in the metadata of a static output: id of the model of its widget."""


@runtime_checkable
class Recordable(Protocol):
    """An object that can compute the contents of a page, such as a widget."""

    def record(self, **options: Any) -> Recording:
        """Compute the contents of a page; see :func:`fixlip_widgets.pages.record` for the options."""
        ...

    def view_settings(self) -> dict[str, Any]:
        """Return the current :data:`VIEW_SETTINGS`."""
        ...
