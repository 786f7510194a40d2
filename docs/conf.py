"""Sphinx configuration of the site; ``make docs`` builds it, without a network."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from fixlip_widgets import __version__

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE / "_ext"), str(ROOT)]
# Plotly's other renderers put the whole library into a page, or load it from the network.
os.environ["PLOTLY_RENDERER"] = "plotly_mimetype"


def package_hash() -> str:
    """Return a hash of the package's sources, on which the outputs of the notebooks depend."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "fixlip_widgets").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


project = "fixlip_widgets"
author = "the fixlip_widgets developers"
version = release = __version__
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
    "command_help",
    "mathml",
    "notebook_outputs",
]
# Inventories of the few classes that docstrings name are in the repository, so that the site builds without a network.
intersphinx_mapping = {
    name: (url, f"inventories/{name}.inv")
    for name, url in {
        "datasets": "https://huggingface.co/docs/datasets",
        "networkx": "https://networkx.org/documentation/stable",
        "pandas": "https://pandas.pydata.org/docs",
        "pillow": "https://pillow.readthedocs.io/en/stable",
        "plotly": "https://plotly.com/python-api-reference",
        "torch": "https://docs.pytorch.org/docs/stable",
    }.items()
}
exclude_patterns = ["_ext", "notebooks/images", "notebooks/index.ipynb", "**/.ipynb_checkpoints"]

# The sources have typographic quotes and dashes already; options such as --json keep their hyphens.
smartquotes = False

html_theme = "furo"
html_title = "fixlip_widgets"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
# Summaries of results are fetched, which browsers refuse for pages opened from disk.
html_show_search_summary = False
html_math_renderer = "mathml"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#a3003c", "color-brand-content": "#a3003c"},
    "dark_css_variables": {"color-brand-primary": "#ff7fa6", "color-brand-content": "#ff7fa6"},
}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

autodoc_member_order = "bysource"
# Docstrings state types and shapes in words; hints such as ndarray[tuple[Any, ...], dtype[float64]] say less.
autodoc_typehints = "none"
python_maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "notebooks" / package_hash())
nb_execution_raise_on_error = True
nb_execution_timeout = 1800
# Live widgets are rendered by fixlip_widgets.pages.myst_nb_renderer; nothing is loaded from a content delivery network.
nb_ipywidgets_js = {}
nb_mime_priority_overrides = [("html", "application/vnd.plotly.v1+json", 5)]
nb_merge_streams = True
copybutton_prompt_text = ">>> "
copybutton_exclude = ".linenos, .gp, .go"
