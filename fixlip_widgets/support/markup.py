"""HTML and SVG elements as text, with every attribute escaped, so that no token or caption can leave its place."""

from __future__ import annotations

import html
import re

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Attribute = str | float | None


def escaped(text: str) -> str:
    """``text`` for HTML and XML, inside elements and quoted attributes; what XML cannot hold becomes U+FFFD."""
    return html.escape(_NOT_XML.sub("\ufffd", text), quote=True)


def element(name: str, *children: str, **attributes: Attribute) -> str:
    """``<name attributes>children</name>``.

    Args:
        name: The element's name.
        children: Markup, taken as it is: text must have gone through :func:`escaped`.
        attributes: An underscore stands for a hyphen, and a last one is dropped (``class_``); numbers are written to
            two decimals; None leaves the attribute out. Values are escaped.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{''.join(children)}</{name}>"


def _value(value: str | float) -> str:
    return escaped(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
