"""What a person asks of an explanation, from the gesture in JupyterLab to the kernel's answer on the screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.lab import OpenNotebook
from tests.e2e.test_accessibility import PANELS, VIEWS, still, violations
from tests.e2e.test_widget import CLOSE, SCENE, SMALL, assert_shows_what_python_holds, python_values, view_of
from tests.e2e.view import WAIT, View

Open = Callable[..., OpenNotebook]
# A number is rounded to two digits after the point below 10, and to one from there on.
ROUNDED = 0.051
# Below, there are hardly more masks than unknowns, and sums have no standard error.
ENOUGH = SCENE.format(exponent=12)


def numbers(text: str) -> list[float]:
    """Every number in a text as the view writes it."""
    return [float(number.replace("−", "-")) for number in re.findall(r"[−+]?\d+(?:\.\d+)?", text)]


def shown(open_notebook: Open, source: str = SMALL) -> tuple[OpenNotebook, View]:
    notebook = open_notebook(source, "widget")
    view = view_of(notebook)
    view.wait()
    return notebook, view


def open_panel(view: View, name: str) -> None:
    view.root.locator(f"[data-panel={name}]").click()


def text_of(part: Locator) -> str:
    return part.inner_text(timeout=WAIT)


def test_two_selected_words_tell_their_sum_with_its_standard_error(open_notebook: Open):
    notebook, view = shown(open_notebook, ENOUGH)
    dog, banana = notebook.evaluate("[widget.explanation.player(name) for name in ('dog', 'banana')]")
    view.chip(dog).click()
    view.chip(banana).click(modifiers=["Shift"])
    notebook.page.mouse.move(0, 0)
    expect(view.root).to_have_attribute("data-selection", f"{dog} {banana}")
    total = view.root.locator("[data-group=total]")
    expect(total).to_contain_text("±", timeout=WAIT)
    group = f"widget.resting_explainer().group([{dog}, {banana}], widget.explanation)"
    expected = notebook.evaluate(f"(lambda group: [group.total, group.total_se])({group})")
    assert numbers(text_of(total)) == pytest.approx(expected, abs=ROUNDED)
    np.testing.assert_allclose(view.values()[0], notebook.evaluate(f"{group}.values[0]"), **CLOSE)


def test_a_hidden_patch_shows_the_models_value_beside_the_prediction(open_notebook: Open):
    notebook, view = shown(open_notebook)
    view.press("hide")
    view.patch(27).click()
    expect(view.patch(27)).to_have_attribute("data-removed", "true")
    expect(view.root.locator(".fx-values [role=status]")).to_contain_text("Error of the prediction", timeout=WAIT)
    notebook.execute("mask = __import__('numpy').ones((1, widget.explanation.n_players), bool); mask[0, 27] = False")
    game = "widget.resting_explainer().game"
    expected = notebook.evaluate(f"[float({game}.value(mask)[0]), float(widget.explanation.predict(mask)[0])]")
    told = [numbers(text)[0] for text in view.root.locator(".fx-value b").all_inner_texts()]
    assert told == pytest.approx(expected, abs=ROUNDED)


def test_what_p_changed_is_shown_as_the_difference_to_what_was_pinned(open_notebook: Open):
    notebook, view = shown(open_notebook)
    notebook.execute("pinned = widget.explanation")
    view.press("pin")
    view.drag("p", 0.7)
    expect(view.root).to_have_attribute("data-result-p", "0.7", timeout=WAIT)
    view.wait()
    view.root.locator("[data-choice=difference]").click()
    expect(view.root).to_have_attribute("data-shown", "difference", timeout=WAIT)
    changed = "(widget.explanation.{0} - pinned.{0})"
    np.testing.assert_allclose(view.values(), notebook.evaluate(changed.format("main")), **CLOSE)
    view.show("heatmap")
    view.root.locator(".fx-heatmap.js-plotly-plot").wait_for(timeout=WAIT)
    np.testing.assert_allclose(view.heatmap(), notebook.evaluate(changed.format("cross")), **CLOSE)
    view.root.locator("[data-choice=pinned]").click()
    expect(view.root).to_have_attribute("data-shown", "pinned", timeout=WAIT)
    np.testing.assert_allclose(view.values(), notebook.evaluate("pinned.main"), **CLOSE)


def test_a_method_of_first_order_says_that_it_has_no_interactions(open_notebook: Open):
    notebook, view = shown(open_notebook)
    open_panel(view, "settings")
    view.root.locator("[data-setting=method]").select_option("grad_eclip")
    expect(view.root.locator(".fx-first-order")).to_contain_text("has no interactions", timeout=WAIT)
    view.wait()
    assert notebook.evaluate("[widget.method, widget.order]") == ["grad_eclip", 1]
    assert not notebook.evaluate("widget.explanation.has_interactions")
    np.testing.assert_allclose(view.values(), python_values(notebook), **CLOSE)


def test_measuring_shows_the_metrics_own_numbers_and_keeps_them_beside_another_methods(open_notebook: Open):
    notebook, view = shown(open_notebook)
    open_panel(view, "faithfulness")
    expect(view.root.locator(".fx-measure")).to_contain_text("250 new masks", timeout=WAIT)
    view.press("measure")
    scores = view.root.locator(".fx-scores tbody[data-current=true]")
    expect(scores.locator("td b")).to_have_count(4, timeout=WAIT)
    game = "widget.resting_explainer().game"
    expected = notebook.evaluate(
        f"[fx.metrics.insertion_deletion({game}, widget.explanation).aid,"
        f" *(fx.metrics.faithfulness({game}, widget.explanation, p, 250).spearman for p in (0.3, 0.5, 0.7))]"
    )
    told = [numbers(text)[0] for text in scores.locator("td b").all_inner_texts()]
    assert told == pytest.approx(expected, abs=ROUNDED)
    assert len(view.root.locator(".fx-front polyline").first.get_attribute("points").split()) == 51

    open_panel(view, "settings")
    view.root.locator("[data-setting=method]").select_option("grad_eclip")
    view.wait()
    open_panel(view, "faithfulness")
    view.press("measure")
    expect(view.root.locator(".fx-scores tbody[data-method=grad_eclip][data-current=true]")).to_be_visible(timeout=WAIT)
    expect(view.root.locator(".fx-other")).to_have_count(1)
    expect(view.root.locator(".fx-measured")).to_contain_text("R² is not meaningful for Grad-ECLIP")
    measured = notebook.evaluate("[(each['method'], each['aid']) for each in widget.measured]")
    assert measured == [["banzhaf", pytest.approx(expected[0])], ["grad_eclip", pytest.approx(measured[1][1])]]


def test_undo_brings_p_back(open_notebook: Open):
    notebook, view = shown(open_notebook)
    view.drag("p", 0.3)
    expect(view.root).to_have_attribute("data-result-p", "0.3", timeout=WAIT)
    view.press("undo")
    expect(view.root).to_have_attribute("data-result-p", "0.5", timeout=WAIT)
    view.wait()
    assert notebook.evaluate("widget.p") == 0.5
    np.testing.assert_allclose(view.values(), python_values(notebook), **CLOSE)


def test_the_code_that_is_copied_is_the_code_that_python_gives(open_notebook: Open):
    notebook, view = shown(open_notebook)
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    view.press("copy-code")
    expect(view.root.locator("[data-action=copy-code]")).to_have_text("Copied")
    code = notebook.page.evaluate("navigator.clipboard.readText()")
    assert "fixlip_widgets" in code
    assert code == notebook.evaluate("widget.code")


# Each is let go of at once, so that each is committed.
MOVES = """async ([slider, values]) => {
    for (const value of values) {
        slider.value = value;
        slider.dispatchEvent(new Event('input', {bubbles: true}));
        await new Promise(done => setTimeout(done, 10));
        slider.dispatchEvent(new PointerEvent('pointerup', {bubbles: true}));
        await new Promise(done => setTimeout(done, 10));
    }
}"""


def test_a_hundred_moves_leave_kernel_and_view_in_the_last_state(open_notebook: Open):
    notebook, view = shown(open_notebook)
    values = [round(0.1 + 0.05 * (move * 7 % 16), 2) for move in range(100)]
    notebook.page.evaluate(MOVES, [view.slider("p").element_handle(), values])
    expect(view.root).to_have_attribute("data-result-p", str(values[-1]), timeout=WAIT)
    view.wait()
    assert view.says("p") == str(values[-1])
    assert notebook.evaluate("[widget.wait(60), widget.p, widget.explanation.p]") == [True, values[-1], values[-1]]
    assert int(view.says("generation")) == notebook.evaluate("widget.generation")
    assert_shows_what_python_holds(notebook, view)


LOADED = """() => ({
    modules: globalThis[Symbol.for('fixlip_widgets.modules.2')].size,
    sheets: document.adoptedStyleSheets
        .filter(({cssRules}) => [...cssRules].some(rule => rule.cssText.includes('.fx-patch'))).length,
    carried: [...document.querySelectorAll('style')].filter(style => style.textContent.includes('.fx-patch')).length,
})"""


def test_two_widgets_load_the_front_end_once(open_notebook: Open):
    other = "other = fx.FixlipWidget(scene.image, 'a dog', budget=2**9)\nother"
    notebook = open_notebook(SMALL, "widget", other)
    for number in range(2):
        view_of(notebook, number).wait()
    assert notebook.page.evaluate(LOADED) == {"modules": 1, "sheets": 1, "carried": 0}
    assert notebook.evaluate("widget.bundle is other.bundle")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_nothing_in_jupyterlab(open_notebook: Open, theme: str):
    notebook, view = shown(open_notebook)
    notebook.command("apputils:change-theme", {"theme": f"JupyterLab {theme}"})
    expect(view.root).to_have_attribute("data-theme", theme.lower(), timeout=WAIT)
    still(notebook.page)
    found: dict[str, Any] = {"first look": violations(notebook.page)}
    for panel in PANELS:
        open_panel(view, panel)
        found[panel] = violations(notebook.page)
    view.press("provenance")
    for name in VIEWS:
        view.show(name)
        expect(view.root.locator(f"[data-view={name}]")).to_have_attribute("aria-selected", "true")
        found[name] = violations(notebook.page)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
