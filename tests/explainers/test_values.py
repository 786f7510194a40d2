"""Shapley interactions, Shapley values and Banzhaf values of a pair: cost, guarantees and convergence."""

import numpy as np
import pytest
import torch

from fixlip_widgets import CancelledError, EncodingError, InputError, explain
from fixlip_widgets.encoders.batches import distinct
from fixlip_widgets.estimators import exact, fit_joint
from fixlip_widgets.estimators.crossmodal_regression import Modality
from fixlip_widgets.estimators.linear import fit_linear
from fixlip_widgets.estimators.masks import DEFAULT_DESIGN, draw_masks, enumerate_masks, enumeration_weights
from fixlip_widgets.estimators.shapley import fit_shapley, kernel_weights, size_probabilities
from fixlip_widgets.explainers import baselines
from fixlip_widgets.explainers.baselines import banzhaf_values, shapley_values
from fixlip_widgets.explainers.shapley import JointValues, draw_halves, explain_shapley
from tests.golden import tiny_clip, tiny_game, tiny_pixels

FEW_MASKS = pytest.mark.filterwarnings("ignore:The budget of", "ignore:Do not interpret")


def position(masks):
    return masks @ (1 << np.arange(masks.shape[1]))


def fitted(table, halves, order=2, **options):
    values = torch.tensor(np.stack([table[position(halves)], table[position(~halves)]], axis=1))
    return fit_shapley(torch.tensor(halves), values, table[0], table[-1], order=order, **options)


def rough_table(n):
    """A game with interactions of every order, the low ones stronger."""
    random, masks = np.random.default_rng(0), enumerate_masks(n).astype(float)
    pairs = 0.3 * random.normal(size=(n, n))
    table = masks @ random.normal(size=n) + np.einsum("mi,ij,mj->m", masks, pairs, masks)
    return table + 3 * np.tanh(masks @ random.normal(size=n)) + 0.3 * random.normal(size=2**n)


# -- masks from the Shapley kernel ----------------------------------------------------------------------------------


def test_more_pairs_keep_the_earlier_ones():
    many = draw_halves(20, 1000, seed=3)
    np.testing.assert_array_equal(draw_halves(20, 300, seed=3), many[:300])
    assert (draw_halves(20, 300, seed=4) != many[:300]).any()


@pytest.mark.parametrize("n", [2, 3, 12])
def test_sizes_have_the_kernels_probabilities_and_players_equal_ones(n):
    halves = draw_halves(n, 40_000, seed=0)
    counts = np.bincount(halves.sum(axis=1), minlength=n + 1)
    assert counts[0] == counts[n] == 0
    np.testing.assert_allclose(counts[1:n] / 40_000, size_probabilities(n), atol=0.015)
    np.testing.assert_allclose(halves.mean(axis=0), 0.5, atol=0.015)


def test_the_probability_of_a_size_is_the_weight_of_all_its_masks():
    sizes = enumerate_masks(9).sum(axis=1)
    totals = [kernel_weights(9)[k - 1] * (sizes == k).sum() for k in range(1, 9)]
    np.testing.assert_allclose(totals / np.sum(totals), size_probabilities(9))


# -- the fit --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2])
def test_the_paired_fit_is_the_joint_regression_with_two_enforced_masks(order):
    table, halves = rough_table(7), draw_halves(7, 80, seed=1)
    masks = np.concatenate([halves, ~halves, np.repeat([[False], [True]], 7, axis=1)])
    joint = fit_joint(masks, table[position(masks)], [1.0] * 160 + [np.inf] * 2, order)
    fit = fitted(table, halves, order)
    assert fit.baseline == pytest.approx(joint.baseline, abs=1e-10)
    np.testing.assert_allclose(fit.main, joint.main, atol=1e-10)
    np.testing.assert_allclose(fit.interactions, joint.interactions, atol=1e-10)
    assert fit.r2 == pytest.approx(joint.r2)
    assert fit.determined


