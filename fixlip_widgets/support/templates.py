"""HTML and SVG from the package's Jinja templates, which escape every value that they do not mark as safe."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from fixlip_widgets.support.formatting import plain, signed

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(name: str, /, **values: Any) -> str:
    """Render a template with the given variables, without white space at both ends.

    In the output, floats have at most two decimals, and characters invalid in XML become U+FFFD.

    Args:
        name: Path of the template within the package, such as ``pages/templates/page.html.j2``.
        values: Variables of the template; a missing one raises an error.
    """
    return _ENVIRONMENT.get_template(name).render(values).strip()


def _printable(value: Any) -> Any:
    """Prepare the value of an expression for output; text marked as safe stays unchanged."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    if isinstance(value, str) and not isinstance(value, Markup):
        return _NOT_XML.sub("\ufffd", value)
    return value


_ENVIRONMENT = Environment(
    loader=PackageLoader("fixlip_widgets", ""),
    autoescape=True,
    finalize=_printable,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
_ENVIRONMENT.filters |= {"grouped": "{:,}".format, "plain": plain, "signed": signed}
_ENVIRONMENT.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
