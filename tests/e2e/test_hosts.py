"""The widget in notebooks other than JupyterLab: it appears, answers, and asks nobody but the notebook's server."""

from __future__ import annotations

import re
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import WINDOW
from tests.e2e.lab import Lab, OpenNotebook, free_port, running_lab, served
from tests.e2e.test_widget import CLOSE, SMALL, assert_shows_what_python_holds, view_of
from tests.e2e.view import WAIT, View

MARIMO = """\
import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo
    import fixlip_widgets as fx

    scene = fx.demo.scene("dog_and_banana")
    element = mo.ui.anywidget(fx.FixlipWidget(scene.image, scene.caption, budget=2**10, level="all"))
    element
    return element, mo


@app.cell
def _(element, mo):
    mo.md(f"p is {element.value['p']}")
    return


if __name__ == "__main__":
    app.run()
"""


def elsewhere(requests: list[str], port: int) -> list[str]:
    """Those of the requests that left the page and its server."""
    inside = ("data:", "blob:", "about:", f"http://127.0.0.1:{port}/", f"ws://127.0.0.1:{port}/")
    return [url for url in requests if not url.startswith(inside)]


def test_notebook_7_shows_the_widget_and_follows_its_slider(browser: Browser, lab: Lab, tmp_path: Path):
    kernels = Path("home", "data", "kernels")
    shutil.copytree(lab.folder.parent / kernels, tmp_path / kernels)  # JupyterLab's, which start fast
    with running_lab(tmp_path, "notebook", "notebooks", lab.kernel) as server:
        notebook = OpenNotebook(server, browser.new_page(viewport=WINDOW), server.write("small.ipynb", SMALL, "widget"))
        # Notebook 7.6 has an uncaught error of its own ("reading 'schema'") when it opens any notebook.
        before_the_widget = len(notebook.complaints)
        notebook.run_all()
        view = view_of(notebook)
        view.wait()
        before = view.values()
        view.drag("p", 0.7)
        expect(view.root).to_have_attribute("data-result-p", "0.7", timeout=WAIT)
        view.wait()
        assert not np.allclose(view.values(), before, **CLOSE)
        assert_shows_what_python_holds(notebook, view)
        notebook.close()
    assert (notebook.complaints[before_the_widget:], elsewhere(notebook.requests, server.port)) == ([], [])


@contextmanager
def opened_in_marimo(browser: Browser, folder: Path, complaints: list[str], theme: str = "light") -> Iterator[Page]:
    """marimo's editor on one notebook; what the console and the network had to complain about is noted."""
    port = free_port()
    (folder / "work").mkdir()
    (folder / "work" / "small.py").write_text(MARIMO)
    settings = f'[tool.marimo]\nruntime.auto_instantiate = true\ndisplay.theme = "{theme}"\n'
    (folder / "work" / "pyproject.toml").write_text(settings)
    command = [sys.executable, "-m", "marimo", "--quiet", "edit", "small.py", "--headless", "--no-token"]
    address, requests = f"http://127.0.0.1:{port}", []
    with served([*command, f"--port={port}"], folder, lambda: urllib.request.urlopen(f"{address}/health").close()):
        page = browser.new_page(viewport=WINDOW)
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
        page.goto(address)
        yield page
        page.close()
    complaints += elsewhere(requests, port)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marimo_shows_the_widget_and_its_heatmap_and_follows_its_slider(browser: Browser, tmp_path: Path, theme: str):
    complaints: list[str] = []
    with opened_in_marimo(browser, tmp_path, complaints, theme) as page:
        view = View(page, page.locator(".fixlip"))
        view.root.wait_for(timeout=WAIT)
        view.wait()
        expect(view.root).to_have_attribute("data-theme", theme)
        before = view.values()
        expect(view.root).to_have_css("border-radius", "12px")
        view.drag("p", 0.7)
        expect(view.root).to_have_attribute("data-result-p", "0.7", timeout=WAIT)
        view.wait()
        assert not np.allclose(view.values(), before, **CLOSE)
        expect(page.get_by_text("p is 0.7")).to_be_visible()
        assert_draws_a_heatmap(view)
    assert complaints == []


def assert_draws_a_heatmap(view: View) -> None:
    """Plotly has its own style sheet and answers the pointer, also in the shadow root of a host."""
    view.show("heatmap")
    plot = view.root.locator(".fx-heatmap.js-plotly-plot")
    plot.wait_for(timeout=WAIT)
    assert np.shape(view.heatmap()) == (6, 64)
    expect(plot.locator(".modebar")).to_have_css("position", "absolute")
    cells = plot.locator(".nsewdrag").first
    cells.hover()
    expect(plot.locator(".hoverlayer .hovertext")).to_contain_text(re.compile(r"patch \(\d, \d\)"))
    cells.click()
    expect(view.root).to_have_attribute("data-selection", re.compile(r"^\d+ \d+$"))