@pytest.mark.parametrize("pairs", [1, 4, 30, 200])
def test_efficiency_holds_exactly_at_any_number_of_masks(pairs):
    table, halves = rough_table(9), draw_halves(9, pairs, seed=2)
    for order in (1, 2):
        fit = fitted(table, halves, order)
        assert fit.baseline == table[0]
        assert fit.main.sum() + fit.interactions.sum() / 2 == pytest.approx(table[-1] - table[0], abs=1e-10)


def test_too_few_masks_give_values_but_no_errors():
    fit = fitted(rough_table(9), draw_halves(9, 20, seed=2))
    assert not fit.determined
    assert np.isfinite(fit.interactions).all()
    assert np.isnan(fit.main_se).all()
    values = fitted(rough_table(9), draw_halves(9, 20, seed=2), order=1)
    assert values.determined
    assert (values.main_se > 0).all()


@pytest.mark.parametrize("order", [1, 2])
def test_confidence_intervals_cover_the_exact_shapley_index(order):
    table, n = rough_table(8), 8
    reference, off = exact.shapley_interactions(table, order), ~np.eye(n, dtype=bool)
    mains, pairs = [], []
    for seed in range(200):
        fit = fitted(table, draw_halves(n, 300, seed=seed), order)
        mains.append(np.abs(fit.main - reference.main) < 1.96 * fit.main_se)
        pairs.append((np.abs(fit.interactions - reference.interactions) < 1.96 * fit.interactions_se)[off])
    assert 0.93 <= np.mean(mains) <= 0.97
    if order == 2:
        assert 0.93 <= np.mean(pairs) <= 0.97


@pytest.mark.parametrize("p", [0.5, 0.3])
def test_confidence_intervals_cover_the_banzhaf_values(p):
    random = np.random.default_rng(0)

    def embedded(n):
        masks = enumerate_masks(n)
        rows = np.tanh(masks @ random.normal(size=(n, 6)) + 0.5 * random.normal(size=(2**n, 6)))
        return masks, rows / np.linalg.norm(rows, axis=1, keepdims=True)

    sides = [embedded(8), embedded(4)]

    def modality(side, chosen, weights, sampled):
        masks, rows = (torch.tensor(array[chosen]) for array in side)
        return Modality(masks, rows, torch.tensor(weights), paired=sampled and p == 0.5, sampled=sampled)

    every = [modality(side, slice(None), enumeration_weights(side[0], p), sampled=False) for side in sides]
    reference, hits = fit_linear(*every, scale=10.0), []
    assert not reference.main_se.any()
    for seed in range(200):
        drawn = [
            modality(
                side,
                position(draw_masks(side[0].shape[1], p, 0, count, seed=seed, stream=stream)),
                np.full(count, 1 / count),
                sampled=True,
            )
            for stream, (side, count) in enumerate(zip(sides, (200, 100), strict=True))
        ]
        fit = fit_linear(*drawn, scale=10.0)
        error = np.append(fit.main - reference.main, fit.baseline - reference.baseline)
        hits.append(np.abs(error) < 1.96 * np.append(fit.main_se, fit.baseline_se))
    assert 0.93 <= np.mean(hits) <= 0.97
    assert 0.92 <= np.mean(hits, axis=0)[-1] <= 0.98  # of the baseline alone


# -- of a pair ------------------------------------------------------------------------------------------------------


def test_joint_values_are_the_games_and_each_distinct_mask_is_encoded_once():
    game = tiny_game(batch_size=16)
    masks = np.concatenate([draw_halves(24, 90, seed=0), draw_masks(24, 0.9, 0, 90, seed=0, stream=0)])
    expected = game.value(masks)
    encoded, encode = [], game.image_tower.encode

    def counting(batch):
        encoded.append(len(batch))
        return encode(batch)

    game.image_tower.encode = counting
    joint = JointValues(game, masks)
    np.testing.assert_allclose(joint.evaluate().numpy(), expected, atol=1e-4)
    assert sum(encoded) == joint.image.encodes == joint.image.total == len(distinct(masks[:, :16])[0]) < len(masks)
    assert joint.text.encodes == joint.text.total == len(distinct(masks[:, 16:])[0]) < len(masks)


