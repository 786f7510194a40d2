"""FixlipWidgets and galleries restored from the widget state in a saved notebook."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fixlip_widgets.drawing.static_html import html_still
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.pages.html_page import Live, page
from fixlip_widgets.pages.packed_arrays import from_wire
from fixlip_widgets.pages.recordable import STILL_OF, VIEW_SETTINGS
from fixlip_widgets.pages.recording import Recording
from fixlip_widgets.pages.saved_page import packed_result, packed_scene, saved
from fixlip_widgets.support.templates import render

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"

_WIDGET = "fixlip_widgets."
_GALLERY = "fixlip_widgets.gallery."
_FILTERS = ("sort", "descending", "search", "query", "ranges", "theme")
_REFERENCE = "IPY_MODEL_"
_SCALARS = ("p", "method", "order", "seed", "caption", "budget", "image_encodes", "text_encodes")
_NUMBERS = ("baseline", "similarity", "empty_similarity", "effective_image_masks")
_FITS = ("r2", "spearman", "r2_in_sample")


@dataclass(frozen=True)
class Restored:
    """A widget restored from a notebook.

    Attributes:
        saved: Contents of its live page.
        explanation: The explanation that it showed, in the float32 precision of the view; None for a gallery.
        still: Markup of a gallery for browsers without scripts.
    """

    saved: dict[str, Any]
    explanation: Explanation | None
    still: str = ""

    @property
    def is_gallery(self) -> bool:
        """Whether it is a gallery."""
        return self.explanation is None


@dataclass(frozen=True)
class All:
    """All FixlipWidgets and galleries of a notebook.

    Attributes:
        widgets: Model id to restored widget; widgets without a result are omitted.
        parts: Ids of the models that only these widgets use, including the boxes that hold them.
        boxes: Id of each box that holds one of them, at any depth, to the ids of its children.
    """

    widgets: dict[str, Restored]
    parts: set[str]
    boxes: dict[str, list[str]]

    @property
    def has_gallery(self) -> bool:
        """Whether one of the widgets is a gallery."""
        return any(widget.is_gallery for widget in self.widgets.values())

    def within(self, name: str | None) -> list[Restored]:
        """Return the widget with this model id, or all widgets in the box with this id, in order."""
        if name in self.widgets:
            return [self.widgets[name]]
        return [each for child in self.boxes.get(name or "", ()) for each in self.within(child)]


def restore(models: dict[str, Any]) -> All:
    """Restore widgets from the ``state`` of ``application/vnd.jupyter.widget-state+json``."""
    widgets: dict[str, Restored] = {}
    parts: set[str] = set()
    for name, model in models.items():
        if not str(model.get("state", {}).get("_anywidget_id", "")).startswith(_WIDGET):
            continue
        state = _with_buffers(model)
        gallery = str(state["_anywidget_id"]).startswith(_GALLERY)
        if state.get("kept" if gallery else "result"):
            widgets[name] = _restored_gallery(state) if gallery else _restored(state)
            references = [value for value in state.values() if isinstance(value, str) and value.startswith(_REFERENCE)]
            parts |= {name, *(value.removeprefix(_REFERENCE) for value in references)}
    boxes: dict[str, list[str]] = {}
    inner = set(widgets)
    while inner:  # from the widgets outwards
        parents = {name: ids for name, model in models.items() if (ids := _children(model)) and inner & {*ids}}
        inner = parents.keys() - boxes.keys()
        boxes |= parents
    return All(widgets, parts | boxes.keys(), boxes)


def _children(model: dict[str, Any]) -> list[str]:
    """Return the ids of the models in a box; empty for any other model."""
    return [str(child).removeprefix(_REFERENCE) for child in model.get("state", {}).get("children", ())]


def frame(widget: Restored) -> str:
    """Return the live page of a widget in a frame; the page around it holds the code of the view."""
    if widget.explanation is None:
        live, title = Live(widget.saved, widget.still, kind="gallery"), widget.saved["traits"]["title"]
    else:
        still = html_still(widget.explanation, colors=widget.saved["settings"].get("palette", "house"))
        live, title = Live(widget.saved, still), widget.explanation.caption
    inside = page([live], title, holds_view=False)
    return render("pages/templates/frame.html.j2", page=inside, caption=title)


def still_of(output: Any) -> str | None:
    """Return the id of the widget model that a static output belongs to; None for other outputs."""
    return output.get("metadata", {}).get(STILL_OF)


def _with_buffers(model: dict[str, Any]) -> dict[str, Any]:
    """Return a model's state with its buffers decoded and in place."""
    state = _copied(model["state"])
    for buffer in model.get("buffers", ()):
        *path, last = buffer["path"]
        place = state
        for key in path:
            place = place[key]
        place[last] = base64.b64decode(buffer["data"])
    return state


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _restored(state: dict[str, Any]) -> Restored:
    explanation = _explanation(state["result"], state["scene"])
    # widgets saved before there were levels showed every control
    state = {"level": "all", "heatmap_kind": state.get("block"), **state}
    settings = {name: state[name] for name in VIEW_SETTINGS}
    if state.get("kept"):
        kept = {**state["kept"], "settings": {**state["kept"]["settings"], **settings}}
        return Restored({**kept, "measured": state.get("measured", [])}, explanation)
    page = saved(Recording.of(explanation), settings)
    (snapshot,) = page["snapshots"]
    snapshot["result"] = packed_result(state["result"])
    snapshot.update({name: state[name] for name in ("examples", "convergence") if state.get(name)})
    page["measured"] = state.get("measured", [])
    page.update(packed_scene(state["scene"]))
    return Restored(page, explanation)


def _restored_gallery(state: dict[str, Any]) -> Restored:
    kept = dict(state["kept"])
    still = kept.pop("still", "")
    kept["traits"] = {**kept["traits"], **{name: state[name] for name in _FILTERS}}
    return Restored(kept, None, still)


def _explanation(result: dict[str, Any], scene: dict[str, Any]) -> Explanation:
    arrays = {name: _array(result, name) for name in ("main_se", "interactions_se")}
    masking = scene.get("masking") or {}
    numbers = {name: np.nan if result[name] is None else result[name] for name in _NUMBERS}
    return Explanation(
        main=from_wire(result["main"]).astype(np.float64),
        interactions=from_wire(result["interactions"]).astype(np.float64),
        tokens=tuple(result["tokens"]),
        words=result.get("words", False),
        grid=(result["grid"][0], result["grid"][1]),
        masks=result.get("masks", ""),
        conservative_errors=result.get("conservative_errors", False),
        ridge=result["ridge"] or 0.0,
        identified=dict(result["identified"]),
        image=_image(scene["image"]),
        regions=_labels(scene.get("regions")),
        blank=_image(masking.get("blank")),
        masking=masking.get("name", ""),
        model={"name": scene["model"]},
        **arrays,
        **numbers,
        **{name: result[name] for name in (*_SCALARS, *_FITS)},
    )


def _array(result: dict[str, Any], name: str) -> NDArray[np.float64] | None:
    return None if result[name] is None else from_wire(result[name]).astype(np.float64)


def _image(picture: dict[str, Any] | None) -> NDArray[np.uint8] | None:
    if picture is None:
        return None
    with Image.open(io.BytesIO(picture["data"])) as image:
        return np.asarray(image.convert("RGB"))


def _labels(regions: dict[str, Any] | None) -> NDArray[np.uint16] | None:
    """Return the label map from which the outlines of the regions were drawn."""
    if regions is None:
        return None
    with Image.open(io.BytesIO(regions["labels"]), formats=["PNG"]) as image:
        return np.asarray(image).astype(np.uint16)
