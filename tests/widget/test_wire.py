"""What travels between widget and view: numbers arrive as they are, and nothing forged gets in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ipywidgets.widgets.widget import _instances, _put_buffers, _remove_buffers

from fixlip_widgets import FixlipWidget
from fixlip_widgets.pages import wire_format as wires
from fixlip_widgets.pages.js_bundle import DETAILS, PLOTLY, VIEW, built, shared_bundle
from tests.examples import dog_and_hydrant, random_explanation
from tests.golden import tiny_clip
from tests.widget.conftest import SECONDS, Wire, numbers


def test_arrays_survive_the_journey_to_the_view() -> None:
    explanation = random_explanation()
    sent = wires.result(explanation, 7, partial=False)
    plain, paths, buffers = _remove_buffers(sent)
    received = json.loads(json.dumps(plain, allow_nan=False))
    _put_buffers(received, paths, [bytes(buffer) for buffer in buffers])
    assert (received["generation"], received["grid"], received["tokens"]) == (7, [2, 3], ["a", "red", "dog"])
    for name in ("main", "main_se", "interactions", "interactions_se"):
        np.testing.assert_array_equal(numbers(received[name]), getattr(explanation, name).astype(np.float32))


def test_what_is_unknown_is_null() -> None:
    sent = wires.result(dog_and_hydrant(), 1, partial=False)
    assert sent["main_se"] is sent["interactions_se"] is sent["r2"] is sent["similarity"] is None
    graph = wires.graph(random_explanation(), 1, top_k=None)
    (unknown,) = [edge for edge in graph["edges"] if {edge["source"], edge["target"]} == {0, 1}]
    assert unknown["se"] is None
    json.dumps(graph, allow_nan=False)


def test_edges_come_strongest_first() -> None:
    edges = wires.graph(dog_and_hydrant(), 1, top_k=20)["edges"]
    sizes = [abs(edge["weight"]) for edge in edges]
    assert sizes == sorted(sizes, reverse=True)
    assert [tuple(sorted((edge["source"], edge["target"]))) for edge in edges] == [
        term.players for term in dog_and_hydrant().top(20)
    ]


def test_a_widgets_whole_state_can_be_saved(widget: FixlipWidget) -> None:
    plain, _, buffers = _remove_buffers(widget.get_state())
    json.dumps({name: value for name, value in plain.items() if name != "layout"}, allow_nan=False)
    assert len(buffers) == 6


def test_a_views_settings_are_taken(widget: FixlipWidget, wire: Wire) -> None:
    wire.set(p=0.3, budget=2**10, top_k=9, selection=[20, 3, 20], palette="safe")
    assert widget.wait(SECONDS)
    assert (widget.p, widget.budget, widget.top_k, widget.selection) == (0.3, 2**10, 9, (20, 3))
    assert (widget.explanation.p, widget.palette, wire.refusals()) == (0.3, "safe", [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("p", 0),
        ("p", "0.5"),
        ("p", None),
        ("p", {"a": 1}),
        ("budget", 2**60),
        ("budget", 100.5),
        ("budget", True),
        ("text", 5),
        ("text", "x" * 20_000),
        ("top_k", 10**9),
        ("selection", [-1]),
        ("selection", [0.5]),
        ("selection", "all"),
        ("selection", {"0": 1}),
        ("palette", ["house"]),
        ("theme", "<script>"),
        ("status", "done"),
        ("result", {"generation": 99}),
        ("generation", 99),
        ("max_budget", 2**60),
        ("_esm", "alert(1)"),
        ("autorun", False),
        ("no_such_trait", 1),
    ],
)
def test_a_forged_setting_is_refused_with_a_sentence(widget: FixlipWidget, wire: Wire, name: str, value: Any) -> None:
    before = widget.get_state()
    max_budget, autorun = widget.max_budget, widget.autorun
    wire.set(**{name: value})
    assert [refused for refused, _ in wire.refusals()] == [name]
    assert wire.refusals()[0][1].endswith((".", ")"))
    assert widget.wait(SECONDS)
    assert widget.get_state() == before
    assert (widget.max_budget, widget.autorun) == (max_budget, autorun)
    if name in widget.keys:
        assert any(name in update for update in wire.updates), "the view is told what still holds"


def test_a_good_setting_is_taken_beside_a_bad_one(widget: FixlipWidget, wire: Wire) -> None:
    wire.set(p=7, top_k=5)
    assert (widget.p, widget.top_k) == (0.5, 5)
    assert [name for name, _ in wire.refusals()] == ["p"]


@pytest.mark.parametrize("content", [None, 3, "run", [], {}, {"type": "eval"}, {"type": ["run"]}, {"kind": "run"}])
def test_a_forged_message_is_refused(widget: FixlipWidget, wire: Wire, content: Any) -> None:
    wire.ask(content)
    assert len(wire.refusals()) == 1
    assert widget.generation == 1


def test_a_view_may_run_and_cancel(widget: FixlipWidget, wire: Wire) -> None:
    wire.ask({"type": "run"})
    assert widget.generation == 2
    wire.set(budget=2**22)
    wire.ask({"type": "cancel"})
    assert widget.status == "cancelled"
    assert widget.wait(SECONDS)
    assert widget.result["budget"] < 2**22


def test_a_view_of_a_finished_explanation_can_change_how_it_is_shown_only(monkeypatch: pytest.MonkeyPatch) -> None:
    widget = FixlipWidget.from_explanation(dog_and_hydrant())
    wire = Wire(widget, monkeypatch)
    wire.set(p=0.7, selection=[50])
    wire.ask({"type": "run"})
    assert (widget.p, widget.selection) == (0.5, (50,))
    assert [name for name, _ in wire.refusals()] == ["p", "run"]
    widget.close()


def test_progress_is_told_with_its_generation(
    make_widget: Callable[..., FixlipWidget], monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = make_widget(autorun=False, budget=2**13)
    wire = Wire(widget, monkeypatch)
    widget.run()
    assert widget.wait(SECONDS)
    told = [message for message in wire.messages if message["type"] == "progress"]
    assert told
    assert {message["generation"] for message in told} == {1}
    assert all(0 < message["fraction"] <= 1 for message in told)


def test_a_result_is_sent_before_what_depends_on_it_is_computed(
    widget: FixlipWidget, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[set[str]] = []
    monkeypatch.setattr(widget._worker, "pause", lambda _: sent.append({key for each in wire.updates for key in each}))
    wire.set(p=0.6)
    assert widget.wait(SECONDS)
    (early,) = sent
    assert {"result", "graph_data", "status"} <= early
    assert "subsets" not in early
    assert any("subsets" in each for each in wire.updates)


def test_a_second_widget_adds_little_to_a_saved_notebook(widget: FixlipWidget) -> None:
    second = FixlipWidget.from_explanation(dog_and_hydrant())
    assert second.bundle is widget.bundle
    assert second.details is widget.details
    plain, _, buffers = _remove_buffers(second.get_state())
    saved = len(json.dumps(plain, default=str)) + sum(4 * len(buffer) / 3 for buffer in buffers)
    assert saved < 150_000
    second.close()


def test_the_code_has_the_same_model_in_every_kernel(widget: FixlipWidget) -> None:
    """A notebook that was run in several kernels saves one copy of it."""
    assert widget.bundle.model_id == hashlib.sha256(widget.bundle.code.encode()).hexdigest()[:32]
    assert shared_bundle(PLOTLY).model_id == hashlib.sha256(built(PLOTLY).encode()).hexdigest()[:32]


def test_plotly_is_shared_when_a_view_first_asks_for_it(widget: FixlipWidget, wire: Wire) -> None:
    shared_bundle(PLOTLY).close()
    name = widget.plotly.removeprefix("IPY_MODEL_")
    assert name not in _instances
    for _ in range(2):  # another view asks too
        wire.ask({"type": "plotly", "shares": True})
    assert wire.messages == [{"type": "plotly", "code": ""}] * 2
    assert _instances[name].get_state("code") == {"code": built(PLOTLY)}


@pytest.mark.parametrize(("name", "file"), [("bundle", VIEW), ("details", DETAILS), ("plotly", PLOTLY)])
def test_the_kernel_sends_the_code_where_models_cannot_be_shared(
    name: str, file: str, widget: FixlipWidget, wire: Wire
) -> None:
    wire.ask({"type": name, "shares": False})
    assert wire.messages == [{"type": name, "code": built(file)}]


def test_a_closed_front_end_is_replaced(widget: FixlipWidget) -> None:
    widget.bundle.close()
    another = FixlipWidget.from_explanation(dog_and_hydrant())
    assert another.bundle.comm is not None
    assert another.bundle is not widget.bundle
    another.close()


def test_a_model_is_named_with_its_weights() -> None:
    assert wires.model_label({"name": "ViT-B-32", "pretrained": "openai"}) == "ViT-B-32 · openai"
    assert wires.model_label({}) == ""
    assert tiny_clip().name in wires.model_label(tiny_clip().describe())


@pytest.mark.parametrize("state", [{"top_k": 7}, {"selection": []}, {"p": -1}])
def test_every_change_of_a_view_is_confirmed(widget: FixlipWidget, wire: Wire, state: dict[str, Any]) -> None:
    wire.set(**state)
    assert wire.messages[-1] == {"type": "received"}
