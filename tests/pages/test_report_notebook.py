"""notebooks/02_report.ipynb from an explanation to a report: what it writes is there, and alive where it should be."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import get_exporter

from tests.pages.reading import Page
from tests.test_notebooks import FOLDER, run

NOTEBOOK = FOLDER / "02_report.ipynb"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the notebook ran."""
    folder = tmp_path_factory.mktemp("notebook")
    fewer = {f"2**{exponent}": f"2**{exponent - 1}" for exponent in (11, 12, 13)}
    nbformat.write(run(NOTEBOOK, folder, fewer), folder / "executed.ipynb")
    return folder


@cache
def page(path: Path) -> Page:
    return Page(path.read_text("utf-8"))


def settings(saved: dict[str, Any]) -> set[tuple[int, float, int]]:
    return {(each["caption"], each["p"], each["budget"]) for each in saved["snapshots"]}


def test_it_runs_from_top_to_bottom(folder: Path):
    cells = nbformat.read(folder / "executed.ipynb", as_version=4).cells
    counts = [cell.execution_count for cell in cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def test_the_page_offers_what_was_encoded(folder: Path):
    (saved,) = page(folder / "reports" / "page.html").json("saved")
    assert len({p for _, p, _ in settings(saved)}) > 1


def test_the_report_offers_what_was_asked_for(folder: Path):
    widget, other = page(folder / "reports" / "report.html").json("saved")
    budgets = (2**10, 2**12)
    asked = {(c, p, b) for c in (0, 1) for p in (0.3, 0.5, 0.7) for b in budgets}
    assert settings(widget) == asked
    assert [caption["text"] for caption in widget["captions"]] == ["a dog next to a banana", "a banana next to a dog"]
    assert len(widget["captions"][0]["without"]) == 70
    assert settings(other) == asked | {(0, 0.5, 2**11)}


def test_pictures_and_values_are_written(folder: Path):
    names = {path.name for path in (folder / "reports").iterdir()}
    assert names >= {"graph.svg", "overlay.png", "values.csv", "values.json", "cross.html"}
    with (folder / "reports" / "values.csv").open(encoding="utf-8", newline="") as stream:
        assert sum(1 for _ in csv.reader(stream)) == 1 + 1 + 70 + 70 * 69 // 2


def test_the_notebook_becomes_a_live_page(folder: Path):
    html, _ = get_exporter("fixlip_html")().from_filename(str(folder / "executed.ipynb"))
    (frame,) = Page(html).frames
    (saved,) = Page(frame).json("saved")
    assert {p for _, p, _ in settings(saved)} == {0.3, 0.5, 0.7}
