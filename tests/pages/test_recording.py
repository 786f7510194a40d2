"""What is computed beforehand is what an explainer of its own would give, and costs only what is not encoded yet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fixlip_widgets import Explanation, FixlipWidget, IncrementalExplainer, InputError, VisionLanguageGame
from fixlip_widgets.explainers import record
from fixlip_widgets.explainers.registry import METHODS, Request
from fixlip_widgets.explainers.shapley import joint_budget
from fixlip_widgets.pages import GRID, Recording
from fixlip_widgets.pages.recording import Step
from tests.examples import random_explanation
from tests.golden import tiny_clip, tiny_pixels

CAPTION = "a dog next to a cat"


def game() -> VisionLanguageGame:
    return VisionLanguageGame(tiny_clip(), tiny_pixels(), CAPTION, batch_size=16)


@pytest.fixture
def explainer() -> IncrementalExplainer:
    explainer = IncrementalExplainer(game(), seed=3)
    explainer.extend(0.5, 2**11)
    explainer.prepare()
    explainer.explanation()  # encodes the whole pair and the empty one now, not while a test counts
    return explainer


def count_encodes(explainer: IncrementalExplainer, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Masks that the image tower is run on from now on, batch by batch."""
    tower, seen = explainer.game.image_tower, list[int]()
    encode = tower.encode
    monkeypatch.setattr(tower, "encode", lambda masks: (seen.append(len(masks)), encode(masks))[1])
    return seen


def by_setting(recording: Recording) -> dict[tuple[str, int, float], Explanation]:
    return {(each.caption, each.budget, each.p): each for each in recording.explanations}


def test_every_explanation_is_that_of_an_explainer_of_its_own(explainer: IncrementalExplainer):
    found = by_setting(record(explainer, p=[0.3, 0.7], budgets=[2**9, 2**11], progress=False))
    assert {setting[1:] for setting in found} == {(b, p) for b in (2**9, 2**11) for p in (0.5, 0.3, 0.7)}
    for budget in (2**9, 2**11):
        alone = IncrementalExplainer(game(), seed=3)
        for p in (0.5, 0.3, 0.7):
            alone.extend(p, budget)
            expected, recorded = alone.explanation(p), found[CAPTION, budget, p]
            np.testing.assert_allclose(recorded.interactions, expected.interactions, atol=1e-4)
            np.testing.assert_allclose(recorded.main, expected.main, atol=1e-4)


def test_a_smaller_budget_encodes_no_image_again(explainer: IncrementalExplainer, monkeypatch: pytest.MonkeyPatch):
    seen = count_encodes(explainer, monkeypatch)
    record(explainer, p=[0.5], budgets=[2**8, 2**9, 2**10, 2**11], progress=False)
    assert sum(seen) == 0


def test_by_default_what_is_encoded_answers(explainer: IncrementalExplainer, monkeypatch: pytest.MonkeyPatch):
    seen = count_encodes(explainer, monkeypatch)
    found = record(explainer, progress=False).explanations
    assert sum(seen) == 0
    assert found[0].p == 0.5
    assert len(found) > 1
    for each in found:
        np.testing.assert_allclose(each.interactions, explainer.explanation(each.p).interactions, atol=1e-6)


def test_by_default_a_fresh_explainer_prepares_for_a_range_of_p_and_offers_what_it_can_answer():
    explainer = IncrementalExplainer(game())
    explainer.extend(0.5, 2**11)
    before = explainer.image_encodes
    found = record(explainer, progress=False).explanations
    assert explainer.image_encodes > before
    offered = {each.p for each in found}
    answered = {p for p in GRID if explainer.effective_image_masks(p) > 3 * explainer.game.n_image}
    assert offered == answered | {0.5}
    assert 1 < len(offered) < len(GRID)


def test_listed_captions_reuse_the_images(explainer: IncrementalExplainer, monkeypatch: pytest.MonkeyPatch):
    seen = count_encodes(explainer, monkeypatch)
    found = record(explainer, text=["a red dog", CAPTION], progress=False).explanations
    assert list(dict.fromkeys(each.caption for each in found)) == [CAPTION, "a red dog"]
    assert sum(seen) <= 2  # the whole image and the empty one, for the similarities that stand beside


def test_the_explainer_stays_as_it_is(explainer: IncrementalExplainer):
    before = explainer.image_encodes, explainer.budget_done, explainer.game.caption, explainer.game.tokens
    record(explainer, p=[0.2], budgets=[2**10], text=["a red dog"], playground=True, progress=False)
    assert (explainer.image_encodes, explainer.budget_done, explainer.game.caption, explainer.game.tokens) == before


