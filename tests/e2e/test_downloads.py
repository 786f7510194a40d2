"""Files downloaded from a widget in JupyterLab and from a saved page: they have Python's numbers."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

import fixlip_widgets as fx
from fixlip_widgets.drawing.png import png
from fixlip_widgets.pages import Recording
from tests.e2e.lab import OpenNotebook
from tests.e2e.test_accessibility import still, violations
from tests.e2e.test_questions import shown
from tests.e2e.view import View
from tests.examples import dog_and_hydrant
from tests.pages.test_live_page import hostile

SVG = "{http://www.w3.org/2000/svg}"
NUMBERS = ("value", "standard_error")
DIFFERENT = 6.0
"""Mean difference of 256 levels between two programs' pixels: fonts differ, and only browsers know CSS filters."""
HALF = 1e-3
"""Relative error of standard errors in saved pages, which have three significant digits."""


def saved(view: View, item: str) -> tuple[str, bytes]:
    """Choose an entry of the menu; return the name and the content of the file."""
    view.press("download")
    with view.page.expect_download() as waiting:
        view.root.locator(f"[data-item={item}]").click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def assert_same_terms(text: str, expected: str) -> None:
    """Both tables have the same columns, terms and significance, and close numbers."""
    own, wanted = ([*csv.DictReader(io.StringIO(table))] for table in (text, expected))
    assert [*own[0]] == [*wanted[0]]
    words = [[{k: v for k, v in row.items() if k not in NUMBERS} for row in rows] for rows in (own, wanted)]
    assert words[0] == words[1]
    for name in NUMBERS:
        numbers = [[float(row[name] or math.nan) for row in rows] for rows in (own, wanted)]
        np.testing.assert_allclose(*numbers, rtol=HALF if name == "standard_error" else 1e-6, atol=1e-6)


def drawing(content: bytes) -> ElementTree.Element:
    """The root of an SVG file that refers to nothing outside itself."""
    root = ElementTree.fromstring(content)
    links = [element.get("href", "") for element in root.iter() if "href" in element.attrib]
    assert links
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in links)
    assert not [name for element in root.iter() for name in element.attrib if name in ("class", "tabindex", "role")]
    return root


def titles(root: ElementTree.Element) -> dict[str, float]:
    """Names of players or edges to their numbers, as the drawing's titles have them."""
    texts = [element.text or "" for element in root.iter(f"{SVG}title")]
    found = [re.fullmatch(r"(.+?):? ([−+]?[\d.]+)( ±.*| logits.*| \(.*)?", text) for text in texts]
    return {match[1]: float(match[2].replace("−", "-")) for match in found if match}


def assert_draws_edges(root: ElementTree.Element, explanation: fx.Explanation, top: int, kind: str) -> None:
    graph = explanation.to_networkx(top_k=top, kind=kind)
    n = explanation.n_image
    names = [name if player < n else f"“{name}”" for player, name in enumerate(explanation.names)]
    wanted = {f"{names[min(i, j)]} × {names[max(i, j)]}": edge["weight"] for i, j, edge in graph.edges(data=True)}
    drawn = titles(root)
    assert wanted.keys() <= drawn.keys()
    for name, value in wanted.items():
        assert drawn[name] == pytest.approx(value, rel=0.05, abs=0.0051)


def assert_is_picture(content: bytes, svg: bytes) -> None:
    """The PNG has two pixels for each unit of the SVG, many colours, and looks as another program draws the SVG."""
    root = ElementTree.fromstring(svg)
    image = Image.open(io.BytesIO(content))
    sides = (float(root.get("width", "0")), float(root.get("height", "0")))
    assert image.size == tuple(round(2 * side) for side in sides)
    assert len(image.convert("RGB").getcolors(maxcolors=10**6) or ()) > 500
    other = Image.open(io.BytesIO(png(svg.decode("utf-8"), scale=2.0))).convert("RGB").resize(image.size)
    difference = np.abs(np.asarray(other, float) - np.asarray(image.convert("RGB"), float)).mean()
    assert difference < DIFFERENT


