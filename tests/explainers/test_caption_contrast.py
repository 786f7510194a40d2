"""Two captions of one image: ``explainer.contrast`` and the difference of two explanations of one pool."""

import copy

import numpy as np
import pytest
import torch

import fixlip_widgets as fx
from fixlip_widgets import IncrementalExplainer, InputError, VisionLanguageGame
from fixlip_widgets.explanation.comparison import subtract
from tests.golden import tiny_clip, tiny_game, tiny_pixels

B, A = "a black dog and a cat", "a cat and a black dog"


def explained(caption=A, budget=2**13, p=0.5, **options):
    explainer = IncrementalExplainer(VisionLanguageGame(tiny_clip(), tiny_pixels(), caption), **options)
    explainer.extend(p, budget)
    return explainer


def polynomial(explanation):
    return np.concatenate([[explanation.baseline], explanation.main, explanation.interactions.ravel()])


def explained_alike(explainer, caption):
    """Return the explanation of another caption from the same encoded image masks."""
    other = IncrementalExplainer(explainer.game.with_text(caption))
    other.pools.image, other.pools.held_out = explainer.pools.image, explainer.pools.held_out
    other.budget = explainer.budget
    return other.explanation(explainer.p)


@pytest.mark.parametrize(("grid", "p"), [(None, 0.5), ((3, 3), 0.3)], ids=["sampled", "enumerated"])
def test_a_contrast_is_the_difference_of_the_two_polynomials(grid, p):
    explainer = IncrementalExplainer(VisionLanguageGame(tiny_clip(), tiny_pixels(), A, grid=grid))
    explainer.extend(p, 2**16)
    assert explainer.pools.image.complete == (grid is not None)
    encodes = explainer.image_encodes
    found = explainer.contrast(B, A)
    assert explainer.image_encodes == encodes
    b, a = explained_alike(explainer, B), explained_alike(explainer, A)
    matched = subtract(b, a)
    assert (found.tokens, found.caption) == (b.tokens, f"{B} − {A}")
    np.testing.assert_allclose(polynomial(found), polynomial(matched.explanation), atol=1e-10)
    assert found.similarity == pytest.approx(b.similarity - a.similarity)
    image = np.arange(b.n_image)
    masks = np.random.default_rng(0).random((50, b.n_image)) < 0.5
    without_text = [np.hstack([masks, np.zeros((50, each.n_text), dtype=bool)]) for each in (found, b, a)]
    np.testing.assert_allclose(
        found.predict(without_text[0]), b.predict(without_text[1]) - a.predict(without_text[2]), atol=1e-10
    )
    if grid is None:
        assert (found.main_se[image] > 0).all()
    else:
        assert (found.main_se[image] == max(b.rounding, a.rounding)).all()


def test_differences_of_explanations_of_one_pool_have_paired_errors_while_their_fits_are_kept():
    explainer = explained()
    first = explainer.explanation()
    explainer.set_text(B)
    second = explainer.explanation()
    paired, kept = second - first, subtract(second, first).explanation
    np.testing.assert_array_equal(paired.interactions_se, kept.interactions_se)
    np.testing.assert_array_equal(paired.interactions_se, explainer.contrast(B, A).interactions_se)
    apart = second.replace() - first.replace()  # copies do not know their regression
    image = slice(0, first.n_image)
    upper = np.triu_indices(first.n_image, 1)
    narrow, wide = (each.interactions_se[image, image][upper] for each in (paired, apart))
    assert np.isfinite(narrow).all()
    assert np.median(narrow / wide) < 0.9
    np.testing.assert_array_equal(paired.interactions, apart.interactions)


def test_results_of_explain_know_their_regression():
    """Two calls with one seed draw the same image masks, so the errors of their difference are paired too."""
    b, a = (fx.explain(tiny_pixels(), caption, model=tiny_clip(), budget=2**13) for caption in (B, A))
    paired, apart = b - a, b.replace() - a.replace()
    upper = np.triu_indices(a.n_image, 1)
    assert np.median(paired.interactions_se[upper] / apart.interactions_se[upper]) < 0.9
    assert all(error > 0 for error in b.shares().errors.values())


def test_an_explanation_minus_itself_is_zero_without_significant_terms():
    explanation = explained().explanation()
    nothing = explanation - explanation
    assert nothing.caption == explanation.caption
    assert not np.abs(polynomial(nothing)).any()
    assert not nothing.significant.main.any()
    assert not nothing.significant.interactions.any()


def test_explanations_of_other_masks_have_independent_errors():
    first, second = explained().explanation(), explained(seed=1).explanation()
    paired, apart = second - first, second.replace() - first.replace()
    np.testing.assert_allclose(paired.interactions_se, apart.interactions_se, rtol=1e-5)
    np.testing.assert_allclose(paired.main_se, apart.main_se, rtol=1e-5)


def test_arrays_make_the_errors_of_a_contrast_upper_bounds():
    assert explained(masks="orthogonal").contrast(B, A).conservative_errors
    assert not explained(masks="random").contrast(B, A).conservative_errors


def test_the_game_of_another_caption_leaves_the_first_unchanged():
    game = tiny_game()
    tokens, changes, similarity = game.tokens, dict(game.changes), game.similarity
    other = game.with_text("a cat")
    assert other.tokens == ("a", "cat")
    assert (game.tokens, game.changes, game.similarity) == (tokens, changes, similarity)
    assert other.similarity != similarity
    assert copy.copy(other).similarity == other.similarity


@pytest.mark.parametrize("wrong", ["", 7, "word " * 200])
def test_captions_that_cannot_be_read_are_refused(wrong):
    with pytest.raises(InputError, match="caption"):
        explained().contrast(wrong, A)


def test_token_ids_are_captions_too():
    explainer = explained()
    ids = explainer.game.text_inputs[0]
    nothing = explainer.contrast(torch.as_tensor(ids), A)
    assert np.abs(nothing.main).max() == 0.0
