"""Classes in a real browser: the choice, hidden patches, and a page from disk; axe finds nothing in any state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from fixlip_widgets import FixlipWidget
from tests.e2e.bridge import Bridge
from tests.e2e.test_accessibility import violations
from tests.e2e.view import View
from tests.golden import tiny_clip, tiny_pixels

NAMES = ["cat", "dog", "car"]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1000, "height": 900}, bypass_csp=True)
    yield page
    page.close()


def test_the_choice_and_hidden_patches_from_kernel_to_page(page: Page, tmp_path: Path) -> None:
    widget = FixlipWidget(
        tiny_pixels(), classes=NAMES, model=tiny_clip(), grid=(3, 3), budget=2**9, idle_share=0.0, level="all"
    )
    bridge = Bridge(widget, page)
    try:
        bridge.settle()
        first = widget.chosen[0]
        other = next(name for name in NAMES if name != first)
        root = page.locator(".fixlip")
        assert violations(page) == []
        root.locator(f".fx-class[data-class={other}] .fx-versus").click()
        bridge.settle()
        assert widget.chosen == (first, other)
        expect(root.locator("h2")).to_have_text(f"Why “{first}” rather than “{other}”?")
        bridge.view.expect_values(widget.shown_explanation().first_order())
        root.locator(".fx-class-find input").fill("wolf")
        root.locator("[data-action=add-class]").click()
        bridge.settle()
        expect(root.locator(".fx-class")).to_have_count(4)
        root.locator("[data-view=maps]").click()
        bridge.view.press("hide")
        bridge.view.patch(4).click()
        bridge.settle()
        expect(root.locator(".fx-probabilities .fx-value")).to_have_count(4)
        expect(root.locator(".fx-map")).to_have_count(4)
        assert violations(page) == []
        widget.to_html(tmp_path / "page.html", level="all", playground=True)
    finally:
        bridge.close()
    page.goto((tmp_path / "page.html").as_uri())
    page.locator(f".fx-class[data-class={other}] .fx-class-name").click()
    expect(page.locator(".fixlip h2")).to_have_text(f"Why “{other}”?")
    saved = View(page, page.locator(".fixlip"))
    saved.press("hide")
    saved.patch(4).click()
    probabilities = page.locator(".fx-probabilities .fx-value > b")
    expect(probabilities).to_have_text([re.compile(r"^[\d.]+ %")] * 4)
    saved.patch(5).click()
    expect(probabilities).to_have_text([re.compile("^…")] * 4)
    assert violations(page) == []
