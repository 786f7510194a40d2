"""Measuring what is shown: the metrics' own numbers, on masks that every method shares, off the handler."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fixlip_widgets as fx
from fixlip_widgets import FixlipError, FixlipWidget, InputError, Model
from fixlip_widgets.explainers.registry import METHODS
from fixlip_widgets.widget.measurements import MAX_MEASUREMENTS
from tests.examples import dog_and_hydrant
from tests.widget.conftest import SECONDS, Wire

Make = Callable[..., FixlipWidget]


@pytest.fixture(name="encoded")
def count_encodings(breakable: Model) -> list[int]:
    """Grows by the size of every batch of images that ``breakable`` encodes."""
    sizes: list[int] = []
    first = breakable.clip.visual.transformer.resblocks[0]
    first.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    return sizes


def in_the_middle(widget: FixlipWidget, monkeypatch: pytest.MonkeyPatch, do: Callable[[], Any]) -> None:
    """Have ``do`` done once, on the worker's thread, when the first progress of measuring is told."""
    send, done = widget.send, threading.Event()

    def tell(message: dict[str, Any]) -> None:
        send(message)
        if message["type"] == "measuring" and message["image_done"] > 0 and not done.is_set():
            done.set()
            do()

    monkeypatch.setattr("fixlip_widgets.widget.screen.PROGRESS_EVERY", 0.0)
    monkeypatch.setattr(widget, "send", tell)


def test_what_is_measured_is_what_the_metrics_say(widget: FixlipWidget) -> None:
    found = widget.measure()
    game, explanation = widget._refiner.explainer.game, widget.explanation
    curves = fx.metrics.insertion_deletion(game, explanation)
    np.testing.assert_allclose(found.curves.most, curves.most, atol=1e-6)
    np.testing.assert_allclose(found.curves.least, curves.least, atol=1e-6)
    assert found.curves.aid == pytest.approx(curves.aid, abs=1e-6)
    assert [each.p for each in found.faithfulness] == [0.3, 0.5, 0.7]
    for each in found.faithfulness:
        expected = fx.metrics.faithfulness(game, explanation, each.p, each.n_masks)
        assert (each.spearman, each.r2) == (pytest.approx(expected.spearman), pytest.approx(expected.r2))


def test_follow_up_work_resumes_after_measuring(widget: FixlipWidget) -> None:
    widget.idle_share = 1.0
    found, explainer = widget.measure(), widget._refiner.explainer
    deadline = time.monotonic() + SECONDS
    while explainer.effective_image_masks(0.25) < 20 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert explainer.effective_image_masks(0.25) >= 20, "masks over the slider's range"
    assert (widget.status, widget.measuring, widget.measure()) == ("done", False, found)


def test_the_view_and_python_have_the_same_measures(widget: FixlipWidget, wire: Wire) -> None:
    wire.ask({"type": "measure"})
    assert widget.wait(SECONDS)
    (told,), found = widget.measured, widget.measure()
    np.testing.assert_allclose(told["most"], found.curves.most, atol=1e-4)
    np.testing.assert_allclose(told["least"], found.curves.least, atol=1e-4)
    assert told["aid"] == found.curves.aid
    assert [each["spearman"] for each in told["faithfulness"]] == [each.spearman for each in found.faithfulness]
    assert {told[name] == widget.result[name] for name in ("caption", "method", "order", "p", "budget")} == {True}
    assert (told["image_encodes"], told["text_encodes"]) == (
        widget.result["image_encodes"],
        widget.result["text_encodes"],
    )
    assert (widget.measuring, widget.error, wire.refusals()) == (False, "", [])
    json.dumps(widget.measured, allow_nan=False)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_measured_under_its_own_name(make_widget: Make, name: str) -> None:
    widget = make_widget(method=name, budget=2**10)
    assert widget.wait(SECONDS)
    found = widget.measure()
    (told,) = widget.measured
    assert (told["method"], told["label"], len(found.faithfulness)) == (name, METHODS[name].label, 3)
    assert told["in_logits"] == (name not in ("grad_eclip", "game_attention", "random"))


def test_the_p_that_is_shown_is_measured_too(make_widget: Make) -> None:
    widget = make_widget(p=0.6)
    assert widget.wait(SECONDS)
    assert [each.p for each in widget.measure().faithfulness] == [0.3, 0.5, 0.6, 0.7]
    assert widget.measured[0]["p"] == 0.6


def test_the_cost_is_estimated_before_measuring_and_zero_afterwards(
    make_widget: Make, breakable: Model, encoded: list[int]
) -> None:
    widget = make_widget(breakable)
    assert widget.wait(SECONDS)
    told, before = widget.measure_cost, sum(encoded)
    assert (told["p"], told["masks"]) == ([0.3, 0.5, 0.7], 250)
    assert told["seconds"] > 0
    widget.measure()
    assert 0.9 * told["image"] <= sum(encoded) - before <= told["image"]
    assert (widget.measure_cost["image"], widget.measure_cost["text"], widget.measure_cost["seconds"]) == (0, 0, 0.0)


