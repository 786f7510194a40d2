"""A widget of classes: what each class costs, the contrast, the probabilities under masks, and what is refused."""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

import fixlip_widgets as fx
from fixlip_widgets import FixlipWidget, InputError
from fixlip_widgets.explainers.classes import Classes
from fixlip_widgets.explanation.precision import relative_error, typical_error
from fixlip_widgets.pages import saved_types, wire_types
from fixlip_widgets.pages.packed_arrays import from_wire
from fixlip_widgets.pages.saved_page import saved
from tests.golden import tiny_clip, tiny_pixels
from tests.pages.test_wire_types import mismatches
from tests.widget.conftest import SECONDS, Wire

NAMES, TEMPLATES = ["cat", "dog", "car"], ("a photo of a {}.", "a {} in the grass")


def make(**options: Any) -> FixlipWidget:
    arguments = {"classes": NAMES, "templates": TEMPLATES, "grid": (3, 3), "budget": 2**9, "idle_share": 0.0}
    return FixlipWidget(tiny_pixels(), model=tiny_clip(), **{**arguments, **options})


@pytest.fixture(scope="module")
def shared() -> Iterator[FixlipWidget]:
    """One widget for the tests that restore its settings."""
    widget = make()
    assert widget.wait(SECONDS)
    yield widget
    widget.close()


@pytest.fixture
def widget(shared: FixlipWidget) -> Iterator[FixlipWidget]:
    yield shared
    shared.removed, shared.shown, shared.classes = (), "current", tuple(NAMES)
    shared.unpin()
    shared.chosen = (shared._classes.explainer.classes.rows(1)[0][0],)
    assert shared.wait(SECONDS)


def explained() -> Any:
    return fx.explain_classes(tiny_pixels(), NAMES, model=tiny_clip(), templates=TEMPLATES, grid=(3, 3), budget=2**9)


def pages_in(path: Path) -> int:
    return path.read_text(encoding="utf-8").count('<div data-fixlip="live"')


def choose(widget: FixlipWidget, *names: str) -> fx.Explanation:
    widget.chosen = names
    assert widget.wait(SECONDS)
    assert (widget.status, widget.error) == ("done", "")
    assert widget.explanation is not None
    return widget.explanation


def test_one_class_and_two_are_explained_as_by_explain_classes(widget: FixlipWidget) -> None:
    classes = explained()
    assert widget.chosen == (classes.rows(1)[0][0],)
    for names, expected in ((("cat",), classes["cat"]), (("dog", "cat"), classes.contrast("dog", "cat"))):
        found = choose(widget, *names)
        assert (found.caption, found.choice, widget.text) == (expected.caption, expected.choice, expected.caption)
        for name in ("main", "interactions", "main_se", "interactions_se"):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-9)
        assert found.similarity == pytest.approx(expected.similarity, abs=1e-4)
        np.testing.assert_allclose(from_wire(widget.result["first_order"]), expected.first_order(), rtol=1e-5)


def test_the_code_computes_the_explanation_again(widget: FixlipWidget) -> None:
    found = choose(widget, "dog", "cat")
    space: dict[str, Any] = {"image": tiny_pixels(), "model": tiny_clip()}
    exec(widget.code, space)
    np.testing.assert_allclose(space["explanation"].interactions, found.interactions, atol=1e-9)


def test_a_choice_encodes_nothing_and_a_new_class_only_its_texts(widget: FixlipWidget) -> None:
    explainer = widget._classes.explainer
    images, texts = explainer.image_encodes, explainer.text_encodes
    choose(widget, "car")
    choose(widget, "car", "dog")
    assert (explainer.image_encodes, explainer.text_encodes) == (images, texts)
    widget.classes = (*NAMES, "wolf")
    assert widget.wait(SECONDS)
    assert (explainer.image_encodes, explainer.text_encodes) == (images, texts + len(TEMPLATES))
    assert widget.candidates["names"] == [*NAMES, "wolf"]
    assert set(widget.class_maps["names"]) == {*NAMES, "wolf"}
    assert from_wire(widget.candidates["probabilities"]).sum() == pytest.approx(1)
    np.testing.assert_allclose(from_wire(widget.class_maps["values"]), _values(widget), rtol=1e-5, atol=1e-6)


def _values(widget: FixlipWidget) -> Any:
    classes = explained()
    classes.add(["wolf"])
    return classes.values()[0][[classes.names.index(name) for name in widget.class_maps["names"]]]


