"""After any sequence of actions, every number on the screen is Python's for the explanation that the screen names.

The number of sequences is ``FIXLIP_SEQUENCES`` (5 by default), the first seed ``FIXLIP_FIRST_SEED``.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from fixlip_widgets import Explanation, FixlipWidget, IncrementalExplainer
from fixlip_widgets.explanation.findings import findings
from fixlip_widgets.explanation.group_sums import group
from fixlip_widgets.support.formatting import plain, signed, with_error
from tests.e2e.bridge import Bridge
from tests.golden import tiny_game

FIRST = int(os.environ.get("FIXLIP_FIRST_SEED", "0"))
SEQUENCES = int(os.environ.get("FIXLIP_SEQUENCES", "5"))
ACTIONS = 50
CAPTIONS = ("a dog next to a cat", "a red dog", "cats")
PRESS = "selector => document.querySelector(selector)?.click()"
CHOOSE = """([selector, value]) => {
    const field = document.querySelector(selector);
    if (field) {
        field.value = value;
        field.dispatchEvent(new Event(field.type === 'range' ? 'input' : 'change', {bubbles: true}));
        field.dispatchEvent(new PointerEvent('pointerup', {bubbles: true}));
    }
}"""
SCREEN = """() => {
    const root = document.querySelector('.fixlip');
    const text = element => (element?.textContent ?? '').replaceAll('\\u00a0', ' ');
    const all = (selector, read) => [...root.querySelectorAll(selector)].map(read);
    const numbers = value => value === '' ? [] : value.split(' ').map(Number);
    return {
        shown: root.dataset.shown,
        generation: Number(root.dataset.generation),
        budget: Number(root.dataset.resultBudget),
        p: Number(root.dataset.resultP),
        selection: numbers(root.dataset.selection),
        stale: root.dataset.stale === 'true',
        hides: root.querySelector('.fx-stage')?.dataset.tool === 'hide',
        values: all('.fx-patch, .fx-chip', each => [Number(each.dataset.player), each.dataset.value]),
        edges: all('.fx-edge', ({dataset}) => [dataset.source, dataset.target, dataset.value].map(Number)),
        rows: all('.fx-views tbody tr', row => [row.dataset.players, text(row.querySelector('td'))]),
        heatmap: root.querySelector('.fx-heatmap.js-plotly-plot')?.data?.[0]?.z ?? null,
        total: text(root.querySelector('[data-group=total]')),
        within: text(root.querySelector('[data-group=within]')),
        finding: text(root.querySelector('.fx-sentence p')),
        facts: Object.fromEntries(all('.fx-facts > span', each => [
            text(each.querySelector('button')), text(each.querySelector(':scope > b')),
        ])),
        played: all('.fx-value b', text),
    };
}"""
Screen = dict[str, Any]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 1400})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


def started(page: Page) -> Bridge:
    explainer = IncrementalExplainer(tiny_game())
    widget = FixlipWidget(explainer=explainer, budget=2**9, idle_share=0.0, level="all", max_budget=2**11)
    bridge = Bridge(widget, page)
    bridge.settle()
    return bridge


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEQUENCES))
def test_every_number_is_pythons_after_any_sequence_of_actions(page: Page, seed: int):
    draw, bridge, done = random.Random(seed), started(page), list[str]()
    try:
        for _ in range(ACTIONS):
            name = draw.choice(tuple(_ACTIONS))
            done.append(name)
            bridge = _ACTIONS[name](bridge, draw) or bridge
            try:
                if draw.random() < 0.3:
                    bridge.pump()
                    check_unsettled(bridge)
                bridge.settle()
                check(bridge)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, after {', '.join(done)}: {error}") from error
    finally:
        bridge.close()


# -- actions -----------------------------------------------------------------------------------------------------------

Action = Callable[[Bridge, random.Random], "Bridge | None"]


def _press(selector: str) -> Action:
    return lambda bridge, draw: bridge.page.evaluate(PRESS, selector)


def _choose(selector: str, *values: object) -> Action:
    return lambda bridge, draw: bridge.page.evaluate(CHOOSE, [selector, str(draw.choice(values))])


def _set(name: str, *values: object) -> Action:
    return lambda bridge, draw: setattr(bridge.widget, name, draw.choice(values))


def _click_player(bridge: Bridge, draw: random.Random) -> None:
    player = draw.randrange(bridge.page.locator(".fx-patch, .fx-chip").count())
    held = draw.random() < 0.5
    bridge.page.evaluate(
        "([player, shiftKey]) => document.querySelector(`.fx-stage [data-player='${player}']`)"
        ".dispatchEvent(new MouseEvent('click', {bubbles: true, shiftKey}))",
        [player, held],
    )


def _die_and_restart(bridge: Bridge, draw: random.Random) -> Bridge:
    """Lose the kernel; the numbers on the screen stay those of its last result. Then run the cell again."""
    bridge.settle()
    before = bridge.page.evaluate(SCREEN)["values"]
    bridge.dead = True
    bridge.page.evaluate(CHOOSE, ["input[id$='-p']", "0.3"])
    bridge.pump()
    assert bridge.page.evaluate(SCREEN)["values"] == before
    bridge.close()
    return started(bridge.page)


_ACTIONS: dict[str, Action] = {
    "caption": _set("text", *CAPTIONS),
    "p": _choose("input[id$='-p']", 0.3, 0.5, 0.65, 0.9),
    "p from Python": _set("p", 0.4, 0.5, 0.7),
    "budget": _set("budget", 2**9, 2**10),
    "pin": _press("[data-action=pin]"),
    "unpin": _press("[data-action=unpin]"),
    "show A": _press("[data-choice=pinned]"),
    "show B": _press("[data-choice=current]"),
    "show B − A": _press("[data-choice=difference]"),
    "player": _click_player,
    "another player": _click_player,
    "hide": _press("[data-action=hide]"),
    "show all": _press("[data-action=show-all]"),
    "clear": _press("[data-action=clear]"),
    "undo": _press("[data-action=undo]"),
    "reset": _press("[data-action=reset]"),
    "graph": _press("[data-view=graph]"),
    "heatmap": _press("[data-view=heatmap]"),
    "table": _press("[data-view=table]"),
    "top": _choose("input[id$='-top']", 5, 17, 40),
    "kind": _choose("[data-setting=graph_kind]", "cross", "intra", "all"),
    "sign": _set("graph_sign", "both", "positive", "negative"),
    "subset": _set("subset_size", 0, 3),
    "colours": _press("[data-choice=main]"),
    "cancel": lambda bridge, draw: bridge.widget.cancel(),
    "restart": _die_and_restart,
}


# -- checks ------------------------------------------------------------------------------------------------------------


def close(actual: np.ndarray, expected: np.ndarray) -> bool:
    """Return whether two arrays are equal up to float32, which the view gets."""
    return actual.shape == expected.shape and np.allclose(actual, expected, rtol=1e-5, atol=1e-6)


def values_for(of: Explanation, selection: list[int]) -> np.ndarray:
    """Return main effects, or summed interactions with the selected players, which keep their main effects."""
    if not selection:
        return of.main
    values = group(of, selection).values.copy()
    values[selection] = of.main[selection]
    return values


def shown_values(screen: Screen) -> np.ndarray:
    values = sorted(screen["values"])
    assert all(value is not None for _, value in values), "a player has no value"
    return np.array([float(value) for _, value in values])


def check_unsettled(bridge: Bridge) -> None:
    """While a refinement runs, all players have the values of one result of the generation that the screen names."""
    screen = bridge.page.evaluate(SCREEN)
    if screen["shown"] != "current" or screen["generation"] < 0:
        return
    values, selection = shown_values(screen), screen["selection"]
    results = [
        of
        for generation, of in bridge.results
        if (generation, of.budget, of.p) == (screen["generation"], screen["budget"], screen["p"])
        and of.n_players == len(values)
    ]
    assert any(close(values, values_for(of, selection)) for of in results), "no result has these values"


def check(bridge: Bridge) -> None:
    """Compare everything on the screen with the widget's shown explanation."""
    widget, screen = bridge.widget, bridge.page.evaluate(SCREEN)
    of, selection = widget.shown_explanation(), screen["selection"]
    assert screen["shown"] == widget.shown
    assert selection == list(widget.selection)
    assert not screen["stale"]
    assert close(shown_values(screen), values_for(of, selection)), "the values are not those of the shown explanation"
    check_view(widget, of, screen)
    check_texts(widget, of, screen)
    if selection and not screen["hides"] and len(selection) > 1:
        sums = group(of, selection)
        explainer = widget.resting_explainer()
        if widget.shown == "current" and explainer is not None:
            sums = explainer.group(selection, of)
        assert screen["total"] == with_error(sums.total, sums.total_se)
        assert screen["within"] == with_error(sums.within, sums.within_se)


