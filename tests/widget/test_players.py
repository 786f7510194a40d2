"""Regions and whole words as a widget's players: from its making to what a saved notebook or a page holds of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ipywidgets import Widget
from ipywidgets.widgets.widget import _remove_buffers

import fixlip_widgets as fx
from fixlip_widgets import FixlipWidget, InputError
from fixlip_widgets.drawing.player_shapes import region_places
from fixlip_widgets.pages.saved_widgets import restore
from tests.drawing.test_player_shapes import blobs, with_regions
from tests.golden import tiny_clip, tiny_game, tiny_pixels
from tests.pages.reading import Page
from tests.widget.conftest import SECONDS

LABELS = blobs(64, 64, 12)
N = int(LABELS.max()) + 1


def made(**options: object) -> FixlipWidget:
    given = {"regions": LABELS, "words": True, "budget": 2**10, "idle_share": 0.0, **options}
    widget = FixlipWidget(tiny_pixels(), "a dog's dinner", model=tiny_clip(), **given)
    assert widget.wait(SECONDS)
    return widget


@pytest.fixture
def widget():
    widget = made()
    yield widget
    widget.close()


def test_the_scene_says_where_each_region_lies(widget: FixlipWidget):
    regions, places = widget.scene["regions"], region_places(LABELS, N)
    assert regions["paths"] == list(places.outlines)
    np.testing.assert_allclose(regions["centres"], places.centres, atol=1e-4)
    assert (regions["height"], regions["width"]) == (128, 128)
    assert widget.result["regions"] is True
    assert widget.scene["tokens"] == ["a", "dog's", "dinner"]
    assert (widget.scene["words"], widget.result["words"]) == (True, True)
    assert widget.scene["image"]["width"] == 64, "the photo itself, and no sheet of cut-outs"


def test_the_graph_has_regions_at_their_middles(widget: FixlipWidget):
    middles = {node["player"]: node["pos"][0] for node in widget.graph_data["nodes"] if node["kind"] == "patch"}
    assert middles == {
        player: pytest.approx(widget.scene["regions"]["centres"][player][0], abs=1e-4) for player in middles
    }


def test_a_caption_edited_in_place_has_words_as_players_again(widget: FixlipWidget):
    encodes = widget.explanation.image_encodes
    widget.text = "a cat's dinner party"
    assert widget.wait(SECONDS)
    assert widget.explanation.tokens == ("a", "cat's", "dinner", "party")
    assert widget.explanation.n_players == N + 4
    assert widget.explanation.image_encodes == encodes
    assert len(widget.scene["regions"]["paths"]) == N


def test_the_code_names_the_players(widget: FixlipWidget):
    assert "regions=regions" in widget.code
    assert "# regions: the label map" in widget.code
    assert "words=True" in widget.code
    numbered = made(regions=None, words=False, grid=(2, 2), masking="mean")
    assert "grid=(2, 2)" in numbered.code
    assert "masking='mean'" in numbered.code
    assert "words" not in numbered.code
    numbered.close()


@pytest.mark.parametrize("options", [{"grid": (2, 2)}, {"regions": LABELS}, {"words": True}, {"masking": "blur"}])
def test_options_of_an_existing_game_are_rejected_by_name(options: dict):
    (name,) = options
    with pytest.raises(InputError, match=f"explainer already has players and masking, so {name} cannot be set"):
        FixlipWidget(explainer=fx.IncrementalExplainer(tiny_game()), **options)
    with pytest.raises(InputError, match=f"explanation already has players and masking, so {name} cannot be set"):
        FixlipWidget(explanation=with_regions(LABELS), **options)


def test_default_options_are_accepted_with_an_explanation():
    explanation = with_regions(LABELS)
    FixlipWidget(explanation=explanation, grid=None, regions=None, words=False, masking="zero").close()


def test_a_misspelt_option_is_refused_by_name():
    with pytest.raises(InputError, match=r"has no argument word; .*explainer.*masking.*model.*regions.*words"):
        FixlipWidget(tiny_pixels(), "a cat", model=tiny_clip(), word=True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"text": "another"}, "explanation has its own image, caption and model; leave out text"),
        ({"model": tiny_clip()}, "leave out model"),
        ({"explanation": "a cat"}, "explanation is a str; pass an Explanation"),
        ({"explanation": None, "explainer": "a cat"}, "explainer is a str; pass an IncrementalExplainer"),
    ],
)
def test_a_widget_has_one_subject(given: dict, message: str):
    with pytest.raises(InputError, match=message):
        FixlipWidget(**{"explanation": with_regions(LABELS), **given})


def test_a_widget_on_many_regions_adds_little_to_a_notebook():
    labels = blobs(224, 224, 120)
    widget = FixlipWidget.from_explanation(with_regions(labels, tuple("abcdefgh"), main_se=None, interactions_se=None))
    assert widget.wait(SECONDS)
    plain, _, buffers = _remove_buffers({"scene": widget.scene})
    outlines = len(json.dumps(plain)) + sum(
        4 * len(buffer) / 3 for path, buffer in zip(_, buffers, strict=True) if "labels" in path
    )
    assert outlines < 45_000
    widget.close()


def test_a_saved_notebook_draws_the_same_regions_again(widget: FixlipWidget):
    state = Widget.get_manager_state(widgets=[widget])["state"][widget.model_id]
    restored = restore({widget.model_id: json.loads(json.dumps(state, default=str))}).widgets[widget.model_id]
    assert restored.explanation.names == widget.explanation.names
    assert restored.explanation.text_word == ("word", "words")
    assert restored.saved["words"] is True
    assert restored.saved["regions"]["paths"] == widget.scene["regions"]["paths"]
    drawn = restored.explanation.to_svg("overlay", limit=1e-6)
    assert all(f'd="{path}"' in drawn for path in widget.scene["regions"]["paths"])


def test_a_live_page_has_regions_and_masking_and_other_captions(tmp_path: Path):
    widget = made(masking="blur")
    widget.to_html(tmp_path / "page.html", text=["a cat's dinner"], p=[0.4], progress=False)
    (saved,) = Page((tmp_path / "page.html").read_text("utf-8")).json("saved")
    assert saved["regions"]["paths"] == widget.scene["regions"]["paths"]
    assert "labels" not in saved["regions"]
    assert saved["words"] is True
    assert (saved["masking"]["name"], saved["masking"]["blank"]["mime"]) == ("blur", "image/webp")
    assert [caption["tokens"] for caption in saved["captions"]][1] == ["a", "cat's", "dinner"]
    anchored = np.array(saved["captions"][0]["anchored"])[:N, 0]
    np.testing.assert_allclose(anchored, np.array(saved["regions"]["centres"])[:, 0], atol=1e-4)
    widget.close()


def test_an_explanation_of_other_regions_is_not_pinned(widget: FixlipWidget):
    with pytest.raises(InputError, match="regions"):
        widget.pin(widget.explanation.replace(regions=np.roll(widget.explanation.regions, 9, axis=1)))
    widget.pin()
    assert widget.difference is not None


def test_players_may_be_named(widget: FixlipWidget):
    widget.selection = ["dinner", "region 2"]
    assert widget.selection == (N + 2, 1)
    widget.removed = ("dog's",)
    assert widget.removed == (N + 1,)
    with pytest.raises(InputError, match="'cat' is not a player"):
        widget.selection = ("cat",)
    assert widget.selection == (N + 2, 1)


def test_a_widget_says_in_a_line_what_it_explains(widget: FixlipWidget):
    assert repr(widget) == '<FixlipWidget of "a dog\'s dinner": done, p=0.5, budget=1,024>'
