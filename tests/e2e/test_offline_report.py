"""Reports opened from disk by a browser that gets nothing from any network: alive, and with the numbers of Python."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nbconvert.exporters import get_exporter
from playwright.sync_api import Browser, FrameLocator, Page, expect

import fixlip_widgets as fx
from fixlip_widgets.explainers import record
from fixlip_widgets.pages import GRID, Recording
from tests.e2e.harness import AXE
from tests.e2e.view import View
from tests.examples import random_explanation
from tests.golden import tiny_game
from tests.pages.notebooks import executed
from tests.pages.reading import Page as PageOf
from tests.pages.reading import unpacked
from tests.pages.test_live_page import hostile

WINDOW = {"width": 1280, "height": 1400}
MOST_BYTES = 4_000_000
SECONDS = 60


class Opened:
    """A file in the browser, and whatever it tried to get or complained about."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(path.as_uri())

    def view(self, at: int = 0, inside: Page | FrameLocator | None = None) -> View:
        root = (inside or self.page).locator(".fixlip").nth(at)
        expect(root).to_have_attribute("data-status", "done", timeout=SECONDS * 1000)
        view = View(self.page, root)
        view.show_all()
        return view

    def foreign(self) -> list[str]:
        """Requests for anything but the file and what the page itself holds."""
        return [url for url in self.requests[1:] if not url.startswith(("blob:", "data:", "about:"))]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Opened]]:
    """Opens files in pages for which every network request is refused; all of them must have been quiet."""
    opened: list[Opened] = []

    def open_file(path: Path, **options: Any) -> Opened:
        context = browser.new_context(viewport=WINDOW, offline=True, **options)
        context.route("http*://**", lambda route: route.abort())
        opened.append(Opened(context.new_page(), path))
        return opened[-1]

    yield open_file
    foreign = [url for each in opened for url in each.foreign()]
    complaints = [line for each in opened for line in each.complaints]
    for each in opened:
        each.page.context.close()
    assert (foreign, complaints) == ([], [])


@pytest.fixture(scope="module")
def recording() -> Recording:
    """The tiny CLIP at three p and two budgets, with another caption and the playground."""
    explainer = fx.IncrementalExplainer(tiny_game())
    explainer.extend(0.5, 2**11)
    return record(explainer, p=[0.3, 0.5, 0.7], budgets=[2**9, 2**11], text=["a cat"], playground=True, progress=False)


@pytest.fixture(scope="module")
def report(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    fx.report(["# A report", "With text.", recording], path)
    return path


def explained(recording: Recording, p: float, budget: int, caption: str | None = None) -> fx.Explanation:
    wanted = (p, budget, caption or recording.explanations[0].caption)
    (found,) = [each for each in recording.explanations if (each.p, each.budget, each.caption) == wanted]
    return found


def assert_shows(view: View, explanation: fx.Explanation) -> None:
    """Patches, tokens, edges and heatmap have the numbers of ``explanation``."""
    expect(view.root).to_have_attribute("data-result-p", str(explanation.p))
    expect(view.root).to_have_attribute("data-result-budget", str(explanation.budget))
    view.show("graph")
    np.testing.assert_allclose(view.values(), explanation.main, rtol=1e-5, atol=1e-6)
    top = int(view.says("top-k"))
    graph = explanation.to_networkx(top_k=top, kind="cross")
    edges = {(min(i, j), max(i, j)): edge["weight"] for i, j, edge in graph.edges(data=True)}
    drawn = view.edges()
    assert drawn.keys() == edges.keys()
    np.testing.assert_allclose([drawn[pair] for pair in edges], [*edges.values()], rtol=1e-5)
    view.show("heatmap")
    np.testing.assert_allclose(view.heatmap(), explanation.cross, rtol=1e-5, atol=1e-6)
    view.show("graph")


def step(view: View, slider: str, key: str) -> None:
    """One step of a slider with the keyboard."""
    before = view.says("generation")
    view.slider(slider).press(key)
    expect(view.root).not_to_have_attribute("data-generation", before)


def test_sliders_show_what_python_computed(open_page: Callable[..., Opened], report: Path, recording: Recording):
    view = open_page(report).view()
    assert_shows(view, explained(recording, 0.5, 2**11))
    step(view, "p", "ArrowLeft")
    assert_shows(view, explained(recording, 0.3, 2**11))
    step(view, "budget", "ArrowLeft")
    assert_shows(view, explained(recording, 0.3, 2**9))
    step(view, "p", "End")
    assert_shows(view, explained(recording, 0.7, 2**9))


def test_the_mouse_drags_to_what_was_saved(open_page: Callable[..., Opened], report: Path, recording: Recording):
    view = open_page(report).view()
    slider = view.slider("p")
    lowest = float(slider.get_attribute("min") or 0)
    view.drag("p", lowest)
    assert_shows(view, explained(recording, 0.3, 2**11))


def test_a_selected_word_colours_patches_by_its_interactions(
    open_page: Callable[..., Opened], report: Path, recording: Recording
):
    view = open_page(report).view()
    explanation = explained(recording, 0.5, 2**11)
    player = explanation.n_image + 1
    view.chip(player).click()
    expect(view.root).to_have_attribute("data-selection", str(player))
    view.expect_values(explanation.condition_on(player))


def test_the_keyboard_selects_and_lets_go(open_page: Callable[..., Opened], report: Path, recording: Recording):
    opened = open_page(report)
    view = opened.view()
    for _ in range(60):
        opened.page.keyboard.press("Tab")
        if opened.page.evaluate("document.activeElement.matches('.fx-chip')"):
            break
    opened.page.keyboard.press("Enter")
    assert view.says("selection") != ""
    opened.page.keyboard.press("Escape")
    expect(view.root).to_have_attribute("data-selection", "")


def test_it_says_what_needs_a_model(open_page: Callable[..., Opened], report: Path):
    view = open_page(report).view()
    expect(view.root.get_by_text("saved without its model").first).to_be_visible()
    assert view.root.locator("[data-action=run]").count() == 0


def test_curves_that_were_measured_are_in_the_page_and_others_need_the_model(
    open_page: Callable[..., Opened], tmp_path: Path
):
    widget = fx.FixlipWidget(explainer=fx.IncrementalExplainer(tiny_game()), budget=2**9, idle_share=0.0, level="all")
    assert widget.wait(60)
    measures = widget.measure()
    widget.to_html(tmp_path / "page.html", p=[0.3], progress=False)
    widget.close()
    view = open_page(tmp_path / "page.html").view()
    view.root.locator("[data-panel=faithfulness]").click()
    expect(view.root.locator(".fx-curves")).to_have_attribute("data-aid", str(measures.curves.aid))
    step(view, "p", "ArrowLeft")
    expect(view.root.locator(".fx-measured")).to_contain_text("measuring needs the model")
    expect(view.root.locator(".fx-other")).to_have_count(1)
    assert view.root.locator("[data-action=measure]").count() == 0


@pytest.mark.parametrize("alone", [False, True], ids=["report", "page"])
def test_screen_readers_find_nothing_amiss(
    open_page: Callable[..., Opened], report: Path, recording: Recording, tmp_path: Path, alone: bool
):
    if alone:
        report = tmp_path / "page.html"
        recording.explanations[0].to_html(report)
    opened = open_page(report, bypass_csp=True, reduced_motion="reduce")  # the page lets no script in, axe neither
    opened.view()
    opened.page.add_script_tag(path=AXE)
    found = opened.page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found] == []


