"""One view of a widget in the page: what it shows, and the gestures of a person."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from playwright.sync_api import Locator, Page, expect

from tests.e2e.lab import SECONDS

WAIT = SECONDS * 1000


class View:
    """The ``.fixlip`` element at a locator; attributes are as js/src/shell/App.tsx lists them."""

    def __init__(self, page: Page, root: Locator) -> None:
        self.page = page
        self.root = root

    # -- what it shows -------------------------------------------------------------------------------------------------

    def says(self, name: str) -> str:
        """The root's attribute ``data-<name>``."""
        return self.root.get_attribute(f"data-{name}") or ""

    def wait(self, status: str = "done", timeout: float = WAIT) -> None:
        """Until ``status``, with the result of the newest request shown."""
        expect(self.root).to_have_attribute("data-status", status, timeout=timeout)
        self.page.wait_for_function(
            "root => root.dataset.generation === root.dataset.requested && root.dataset.partial === 'false'",
            arg=self.root.element_handle(),
            timeout=timeout,
        )

    def values(self) -> list[float]:
        """What colours each player: patches, then tokens."""
        return self.root.locator(".fx-patch, .fx-chip").evaluate_all(
            "all => all.sort((a, b) => a.dataset.player - b.dataset.player).map(each => Number(each.dataset.value))"
        )

    def expect_values(self, expected: ArrayLike) -> None:
        """Wait until the players have these colours: the selection changes before they are drawn."""
        deadline = time.monotonic() + WAIT / 1000
        while not np.allclose(self.values(), expected, rtol=1e-5, atol=1e-6) and time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
        np.testing.assert_allclose(self.values(), expected, rtol=1e-5, atol=1e-6)

    def edges(self) -> dict[tuple[int, int], float]:
        """The graph: pair of players, lower first, to the interaction that is drawn."""
        rows: list[list[float]] = self.root.locator(".fx-edge").evaluate_all(
            "all => all.map(({dataset}) => [dataset.source, dataset.target, dataset.value].map(Number))"
        )
        return {(int(min(i, j)), int(max(i, j))): value for i, j, value in rows}

    def heatmap(self) -> list[list[float]]:
        """What Plotly draws: (tokens, patches)."""
        return self.root.locator(".fx-heatmap.js-plotly-plot").evaluate("plot => plot.data[0].z")

    def patch(self, player: int) -> Locator:
        return self.root.locator(f".fx-patch[data-player='{player}']")

    def chip(self, player: int) -> Locator:
        return self.root.locator(f".fx-chip[data-player='{player}']")

    def notice(self, kind: str) -> Locator:
        return self.root.locator(f".fx-notice[data-kind={kind}]")

    def paint(self) -> list[str]:
        """Colours of all patches as the browser computes them, once they have stopped changing."""
        self.root.locator(".fx-picture").evaluate(
            "async picture => { await Promise.all(picture.getAnimations({subtree: true}).map(each => each.finished)); }"
        )
        return self.root.locator(".fx-patch").evaluate_all(
            "all => all.map(each => { const s = getComputedStyle(each); return s.fill + s.fillOpacity; })"
        )

    # -- gestures ------------------------------------------------------------------------------------------------------

    def slider(self, name: str) -> Locator:
        """The slider called ``p``, ``budget`` or ``top``."""
        return self.root.locator(f"input[type=range][id$='-{name}']")

    def drag(self, name: str, value: float, steps: int = 12) -> None:
        """Take the slider's thumb with the mouse, and let go of it where ``value`` is."""
        slider = self.slider(name)
        slider.scroll_into_view_if_needed()
        lowest, highest, now = slider.evaluate("input => [Number(input.min), Number(input.max), Number(input.value)]")
        box = slider.bounding_box()
        assert box is not None
        thumb = box["height"]

        def place(at: float) -> tuple[float, float]:
            share = (at - lowest) / (highest - lowest)
            return box["x"] + thumb / 2 + share * (box["width"] - thumb), box["y"] + box["height"] / 2

        self.page.mouse.move(*place(now))
        self.page.mouse.down()
        self.page.mouse.move(*place(value), steps=steps)
        self.page.mouse.up()

    def show_all(self) -> None:
        """Show all controls, if the view is at the simple level."""
        if self.says("level") == "simple":
            self.press("level")
        expect(self.root).to_have_attribute("data-level", "all")

    def show(self, view: str) -> None:
        """Open the tab ``graph``, ``heatmap`` or ``table``."""
        self.root.locator(f"[data-view={view}]").click()

    def press(self, action: str, **options: Any) -> None:
        """Click a button by its ``data-action``, such as ``run``, ``cancel`` or ``hide``."""
        self.root.locator(f"[data-action={action}]").click(**options)
