"""Themes, layout and text escaping shared by all figures."""

from __future__ import annotations

import html
from typing import Any, NamedTuple

from fixlip_widgets.support.formatting import shortened


class Theme(NamedTuple):
    """Colours of background, text and lines."""

    paper: str
    ink: str
    line: str


THEMES = {"light": Theme("#ffffff", "#1f2328", "#d8dee4"), "dark": Theme("#14171c", "#e6edf3", "#363c45")}

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


class Style(NamedTuple):
    """A theme and the name of a palette."""

    theme: Theme
    palette: str

    def layout(self, title: str, **more: Any) -> dict[str, Any]:
        """Return a Plotly layout with ``title`` (escaped by :func:`escape_text`) and further settings ``more``."""
        return {
            "title": {"text": title, "x": 0.01, "xanchor": "left", "font": {"size": 15}},
            "font": {"family": _FONT, "size": 12, "color": self.theme.ink},
            "paper_bgcolor": self.theme.paper,
            "plot_bgcolor": self.theme.paper,
            "margin": {"l": 24, "r": 24, "t": 52, "b": 24},
            "hoverlabel": {"font": {"family": _FONT}},
            "showlegend": False,
            **more,
        }

    def color_bar(self, unit: str) -> dict[str, Any]:
        """Return a thin colour bar labelled with ``unit``."""
        return {"title": {"text": unit, "side": "right"}, "thickness": 12, "outlinewidth": 0, "tickformat": "~g"}


def escape_text(text: str) -> str:
    """Escape ``text`` so that Plotly does not interpret markup or formulas in it."""
    return html.escape(text, quote=False).replace("$", "&#36;")


def figure_title(title: str, caption: str) -> str:
    """Return a figure's title with the caption."""
    return f"{title} · {escape_text(shortened(caption))}" if caption else title
