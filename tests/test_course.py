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


def test_every_lesson_has_its_answer_at_a_glance():
    titles = [nbformat.read(path, as_version=4).cells[0].source.splitlines()[0] for path in LESSONS]
    page = (FOLDER.parents[1] / "docs" / "course.md").read_text("utf-8")
    answers = page[page.index("## Answers at a glance") : page.index("## Assessment")]
    assert [
        f"# {number} · {title}" for number, title in re.findall(r"^(\d)\. \*\*(.+?[^.])\.?\*\*", answers, re.M)
    ] == titles


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


@pytest.mark.slow
def test_why_negative():
    printed, found = run("2")
    dog, banana, both = (numbers(printed, f"loss without {words}:")[0] for words in ("dog", "banana", "dog and banana"))
    assert both > 2 * (dog + banana), "either noun is enough"
    assert numbers(printed, "interaction dog × banana:")[0] == pytest.approx(found["second"], rel=0.3)
    own, other = sorted(numbers(printed, f"effect with {noun}:")[0] for noun in ("dog", "banana"))[::-1]
    assert other < 0 < own
    assert numbers(printed, "effect with dog and banana:")[0] < own
    assert other < numbers(printed, "effect with neither:")[0]
    assert found["change"] < found["explanation"].main.max() / 4, "a main effect is not the part's own effect"
    assert found["within"] < 0
    assert abs(found["across"]) < abs(found["within"]) / 3


@pytest.mark.slow
def test_what_p_asks():
    printed, found = run("3")
    rows = [numbers(printed, f" {p}") for p in found["VALUES"]]
    fits, residuals, pointing = zip(*rows, strict=True)
    assert list(fits) == sorted(fits)
    assert list(map(abs, residuals)) == sorted(map(abs, residuals), reverse=True)
    assert pointing[0] < pointing[2] - 0.1
    few, many = (numbers(printed, f"pairs of which {share} is kept: R²")[::2][:2] for share in ("10%", "90%"))
    assert few[0] > 0.7
    assert few[1] < 0, "worse than the mean"
    assert many[1] > 0.9
    assert many[0] < 0
    nouns = numbers(printed, "dog × banana:")
    assert nouns[2] < nouns[0] < 0, "the nouns replace each other where their objects can be seen"


@pytest.mark.slow
def test_out_of_distribution():
    printed, _ = run("4")
    empty, alike = (
        {masking: numbers(printed, f"{label}, {masking}:")[0] for masking in ("zero", "mean", "blur", "remove")}
        for label in ("empty pair", "correlation with zero")
    )
    assert max(empty.values()) - min(empty.values()) > 10
    assert max(empty, key=empty.__getitem__) == "mean"
    assert alike["remove"] > 0.95 > alike["mean"] > alike["blur"]
    stable, strongest = numbers(printed, "same sign with all maskings:")
    assert strongest / 2 < stable < strongest == 50
    assert (
        numbers(printed, "lost without half of the words:")[0]
        > numbers(printed, "lost without half of the patches:")[0]
    )


@pytest.mark.slow
def test_why_wrong():
    printed, found = run("5")
    margin, octopus = found["margin"], found["scene"].regions["octopus"].ravel()
    assert margin.similarity > 0
    assert margin.r2 > 0.9
    values = margin.first_order()
    assert octopus[values.argmax()]
    assert octopus[values.argmin()]
    assert abs(values[~octopus]).max() < 0.2 * values.max()
    assert margin.similarity < 0.5 * values.max(), "strong arguments nearly cancel"
    single, best = found["single"], found["best"]
    assert single.min() < 0, "one hidden patch is enough"
    assert values.argmax() == best
    assert (single < 0).sum() < 10
    assert numbers(printed, "correlation of the 64 margins with the predicted ones:")[0] > 0.9
    scene, similarity = found["scene"], found["similarity"]
    hidden, complete = (
        [similarity(scene, found[caption], found[masks])[0] for caption in ("truth", "mistake")]
        for masks in ("without", "complete")
    )
    assert hidden[0] > complete[0] + 0.5
    assert hidden[1] < complete[1] - 0.5
    for masking in ("zero", "mean", "blur", "remove"):
        assert numbers(printed, f"margin with masking {masking!r}:")[0] < 0
    ship, pair = found["ship"], found["complete"].copy()
    pair[0, [*set(range(64)) - set(found["ship_margin"].subset(62, sign=-1)[0])]] = False
    assert found["ship_single"].min() > 0, "no single patch suffices"
    assert similarity(ship, found["drum"], pair)[0] < similarity(ship, ship.caption, pair)[0], "two do"
    assert found["ship_single"].max() > 3 * found["ship_margin"].similarity
    assert abs(found["difference"].residual) > 2 * found["difference"].similarity
    assert abs(found["longer"].residual) < 0.3 * abs(found["longer"].similarity), "B has every token of A"
    assert found["agreement"] > 0.98
    assert found["words_alone"] < found["agreement"] - 0.2


