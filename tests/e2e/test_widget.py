"""The widget as a person has it: in JupyterLab, on a kernel, in a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.e2e.lab import OpenNotebook
from tests.e2e.view import WAIT, View

Open = Callable[..., OpenNotebook]
SCENE = """
import fixlip_widgets as fx
scene = fx.demo.scene("dog_and_banana")
widget = fx.FixlipWidget(scene.image, scene.caption, budget=2**{exponent}, level="all")
"""
SMALL = SCENE.format(exponent=10)
LARGE = SCENE.format(exponent=22)
NOTHING_AHEAD = SMALL.replace("budget=", "idle_share=0, budget=")
# The view gets float32.
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def view_of(notebook: OpenNotebook, number: int = 0) -> View:
    view = View(notebook.page, notebook.widgets().nth(number))
    view.root.wait_for(timeout=WAIT)
    return view


def python_values(notebook: OpenNotebook, player: int | None = None) -> np.ndarray[Any, Any]:
    what = "main" if player is None else f"condition_on({player})"
    return np.array(notebook.evaluate(f"widget.explanation.{what}"))


def python_edges(notebook: OpenNotebook) -> dict[tuple[int, int], float]:
    graph = "widget.explanation.to_networkx(top_k=widget.top_k, kind=widget.graph_kind)"
    rows = notebook.evaluate(f"list({graph}.edges(data='weight'))")
    return {(min(i, j), max(i, j)): value for i, j, value in rows}


def assert_shows_what_python_holds(notebook: OpenNotebook, view: View) -> None:
    """Picture, tokens, graph and heatmap; leaves the graph's tab open."""
    np.testing.assert_allclose(view.values(), python_values(notebook), **CLOSE)
    assert view.edges() == pytest.approx(python_edges(notebook), rel=1e-5, abs=1e-6)
    view.show("heatmap")
    view.root.locator(".fx-heatmap.js-plotly-plot").wait_for(timeout=WAIT)
    np.testing.assert_allclose(view.heatmap(), notebook.evaluate("widget.explanation.cross"), **CLOSE)
    view.show("graph")
    view.root.locator(".fx-edge").first.wait_for(state="attached")


def test_dragging_p_and_budget_shows_what_python_then_holds(open_notebook: Open):
    notebook = open_notebook(SMALL, "widget")
    view = view_of(notebook)
    view.wait()
    assert_shows_what_python_holds(notebook, view)
    before = view.values()

    view.drag("p", 0.7)
    expect(view.root).to_have_attribute("data-result-p", "0.7", timeout=WAIT)
    view.wait()
    assert notebook.evaluate("[widget.p, widget.explanation.p]") == [0.7, 0.7]
    assert_shows_what_python_holds(notebook, view)
    moved = view.values()
    assert not np.allclose(moved, before, **CLOSE)

    view.drag("budget", 12)
    expect(view.root).to_have_attribute("data-budget", str(2**12))
    view.wait()
    assert notebook.evaluate("widget.budget") == 2**12
    assert_shows_what_python_holds(notebook, view)
    assert not np.allclose(view.values(), moved, **CLOSE)


def test_more_edges_are_drawn_when_the_top_slider_is_dragged(open_notebook: Open):
    notebook = open_notebook(SMALL, "widget")
    view = view_of(notebook)
    view.wait()
    few = view.edges()
    view.drag("top", 40)
    chosen = int(view.says("top-k"))
    expect(view.root.locator(".fx-edge")).to_have_count(chosen, timeout=WAIT)
    assert notebook.evaluate("widget.top_k") == chosen
    assert view.edges() == pytest.approx(python_edges(notebook), rel=1e-5, abs=1e-6)
    assert set(few) < set(view.edges())


def test_pointing_at_a_token_or_patch_colours_everything_by_its_interactions(open_notebook: Open):
    notebook = open_notebook(SMALL, "widget")
    view = view_of(notebook)
    view.wait()
    dog = notebook.evaluate("widget.explanation.player('dog')")
    plain = view.paint()
    view.chip(dog).hover()
    expect(view.chip(dog)).to_have_attribute("data-active", "true")
    np.testing.assert_allclose(view.values(), python_values(notebook, dog), **CLOSE)
    assert view.paint() != plain
    view.patch(20).hover()
    expect(view.patch(20)).to_have_attribute("data-active", "true")
    np.testing.assert_allclose(view.values(), python_values(notebook, 20), **CLOSE)
    notebook.page.mouse.move(0, 0)
    expect(view.patch(20)).to_have_attribute("data-active", "false")
    np.testing.assert_allclose(view.values(), python_values(notebook), **CLOSE)
    assert view.paint() == plain


def test_keyboard_alone_reaches_a_token_colours_by_it_and_selects_it(open_notebook: Open):
    notebook = open_notebook(SMALL, "widget")
    view = view_of(notebook)
    view.wait()
    first, second = notebook.evaluate("[widget.explanation.n_image, widget.explanation.n_image + 1]")
    view.slider("budget").focus()
    for _ in range(20):
        notebook.page.keyboard.press("Tab")
        if view.chip(first).evaluate("chip => chip === document.activeElement"):
            break
    np.testing.assert_allclose(view.values(), python_values(notebook, first), **CLOSE)
    notebook.page.keyboard.press("ArrowRight")
    expect(view.chip(second)).to_be_focused()
    np.testing.assert_allclose(view.values(), python_values(notebook, second), **CLOSE)
    notebook.page.keyboard.press("Enter")
    expect(view.root).to_have_attribute("data-selection", str(second))
    expect(view.chip(second)).to_have_attribute("aria-pressed", "true")
    assert notebook.evaluate("widget.selection") == [second]
    notebook.page.keyboard.press("Escape")
    expect(view.root).to_have_attribute("data-selection", "")


