"""Traits as others use them: observed, linked, flooded by a slider, saved in a notebook, told as code."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pytest
from ipywidgets.widgets.widget import _remove_buffers
from traitlets import link

import fixlip_widgets as fx
from fixlip_widgets import FixlipWidget
from fixlip_widgets.pages.provenance import Source, reproduction
from fixlip_widgets.pages.traits import SETTINGS, WidgetTraits
from tests.examples import dog_and_hydrant
from tests.golden import tiny_clip, tiny_pixels
from tests.widget.conftest import SECONDS, Wire

Make = Callable[..., FixlipWidget]
ANOTHER: dict[str, Any] = {
    "p": 0.7,
    "budget": 2**10,
    "text": "a red dog",
    "method": "random",
    "order": 3,
    "selection": (1, 2),
    "removed": (3,),
    "top_k": 7,
    "graph_layout": "spring",
    "graph_kind": "all",
    "graph_sign": "negative",
    "subset_size": 4,
    "subset_sign": "negative",
    "view": "table",
    "heatmap_kind": "text_text",
    "shown": "pinned",
    "palette": "safe",
    "theme": "dark",
    "level": "all",
    "stop_at": 0.5,
    "compare_with": "a cat",
}
OF_CLASSES = {"classes", "chosen"}
"""Settings of widgets of classes; tests/widget/test_classes.py sets them."""


def test_there_is_another_value_for_every_setting() -> None:
    assert set(ANOTHER) == SETTINGS - OF_CLASSES


@pytest.mark.parametrize("name", ANOTHER)
def test_every_setting_can_be_observed_and_linked(make_widget: Make, name: str) -> None:
    first, second = make_widget(autorun=False), make_widget()
    assert second.wait(SECONDS)
    for widget in (first, second):
        widget.pin(second.explanation)
    seen: list[Any] = []
    second.observe(lambda change: seen.append(change["new"]), name)
    linked = link((first, name), (second, name))
    setattr(first, name, ANOTHER[name])
    assert second.wait(SECONDS)
    linked.unlink()
    assert (getattr(second, name), seen) == (ANOTHER[name], [ANOTHER[name]])
    assert (second.status, second.error) == ("done", "")


def test_settings_and_answers_can_be_linked_in_the_browser(widget: FixlipWidget) -> None:
    for name in set(WidgetTraits.class_trait_names()) - {"idle_share"}:
        assert widget.trait_metadata(name, "sync"), f"{name} is a trait of the view's model"
    slider = ipywidgets.FloatSlider(min=0.1, max=0.9)
    joined = ipywidgets.jslink((slider, "value"), (widget, "p"))
    assert [trait for _, trait in (joined.source, joined.target)] == ["value", "p"]


def test_a_hundred_moves_of_the_views_slider_end_in_the_last(widget: FixlipWidget, wire: Wire) -> None:
    for step in range(100):
        wire.set(p=round(0.1 + 0.008 * step, 3))
    assert widget.wait(SECONDS)
    assert (widget.p, widget.explanation.p, widget.result["p"], widget.examples["p"]) == (0.892,) * 4
    assert (widget.status, widget.result["partial"], widget.error) == ("done", False, "")
    assert widget.result["generation"] == widget.graph_data["generation"] == widget.generation
    assert wire.refusals() == []
    told = [update["p"] for update in wire.updates if "p" in update]
    assert not told or told[-1] == 0.892, "the view is told no older value after a newer one"
    assert widget.undoable == "p 0.5 → 0.892"


def test_settings_may_come_from_two_threads(widget: FixlipWidget) -> None:
    def move(values: list[float]) -> None:
        for p in values:
            widget.p = p

    threads = [threading.Thread(target=move, args=([0.2, 0.3, 0.4] * 5,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert widget.wait(SECONDS)
    assert (widget.result["p"], widget.result["generation"]) == (widget.p, widget.generation)


def test_two_widgets_of_one_explainer_each_show_their_own_caption(make_widget: Make) -> None:
    first = make_widget(autorun=False)
    explainer = first._refiner.explainer
    second = FixlipWidget(explainer=explainer, budget=2**11, idle_share=0.0, autorun=False)
    try:
        first.autorun = second.autorun = True
        for p, text in ((0.5, "a red dog"), (0.4, "a dog"), (0.6, "a red dog")):
            first.p, second.text = p, text
            first.budget, second.p = 2**12, p
        assert first.wait(SECONDS)
        assert second.wait(SECONDS)
        for widget in (first, second):
            assert (widget.status, widget.explanation.caption) == ("done", widget.text)
            assert widget.explanation.p == widget.p == 0.6
            game = fx.VisionLanguageGame(tiny_clip(), tiny_pixels(), widget.text)
            assert widget.explanation.tokens == game.tokens
            assert widget.explanation.similarity == pytest.approx(game.similarity, abs=1e-4)
    finally:
        second.close()


def test_a_widget_that_waits_for_another_can_be_cancelled(make_widget: Make) -> None:
    widget = make_widget(autorun=False)
    with widget._refiner.explainer.reserved():
        widget.run()
        widget.cancel()
        assert widget.wait(SECONDS)
    assert widget.status == "cancelled"
    widget.run()
    assert widget.wait(SECONDS)
    assert widget.status == "done"


def test_what_one_widget_adds_to_a_notebook_stays_small(make_widget: Make) -> None:
    widget = FixlipWidget.from_explanation(
        dog_and_hydrant().replace(main_se=np.ones(57), interactions_se=np.ones((57, 57)))
    )
    assert widget.wait(SECONDS)
    widget.selection, widget.removed = (1, 50), (2,)
    assert widget.wait(SECONDS)
    state = {name: value for name, value in widget.get_state().items() if name != "layout"}
    plain, _, buffers = _remove_buffers(state)
    assert len(json.dumps(plain, default=str)) + sum(4 * len(buffer) / 3 for buffer in buffers) < 150_000
    widget.close()


def test_provenance_tells_what_was_explained_with_what(widget: FixlipWidget) -> None:
    rows = dict(widget.result["provenance"])
    assert rows["model"] == "tiny_clip · random weights"
    assert rows["weights"] == tiny_clip().weights_hash
    assert (rows["seed"], rows["p"], rows["budget"]) == ("0", "0.5", "2,048 evaluations")
    assert rows["encodings"] == f"{widget.explanation.image_encodes:,} image, 64 text"
    assert rows["tokenizer"]
    assert [rows[name] for name in ("fixlip_widgets",)] == [fx.__version__]
    assert {"torch", "open_clip"} <= set(rows)


def run(code: str, **names: Any) -> fx.Explanation:
    exec(compile(code, "copied", "exec"), names)
    return names["explanation"]


@pytest.mark.filterwarnings("ignore::fixlip_widgets.FixlipWarning")  # the budget is small
@pytest.mark.parametrize("settings", [{}, {"method": "random"}, {"method": "shapley_values"}, {"order": 3}])
def test_the_copied_code_gives_what_is_shown(settings: dict[str, Any]) -> None:
    scene = fx.demo.scene("guitar")
    widget = FixlipWidget(scene.image, scene.caption, grid=(3, 3), budget=2**9, seed=3, idle_share=0.0, **settings)
    assert widget.wait(SECONDS)
    assert "fx.demo.scene('guitar').image" in widget.code
    again = run(widget.code)
    np.testing.assert_allclose(again.interactions, widget.explanation.interactions, atol=1e-6)
    np.testing.assert_allclose(again.main, widget.explanation.main, atol=1e-6)
    assert (again.method, again.order, again.seed) == (widget.explanation.method, widget.explanation.order, 3)
    widget.close()


def test_the_copied_code_reads_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "a picture's file.png"
    fx.demo.scene("octopus").image.rotate(90).save(path)
    widget = FixlipWidget(str(path), "an “octopus” isn't\\a tiger", grid=(2, 2), budget=2**12, idle_share=0.0)
    assert widget.wait(SECONDS)
    again = run(widget.code)
    np.testing.assert_allclose(again.interactions, widget.explanation.interactions, atol=1e-6)
    assert again.caption == widget.text
    widget.close()


def test_the_code_names_an_image_that_exists_only_in_memory(widget: FixlipWidget) -> None:
    lines = widget.code.splitlines()
    assert "# image: the image passed to the widget" in lines
    assert any(line.startswith("# model: ") for line in lines)
    game = widget._refiner.explainer.game
    again = run(widget.code, image=game.pixels, model=game.model)
    # batches of other sizes round differently
    np.testing.assert_allclose(again.interactions, widget.explanation.interactions, atol=1e-5)


def test_code_says_when_other_encodings_took_part(widget: FixlipWidget) -> None:
    assert "were reused" not in widget.code
    widget.p = 0.6
    assert widget.wait(SECONDS)
    assert "# encodings of earlier settings were reused" in widget.code


def test_captions_cannot_break_out_of_the_code() -> None:
    caption = "'\"\"\"); __import__('os').system('x') #\n\\"
    code = reproduction(dog_and_hydrant().replace(caption=caption), Source("image", "model"))
    (call,) = [node for node in __import__("ast").walk(__import__("ast").parse(code)) if hasattr(node, "keywords")]
    assert call.args[1].value == caption
