"""Standard errors of differences are those of the difference: estimates from the same masks have correlated errors."""

import numpy as np
import pytest
import torch

from fixlip_widgets.estimators.contrast import Match, contrast_errors, shares_units
from fixlip_widgets.estimators.crossmodal_regression import regress
from fixlip_widgets.estimators.standard_errors import standard_errors
from tests.estimators.test_coverage import (
    IMAGE,
    N_IMAGE,
    N_TEXT,
    SEEDS,
    TEXT,
    assert_covered,
    assert_covered_at_least,
    covered,
    encoder,
    everything,
    parts,
    real_image,
    real_text,
    sampled,
)

N = N_IMAGE + N_TEXT
SAME = Match(np.arange(N), np.arange(N))
NONE = Match(np.arange(0), np.arange(0))
OTHER = encoder(N_TEXT, 2)


def similar_text(masks):
    """Another caption whose embeddings are close to those of TEXT."""
    mixed = 0.7 * TEXT(masks) + 0.3 * OTHER(masks)
    return mixed / mixed.norm(dim=1, keepdim=True)


def pair(p, count, seed, ridge, text=None, design="random"):
    image = sampled(IMAGE, N_IMAGE, p, count, seed, 0, design)
    return [regress(image, text or everything(encode, N_TEXT, p), ridge) for encode in (TEXT, similar_text)]


def minus(b, a):
    return {name: b[name] - a[name] for name in b}


def spread_ratios(squared_errors, errors):
    """Return the root mean square of the standard errors of each block, relative to that of the true errors."""
    return {
        name: float(np.sqrt(np.nanmean([each[name] ** 2 for each in errors]) / np.nanmean(each_squared)))
        for name, each_squared in ((name, [each[name] for each in squared_errors]) for name in squared_errors[0])
    }


def repeated(fits, truth):
    """Return which intervals cover the truth, and :func:`spread_ratios` of paired and of independent errors."""
    repetitions, squared, paired, apart = [], [], [], []
    for b, a in fits:
        found = minus(parts(b.assemble()), parts(a.assemble()))
        paired.append(parts(contrast_errors(b, a, SAME)))
        of_b, of_a = parts(standard_errors(b)), parts(standard_errors(a))
        apart.append({name: np.hypot(of_b[name], of_a[name]) for name in truth})
        repetitions.append(covered(truth, found, paired[-1]))
        squared.append({name: (found[name] - truth[name]) ** 2 for name in truth})
    ratios, independent = spread_ratios(squared, paired), spread_ratios(squared, apart)
    for what, each in (("paired", ratios), ("independent", independent)):
        print(what, {name: round(value, 2) for name, value in each.items()})
    return repetitions, ratios


def assert_as_wide_as_the_spread(ratios):
    """Assert that errors are within 10 % of the true ones; the ratio of one term, the baseline, varies by 5 %."""
    chance = {"baseline": 2 / np.sqrt(2 * SEEDS)}
    assert all(abs(value - 1) <= 0.1 + chance.get(name, 0) for name, value in ratios.items()), ratios


@pytest.mark.slow
@pytest.mark.parametrize(("p", "count", "ridge"), [(0.5, 600, None), (0.5, 1200, 0.0), (0.3, 600, None)])
def test_intervals_of_a_difference_cover_the_enumerated_truth(p, count, ridge):
    image = everything(IMAGE, N_IMAGE, p)
    truth = minus(*(parts(regress(image, everything(text, N_TEXT, p)).assemble()) for text in (TEXT, similar_text)))
    fits = (pair(p, count, seed, ridge) for seed in range(SEEDS))
    repetitions, ratios = repeated(fits, truth)
    assert_covered(repetitions)
    few = ("image mains",) if p != 0.5 else ()  # extrapolations to an empty image
    assert_as_wide_as_the_spread({name: value for name, value in ratios.items() if name not in few})


@pytest.fixture(scope="module")
def captions():
    """Two captions of the packaged model's game, with every mask encoded."""
    return real_image(), [real_text(caption) for caption in ("dog above a banana", "banana above a dog")]


