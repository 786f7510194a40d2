"""The playground: the model's own value of a masked pair beside the prediction, computed once and off the handler."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

import fixlip_widgets as fx
from fixlip_widgets import FixlipWidget, InputError, Model
from fixlip_widgets.encoders.towers import MASKINGS
from fixlip_widgets.pages.provenance import provenance
from fixlip_widgets.pages.wire_format import image
from fixlip_widgets.widget.playground import PICTURE_SIDE
from tests.examples import dog_and_hydrant
from tests.golden import tiny_game
from tests.widget.conftest import SECONDS, Fault, Wire

Make = Callable[..., FixlipWidget]


def without(n: int, removed: tuple[int, ...]) -> np.ndarray:
    mask = np.ones((1, n), dtype=bool)
    mask[0, list(removed)] = False
    return mask


def test_the_models_value_stands_beside_the_prediction(widget: FixlipWidget) -> None:
    widget.removed = (3, 5, 17)
    assert widget.wait(SECONDS)
    mask = without(22, (3, 5, 17))
    played = widget.played
    assert played["value"] == pytest.approx(float(widget._refiner.explainer.game.value(mask)[0]))
    assert played["prediction"] == pytest.approx(float(widget.explanation.predict(mask)[0]))
    assert (played["removed"], played["why"], played["generation"]) == ([3, 5, 17], "", widget.generation)


def test_with_nothing_hidden_it_is_the_pair_itself(widget: FixlipWidget) -> None:
    assert widget.played["removed"] == []
    assert widget.played["value"] == widget.explanation.similarity
    assert widget.played["value"] - widget.played["prediction"] == pytest.approx(widget.explanation.residual)


def test_a_masked_pair_is_encoded_once(make_widget: Make, breakable: Model) -> None:
    runs: list[int] = []
    breakable.clip.visual.transformer.resblocks[0].register_forward_pre_hook(lambda *_: runs.append(1))
    widget = make_widget(breakable)
    assert widget.wait(SECONDS)
    runs.clear()
    for removed in ((3, 17), (17, 3), (), (3, 17)):
        widget.removed = removed
        assert widget.wait(SECONDS)
    assert runs == [1]
    widget.text = "a dog next to a bird"
    assert widget.wait(SECONDS)
    assert widget.removed == (3,), "patches stay hidden, tokens of another caption do not"
    assert widget.played["removed"] == [3]
    assert len(runs) >= 2


def test_the_prediction_follows_the_explanation_and_the_value_stays(widget: FixlipWidget) -> None:
    widget.removed = (0, 1)
    assert widget.wait(SECONDS)
    before = widget.played
    widget.p = 0.8
    assert widget.wait(SECONDS)
    assert (widget.played["value"], widget.played["generation"]) == (before["value"], 2)
    assert widget.played["prediction"] != before["prediction"]
    expected = float(widget.explanation.predict(without(22, (0, 1)))[0])
    assert widget.played["prediction"] == pytest.approx(expected)


def test_it_plays_while_a_refinement_goes_on(make_widget: Make) -> None:
    widget = make_widget(budget=2**22)
    told: list[dict] = []
    widget.observe(lambda change: told.append(change["new"]), "played")
    widget.removed = (2,)
    while not any(played["value"] is not None and played["removed"] == [2] for played in told):
        assert not widget.wait(0.01), "the refinement is not done yet"
    assert widget.status == "running"
    widget.cancel()
    assert widget.wait(SECONDS)


def test_numbers_that_are_no_logits_predict_no_value(widget: FixlipWidget) -> None:
    widget.method = "game_attention"
    assert widget.wait(SECONDS)
    widget.removed = (0, 3)
    assert widget.wait(SECONDS)
    assert widget.played["value"] is not None
    assert widget.played["prediction"] is None
    assert (widget.result["in_logits"], widget.result["residual"]) == (False, None)


def test_without_a_model_it_says_why_there_is_no_value() -> None:
    widget = FixlipWidget.from_explanation(dog_and_hydrant())
    widget.removed = (50,)
    assert widget.wait(SECONDS)
    assert widget.played["value"] is None
    assert "without a model" in widget.played["why"]
    expected = float(dog_and_hydrant().predict(without(57, (50,)))[0])
    assert widget.played["prediction"] == pytest.approx(expected)
    widget.close()


def test_the_value_of_another_widgets_caption_is_not_shown(widget: FixlipWidget) -> None:
    other = FixlipWidget(explainer=widget.resting_explainer(), budget=2**8, idle_share=0)
    other.text = "a cat"
    assert other.wait(SECONDS)
    widget.removed = (3,)
    assert widget.wait(SECONDS)
    assert (widget.played["value"], widget.played["prediction"]) == (None, None)
    assert "changed the caption" in widget.played["why"]
    widget.run()
    assert widget.wait(SECONDS)
    game = widget.resting_explainer().game
    assert widget.played["value"] == pytest.approx(float(game.value(without(game.n_players, (3,)))[0]))
    assert game.caption == widget.text
    other.close()


def test_an_unknown_player_index_is_rejected(widget: FixlipWidget, wire: Wire) -> None:
    wire.set(removed=[22])
    assert ([name for name, _ in wire.refusals()], widget.removed) == (["removed"], ())
    with pytest.raises(InputError, match="numbered 0 to 21"):
        widget.removed = (-1,)


def test_a_failure_of_the_model_is_told(make_widget: Make, breakable: Model, fault: Fault) -> None:
    widget = make_widget(breakable)
    assert widget.wait(SECONDS)
    fault.act = lambda output: output * float("nan")
    widget.removed = (4,)
    assert widget.wait(SECONDS)
    assert widget.error.startswith("The model's value cannot be computed: ")
    assert (widget.status, widget.played["value"]) == ("done", None)


def shown(picture: dict) -> np.ndarray:
    """The pixels of a picture as the view gets it."""
    with Image.open(io.BytesIO(picture["data"])) as opened:
        assert (picture["mime"], picture["width"], picture["height"]) == ("image/webp", *opened.size)
        return np.asarray(opened.convert("RGB")).astype(float)


@pytest.mark.parametrize("masking", MASKINGS)
def test_the_playground_shows_the_picture_as_the_encoder_sees_it(masking: str) -> None:
    scene = fx.demo.scene("dog_and_banana")
    widget = FixlipWidget(scene.image, scene.caption, masking=masking, budget=2**9, idle_share=0)
    widget.removed = (3, 20, 21, 65)
    assert widget.wait(SECONDS)
    game = widget._refiner.explainer.game
    expected = game.masked_picture(without(game.n_image, (3, 20, 21))[0])
    assert np.abs(shown(widget.played["picture"]) - expected).mean() < 6  # compressed
    told = widget.scene["masking"]
    assert (told["name"], told["says"].lower()) == (masking, MASKINGS[masking].lower() + ".")
    assert np.abs(shown(told["blank"]) - Image.fromarray(game.blank).resize((112, 112))).mean() < 6
    assert ("masking", f"{masking}: {MASKINGS[masking]}") in provenance(widget.explanation)
    assert (masking == "zero") == ("masking=" not in widget.code)
    widget.close()


def test_no_picture_is_sent_where_no_patch_is_hidden(widget: FixlipWidget) -> None:
    widget.removed = (17, 18)
    assert widget.wait(SECONDS)
    assert widget.played["picture"] is None


def test_a_masked_picture_is_small_however_large_the_encoders_pictures_are() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    sent = image(noise, most=PICTURE_SIDE, quality=82)
    assert (sent["width"], sent["height"]) == (224, 168)
    assert len(sent["data"]) < 40_000


@pytest.mark.parametrize("masking", MASKINGS)
def test_the_blank_picture_equals_the_encoders_view_of_removed_patches(masking: str) -> None:
    game = tiny_game(masking=masking)
    mask = np.arange(game.n_image) % 3 > 0
    kept = mask[game.labels.numpy()][:, :, None]
    np.testing.assert_array_equal(
        np.where(kept, game.masked_picture(np.ones(game.n_image)), game.blank), game.masked_picture(mask)
    )


def test_an_explanation_without_masking_reports_none() -> None:
    widget = FixlipWidget.from_explanation(dog_and_hydrant())
    assert widget.scene["masking"] is None
    assert "masking" not in dict(provenance(dog_and_hydrant()))
    widget.close()
