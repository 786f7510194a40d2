"""HTML and SVG elements as strings. Every attribute is escaped, so that no token or caption can inject markup."""

from __future__ import annotations

import html
import re

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Attribute = str | float | None


def escaped(text: str) -> str:
    """Escape ``text`` for HTML and XML content and quoted attributes; characters invalid in XML become U+FFFD."""
    return html.escape(_NOT_XML.sub("\ufffd", text), quote=True)


def element(name: str, *children: str, **attributes: Attribute) -> str:
    """Return ``<name attributes>children</name>``.

    Args:
        name: Element name.
        children: Markup, inserted unchanged; pass text through :func:`escaped` first.
        attributes: Underscores become hyphens, and a trailing one is dropped (``class_``). Numbers are rounded to two
            decimals. None omits the attribute. Values are escaped.
    """
    attribute_text = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{attribute_text}>{''.join(children)}</{name}>"


def _value(value: str | float) -> str:
    return escaped(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