def test_shapley_values_add_up_to_what_the_pair_gains():
    explanation = shapley_values(tiny_game(), budget=200)
    gain = explanation.similarity - explanation.empty_similarity
    assert explanation.main.sum() == pytest.approx(gain, abs=1e-12)
    assert explanation.baseline == explanation.empty_similarity
    assert explanation.residual == pytest.approx(0, abs=1e-12)
    game = tiny_game()
    assert explanation.similarity == pytest.approx(game.similarity, abs=1e-4)
    assert (explanation.method, explanation.order, explanation.budget) == ("shapley_values", 1, 200)
    assert not explanation.has_interactions
    assert not explanation.interactions.any()


def test_shapley_interactions_add_up_too_and_their_first_order_is_the_shapley_values():
    second, first = (explain_shapley(tiny_game(), 1500, order=order) for order in (2, 1))
    assert second.residual == pytest.approx(0, abs=1e-10)
    np.testing.assert_allclose(second.first_order(), first.main, atol=1e-10)
    assert second.has_interactions
    assert all(second.identified.values())
    assert (second.main_se > 0).all()
    assert second.r2 > first.r2 > 0.3
    assert second.spearman > 0.7
    assert second.image_encodes <= 1500 + 150


def test_unidentified_interactions_are_marked():
    explanation = explain_shapley(tiny_game(), 300)
    assert not any(explanation.identified.values())
    assert np.isnan(explanation.main_se).all()
    assert np.isnan(explanation.interactions_se[0, 1])


def test_a_larger_budget_continues_a_smaller_one():
    calls = []
    long = explain_shapley(
        tiny_game(batch_size=20), 400, order=1, progress=calls.append, cancelled=lambda: len(calls) == 4
    )
    short = explain_shapley(tiny_game(batch_size=20), 80, order=1)
    assert (long.budget, short.budget) == (80, 80)
    np.testing.assert_allclose(long.main, short.main, atol=1e-5)
    assert long.r2 is None


def test_progress_counts_up_to_its_totals():
    calls = []
    explain_shapley(tiny_game(batch_size=32), 200, order=1, progress=calls.append)
    fractions = [call.fraction for call in calls]
    assert fractions == sorted(fractions)
    assert (calls[-1].image_done, calls[-1].text_done) == (calls[-1].image_total, calls[-1].text_total)


def test_cancelling_before_the_first_pair_raises():
    with pytest.raises(CancelledError, match="cancelled"):
        explain_shapley(tiny_game(batch_size=2), 200, cancelled=lambda: True)


def test_embeddings_that_are_not_finite_are_refused():
    game = tiny_game()
    game.text_tower.encode = lambda masks: torch.full((len(masks), 4), torch.nan)
    with pytest.raises(EncodingError, match="text encoder"):
        explain_shapley(game, 50)


@pytest.mark.parametrize("p", [0.5, 0.4])
def test_banzhaf_values_are_the_linear_regression_over_all_pairs_of_masks(p):
    game = tiny_game(1)
    explanation = banzhaf_values(game, p, budget=400)
    image, text = draw_masks(16, p, 0, 100, seed=0, stream=0, design=DEFAULT_DESIGN), enumerate_masks(2)
    values = game.values(image, text)
    joint = np.concatenate([np.repeat(image, 4, axis=0), np.tile(text, (100, 1))], axis=1)
    expected = fit_joint(joint, values.ravel(), np.tile(enumeration_weights(text, p), 100), order=1)
    np.testing.assert_allclose(explanation.main, expected.main, atol=1e-4)
    assert explanation.baseline == pytest.approx(expected.baseline, abs=1e-4)
    assert explanation.r2_in_sample == pytest.approx(expected.r2, abs=1e-4)
    assert (explanation.main_se[:16] > 0).all()
    assert (explanation.method, explanation.order, explanation.p) == ("banzhaf_values", 1, p)
    assert explanation.r2 is not None
    assert not explanation.has_interactions


