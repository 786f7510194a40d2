"""The quickstart, opened and run as a newcomer would."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.lab import REPOSITORY, Lab, OpenNotebook
from tests.e2e.test_widget import assert_shows_what_python_holds, view_of
from tests.e2e.view import WAIT


def test_quickstart_runs_and_shows_the_explanation(lab: Lab, open_file: Callable[[str], OpenNotebook]):
    shutil.copy(REPOSITORY / "notebooks" / "01_quickstart.ipynb", lab.folder)
    notebook = open_file("01_quickstart.ipynb")
    view = view_of(notebook)
    view.wait()
    notebook.page.locator(".jp-Notebook-cell", has_text="strongest at row").first.wait_for(timeout=WAIT)
    expect(notebook.page.locator("[data-mime-type='application/vnd.jupyter.error']")).to_have_count(0)
    expect(view.root.locator(".fx-patch")).to_have_count(64)
    expect(view.root.locator(".fx-chip")).to_have_text(["a¹", "dog", "next", "to", "a²", "banana"])
    assert view.says("level") == "simple"
    expect(view.root.locator(".fx-views, [data-panel]")).to_have_count(0)
    expect(view.root.locator(".fx-trust-word")).to_contain_text(notebook.evaluate("widget.result['trust']['word']"))
    view.show_all()
    assert notebook.evaluate("widget.level") == "all"
    assert_shows_what_python_holds(notebook, view)
