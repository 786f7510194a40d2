"""The lessons of the course run, and print what their texts say."""

from __future__ import annotations

import ast
import contextlib
import io
import itertools
import re
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
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
    without = {name: similarities[15 - 2 ** (3 - player)] for player, name in enumerate(found["names"])}
    assert max(without, key=without.__getitem__) == "a"
    assert without["a"] == similarities.max() > similarities[15], "the complete pair is not the best one"
    assert without["left half"] < similarities[0] < without["guitar"] < without["right half"]
    both = found["masks"][:, [0, 3]].all(axis=1)
    assert similarities[both].min() > 12, "the object and its word together"
    assert similarities[~both].max() < 10.5, "neither is worth much without the other"
    terms = {p: dict(zip(found["labels"], found["by_hand"](p), strict=True)) for p in (0.3, 0.5, 0.7)}
    for each in terms.values():
        beside = {label: abs(term) for label, term in each.items() if label != "baseline"}
        assert max(beside, key=beside.__getitem__) == "left half × guitar"
        assert each["right half × guitar"] < -0.5, "the background is not what the word describes"
    assert 0 < max(abs(terms[0.3][label] - terms[0.7][label]) for label in found["labels"]) < 0.45
    few, many = (
        sum(found["masks"][abs(found["similarities"] - found["design"] @ found["by_hand"](p)).argmax()])
        for p in (0.7, 0.3)
    )
    assert few < 2 < many


@pytest.mark.slow
def test_why_negative():
    printed, found = run("2")
    dog, banana, both = (numbers(printed, f"loss without {words}:")[0] for words in ("dog", "banana", "dog and banana"))
    assert min(dog, banana) > 1.5
    assert both == pytest.approx(dog + banana, abs=0.5), "each noun describes its own object"
    assert abs(numbers(printed, "interaction dog × banana:")[0]) < 1
    empty = numbers(printed, "empty pair, in which all parts are hidden:")[0]
    assert empty < numbers(printed, "complete pair:")[0] - both < empty + 1, "neutral without its nouns"
    three, apples, both = (
        numbers(printed, f"loss without {words}:")[0] for words in ("three", "apples", "three and apples")
    )
    assert three < 0 < apples < 2.5
    assert both > apples + 3, "either word is enough"
    assert numbers(printed, "interaction three × apples:")[0] < -2.5
    assert found["two_words"] < found["apples_explanation"]["three", "apples"] < -2.5, "in random contexts"
    assert abs(found["two_nouns"]) < 0.5
    own, other = sorted(numbers(printed, f"effect with {noun}:")[0] for noun in ("dog", "banana"))[::-1]
    assert other < -0.8 < 0.8 < own
    assert numbers(printed, "effect with dog and banana:")[0] < own - 0.5
    neither = numbers(printed, "effect with neither:")[0]
    assert other + 0.5 < neither
    assert abs(neither) < 0.4, "neutral without nouns"
    assert found["change"] < -0.1 < 1 < found["main"].max(), "a main effect is not the part's own effect"
    assert found["within"] < -0.01
    assert abs(found["across"]) < abs(found["within"]) / 3
    assert found["in_one_object"] == len(found["negative"]) == 8


@pytest.mark.slow
def test_what_p_asks():
    printed, found = run("3")
    rows = [numbers(printed, f" {p}") for p in found["VALUES"]]
    fits, residuals, pointing, own, elsewhere = zip(*rows, strict=True)
    assert list(fits) == sorted(fits)
    assert list(map(abs, residuals)) == sorted(map(abs, residuals), reverse=True)
    assert residuals[0] < -10, "the sum exceeds the similarity"
    assert max(pointing) == pointing[1]
    assert min(pointing) == pointing[-1] < pointing[1] - 0.05
    assert own[-1] / own[0] < 0.8 * elsewhere[-1] / elsewhere[0], "patches of an object replace each other"
    few, many = (numbers(printed, f"pairs of which {share} is kept: R²")[::2][:2] for share in ("10%", "90%"))
    assert few[0] > 0.7
    assert few[1] < 0, "worse than the mean"
    assert many[1] > 0.9
    assert many[0] < 0
    for noun in ("dog", "banana"):
        small, _, large, _ = numbers(printed, f"{noun}:")
        assert abs(small) < 0.5
        assert 1.2 < large < 2.8
    small, _, large, _ = numbers(printed, "dog × banana:")
    assert small < 1.5 * large < 0
    second = {
        (picture, caption): numbers(printed, f"{picture}% of the picture, {caption}% of the caption:")[0]
        for picture in (10, 90)
        for caption in (10, 90)
    }
    assert second[90, 10] < 2 * second[10, 10] < 0, "the nouns replace each other where their objects can be seen"
    assert all(-0.3 < second[picture, 90] < 0 for picture in (10, 90)), "hardly in a caption that is nearly complete"


