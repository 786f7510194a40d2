"""Undo and reset: what is taken back, in words, and which moves are one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixlip_widgets import FixlipWidget, InputError
from fixlip_widgets.widget.undo_history import UNDO_SETTINGS, History
from tests.examples import dog_and_hydrant
from tests.widget.conftest import CAPTION, SECONDS, Wire

Make = Callable[..., FixlipWidget]


def test_moves_of_one_slider_are_one_change():
    history = History()
    for step, p in enumerate([0.55, 0.6, 0.65, 0.7]):
        history.note("p", p - 0.05, p, 10 + 0.5 * step)
    assert history.words == "p 0.5 → 0.7"
    history.note("p", 0.7, 0.8, 20.0)
    assert history.words == "p 0.7 → 0.8"
    assert history.pop() == {"p": 0.7}
    assert history.pop() == {"p": pytest.approx(0.5)}
    assert (history.words, history.pop()) == ("", {})


def test_a_slider_that_comes_back_has_not_moved():
    history = History()
    history.note("p", 0.5, 0.6, 1.0)
    history.note("p", 0.6, 0.5, 1.5)
    assert history.words == ""


def test_different_settings_are_different_changes_unless_changed_together():
    history = History()
    history.note("budget", 2**17, 2**18, 1.0)
    history.note("text", "a dog", "a cat", 1.1)
    assert history.words == "caption “a dog” → “a cat”"
    with history.together():
        history.note("method", "banzhaf", "shapley", 2.0)
        history.note("order", 3, 2, 2.0)
    assert history.words == "method FIxLIP (weighted Banzhaf) → Shapley interactions, order 3 → 2"
    assert history.pop() == {"method": "banzhaf", "order": 3}
    history.pop()
    assert history.words == "budget 131,072 → 262,144"


def test_undo_takes_back_one_change_after_another(widget: FixlipWidget) -> None:
    widget.p = 0.7
    widget.top_k = 9
    assert widget.undoable == "edges 24 → 9"
    widget.undo()
    assert (widget.top_k, widget.p, widget.undoable) == (24, 0.7, "p 0.5 → 0.7")
    widget.undo()
    assert (widget.p, widget.undoable) == (0.5, "")
    assert widget.wait(SECONDS)
    assert widget.explanation.p == 0.5
    with pytest.raises(InputError, match="nothing to undo"):
        widget.undo()


def test_a_method_is_taken_back_with_the_order_that_it_changed(widget: FixlipWidget) -> None:
    widget.order = 3
    widget.method = "shapley_values"
    assert widget.order == 1
    widget.undo()
    assert (widget.method, widget.order) == ("banzhaf", 3)
    widget.undo()
    assert (widget.method, widget.order, widget.undoable) == ("banzhaf", 2, "")


def test_view_and_selection_are_not_undone(widget: FixlipWidget) -> None:
    widget.selection, widget.view, widget.heatmap_kind, widget.removed = (3,), "table", "text_text", (1,)
    assert widget.undoable == ""


def test_reset_gives_what_the_widget_was_made_with_and_can_be_undone(make_widget: Make) -> None:
    widget = make_widget(p=0.4, top_k=7)
    widget.p, widget.top_k, widget.text, widget.palette, widget.selection = 0.8, 30, "a red dog", "safe", (2,)
    widget.method = "random"
    widget.reset()
    assert (widget.p, widget.top_k, widget.text, widget.palette, widget.selection) == (0.4, 7, CAPTION, "house", ())
    assert (widget.method, widget.undoable) == ("banzhaf", "reset")
    assert widget.wait(SECONDS)
    assert (widget.explanation.p, widget.explanation.caption, widget.explanation.method) == (0.4, CAPTION, "banzhaf")
    widget.undo()
    assert (widget.p, widget.top_k, widget.text, widget.method) == (0.8, 30, "a red dog", "random")


def test_a_view_may_undo_and_reset(widget: FixlipWidget, wire: Wire) -> None:
    wire.set(top_k=5, palette="safe")
    assert widget.undoable == "edges 24 → 5, palette house → safe"
    wire.ask({"type": "undo"})
    assert (widget.top_k, widget.palette) == (24, "house")
    wire.ask({"type": "undo"})
    assert wire.refusals() == [("undo", "There is nothing to undo.")]
    wire.set(theme="dark")
    wire.ask({"type": "reset"})
    assert widget.theme == "auto"


def test_recorded_settings_are_traits_of_the_widget(widget: FixlipWidget) -> None:
    assert set(UNDO_SETTINGS) <= set(widget.keys)


def test_a_finished_explanations_look_can_be_undone() -> None:
    widget = FixlipWidget.from_explanation(dog_and_hydrant())
    widget.graph_kind = "all"
    widget.undo()
    assert (widget.graph_kind, widget.undoable) == ("cross", "")
    widget.close()
