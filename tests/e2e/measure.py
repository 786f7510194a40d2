"""Measures the view in a real JupyterLab: ``python -m tests.e2e.measure``.

Of 100 hovers, the time that the page's main thread spends on scripts, and on everything; of moves of p among the
encoded masks, the time from letting go of the slider until the new result is on the screen; of choices of two among a
thousand classes, the time from the click until their contrast is on the screen; of cancellations, the time from the
click until the result so far is on the screen. Printed in milliseconds.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, expect, sync_playwright

from fixlip_widgets.bench.classes import NAMES
from tests.e2e.browser import launch
from tests.e2e.lab import Lab, OpenNotebook, running_lab
from tests.e2e.test_widget import view_of
from tests.e2e.view import WAIT, View

HOVERS = 100
MOVES = 20
CHOICES = 20
CANCELLATIONS = 12
LARGE = """
import fixlip_widgets as fx
from tests.examples import random_explanation
explanation = random_explanation({side}, {side}, tuple(f"word{{i}}" for i in range({tokens})))
widget = fx.FixlipWidget.from_explanation(explanation, level="all")
"""
SIZES = ((7, 8), (16, 20))
PAIR = """
import fixlip_widgets as fx
scene = fx.demo.scene("dog_and_banana")
widget = fx.FixlipWidget(scene.image, scene.caption, budget=2**{budget}, level="all")
"""
BUDGETS, ENDLESS = (10, 17), 22
THOUSAND = """
import fixlip_widgets as fx
from fixlip_widgets.bench.classes import NAMES
widget = fx.FixlipWidget(fx.demo.scene("dog_and_banana").image, classes=NAMES, budget=2**12, level="all")
"""
PREPARING = 20_000
"""Milliseconds in which an idle widget encodes masks at other p."""
LOOKING = 700
"""Milliseconds between two gestures of a person who looks at the result; meanwhile, subsets and maps are found."""
PAINTED = """(root, act, done, shown) => {
    const start = performance.now();
    const seen = () => {
        if (shown() && root.dataset.partial === 'false') {
            observer.disconnect();
            requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
        }
    };
    const observer = new MutationObserver(seen);
    observer.observe(root, {attributes: true});
    act();
}"""
MOVE = f"""([root, slider, p]) => new Promise(done => {{
    slider.value = p;
    slider.dispatchEvent(new Event('input', {{bubbles: true}}));
    const act = () => slider.dispatchEvent(new PointerEvent('pointerup', {{bubbles: true}}));
    setTimeout(() => ({PAINTED})(root, act, done, () => root.dataset.resultP === String(p)), 50);
}})"""
CHOOSE = f"""([root, button]) => new Promise(done => {{
    const {{requested}} = root.dataset;
    const shown = () => root.dataset.requested !== requested && root.dataset.generation === root.dataset.requested;
    ({PAINTED})(root, () => button.click(), done, shown);
}})"""

CANCEL = f"""([root, button]) => new Promise(done => {{
    ({PAINTED})(root, () => button.click(), done, () => root.dataset.status === 'cancelled');
}})"""


def spent(session: CDPSession) -> dict[str, float]:
    """Seconds since the page began, by kind of work; as Chromium's ``Performance.getMetrics`` defines them."""
    return {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}


def hovers(view: View) -> dict[str, float]:
    """Milliseconds a hover; patches and tokens in turn.

    Raises:
        RuntimeError: The view did not notice one.
    """
    players = view.root.locator(".fx-patch, .fx-chip")
    boxes = [box for at in range(players.count()) if (box := players.nth(at).bounding_box())]
    session = view.page.context.new_cdp_session(view.page)
    session.send("Performance.enable")
    before = spent(session)
    for hover in range(HOVERS):
        box = boxes[hover * 7 % len(boxes)]
        view.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        view.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        if players.nth(hover * 7 % len(boxes)).get_attribute("data-active") != "true":
            raise RuntimeError(f"The view did not notice hover {hover}.")
    after = spent(session)
    return {name: 1000 * (after[name] - before[name]) / HOVERS for name in ("ScriptDuration", "TaskDuration")}


