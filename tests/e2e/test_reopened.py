"""A saved notebook that is opened again and not run shows the still form, and no error in its place."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.e2e.lab import SECONDS, Lab, OpenNotebook

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
