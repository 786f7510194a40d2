"""Maps and heatmap of a saved page: the browser paints and reads out Python's interactions, and a click selects."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

import fixlip_widgets as fx
from fixlip_widgets.pages import Recording
from tests.e2e.view import View
from tests.examples import dog_and_hydrant

STRONGEST = 0.82
"""Opacity of the strongest colour, as in js/src/views/maps/cells.ts."""
PIXELS = """(maps, places) => maps.map(map => {
    const canvas = map.querySelector('canvas');
    const context = canvas.getContext('2d');
    return places.map(([x, y]) => [...context.getImageData(x * canvas.width, y * canvas.height, 1, 1).data]);
})"""


@pytest.fixture
def page(browser: Browser):
    context = browser.new_context(viewport={"width": 1280, "height": 1400}, offline=True)
    yield context.new_page()
    context.close()


def opened(page: Page, explanation: fx.Explanation, path: Path, name: str = "maps") -> View:
    explanation.to_html(path)
    page.goto(path.as_uri())
    expect(page.locator(".fixlip")).to_have_attribute("data-status", "done", timeout=60_000)
    view = View(page, page.locator(".fixlip"))
    view.show_all()
    view.show(name)
    return view


def bands(side: int = 224) -> np.ndarray:
    """49 regions with curved edges."""
    y, x = np.mgrid[:side, :side]
    rows = ((y + 8 * np.sin(x / 20)) // 32).clip(0, 6)
    return (7 * rows + (x // 32).clip(0, 6)).astype(int)


@pytest.mark.parametrize("regions", [None, bands()], ids=["patches", "regions"])
def test_maps_paint_the_cross_modal_interactions(page: Page, tmp_path: Path, regions: np.ndarray | None):
    explanation = dog_and_hydrant().replace(regions=regions)
    view = opened(page, explanation, tmp_path / "page.html")
    expect(view.root.locator(".fx-map")).to_have_count(explanation.n_text)
    places = [((i % 7 + 0.5) / 7, (i // 7 + 0.5) / 7) for i in range(explanation.n_image)]
    pixels = np.array(view.root.locator(".fx-map").evaluate_all(PIXELS, places), dtype=float)
    cross = explanation.cross
    strength = (np.abs(cross) / np.abs(cross).max()) ** 0.85
    np.testing.assert_allclose(pixels[..., 3] / 255, STRONGEST * strength, atol=0.01)
    clear = pixels[..., 3] > 30
    assert clear.sum() > 20
    np.testing.assert_array_equal((pixels[..., 0] > pixels[..., 2])[clear], (cross > 0)[clear])


def test_pointing_at_a_map_reads_out_the_interaction(page: Page, tmp_path: Path):
    explanation = dog_and_hydrant()
    view = opened(page, explanation, tmp_path / "page.html")
    dog = explanation.player("dog")
    canvas = view.root.locator(f".fx-map[data-player='{dog}'] canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 1.5 / 7 * box["width"], box["y"] + 4.5 / 7 * box["height"])
    value = explanation.interactions[dog, 7 * 4 + 1]
    expect(view.root.locator(".fx-readout")).to_contain_text(f"“dog” × patch (5, 2) {value:+.2f}")
    page.mouse.down()
    page.mouse.up()
    expect(view.root).to_have_attribute("data-selection", str(dog))


def cell(view: View, row: int, column: int) -> tuple[float, float]:
    """The centre of a cell of the heatmap, in pixels of the page."""
    plot = view.root.locator(".fx-heatmap[data-linked]")
    plot.scroll_into_view_if_needed()
    left, top = plot.evaluate(
        """(plot, [row, column]) => {
            const {xaxis, yaxis} = plot._fullLayout;
            const box = plot.getBoundingClientRect();
            return [box.left + xaxis._offset + xaxis.c2p(column), box.top + yaxis._offset + yaxis.c2p(row)];
        }""",
        [row, column],
    )
    return left, top


def known_errors() -> fx.Explanation:
    stored = dog_and_hydrant()
    errors = np.random.default_rng(0).uniform(0.1, 0.35, stored.interactions.shape)
    return stored.replace(interactions_se=(errors + errors.T) / 2)


@pytest.mark.parametrize(("row", "column"), [(1, 28), (7, 5), (0, 48)])
def test_hovering_the_heatmap_shows_the_value_that_python_has(page: Page, tmp_path: Path, row: int, column: int):
    explanation = known_errors()
    view = opened(page, explanation, tmp_path / "page.html", "heatmap")
    page.mouse.move(*cell(view, row, column))
    token = explanation.n_image + row
    value, error = explanation.interactions[token, column], explanation.interactions_se[token, column]  # type: ignore[index]
    label = view.root.locator(".fx-heatmap .hoverlayer .hovertext")
    expect(label).to_contain_text(f"“{explanation.names[token]}” × {explanation.names[column]}")
    shown = (label.text_content() or "").replace("−", "-")
    number, uncertainty = (float(part) for part in re.findall(r"[+-]?\d*\.\d+", shown)[-2:])
    assert number == pytest.approx(value, rel=0.05, abs=0.0051)
    assert uncertainty == pytest.approx(error, rel=0.05, abs=0.0051)
    significant = bool(explanation.significant.interactions[token, column])
    assert ("not significant" in shown) != significant
    expect(view.root.locator(".fx-readout")).to_contain_text(f"“{explanation.names[token]}” × ")


def test_clicking_the_heatmap_selects_both_players(page: Page, tmp_path: Path):
    explanation = known_errors()
    view = opened(page, explanation, tmp_path / "page.html", "heatmap")
    token = explanation.n_image + 1
    page.mouse.click(*cell(view, 1, 28))
    expect(view.root).to_have_attribute("data-selection", f"{token} 28")
    page.mouse.move(0, 0)
    np.testing.assert_allclose(view.values()[0], explanation.interactions[[token, 28], 0].sum(), rtol=1e-5, atol=1e-6)
    page.mouse.click(*cell(view, 1, 28))
    expect(view.root).to_have_attribute("data-selection", "")


def test_sliders_say_which_pairs_of_p_and_budget_the_page_has(page: Page, tmp_path: Path):
    stored = dog_and_hydrant()
    pairs = [(0.5, 2**17), (0.5, 2**13), (0.3, 2**17), (0.7, 2**17)]
    recording = Recording(tuple(stored.replace(p=p, budget=budget) for p, budget in pairs))
    fx.report(recording, tmp_path / "page.html", level="all")
    page.goto((tmp_path / "page.html").as_uri())
    view = View(page, page.locator(".fixlip"))
    absent = view.root.locator(".fx-ticks [data-absent=true]")
    expect(view.root).to_have_attribute("data-result-budget", str(2**17), timeout=60_000)
    expect(absent).to_have_count(0)
    view.slider("budget").press("ArrowLeft")
    expect(view.root).to_have_attribute("data-result-budget", str(2**13))
    expect(absent).to_have_text([".3", ".7"])
    view.slider("p").press("ArrowLeft")
    expect(view.root).to_have_attribute("data-result-p", "0.3")
    expect(view.root).to_have_attribute("data-result-budget", str(2**17))
    expect(view.root.locator("[data-fixed$=-budget]")).to_contain_text("other budgets at p = 0.5")
    expect(absent).to_have_count(0)
    view.slider("p").press("ArrowRight")
    expect(view.root).to_have_attribute("data-result-budget", str(2**13))