def moves_of_p(view: View) -> list[float]:
    """Milliseconds of each move between two p that were both visited before."""
    given = [view.root.element_handle(), view.slider("p").element_handle()]
    times = list[float]()
    for move in range(MOVES):
        times.append(view.page.evaluate(MOVE, [*given, (0.55, 0.5)[move % 2]]))
        view.page.wait_for_timeout(LOOKING)
    return times[2:]


def choices_of_two(view: View, names: Sequence[str], *, found: bool = False) -> list[float]:
    """Milliseconds of each choice of one of ``names`` to compare with the most probable class.

    Args:
        view: The view.
        names: Other classes.
        found: Whether to find each by typing its name first.

    Raises:
        RuntimeError: The contrast is not shown.
    """
    root, times = view.root.element_handle(), list[float]()
    for name in names:
        if found:
            view.root.get_by_label("Find or add a class").fill(name)
        button = view.root.locator(f'.fx-class[data-class="{name}"] .fx-versus').element_handle()
        times.append(view.page.evaluate(CHOOSE, [root, button]))
        view.page.wait_for_timeout(LOOKING)
        if name not in view.root.locator("h2").inner_text():
            raise RuntimeError(f"The view does not show the contrast with {name!r}.")
    return times[2:]


def cancellations(view: View) -> list[float]:
    """Milliseconds of each cancellation of a refinement that shows partial results."""
    root, times = view.root.element_handle(), list[float]()
    for _ in range(CANCELLATIONS):
        expect(view.root).to_have_attribute("data-partial", "true", timeout=WAIT)
        view.page.wait_for_timeout(LOOKING)
        button = view.root.locator("[data-action=cancel]").element_handle()
        times.append(view.page.evaluate(CANCEL, [root, button]))
        view.page.wait_for_timeout(LOOKING)  # a click soon after would be the second half of a double click
        view.press("run")
    return times[2:]


def report(what: str, times: list[float]) -> None:
    """Print the number of the times, their median and the longest."""
    print(f"{what}, {len(times)} times: median {statistics.median(times):.0f}, longest {max(times):.0f}", flush=True)


@contextmanager
def opened(lab: Lab, browser: Browser, cell: str) -> Generator[View]:
    """The widget of a notebook with this cell, run."""
    page = browser.new_page(viewport={"width": 1280, "height": 1400})
    notebook = OpenNotebook(lab, page, lab.write("measured.ipynb", cell, "widget"))
    notebook.run_all()
    yield view_of(notebook)
    notebook.close()


def main() -> None:
    """Start what is needed, measure, and print."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, running_lab(Path(folder)) as lab:
        browser = launch(playwright)
        for side, tokens in SIZES:
            with opened(lab, browser, LARGE.format(side=side, tokens=tokens)) as view:
                view.wait()
                per = hovers(view)
            script, task = per["ScriptDuration"], per["TaskDuration"]
            print(f"{side**2} + {tokens} players, a hover: {script:.1f} scripting, {task:.1f} in all", flush=True)
        for budget in BUDGETS:
            with opened(lab, browser, PAIR.format(budget=budget)) as view:
                view.wait()
                view.page.wait_for_timeout(PREPARING)
                report(f"p moved in the pool of budget 2^{budget}", moves_of_p(view))
        with opened(lab, browser, THOUSAND) as view:
            view.wait()
            view.page.wait_for_timeout(PREPARING)
            listed = view.root.locator(".fx-class").evaluate_all("all => all.map(each => each.dataset.class)")
            report("two of 1,000 classes chosen, both listed", choices_of_two(view, listed[1:]))
            others = [name for name in NAMES if name not in listed][:: len(NAMES) // CHOICES]
            report("two of 1,000 classes chosen, one found by name", choices_of_two(view, others, found=True))
        with opened(lab, browser, PAIR.format(budget=ENDLESS)) as view:
            report("cancelled", cancellations(view))
        browser.close()


if __name__ == "__main__":
    main()
