"""Every notebook runs from top to bottom, and is kept without what running it leaves."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def printed(notebook: nbformat.NotebookNode) -> str:
    """Everything that the notebook's cells wrote to standard output."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")


def execute(path: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    ).execute()
    return notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_kept_without_outputs(path: Path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.mark.parametrize(
    "path", [path for path in NOTEBOOKS if path.stem != "01_quickstart"], ids=lambda path: path.stem
)
def test_notebook_runs(path: Path):
    execute(path)


def test_quickstart_finds_each_noun_on_its_own_object():
    lines = [line for line in printed(execute(FOLDER / "01_quickstart.ipynb")).splitlines() if "strongest at" in line]
    assert [line.split(":")[0] for line in lines] == ["dog", "banana"]
    assert all("on the object" in line for line in lines)