def test_pictures_take_the_readers_theme(open_page: Callable[..., Opened], report: Path):
    assert open_page(report, color_scheme="dark").view().says("theme") == "dark"
    assert open_page(report, color_scheme="light").view().says("theme") == "light"


def test_without_scripts_there_is_a_picture_and_a_table(browser: Browser, report: Path):
    context = browser.new_context(viewport=WINDOW, offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("table tbody tr").count() > 5
    assert page.locator("article .overlay svg").is_visible()
    context.close()


def test_a_browser_that_cannot_run_the_view_shows_the_picture(browser: Browser, report: Path):
    context = browser.new_context(viewport=WINDOW, offline=True)
    context.add_init_script("URL.createObjectURL = undefined")
    page = context.new_page()
    page.goto(report.as_uri())
    expect(page.get_by_text("could not start the interactive view")).to_be_visible()
    expect(page.locator("article .overlay svg")).to_be_visible()
    context.close()


def test_hostile_texts_do_nothing(open_page: Callable[..., Opened], tmp_path: Path):
    fx.report(["# </script><img src=x onerror=alert(1)>", hostile()], tmp_path / "hostile.html")
    opened = open_page(tmp_path / "hostile.html")
    opened.page.on("dialog", lambda dialog: opened.complaints.append(dialog.message))
    view = opened.view()
    shown: list[str] = view.root.locator(".fx-chip").evaluate_all("all => all.map(each => each.textContent)")
    assert any("</script><img src=x onerror=alert(1)>" in text for text in shown)
    assert opened.page.locator("img[src=x]").count() == 0


def test_an_exported_notebook_is_alive(open_page: Callable[..., Opened], tmp_path: Path):
    path = tmp_path / "notebook.html"
    path.write_text(get_exporter("fixlip_html")().from_notebook_node(executed())[0], "utf-8")
    opened = open_page(path)
    frames = opened.page.locator("iframe")
    expect(frames).to_have_count(2)
    first, second = (opened.view(0, opened.page.frame_locator("iframe").nth(at)) for at in (0, 1))
    (saved,) = PageOf(PageOf(path.read_text("utf-8")).frames[1]).json("saved")
    by_p = {snapshot["p"]: unpacked(snapshot["result"]["main"]) for snapshot in saved["snapshots"]}
    np.testing.assert_allclose(second.values(), by_p[0.5], rtol=1e-5, atol=1e-6)
    step(second, "p", "ArrowRight")
    np.testing.assert_allclose(second.values(), by_p[0.7], rtol=1e-5, atol=1e-6)
    assert first.says("result-p") == "0.5"
    tall = second.root.evaluate("root => root.getBoundingClientRect().height")
    box = frames.nth(1).bounding_box()
    assert box is not None
    assert box["height"] >= tall


@pytest.mark.slow
def test_five_explanations_at_nine_p_are_small_and_all_alive(open_page: Callable[..., Opened], tmp_path: Path):
    tokens = ("a", "dog", "next", "to", "a", "banana", "and", "cat")
    rng = np.random.default_rng(0)
    picture = np.kron(rng.integers(0, 256, (28, 28, 3), dtype=np.uint8), np.ones((8, 8, 1), dtype=np.uint8))
    parts = [
        Recording(
            tuple(random_explanation(8, 8, tokens, 10 * pair + at, p=p, image=picture) for at, p in enumerate(GRID))
        )
        for pair in range(5)
    ]
    path = tmp_path / "five.html"
    fx.report(parts, path)
    assert path.stat().st_size <= MOST_BYTES
    opened = open_page(path)
    for at, part in enumerate(parts):
        view = opened.view(at)
        np.testing.assert_allclose(view.values(), part.explanations[0].main, rtol=1e-5, atol=1e-6)
    alive = opened.page.evaluate("performance.getEntriesByName('fixlip-alive').map(entry => entry.startTime)")
    print(json.dumps({"bytes": path.stat().st_size, "first alive, ms": round(alive[0]), "all": round(alive[-1])}))
