"""Takes pictures of the real widget in a real JupyterLab: ``python -m tests.e2e.screenshots``.

Those that the README shows go to notebooks/images, the other states to build/screenshots, to be looked at.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.browser import launch
from tests.e2e.lab import REPOSITORY, Lab, OpenNotebook, running_lab
from tests.e2e.view import WAIT, View

IN_README = ("quickstart", "dark")
KEPT, LOOKED_AT = REPOSITORY / "notebooks" / "images", REPOSITORY / "build" / "screenshots"
CELL = """\
import fixlip_widgets as fx

scene = fx.demo.scene("dog_and_banana")
fx.FixlipWidget(scene.image, scene.caption{more})"""
ALL = ', level="all"'
WIDE, NARROW = 1240, 620
# JupyterLab's marks of the active cell.
HIDDEN = ".jp-Collapser, .jp-cell-toolbar { visibility: hidden; }"


@contextmanager
def opened(lab: Lab, browser: Browser, name: str, more: str = "", width: int = WIDE) -> Iterator[View]:
    """A notebook of one cell that shows the widget; its picture is taken when the block ends."""
    page = browser.new_page(viewport={"width": width, "height": 2400}, device_scale_factor=1.5)
    notebook = OpenNotebook(lab, page, lab.write(f"{name}.ipynb", CELL.format(more=more)))
    notebook.command("apputils:change-theme", {"theme": f"JupyterLab {'Dark' if name == 'dark' else 'Light'}"})
    notebook.run_all()
    view = View(page, notebook.widgets().first)
    view.root.wait_for(timeout=WAIT)
    yield view
    picture = page.locator(".jp-Notebook .jp-Cell").first.screenshot(animations="disabled", style=HIDDEN)
    path = (KEPT if name in IN_README else LOOKED_AT) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(io.BytesIO(picture)).convert("RGB").save(path, optimize=True)
    print(path.relative_to(REPOSITORY), *notebook.complaints, sep="\n  ")
    notebook.close()


def select(view: View, token: str) -> None:
    """Select a token, and move the pointer away."""
    view.root.locator(".fx-chip", has_text=token).click()
    view.page.mouse.move(0, 0)


def take(lab: Lab, browser: Browser) -> None:
    """Every state that is worth a look."""
    with opened(lab, browser, "quickstart") as view:
        view.wait()
    with opened(lab, browser, "simple-hidden") as view:
        view.wait()
        view.press("hide")
        for player in (33, 34, 35):
            view.patch(player).click()
        expect(view.root.locator(".fx-values [role=status]")).to_contain_text("Error", timeout=WAIT)
        view.page.mouse.move(0, 0)
    with opened(lab, browser, "selected", ALL) as view:
        view.wait()
        select(view, "dog")
    with opened(lab, browser, "heatmap", ALL) as view:
        view.wait()
        view.show("heatmap")
        view.root.locator(".fx-heatmap.js-plotly-plot").wait_for(timeout=WAIT)
        view.page.mouse.move(0, 0)
    with opened(lab, browser, "dark", ALL) as view:
        view.wait()
    with opened(lab, browser, "narrow", ALL, width=NARROW) as view:
        view.wait()
        select(view, "dog")
    with opened(lab, browser, "running", ", budget=2**22" + ALL) as view:
        expect(view.root).to_have_attribute("data-partial", "true", timeout=WAIT)
        view.page.wait_for_timeout(3000)
    with opened(lab, browser, "refused", ALL) as view:
        view.wait()
        view.root.get_by_role("button", name="Edit the caption").click()
        view.root.get_by_role("textbox", name="Caption").fill("a dog next to a banana " * 20)
        view.press("apply-caption")
        expect(view.notice("refusal")).to_be_visible(timeout=WAIT)


def main() -> None:
    """Start what is needed, and take the pictures."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, running_lab(Path(folder)) as lab:
        take(lab, launch(playwright))


if __name__ == "__main__":
    main()
