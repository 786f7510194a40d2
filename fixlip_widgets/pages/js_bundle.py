"""The built front end, held once per kernel by a model that all widgets refer to: a second widget costs little."""

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
    """The text of a built file; where it was not built, of a module that says so."""
    path = _STATIC / name
    return path.read_text(encoding="utf-8") if path.is_file() else _NOT_BUILT


class Bundle(ipywidgets.Widget):
    """Holds the front end's code; has no view of its own.

    Attributes:
        code: The module's text, with its style sheet in it.
        digest: Start of its SHA-256, by which a page knows whether it runs this very code already.
    """

    code = t.Unicode().tag(sync=True)
    digest = t.Unicode().tag(sync=True)


_shared: Bundle | None = None


def shared_bundle() -> Bundle:
    """The one bundle of this kernel; another if somebody closed it."""
    global _shared
    if _shared is None or _shared.comm is None:
        code = built("widget.js")
        _shared = Bundle(code=code, digest=hashlib.sha256(code.encode()).hexdigest()[:16])
    return _shared
