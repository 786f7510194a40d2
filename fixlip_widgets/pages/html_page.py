"""HTML of live pages: the saved data as escaped JSON, one copy of the view's code, and a static fallback."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

from fixlip_widgets.errors import FixlipError
from fixlip_widgets.pages.js_bundle import DETAILS, GALLERY, PLOTLY, VIEW, built
from fixlip_widgets.support.templates import render


class Text(NamedTuple):
    """A heading or a paragraph: the name of its element (``h1`` to ``h3`` or ``p``), and its plain text."""

    tag: str
    text: str


class Live(NamedTuple):
    """A live explanation or gallery: its saved data, and ``still``, markup for browsers without scripts."""

    saved: dict[str, Any]
    still: str
    tag: str = "live"
    kind: Literal["explanation", "gallery"] = "explanation"


def page(body: Sequence[Text | Live], title: str, *, holds_view: bool = True) -> str:
    """Return a complete, self-contained HTML page.

    Args:
        body: Contents in reading order.
        title: Title as plain text, which is also the heading for screen readers if ``body`` has no ``h1``.
        holds_view: False for a page in a frame, whose parent page holds the view.
    """
    gallery = any(isinstance(part, Live) and part.kind == "gallery" for part in body)
    return render(
        "pages/templates/page.html.j2",
        body=body,
        title=title,
        view=view(gallery=gallery) if holds_view else "",
        code=_beginning(),
        policy=_policy(),
    )


def view(*, gallery: bool = False) -> str:
    """Return the script element with the code of the view, of Plotly and perhaps of galleries; a page includes it once.

    Raises:
        FixlipError: The front end has not been built.
    """
    if "data-fixlip" not in built("offline.js"):
        raise FixlipError("The front end has not been built: run `python hatch_build.py` in the checkout.")
    parts = {"code": VIEW, "details": DETAILS, "plotly": PLOTLY, **({"gallery": GALLERY} if gallery else {})}
    return script({name: built(file) for name, file in parts.items()}, "view")


def script(value: Any, name: str) -> str:
    """Return ``value`` as JSON in a script element; characters of markup are escaped, so that no value can close it."""
    return render("pages/templates/script.html.j2", value=value, name=name)


@cache
def _beginning() -> str:
    """Return the script that starts the page."""
    code = built("offline.js").strip()
    if "</script" in code.lower() or "<!--" in code:
        raise FixlipError("The built offline.js contains `</script` or `<!--`; build the front end again.")
    return code


@cache
def _policy() -> str:
    """Return the content security policy: only the page's own scripts and pictures, and no network access."""
    digest = base64.b64encode(hashlib.sha256(_beginning().encode()).digest()).decode("ascii")
    return f"default-src 'none'; script-src 'sha256-{digest}' blob:; img-src data: blob:; style-src 'unsafe-inline'"
