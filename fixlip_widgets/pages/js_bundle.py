"""The built front end, stored once per kernel in a model that all widgets share."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import ipywidgets
import traitlets as t

_STATIC = Path(__file__).parents[1] / "widget" / "static"
_NOT_BUILT = """export default { render({ el }) {
  el.textContent = "The front end of fixlip_widgets has not been built: run `python hatch_build.py` in the checkout.";
} };"""


@cache
def built(name: str) -> str:
    """Return the text of a built file, or a module that shows a message if the file is missing."""
    path = _STATIC / name
    return path.read_text(encoding="utf-8") if path.is_file() else _NOT_BUILT


class Bundle(ipywidgets.Widget):
    """A model without a view that holds the front end's code.

    Attributes:
        code: Text of the module, including the style sheet.
        digest: First 16 hexadecimal digits of the code's SHA-256, which a page compares with the code it runs.
    """

    code = t.Unicode().tag(sync=True)
    digest = t.Unicode().tag(sync=True)


_shared: Bundle | None = None


def shared_bundle() -> Bundle:
    """Return the bundle of this kernel; create a new one if it was closed."""
    global _shared
    if _shared is None or _shared.comm is None:
        code = built("widget.js")
        _shared = Bundle(code=code, digest=hashlib.sha256(code.encode()).hexdigest()[:16])
    return _shared
