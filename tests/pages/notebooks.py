"""A notebook with two widgets, executed once for all tests that look at what becomes of it."""

from __future__ import annotations

from functools import cache
from typing import Any

import nbformat
from nbclient import NotebookClient

CELLS = (
    "import fixlip_widgets as fx\n"
    "scene = fx.demo.scene('guitar')\n"
    "widget = fx.FixlipWidget(scene.image, scene.caption, budget=2**9, idle_share=0, top_k=7)\n"
    "widget",
    "widget.wait()\nmeasures = widget.measure()\nprint('hello', '<world>')\nwidget.explanation.main.tolist()",
    "other = fx.FixlipWidget(scene.image, 'a banana', budget=2**9, idle_share=0)\n"
    "other.wait()\n"
    "other.keep(p=[0.3, 0.7], progress=False)\n"
    "other",
)


def fresh() -> Any:
    """The notebook before it is run."""
    cells = [nbformat.v4.new_markdown_cell("# A *title*"), *map(nbformat.v4.new_code_cell, CELLS)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


@cache
def executed() -> Any:
    """The notebook after it was run, its widgets' state included; not to be changed."""
    notebook = fresh()
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return notebook
