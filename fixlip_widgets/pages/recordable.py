"""Interface between pages and widgets: recording, and the view settings that a page keeps."""

from __future__ import annotations

from functools import singledispatch
from typing import Any, Protocol, runtime_checkable

from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.surrogate import Surrogate
from fixlip_widgets.pages.recording import Recording

VIEW_SETTINGS = (
    "top_k",
    "graph_layout",
    "graph_kind",
    "graph_sign",
    "subset_size",
    "subset_sign",
    "view",
    "heatmap_kind",
    "palette",
    "theme",
    "level",
)
"""Settings that a page takes from the widget; selection and comparison are reset."""
STILL_OF = "fixlip_widgets_still_of"
"""Key in the metadata of a static output: id of the model of its widget."""


@runtime_checkable
class Recordable(Protocol):
    """An object that can compute the contents of a page, such as a widget."""

    def record(self, **options: Any) -> Recording:
        """Compute the contents of a page; see :func:`fixlip_widgets.explainers.record` for the options."""
        ...

    def view_settings(self) -> dict[str, Any]:
        """Return the current :data:`VIEW_SETTINGS`."""
        ...


@singledispatch
def recording_of(part: Any, **options: Any) -> tuple[Recording, dict[str, Any]]:
    """Return the recording of a part of a report, and its view settings. Explainers register their own type.

    Raises:
        InputError: The part has another type.
    """
    if isinstance(part, Recordable):
        return part.record(**options), part.view_settings()
    raise InputError(
        f"A part of a report cannot be of type {type(part).__name__}; pass explanations, widgets, explainers, "
        "recordings or text."
    )


@recording_of.register
def _(part: Recording, **options: Any) -> tuple[Recording, dict[str, Any]]:
    return part, {}


@recording_of.register
def _(part: Surrogate, **options: Any) -> tuple[Recording, dict[str, Any]]:
    return Recording.of(part), {}
