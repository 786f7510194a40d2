"""Every method through the same widget: what each offers, and which results are kept."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

import fixlip_widgets as fx
from fixlip_widgets import FixlipWidget, InputError
from fixlip_widgets.explainers.registry import METHODS, Request
from fixlip_widgets.explainers.shapley import joint_budget
from tests.golden import tiny_clip, tiny_game, tiny_pixels
from tests.widget.conftest import CAPTION, SECONDS, Wire

Make = Callable[..., FixlipWidget]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_explains_the_pair_under_its_own_name(make_widget: Make, name: str) -> None:
    widget = make_widget(method=name, budget=2**10)
    assert widget.wait(SECONDS)
    assert (widget.status, widget.error) == ("done", "")
    assert (widget.result["method"], widget.result["order"]) == (name, METHODS[name].orders[0])
    assert widget.explanation.has_interactions == (METHODS[name].orders != (1,))
    assert len(widget.result["findings"]) == widget.explanation.n_players + 1


@pytest.mark.filterwarnings("ignore:Do not interpret", "ignore:The budget of")
@pytest.mark.parametrize("name", [name for name in METHODS if METHODS[name].orders == (1,)])
def test_explain_takes_the_same_names(name: str) -> None:
    explanation = fx.explain(tiny_pixels(), CAPTION, model=tiny_clip(), method=name, budget=2**9)
    assert (explanation.method, explanation.order, explanation.has_interactions) == (name, 1, False)


def test_a_view_is_told_which_methods_there_are(widget: FixlipWidget) -> None:
    told = {method["name"]: method for method in widget.options["methods"]}
    assert [*told] == [*METHODS]
    assert told["banzhaf"]["orders"] == [2, 3]
    assert not told["grad_eclip"]["uses_p"]


def test_another_method_brings_an_order_that_it_has(widget: FixlipWidget) -> None:
    widget.order = 3
    widget.method = "shapley_values"
    assert widget.order == 1
    with pytest.raises(InputError, match="offers order 1"):
        widget.order = 3
    assert widget.wait(SECONDS)
    assert (widget.result["method"], widget.result["order"]) == ("shapley_values", 1)


def test_a_view_may_change_method_and_order_at_once(widget: FixlipWidget, wire: Wire) -> None:
    widget.method = "shapley"
    wire.set(order=3, method="banzhaf")
    assert (widget.method, widget.order, wire.refusals()) == ("banzhaf", 3, [])
    wire.set(order=2, method="random")
    wire.set(order=1)
    assert (widget.method, widget.order, [name for name, _ in wire.refusals()]) == ("random", 2, ["order"])


def test_methods_with_a_pool_share_it(widget: FixlipWidget) -> None:
    before = widget._refiner.explainer.image_encodes
    widget.method = "banzhaf_values"
    assert widget.wait(SECONDS)
    assert widget._refiner.explainer.image_encodes == before
    assert widget.costs["11"]["new_image"] == 0


def test_a_result_without_a_pool_is_kept_for_what_it_depends_on(make_widget: Make) -> None:
    widget = make_widget(method="shapley", budget=2**10)
    assert widget.wait(SECONDS)
    first = widget.explanation
    assert (widget.costs["10"]["new_image"], widget.costs["11"]["new_image"] > 0) == (0, True)
    widget.p = 0.7
    assert widget.wait(SECONDS)
    assert widget.explanation is first, "Shapley has no p"
    widget.budget = 2**11
    assert widget.wait(SECONDS)
    assert widget.explanation.budget > first.budget
    widget.text = "a red dog"
    assert widget.wait(SECONDS)
    assert widget.explanation.caption == "a red dog"
    widget.text, widget.budget = CAPTION, 2**10
    assert widget.wait(SECONDS)
    assert widget.explanation is first


def test_a_joint_method_spends_one_mask_for_each_image_mask_of_the_budget() -> None:
    game = tiny_game()
    explanation = METHODS["shapley"].explain_game(Request(game, budget=joint_budget(game, 2**12)))
    image, _ = METHODS["shapley"].encodes(game, 2**12)
    assert 0.5 * image < explanation.image_encodes <= image


def test_a_method_without_a_pool_can_be_cancelled_and_tells_its_progress(
    make_widget: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = make_widget(autorun=False, method="shapley", budget=2**22)
    wire, begun = Wire(widget, monkeypatch), threading.Event()
    send = widget.send
    monkeypatch.setattr(widget, "send", lambda message: (send(message), begun.set()))
    widget.run()
    assert begun.wait(SECONDS)
    widget.cancel()
    assert widget.wait(SECONDS)
    assert (widget.status, widget.result["partial"]) == ("cancelled", False)
    assert 0 < widget.explanation.budget < joint_budget(widget._refiner.explainer.game, 2**22)
    assert {message["type"] for message in wire.messages} == {"progress"}
    widget.budget = 2**8
    widget.run()
    assert widget.wait(SECONDS)
    assert widget.status == "done"


def test_a_cancelled_method_without_a_partial_result_keeps_the_explanation_before(make_widget: Make) -> None:
    widget = make_widget(budget=2**8)
    assert widget.wait(SECONDS)
    before = widget.explanation
    refiner = widget._refiner
    send = refiner._screen.send_progress
    refiner._screen.send_progress = lambda *state: (widget.cancel(), send(*state))
    widget.method = "exclip"
    assert widget.wait(SECONDS)
    assert (widget.status, widget.error) == ("cancelled", "")
    assert widget.explanation is before


def test_third_order_terms_travel_strongest_first_and_join_their_players(make_widget: Make) -> None:
    widget = make_widget(order=3, top_k=200, budget=2**14)
    assert widget.wait(SECONDS)
    triples = widget.result["triples"]
    assert len(triples) == 100
    sizes = [abs(triple["value"]) for triple in triples]
    assert sizes == sorted(sizes, reverse=True)
    strongest = next(term for term in widget.explanation.top(10**4) if len(term.players) == 3)
    assert (tuple(triples[0]["players"]), triples[0]["value"]) == (strongest.players, strongest.value)
    assert triples[0]["se"] == pytest.approx(strongest.standard_error)
    terms = [node for node in widget.graph_data["nodes"] if node["kind"] == "term"]
    assert terms
    for node in terms:
        edges = [edge for edge in widget.graph_data["edges"] if node["player"] in (edge["source"], edge["target"])]
        assert ([edge["kind"] for edge in edges], node["weight"]) == (["term"] * 3, edges[0]["weight"])
        assert node["player"] >= widget.explanation.n_players


def test_an_unknown_method_is_refused_with_those_there_are(widget: FixlipWidget) -> None:
    with pytest.raises(InputError, match="banzhaf, shapley"):
        widget.method = "lime"
    with pytest.raises(InputError, match="banzhaf, shapley"):
        FixlipWidget(tiny_pixels(), CAPTION, model=tiny_clip(), method="lime")
    with pytest.raises(InputError, match="offers order 2 or 3"):
        FixlipWidget(tiny_pixels(), CAPTION, model=tiny_clip(), order=1)


def test_first_order_methods_have_no_interactions_to_show(make_widget: Make) -> None:
    widget = make_widget(method="banzhaf_values")
    assert widget.wait(SECONDS)
    assert widget.graph_data["edges"] == []
    assert "no interactions" in widget.result["findings"][-1]
    np.testing.assert_array_equal(widget.explanation.interactions, 0)
