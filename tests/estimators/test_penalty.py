"""Differences of the default from plain least squares: player strengths, shrinkage and adjusted slopes."""

import numpy as np
import pytest
import torch

from fixlip_widgets.estimators.crossmodal_regression import regress
from fixlip_widgets.estimators.heredity import expected_squares, strengths
from fixlip_widgets.estimators.masks import draw_masks
from fixlip_widgets.estimators.penalties import CrossValidated, Ridge
from fixlip_widgets.estimators.quadratic import QuadraticDesign
from fixlip_widgets.estimators.shrinkage import choices, shrinkage
from tests.estimators.test_coverage import IMAGE, N_IMAGE, N_TEXT, TEXT, UNEVEN, encoder, everything, parts, sampled


def test_strengths_are_recovered_from_noisy_coefficients():
    random = np.random.default_rng(0)
    true = torch.tensor(np.repeat([3.0, 1.0, 0.1], 20))
    noise = torch.full((60, 60), 0.05)
    coefficients = (
        random.normal(size=(60, 60)) * expected_squares(true).sqrt().numpy() + random.normal(size=(60, 60)) * 0.05**0.5
    )
    coefficients = torch.tensor(np.triu(coefficients, 1) + np.triu(coefficients, 1).T)
    found = strengths(coefficients, noise)
    assert np.corrcoef(found.log(), true.log())[0, 1] > 0.9
    assert float(expected_squares(found).sum()) == pytest.approx(60 * 59)


def test_strengths_are_equal_for_pure_noise():
    assert torch.equal(strengths(torch.zeros(5, 5), torch.ones(5, 5)), torch.ones(5, dtype=torch.float64))


@pytest.mark.parametrize("units", [300, 1500])
def test_freedom_and_variance_are_those_of_a_random_design(units):
    random = np.random.default_rng(1)
    g = torch.tensor(random.uniform(0.1, 2.0, 30))
    squares = expected_squares(g)
    first, second = np.triu_indices(30, 1)
    t = squares[first, second].numpy()
    x = random.normal(size=(units, len(t))) * np.sqrt(t)
    gram = x.T @ x / units
    ridges, freedoms = choices(squares, units)
    for ridge, freedom in zip(ridges[::6].tolist(), freedoms[::6].tolist(), strict=True):
        inverse = np.linalg.inv(gram + ridge * np.eye(len(t)))
        assert freedom == pytest.approx(float(np.trace(gram @ inverse)), rel=0.05, abs=1.0)
        found = shrinkage(squares, units, ridge)
        assert found.freedom == pytest.approx(freedom, rel=1e-3)
        assert float(found.variance[first, second].sum()) == pytest.approx(float(np.diag(inverse) @ t), rel=0.05)


def errors_of(encode, p, count, ridge, block):
    text = everything(TEXT, N_TEXT, p)
    truth = parts(regress(everything(encode, N_IMAGE, p), text).assemble())[block]
    fits = [regress(sampled(encode, N_IMAGE, p, count, seed, 0), text, ridge) for seed in range(20)]
    return np.array([np.linalg.norm(parts(fit.assemble())[block] - truth) for fit in fits])