@pytest.mark.slow
def test_out_of_distribution():
    printed, found = run("4")
    empty, alike = (
        {masking: numbers(printed, f"{label}, {masking}:")[0] for masking in ("zero", "mean", "blur", "remove")}
        for label in ("empty pair", "correlation with zero")
    )
    assert max(empty.values()) - min(empty.values()) > 3
    assert empty["blur"] > empty["zero"] > max(empty["mean"], empty["remove"]) + 1
    assert min(empty.values()) > 2, "none is zero"
    assert numbers(printed, "complete pair:")[0] > max(empty.values()) + 3
    assert alike["remove"] > 0.95 > alike["mean"] > alike["blur"]
    stable, strongest = numbers(printed, "same sign with all maskings:")
    assert 20 < stable < 40
    assert strongest == 50
    values, same = found["values"], found["same"].all(axis=1)
    assert same[abs(values[:, 0]) > 0.5].all(), "the strongest terms are about the picture"
    agree = {masking: numbers(printed, f"same sign as zero, {masking}:")[0] for masking in found["MASKINGS"]}
    assert agree["remove"] > agree["mean"] > agree["blur"]
    gray, mean, blur, removed = values[~same][:6].T
    assert max(gray.max(), mean.max(), removed.max()) < 0 < blur.min() + 0.01, "foreign content, unless blurred"
    lost = {
        what: numbers(printed, f"lost without {what}:")[0]
        for what in ("half of the patches", "half of the words", "the nouns", "all other words")
    }
    assert lost["half of the words"] > 1.5 * lost["half of the patches"]
    assert lost["all other words"] < 0 < 4 < lost["the nouns"]


@pytest.mark.slow
def test_why_wrong():
    printed, found = run("5")
    margin, dog = found["margin"], found["scene"].regions["dog"].ravel()
    assert margin.similarity > 0
    assert margin.r2 > 0.8
    values = margin.first_order()
    assert dog[values.argmax()]
    assert dog[values.argmin()]
    assert values.min() < -0.6, "other patches argue for the dog"
    assert abs(values[~dog]).max() < 0.1 * values.max()
    assert margin.similarity < 0.6 * values.max(), "strong arguments nearly cancel"
    single, best = found["single"], found["best"]
    assert (single < 0).sum() == 1, "one hidden patch is enough, and only this one"
    assert values.argmax() == best
    assert [best] == [*set(range(64)) - set(margin.subset(63, sign=-1)[0])], "the search finds it"
    assert numbers(printed, "correlation of the 64 margins with the predicted ones:")[0] > 0.9
    assert margin.predict(np.ones((1, 64), dtype=bool))[0] < 0.7 * margin.similarity, "the prediction is half of it"
    scene, similarity = found["scene"], found["similarity"]
    hidden, complete = (
        [similarity(scene, found[caption], found[masks])[0] for caption in ("truth", "mistake")]
        for masks in ("without", "complete")
    )
    assert hidden[0] > complete[0] + 2
    assert hidden[1] < complete[1] - 1.5
    for masking in ("zero", "mean", "blur", "remove"):
        assert numbers(printed, f"margin with masking {masking!r}:")[0] < -1
    octopus, wrong, pair = found["octopus"], found["wrong"], found["complete"].copy()
    two = [*set(range(64)) - set(found["octopus_margin"].subset(62, sign=-1)[0])]
    pair[0, two] = False
    assert abs(np.diff(np.unravel_index(two, (8, 8)), axis=1)).sum() == 1, "neighbours"
    assert found["octopus_single"].min() > 0.15, "no single patch suffices"
    assert similarity(octopus, wrong, pair)[0] < similarity(octopus, octopus.caption, pair)[0] - 0.2, "two do"
    assert found["octopus_single"].max() > 1.6 * found["octopus_margin"].similarity, "the main argument for it"
    assert 0.5 < found["octopus_margin"].similarity / margin.similarity < 1.5, "similar margins"
    octopus_difference = found["octopus_difference"]
    assert abs(octopus_difference.residual) > octopus_difference.similarity, "the sum misses the margin by far"
    assert abs(found["difference"].residual) < 0.5 * found["difference"].similarity, "a coincidence"
    assert abs(found["longer"].residual) < 0.3 * abs(found["longer"].similarity), "B has every token of A"
    (dog_agrees, dog_words, dog_lost), (octopus_agrees, octopus_words, octopus_lost) = (
        found["dog_figures"],
        found["octopus_figures"],
    )
    assert min(dog_agrees, octopus_agrees) > 0.98
    assert octopus_words < 0.6 < 0.8 < dog_words < dog_agrees - 0.03
    assert abs(dog_lost) < 0.5 < 2 < octopus_lost
    assert found["of_dog"].cross[1, best] < -1.5
    assert found["difference"].cross[:, best].sum() < 0.7 * values[best], "half of the effect"


