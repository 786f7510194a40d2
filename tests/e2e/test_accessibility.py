"""For everyone: axe's rules, sizes that a finger meets, narrow cells, reduced motion, and the keyboard alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.harness import AXE, build, served

PANELS = ("trust", "faithfulness", "examples", "settings")
STATES = ("empty", "running", "error", "refused", "fixed", "offline", "pinned", "difference", "played", "first-order")
MEASURED = ("measured", "compared", "beside", "measuring")
VIEWS = ("graph", "heatmap", "maps", "waterfall", "table")
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    build()
    with served() as at:
        yield at


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Call it with options for a context of the browser, which keeps the page's files and compiled code."""
    opened: dict[str, BrowserContext] = {}

    def context(**options: Any) -> BrowserContext:
        key = repr(options)
        if key not in opened:
            opened[key] = browser.new_context(**options)
        return opened[key]

    yield context
    for each in opened.values():
        each.close()


@pytest.fixture
def open_page(contexts: Callable[..., BrowserContext], address: str) -> Iterator[Open]:
    """Call it with a query, a width and options of the browser's context to have the page opened."""
    pages: list[Page] = []

    def run(query: str = "", width: int = 1140, **options: Any) -> Page:
        page = contexts(**options).new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": 900})
        load(page, address, query)
        return page

    yield run
    for page in pages:
        page.close()


def load(page: Page, address: str, query: str) -> None:
    page.goto(f"{address}?{query}")
    page.locator(".fx-chip").first.wait_for()


def violations(page: Page) -> list[str]:
    """What axe finds wrong inside the widget: rule, how bad, and where; contrasts with their colours."""
    page.evaluate("() => Promise.all(document.getAnimations().map(each => each.finished.catch(() => {})))")
    if page.evaluate("typeof axe") == "undefined":
        page.add_script_tag(path=AXE)
    found = page.evaluate("async () => (await axe.run('.fixlip', {resultTypes: ['violations']})).violations")
    return [
        f"{rule['id']} ({rule['impact']}): {node['target'][0]} {node['failureSummary'].splitlines()[-1].strip()}"
        for rule in found
        for node in rule["nodes"]
    ]


def still(page: Page) -> None:
    """Nothing pulses for ever while axe waits for animations to end."""
    page.emulate_media(reduced_motion="reduce")


def in_both_themes(page: Page, name: str) -> dict[str, list[str]]:
    """What axe finds wrong in each of JupyterLab's themes, which the page's body names."""
    found: dict[str, list[str]] = {}
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.body.dataset.jpThemeLight = String(theme === 'light'); }", theme)
        expect(page.locator(".fixlip")).to_have_attribute("data-theme", theme)
        found[f"{name}, {theme}"] = violations(page)
    return found


def assert_none(found: dict[str, list[str]]) -> None:
    assert {name: wrong for name, wrong in found.items() if wrong} == {}, json.dumps(found, indent=2)


def test_axe_finds_nothing_with_any_panel_or_view_open(open_page: Open):
    page = open_page("state=played&selection=50")
    still(page)
    found = in_both_themes(page, "first look")
    for panel in PANELS:
        page.locator(f"[data-panel={panel}]").click()
        found |= in_both_themes(page, panel)
    page.locator("[data-action=provenance]").click()
    page.locator(".fx-caption button").click()
    found |= in_both_themes(page, "provenance and editor")
    for view in VIEWS:
        page.locator(f"[data-view={view}]").click()
        page.wait_for_timeout(300)
        found |= in_both_themes(page, view)
    assert_none(found)


def test_axe_finds_nothing_in_any_state(open_page: Open, address: str):
    page, found = open_page(), dict[str, list[str]]()
    still(page)
    for state in STATES:
        load(page, address, f"state={state}&open=settings")
        found |= in_both_themes(page, state)
    assert_none(found)


@pytest.mark.parametrize("palette", ["house", "safe"])
def test_axe_finds_nothing_where_faithfulness_is_measured(open_page: Open, address: str, palette: str):
    page, found = open_page(), dict[str, list[str]]()
    still(page)
    for state in MEASURED:
        load(page, address, f"palette={palette}&state={state}&open=faithfulness")
        page.locator(".fx-faithfulness").wait_for()
        found |= in_both_themes(page, state)
    assert_none(found)