@pytest.mark.parametrize("encode", [IMAGE, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize(
    ("p", "block", "count"),
    [(0.3, "cross-modal", 240), (0.3, "image–image", 240), (0.5, "cross-modal", 600), (0.5, "image–image", 240)],
)
def test_the_default_errs_less_than_plain_least_squares_with_as_many_masks(encode, p, block, count):
    default, plain = (errors_of(encode, p, count, ridge, block) for ridge in (None, 0.0))
    assert np.mean(default < plain) >= 0.75
    assert default.mean() < plain.mean()


def test_adjusted_slopes_are_those_of_least_squares_without_the_effects_of_triples():
    text = everything(TEXT, N_TEXT, 0.5)
    image = sampled(encoder(5, 0), 5, 0.5, 600, 0, 0)
    adjustment = regress(image, text, None).image_adjustment
    assert adjustment is not None
    effects, _ = adjustment.at(slice(0, 600))
    z = 2 * image.masks.double() - 1
    triples = z[:, torch.combinations(torch.arange(5), 3)].prod(2)
    assert float(effects.norm()) > 0
    torch.testing.assert_close(triples @ torch.linalg.lstsq(triples, effects).solution, effects)
    targets = (image.embeddings - image.moments.mean_embedding) @ text.moments.slopes.T
    torch.testing.assert_close(2 * torch.linalg.lstsq(z, targets - effects).solution, adjustment.slopes)


def test_triples_do_not_change_the_slopes_of_a_whole_array():
    text = everything(TEXT, N_TEXT, 0.5)
    image = sampled(IMAGE, N_IMAGE, 0.5, 3 * 256, 0, 0, "orthogonal")
    fit = regress(image, text, None)
    assert fit.image_adjustment is not None
    torch.testing.assert_close(fit.cross, regress(image, text, 0.0).cross)


def test_a_ridge_of_zero_is_plain_least_squares():
    masks = torch.tensor(draw_masks(8, 0.4, 0, 300, seed=0, stream=0))
    targets = torch.tensor(np.random.default_rng(0).normal(size=300))
    fit = QuadraticDesign(masks, torch.full((300,), 1 / 300)).fit(targets)
    z = masks.double()
    first, second = torch.triu_indices(8, 8, 1)
    columns = torch.cat([torch.ones(300, 1), z, z[:, first] * z[:, second]], dim=1)
    solution = torch.linalg.lstsq(columns, targets[:, None]).solution[:, 0]
    torch.testing.assert_close(fit.pairs[first, second], solution[9:], rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(fit.linear, solution[1:9], rtol=1e-6, atol=1e-8)
    assert float(fit.shrinkage.lost.max()) < 1e-6


@pytest.mark.parametrize("units", [1, 3, 40])
def test_candidate_ridges_exist_for_any_number_of_units(units):
    ridges, freedoms = choices(expected_squares(torch.ones(64, dtype=torch.float64)), units)
    assert float(freedoms[-1]) <= max(units / 2, 2)
    assert float(ridges[-1]) > 0


# -- whole orthogonal arrays -----------------------------------------------------------------------------------------


def array_design(count, n=12, seed=0, dtype=torch.float64):
    masks = torch.from_numpy(draw_masks(n, 0.5, 0, count, seed=seed, stream=0, design="orthogonal"))
    weights = torch.full((count,), 1 / count, dtype=torch.float64)
    return QuadraticDesign(masks, weights, paired=True, dtype=dtype)


@pytest.mark.parametrize(("count", "whole"), [(256, True), (768, True), (254, False), (300, False)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_pairs_are_orthonormal_over_whole_arrays_alone(count, whole, dtype):
    assert array_design(count, dtype=dtype).orthonormal is whole


def test_pairs_are_not_orthonormal_over_random_masks_or_unequal_weights():
    masks = torch.from_numpy(draw_masks(12, 0.5, 0, 256, seed=0, stream=0))
    assert not QuadraticDesign(masks, torch.full((256,), 1 / 256), paired=True).orthonormal
    masks = torch.from_numpy(draw_masks(12, 0.5, 0, 256, seed=0, stream=0, design="orthogonal"))
    weights = torch.rand(128, generator=torch.Generator().manual_seed(0)).repeat_interleave(2)
    assert not QuadraticDesign(masks, weights / weights.sum(), paired=True).orthonormal


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_the_diagonal_solve_is_that_of_the_krylov_method(ridge, monkeypatch):
    targets = torch.randn(256, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    direct = array_design(256).fit(targets, Ridge(ridge))
    monkeypatch.setattr(QuadraticDesign, "orthonormal", False)
    krylov = array_design(256).fit(targets, Ridge(ridge))
    for name in ("pairs", "linear", "residuals"):
        torch.testing.assert_close(getattr(direct, name), getattr(krylov, name))


def test_cross_validation_over_whole_arrays_minimises_the_score_of_the_dense_regression():
    design, random = array_design(256), torch.Generator().manual_seed(2)
    first, second = torch.triu_indices(12, 12, 1)
    columns = design.phi[:, first] * design.phi[:, second]
    signal = columns @ torch.randn(66, generator=random, dtype=torch.float64)
    targets = signal.repeat_interleave(2) + 8 * torch.randn(256, generator=random, dtype=torch.float64)
    fit = design.fit(targets, CrossValidated(by_player=False))
    even = (targets[::2] + targets[1::2]) / 2
    even = even - even.mean()

    def score(ridge):
        hat = columns @ torch.linalg.inv(columns.T @ columns / 128 + ridge * torch.eye(66)) @ columns.T / 128
        return float((even - hat @ even).square().sum() / (1 - hat.trace() / 127) ** 2)

    assert score(fit.ridge) <= min(score(fit.ridge * factor) for factor in (0.5, 0.8, 1.25, 2.0)) * (1 + 1e-3)
    assert fit.shrinkage.freedom == pytest.approx(66 / (1 + fit.ridge))