@pytest.mark.slow
def test_a_fair_comparison():
    printed, found = run("6")
    paired, joint = numbers(printed.replace(",", ""), " 2048")
    assert joint > 3 * paired
    scores = found["scores"]
    first, second, *shapley = (scores[name].mean() for name in scores)
    assert [*scores] == ["FIxLIP", "Banzhaf values", "Shapley values", "Shapley interactions"]
    assert first > second + 0.03
    assert second > shapley[0] + 0.08
    assert shapley[1] < shapley[0] - 0.1, "pairs that cannot be estimated are worse than none"
    for better, worse in itertools.pairwise(scores):
        difference = scores[better] - scores[worse]
        mean, half = found["interval"](difference)
        assert mean > half > 0
        assert (difference > 0).all(), "ahead in all scenes"
        assert half < sum(found["interval"](scores[name])[1] ** 2 for name in (better, worse)) ** 0.5, "pairing helps"
    paired = found["interval"](scores["Shapley values"] - scores["Shapley interactions"])[1]
    assert paired < 0.5 * found["interval"](scores["Shapley interactions"])[1]
    encodings = [each.image_encodes for each in found["found"][0].values()]
    assert max(encodings) < 1.1 * min(encodings)
    fits = {name: explanation.r2 for name, explanation in found["found"][0].items()}
    assert fits["Shapley interactions"] < 0 < 0.8 < fits["FIxLIP"]
    assert "Do not interpret these values" in printed
    rare, frequent = (
        {name: numbers(part, f"  {name}") for name in scores}
        for part in re.split(r"^p = 0\.[28]$", printed, flags=re.M)[1:]
    )
    for part in (rare, frequent):
        for better, worse in itertools.pairwise(part):
            assert all(a > b for a, b in zip(part[better], part[worse], strict=True)), "the order remains"
    assert all(rare[name][scene] < scores[name][scene] - 0.05 for name in scores for scene in (0, 1))
    more = {
        name: found["samples"][0].faithfulness(explanation).spearman
        for name, explanation in found["explanations"](found["scenes"][0], share=8).items()
    }
    gains = {name: more[name] - scores[name][0] for name in scores}
    assert max(gains, key=gains.__getitem__) == "Shapley values"
    assert abs(more["Shapley values"] - more["Banzhaf values"]) < 0.04
    assert gains["Shapley interactions"] < 0.05, "there are more unknowns than masks"


