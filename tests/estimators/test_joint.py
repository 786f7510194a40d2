"""The regression on joint masks is weighted least squares for any weights and any number of rows."""

import numpy as np
import pytest
import torch

from fixlip_widgets import InputError
from fixlip_widgets.estimators import fit_joint
from fixlip_widgets.estimators.least_squares import LeastSquares
from fixlip_widgets.estimators.masks import draw_masks
from tests.golden import JOINT, load

TOLERANCE = {"joint_banzhaf_14_p70": 1e-8, "joint_shapley_14": 1e-5}


def monomials(masks, order=2):
    z = np.asarray(masks, dtype=float)
    first, second = np.triu_indices(z.shape[1], 1)
    pairs = [z[:, first] * z[:, second]] if order == 2 else []
    return np.concatenate([np.ones((len(z), 1)), z, *pairs], axis=1)


def coefficients(fit, order=2):
    pairs = [fit.interactions[np.triu_indices(len(fit.main), 1)]] if order == 2 else []
    return np.concatenate([[fit.baseline], fit.main, *pairs])


def drawn(count=300, n=7, seed=0):
    random = np.random.default_rng(seed)
    masks = draw_masks(n, 0.4, 0, count, seed=seed, stream=0)
    return masks, random.normal(size=count), random.random(count)


@pytest.mark.parametrize("name", JOINT)
def test_the_joint_fit_equals_the_research_code(name):
    golden = load(name)
    fit = fit_joint(golden["masks"], golden["values"], golden["weights"])
    scale = 1.0 if "banzhaf" in name else np.abs(golden["main"]).max()
    for given, expected in ((fit.main, "main"), (fit.interactions, "interactions"), (fit.baseline, "baseline")):
        np.testing.assert_allclose(given, golden[expected], rtol=0, atol=TOLERANCE[name] * scale)


@pytest.mark.parametrize("order", [1, 2])
def test_the_fit_is_weighted_least_squares_on_all_monomials(order):
    masks, values, weights = drawn()
    fit, root = fit_joint(masks, values, weights, order), np.sqrt(weights)
    design = monomials(masks, order)
    dense = np.linalg.lstsq(root[:, None] * design, root * values, rcond=None)[0]
    np.testing.assert_allclose(coefficients(fit, order), dense, atol=1e-10)
    left, spread = values - design @ dense, values - np.average(values, weights=weights)
    assert fit.r2 == pytest.approx(1 - (weights @ left**2) / (weights @ spread**2), abs=1e-10)
    if order == 1:
        assert not fit.interactions.any()


@pytest.mark.parametrize("order", [1, 2])
def test_a_quadratic_game_is_recovered_exactly_from_any_masks(order):
    masks, _, weights = drawn()
    truth = np.random.default_rng(9).normal(size=monomials(masks, order).shape[1])
    fit = fit_joint(masks, monomials(masks, order) @ truth, weights, order)
    np.testing.assert_allclose(coefficients(fit, order), truth, atol=1e-11)
    assert fit.r2 == pytest.approx(1)


def test_players_that_hardly_ever_differ_cost_no_digits():
    masks, _, weights = drawn()
    masks = masks.copy()
    masks[:, 1] = masks[:, 0]
    masks[:30, 1] = ~masks[:30, 0]
    weights[:30] = 1e-8
    truth = np.random.default_rng(9).normal(size=29)
    fit = fit_joint(masks, monomials(masks) @ truth, weights)
    np.testing.assert_allclose(coefficients(fit), truth, atol=1e-10)


def test_rows_of_infinite_weight_are_met_exactly_and_the_rest_is_least_squares():
    masks, values, weights = drawn()
    weights[[3, 200]] = np.inf
    solution = coefficients(fit_joint(masks, values, weights))
    design = monomials(masks)
    np.testing.assert_allclose(design[[3, 200]] @ solution, values[[3, 200]], atol=1e-13)
    # Lagrange conditions: the gradient of the free rows lies in the span of the enforced ones
    free = np.isfinite(weights)
    gradient = design[free].T @ (weights[free] * (values - design @ solution)[free])
    multipliers = np.linalg.lstsq(design[~free].T, gradient, rcond=None)[0]
    np.testing.assert_allclose(design[~free].T @ multipliers, gradient, atol=1e-10)


