"""Measures how a gallery of 10,000 pairs scrolls: ``python -m tests.e2e.measure_gallery``.

The page is a saved gallery; its rows are those of a few explained demo scenes, repeated with ids of their own. The grid
is scrolled from the top to the bottom, a fixed distance each frame. Printed are the milliseconds from frame to frame
(16.7 at 60 frames a second), and the main thread's own CPU time a frame, which a busy machine does not prolong.
"""

from __future__ import annotations

import argparse
import base64
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

import fixlip_widgets as fx
from fixlip_widgets.gallery.saved_gallery import contents
from fixlip_widgets.pages.html_page import Live, page
from tests.e2e.browser import launch
from tests.e2e.measure import spent

ROWS = 10_000
SCENES = 3
"""Scenes for each number of objects, one to four."""
PIXELS = 400
"""Distance that is scrolled in a frame; a row of cards is 256 pixels high."""
SCROLL = """([pixels, most]) => new Promise(done => {
    const grid = document.querySelector('[role=grid]');
    const times = [];
    let before = null;
    const step = now => {
        if (before !== null) times.push(now - before);
        before = now;
        const atEnd = grid.scrollTop + grid.clientHeight >= grid.scrollHeight - 1;
        if (atEnd || times.length >= most) return done(times);
        grid.scrollTop += pixels;
        requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
})"""


def repeated(saved: dict[str, Any], rows: int) -> dict[str, Any]:
    """Return a saved gallery whose rows are those of ``saved``, repeated in turn up to ``rows``."""
    texts, traits = saved["texts"], saved["traits"]
    of = np.arange(rows) % len(texts["weakest"])
    columns = {name: [values[row] for row in of] for name, values in texts["columns"].items()}
    columns["id"] = [f"row {row}" for row in range(rows)]
    numbers = [np.frombuffer(base64.b64decode(column), "<f8")[of] for column in saved["numbers"]]
    return {
        **saved,
        "texts": {
            "columns": columns,
            "tokens": [texts["tokens"][row] for row in of],
            "weakest": [texts["weakest"][row] for row in of],
        },
        "numbers": [base64.b64encode(column.tobytes()).decode() for column in numbers],
        "thumbnails": [saved["thumbnails"][row] for row in of],
        "traits": {**traits, "total": rows, "openable": [], "sort": "row"},
        "explanations": {},
    }


def frames(opened: Page, pixels: int, most: int) -> tuple[list[float], float]:
    """Return the milliseconds between frames while the grid scrolls to the bottom, and the CPU time of one."""
    opened.locator(".fg-card").first.wait_for()
    opened.wait_for_timeout(1000)
    session = opened.context.new_cdp_session(opened)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = spent(session)["TaskDuration"]
    times = opened.evaluate(SCROLL, [pixels, most])
    return times, 1000 * (spent(session)["TaskDuration"] - before) / max(1, len(times))


def main() -> None:
    """Explain some scenes, write the page, scroll it, and print."""
    parser = argparse.ArgumentParser(description="Measure how a gallery of 10,000 pairs scrolls.")
    parser.add_argument("--corpus", type=Path, help="a corpus to take the rows from, in place of some demo scenes")
    parser.add_argument("--pixels", type=int, default=PIXELS, help="distance that is scrolled in a frame")
    parser.add_argument("--frames", type=int, default=10**6, help="stop after so many frames, before the bottom")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        corpus = (
            fx.explain_corpus("demo", Path(folder) / "corpus", scenes=SCENES, budget=2**9, progress=False)
            if options.corpus is None
            else fx.Corpus(options.corpus)
        )
        path = Path(folder) / "gallery.html"
        saved = repeated(contents(corpus, 0), ROWS)
        path.write_text(page([Live(saved, "", kind="gallery")], "10,000 pairs"), encoding="utf-8")
        browser = launch(playwright)
        for width in (1000, 360):
            opened = browser.new_page(viewport={"width": width, "height": 900})
            opened.goto(path.as_uri())
            unsorted, cpu = frames(opened, options.pixels, options.frames)
            times = sorted(unsorted)
            tail = times[int(0.95 * len(times))]
            late = sum(time > 25 for time in times)
            print(
                f"{width} px, {len(times)} frames, ms a frame: median {statistics.median(times):.1f}, "
                f"95th percentile {tail:.1f}, longest {times[-1]:.1f}; {late} later than 25 ms; CPU {cpu:.1f} a frame",
                flush=True,
            )
            opened.close()
        browser.close()


if __name__ == "__main__":
    main()
