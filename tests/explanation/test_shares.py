"""Shares of variance: exact on enumerated games, with errors that cover, and adding up to R²."""

import numpy as np
import pytest
import torch

import fixlip_widgets as fx
from fixlip_widgets import IncrementalExplainer, InputError, VisionLanguageGame
from fixlip_widgets.estimators.crossmodal_regression import regress
from fixlip_widgets.estimators.masks import enumerate_masks, enumeration_weights
from fixlip_widgets.estimators.standard_errors import standard_errors
from fixlip_widgets.estimators.third_order import ThirdOrderFit, regress_third
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.explanation.kept_fits import keep_fit
from fixlip_widgets.explanation.triples import Triples
from tests.estimators.test_coverage import (
    IMAGE,
    N_IMAGE,
    N_TEXT,
    SEEDS,
    TEXT,
    UNEVEN,
    assert_covered,
    covered,
    everything,
    sampled,
)
from tests.examples import random_explanation
from tests.golden import tiny_clip, tiny_game, tiny_pixels


def projections(values, masks, p, n_image, order):
    """Return the shares of variance by explicit projections on the p-biased Fourier basis, from all masks."""
    weights = enumeration_weights(masks, p)
    basis = (masks - p) / np.sqrt(p * (1 - p))
    variance = weights @ (values - weights @ values) ** 2
    shares = dict.fromkeys(["image", "text", "image_image", "text_text", "cross", "third"], 0.0)
    n = masks.shape[1]
    for i in range(n):
        shares["image" if i < n_image else "text"] += (weights @ (values * basis[:, i])) ** 2 / variance
        for j in range(i):
            kind = "image_image" if i < n_image else "text_text" if j >= n_image else "cross"
            shares[kind] += (weights @ (values * basis[:, i] * basis[:, j])) ** 2 / variance
            for k in range(j):
                if k < n_image <= i:
                    shares["third"] += (weights @ (values * basis[:, i] * basis[:, j] * basis[:, k])) ** 2 / variance
    return shares if order == 3 else {kind: share for kind, share in shares.items() if kind != "third"}


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("p", [0.5, 0.3])
def test_shares_of_an_enumerated_game_are_those_of_the_game(p, order):
    game = VisionLanguageGame(tiny_clip(), tiny_pixels(), "a black dog", grid=(3, 3))
    explainer = IncrementalExplainer(game)
    explainer.extend(p, 2**16)
    assert explainer.pools.image.complete
    explanation = explainer.explanation(order=order)
    image, text = explainer.pools.image.modality(p), explainer.pools.text.modality(p)
    values = (game.scale * image.embeddings.double() @ text.embeddings.double().T + game.bias).T.numpy().ravel()
    masks = enumerate_masks(9 + 3)  # the lowest bits are those of the image
    direct = projections(values, masks, p, 9, order)
    if order == 3:
        # R² is not computed for order 3, so the shares add up to 1
        direct = {kind: share / sum(direct.values()) for kind, share in direct.items()}
    found = explanation.shares()
    assert found.values == pytest.approx(direct, abs=1e-10)
    assert sum(found.values.values()) == pytest.approx(found.explained)
    weights = enumeration_weights(masks, p)
    predicted = explanation.predict(masks)
    assert found.variance == pytest.approx(weights @ (predicted - weights @ predicted) ** 2, rel=1e-9)
    assert set(found.errors.values()) == {0.0}
    if order == 2:
        assert found.explained == pytest.approx(explanation.r2_in_sample)


def as_explanation(fit, p):
    triples = None
    if isinstance(fit, ThirdOrderFit):
        values, *blocks = fit.assemble()
        second = standard_errors(regress(fit.image, fit.text, None if values.ridge else 0.0))
        errors, *block_errors = fit.standard_errors()
        triples = Triples(*blocks, *block_errors, second.interactions)
    else:
        values, errors = fit.assemble(), standard_errors(fit)
    explanation = Explanation(
        baseline=values.baseline,
        main=values.main,
        interactions=values.interactions,
        interactions_se=errors.interactions,
        tokens=("a", "b", "c", "d"),
        grid=(3, 4),
        p=p,
        ridge=values.ridge,
        order=2 if triples is None else 3,
        triples=triples,
    )
    keep_fit(explanation, fit, 1.0)
    return explanation


@pytest.mark.slow
@pytest.mark.parametrize(
    ("p", "image", "count", "ridge"),
    [(0.5, IMAGE, 300, None), (0.5, IMAGE, 600, None), (0.5, IMAGE, 1200, 0.0), (0.3, UNEVEN, 1200, None)],
)
def test_intervals_cover_the_true_shares(p, image, count, ridge):
    text = everything(TEXT, N_TEXT, p)
    truth = as_explanation(regress(everything(image, N_IMAGE, p), text), p).shares().values
    repetitions = []
    for seed in range(SEEDS):
        found = as_explanation(regress(sampled(image, N_IMAGE, p, count, seed, 0), text, ridge), p).shares()
        repetitions.append(covered(truth, found.values, found.errors))
    assert_covered(repetitions, most_of_all=0.985, lowest=0.88, most=1.0)


