import numpy as np
import pytest
import torch

from fixlip_widgets import InputError
from fixlip_widgets.estimators import fit_crossmodal
from fixlip_widgets.estimators.masks import draw_masks, enumerate_masks, enumeration_weights
from fixlip_widgets.estimators.penalties import penalty_for
from fixlip_widgets.estimators.quadratic import QuadraticDesign
from tests.golden import CROSSMODAL, load

INPUTS = ("image_masks", "text_masks", "image_embeddings", "text_embeddings", "image_weights", "text_weights")


def monomials(masks):
    """(m, 1 + n + n(n − 1)/2) columns 1, z_i, z_i z_j: the dense design that the estimators avoid."""
    z = np.asarray(masks, dtype=float)
    first, second = np.triu_indices(z.shape[1], 1)
    return np.concatenate([np.ones((len(z), 1)), z, z[:, first] * z[:, second]], axis=1)


def unit(random, m, d):
    rows = random.normal(size=(m, d))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("name", CROSSMODAL)
def test_the_decoupled_fit_equals_the_research_code(name):
    golden = load(name)
    fit = fit_crossmodal(*(golden[key] for key in INPUTS), scale=float(golden["scale"]), bias=float(golden["bias"]))
    assert fit.baseline - golden["empty_value"] == pytest.approx(golden["baseline"], abs=1e-8)
    np.testing.assert_allclose(fit.main, golden["main"], atol=1e-8)
    np.testing.assert_allclose(fit.interactions, golden["interactions"], atol=1e-8)


def test_the_decoupled_fit_equals_the_dense_regression_over_all_pairs():
    random = np.random.default_rng(0)
    z, t = random.random((60, 5)) < 0.4, random.random((30, 4)) < 0.6
    e, h, w, u = unit(random, 60, 7), unit(random, 30, 7), random.random(60), random.random(30)
    fit = fit_crossmodal(z, t, e, h, w, u, scale=3.0, bias=-1.0)

    rows = np.concatenate([np.repeat(z, 30, axis=0), np.tile(t, (60, 1))], axis=1)
    root = np.sqrt(np.outer(w, u).ravel())
    values = (3.0 * e @ h.T - 1.0).ravel()
    dense = np.linalg.lstsq(root[:, None] * monomials(rows), root * values, rcond=None)[0]
    np.testing.assert_allclose(fit.baseline, dense[0], atol=1e-9)
    np.testing.assert_allclose(fit.main, dense[1:10], atol=1e-9)
    np.testing.assert_allclose(fit.interactions[np.triu_indices(9, 1)], dense[10:], atol=1e-9)

    left = values - monomials(rows) @ dense
    spread = values - np.average(values, weights=root**2)
    assert fit.r2 == pytest.approx(1 - (root**2 * left**2).sum() / (root**2 * spread**2).sum(), abs=1e-9)


def test_weights_are_normalised_and_repeated_rows_count_twice():
    random = np.random.default_rng(1)
    z, t = random.random((40, 4)) < 0.5, enumerate_masks(3)
    e, h = unit(random, 40, 5), unit(random, 8, 5)
    weights = np.ones(40)
    weights[:10] = 2
    once = fit_crossmodal(z, t, e, h, 7 * weights)
    twice = fit_crossmodal(np.concatenate([z, z[:10]]), t, np.concatenate([e, e[:10]]), h)
    np.testing.assert_allclose(once.interactions, twice.interactions, atol=1e-10)


def test_a_polynomial_of_degree_two_is_recovered_exactly():
    random = np.random.default_rng(2)
    z, t = draw_masks(6, 0.3, 0, 200, seed=0, stream=0), enumerate_masks(3)
    main, cross = random.normal(size=9), random.normal(size=(6, 3))
    # embeddings whose inner products are that polynomial: one coordinate per factor
    e = np.concatenate([np.ones((200, 1)), (z @ main[:6])[:, None], z @ cross], axis=1)
    h = np.concatenate([(t @ main[6:])[:, None], np.ones((8, 1)), t], axis=1)
    fit = fit_crossmodal(z, t, e, h)
    np.testing.assert_allclose(fit.main, main, atol=1e-9)
    np.testing.assert_allclose(fit.interactions[:6, 6:], cross, atol=1e-9)
    np.testing.assert_allclose(fit.interactions[:6, :6], 0, atol=1e-9)
    assert fit.r2 == pytest.approx(1)


def test_a_player_that_never_changes_explains_nothing():
    random = np.random.default_rng(3)
    z = random.random((80, 5)) < 0.5
    z[:, 2] = True
    fit = fit_crossmodal(z, enumerate_masks(2), unit(random, 80, 4), unit(random, 4, 4))
    assert np.isfinite(fit.main).all()
    assert abs(fit.main[2]) < 1e-12
    assert np.abs(fit.interactions[2]).max() < 1e-12


