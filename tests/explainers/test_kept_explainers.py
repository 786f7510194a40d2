"""A finished explanation knows its explainer while that is in memory, and keeps no explainer in memory itself."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fixlip_widgets as fx
from fixlip_widgets.explainers import kept_explainers
from fixlip_widgets.explainers.kept_explainers import origin
from fixlip_widgets.pages.recordable import recording_of
from fixlip_widgets.support.memory import memory_of
from tests.encoders.towers.families import CONFIGS, pixels
from tests.golden import tiny_clip, tiny_game, tiny_pixels
from tests.pages.reading import Page

CAPTION = "a dog next to a cat"


def explained(budget: int = 2**13, **options: Any) -> fx.Explanation:
    return fx.explain(tiny_pixels(), CAPTION, model=tiny_clip(), budget=budget, progress=False, **options)


def test_a_page_of_a_finished_explanation_offers_other_p_and_smaller_budgets(tmp_path: Path):
    explanation = explained()
    explanation.to_html(tmp_path / "page.html", progress=False)
    (saved,) = Page((tmp_path / "page.html").read_text("utf-8")).json("saved")
    settings = [(each["p"], each["budget"]) for each in saved["snapshots"]]
    assert settings[0] == (0.5, 2**13)
    assert {p for p, _ in settings} > {0.4, 0.5, 0.6}
    assert {budget for p, budget in settings if p == 0.5} == {2**12, 2**13}


def test_a_page_offers_one_value_when_asked(tmp_path: Path):
    explained().to_html(tmp_path / "page.html", p=0.5, progress=False)
    (saved,) = Page((tmp_path / "page.html").read_text("utf-8")).json("saved")
    assert len(saved["snapshots"]) == 1


def test_other_p_are_fitted_with_the_same_options():
    explanation = explained(ridge=0.0, scope="cross")
    recording, _ = recording_of(explanation, progress=False)
    assert len(recording.explanations) > 2
    assert {(each.ridge, each.scope) for each in recording.explanations} == {(0.0, "cross")}


def test_values_of_order_one_are_recorded_under_the_name_of_their_method():
    recording, _ = recording_of(explained(order=1), progress=False)
    assert len(recording.explanations) > 2
    assert {(each.method, each.order) for each in recording.explanations} == {("banzhaf", 1)}


def test_smaller_budgets_equal_new_explanations_and_encode_no_image():
    explanation = explained(2**14)
    explainer, _ = origin(explanation) or pytest.fail("the explainer is in memory")
    assert isinstance(explainer, fx.IncrementalExplainer)
    explainer.prepare()
    before = explainer.image_encodes
    recording, _ = recording_of(explanation, progress=False)
    assert explainer.image_encodes == before
    smaller = {each.budget: each for each in recording.explanations if each.p == 0.5}
    assert set(smaller) == {2**12, 2**13, 2**14}
    for budget, found in smaller.items():
        np.testing.assert_allclose(found.interactions, explained(budget).interactions, atol=1e-4)


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each)), lambda each: each.replace(caption="x")],  # noqa: S301
    ids=["copy", "deepcopy", "pickle", "replace"],
)
def test_copies_do_not_know_the_explainer(copied: Callable[[fx.Explanation], fx.Explanation]):
    explanation = explained()
    assert origin(explanation) is not None
    assert origin(copied(explanation)) is None


def test_an_explanation_whose_explainer_has_another_pair_is_written_alone():
    explainer = fx.IncrementalExplainer(tiny_game())
    explainer.extend(0.5, 2**11)
    explanation, caption = explainer.explanation(), explainer.game.caption
    explainer.set_text("a red dog")
    assert origin(explanation) is None
    assert len(recording_of(explanation)[0].explanations) == 1
    explainer.set_text(caption)
    assert origin(explanation) is not None
    explainer.set_image(tiny_pixels())
    assert origin(explanation) is None


def test_neither_an_explanation_nor_its_explainer_keeps_the_other_in_memory():
    explainer = fx.IncrementalExplainer(tiny_game())
    explainer.extend(0.5, 2**9)
    explanation = explainer.explanation()
    gone = weakref.ref(explainer)
    del explainer
    gc.collect()
    assert gone() is None
    assert origin(explanation) is None


def test_a_result_keeps_its_explainer_and_model_in_memory_only_as_long_as_it_exists(tmp_path: Path):
    model = fx.load_model(CONFIGS["CLIP"], pretrained=False, device="cpu")
    explanation = fx.explain(pixels(model), CAPTION, model=model, budget=2**11, grid=(2, 2), progress=False)
    clip, explainer = weakref.ref(model.clip), weakref.ref(origin(explanation)[0])
    del model
    gc.collect()
    assert clip() is not None
    explanation.to_html(tmp_path / "page.html", progress=False)
    (saved,) = Page((tmp_path / "page.html").read_text("utf-8")).json("saved")
    assert len({each["p"] for each in saved["snapshots"]}) > 1
    del explanation
    gc.collect()
    assert (explainer(), clip()) == (None, None)


def test_explainers_of_the_latest_results_are_kept_within_a_number_of_bytes(monkeypatch: pytest.MonkeyPatch):
    first, second = explained(), explained()
    assert origin(second) is not None
    assert origin(first) is not None  # now the latest use
    explainers = [origin(each)[0] for each in (second, first)]
    monkeypatch.setattr(kept_explainers, "MOST_BYTES", memory_of(explainers, apart_from=explainers[0].game.model))
    del explainers
    third = explained()
    gc.collect()
    assert [origin(each) is not None for each in (first, second, third)] == [True, False, True]
    monkeypatch.setattr(kept_explainers, "MOST_BYTES", 0)
    latest = explained()
    gc.collect()
    assert [origin(each) is not None for each in (first, third, latest)] == [False, False, True]
