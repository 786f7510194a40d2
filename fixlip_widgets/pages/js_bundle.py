"""The built front end: its files, and the models that share each of them between the widgets of a kernel."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import ipywidgets
import traitlets as t

VIEW, DETAILS, PLOTLY, GALLERY = "widget.js", "details.js", "plotly.js", "gallery.js"
"""Files of the view, of what its simple level does not show, of Plotly for its heatmap, and of the gallery."""

_STATIC = Path(__file__).parents[1] / "widget" / "static"
_NOT_BUILT = """export default { render({ el }) {
  el.textContent = "The front end of fixlip_widgets has not been built: run `python hatch_build.py` in the checkout.";
} };"""


@cache
def built(name: str) -> str:
    """Return the text of a built file, or a module that shows a message if the file is missing."""
    path = _STATIC / name
    return path.read_text(encoding="utf-8") if path.is_file() else _NOT_BUILT


@cache
def model_id(name: str) -> str:
    """Return the id of the model that shares a built file: the first 32 hexadecimal digits of the file's SHA-256.

    The id is the same in every kernel. A notebook that was run in several kernels would otherwise save one copy of the
    code for each of them.
    """
    return hashlib.sha256(built(name).encode()).hexdigest()[:32]


class Bundle(ipywidgets.Widget):
    """A model without a view that holds a file of the front end.

    Attributes:
        code: Text of the module, including the style sheet.
    """

    code = t.Unicode().tag(sync=True)


_shared: dict[str, Bundle] = {}


def shared_bundle(name: str = VIEW) -> Bundle:
    """Return this kernel's model of a built file; create a new one if there is none or if it was closed."""
    bundle = _shared.get(name)
    if bundle is None or bundle.comm is None:
        bundle = _shared[name] = Bundle(code=built(name), model_id=model_id(name))
    return bundle


def code_for(name: str, *, shares: bool) -> str:
    """Return the text of a built file for hosts that cannot share models; else share it and return an empty string."""
    if shares:
        shared_bundle(name)
        return ""
    return built(name)
