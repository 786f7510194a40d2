"""The widget in Python: what its traits hold, what a refinement leaves, what goes wrong and what then stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from traitlets import link

from fixlip_widgets import FixlipWidget, InputError, Model
from tests.examples import dog_and_hydrant, random_explanation
from tests.golden import tiny_clip, tiny_pixels
from tests.widget.conftest import CAPTION, SECONDS, Fault, numbers

Make = Callable[..., FixlipWidget]


def test_a_refinement_ends_with_the_explainers_own_explanation(widget: FixlipWidget) -> None:
    explanation = widget.explanation
    assert explanation is not None
    assert (widget.status, widget.error, explanation.budget, explanation.caption) == ("done", "", 2**11, CAPTION)
    again = widget._refiner.explainer.explanation(0.5)
    np.testing.assert_array_equal(explanation.interactions, again.interactions)


def test_image_and_caption_make_a_widget() -> None:
    widget = FixlipWidget(tiny_pixels(), CAPTION, model=tiny_clip(), budget=2**9, p=0.4, seed=3)
    try:
        assert widget.wait(SECONDS)
        assert (widget.explanation.p, widget.explanation.seed, widget.text) == (0.4, 3, CAPTION)
    finally:
        widget.close()


def test_the_view_can_be_painted_before_anything_is_computed(make_widget: Make) -> None:
    widget = make_widget(autorun=False)
    assert (widget.status, widget.result, widget.graph_data, widget.explanation) == ("idle", None, None, None)
    assert widget.scene["grid"] == [4, 4]
    assert widget.scene["tokens"] == CAPTION.split()
    assert widget.scene["model"] == "tiny_clip · random weights"
    assert bytes(widget.scene["image"]["data"])[:4] == b"RIFF"
    assert widget.wait(0)


def test_costs_tell_the_encodings_of_every_budget_up_to_the_cap(make_widget: Make) -> None:
    widget = make_widget(autorun=False, max_budget=2**12)
    assert [*widget.costs] == ["8", "9", "10", "11", "12"]
    assert widget.costs["12"]["text"] == widget.costs["12"]["new_text"] == 2**6
    images = [cost["image"] for cost in widget.costs.values()]
    assert images == sorted(images)


@pytest.mark.parametrize("name", ["p", "budget", "text"])
def test_a_new_setting_starts_a_refinement_only_with_autorun(make_widget: Make, name: str) -> None:
    changes: dict[str, Any] = {"p": 0.6, "budget": 2**10, "text": "a red dog"}
    widget = make_widget(autorun=False)
    setattr(widget, name, changes[name])
    assert (widget.generation, widget.status) == (0, "idle")
    widget.autorun = True
    setattr(widget, name, {"p": 0.7, "budget": 2**9, "text": "a blue dog"}[name])
    assert widget.generation == 1
    assert widget.wait(SECONDS)
    assert widget.status == "done"


def test_a_new_p_is_explained_at_that_p(widget: FixlipWidget) -> None:
    widget.p = 0.7
    assert widget.wait(SECONDS)
    assert (widget.explanation.p, widget.result["p"], widget.result["generation"]) == (0.7, 0.7, 2)


def test_a_new_caption_keeps_the_images_encodings(widget: FixlipWidget) -> None:
    before = widget.explanation.image_encodes
    widget.text = "a dog next to a bird"
    assert widget.wait(SECONDS)
    assert (widget.explanation.caption, widget.explanation.image_encodes) == (widget.text, before)


def test_a_new_caption_brings_its_own_tokens(widget: FixlipWidget) -> None:
    widget.selection = (0, 17)
    widget.text = "  a   red dog "
    assert widget.wait(SECONDS)
    assert (widget.text, widget.explanation.tokens) == ("a red dog", ("a", "red", "dog"))
    assert widget.scene["tokens"] == ["a", "red", "dog"]
    assert widget.selection == (0,), "patches stay selected, tokens of another caption do not"


def test_a_hundred_changes_of_p_end_in_the_last(widget: FixlipWidget) -> None:
    values = [round(0.1 + 0.008 * step, 3) for step in range(100)]
    for p in values:
        widget.p = p
    assert widget.wait(SECONDS)
    assert (widget.p, widget.explanation.p, widget.result["p"]) == (values[-1],) * 3
    assert (widget.result["generation"], widget.graph_data["generation"]) == (101, 101)
    assert (widget.result["partial"], widget.status) == (False, "done")


def test_results_never_go_back_to_an_older_request(make_widget: Make) -> None:
    widget = make_widget(budget=2**12)
    shown: list[int] = []
    widget.observe(lambda change: shown.append(change["new"]["generation"]), "result")
    for p in (0.3, 0.7, 0.4, 0.6):
        widget.p = p
    assert widget.wait(SECONDS)
    assert shown == sorted(shown)
    assert shown[-1] == widget.generation


def test_cancel_keeps_the_partial_result_and_tells_its_budget(make_widget: Make) -> None:
    widget = make_widget(autorun=False, budget=2**21)
    first = threading.Event()
    widget.observe(lambda _: first.set(), "result")
    widget.run()
    assert first.wait(SECONDS)
    widget.cancel()
    assert widget.status == "cancelled"
    assert widget.wait(SECONDS)
    assert widget.status == "cancelled"
    assert 0 < widget.explanation.budget < 2**21
    assert (widget.result["budget"], widget.result["partial"]) == (widget.explanation.budget, False)


def test_running_again_goes_on_from_what_was_cancelled(make_widget: Make) -> None:
    widget = make_widget(autorun=False, budget=2**21)
    first = threading.Event()
    widget.observe(lambda _: first.set(), "result")
    widget.run()
    assert first.wait(SECONDS)
    widget.cancel()
    assert widget.wait(SECONDS)
    encoded = widget.explanation.image_encodes
    widget.budget = max(widget.explanation.budget // 2, 4)
    widget.run()
    assert widget.wait(SECONDS)
    assert widget.status == "done"
    assert widget.explanation.image_encodes >= encoded


def test_wait_gives_up_after_its_time(make_widget: Make) -> None:
    widget = make_widget(budget=2**21)
    assert not widget.wait(0)
    widget.cancel()
    assert widget.wait(SECONDS)


def test_close_ends_the_worker(make_widget: Make) -> None:
    widget = make_widget(budget=2**21)
    assert widget._worker.alive
    widget.close()
    assert not widget._worker.alive
    widget.p = 0.7
    with pytest.raises(InputError, match="was closed"):
        widget.run()


def test_an_encoders_failure_is_told_and_the_last_result_stays(
    make_widget: Make, breakable: Model, fault: Fault
) -> None:
    widget = make_widget(breakable)
    assert widget.wait(SECONDS)
    good = widget.explanation
    fault.act = lambda output: output * float("nan")
    widget.p = 0.9
    assert widget.wait(SECONDS)
    assert widget.status == "error"
    assert "finite" in widget.error
    assert widget.last_traceback == "", "a failure that was foreseen needs no traceback"
    assert widget.explanation.p in (good.p, 0.9)
    assert np.isfinite(numbers(widget.result["interactions"])).all()


def _fail(_: torch.Tensor) -> torch.Tensor:
    return torch.tensor(1 % 0)


def test_an_unforeseen_failure_is_told_with_its_type_and_the_widget_survives(
    make_widget: Make, breakable: Model, fault: Fault
) -> None:
    widget = make_widget(breakable)
    assert widget.wait(SECONDS)
    fault.act = _fail
    widget.p = 0.2
    assert widget.wait(SECONDS)
    assert (widget.status, widget.error) == ("error", "ZeroDivisionError: integer modulo by zero")
    assert "Traceback" in widget.last_traceback
    fault.act = None
    widget.run()
    assert widget.wait(SECONDS)
    assert (widget.status, widget.error, widget.explanation.p) == ("done", "", 0.2)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("p", 1.0, "between 0 and 1"),
        ("p", float("nan"), "between 0 and 1"),
        ("budget", 3, "from 4"),
        ("budget", 2**40, "from 4"),
        ("text", "", "at least one word"),
        ("text", "dog " * 100, "at most"),
        ("top_k", 0, "from 1"),
        ("graph_layout", "circle", "anchored"),
        ("graph_kind", "none", "cross"),
        ("palette", "grey", "house"),
        ("theme", "blue", "light"),
        ("selection", (99,), "numbered"),
    ],
)
def test_an_invalid_setting_is_rejected_with_a_message(widget: FixlipWidget, name: str, value: Any, says: str) -> None:
    before, generation = getattr(widget, name), widget.generation
    with pytest.raises(InputError, match=says):
        setattr(widget, name, value)
    assert (getattr(widget, name), widget.generation, widget.status) == (before, generation, "done")


def test_bad_input_is_refused_when_a_widget_is_made() -> None:
    with pytest.raises(InputError, match="needs an image and a caption"):
        FixlipWidget()
    with pytest.raises(InputError, match=r"image missing\.png does not exist"):
        FixlipWidget("missing.png", CAPTION, model=tiny_clip())
    with pytest.raises(InputError, match="has no argument colour"):
        FixlipWidget(tiny_pixels(), CAPTION, model=tiny_clip(), colour="red")
    with pytest.raises(InputError, match="p, budget, method and order of a finished explanation"):
        FixlipWidget.from_explanation(dog_and_hydrant(), p=0.7)
    with pytest.raises(InputError, match="p is 2"):
        FixlipWidget(tiny_pixels(), CAPTION, model=tiny_clip(), p=2)


def test_settings_of_two_widgets_can_be_linked(make_widget: Make) -> None:
    first, second = make_widget(), make_widget()
    with_link = link((first, "p"), (second, "p"))
    first.p = 0.7
    assert first.wait(SECONDS)
    assert second.wait(SECONDS)
    with_link.unlink()
    assert (first.explanation.p, second.explanation.p) == (0.7, 0.7)


def test_the_graph_follows_its_settings_without_a_refinement(widget: FixlipWidget) -> None:
    generation = widget.generation
    widget.top_k, widget.graph_kind, widget.graph_layout = 5, "intra", "spring"
    assert widget.wait(SECONDS)
    kinds = [edge["kind"] for edge in widget.graph_data["edges"]]
    assert (len(kinds), "cross" in kinds) == (5, False)
    drawn = widget.explanation.to_networkx(top_k=5, kind="intra", layout="spring")
    assert [tuple(node["pos"]) for node in widget.graph_data["nodes"]] == [
        node["pos"] for _, node in drawn.nodes(data=True)
    ]
    assert widget.generation == generation


def test_the_shown_explanation_is_available_as_graph_and_figure(widget: FixlipWidget) -> None:
    widget.top_k, widget.graph_kind = 4, "all"
    joined = {frozenset(edge) for edge in widget.graph().edges}
    assert widget.wait(SECONDS)
    assert joined == {frozenset((edge["source"], edge["target"])) for edge in widget.graph_data["edges"]}
    np.testing.assert_array_equal(widget.figure("cross").data[0].z, widget.explanation.cross)


@pytest.mark.parametrize("ask", ["graph", "figure"])
def test_graph_and_figure_require_a_result(make_widget: Make, ask: str) -> None:
    with pytest.raises(InputError, match="no result yet"):
        getattr(make_widget(autorun=False), ask)()


def test_a_finished_explanation_is_shown_without_a_model() -> None:
    widget = FixlipWidget.from_explanation(dog_and_hydrant(), top_k=7)
    try:
        assert (widget.live, widget.status, widget.text) == (False, "done", "black dog next to a yellow hydrant")
        assert (widget.result["budget"], len(widget.graph_data["edges"])) == (2_096_976, 7)
        with pytest.raises(InputError, match="finished explanation"):
            widget.run()
    finally:
        widget.close()


def test_a_first_order_explanation_is_shown_without_edges() -> None:
    widget = FixlipWidget.from_explanation(random_explanation(order=1, interactions=np.zeros((9, 9))))
    assert widget.graph_data["edges"] == []
    widget.close()


def test_to_html_writes_what_is_shown(widget: FixlipWidget, tmp_path: Path) -> None:
    widget.to_html(tmp_path / "report.html")
    assert CAPTION in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_to_html_needs_a_result(make_widget: Make, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no result"):
        make_widget(autorun=False).to_html(tmp_path / "report.html")


def test_when_idle_it_prepares_the_sliders_range_and_yields_at_once(make_widget: Callable[..., FixlipWidget]) -> None:
    widget = make_widget(idle_share=1.0, budget=2**14)
    assert widget.wait(SECONDS)
    assert widget.status == "done"
    explainer, settled = widget._refiner.explainer, widget.explanation
    deadline = time.monotonic() + SECONDS
    while explainer.effective_image_masks(0.25) < 20 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert explainer.effective_image_masks(0.25) >= 20
    assert widget.explanation is settled, "preparing changes nothing that is shown"
    widget.p = 0.3
    assert widget.wait(SECONDS)
    assert (widget.status, widget.explanation.p) == ("done", 0.3)


def test_an_idle_share_of_zero_encodes_nothing_more(make_widget: Callable[..., FixlipWidget]) -> None:
    widget = make_widget(idle_share=0.0)
    assert widget.wait(SECONDS)
    widget._worker.close(SECONDS)
    assert widget._refiner.explainer.image_encodes == widget.explanation.image_encodes


def test_recording_during_a_refinement_uses_its_final_result(make_widget: Make) -> None:
    widget = make_widget()
    assert widget.record().explanations[0].budget == 2**11
    widget.text = "a cat"
    widget.text = "a dog"
    assert {explanation.caption for explanation in widget.record().explanations} == {"a dog"}
    widget.p = 0.7
    assert [explanation.p for explanation in widget.record(p=[0.7]).explanations] == [0.7]


def test_two_widgets_of_one_explainer_show_what_one_alone_shows(make_widget: Make) -> None:
    first = make_widget()
    second = FixlipWidget(explainer=first._refiner.explainer, p=0.3, budget=2**11, idle_share=0.0)
    try:
        assert first.wait(SECONDS)
        assert second.wait(SECONDS)
        for widget, p in ((first, 0.5), (second, 0.3)):
            alone = make_widget(p=p)
            assert alone.wait(SECONDS)
            spread = np.abs(alone.explanation.cross).max()
            assert widget.explanation.p == p
            np.testing.assert_allclose(widget.explanation.cross, alone.explanation.cross, atol=0.5 * spread)
    finally:
        second.close()


def test_a_widget_that_was_closed_shows_its_explanation_and_does_not_run(
    widget: FixlipWidget, make_widget: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    widget.close()
    widget._ipython_display_()
    assert capsys.readouterr().out.startswith(widget.text)
    busy = make_widget(budget=2**16)
    busy.close()
    assert busy.status != "running"
