"""HTML of live pages: the saved data as escaped JSON, one copy of the view's code, and a static fallback."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from fixlip_widgets.errors import FixlipError
from fixlip_widgets.pages.js_bundle import built
from fixlip_widgets.support.markup import element, escaped


def live(saved: dict[str, Any], still: str) -> str:
    """Return the markup of one explanation: its saved data and ``still``, markup for browsers without scripts."""
    return element("div", script(saved, "saved"), f"<noscript>{still}</noscript>", data_fixlip="live")


def view() -> str:
    """Return the script element with the view's code, which a page includes once.

    Raises:
        FixlipError: The front end has not been built.
    """
    if "data-fixlip" not in built("offline.js"):
        raise FixlipError("The front end has not been built: run `python hatch_build.py` in the checkout.")
    return script({"code": built("widget.js")}, "view")


def beginning() -> str:
    """Return the script that starts the page; it must be the last element of the body."""
    return f'<script type="module">{_beginning()}</script>'


def page(body: list[str], title: str, *, holds_view: bool = True) -> str:
    """Return a complete, self-contained HTML page.

    Args:
        body: Markup, including that of :func:`live`.
        title: Title as plain text.
        holds_view: False for a page in a frame, whose parent page holds the view.
    """
    head = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        element("title", escaped(title)),
        element("style", _style()),
    ]
    heading = [] if any(part.startswith("<h1>") for part in body) else [element("h1", escaped(title), class_="unseen")]
    main = element("main", *(part + "\n" for part in [*heading, *body]))
    parts = [main, view() if holds_view else "", beginning()]
    return (
        f'<!doctype html>\n<html lang="en">{element("head", *head)}\n'
        f"{element('body', *(part + chr(10) for part in parts if part))}</html>\n"
    )


def script(value: Any, name: str) -> str:
    """Return ``value`` as JSON in a script element; ``<`` is escaped, so that no value can close the element."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" data-fixlip="{name}">{text}</script>'


@cache
def _beginning() -> str:
    code = built("offline.js").strip()
    if "</script" in code.lower() or "<!--" in code:
        raise FixlipError("The built offline.js contains `</script` or `<!--`; build the front end again.")
    return code


@cache
def _policy() -> str:
    """Return the content security policy: only the page's own scripts and pictures, and no network access."""
    digest = base64.b64encode(hashlib.sha256(_beginning().encode()).digest()).decode("ascii")
    return f"default-src 'none'; script-src 'sha256-{digest}' blob:; img-src data: blob:; style-src 'unsafe-inline'"


@cache
def _style() -> str:
    return files("fixlip_widgets.pages").joinpath("page.css").read_text("utf-8")
