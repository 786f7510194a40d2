"""Definitions, regressions over all masks and closed forms agree, and the sampling estimators converge to them."""

from itertools import permutations
from math import comb

import numpy as np
import pytest
import torch

from fixlip_widgets import IncrementalExplainer, InputError
from fixlip_widgets.estimators import Fit, exact, fit_joint
from fixlip_widgets.estimators.joint import Monomials
from fixlip_widgets.estimators.masks import draw_masks, enumerate_masks, enumeration_weights
from fixlip_widgets.explainers.baselines import banzhaf_values
from fixlip_widgets.explainers.shapley import explain_shapley
from tests.golden import tiny_game


def random_table(n, seed=0):
    return np.random.default_rng(seed).normal(size=2**n)


def position(masks):
    return masks @ (1 << np.arange(masks.shape[1]))


def same(one, other, atol):
    np.testing.assert_allclose(one.baseline, other.baseline, atol=atol)
    np.testing.assert_allclose(one.main, other.main, atol=atol)
    np.testing.assert_allclose(one.interactions, other.interactions, atol=atol)


def distance(one, other):
    return max(np.abs(one.main - other.main).max(), np.abs(one.interactions - other.interactions).max())


def fourier_banzhaf_interactions(table, p=0.5, order=2):
    """Project on the p-biased Fourier characters, which are orthonormal (O'Donnell 2014, §8.4)."""
    masks = enumerate_masks(int(np.log2(len(table))))
    mean = torch.full((masks.shape[1],), p, dtype=torch.float64)
    monomials = Monomials(mean, (mean * (1 - mean)).rsqrt(), order)
    weighted = torch.from_numpy(table * enumeration_weights(masks, p))
    return monomials.fit(monomials.columns(torch.from_numpy(masks)).T @ weighted)


def moebius_shapley_interactions(table, order=2):
    """Compute the faithful Shapley index in closed form from the Möbius coefficients a(T) (Tsai et al. 2023).

    ``a(S) + (−1)^(ℓ−s) · s/(ℓ+s) · C(ℓ, s) · Σ_{T ⊃ S, t > ℓ} C(t−1, ℓ)/C(t+ℓ−1, ℓ+s) · a(T)`` with ℓ the order, and
    s, t the sizes of S, T.
    """
    masks = enumerate_masks(int(np.log2(len(table)))).astype(np.float64)
    sizes, coefficients = masks.sum(axis=1).astype(int), exact.moebius(table)

    def shared(size):
        """Return (2**n,) contributions of each a(T) to every S of ``size`` within T; a(S) itself for T = S."""
        share = np.zeros(masks.shape[1] + 1)
        share[size] = 1.0
        front = (-1) ** (order - size) * size / (order + size) * comb(order, size)
        for t in range(order + 1, len(share)):
            share[t] = front * comb(t - 1, order) / comb(t + order - 1, order + size)
        return share[sizes] * coefficients

    main = masks.T @ shared(1)
    pairs = masks.T @ (shared(2)[:, None] * masks) if order > 1 else np.zeros((len(main), len(main)))
    np.fill_diagonal(pairs, 0.0)
    return Fit(baseline=float(table[0]), main=main, interactions=pairs)


# -- definitions, regressions, closed forms -------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 0.7])
@pytest.mark.parametrize("n", [2, 5, 9])
def test_regression_over_all_masks_equals_the_biased_fourier_form(n, p, order):
    table = random_table(n)
    same(exact.banzhaf_interactions(table, p, order), fourier_banzhaf_interactions(table, p, order), 1e-10)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("n", [2, 5, 9])
def test_kernel_regression_over_all_masks_equals_the_closed_form_in_moebius_coefficients(n, order):
    table = random_table(n)
    same(exact.shapley_interactions(table, order), moebius_shapley_interactions(table, order), 1e-10)


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_banzhaf_interactions_are_expected_discrete_derivatives(p):
    n, table = 6, random_table(6)
    fit, masks = exact.banzhaf_interactions(table, p), enumerate_masks(6)
    chance = p ** masks.sum(axis=1) * (1 - p) ** (n - masks.sum(axis=1))
    for i in range(n):
        for j in range(i):
            derivative = np.zeros(len(masks))
            for sign, with_i, with_j in ((1, 1, 1), (-1, 1, 0), (-1, 0, 1), (1, 0, 0)):
                changed = masks.copy()
                changed[:, i], changed[:, j] = with_i, with_j
                derivative += sign * table[position(changed)]
            assert fit.interactions[i, j] == pytest.approx(chance @ derivative)


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_banzhaf_values_are_the_linear_regression_and_the_first_order_of_the_quadratic_one(p):
    table = random_table(6)
    values = exact.banzhaf_values(table, p)
    np.testing.assert_allclose(exact.banzhaf_interactions(table, p, order=1).main, values, atol=1e-12)
    second = exact.banzhaf_interactions(table, p)
    np.testing.assert_allclose(second.main + p * second.interactions.sum(axis=1), values, atol=1e-12)


def test_shapley_values_are_the_mean_contribution_over_all_orders_of_arrival():
    n, table = 4, random_table(4)
    expected = np.zeros(n)
    for arrival in permutations(range(n)):
        present = 0
        for player in arrival:
            expected[player] += table[present | 1 << player] - table[present]
            present |= 1 << player
    values = exact.shapley_values(table)
    np.testing.assert_allclose(values, expected / 24, atol=1e-12)
    assert values.sum() == pytest.approx(table[-1] - table[0])
    np.testing.assert_allclose(exact.shapley_interactions(table, order=1).main, values, atol=1e-12)