@pytest.mark.slow
@pytest.mark.parametrize("design", ["random", "orthogonal"])
def test_intervals_of_two_captions_of_the_packaged_model_cover_the_truth(captions, design):
    image, texts = captions
    places = 2 ** np.arange(N_IMAGE)

    def encode(masks):
        return image[torch.from_numpy(masks @ places)]

    b, a = (everything(lambda masks, text=text: text, N_TEXT, 0.5) for text in texts)
    whole = everything(encode, N_IMAGE, 0.5)
    truth = minus(parts(regress(whole, b).assemble()), parts(regress(whole, a).assemble()))
    masks = (sampled(encode, N_IMAGE, 0.5, 600, seed, 0, design) for seed in range(SEEDS))
    fits = ((regress(drawn, b, None), regress(drawn, a, None)) for drawn in masks)
    print(f"{design} masks:")
    repetitions, ratios = repeated(fits, truth)
    if design == "orthogonal":
        assert_covered_at_least(repetitions)
    else:
        assert_covered(repetitions)
        assert_as_wide_as_the_spread(ratios)


def test_a_fit_minus_itself_has_no_error_and_shared_masks_narrow_it():
    b, a = pair(0.5, 600, 0, None)
    nothing = contrast_errors(b, b, SAME)
    assert nothing.baseline == nothing.main.max() == nothing.interactions.max() == 0.0
    together = contrast_errors(b, a, SAME).interactions
    apart = np.hypot(standard_errors(b).interactions, standard_errors(a).interactions)
    cross = (slice(0, N_IMAGE), slice(N_IMAGE, N))
    assert np.median(together[cross] / apart[cross]) < 0.5


def test_without_common_players_or_masks_variances_are_those_of_independent_fits():
    b, a = pair(0.5, 600, 0, None)
    alone, of_b = contrast_errors(b, a, NONE), standard_errors(b)
    text = slice(N_IMAGE, N)
    np.testing.assert_allclose(alone.interactions[:, text], of_b.interactions[:, text], rtol=1e-5)
    np.testing.assert_allclose(alone.main, of_b.main, rtol=1e-5)
    _, other = pair(0.5, 600, 1, None)
    assert shares_units(b, a, "image")
    assert not shares_units(b, other, "image")
    apart, of_other = contrast_errors(b, other, SAME, 2.0, 3.0), standard_errors(other, 3.0)
    np.testing.assert_allclose(apart.interactions, np.hypot(2 * of_b.interactions, of_other.interactions), rtol=1e-5)
    np.testing.assert_allclose(apart.main, np.hypot(2 * of_b.main, of_other.main), rtol=1e-5)
    assert apart.baseline == pytest.approx(np.hypot(2 * of_b.baseline, of_other.baseline), rel=1e-5)


def test_reordered_players_are_matched():
    """With the players of A in another order, the errors of the difference do not change."""
    order = np.array([2, 0, 3, 1])
    b, a = pair(0.5, 600, 0, None)
    shuffled = regress(a.image, everything(lambda masks: similar_text(masks[:, np.argsort(order)]), N_TEXT, 0.5), None)
    np.testing.assert_allclose(shuffled.cross[:, np.argsort(order)], a.cross, atol=1e-9)
    match = Match(np.arange(N), np.concatenate([np.arange(N_IMAGE), N_IMAGE + np.argsort(order)]))
    np.testing.assert_allclose(
        contrast_errors(b, shuffled, match).interactions, contrast_errors(b, a, SAME).interactions, rtol=1e-5
    )


def test_sampled_captions_of_one_length_share_their_masks():
    image = everything(IMAGE, N_IMAGE, 0.5)
    b, a = (regress(image, sampled(text, N_TEXT, 0.5, 400, 3, 1), None) for text in (TEXT, similar_text))
    together = contrast_errors(b, a, SAME)
    apart = np.hypot(standard_errors(b).main, standard_errors(a).main)
    assert np.median(together.main / apart) < 0.8
    assert contrast_errors(b, b, SAME).interactions.max() == 0.0


def test_terms_without_an_error_in_either_fit_have_none_in_the_difference():
    b, a = pair(0.5, 600, 0, None)
    linear = regress(a.image, a.text, None, pairs=False)
    errors = contrast_errors(b, linear, SAME).interactions
    image, text = slice(0, N_IMAGE), slice(N_IMAGE, N)
    off = ~np.eye(N_IMAGE, dtype=bool)
    assert np.isnan(errors[image, image][off]).all()
    assert np.isfinite(errors[image, text]).all()
    few = regress(sampled(IMAGE, N_IMAGE, 0.5, 36, 0, 0), a.text, None)
    assert np.isnan(contrast_errors(few, few, SAME).interactions[image, image][off]).all()