def test_recording_another_caption_leaves_the_live_answers_their_own(explainer: IncrementalExplainer):
    before = explainer.explanation()
    found = by_setting(record(explainer, text=["a cat next to a dog"], p=None, progress=False))
    assert {caption for caption, _, _ in found} == {CAPTION, "a cat next to a dog"}
    for p in (0.5, 0.3):
        assert explainer.explanation(p).caption == CAPTION
    np.testing.assert_array_equal(explainer.explanation().interactions, before.interactions)


def test_a_page_of_first_order_values_may_have_several_captions(explainer: IncrementalExplainer):
    shown = METHODS["shapley_values"].explain_game(Request(explainer.game, budget=128, seed=3))
    asked: dict[str, Any] = {"text": ["a cat"], "method": "shapley_values", "order": 1, "progress": False}
    for first in (None, shown):
        found = record(explainer, budgets=[128], first=first, **asked).explanations
        assert [(each.method, each.caption) for each in found] == [
            ("shapley_values", CAPTION),
            ("shapley_values", "a cat"),
        ]
        np.testing.assert_allclose(found[0].main, shown.main, atol=1e-4)


def test_a_joint_method_is_recorded_at_the_cost_of_the_explainers_budget(explainer: IncrementalExplainer):
    (found,) = record(explainer, method="shapley", progress=False).explanations
    assert found.budget <= joint_budget(explainer.game, explainer.budget) <= explainer.image_encodes


def test_the_playground_has_the_models_values(explainer: IncrementalExplainer):
    without = record(explainer, playground=True, progress=False).without[CAPTION]
    masks = np.ones((explainer.game.n_players, explainer.game.n_players), dtype=bool)
    np.fill_diagonal(masks, False)
    np.testing.assert_allclose(without, explainer.game.value(masks), atol=1e-4)


def test_the_present_explanation_is_taken_as_it_is_and_comes_first(explainer: IncrementalExplainer):
    present = explainer.explanation(0.5)
    found = record(explainer, p=[0.3, 0.5], first=present, progress=False).explanations
    assert found[0] is present
    assert [each.p for each in found] == [0.5, 0.3]


def test_steps_are_told_to_the_end(explainer: IncrementalExplainer):
    steps: list[Step] = []
    record(explainer, p=[0.3, 0.7], text=["a red dog"], progress=steps.append)
    shares = [step.done + step.fraction for step in steps]
    assert shares == sorted(shares)
    assert (steps[0].done, steps[-1].done, steps[-1].total) == (0, 7, 7)
    assert {step.caption for step in steps} == {CAPTION, "a red dog"}


def test_steps_of_the_default_are_told_to_the_end(explainer: IncrementalExplainer):
    steps: list[Step] = []
    found = record(explainer, progress=steps.append).explanations
    assert steps[-1].done == steps[-1].total == 1 + len(found)


def test_interrupting_leaves_the_explainer_as_it_was(explainer: IncrementalExplainer):
    before = explainer.image_encodes, explainer.p, explainer.budget

    def stop(step: Step) -> None:
        if step.p == 0.3 and step.fraction > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record(explainer, p=[0.3], progress=stop)
    assert (explainer.image_encodes, explainer.p, explainer.budget) == before


def test_a_method_without_p_is_recorded_once(explainer: IncrementalExplainer):
    found = record(explainer, p=[0.3, 0.7], budgets=[64], method="shapley", progress=False).explanations
    assert [each.method for each in found] == ["shapley"]


@pytest.mark.parametrize(
    "asked",
    [{"p": [0.0]}, {"budgets": [1]}, {"text": [""]}, {"method": "magic"}],
    ids=lambda asked: next(iter(asked)),
)
def test_what_cannot_be_computed_is_refused(explainer: IncrementalExplainer, asked: dict[str, Any]):
    with pytest.raises(InputError):
        record(explainer, progress=False, **asked)


def test_one_view_shows_explanations_of_one_grid_and_method():
    with pytest.raises(InputError, match="at least one"):
        Recording(())
    with pytest.raises(InputError, match="one grid, method and order"):
        Recording((random_explanation(), random_explanation(method="shapley")))


def test_a_finished_explanation_alone_has_no_other_p():
    widget = FixlipWidget.from_explanation(random_explanation())
    assert len(widget.record().explanations) == 1
    with pytest.raises(InputError, match="without a model"):
        widget.record(p=[0.3])
    widget.close()
