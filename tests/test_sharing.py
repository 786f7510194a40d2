"""Explainers, games and explanations that several owners use: threads, widgets, cells of a notebook."""

import copy
import threading

import numpy as np
import pytest

from fixlip_widgets import FixlipError, IncrementalExplainer
from tests.golden import tiny_game, tiny_pixels


def explained(budget=2**12, p=0.5):
    explainer = IncrementalExplainer(tiny_game())
    explainer.extend(p, budget)
    return explainer


def test_a_game_that_was_changed_on_its_own_is_noticed(tmp_path):
    game = tiny_game()
    explainer = IncrementalExplainer(game)
    explainer.extend(0.5, 2**12)
    other = IncrementalExplainer(game)
    other.set_text("a cat")
    for use in (
        explainer.explanation,
        explainer.extend,
        explainer.prepare,
        lambda: explainer.save(tmp_path / "pool.npz"),
        lambda: explainer.set_image(tiny_pixels()),
    ):
        with pytest.raises(FixlipError, match=r"another caption than this explainer .*explainer\.set_text"):
            use()
    explainer.set_text("a dog")
    assert explainer.explanation().tokens == ("a", "dog")
    game.set_image(tiny_pixels().flip(2))
    with pytest.raises(FixlipError, match="another image than this explainer"):
        explainer.explanation()


def test_two_threads_that_ask_for_the_same_encode_it_once():
    explainer = IncrementalExplainer(tiny_game(batch_size=16))
    threads = [threading.Thread(target=explainer.extend, args=(0.5, 2**14)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = explained(2**14, p=0.5)
    assert explainer.probabilities == alone.probabilities
    np.testing.assert_allclose(explainer.explanation().cross, alone.explanation().cross, atol=1e-5)
    copied = copy.deepcopy(explainer)
    copied.extend(0.5, 2**15)
    assert copied.image_encodes > explainer.image_encodes


def test_what_is_done_to_an_explanation_is_done_to_no_other():
    explainer = explained()
    first = explainer.explanation()
    first.identified["cross"] = None
    first.model["name"] = "another"
    assert explainer.explanation().identified["cross"] is not None
    assert explainer.explanation().model["name"] != "another"
