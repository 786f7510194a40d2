"""Every notebook runs from top to bottom, and is kept without what running it leaves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import fixlip_widgets as fx

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.ipynb"))
LESSONS = sorted(FOLDER.glob("course/*.ipynb"))  # run in tests/test_course.py
RUN_ELSEWHERE = {
    FOLDER / "02_report.ipynb",  # in tests/pages/test_report_notebook.py, which looks at what it writes
    FOLDER / "04_audit.ipynb",  # in tests/gallery/test_audit_notebook.py, with fewer scenes
}

FEWER = {
    FOLDER / "01_quickstart.ipynb": {"scene.caption)": "scene.caption, budget=2**12)"},
    FOLDER / "03_compare.ipynb": {"2**14": "2**12", "n_masks=500": "n_masks=200"},
}
"""Smaller numbers of evaluations, which suffice for what the tests check."""


def run(path: Path, folder: Path, fewer: Mapping[str, str]) -> nbformat.NotebookNode:
    """Execute a notebook in ``folder``, with parts of its source replaced by others that need less time."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for part, other in fewer.items():
        assert any(part in cell.source for cell in cells), part
        for cell in cells:
            cell.source = cell.source.replace(part, other)
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return notebook


def printed(notebook: nbformat.NotebookNode) -> str:
    """Everything that the notebook's cells wrote to standard output."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")


@cache
def executed(path: Path) -> nbformat.NotebookNode:
    return run(path, FOLDER, FEWER[path])


@pytest.mark.parametrize("path", NOTEBOOKS + LESSONS, ids=lambda path: path.stem)
def test_notebook_is_kept_without_outputs(path: Path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


def test_the_index_lists_every_notebook():
    (cell,) = nbformat.read(FOLDER / "index.ipynb", as_version=4).cells
    links = re.findall(r"\]\(([^)]+)\)", cell.source)
    assert [FOLDER / link for link in links if link.endswith(".ipynb")] == NOTEBOOKS + LESSONS
    assert (FOLDER / "images" / "quickstart.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path not in RUN_ELSEWHERE], ids=lambda path: path.stem)
def test_notebook_runs(path: Path):
    counts = [cell.execution_count for cell in executed(path).cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.slow
def test_quickstart_finds_each_noun_on_its_own_object():
    lines = [line for line in printed(executed(FOLDER / "01_quickstart.ipynb")).splitlines() if "strongest at" in line]
    assert [line.split(":")[0] for line in lines] == ["dog", "banana"]
    assert all("on the object" in line for line in lines)


@pytest.mark.slow
def test_quickstart_describes_the_colours_of_the_patches():
    scene = fx.demo.scene("dog_and_banana")
    explanation = fx.explain(scene.image, scene.caption, budget=2**12)
    words, _ = explanation.patch_words()
    dog, banana = (scene.regions[name].ravel() for name in ("dog", "banana"))
    of_dog, of_banana = (words == explanation.tokens.index(name) for name in ("dog", "banana"))
    assert of_dog[dog].sum() >= 4
    assert not of_banana[dog].any()
    assert of_banana[banana].sum() >= 5
    assert of_dog[banana].sum() == 2
    (row,) = (explanation.cross[index] for index, token in enumerate(explanation.tokens) if token == "dog")
    assert (row[dog] > 0).mean() > 0.7
    assert (row[banana] < 0).mean() > 0.5


@pytest.mark.slow
def test_comparison_shows_what_order_one_cannot_say():
    lines = printed(executed(FOLDER / "03_compare.ipynb")).splitlines()
    binding = {line[:16].strip(): float(line.split("binding")[1]) for line in lines if " binding " in line}
    assert all(binding[name] == 0 for name in ("GAME", "Grad-ECLIP", "Shapley values", "Banzhaf values"))
    assert binding["FIxLIP"] == pytest.approx(binding["the model"], rel=0.3)
    pointing = {line[:16].strip(): float(line.split("PGR")[1].split()[0]) for line in lines if " PGR " in line}
    assert max(pointing, key=lambda name: pointing[name]) == "FIxLIP"


@pytest.mark.slow
def test_comparison_shows_that_p_chooses_the_masks():
    lines = printed(executed(FOLDER / "03_compare.ipynb")).splitlines()
    table = [[float(cell) for cell in line.split()[3:]] for line in lines if line.startswith("p = ")]
    assert [max(range(3), key=lambda row: table[row][column]) for column in range(3)] == [0, 1, 2]
