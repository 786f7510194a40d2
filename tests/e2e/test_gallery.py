"""The gallery in a browser: a page without a kernel, by pointer and keyboard, and a notebook with one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import fixlip_widgets as fx
from tests.corpus.conftest import corpus, model, pairs
from tests.e2e.harness import AXE
from tests.e2e.lab import SECONDS, OpenNotebook
from tests.e2e.test_offline_report import Opened

__all__ = ["corpus", "model", "pairs"]
WAIT = SECONDS * 1000
WINDOW = {"width": 1000, "height": 1000}


@pytest.fixture(scope="module")
def report(corpus: fx.Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All four explained pairs but one."""
    path = tmp_path_factory.mktemp("gallery") / "audit.html"
    named = corpus.table["id"][~corpus.table["failed"]].tolist()[:3]
    fx.Gallery(corpus, sort="row").to_html(path, named)
    return path


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Opened]:
    """The page, which may request nothing and complain about nothing."""
    context = browser.new_context(viewport=WINDOW, offline=True, bypass_csp=True, reduced_motion="reduce")
    opened = Opened(context.new_page(), report)
    expect(opened.page.locator(".fg")).to_have_attribute("data-received", "6", timeout=WAIT)
    yield opened
    context.close()
    assert (opened.foreign(), opened.complaints) == ([], [])


def shown(root: Page | Locator) -> list[str]:
    """The captions of the cards, in order."""
    cards = root.locator(".fg-card")
    return cards.evaluate_all("all => all.map(card => card.querySelector('.fg-caption').textContent)")


def test_the_page_is_searched_filtered_and_sorted(opened: Opened, corpus: fx.Corpus):
    page, table = opened.page, corpus.table
    assert shown(page) == table["caption"].tolist()
    failed = page.locator(".fg-card[data-failed=true]")
    expect(failed.first).to_contain_text(str(corpus.failures["error"][0]))
    page.locator("select[data-setting=sort]").select_option("similarity")
    explained = table[~table["failed"]].sort_values("similarity")
    expect(page.locator(".fg-card").first).to_contain_text(str(explained["caption"].iloc[0]))
    assert shown(page)[:4] == explained["caption"].tolist()
    page.locator("[data-filter=search]").fill("DOG")
    expect(page.locator(".fg")).to_have_attribute("data-shown", "3")
    page.locator("[data-filter=query]").fill("not failed and similarity >")
    expect(page.locator("[data-filter=query]")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("alert")).to_contain_text("incomplete")
    page.locator("[data-filter=query]").fill("not failed")
    expect(page.locator(".fg")).to_have_attribute("data-shown", "2")
    page.locator("[data-action=clear-filters]").click()
    expect(page.locator(".fg")).to_have_attribute("data-shown", "6")
    page.locator("[data-action=failed]").click()
    expect(page.locator(".fg")).to_have_attribute("data-shown", "2")


def test_an_opened_pair_has_all_views(opened: Opened):
    opened.page.locator(".fg-card").first.click()
    view = opened.page.locator(".fg-view .fixlip")
    view.locator("[data-action=level]").click()
    expect(view.get_by_role("tab")).to_have_count(5, timeout=WAIT)


def test_dragging_on_the_histogram_filters(opened: Opened, corpus: fx.Corpus):
    page = opened.page
    page.locator("select[data-setting=sort]").select_option("similarity")
    box = page.locator(".fg-bars").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"], box["y"] + 20, steps=4)
    page.mouse.up()
    values = corpus.table["similarity"].dropna()
    middle = (values.min() + values.max()) / 2
    expect(page.locator(".fg")).to_have_attribute("data-shown", str(int((values >= middle).sum())))
    end = page.get_by_role("slider").first
    end.focus()
    end.press("ArrowLeft")
    page.locator("[data-action=clear-range]").click()
    expect(page.locator(".fg")).to_have_attribute("data-shown", "6")


def test_the_keyboard_walks_selects_opens_and_goes_back(opened: Opened, corpus: fx.Corpus):
    page, ids = opened.page, corpus.table["id"].tolist()
    grid = page.get_by_role("grid")
    grid.focus()
    active = page.locator(".fg-card[data-active=true]")
    page.keyboard.press("ArrowRight")
    expect(active).to_have_attribute("data-id", ids[1])
    assert grid.get_attribute("aria-activedescendant") == active.get_attribute("id")
    page.keyboard.press("Space")
    expect(active).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(active).to_have_attribute("aria-selected", "false")
    page.keyboard.press("Enter")
    view = page.locator(".fg-view .fixlip")
    expect(view).to_have_attribute("data-status", "done", timeout=WAIT)
    expect(view).to_contain_text(str(corpus.table["caption"][1]))
    page.locator("[data-action=next]").click()
    expect(page.locator(".fg")).to_have_attribute("data-opened", ids[2])
    expect(view).to_contain_text(str(corpus.table["caption"][2]))
    view.locator(".fx-chip").first.click()
    page.keyboard.press("Escape")  # clears the selection of the word
    expect(view).to_have_attribute("data-selection", "")
    page.keyboard.press("Escape")
    expect(page.locator(".fg")).to_have_attribute("data-opened", "")
    expect(grid).to_be_focused()
    expect(active).to_have_attribute("data-id", ids[2])
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".fg-instead")).to_contain_text("this pair is not among them")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1000), ("dark", 360)])
def test_screen_readers_find_nothing_amiss(opened: Opened, scheme: str, width: int):
    page = opened.page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    page.locator("select[data-setting=sort]").select_option("similarity")
    page.locator("[data-filter=query]").fill("similarity >")
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.add_script_tag(path=AXE)
    found = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
    wrong = [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in page.evaluate(found)]
    assert wrong == []


def test_a_notebook_opens_pairs_and_follows_the_corpus(
    open_notebook: Callable[..., OpenNotebook], corpus: fx.Corpus, pairs: Path, tmp_path: Path
):
    folder = tmp_path / "explanations"
    shutil.copytree(corpus.folder, folder)
    notebook = open_notebook(
        "import warnings, fixlip_widgets as fx\n"
        f"corpus = fx.Corpus({str(folder)!r})\n"
        "gallery = fx.Gallery(corpus, sort='row')\ngallery",
    )
    root = notebook.page.locator(".fg")
    expect(root).to_have_attribute("data-received", "6", timeout=WAIT)
    expect(root.locator(".fg-card img").first).to_be_visible(timeout=WAIT)
    root.locator(".fg-card").nth(1).locator("[data-action=select]").click()
    root.locator(".fg-card").first.click()
    expect(root.locator(".fg-view .fixlip")).to_have_attribute("data-status", "done", timeout=WAIT)
    ids = corpus.table["id"].tolist()
    assert notebook.evaluate("[gallery.opened, gallery.selected]") == [ids[0], [ids[1]]]
    root.locator("[data-action=back]").click()
    notebook.execute("gallery.query = 'failed'")
    expect(root).to_have_attribute("data-shown", "2")
    more = pairs.with_name("later.csv")
    more.write_text("image,caption\nstreet.png,a tree\n", "utf-8")
    notebook.execute(f"fx.Corpus({str(folder)!r}).add({str(more)!r}, model=fx.load_model(), progress=False)")
    notebook.execute("gallery._grow()")
    expect(root).to_have_attribute("data-received", "7", timeout=WAIT)
