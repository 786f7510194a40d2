"""A saved notebook that is opened again and not run shows the still form, or the whole view if it has its state."""

from __future__ import annotations

import nbformat
from ipywidgets.embed import embed_data
from nbformat.sign import NotebookNotary
from playwright.sync_api import Browser, expect

from fixlip_widgets import FixlipWidget
from tests.e2e.lab import SECONDS, Lab, OpenNotebook
from tests.examples import dog_and_hydrant

CELLS = (
    "import fixlip_widgets as fx\nscene = fx.demo.scene('guitar')\n"
    "widget = fx.FixlipWidget(scene.image, scene.caption, budget=2**9, idle_share=0)\nwidget",
    "widget.wait()\nprint('done')",
)
WAIT = SECONDS * 1000


def test_a_reopened_notebook_shows_the_still_form(lab: Lab, browser: Browser):
    name = lab.write("reopened.ipynb", *CELLS)
    notebook = OpenNotebook(lab, browser.new_page(), name)
    notebook.run_all()
    expect(notebook.widgets().first).to_have_attribute("data-status", "done", timeout=WAIT)
    expect(notebook.page.locator(".fixlip-still")).to_be_hidden(timeout=WAIT)
    notebook.command("docmanager:save")
    notebook.close()

    again = OpenNotebook(lab, browser.new_page(), name)
    still = again.page.locator(".fixlip-still")
    expect(still).to_be_visible(timeout=WAIT)
    expect(still.locator("svg").nth(1)).to_be_visible()
    assert still.locator("tbody tr").count() == 10
    assert "512 evaluations" in still.inner_text()
    expect(again.page.get_by_text("Error displaying widget")).to_be_hidden()
    expect(again.widgets()).to_have_count(0)
    again.close()


def test_a_saved_state_shows_the_whole_view_without_its_kernel(lab: Lab, browser: Browser):
    widget = FixlipWidget.from_explanation(dog_and_hydrant())
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    output = nbformat.v4.new_output("display_data", {"application/vnd.jupyter.widget-view+json": view})
    name = lab.write("saved_state.ipynb", "widget")
    notebook = nbformat.read(lab.folder / name, as_version=4)
    notebook.cells[0].outputs = [output]
    state = embed_data(widget, drop_defaults=False)["manager_state"]
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    nbformat.write(notebook, lab.folder / name)
    NotebookNotary(data_dir=str(lab.folder.parent / "home" / "data")).sign(notebook)
    widget.close()

    opened = OpenNotebook(lab, browser.new_page(), name)
    root = opened.widgets().first
    root.wait_for(timeout=WAIT)
    root.locator("[data-action=level]").click()
    expect(root.get_by_role("tab")).to_have_count(5)
    root.locator("[data-view=table]").click()
    expect(root.locator(".fx-panel tbody tr").first).to_be_visible()
    assert opened.complaints == []
    opened.close()
