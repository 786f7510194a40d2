"""What pages ask of a widget: that it can be recorded, and which of its settings a page takes over."""

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
"""Settings that a page takes over from a widget; selection and comparison begin anew."""
STILL_OF = "fixlip_widgets_still_of"
"""Key in an output's metadata: id of the widget's model whose static form it is."""


@runtime_checkable
class Recordable(Protocol):
    """Something that can compute what a page shows; a widget, for example."""

    def record(self, **options: Any) -> Recording:
        """Compute what a page can show; see :func:`fixlip_widgets.pages.record` for the options."""
        ...

    def view_settings(self) -> dict[str, Any]:
        """Return the present :data:`VIEW_SETTINGS`."""
        ...
