"""The nbconvert exporter ``fixlip_html``: an HTML page in which widgets and galleries stay interactive offline.

Run ``jupyter nbconvert --to fixlip_html notebook.ipynb``, optionally with ``--execute``, or use nbconvert's Python
interface. Everything else is exported as by nbconvert's HTML exporter, except that scripts from the network are omitted
if the notebook does not need them.
"""

from __future__ import annotations

import re
from typing import Any

import nbformat
from nbconvert.exporters.html import HTMLExporter

from fixlip_widgets.pages.html_page import view
from fixlip_widgets.pages.saved_widgets import WIDGET_STATE, WIDGET_VIEW, frame, restore, still_of

_MATH = re.compile(r"\$|\\\(|\\\[|\\begin\{")
_EMPTY_SCRIPT = re.compile(r'<script src="">\s*</script>\n?')
_SETTLE = """\
import sys
if "fixlip_widgets.widget.worker" in sys.modules:
    sys.modules["fixlip_widgets.widget.worker"].settle()
"""
"""Code that runs after the notebook's last cell, so that the page shows final results."""


class FixlipHTMLExporter(HTMLExporter):
    """HTML exporter whose explanations stay interactive without a kernel or a network."""

    export_from_notebook = "HTML with live explanations"  # type: ignore[assignment]

    def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> tuple[str, dict[str, Any]]:
        text, resources = super().from_notebook_node(nb, resources, **kw)
        return _EMPTY_SCRIPT.sub("", text), resources

    def _preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        settle_cell = nbformat.v4.new_code_cell(_SETTLE)  # pyright: ignore[reportUnknownMemberType]
        executes = any(type(each).__name__ == "ExecutePreprocessor" and each.enabled for each in self._preprocessors)
        if executes and _is_python(nb):
            nb = nbformat.from_dict({**nb, "cells": [*nb.cells, settle_cell]})
        nb, resources = super()._preprocess(nb, resources)
        if executes:
            nb.cells = [cell for cell in nb.cells if cell.get("id") != settle_cell.id]
        enliven(nb)
        if not _has_mathematics(nb):
            resources["mathjax_url"] = ""
        if not _has_scripts(nb):
            resources["require_js_url"] = ""
        return nb, resources


def enliven(nb: Any) -> None:
    """Replace each FixlipWidget by its live page, and remove the widget state that only it used.

    A box of widgets keeps only its FixlipWidgets, one below the other: other widgets do not work without a kernel.
    """
    holder = nb.metadata.get("widgets", {}).get(WIDGET_STATE, {})
    restored = restore(holder.get("state", {}))
    first = True
    for cell in nb.cells:
        outputs: list[Any] = []
        for output in cell.get("outputs", ()):
            ours = restored.within(output.get("data", {}).get(WIDGET_VIEW, {}).get("model_id"))
            if ours:
                before, first = (view(gallery=restored.has_gallery) if first else ""), False
                outputs.append(_as_html(output, before + "".join(map(frame, ours))))
            elif still_of(output) not in restored.widgets:
                outputs.append(output)
        if "outputs" in cell:
            cell.outputs = outputs
    for name in restored.parts:
        holder["state"].pop(name, None)
    if not any(WIDGET_VIEW in output.get("data", {}) for cell in nb.cells for output in cell.get("outputs", ())):
        nb.metadata.pop("widgets", None)


def _as_html(output: Any, html: str) -> Any:
    output.data = nbformat.from_dict({"text/html": html})
    output.metadata = nbformat.from_dict({})
    return output


def _is_python(nb: Any) -> bool:
    spec = nb.metadata.get("kernelspec", {})
    return spec.get("language", "python") == "python"


def _has_mathematics(nb: Any) -> bool:
    texts = (cell.source for cell in nb.cells if cell.cell_type == "markdown")
    return any(_MATH.search(text) for text in texts) or any("text/latex" in data for data in _data(nb))


def _has_scripts(nb: Any) -> bool:
    """Return whether an output may call require.js: a script, markup that refers to it, or another widget."""
    for data in _data(nb):
        html = "".join(data.get("text/html", ""))
        if "application/javascript" in data or WIDGET_VIEW in data or re.search(r"\brequire(js)?\s*[(.]", html):
            return True
    return False


def _data(nb: Any) -> list[Any]:
    return [output["data"] for cell in nb.cells for output in cell.get("outputs", ()) if "data" in output]