def test_too_few_masks_still_give_a_finite_fit():
    random = np.random.default_rng(4)
    z = random.random((12, 20)) < 0.5
    fit = fit_crossmodal(z, enumerate_masks(2), unit(random, 12, 4), unit(random, 4, 4))
    assert np.isfinite(fit.main).all()
    assert np.isfinite(fit.interactions).all()


def noisy_quadratic(n, count, p, seed=0, noise=1.0):
    random = np.random.default_rng(seed)
    masks = draw_masks(n, p, 0, count, seed=seed, stream=0)
    z = masks.astype(float)
    pairs = np.triu(random.normal(size=(n, n)), 1) * 0.3
    y = z @ random.normal(size=n) + np.einsum("mi,ij,mj->m", z, pairs, z) + noise * random.normal(size=count)
    return masks, y, pairs + pairs.T


@pytest.mark.parametrize(("p", "paired"), [(0.5, True), (0.5, False), (0.3, False)])
@pytest.mark.parametrize("ridge", [0.0, 0.2])
def test_the_matrix_free_solve_equals_the_dense_one(p, paired, ridge):
    n, count = 24, 900
    masks, y, _ = noisy_quadratic(n, count, p)
    design = QuadraticDesign(torch.tensor(masks), torch.full((count,), 1 / count, dtype=torch.float64), paired=paired)
    fit = design.fit(torch.tensor(y), penalty_for(ridge))

    mean = masks.mean(axis=0)
    phi = (masks - mean) / np.sqrt(mean * (1 - mean))
    columns = monomials(phi)
    penalty = np.diag(np.concatenate([np.zeros(1 + n), np.full(columns.shape[1] - 1 - n, ridge)]))
    solution = np.linalg.solve(columns.T @ columns / count + penalty, columns.T @ y / count)
    np.testing.assert_allclose(fit.residuals.numpy(), y - columns @ solution, atol=1e-6)
    scale = 1 / np.sqrt(mean * (1 - mean))
    first, second = np.triu_indices(n, 1)
    np.testing.assert_allclose(
        fit.pairs.numpy()[first, second], solution[1 + n :] * scale[first] * scale[second], atol=1e-6
    )


def test_cross_validated_ridge_beats_plain_least_squares_on_few_masks_and_fades_with_many():
    errors = {}
    for count in (500, 40_000):
        masks, y, pairs = noisy_quadratic(24, count, 0.5)
        design = QuadraticDesign(torch.tensor(masks), torch.full((count,), 1 / count, dtype=torch.float64), paired=True)
        for ridge in (0.0, None):
            fit = design.fit(torch.tensor(y), penalty_for(ridge))
            errors[count, ridge] = np.linalg.norm(fit.pairs.numpy() - pairs)
            if ridge is None:
                errors[count, "strength"] = fit.ridge
    assert errors[500, None] < 0.8 * errors[500, 0.0]
    assert errors[40_000, "strength"] < 0.1 * errors[500, "strength"]
    assert errors[40_000, None] == pytest.approx(errors[40_000, 0.0], rel=0.05)


def test_float32_products_agree_with_float64():
    masks, y, _ = noisy_quadratic(30, 2000, 0.4)
    fits = [
        QuadraticDesign(torch.tensor(masks), torch.full((2000,), 1 / 2000), dtype=dtype).fit(torch.tensor(y))
        for dtype in (torch.float32, torch.float64)
    ]
    np.testing.assert_allclose(fits[0].pairs.numpy(), fits[1].pairs.numpy(), atol=1e-3)


def test_enumerated_weights_make_the_basis_orthonormal_so_one_step_solves():
    masks = enumerate_masks(8)
    design = QuadraticDesign(torch.tensor(masks), torch.tensor(enumeration_weights(masks, 0.3)))
    target = torch.tensor(np.random.default_rng(0).normal(size=256))
    once = design._adjoint(design._off_affine(design._root * target))
    torch.testing.assert_close(design._normal(once), once, atol=1e-10, rtol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_embeddings": np.ones((3, 4))}, "belong together"),
        ({"text_embeddings": np.ones((4, 9))}, "dimensions"),
        ({"image_weights": -np.ones(10)}, "non-negative"),
        ({"order": 4}, "order is 4"),
    ],
)
def test_invalid_inputs_are_rejected(change, message):
    given = {
        "image_masks": np.eye(10, 3, dtype=bool),
        "text_masks": enumerate_masks(2),
        "image_embeddings": np.ones((10, 4)),
        "text_embeddings": np.ones((4, 4)),
    }
    with pytest.raises(InputError, match=message):
        fit_crossmodal(**{**given, **change})