@pytest.mark.slow
def test_a_fair_comparison():
    printed, found = run("6")
    paired, joint = numbers(printed.replace(",", ""), " 2048")
    assert joint > 3 * paired
    scores = found["scores"]
    first, second, *shapley = (scores[name].mean() for name in scores)
    assert [*scores] == ["FIxLIP", "Banzhaf values", "Shapley values", "Shapley interactions"]
    assert first > second > max(shapley) + 0.1
    assert shapley[1] < shapley[0] + 0.05, "pairs that cannot be estimated gain nothing"
    for name in ("Banzhaf values", "Shapley values"):
        mean, half = found["interval"](scores["FIxLIP"] - scores[name])
        assert mean > half > 0
    encodings = [each.image_encodes for each in found["found"][0].values()]
    assert max(encodings) < 1.1 * min(encodings)
    fits = {name: explanation.r2 for name, explanation in found["found"][0].items()}
    assert fits["Shapley interactions"] < 0 < 0.8 < fits["FIxLIP"]
    assert "Do not interpret these values" in printed
    rare = printed[printed.index("p = 0.2") : printed.index("p = 0.8")]
    scores = {name: numbers(rare, f"  {name}") for name in scores}
    assert all(ours > theirs for ours, theirs in zip(scores["FIxLIP"], scores["Shapley interactions"], strict=True))


@pytest.mark.slow
def test_pairs_are_not_enough():
    printed, found = run("7")
    first, second, third = (found[name] for name in ("first", "second", "third"))
    assert 0.6 < first.r2 < second.r2 - 0.05
    assert second.r2 + 0.005 < third.r2
    assert abs(third.residual) > 10 * (1 - third.r2), "a good fit is no promise about the complete pair"
    term = found["term"]
    assert abs(term.value) > 10 * term.standard_error
    assert found["scene"].regions["pizza"].ravel()[found["patch"]]
    triple = found["triple"]
    error = triple.std(ddof=1) / len(triple) ** 0.5
    assert abs(triple.mean()) > 4 * error
    assert abs(triple.mean() - term.value) < 4 * (error + term.standard_error)
    neither, one, other, both = numbers(printed, "order 2   ")
    assert abs(both - one - other + neither) < 0.05
    pair = found["pair"]
    assert abs(third[pair] + 0.5 * found["with_patches"].sum() - second[pair]) < 1e-6
    assert abs(third[pair]) < 0.75 * abs(second[pair])
    assert numbers(printed, "largest difference from the closest pairs:")[0] < 0.1
    assert numbers(printed, "largest difference from the pairs of order 3:")[0] > 1
    assert numbers(printed, "image_text_text:") == [640, 640]
    assert numbers(printed.replace(",", ""), "image_image_text:") == [10080, 0]


@pytest.mark.slow
def test_your_report():
    printed, found = run("8")
    assert found["explanation"].r2 > 0.9
    assert abs(found["explanation"].residual) > 0.05 * found["added"]
    nearby = numbers(printed, "5 another p: at p = 0.4, correlation of cross-modal terms")[0]
    blurred = numbers(printed, "6 another masking: with blur, correlation of cross-modal terms")[0]
    assert blurred < nearby - 0.05, "the masking matters more than p"
    assert numbers(printed, "cross-modal terms within twice the expected difference:")[0] > 90
    names = sorted(path.name for path in found["folder"].iterdir())
    assert names == ["classes.html", "street.csv", "street.html"]
    values, regions = found["values"], found["scene"].regions
    means = {name: values[region.ravel()].mean() for name, region in regions.items()}
    assert means["car"] > 0.2
    assert max(abs(means["tree"]), abs(means["bicycle"])) < 0.5 * means["car"]
