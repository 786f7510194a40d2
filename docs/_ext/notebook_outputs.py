"""Outputs of notebooks that MyST-NB leaves out or shows badly: Plotly's figures, and erased progress bars.

Figures are drawn by Plotly's cartesian bundle, which the front end's npm packages contain, without a network.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.core.render import NbElementRenderer
from sphinx.application import Sphinx

from hatch_build import FrontEnd

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "js" / "node_modules" / "plotly.js" / "dist" / "plotly-cartesian.min.js"
PLOTLY = "application/vnd.plotly.v1+json"
SCRIPT = """
<div class="plotly-figure"></div>
<script type="application/json">{figure}</script>
<script>
(({{ previousElementSibling: data }}) => addEventListener("DOMContentLoaded", () => {{
  const {{ data: traces, layout }} = JSON.parse(data.textContent);
  const figure = data.previousElementSibling;
  figure.style.height = `${{layout.height ?? 450}}px`;
  Plotly.newPlot(figure, traces, {{ ...layout, autosize: true }}, {{ responsive: true }});
}}))(document.currentScript);
</script>
"""


class Renderer(NbElementRenderer):
    """MyST-NB's renderer, with Plotly's figures and without empty outputs."""

    def render_unhandled(self, data: Any) -> list[nodes.Element]:
        """Draw a Plotly figure; leave out other types, with a warning."""
        if data.mime_type != PLOTLY:
            return super().render_unhandled(data)
        self.add_js_file("plotly", "plotly-cartesian.min.js", {})
        figure = json.dumps(data.content).replace("<", r"\u003c")
        return [nodes.raw("", SCRIPT.format(figure=figure), format="html")]

    def render_text_plain(self, data: Any) -> list[nodes.Element]:
        """Leave out what a closed progress bar leaves behind."""
        return super().render_text_plain(data) if data.string.strip() else []


def copy_bundle(app: Sphinx) -> None:
    """Put Plotly's bundle among the static files."""
    if not BUNDLE.is_file():
        FrontEnd(ROOT).npm("--version")  # installs the packages first
    static = Path(app.outdir) / "_static"
    static.mkdir(parents=True, exist_ok=True)
    shutil.copy(BUNDLE, static)


def setup(app: Sphinx) -> dict[str, bool]:
    """Replace MyST-NB's renderer; another one could only be registered by an installed package."""
    import myst_nb.sphinx_

    myst_nb.sphinx_.load_renderer = lambda name: Renderer
    app.connect("builder-inited", copy_bundle)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