@pytest.mark.slow
def test_pairs_are_not_enough():
    printed, found = run("7")
    first, second, third = (found[name] for name in ("first", "second", "third"))
    assert 1 - second.r2 < 0.5 * (1 - first.r2), "pairs explain most of what single players leave over"
    assert 1 - third.r2 < 0.5 * (1 - second.r2), "triples explain most of what pairs leave over"
    assert abs(first.residual) < 0.2
    assert abs(third.residual) > 2 * max(abs(first.residual), abs(second.residual)), "R² is no promise about it"
    term = found["term"]
    assert abs(term.value) > 10 * term.standard_error
    assert found["scene"].regions["pizza"].ravel()[found["patch"]]
    triple = found["triple"]
    error = triple.std(ddof=1) / len(triple) ** 0.5
    assert abs(triple.mean()) > 4 * error
    assert abs(triple.mean() - term.value) < 4 * (error + term.standard_error)
    assert term.names[1:] == ("above", "pizza")
    neither, one, other, both = numbers(printed, "the model   ")
    assert one < neither - 0.2, "“above” alone lowers the effect of the patch"
    assert both > other + 0.1, "with “pizza”, it raises the effect"
    above, (true, turned) = found["above"], (found["scene"].caption, "a pizza above an owl")
    for noun, elsewhere in (("owl", "pizza"), ("pizza", "owl")):
        assert above[true, noun][noun] > 0.3 > -0.3 > above[true, noun][elsewhere]
        assert above[turned, noun][noun] < -0.3, "the object is at the wrong place"
    game, without = found["game"], found["hidden"]
    assert abs(without[0] - without[1]) < 0.1 * (game.similarity - game.with_text(turned).similarity)
    neither, one, other, both = numbers(printed, "order 2   ")
    assert abs(both - one - other + neither) < 0.05
    pair = found["pair"]
    assert abs(third[pair] + 0.5 * found["with_patches"].sum() - second[pair]) < 1e-6
    assert abs(third[pair]) < 0.5 * abs(second[pair])
    over_owl, over_pizza, over_background = (
        numbers(printed, f"sum over {part}:")[0] for part in ("owl", "pizza", "background")
    )
    assert over_owl < 1.5 * over_background < 0, "most of the redundancy is on the owl's patches"
    assert abs(over_pizza) < 0.2 * abs(over_owl)
    assert numbers(printed, "largest difference from the closest pairs:")[0] < 0.1
    assert numbers(printed, "largest difference from the pairs of order 3:")[0] > 1
    assert numbers(printed, "image_text_text:") == [640, 640]
    assert numbers(printed.replace(",", ""), "image_image_text:") == [10080, 0]


@pytest.mark.slow
def test_your_report():
    printed, found = run("8")
    assert found["explanation"].r2 > 0.9
    assert abs(found["explanation"].residual) < 0.15 * found["added"]
    nearby = numbers(printed, "5 another p: at p = 0.4, correlation of cross-modal terms")[0]
    blurred = numbers(printed, "6 another masking: with blur, correlation of cross-modal terms")[0]
    assert nearby > 0.9
    assert blurred < nearby - 0.15, "the masking matters more than p"
    assert numbers(printed, "cross-modal terms within twice the expected difference:")[0] > 95
    assert 0.5 < numbers(printed, "median ratio of actual and expected difference:")[0] < 0.67, "a little too large"
    names = sorted(path.name for path in found["folder"].iterdir())
    assert names == ["classes.html", "street.csv", "street.html"]
    means, hidden, margin = found["means"], found["hidden"], found["margin"].similarity
    assert means["car"][2] > 0.15
    assert abs(means["car"][1]) < 0.3 * means["car"][0], "the car hardly changes “bus”"
    assert max(means["tree"][:2]) < -0.1, "the tree lowers both"
    assert abs(means["tree"][2]) < 0.7 * abs(means["tree"][0]), "most of it cancels"
    assert means["bicycle"][0] < -0.1
    assert abs(means["bicycle"][1]) < 0.3 * abs(means["bicycle"][0]), "the bicycle hardly changes “bus”"
    assert means["bicycle"][2] < -0.15
    assert abs(hidden["car"]) < 0.25 * margin
    assert abs(hidden["tree"] - margin) < 0.4 * margin
    assert hidden["bicycle"] > 1.5 * margin
