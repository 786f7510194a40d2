"""The lessons of the course run, and print what their texts say."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "notebooks" / "course"
LESSONS = sorted(FOLDER.glob("*.ipynb"))


@cache
def run(name: str) -> tuple[str, dict[str, Any]]:
    """Run the code of a lesson in this process; return what it printed, and its variables."""
    variables: dict[str, Any] = {"__name__": "__main__"}
    printed = io.StringIO()
    (path,) = FOLDER.glob(f"{name}*.ipynb")
    with contextlib.redirect_stdout(printed), contextlib.chdir(FOLDER):
        for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
            if cell.cell_type == "code":
                exec(compile(ast.parse(cell.source), f"{path.name}, cell {number}", "exec"), variables)
    return printed.getvalue(), variables


def numbers(printed: str, label: str) -> list[float]:
    """Return the numbers in the first printed line that begins with ``label``."""
    line = next(line for line in printed.splitlines() if line.startswith(label))
    return [float(each.replace("−", "-")) for each in re.findall(r"[-−+]?\d*\.?\d+(?:e[-+]\d+)?", line[len(label) :])]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_has_an_aim_predictions_exercises_and_folded_solutions(path: Path):
    cells = nbformat.read(path, as_version=4).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for part in ("**Aim.**", "**Time.**", "> **Predict first.**", "> **Exercise 1.**"):
        assert part in prose
    folded = [cell for cell in cells if "hide-cell" in cell.metadata.get("tags", ())]
    assert folded
    assert all(cell.metadata["jupyter"]["source_hidden"] for cell in folded)


@pytest.mark.slow
def test_four_players():
    printed, found = run("1")
    assert numbers(printed, "largest difference at p = 0.5:")[0] < 1e-5
    assert numbers(printed, "largest change between p = 0.3 and p = 0.7:")[0] < 1e-10
    similarities = found["similarities"]
    assert similarities.argmax() != 15, "the complete pair is not the best one"
    without = {name: similarities[15 - 2 ** (3 - player)] for player, name in enumerate(found["names"])}
    assert min(without, key=without.__getitem__) == "guitar"
    assert similarities[[3, 7, 11]].max() < similarities[15], "one half is worth much if the other is hidden"
    few, many = (
        sum(found["masks"][abs(found["similarities"] - found["design"] @ found["by_hand"](p)).argmax()])
        for p in (0.7, 0.3)
    )
    assert few < 2 < many