def test_another_method_is_measured_on_the_same_masks_without_encoding_them_again(
    make_widget: Make, breakable: Model, encoded: list[int]
) -> None:
    widget = make_widget(breakable)
    assert widget.wait(SECONDS)
    first = widget.measure()
    widget.method = "grad_eclip"
    assert widget.wait(SECONDS)
    assert widget.measure_cost["image"] <= 102
    before = sum(encoded)
    second = widget.measure()
    assert sum(encoded) - before <= 102
    assert [told["method"] for told in widget.measured] == ["banzhaf", "grad_eclip"]
    assert second.faithfulness[1].spearman < first.faithfulness[1].spearman
    before = sum(encoded)
    assert widget.measure() is second
    assert sum(encoded) == before


def test_measuring_that_is_stopped_goes_on_from_what_is_encoded(
    make_widget: Make, breakable: Model, encoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = make_widget(breakable)
    assert widget.wait(SECONDS)
    cost, before = widget.measure_cost["image"], sum(encoded)
    in_the_middle(widget, monkeypatch, widget.cancel)
    with pytest.raises(FixlipError, match="Measuring was interrupted"):
        widget.measure()
    assert (widget.measuring, widget.status, widget.error) == (False, "done", "")
    assert 0 < sum(encoded) - before < cost
    assert widget.measure_cost["image"] < cost
    assert len(widget.measure().faithfulness) == 3
    assert sum(encoded) - before <= cost


def test_a_new_request_stops_measuring_and_no_measures_belong_to_the_new_result(
    widget: FixlipWidget, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_middle(widget, monkeypatch, lambda: wire.set(p=0.8))
    wire.ask({"type": "measure"})
    assert widget.wait(SECONDS)
    assert (widget.status, widget.result["p"], widget.measuring) == ("done", 0.8, False)
    assert all(told["p"] == 0.5 for told in widget.measured)


def test_queries_are_answered_while_measuring(
    widget: FixlipWidget, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_middle(widget, monkeypatch, lambda: wire.set(selection=[1], removed=[2]))
    answered: list[bool] = []
    widget.observe(lambda change: answered.append(widget.measuring), "played")
    wire.ask({"type": "measure"})
    assert widget.wait(SECONDS)
    assert widget.played["value"] is not None
    assert answered[0], "the playground did not wait for it"
    assert len(widget.measured[0]["faithfulness"]) == 3


def test_progress_of_measuring_is_told_and_never_falls(
    widget: FixlipWidget, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fixlip_widgets.widget.screen.PROGRESS_EVERY", 0.0)
    wire.ask({"type": "measure"})
    assert widget.wait(SECONDS)
    told = [message["fraction"] for message in wire.messages if message["type"] == "measuring"]
    assert len(told) > 5
    assert told == sorted(told)
    assert told[-1] <= 1


def test_while_it_is_refined_nothing_is_measured(widget: FixlipWidget, wire: Wire) -> None:
    widget.budget = 2**22
    wire.ask({"type": "measure"})
    assert [name for name, _ in wire.refusals()] == ["measure"]
    assert not widget.measuring
    widget.cancel()
    assert widget.wait(SECONDS)
    assert len(widget.measure().faithfulness) == 3, "what it had by then can be measured"


def test_an_unmeasurable_explanation_is_rejected_with_the_reason(widget: FixlipWidget, wire: Wire) -> None:
    widget.pin()
    widget.text = "a red dog"
    assert widget.wait(SECONDS)
    for shown, why in {"difference": "cannot be measured", "pinned": "the current caption is “a red dog”"}.items():
        widget.shown = shown
        assert widget.wait(SECONDS)
        assert widget.measure_cost is None
        wire.ask({"type": "measure"})
        assert (wire.refusals()[-1][0], why in wire.refusals()[-1][1]) == ("measure", True)
        with pytest.raises(InputError, match=why):
            widget.measure()


def test_a_pinned_explanation_of_the_same_pair_is_measured_where_it_is_shown(widget: FixlipWidget) -> None:
    widget.pin()
    widget.p = 0.8
    assert widget.wait(SECONDS)
    widget.shown = "pinned"
    assert widget.wait(SECONDS)
    widget.measure()
    assert [told["p"] for told in widget.measured] == [0.5]


def test_measuring_without_a_model_is_rejected() -> None:
    widget = FixlipWidget.from_explanation(dog_and_hydrant())
    with pytest.raises(InputError, match="without a model"):
        widget.measure()
    assert widget.wait(SECONDS)
    assert (widget.measure_cost, widget.measured) == (None, [])
    widget.close()


def test_a_failure_is_told_and_the_result_stays(
    widget: FixlipWidget, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    game = widget._refiner.explainer.game
    game.__dict__["_extremes"] = np.zeros(2)
    wire.ask({"type": "measure"})
    assert widget.wait(SECONDS)
    assert "curves cannot be normalised" in widget.error
    assert (widget.measuring, widget.status, widget.measured) == (False, "done", [])


def test_the_view_has_the_latest_measurement_of_each_of_the_last_explanations(make_widget: Make) -> None:
    widget = make_widget(budget=2**9)
    assert widget.wait(SECONDS)
    for step in range(MAX_MEASUREMENTS + 2):
        widget.p = 0.2 + 0.05 * step
        assert widget.wait(SECONDS)
        widget.measure()
    assert [told["p"] for told in widget.measured] == pytest.approx(
        [0.2 + 0.05 * step for step in range(2, MAX_MEASUREMENTS + 2)]
    )
    assert len(json.dumps(widget.measured)) < 25_000
    widget.p = 0.5
    assert widget.wait(SECONDS)
    widget.measure()
    assert sum(told["p"] == pytest.approx(0.5) for told in widget.measured) == 1
