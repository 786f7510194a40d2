"""Explainers, games and explanations shared between threads, widgets and notebook cells."""

import copy
import pickle
import sys
import threading

import numpy as np
import pytest

from fixlip_widgets import FixlipError, IncrementalExplainer, VisionLanguageGame
from fixlip_widgets.evaluation.shared_game import SharedGame
from fixlip_widgets.explainers import group_errors
from fixlip_widgets.explainers.memoized_game import RememberingGame
from tests.golden import tiny_clip, tiny_game, tiny_pixels


def explained(budget=2**12, p=0.5):
    explainer = IncrementalExplainer(tiny_game())
    explainer.extend(p, budget)
    return explainer


def test_changing_the_game_directly_is_detected(tmp_path):
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


def test_two_threads_with_the_same_request_encode_it_once():
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


def test_changing_an_explanation_changes_no_other():
    explainer = explained()
    first = explainer.explanation()
    first.identified["cross"] = None
    first.model["name"] = "another"
    assert explainer.explanation().identified["cross"] is not None
    assert explainer.explanation().model["name"] != "another"


@pytest.fixture
def impatient_threads():
    """Threads that take turns after every few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("impatient_threads")
def test_explanations_during_extension_use_whole_batches():
    explainer = IncrementalExplainer(tiny_game(batch_size=4))
    explainer.extend(0.5, 2**8)
    errors, done = [], threading.Event()

    def ask():
        while not done.is_set():
            try:
                explainer.explanation(0.5, ridge=0.0, scope="cross")
                explainer.effective_image_masks(0.4)
                masks, embeddings = explainer.encoded("image")
                assert len(masks) == len(embeddings)
            except Exception as error:
                errors.append(error)
                return

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    for p in (0.5, 0.3, 0.5):
        explainer.extend(p, 2**13)
    done.set()
    for thread in asking:
        thread.join()
    assert not errors
    alone = IncrementalExplainer(tiny_game())
    for p, budget in ((0.5, 2**8), (0.5, 2**13), (0.3, 2**13), (0.5, 2**13)):
        alone.extend(p, budget)
    np.testing.assert_allclose(explainer.explanation(0.5).main, alone.explanation(0.5).main, atol=1e-4)


@pytest.mark.usefixtures("impatient_threads")
def test_every_answer_is_of_one_caption_while_another_thread_changes_it():
    explainer, captions = explained(2**10), ("a dog", "a cat on a mat")
    alone = {}
    for caption in captions:
        explainer.set_text(caption)
        alone[caption] = explainer.explanation(ridge=0.0, scope="cross")
    errors, done = [], threading.Event()

    def ask():
        while not done.is_set():
            try:
                found = explainer.explanation(ridge=0.0, scope="cross")
                np.testing.assert_allclose(found.cross, alone[found.caption].cross, atol=1e-4)
                assert found.tokens == alone[found.caption].tokens
                assert found.similarity == pytest.approx(alone[found.caption].similarity, abs=1e-4)
            except Exception as error:
                errors.append(error)
                return

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    for turn in range(30):
        explainer.set_text(captions[turn % 2])
    done.set()
    for thread in asking:
        thread.join()
    assert not errors


def test_an_explainer_with_another_caption_shares_images_and_no_answer():
    explainer = explained()
    before = explainer.explanation()
    other = explainer.with_game(RememberingGame.of(explainer))
    other.set_text("a cat on a mat")
    assert other.explanation().caption == "a cat on a mat"
    assert explainer.explanation().caption == before.caption
    np.testing.assert_array_equal(explainer.explanation().interactions, before.interactions)
    other.extend(0.5, 2**14)
    assert explainer.effective_image_masks(0.5) == other.effective_image_masks(0.5)


def test_a_waiting_thread_stops_when_cancelled():
    explainer, unwanted = explained(), threading.Event()
    answers = []

    def wait():
        with explainer.reserved(unwanted.is_set) as ours:
            answers.append(ours)

    waiting = threading.Thread(target=wait)
    with explainer.reserved():
        waiting.start()
        unwanted.set()
        waiting.join(10)
    assert answers == [False]


def test_a_caching_game_drops_embeddings_of_a_replaced_image_or_caption():
    explainer = explained()
    remembering, shared = RememberingGame.of(explainer), SharedGame(tiny_clip(), tiny_pixels(), "a dog")
    masks = np.ones((1, 16), dtype=bool), np.ones((1, 2), dtype=bool)
    for game in (remembering, shared):
        game.set_text("a dog")
        game.values(*masks)
        game.set_image(tiny_pixels().flip(2))
        game.set_text("a cat")
        fresh = VisionLanguageGame(tiny_clip(), tiny_pixels().flip(2), "a cat")
        np.testing.assert_allclose(game.values(*masks), fresh.values(*masks), atol=1e-4)


def test_a_groups_sums_use_the_fit_of_their_explanation(monkeypatch):
    explainer = explained()
    answers = [explainer.explanation(), explainer.explanation(ridge=0.0), explainer.explanation(0.4)]
    fresh = copy.deepcopy(explainer)
    fresh._fits.clear()
    expected = [fresh.group((0, 1), each) for each in answers]
    solved = []
    monkeypatch.setattr(group_errors, "regress", lambda *given, **options: solved.append(given))
    for answer, group in zip(answers, expected, strict=True):
        np.testing.assert_allclose(explainer.group((0, 1), answer).se, group.se, rtol=1e-6)
    assert not solved


def test_an_explainer_can_be_pickled():
    explainer = explained()
    copied = pickle.loads(pickle.dumps(explainer))  # noqa: S301
    np.testing.assert_allclose(copied.explanation().main, explainer.explanation().main, atol=1e-6)