@pytest.fixture
def open_offline(browser: Browser):
    """Opens files in pages without a network, in the reader's theme; the console must be quiet."""
    contexts, complaints = [], list[str]()

    def opened(path: Path, theme: Literal["light", "dark"] = "light") -> View:
        context = browser.new_context(
            viewport={"width": 1280, "height": 1400}, offline=True, color_scheme=theme, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        root = page.locator(".fixlip")
        expect(root).to_have_attribute("data-status", "done", timeout=60_000)
        return View(page, root)

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def explanation() -> fx.Explanation:
    stored = dog_and_hydrant()
    errors = np.random.default_rng(0).uniform(0.1, 0.35, stored.interactions.shape)
    return stored.replace(
        main_se=np.full(stored.n_players, 0.12), interactions_se=(errors + errors.T) / 2, similarity=14.0, budget=2**17
    )


def test_a_saved_page_downloads_what_it_shows(
    open_offline: Callable[..., View], explanation: fx.Explanation, tmp_path: Path
):
    explanation.to_html(tmp_path / "page.html")
    view = open_offline(tmp_path / "page.html")
    assert view.says("level") == "simple"
    name, content = saved(view, "csv")
    assert name == "black-dog-next-to-a-yellow-hydrant_p0.5_131072_terms.csv"
    assert_same_terms(content.decode("utf-8"), explanation.to_csv())
    _, content = saved(view, "graph-svg")
    root = drawing(content)
    assert_draws_edges(root, explanation, int(view.says("top-k")), "cross")
    assert_is_picture(saved(view, "graph-png")[1], content)
    name, content = saved(view, "picture-svg")
    root = drawing(content)
    assert name.endswith("_picture.svg")
    assert root.findtext(f"{SVG}title", "").startswith("“black dog next to a yellow hydrant”, ")
    words, values = explanation.patch_words()
    belonging = [player for player in range(explanation.n_image) if words[player] >= 0]
    drawn = [
        element.findtext(f"{SVG}title")
        for element in root.iter(f"{SVG}path")
        if element.find(f"{SVG}title") is not None
    ]
    assert len(drawn) == len(belonging) > 0
    for text, player in zip(drawn, belonging, strict=True):
        word, number = re.fullmatch(r"“(.+)” \+([\d.]+) logits", text or "").groups()  # type: ignore[union-attr]
        assert word == explanation.names[explanation.n_image + words[player]]
        assert float(number) == pytest.approx(values[player], abs=0.0051)
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {"black", "dog", "hydr"} <= {*texts}
    assert_is_picture(saved(view, "picture-png")[1], content)


def test_files_have_the_colours_of_the_readers_theme(
    open_offline: Callable[..., View], explanation: fx.Explanation, tmp_path: Path
):
    explanation.to_html(tmp_path / "page.html")
    grounds = dict[str, list[int]]()
    for theme in ("light", "dark"):
        view = open_offline(tmp_path / "page.html", theme)
        image = Image.open(io.BytesIO(saved(view, "graph-png")[1])).convert("L")
        grounds[theme] = [image.getpixel((3, 3)), *image.getextrema()]  # type: ignore[list-item]
    assert grounds["light"][0] > 200 > 100 > grounds["dark"][0]
    assert grounds["dark"][2] > 200  # the words are light on the dark ground


def test_a_difference_a_selection_and_a_subset_are_in_the_files(
    open_offline: Callable[..., View], explanation: fx.Explanation, tmp_path: Path
):
    other = explanation.replace(p=0.3, interactions=0.5 * explanation.interactions, main=explanation.main + 1)
    fx.report([Recording((explanation, other))], tmp_path / "page.html")
    view = open_offline(tmp_path / "page.html")
    view.show_all()
    view.press("pin")
    view.slider("p").press("Home")
    expect(view.root).to_have_attribute("data-result-p", "0.3")
    view.root.locator("[data-choice=difference]").click()
    expect(view.root).to_have_attribute("data-shown", "difference")
    name, content = saved(view, "csv")
    assert name == "black-dog-next-to-a-yellow-hydrant_p0.3_131072_B-minus-A_terms.csv"
    # without their regressions, the page knows only a bound of the errors
    bounds = [getattr(other, each) + getattr(explanation, each) for each in ("main_se", "interactions_se")]
    difference = (other - explanation).replace(main_se=bounds[0], interactions_se=bounds[1])
    assert_same_terms(content.decode("utf-8"), difference.to_csv())
    dog = explanation.player("dog")
    view.chip(dog).click()
    view.page.mouse.move(0, 0)
    root = drawing(saved(view, "picture-svg")[1])
    assert root.findtext(f"{SVG}title", "").startswith("B − A: “black dog")
    assert "Selected: “dog”." in root.findtext(f"{SVG}desc", "")
    view.root.locator("[data-choice=current]").click()
    view.press("clear")
    view.slider("subset").press("ArrowRight")
    view.slider("subset").press("ArrowRight")
    expect(view.root.locator("[data-subset-value]")).to_be_visible()
    root = drawing(saved(view, "graph-svg")[1])
    assert "Subset: " in root.findtext(f"{SVG}desc", "")


def test_captions_with_markup_stay_text(open_offline: Callable[..., View], tmp_path: Path):
    fx.report([hostile()], tmp_path / "page.html")
    view = open_offline(tmp_path / "page.html")
    root = drawing(saved(view, "picture-svg")[1])
    assert not [*root.iter(f"{SVG}script")]
    known = ("svg", "title", "desc", "rect", "defs", "image", "use", "g", "path", "text", "pattern", "circle")
    assert {element.tag for element in root.iter()} <= {f"{SVG}{name}" for name in known}


def test_a_widget_downloads_what_python_holds(open_notebook: Callable[..., OpenNotebook]):
    notebook, view = shown(open_notebook)
    expected = notebook.evaluate("widget.explanation.to_csv()")
    name, content = saved(view, "csv")
    view.press("download")
    still(notebook.page)
    assert violations(notebook.page) == []
    notebook.page.keyboard.press("Escape")
    assert re.search(r"_p0\.5_\d+_terms\.csv$", name)
    assert_same_terms(content.decode("utf-8"), expected)
    view.show("table")
    root = drawing(saved(view, "graph-svg")[1])
    edges = notebook.evaluate(
        "[(*sorted(pair), edge['weight']) for *pair, edge in "
        "widget.explanation.to_networkx(top_k=widget.top_k, kind=widget.graph_kind).edges(data=True)]"
    )
    drawn = sorted(abs(value) for value in titles(root).values())
    assert len(edges) == len(drawn)
    np.testing.assert_allclose(drawn, sorted(abs(edge[2]) for edge in edges), rtol=0.05, atol=0.0051)
    picture = saved(view, "picture-svg")[1]
    assert drawing(picture).findtext(f"{SVG}title", "").startswith("“")
    assert_is_picture(saved(view, "picture-png")[1], picture)