def test_shapley_values_are_the_first_order_of_shapley_interactions_at_one_half():
    table = random_table(7)
    second = exact.shapley_interactions(table)
    np.testing.assert_allclose(second.main + 0.5 * second.interactions.sum(axis=1), exact.shapley_values(table))


def test_shapley_interactions_meet_the_empty_and_the_full_mask():
    table = random_table(7)
    fit = exact.shapley_interactions(table)
    assert fit.baseline == pytest.approx(table[0], abs=1e-12)
    assert fit.baseline + fit.main.sum() + fit.interactions.sum() / 2 == pytest.approx(table[-1], abs=1e-12)


def test_moebius_coefficients_are_the_monomials_of_the_game():
    table, masks = random_table(5), enumerate_masks(5)
    coefficients = exact.moebius(table)
    for mask, value in zip(masks, table, strict=True):
        within = (masks <= mask).all(axis=1)
        assert coefficients[within].sum() == pytest.approx(value)


@pytest.mark.parametrize(
    "indices",
    [
        exact.banzhaf_interactions,
        fourier_banzhaf_interactions,
        exact.shapley_interactions,
        moebius_shapley_interactions,
    ],
)
def test_a_quadratic_game_has_its_own_coefficients(indices):
    random, masks = np.random.default_rng(1), enumerate_masks(8).astype(float)
    main, pairs = random.normal(size=8), np.triu(random.normal(size=(8, 8)), 1)
    fit = indices(2.0 + masks @ main + np.einsum("mi,ij,mj->m", masks, pairs, masks))
    assert fit.baseline == pytest.approx(2.0)
    np.testing.assert_allclose(fit.main, main, atol=1e-10)
    np.testing.assert_allclose(fit.interactions, pairs + pairs.T, atol=1e-10)


@pytest.mark.parametrize("table", [np.zeros(3), np.zeros((2, 2)), np.zeros(2**17), np.zeros(1)])
def test_a_table_that_is_not_of_all_masks_is_refused(table):
    with pytest.raises(InputError, match="2\\*\\*n masks"):
        exact.banzhaf_interactions(table)
    with pytest.raises(InputError):
        exact.shapley_interactions(table)


# -- the games of this package --------------------------------------------------------------------------------------


def test_the_table_lists_values_in_enumeration_order():
    game = tiny_game(1, grid=(2, 2))
    np.testing.assert_allclose(game.table(), game.value(enumerate_masks(6)), atol=1e-4)


def test_the_table_of_too_many_players_is_refused():
    with pytest.raises(InputError, match="24 players"):
        tiny_game().table()


@pytest.mark.parametrize("p", [0.5, 0.3])
def test_the_enumerating_explainer_is_exact(p):
    game = tiny_game(grid=(2, 2))
    explainer = IncrementalExplainer(game)
    explainer.extend(p, 2**14)
    same(explainer.explanation(p, ridge=0), exact.banzhaf_interactions(game.table(), p), 1e-4)


@pytest.mark.parametrize("order", [1, 2])
def test_enumerated_shapley_is_exact_with_zero_errors(order):
    game = tiny_game(grid=(2, 2))
    explanation = explain_shapley(game, 2**13, order=order)
    same(explanation, exact.shapley_interactions(game.table(), order), 1e-4)
    assert explanation.budget == 2**12
    assert (explanation.image_encodes, explanation.text_encodes) == (2**4, 2**8)
    np.testing.assert_array_equal(explanation.main_se, 0)


def test_enumerated_banzhaf_values_are_exact():
    game = tiny_game(grid=(2, 2))
    explanation = banzhaf_values(game, 0.3, 2**14)
    np.testing.assert_allclose(explanation.main, exact.banzhaf_values(game.table(), 0.3), atol=1e-4)


def over_seeds(errors):
    """Return RMS errors over four seeds, for few masks and for sixteen times as many."""
    few, many = np.sqrt(np.mean(np.square([errors(seed) for seed in range(4)]), axis=0))
    return few, many


def test_joint_regression_converges_to_the_banzhaf_index():
    table, p = random_table(8), 0.3
    reference = exact.banzhaf_interactions(table, p)

    def errors(seed):
        masks = draw_masks(8, p, 0, 16_000, seed=seed, stream=0)
        return [distance(fit_joint(m, table[position(m)]), reference) for m in (masks[:1000], masks)]

    few, many = over_seeds(errors)
    assert many < few / 2


def test_sampled_shapley_converges_to_the_exact_index():
    game = tiny_game(1, grid=(4, 2))
    reference = exact.shapley_interactions(game.table())
    few, many = over_seeds(
        lambda seed: [distance(explain_shapley(game, budget, seed=seed), reference) for budget in (2**9 - 2, 2**10 - 2)]
    )
    assert many < few < 3 * np.abs(reference.interactions).max()


def test_sampled_cross_modal_interactions_converge_to_the_exact_index():
    game = tiny_game(grid=(4, 2))
    reference = exact.banzhaf_interactions(game.table(), 0.5)

    def errors(seed):
        explainer, found = IncrementalExplainer(game, seed=seed), []
        for budget in (2**12, 2**15):
            explainer.extend(0.5, budget)
            found.append(distance(explainer.explanation(ridge=0), reference))
        return found

    few, many = over_seeds(errors)
    assert many < few / 1.5
