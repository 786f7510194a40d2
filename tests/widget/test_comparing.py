"""Pin one explanation, look at it and at the difference; sums of groups; the best subsets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fixlip_widgets import FixlipWidget, InputError
from fixlip_widgets.explanation.comparison import subtract
from fixlip_widgets.widget import refiner
from tests.examples import dog_and_hydrant, random_explanation
from tests.widget.conftest import SECONDS, Wire, numbers

Make = Callable[..., FixlipWidget]


def test_a_pinned_explanation_stays_while_the_present_one_changes(widget: FixlipWidget) -> None:
    pinned = widget.explanation
    widget.pin()
    assert widget.pinned["label"] == "“a dog next to a cat” · FIxLIP (weighted Banzhaf) · p 0.5"
    widget.p = 0.8
    assert widget.wait(SECONDS)
    np.testing.assert_array_equal(numbers(widget.pinned["result"]["main"]), pinned.main.astype(np.float32))
    assert (widget.pinned["result"]["p"], widget.result["p"]) == (0.5, 0.8)
    expected = subtract(widget.explanation, pinned).explanation
    told = widget.difference["result"]
    np.testing.assert_array_equal(numbers(told["interactions"]), expected.interactions.astype(np.float32))
    # the errors are sums over masks, which this thread and the widget's add in another order
    np.testing.assert_allclose(numbers(told["interactions_se"]), expected.interactions_se, rtol=1e-6)
    assert (told["generation"], widget.difference["unmatched"]) == (widget.generation, [])


def test_the_difference_of_two_captions_has_errors_of_the_difference(widget: FixlipWidget) -> None:
    pinned = widget.explanation
    widget.pin()
    widget.text = "a cat next to a dog"
    assert widget.wait(SECONDS)
    told = numbers(widget.difference["result"]["interactions_se"]).reshape(pinned.interactions.shape)
    apart = subtract(widget.explanation.replace(), pinned.replace()).explanation.interactions_se
    assert apart is not None
    cross = slice(pinned.n_image, None), slice(0, pinned.n_image)  # too few masks for errors of image–image terms
    assert np.isfinite(told[cross]).all()
    assert np.median(told[cross] / apart[cross]) < 0.9


def test_explanations_not_in_logits_can_be_pinned_but_not_subtracted(widget: FixlipWidget) -> None:
    widget.pin()
    widget.p = 0.8
    assert widget.wait(SECONDS)
    widget.shown = "difference"
    widget.method = "game_attention"
    assert widget.wait(SECONDS)
    assert (widget.shown, widget.difference, widget.status) == ("current", None, "done")
    with pytest.raises(InputError, match="no common unit"):
        widget.shown = "difference"
    widget.shown = "pinned"
    assert widget.wait(SECONDS)
    widget.method = "banzhaf"
    assert widget.wait(SECONDS)
    assert widget.difference is not None


def test_graph_and_figure_follow_what_is_shown(widget: FixlipWidget) -> None:
    widget.pin()
    pinned = widget.explanation
    widget.p = 0.8
    assert widget.wait(SECONDS)
    shown = {
        "current": widget.explanation,
        "pinned": pinned,
        "difference": subtract(widget.explanation, pinned).explanation,
    }
    for which, explanation in shown.items():
        widget.shown = which
        assert widget.wait(SECONDS)
        drawn = {frozenset((edge["source"], edge["target"])): edge["weight"] for edge in widget.graph_data["edges"]}
        expected = explanation.to_networkx(top_k=24, kind="cross").edges(data="weight")
        assert drawn == {frozenset((i, j)): weight for i, j, weight in expected}
        assert {frozenset(edge) for edge in widget.graph().edges} == set(drawn)
        np.testing.assert_array_equal(widget.figure("cross").data[0].z, explanation.cross)
        assert widget.subsets["positive"][2]["value"] == pytest.approx(explanation.subset(3)[1])


def test_the_difference_of_two_captions_is_on_the_present_ones_players(widget: FixlipWidget) -> None:
    widget.pin()
    widget.text = "a big dog next to a bird"
    assert widget.wait(SECONDS)
    assert widget.difference["result"]["tokens"] == ["a", "big", "dog", "next", "to", "a", "bird"]
    assert widget.difference["unmatched"] == [17, 22]
    widget.shown = "pinned"
    with pytest.raises(InputError, match="numbered 0 to 21"):
        widget.selection = (22,)
    widget.shown = "current"
    widget.selection = (0, 22)
    widget.shown = "pinned"
    assert widget.selection == (0,), "the pinned caption has no such token"


def test_an_explanation_from_elsewhere_may_be_pinned(widget: FixlipWidget) -> None:
    other = widget.explanation.replace(method="elsewhere", interactions=2 * widget.explanation.interactions)
    widget.pin(other)
    np.testing.assert_allclose(
        numbers(widget.difference["result"]["interactions"]), -widget.explanation.interactions, atol=1e-5
    )


def test_incomparable_explanations_are_rejected(widget: FixlipWidget, make_widget: Make) -> None:
    with pytest.raises(InputError, match="4×4"):
        widget.pin(random_explanation())
    with pytest.raises(InputError, match="different images"):
        widget.pin(widget.explanation.replace(image=np.zeros((8, 8, 3), dtype=np.uint8)))
    assert widget.pinned is None
    fresh = make_widget(autorun=False)
    with pytest.raises(InputError, match="no result yet"):
        fresh.pin()
    with pytest.raises(InputError, match="grid"):
        fresh.pin(random_explanation())
    fresh.pin(widget.explanation)
    with pytest.raises(InputError, match="no result yet to compare"):
        fresh.shown = "difference"
    fresh.shown = "pinned"
    assert fresh.wait(SECONDS)
    assert fresh.graph_data["edges"]


def test_unpin_goes_back_to_the_present_one(widget: FixlipWidget) -> None:
    with pytest.raises(InputError, match="No explanation is pinned"):
        widget.shown = "difference"
    widget.pin()
    widget.shown = "difference"
    widget.unpin()
    assert (widget.shown, widget.pinned, widget.difference) == ("current", None, None)
    assert widget.wait(SECONDS)
    assert widget.shown_explanation() is widget.explanation


def test_a_view_may_pin_and_unpin(widget: FixlipWidget, wire: Wire) -> None:
    wire.set(shown="pinned")
    wire.ask({"type": "pin"})
    wire.set(shown="difference")
    assert (widget.shown, [name for name, _ in wire.refusals()]) == ("difference", ["shown"])
    wire.ask({"type": "unpin"})
    assert widget.pinned is None


def test_a_finished_explanation_can_be_compared_with_another() -> None:
    first = dog_and_hydrant()
    widget = FixlipWidget.from_explanation(first)
    widget.pin(first.replace(interactions=0.5 * first.interactions))
    np.testing.assert_allclose(
        numbers(widget.difference["result"]["interactions"]), 0.5 * first.interactions, atol=1e-5
    )
    widget.close()


def test_sums_and_subsets_of_a_pinned_current_explanation_are_of_what_is_shown(widget: FixlipWidget) -> None:
    widget.selection = (1, 2)
    widget.pin()
    for which in ("current", "pinned", "current"):
        widget.shown = which
        assert widget.wait(SECONDS)
        assert (widget.group["shown"], widget.subsets["shown"]) == (which, which)


def test_several_selected_players_are_summed(widget: FixlipWidget) -> None:
    widget.selection = (17, 1, 2)
    assert widget.wait(SECONDS)
    rows = widget.explanation.interactions[[17, 1, 2]].sum(axis=0)
    inside = np.isin(np.arange(22), [17, 1, 2])
    assert widget.group["selection"] == [17, 1, 2]
    assert widget.group["total"] == pytest.approx(rows[~inside].sum())
    assert widget.group["within"] == pytest.approx(rows[inside].sum() / 2)
    widget.p = 0.7
    assert widget.wait(SECONDS)
    assert widget.group["generation"] == widget.generation
    assert widget.group["total"] == pytest.approx(
        widget.explanation.interactions[[17, 1, 2]].sum(axis=0)[~inside].sum()
    )
    widget.selection = ()
    assert widget.wait(SECONDS)
    assert widget.group is None


def test_sums_of_a_final_result_have_the_explainers_standard_errors(make_widget: Make) -> None:
    widget = make_widget(budget=2**14)
    assert widget.wait(SECONDS)
    widget.selection = (17, 1, 2)
    assert widget.wait(SECONDS)
    known = widget._refiner.explainer.group((17, 1, 2), widget.explanation)
    np.testing.assert_array_equal(numbers(widget.group["se"]), known.se.astype(np.float32))
    assert (widget.group["total_se"], widget.group["within_se"]) == (known.total_se, known.within_se)
    assert 0 < known.total_se < np.inf
    widget.pin()
    widget.shown = "pinned"
    assert widget.wait(SECONDS)
    assert (widget.group["total"], widget.group["total_se"]) == (pytest.approx(known.total), None)


def test_a_first_order_method_has_no_sums(make_widget: Make) -> None:
    widget = make_widget(method="random")
    assert widget.wait(SECONDS)
    widget.selection = (1, 2)
    assert widget.wait(SECONDS)
    assert widget.group is not None
    widget.method = "banzhaf_values"
    assert widget.wait(SECONDS)
    assert widget.group is None


def test_a_final_result_has_subsets_of_every_size(widget: FixlipWidget) -> None:
    assert len(widget.subsets["positive"]) == len(widget.subsets["negative"]) == 22
    for sign, name in ((1, "positive"), (-1, "negative")):
        for size, subset in enumerate(widget.subsets[name], start=1):
            players, value = widget.explanation.subset(size, sign)
            assert (tuple(subset["players"]), subset["value"]) == (players, pytest.approx(value))
    widget.text = "a red dog"
    assert widget.wait(SECONDS)
    assert (len(widget.subsets["positive"]), widget.subsets["generation"]) == (19, widget.generation)


def test_a_finished_explanation_has_subsets_of_up_to_24() -> None:
    widget = FixlipWidget.from_explanation(dog_and_hydrant())
    assert widget.wait(SECONDS)
    assert [len(subset["players"]) for subset in widget.subsets["negative"]] == [*range(1, 25)]
    widget.close()


@pytest.mark.parametrize("sign", ["positive", "negative"])
def test_the_graph_may_have_one_sign_only(widget: FixlipWidget, sign: str) -> None:
    widget.graph_sign = sign
    assert widget.wait(SECONDS)
    positive = {edge["weight"] > 0 for edge in widget.graph_data["edges"]}
    assert positive == {sign == "positive"}
    assert {data["sign"] for *_, data in widget.graph().edges(data=True)} == {1 if sign == "positive" else -1}


def test_graph_and_subsets_name_the_explanation_that_they_belong_to(widget: FixlipWidget) -> None:
    widget.pin()
    widget.text = "a big dog next to a bird"
    assert widget.wait(SECONDS)
    for which in ("pinned", "difference", "current"):
        widget.shown = which
        assert widget.wait(SECONDS)
        assert [widget.graph_data["shown"], widget.subsets["shown"]] == [which, which]
        assert widget.graph_data["generation"] == widget.subsets["generation"] == widget.generation


def test_the_graph_of_a_difference_arrives_with_its_result(
    widget: FixlipWidget, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refiner, "RESULT_EVERY", 0.0)
    monkeypatch.setattr(refiner, "_SHARE_OF_SOLVING", 1.0)
    monkeypatch.setattr(widget._refiner, "_next_result", 0.0)  # a partial result after each batch
    widget.pin()
    widget.shown = "difference"
    assert widget.wait(SECONDS)
    wire.updates.clear()
    widget.p = 0.8
    assert widget.wait(SECONDS)
    results = [update["result"] for update in wire.updates if "result" in update]
    assert [result["partial"] for result in results[-2:]] == [True, False]
    state: dict[str, Any] = {}  # an update leaves out what did not change
    for update in wire.updates:
        state.update(update)
        if "result" in update:
            assert state["graph_data"]["shown"] == "difference"
            assert state["graph_data"]["generation"] == update["result"]["generation"]


def test_another_pinned_explanation_replaces_graph_sums_and_subsets(widget: FixlipWidget, wire: Wire) -> None:
    widget.pin()
    widget.shown, widget.selection = "pinned", (0, 1)
    assert widget.wait(SECONDS)
    wire.updates.clear()
    widget.pin(widget.explanation.replace(main=2 * widget.explanation.main))
    [pinned] = [update for update in wire.updates if "pinned" in update]
    assert [pinned[name] for name in ("graph_data", "group", "subsets")] == [None, None, None]
    assert widget.wait(SECONDS)
    assert None not in (widget.graph_data, widget.group, widget.subsets)


def test_the_subsets_of_a_pinned_explanation_outlive_a_new_caption(widget: FixlipWidget) -> None:
    widget.pin()
    widget.shown = "pinned"
    assert widget.wait(SECONDS)
    widget.text = "a big dog next to a bird"
    assert widget.wait(SECONDS)
    assert widget.subsets["shown"] == "pinned"
