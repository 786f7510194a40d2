"""``compare_with``: another caption explained from the same masks, pinned as A, and subtracted."""

from __future__ import annotations

import base64
from collections.abc import Callable

import numpy as np
import pytest

import fixlip_widgets as fx
from fixlip_widgets import FixlipWidget, InputError
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.pages import Recording
from fixlip_widgets.pages.saved_page import saved
from tests.golden import tiny_clip, tiny_pixels
from tests.widget.conftest import SECONDS, Wire, numbers

Make = Callable[..., FixlipWidget]
OTHER = "a cat next to a big dog"


def compared(widget: FixlipWidget, caption: str = OTHER) -> Explanation:
    widget.compare_with = caption
    assert widget.wait(SECONDS)
    assert widget.error == ""
    return widget.shown_explanation()


def test_the_difference_is_that_of_the_explainer_and_needs_no_image(widget: FixlipWidget) -> None:
    explainer = widget.resting_explainer()
    assert explainer is not None
    images = explainer.image_encodes
    shown = compared(widget)
    assert explainer.image_encodes == images
    assert (widget.shown, widget.pinned["result"]["caption"]) == ("difference", OTHER)
    expected = explainer.contrast(widget.text, OTHER)
    np.testing.assert_allclose(shown.interactions, expected.interactions, atol=1e-10)
    np.testing.assert_allclose(shown.main_se, expected.main_se, rtol=1e-6)


def test_words_of_the_difference_name_their_partners(widget: FixlipWidget) -> None:
    compared(widget, "a dog next to a bird")
    assert widget.difference["partners"] == [0, 1, 2, 3, 4, None]
    assert widget.difference["unmatched"] == [21]


def test_the_other_caption_follows_p_with_paired_errors(widget: FixlipWidget) -> None:
    compared(widget)
    widget.p = 0.7
    assert widget.wait(SECONDS)
    explainer = widget.resting_explainer()
    assert explainer is not None
    assert (widget.pinned["result"]["p"], widget.shown) == (0.7, "difference")
    expected = explainer.contrast(widget.text, OTHER, 0.7)
    np.testing.assert_allclose(
        numbers(widget.difference["result"]["interactions_se"]), expected.interactions_se, rtol=1e-5
    )


def test_the_code_of_the_difference_computes_it_again(make_widget: Make) -> None:
    for order, other in ((2, "explainer.contrast("), (3, "order=3")):
        widget = make_widget(order=order, compare_with=OTHER)
        assert widget.wait(SECONDS)
        code = widget.difference["result"]["code"]
        assert other in code
        defined = {"model": tiny_clip(), "image": tiny_pixels(), "fx": fx}
        exec(code, defined)
        again = defined["difference"]
        shown = widget.shown_explanation()  # from batches of another size, hence the tolerance
        np.testing.assert_allclose(again.interactions, shown.interactions, atol=1e-4)
        np.testing.assert_allclose(again.main, shown.main, atol=1e-4)


@pytest.mark.parametrize(("caption", "why"), [("", "empty"), ("word " * 200, "tokens"), (7, "string")])
def test_captions_that_cannot_be_read_are_refused_and_nothing_changes(
    widget: FixlipWidget, wire: Wire, caption: object, why: str
) -> None:
    wire.set(compare_with=caption)
    [(name, sentence)] = wire.refusals()
    assert name == "compare_with"
    assert why in sentence
    assert (widget.compare_with, widget.pinned, widget.shown) == (None, None, "current")


def test_other_methods_cannot_reuse_the_masks(make_widget: Make) -> None:
    widget = make_widget(method="game_attention")
    with pytest.raises(InputError, match="keeps no encoded masks"):
        widget.compare_with = OTHER


def test_a_finished_explanation_cannot_explain_another_caption(widget: FixlipWidget) -> None:
    finished = FixlipWidget.from_explanation(widget.explanation)
    with pytest.raises(InputError, match="without a model"):
        finished.compare_with = OTHER
    finished.close()


def test_comparing_ends_by_unpinning_by_none_and_by_another_pin(widget: FixlipWidget) -> None:
    compared(widget)
    widget.unpin()
    assert (widget.compare_with, widget.pinned, widget.shown) == (None, None, "current")
    compared(widget)
    widget.compare_with = None
    assert (widget.pinned, widget.difference, widget.shown) == (None, None, "current")
    compared(widget)
    widget.pin()
    assert (widget.compare_with, widget.pinned["result"]["caption"]) == (None, widget.text)


def test_a_page_has_the_paired_errors_of_its_captions(make_widget: Make) -> None:
    widget = make_widget(budget=2**14)
    assert widget.wait(SECONDS)
    recording = widget.record(p=[0.5, 0.4], text=["a cat next to a dog"], progress=False)
    found = saved(recording)["differences"]
    b, other_p, a, _ = recording.explanations
    assert [(each["b"], each["a"]) for each in found] == [(0, 2), (1, 3), (2, 0), (3, 1)]
    for recorded, paired in ((found[0], b - a), (found[2], a - b)):
        errors = np.frombuffer(base64.b64decode(recorded["main_se"]["data"]), dtype="<f2")
        np.testing.assert_allclose(errors, paired.main_se, rtol=2e-3)
        assert "differences of interactions" in recorded["finding"]
    above, image = np.triu_indices(b.n_players, 1), np.triu_indices(b.n_image, 1)
    pairs = np.full((b.n_players, b.n_players), np.nan)
    pairs[above] = np.frombuffer(base64.b64decode(found[0]["interactions_se"]["data"]), dtype="<f2")
    apart = np.hypot(np.asarray(b.interactions_se)[image], np.asarray(a.interactions_se)[image])
    assert np.median(pairs[image] / apart) < 0.9
    between = (other_p - b).main_se
    assert between is not None
    assert (between <= 1.001 * (np.asarray(b.main_se) + np.asarray(other_p.main_se))).all()
    copies = Recording(tuple(each.replace() for each in recording.explanations))
    assert saved(copies)["differences"] == []