def test_contrasts_with_the_chosen_class_are_fitted_while_the_widget_is_idle(
    widget: FixlipWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted, contrast = list[tuple[str, str]](), Classes._contrast
    monkeypatch.setattr(Classes, "_contrast", lambda self, b, a: fitted.append((b, a)) or contrast(self, b, a))
    widget.budget = 2**8  # with fits of its own
    choose(widget, "dog")
    deadline = time.monotonic() + SECONDS
    while len(fitted) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(fitted) == [("dog", "car"), ("dog", "cat")]
    choose(widget, "dog", "cat")
    assert len(fitted) == 2
    widget.budget = 2**9


def test_a_removed_class_is_not_chosen_and_undo_restores_it(widget: FixlipWidget) -> None:
    choose(widget, "cat", "dog")
    widget.set_state({"classes": ["dog", "car"]})
    assert widget.wait(SECONDS)
    assert (widget.classes, widget.chosen, widget.text) == (("dog", "car"), ("dog",), "dog")
    assert widget.undoable.startswith("classes 3 → 2")
    widget.undo()
    assert widget.wait(SECONDS)
    assert (widget.classes, widget.chosen, widget.text) == (tuple(NAMES), ("cat", "dog"), "cat − dog")
    assert widget.result["caption"] == "cat − dog"


def test_probabilities_sum_to_one_in_every_masked_state(widget: FixlipWidget) -> None:
    """The playground publishes :meth:`extras`; here it is asked for all 512 masks of a 3 × 3 grid."""
    playground, game = widget._playground, widget._classes.explainer.game
    choose(widget, "dog")
    classes, sums = widget._classes.explainer.classes, list[float]()
    for removed in itertools.chain.from_iterable(itertools.combinations(range(9), k) for k in range(10)):
        value = playground.evaluate(game, removed)
        published = from_wire(playground.extras(removed)["probabilities"])
        sums.append(float(published.sum()))
        if len(removed) == 4:
            masks = np.isin(np.arange(9), removed, invert=True)[None]
            np.testing.assert_allclose(published, classes.probabilities_under(masks)[0], rtol=1e-4)
            assert value == pytest.approx(float(game.value(masks)[0]), abs=1e-4)
    assert len(sums) == 512
    np.testing.assert_allclose(sums, 1.0, atol=1e-6)


def test_hidden_patches_move_all_probabilities(widget: FixlipWidget) -> None:
    choose(widget, "dog", "cat")
    widget.removed = (0, 4)
    assert widget.wait(SECONDS)
    played, masks = widget.played, np.isin(np.arange(9), (0, 4), invert=True)[None]
    classes = widget._classes.explainer.classes
    np.testing.assert_allclose(from_wire(played["probabilities"]), classes.probabilities_under(masks)[0], rtol=1e-4)
    assert np.abs(from_wire(played["probabilities"]) - classes.probabilities).min() > 0
    assert played["value"] == pytest.approx(played["prediction"], abs=0.5)
    widget.removed = ()
    assert widget.wait(SECONDS)
    np.testing.assert_allclose(from_wire(widget.played["probabilities"]), classes.probabilities, rtol=1e-5)


def test_what_is_sent_and_saved_has_the_documented_types(widget: FixlipWidget) -> None:
    widget.removed = (0, 4)
    choose(widget, "dog", "cat")
    sent = ("classes", "chosen", "candidates", "class_maps", "played", "result", "options")
    types = get_type_hints(wire_types.Traits)
    assert [wrong for name in sent for wrong in mismatches(getattr(widget, name), types[name])] == []
    contents = saved(widget.record(), widget.view_settings())
    assert contents["settings"]["chosen"] == ["dog", "cat"]
    del contents["settings"]
    assert mismatches(contents, saved_types.SavedContents) == []


def test_a_page_has_the_best_classes_and_their_contrasts(widget: FixlipWidget, tmp_path: Path) -> None:
    choose(widget, "dog")
    recording = widget.record()
    assert recording.classes is not None
    choices = [tuple(choice) for choice in recording.classes["choices"]]
    assert choices[0] == ("dog",)
    assert set(choices) == {(name,) for name in NAMES} | set(itertools.permutations(NAMES, 2))
    captions = [explanation.caption for explanation in recording.explanations[: len(choices)]]
    assert captions == [" − ".join(choice) for choice in choices]
    assert {explanation.p for explanation in recording.explanations} > {0.3, 0.5}
    explained().to_html(tmp_path / "page.html")
    assert pages_in(tmp_path / "page.html") == 1
    with pytest.raises(InputError, match="cannot offer text;"):
        widget.record(text=["a dog"])


def test_a_page_has_the_probabilities_without_each_single_patch(widget: FixlipWidget, monkeypatch: Any) -> None:
    choose(widget, "dog", "cat")
    classes, hidden = widget._classes.explainer.classes, ~np.eye(9, dtype=bool)
    contents = saved(widget.record(playground=True))
    assert mismatches(contents["classes"], saved_types.SavedClasses) == []
    packed = contents["classes"]["without"]
    found = np.frombuffer(base64.b64decode(packed["data"]), dtype="<f4").reshape(9, len(NAMES))
    np.testing.assert_allclose(found, classes.probabilities_under(hidden), rtol=1e-4)
    np.testing.assert_allclose(found.sum(1), 1.0, atol=1e-6)
    logits = classes.logits_of(classes.game.image_embeddings(hidden))
    by_caption = {caption["text"]: caption["without"] for caption in contents["captions"]}
    np.testing.assert_allclose(by_caption["cat"], logits[:, 0], atol=1e-4)
    np.testing.assert_allclose(by_caption["dog − cat"], logits[:, 1] - logits[:, 0], atol=1e-4)
    assert saved(widget.record())["classes"]["without"] is None
    monkeypatch.setattr("fixlip_widgets.explainers.class_recording.MOST_PROBABILITIES", 26)
    with pytest.raises(InputError, match="3 classes and 9 patches would have 27 probabilities; at most 26"):
        widget.record(playground=True)


def test_reports_accept_classes_and_their_explainers(widget: FixlipWidget, tmp_path: Path) -> None:
    parts = (explained(), widget._classes.explainer)
    fx.report(parts, tmp_path / "page.html", playground=True)
    assert pages_in(tmp_path / "page.html") == 2
    with pytest.raises(InputError, match="cannot offer budgets"):
        fx.report(parts, tmp_path / "page.html", budgets=[2**10])


def test_pinned_classes_are_subtracted_with_paired_errors() -> None:
    widget = make(grid=None, budget=2**8)
    try:
        assert widget.wait(SECONDS)
        choose(widget, "cat")
        widget.pin()
        choose(widget, "dog")
        widget.shown = "difference"
        assert widget.wait(SECONDS)
        difference, contrast = widget.shown_explanation(), choose(widget, "dog", "cat")
        np.testing.assert_allclose(difference.main_se, contrast.main_se, rtol=1e-6)
        np.testing.assert_allclose(difference.interactions, contrast.interactions, atol=1e-9)
    finally:
        widget.close()


def test_p_and_the_budget_refine_the_chosen_class(widget: FixlipWidget) -> None:
    widget.p = 0.3
    assert widget.wait(SECONDS)
    assert widget.result["p"] == 0.3
    expected = fx.explain_classes(
        tiny_pixels(), NAMES, model=tiny_clip(), templates=TEMPLATES, grid=(3, 3), budget=2**9, p=0.3
    )
    np.testing.assert_allclose(widget.explanation.main, expected[widget.chosen[0]].main, atol=1e-9)
    widget.p = 0.5
    assert widget.wait(SECONDS)


def test_encoding_stops_once_interactions_of_patches_are_precise() -> None:
    widget = make(grid=None, budget=2**12, stop_at=0.2, idle_share=0.0)
    try:
        assert widget.wait(SECONDS)
        reached = widget.result["budget"]
        assert 2**6 < reached < 2**12
        assert widget.result["relative_error"] == pytest.approx(relative_error(widget.explanation))
        assert widget.result["relative_error"] <= 0.2
        widget.stop_at = None
        assert widget.wait(SECONDS)
        assert widget.result["budget"] == 2**12
        points = widget.convergence
        assert [point["image_encodes"] for point in points] == sorted({each["image_encodes"] for each in points})
        assert len(points) >= 2
        assert points[-1]["error"] < points[0]["error"]
        assert points[-1]["error"] == pytest.approx(typical_error(widget.explanation))
    finally:
        widget.close()


def test_settings_of_captions_are_refused_in_a_sentence(widget: FixlipWidget, monkeypatch: Any) -> None:
    wire = Wire(widget, monkeypatch)
    asked = {
        "text": "a dog",
        "method": "shapley",
        "order": 3,
        "classes": ["dog"],
        "chosen": ["wolf"],
    }
    for name, value in asked.items():
        before = getattr(widget, name)
        wire.set(**{name: value})
        assert getattr(widget, name) == before
    assert [name for name, _ in wire.refusals()] == list(asked)
    assert all(message.endswith(".") for _, message in wire.refusals())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": ["dog"]}, "'dog' is the only class"),
        ({"classes": []}, "There is no class"),
        ({"classes": ["dog", "dog"]}, "'dog' occurs more than once"),
        ({"classes": NAMES, "text": "a dog"}, "Both text and classes are given"),
        ({"classes": "dog"}, "pass a list of names"),
        ({"classes": NAMES, "templates": ["a dog"]}, "contains \\{\\} once"),
        ({"classes": NAMES, "chosen": ("wolf",)}, "There is no class 'wolf'"),
        ({"classes": NAMES, "words": True}, "classes have none"),
        ({"text": "a dog", "templates": TEMPLATES}, "pass classes too"),
        ({"text": "a dog", "chosen": ("dog",)}, "pass classes too"),
    ],
)
def test_invalid_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FixlipWidget(tiny_pixels(), model=tiny_clip(), **options)


def test_a_class_longer_than_the_context_is_refused_and_changes_nothing(widget: FixlipWidget) -> None:
    with pytest.raises(InputError, match="cannot be read in the template"):
        widget.classes = (*NAMES, "very " * 100)
    assert widget.classes == tuple(NAMES)
