"""One progress bar: after a second of work, where somebody watches, and gone when it is over."""

import io
import math
import time

import nbformat
import pytest
from nbclient import NotebookClient
from tqdm.std import tqdm

from fixlip_widgets.support import progress
from fixlip_widgets.support.progress import Progress, ProgressBar


def test_progress_estimates_from_the_pace_so_far():
    state = Progress.since(time.monotonic() - 10, 5, 10)
    assert (state.done, state.total, state.fraction) == (5, 10, 0.5)
    assert state.seconds_left == pytest.approx(10, rel=0.1)
    assert math.isnan(Progress.since(time.monotonic(), 0, 10).seconds_left)
    assert Progress.since(time.monotonic(), 0, 0).fraction == 1.0


@pytest.fixture
def bars(monkeypatch):
    """The bars that are made, in place of a terminal."""
    made = []

    def bar(total, options):
        made.append(tqdm(total=total, file=io.StringIO(), **options))
        return made[-1], None

    monkeypatch.setattr(progress, "_bar", bar)
    return made


def test_a_bar_fills_though_its_total_changes_on_the_way(bars, monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 0.0)
    with ProgressBar(True, "recording") as bar:
        for done, total in ((0, 10), (1, 4), (2.5, 4), (4, 4)):
            bar.show(done, total)
        assert (bars[0].n, bars[0].total) == (4, 4)
    assert len(bars) == 1


def test_short_work_and_work_that_nobody_watches_has_no_bar(bars, monkeypatch):
    with ProgressBar(True, "encoding") as bar:
        bar.show(1, 2)
    monkeypatch.setattr(progress, "_DELAY", 0.0)
    for wanted in (False, None):  # tests run neither on a terminal nor in a notebook
        with ProgressBar(wanted, "encoding") as bar:
            bar.show(1, 2)
    assert not bars


@pytest.mark.slow
def test_in_a_notebook_the_bar_leaves_nothing_behind():
    lines = (
        "from fixlip_widgets.support import progress\n"
        "progress._DELAY = 0.0\n"
        "with progress.ProgressBar(None, 'encoding', 'encodings') as bar:\n"
        "    bar.show(1, 2)\n"
        "    bar.show(2, 2)"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(lines)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    shown = []

    class Client(NotebookClient):
        def process_message(self, msg, cell, cell_index):
            shown.append(str(msg["content"].get("data")))
            return super().process_message(msg, cell, cell_index)

    Client(notebook, timeout=300, kernel_name="python3").execute()
    assert any("widget-view" in data for data in shown)
    assert [output["data"] for output in notebook.cells[0].outputs] == [{"text/plain": ""}]
