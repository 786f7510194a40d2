"""Image players of any shape, pointed at where they lie in the photo: in JupyterLab and in a live page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

import fixlip_widgets as fx
from tests.e2e.harness import AXE
from tests.e2e.lab import OpenNotebook
from tests.e2e.test_widget import view_of
from tests.e2e.view import WAIT, View

FRAME, BARS = 0, (1, 2, 3, 4)
SOURCE = """
import numpy as np
import fixlip_widgets as fx
scene = fx.demo.scene("dog_and_banana")
labels = np.zeros((224, 224), dtype=int)
labels[40:184, 40:184] = 1 + np.arange(144) // 36
players = {"regions": labels, "words": True, "masking": "blur"}
widget = fx.FixlipWidget(scene.image, scene.caption, **players, budget=2**9, level="all")
"""
"""A frame whose middle it does not hold, around four bars."""


def labels() -> np.ndarray:
    made = np.zeros((224, 224), dtype=int)
    made[40:184, 40:184] = 1 + np.arange(144) // 36
    return made


def spot(view: View, x: float, y: float) -> tuple[float, float]:
    """A place in the photo, in pixels of the page; both counted from 0 to 1."""
    box = view.root.locator(".fx-picture").bounding_box()
    assert box
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def click(view: View, x: float, y: float) -> None:
    view.page.mouse.click(*spot(view, x, y))


def violations(page: Page) -> list[Any]:
    page.evaluate("() => Promise.all(document.getAnimations().map(each => each.finished.catch(() => {})))")
    page.add_script_tag(path=AXE)
    found = page.evaluate("async () => (await axe.run('.fixlip', {resultTypes: ['violations']})).violations")
    return [(rule["id"], node["target"]) for rule in found for node in rule["nodes"]]


def test_a_region_is_pointed_at_where_it_lies_and_hidden_as_the_encoder_sees_it(
    open_notebook: Callable[..., OpenNotebook],
):
    notebook = open_notebook(SOURCE, "widget")
    view = view_of(notebook)
    view.wait()
    expect(view.root.locator(".fx-patch")).to_have_count(5)
    click(view, 0.05, 0.5)
    expect(view.root).to_have_attribute("data-selection", str(FRAME))
    click(view, 0.5 - 0.1, 0.5)
    expect(view.root).to_have_attribute("data-selection", "2")
    view.expect_values(notebook.evaluate("widget.explanation.condition_on(2)"))
    expect(view.root.locator(".fx-outlined")).to_have_attribute(
        "d", notebook.evaluate("widget.scene['regions']['paths'][2]")
    )

    view.page.mouse.move(*spot(view, 0.2, 0.3))
    view.page.mouse.down()
    view.page.mouse.move(*spot(view, 0.6, 0.7), steps=4)
    view.page.mouse.up()
    expect(view.root).to_have_attribute("data-selection", "1 2 3")
    view.page.keyboard.press("Escape")

    view.press("hide")
    click(view, 0.05, 0.5)
    expect(view.root.locator("[data-shows]")).to_have_text("region 1", timeout=WAIT)
    expect(view.root.locator(".fx-seen [data-from=model]")).to_be_visible(timeout=WAIT)
    expect(view.root.locator(".fx-hiding [data-masking=blur]")).to_contain_text("blurred copy of the image")
    assert notebook.evaluate("widget.removed") == [FRAME]
    assert violations(view.page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_live_page_draws_regions_and_masks_without_a_kernel(browser: Browser, tmp_path: Path, theme: str):
    scene = fx.demo.scene("dog_and_banana")
    explanation = fx.explain(scene.image, scene.caption, regions=labels(), masking="blur", budget=2**9, progress=False)
    explanation.to_html(tmp_path / "page.html")
    context = browser.new_context(viewport={"width": 1140, "height": 1300}, color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    view = View(page, page.locator(".fixlip"))
    expect(view.root.locator(".fx-patch")).to_have_count(5)
    click(view, 0.05, 0.5)
    view.expect_values(explanation.condition_on(FRAME))
    view.press("hide")
    click(view, 0.5, 0.05)
    expect(page.locator(".fx-seen [data-from=view]")).to_be_visible()
    assert len(page.locator(".fx-seen clipPath path").get_attribute("d") or "") > 20
    expect(page.locator(".fx-values [role=status]")).to_contain_text("saved without its model")
    assert violations(page) == []
    context.close()