@FEW_MASKS
def test_explain_leads_to_every_method():
    pair, model = (tiny_pixels(), tiny_game(1).caption), tiny_clip()
    for method, order in (("banzhaf", 1), ("banzhaf", 2), ("shapley", 1), ("shapley", 2)):
        explanation = explain(*pair, model=model, method=method, order=order, budget=500, seed=2)
        assert (explanation.method, explanation.order, explanation.seed) == (method, order, 2)
        assert explanation.has_interactions == bool(explanation.interactions.any()) == (order == 2)
        assert explanation.model["name"] == "tiny_clip"
        assert len(explanation.top(3)) == 3
    values = explain(*pair, model=model, method="shapley", order=1, budget=500, seed=2)
    np.testing.assert_array_equal(values.main, baselines.shapley_values(tiny_game(1), 500, seed=2).main)


@pytest.mark.slow
@FEW_MASKS
@pytest.mark.parametrize("method", ["banzhaf", "banzhaf_values", "shapley", "shapley_values"])
def test_no_method_takes_many_more_encodings_by_default_than_another(method):
    banzhaf = explain(tiny_pixels(), "a dog on a mat", model=tiny_clip(), method="banzhaf", grid=(8, 8))
    other = explain(tiny_pixels(), "a dog on a mat", model=tiny_clip(), method=method, grid=(8, 8))
    assert 0.5 * banzhaf.image_encodes < other.image_encodes <= 1.05 * banzhaf.image_encodes


@FEW_MASKS
@pytest.mark.parametrize("limit", [60, 300, 1000])
@pytest.mark.parametrize("method", ["banzhaf", "banzhaf_values", "shapley", "shapley_values", "exclip"])
def test_encodings_can_be_limited_for_every_method(method, limit):
    pair, options = (tiny_pixels(), "a dog on a mat"), {"model": tiny_clip(), "method": method, "grid": (8, 8)}
    explanation = explain(*pair, max_encodings=limit, **options)
    assert explanation.image_encodes <= limit
    if method != "exclip":
        assert explanation.image_encodes > 0.75 * limit - 2
        assert explain(*pair, max_encodings=10 * limit, budget=200, **options).image_encodes < 300


def test_a_limit_below_the_minimum_is_rejected():
    with pytest.raises(InputError, match=r"max_encodings is 5; explaining this pair takes at least \d+ image"):
        explain(tiny_pixels(), "a dog", model=tiny_clip(), max_encodings=5, grid=(8, 8))
    for bad in (0, -1, 2.5, "many", True):
        with pytest.raises(InputError, match="max_encodings is"):
            explain(tiny_pixels(), "a dog", model=tiny_clip(), max_encodings=bad)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "shapley", "p": 0.3}, "shapley. does not use p"),
        ({"method": "shapley", "ridge": 0.1}, "ridge"),
        ({"method": "shapley", "budget": 2**21}, "budget"),
        ({"method": "shapley", "budget": 3}, "budget"),
        ({"method": "shapley", "seed": -1}, "seed"),
        ({"method": "shapley", "grid": (15, 15)}, "Gram|matrix of"),
        ({"method": "shapley", "order": 3}, "order"),
        ({"order": 1, "ridge": 0.1}, "ridge"),
        ({"order": 0}, "order is 0"),
    ],
)
def test_unsupported_arguments_are_rejected(options, message):
    with pytest.raises(InputError, match=message):
        explain(tiny_pixels(), "a cat", model=tiny_clip(), **options)