def test_axe_finds_nothing_at_the_simple_level(open_page: Open, address: str):
    page, found = open_page(), dict[str, list[str]]()
    still(page)
    for state in STATES:
        load(page, address, f"level=simple&state={state}")
        found |= in_both_themes(page, state)
        page.locator(".fx-about").first.press("Enter")
        expect(page.locator(".fx-popover:popover-open")).to_have_count(1)
        found |= in_both_themes(page, f"{state}, with a definition")
    assert_none(found)


@pytest.mark.parametrize("width", [320, 460, 720, 960, 1400])
def test_nothing_sticks_out_at_the_simple_level_while_parts_are_hidden(open_page: Open, width: int):
    page = open_page("level=simple&state=played", width=width, reduced_motion="reduce")
    page.locator("[data-action=hide]").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("level", ["simple", "all"])
def test_a_definition_opens_by_keyboard_and_closes_with_escape_which_keeps_focus_and_selection(
    open_page: Open, level: str
):
    page = open_page(f"level={level}&selection=50")
    for button in page.locator(".fx-about").all():
        button.press("Enter")
        expect(button).to_have_attribute("aria-expanded", "true")
        expect(page.locator(".fx-popover:popover-open")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(button).to_have_attribute("aria-expanded", "false")
        expect(button).to_be_focused()
    expect(page.locator(".fixlip")).to_have_attribute("data-selection", "50")


def test_a_definition_opens_by_touch_within_a_narrow_window_and_closes_by_a_second_touch(open_page: Open):
    page = open_page("level=simple", width=320, has_touch=True)
    for button in page.locator(".fx-about").all():
        button.tap()
        text = page.locator(".fx-popover:popover-open")
        expect(text).to_be_visible()
        page.wait_for_timeout(100)
        box = text.bounding_box()
        assert box
        assert (box["x"] >= 0, box["x"] + box["width"] <= 320) == (True, True)
        button.tap()
        expect(text).to_have_count(0)


@pytest.mark.parametrize("state", ["pinned", "compared"])
@pytest.mark.parametrize("width", [320, 460, 720, 960, 1400, 2000])
def test_nothing_sticks_out_at_any_width(open_page: Open, width: int, state: str):
    page = open_page(f"state={state}", width=width, reduced_motion="reduce")
    for panel in PANELS:
        page.locator(f"[data-panel={panel}]").click()
        wide = page.evaluate(
            """() => {
                const edge = document.querySelector('.fixlip').getBoundingClientRect().right;
                const clipped = element => element.closest('svg *, .fx-table, .fx-hidden, .fx-removed');
                return [...document.querySelectorAll('.fixlip *')]
                    .filter(each => each.getBoundingClientRect().right > edge + 1 && !clipped(each))
                    .map(each => `${each.tagName}.${each.getAttribute('class')}: ${each.textContent.slice(0, 40)}`);
            }"""
        )
        assert wide == [], panel


def test_a_column_more_in_the_table_of_faithfulness_fits_the_narrowest_cell(open_page: Open):
    page = open_page("state=compared&open=faithfulness", width=320)
    page.evaluate(
        """() => {
            const measured = kernel.get('measured').map(each => ({...each, faithfulness: [
                ...each.faithfulness, {p: 0.65, spearman: -0.987, r2: -10.25, masks: 250}]}));
            kernel.tell('measured', measured);
            kernel.tell('measure_cost', {...kernel.get('measure_cost'), p: [0.3, 0.5, 0.7, 0.65]});
        }"""
    )
    expect(page.locator(".fx-scores thead th")).to_have_count(5)
    wide, box = (page.locator(f".fx-scores{part}").bounding_box() for part in (" table", ""))
    assert wide is not None
    assert box is not None
    assert wide["width"] <= box["width"] + 1


def test_everything_that_is_pressed_is_as_large_as_a_fingertip_needs(open_page: Open):
    page = open_page("state=pinned", width=320, has_touch=True)
    for panel in PANELS:
        page.locator(f"[data-panel={panel}]").click()
        small = page.evaluate(
            """() => [...document.querySelectorAll('.fixlip :is(button, select, input)')]
                .map(each => [each, each.getBoundingClientRect()])
                .filter(([each, box]) => box.width > 0 && Math.min(box.width, box.height) < 24)
                .map(([each, box]) => `${each.outerHTML.slice(0, 80)} ${box.width} × ${box.height}`)"""
        )
        assert small == [], panel


def test_nothing_moves_by_itself_where_motion_is_unwanted(open_page: Open):
    page = open_page("state=running", reduced_motion="reduce")
    moving = "() => document.getAnimations().length"
    assert page.evaluate(moving) == 0
    page.locator(".fx-chip").nth(1).click()
    page.locator("[data-setting=graph_layout]").select_option("spring")
    assert page.evaluate(moving) == 0


def test_opening_a_panel_moves_nothing_above_it(open_page: Open):
    page = open_page()
    places = """() => ['.fixlip', '.fx-controls', '.fx-body', '.fx-panel-names']
        .map(part => document.querySelector(part).getBoundingClientRect().y)
        .map((y, _, all) => y - all[0])"""
    before = page.evaluate(places)
    for panel in PANELS:
        page.locator(f"[data-panel={panel}]").click()
        assert page.evaluate(places) == before, panel


def test_pointing_and_selecting_moves_nothing_below_the_finding(open_page: Open):
    page = open_page()
    place = """() => document.querySelector('.fx-body').getBoundingClientRect().y
        - document.querySelector('.fixlip').getBoundingClientRect().y"""
    before = page.evaluate(place)
    for index in range(4):
        page.locator(".fx-chip").nth(index).hover()
        assert page.evaluate(place) == before
    page.locator(".fx-patch").nth(20).click()
    assert page.evaluate(place) == before


def test_the_keyboard_alone_hides_a_word_and_hears_of_its_value(open_page: Open):
    page = open_page()
    page.locator("[data-action=hide]").focus()
    page.keyboard.press("Space")
    page.locator(".fx-chip").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("[data-shows]")).to_have_text("“dog”")
    expect(page.locator(".fx-values [role=status]")).to_contain_text("Error of the prediction")
    page.locator("[data-shows]").press("Enter")
    expect(page.locator("[data-shows]")).to_have_count(0)