def test_jupyterlab_keeps_its_shortcuts_while_a_token_has_the_focus(open_notebook: Open):
    notebook = open_notebook(SMALL, "widget")
    view = view_of(notebook)
    view.wait()
    notebook.execute("widget.text = 'a dog'")
    view.wait()
    view.chip(notebook.evaluate("widget.explanation.n_image")).focus()
    unsaved = notebook.page.locator(".lm-TabBar-tab.jp-mod-current.jp-mod-dirty")
    expect(unsaved).to_have_count(1)
    notebook.page.keyboard.press("Control+s")
    expect(unsaved).to_have_count(0)


def test_cancel_keeps_the_partial_result(open_notebook: Open):
    notebook = open_notebook(LARGE, "widget")
    view = view_of(notebook)
    expect(view.root).to_have_attribute("data-partial", "true", timeout=WAIT)
    expect(view.root).to_have_attribute("data-status", "running")
    view.press("cancel", no_wait_after=True)
    view.wait("cancelled")
    reached = int(view.says("result-budget"))
    assert 0 < reached < 2**22
    encoded = notebook.evaluate("[widget.wait(5), widget.explanation.image_encodes]")
    assert reached == notebook.evaluate("widget.explanation.budget")
    assert notebook.evaluate("[widget.wait(5), widget.explanation.image_encodes]") == encoded
    assert_shows_what_python_holds(notebook, view)


def test_two_views_of_a_widget_agree(open_notebook: Open):
    notebook = open_notebook(SMALL, "widget", "widget")
    one, other = view_of(notebook, 0), view_of(notebook, 1)
    one.wait()
    one.drag("p", 0.3)
    expect(other.root).to_have_attribute("data-result-p", "0.3", timeout=WAIT)
    other.wait()
    one.wait()
    assert one.values() == other.values()
    assert one.edges() == other.edges()
    other.patch(9).click()
    expect(one.root).to_have_attribute("data-selection", "9")
    notebook.page.mouse.move(0, 0)
    assert one.values() == other.values()
    np.testing.assert_allclose(one.values(), python_values(notebook, 9), **CLOSE)


def test_a_setting_made_in_python_shows_in_the_view(open_notebook: Open):
    notebook = open_notebook(SMALL, "widget")
    view = view_of(notebook)
    view.wait()
    notebook.execute("widget.p = 0.35")
    expect(view.root).to_have_attribute("data-result-p", "0.35", timeout=WAIT)
    view.wait()
    assert_shows_what_python_holds(notebook, view)


def test_a_caption_edited_in_the_view_is_explained_without_encoding_an_image_again(open_notebook: Open):
    notebook = open_notebook(NOTHING_AHEAD, "widget")
    view = view_of(notebook)
    view.wait()
    images = notebook.evaluate("widget.explanation.image_encodes")
    view.root.get_by_role("button", name="Edit the caption").click()
    view.root.get_by_role("textbox", name="Caption").fill("a cat next to a banana")
    view.press("apply-caption")
    expect(view.root.locator(".fx-chip")).to_contain_text(["cat"], timeout=WAIT)
    view.wait()
    assert notebook.evaluate("[widget.text, widget.explanation.image_encodes]") == ["a cat next to a banana", images]
    assert_shows_what_python_holds(notebook, view)


def test_a_caption_that_is_too_long_is_refused_with_a_sentence_and_the_result_stays(open_notebook: Open):
    notebook = open_notebook(SMALL, "widget")
    view = view_of(notebook)
    view.wait()
    before = view.values()
    view.root.get_by_role("button", name="Edit the caption").click()
    view.root.get_by_role("textbox", name="Caption").fill("banana " * 200)
    view.press("apply-caption")
    expect(view.notice("refusal")).to_be_visible(timeout=WAIT)
    assert notebook.evaluate("[widget.text, widget.status]") == ["a dog next to a banana", "done"]
    view.press("keep-caption")
    expect(view.notice("refusal")).to_have_count(0)
    assert view.values() == before


def test_a_removed_view_leaves_nothing_behind(open_notebook: Open):
    notebook = open_notebook(SMALL, "widget")
    view = view_of(notebook)
    view.wait()
    view.show("heatmap")
    view.root.locator(".fx-heatmap.js-plotly-plot").wait_for(timeout=WAIT)
    notebook.command("notebook:clear-all-cell-outputs")
    expect(notebook.widgets()).to_have_count(0)
    notebook.execute("widget.p = 0.6")
    assert notebook.evaluate("[widget.wait(60), widget.explanation.p]") == [True, 0.6]
    notebook.run_all()
    view_of(notebook).wait()


def test_the_view_follows_jupyterlabs_theme(open_notebook: Open):
    notebook = open_notebook(SMALL, "widget")
    view = view_of(notebook)
    view.wait()
    notebook.command("apputils:change-theme", {"theme": "JupyterLab Light"})  # the server remembers others' choice
    expect(view.root).to_have_attribute("data-theme", "light", timeout=WAIT)
    notebook.command("apputils:change-theme", {"theme": "JupyterLab Dark"})
    expect(view.root).to_have_attribute("data-theme", "dark", timeout=WAIT)
    notebook.command("apputils:change-theme", {"theme": "JupyterLab Light"})
    expect(view.root).to_have_attribute("data-theme", "light", timeout=WAIT)
