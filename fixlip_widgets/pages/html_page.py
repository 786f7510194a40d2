"""The live page as text: what is saved as JSON that cannot leave its place, the view once, and a still form beneath."""

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
    """The place of one explanation: what it can show, and ``still``, markup to show where no script runs."""
    return element("div", script(saved, "saved"), f"<noscript>{still}</noscript>", data_fixlip="live")


def view() -> str:
    """The view's module, which a page holds once.

    Raises:
        FixlipError: The front end has not been built.
    """
    if "data-fixlip" not in built("offline.js"):
        raise FixlipError("The front end has not been built: run `python hatch_build.py` in the checkout.")
    return script({"code": built("widget.js")}, "view")


def beginning() -> str:
    """The script that brings the page to life; the last element of its body."""
    return f'<script type="module">{_beginning()}</script>'


def page(body: list[str], title: str, *, holds_view: bool = True) -> str:
    """A whole page that loads nothing, from nowhere.

    Args:
        body: Markup, :func:`live` places among it.
        title: Text.
        holds_view: False for a page in a frame of one that holds the view.
    """
    head = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        element("title", escaped(title)),
        element("style", _style()),
    ]
    unseen = [] if any(part.startswith("<h1>") for part in body) else [element("h1", escaped(title), class_="unseen")]
    main = element("main", *(part + "\n" for part in [*unseen, *body]))
    parts = [main, view() if holds_view else "", beginning()]
    return (
        f'<!doctype html>\n<html lang="en">{element("head", *head)}\n'
        f"{element('body', *(part + chr(10) for part in parts if part))}</html>\n"
    )


def script(value: Any, name: str) -> str:
    """``value`` as JSON in a script element: without a ``<``, nothing in it can end the element or begin another."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" data-fixlip="{name}">{text}</script>'


@cache
def _beginning() -> str:
    code = built("offline.js").strip()
    if "</script" in code.lower() or "<!--" in code:
        raise FixlipError("The built offline.js would end its own script element; build the front end again.")
    return code


@cache
def _policy() -> str:
    """What the page may do: run its own two scripts, show its own pictures, and fetch nothing."""
    own = base64.b64encode(hashlib.sha256(_beginning().encode()).digest()).decode("ascii")
    return f"default-src 'none'; script-src 'sha256-{own}' blob:; img-src data: blob:; style-src 'unsafe-inline'"


@cache
def _style() -> str:
    return files("fixlip_widgets.pages").joinpath("page.css").read_text("utf-8")