def test_the_keyboard_alone_measures_and_reads_the_curves(open_page: Open):
    page = open_page()
    page.locator("[data-panel=faithfulness]").press("Enter")
    page.locator("[data-action=measure]").press("Enter")
    page.locator(".fx-plot").focus()
    expect(page.locator(".fx-plot")).to_have_attribute("aria-valuetext", re.compile("reaches .* kept"))
    for key in ("Home", "ArrowRight", "PageUp"):
        page.keyboard.press(key)
    expect(page.locator(".fx-plot")).to_have_attribute("aria-valuetext", re.compile("^12 % kept: most similar "))


CONTRASTS = """() => {
    const parse = text => text.match(/[\\d.]+/g).map(Number);
    const unit = text => parse(text).map((part, i) => i < 3 ? 255 * part : part);
    const srgb = text => text.startsWith('color(') ? unit(text.slice(10)) : parse(text);
    const over = ([r, g, b, a = 1], below) => [r, g, b].map((part, i) => a * part + (1 - a) * below[i]);
    const linear = part => part <= 10 ? part / 3295 : ((part / 255 + 0.055) / 1.055) ** 2.4;
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const contrast = (one, other) => {
        const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    const root = document.querySelector('.fixlip');
    const ink = name => {
        const probe = root.appendChild(document.createElement('i'));
        probe.style.color = `var(${name})`;
        const colour = srgb(getComputedStyle(probe).color);
        probe.remove();
        return colour;
    };
    const [raised, panel] = [ink('--raised'), ink('--panel')];
    const chips = [...document.querySelectorAll('.fx-chip[aria-pressed=false]')].map(chip => {
        const tint = chip.style.getPropertyValue('--tint');
        const ground = tint === 'transparent' ? raised : over(srgb(tint), raised);
        return [chip.textContent, contrast(srgb(getComputedStyle(chip).color), ground)];
    });
    const labels = [...document.querySelectorAll('.fx-labels text')].map(label =>
        [label.textContent, contrast(srgb(getComputedStyle(label).fill), panel)]);
    return [...chips, ...labels];
}"""
"""What axe cannot tell: words on tinted chips, and numbers on the graph. Formula: WCAG 2.2, contrast ratio."""


@pytest.mark.parametrize("palette", ["house", "safe"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_and_numbers_can_be_read_on_what_colours_them(open_page: Open, theme: str, palette: str):
    page = open_page(f"theme={theme}&palette={palette}")
    page.locator(".fx-labels text").first.wait_for()
    read = page.evaluate(CONTRASTS)
    assert len(read) > 8
    assert {text: ratio for text, ratio in read if ratio < 4.5} == {}