def check_view(widget: FixlipWidget, of: Explanation, screen: Screen) -> None:
    """Compare the open tab: edges of the graph, rows of the table, or cells of the heatmap."""
    if widget.view == "graph":
        graph = widget.graph()
        expected = {(min(i, j), max(i, j)): value for i, j, value in graph.edges(data="weight")}
        drawn = {(min(i, j), max(i, j)): value for i, j, value in screen["edges"]}
        assert drawn == pytest.approx(expected, rel=1e-5, abs=1e-6)
    elif widget.view == "table":
        for players, text in screen["rows"]:
            i, j = map(int, players.split())
            errors = of.interactions_se
            assert text == with_error(of.interactions[i, j], None if errors is None else errors[i, j])
    elif screen["heatmap"] is not None:
        assert close(np.array(screen["heatmap"], dtype=float), of.cross), "the heatmap has other values"


def check_texts(widget: FixlipWidget, of: Explanation, screen: Screen) -> None:
    """Compare the finding, the facts in the header, and the values of the masked pair."""
    difference = widget.shown == "difference"
    if not difference:
        sentences = findings(of, partial=widget.status == "cancelled" and widget.shown == "current")
        sentence = sentences[screen["selection"][0]] if len(screen["selection"]) == 1 else sentences[-1]
        assert screen["finding"] == sentence.replace("\u00a0", " ")
        assert screen["facts"]["similarity"] == plain(of.similarity)
        assert screen["facts"]["residual"] == signed(of.residual)
    if of.r2 is not None and np.isfinite(of.r2):
        assert screen["facts"]["held-out R²"] == plain(of.r2)
    if screen["hides"] and widget.removed and widget.explanation is not None and screen["played"]:
        kept = np.ones((1, widget.explanation.n_players), dtype=bool)
        kept[0, list(widget.removed)] = False
        explainer = widget.resting_explainer()
        assert explainer is not None
        value, prediction = explainer.game.value(kept)[0], widget.explanation.predict(kept)[0]
        assert screen["played"] == [plain(value), plain(prediction)]