@pytest.mark.slow
def test_sampled_captions_add_to_the_errors():
    p = 0.4
    image = everything(IMAGE, N_IMAGE, p)
    truth = as_explanation(regress(image, everything(TEXT, N_TEXT, p)), p).shares().values
    repetitions = []
    for seed in range(SEEDS):
        found = as_explanation(regress(image, sampled(TEXT, N_TEXT, p, 800, seed, 1), 0.0), p).shares()
        repetitions.append(covered(truth, found.values, found.errors))
    assert_covered(repetitions, most_of_all=0.985, lowest=0.88, most=1.0)


def assert_as_wide_as_the_spread(found, errors, skip=()):
    """Assert that root mean square standard errors are within a fifth of the true spread of the shares."""
    ratios = {}
    for kind in found[0]:
        spread = np.std([each[kind] for each in found])
        ratios[kind] = float(np.sqrt(np.mean([each[kind] ** 2 for each in errors])) / spread)
    print({kind: round(ratio, 2) for kind, ratio in ratios.items()})
    assert all(0.8 <= ratio <= 1.25 for ratio in ratios.values()), ratios


@pytest.mark.slow
@pytest.mark.parametrize(
    ("p", "image", "count", "ridge"),
    [(0.5, IMAGE, 800, None), (0.5, IMAGE, 800, 0.0), (0.3, UNEVEN, 1200, None), (0.3, IMAGE, 1200, 0.0)],
)
def test_intervals_cover_the_true_shares_of_third_order(p, image, count, ridge):
    text = everything(TEXT, N_TEXT, p)
    truth = as_explanation(regress_third(everything(image, N_IMAGE, p), text), p).shares().values
    repetitions, shares, errors = [], [], []
    for seed in range(SEEDS):
        found = as_explanation(regress_third(sampled(image, N_IMAGE, p, count, seed, 0), text, ridge), p).shares()
        repetitions.append(covered(truth, found.values, found.errors))
        shares.append(found.values)
        errors.append(found.errors)
    assert_as_wide_as_the_spread(shares, errors)
    assert_covered(repetitions, most_of_all=0.985, lowest=0.88, most=1.0)


def explained():
    explainer = IncrementalExplainer(tiny_game())
    explainer.extend(0.5, 2**14)
    return explainer.explanation()


def test_shares_add_up_to_the_held_out_r2_and_to_one_if_it_is_unknown():
    explanation = explained()
    found = explanation.shares()
    assert sum(found.values.values()) == pytest.approx(found.explained) == pytest.approx(explanation.r2)
    assert all(error > 0 for error in found.errors.values())
    difference = (explanation - explanation.replace(main=np.zeros(explanation.n_players))).shares()
    assert sum(difference.values.values()) == pytest.approx(1)
    copied = explanation.replace().shares()  # without its regression
    assert copied.values == found.values
    assert np.isnan(list(copied.errors.values())).all()


def test_shares_of_first_order_explanations_and_of_classes_have_only_their_own_parts():
    values = fx.explain(tiny_pixels(), "a dog", model=tiny_clip(), order=1, budget=2**12).shares()
    assert values["image"] + values["text"] == pytest.approx(values.explained)
    classes = fx.explain_classes(tiny_pixels(), ["cat", "dog"], model=tiny_clip(), budget=300)
    found = classes["dog"].shares()
    assert found["text"] == found["cross"] == found["text_text"] == 0.0
    assert found.errors["image"] > 0
    assert found.errors["image"] == pytest.approx(found.errors["image_image"])


@pytest.mark.parametrize("method", ["shapley", "grad_eclip", "exclip"])
def test_methods_without_p_have_no_shares(method):
    with pytest.raises(InputError, match="defined for methods with p"):
        random_explanation(method=method).shares()


def test_shares_are_shown_as_text_bar_and_figure():
    found = explained().shares()
    text, page, figure = repr(found), found._repr_html_(), found.plot()
    for label, share, _ in found.rows():
        assert label in text
        assert label in page
        assert f"{100 * share:.1f} %" in text
    assert sum(bar.x[0] for bar in figure.data) == pytest.approx(1)
    assert found["cross"] == found.values["cross"]
    with pytest.raises(InputError, match="no kind 'both'"):
        _ = found["both"]


def test_constant_surrogates_have_no_shares_rather_than_a_division_by_zero():
    nothing = random_explanation(main=np.zeros(9), interactions=np.zeros((9, 9)), interactions_se=None).shares()
    assert set(nothing.values.values()) == {0.0}
    assert torch.isfinite(torch.tensor(nothing.variance))