def test_a_player_that_only_enforced_rows_change_is_still_used_to_meet_them():
    masks, values, weights = drawn()
    masks, weights = masks.copy(), weights.copy()
    masks[:, 2] = True
    masks[3], weights[3] = False, np.inf
    for given in (weights, np.where(np.arange(300) == 3, np.inf, 0.0)):
        solution = coefficients(fit_joint(masks, values, given))
        assert monomials(masks[3:4]) @ solution == pytest.approx(values[3], abs=1e-12)


@pytest.mark.parametrize("penalty", [1e5, 1e9, 1e13])
def test_a_penalty_tends_to_the_enforced_solution_and_costs_no_digits(penalty):
    masks, values, weights = drawn()
    enforced, penalised = weights.copy(), weights.copy()
    enforced[[3, 200]], penalised[[3, 200]] = np.inf, penalty
    exact = coefficients(fit_joint(masks, values, enforced))
    assert np.abs(coefficients(fit_joint(masks, values, penalised)) - exact).max() < 1e3 / penalty + 1e-11


def test_rows_beyond_one_chunk_count_like_the_others():
    masks, values, weights = drawn(400, n=14)
    system = LeastSquares(
        lambda rows: torch.ones(rows.stop - rows.start, 106).double(), torch.ones(100_000).double(), 106
    )
    assert len(list(system.blocks())) > 1
    many = fit_joint(np.tile(masks, (250, 1)), np.tile(values, 250), np.tile(weights, 250))
    np.testing.assert_allclose(coefficients(many), coefficients(fit_joint(masks, values, weights)), atol=1e-10)


def test_the_scale_of_weights_does_not_matter():
    masks, values, weights = drawn()
    expected = coefficients(fit_joint(masks, values, weights))
    for scale in (1e-200, 1e200):
        np.testing.assert_allclose(coefficients(fit_joint(masks, values, scale * weights)), expected, atol=1e-11)


def test_tensors_and_arrays_give_the_same():
    masks, values, weights = drawn()
    fit = fit_joint(torch.tensor(masks), torch.tensor(values), torch.tensor(weights))
    np.testing.assert_array_equal(fit.main, fit_joint(masks, values, weights).main)


def test_too_few_masks_are_interpolated():
    masks, values, _ = drawn(20)
    _, first = np.unique(masks, axis=0, return_index=True)
    fit = fit_joint(masks[first], values[first])
    np.testing.assert_allclose(monomials(masks[first]) @ coefficients(fit), values[first], atol=1e-9)
    assert np.abs(coefficients(fit)).max() < 50


def test_a_player_that_never_changes_explains_nothing():
    masks, values, weights = drawn()
    masks = masks.copy()
    masks[:, 2] = True
    fit = fit_joint(masks, values, weights)
    assert fit.main[2] == 0
    assert not fit.interactions[2].any()
    others = fit_joint(np.delete(masks, 2, axis=1), values, weights)
    np.testing.assert_allclose(np.delete(fit.main, 2), others.main, atol=1e-10)


def test_too_many_players_for_a_gram_matrix_are_refused_with_its_size():
    masks = np.zeros((2, 200), dtype=bool)
    with pytest.raises(InputError, match=r"20,101 unknowns need a matrix of 3\.2 GB"):
        fit_joint(masks, np.zeros(2))
    assert fit_joint(masks, np.ones(2), order=1).baseline == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": np.ones(9)}, "do not match"),
        ({"masks": np.ones(10)}, "do not match"),
        ({"masks": np.ones((10, 0))}, "do not match"),
        ({"weights": np.ones(9)}, "do not match"),
        ({"values": np.full(10, np.nan)}, "not finite"),
        ({"weights": -np.ones(10)}, "non-negative"),
        ({"weights": np.zeros(10)}, "not all zero"),
        ({"order": 3}, "order is 3"),
    ],
)
def test_invalid_inputs_are_rejected(change, message):
    with pytest.raises(InputError, match=message):
        fit_joint(**{"masks": np.eye(10, 3, dtype=bool), "values": np.ones(10), **change})
