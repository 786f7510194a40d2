"""Measures the view in a real JupyterLab: ``python -m tests.e2e.measure``.

Of 100 hovers, the time that the page's main thread spends on scripts, and on everything; of moves of p among the
encoded masks, the time from letting go of the slider until the new result is on the screen; of choices of two among a
thousand classes, the time from the click until their contrast is on the screen. Printed in milliseconds.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, sync_playwright

from tests.e2e.browser import launch
from tests.e2e.lab import Lab, OpenNotebook, running_lab
from tests.e2e.test_widget import view_of
from tests.e2e.view import View

HOVERS = 100
MOVES = 20
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
BUDGETS = (10, 17)
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


def choices_of_two(view: View) -> list[float]:
    """Milliseconds of each choice of another class to compare with the most probable one.

    Raises:
        RuntimeError: The contrast is not shown.
    """
    root, times = view.root.element_handle(), list[float]()
    names = view.root.locator(".fx-class").evaluate_all("all => all.map(each => each.dataset.class)")
    for name in names[1:]:
        button = view.root.locator(f'.fx-class[data-class="{name}"] .fx-versus').element_handle()
        times.append(view.page.evaluate(CHOOSE, [root, button]))
        view.page.wait_for_timeout(LOOKING)
        if name not in view.root.locator("h2").inner_text():
            raise RuntimeError(f"The view does not show the contrast with {name!r}.")
    return times[2:]


def spread(times: list[float]) -> str:
    """Median and longest of the times."""
    return f"median {statistics.median(times):.0f}, longest {max(times):.0f}"


def opened(lab: Lab, browser: Browser, *cells: str) -> OpenNotebook:
    """A notebook with these cells, run."""
    page = browser.new_page(viewport={"width": 1280, "height": 1400})
    notebook = OpenNotebook(lab, page, lab.write("measured.ipynb", *cells))
    notebook.run_all()
    return notebook


def main() -> None:
    """Start what is needed, measure, and print."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, running_lab(Path(folder)) as lab:
        browser = launch(playwright)
        for side, tokens in SIZES:
            notebook = opened(lab, browser, LARGE.format(side=side, tokens=tokens), "widget")
            view = view_of(notebook)
            view.wait()
            per = hovers(view)
            script, task = per["ScriptDuration"], per["TaskDuration"]
            print(f"{side**2} + {tokens} players, a hover: {script:.1f} scripting, {task:.1f} in all", flush=True)
            notebook.close()
        for budget in BUDGETS:
            notebook = opened(lab, browser, PAIR.format(budget=budget), "widget")
            view = view_of(notebook)
            view.wait()
            view.page.wait_for_timeout(PREPARING)
            times = moves_of_p(view)
            print(f"p in the pool of budget 2^{budget}, {len(times)} moves: {spread(times)}", flush=True)
            notebook.close()
        notebook = opened(lab, browser, THOUSAND, "widget")
        view = view_of(notebook)
        view.wait()
        view.page.wait_for_timeout(PREPARING)
        times = choices_of_two(view)
        print(f"two of 1,000 classes, {len(times)} choices: {spread(times)}", flush=True)
        notebook.close()
        browser.close()


if __name__ == "__main__":
    main()
