import hashlib

import numpy as np
import pytest

from fixlip_widgets import InputError
from fixlip_widgets.estimators.masks import (
    balance_weights,
    draw_masks,
    effective_sample_size,
    enumerate_masks,
    enumeration_weights,
    split_budget,
)
from fixlip_widgets.estimators.orthogonal_arrays import draw_array_masks
from fixlip_widgets.support.checks import check_budget, check_p


@pytest.mark.parametrize("p", [0.3, 0.5])
@pytest.mark.parametrize("cut", [2, 256, 700])
def test_more_budget_keeps_earlier_masks(p, cut):
    whole = draw_masks(9, p, 0, 1000, seed=3, stream=0)
    parts = [draw_masks(9, p, 0, cut, seed=3, stream=0), draw_masks(9, p, cut, 1000, seed=3, stream=0)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_streams_seeds_and_probabilities_are_independent():
    base = draw_masks(40, 0.4, 0, 256, seed=0, stream=0)
    for other in (
        draw_masks(40, 0.4, 0, 256, seed=1, stream=0),
        draw_masks(40, 0.4, 0, 256, seed=0, stream=1),
        draw_masks(40, 0.41, 0, 256, seed=0, stream=0),
    ):
        agreement = (base == other).mean()
        assert abs(agreement - (0.4**2 + 0.6**2)) < 0.03


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_players_are_kept_with_probability_p(p):
    masks = draw_masks(20, p, 0, 20_000, seed=0, stream=0)
    assert np.abs(masks.mean(axis=0) - p).max() < 0.02
    assert np.abs(np.corrcoef(masks.T) - np.eye(20)).max() < 0.04


def test_masks_pair_up_as_complements_only_at_one_half():
    half, other = (draw_masks(12, p, 0, 512, seed=0, stream=0) for p in (0.5, 0.6))
    np.testing.assert_array_equal(half[::2], ~half[1::2])
    assert not (other[::2] == ~other[1::2]).all(axis=1).any()


def test_enumeration_holds_every_mask_once_with_its_probability():
    masks = enumerate_masks(5)
    assert len({tuple(mask) for mask in masks}) == 32
    weights = enumeration_weights(masks, 0.3)
    np.testing.assert_allclose(weights.sum(), 1)
    np.testing.assert_allclose(weights @ masks, 0.3)


@pytest.mark.parametrize(
    ("budget", "players", "expected"),
    # the masks of the research code's own runs at 49 × 8 players
    [
        (2**13, (49, 8), (546, 15)),
        (2**15, (49, 8), (1092, 30)),
        (2**17, (49, 8), (2184, 60)),
        (2**17, (8, 49), (60, 2184)),
    ],
)
def test_the_budget_is_split_as_in_the_paper(budget, players, expected):
    assert split_budget(budget, *players) == expected


def test_the_split_never_exceeds_all_masks_of_the_smaller_side():
    assert split_budget(2**20, 64, 2) == (2**18, 4)


def test_balance_weights_represent_another_probability():
    drawn = {0.3: 4000, 0.5: 4000, 0.7: 4000}
    masks = np.concatenate([draw_masks(16, p, 0, count, seed=0, stream=0) for p, count in drawn.items()])
    for p in (0.3, 0.4, 0.6):
        weights = balance_weights(masks, p, drawn)
        np.testing.assert_allclose(weights.sum(), 1)
        assert np.abs(weights @ masks - p).max() < 0.03
        assert effective_sample_size(weights) > 0.3 * len(masks)


def test_masks_drawn_at_one_probability_have_equal_weights_there():
    masks = draw_masks(16, 0.3, 0, 100, seed=0, stream=0)
    np.testing.assert_allclose(balance_weights(masks, 0.3, {0.3: 100}), 0.01)


@pytest.mark.parametrize("p", [0, 1, -0.1, 2, float("nan"), "0.5", None, True])
def test_a_p_outside_the_open_interval_is_refused(p):
    with pytest.raises(InputError, match="between 0 and 1"):
        check_p(p)


@pytest.mark.parametrize(("p", "end"), [(1e-12, 0), (1 - 1e-9, 1)])
def test_p_too_close_to_0_or_1_is_rejected(p, end):
    assert check_p(1e-6) == 1e-6
    with pytest.raises(InputError, match=f"too close to {end} to resolve any effect"):
        check_p(p)


@pytest.mark.parametrize("budget", [3, 0, -8, 2**24 + 1, 10.5, "many", None, True, float("inf")])
def test_a_budget_out_of_range_is_refused(budget):
    with pytest.raises(InputError, match="whole number"):
        check_budget(budget)


@pytest.mark.parametrize(("p", "digest"), [(0.5, "22d3a2fd10786190"), (0.3, "72c3919bb4c6fa31")])
def test_random_masks_are_those_of_earlier_versions(p, digest):
    """Saved pools contain embeddings, not the masks of their draws."""
    masks = draw_masks(49, p, 0, 600, seed=7, stream=0)
    assert hashlib.sha256(masks.tobytes()).hexdigest()[:16] == digest


def test_masks_at_one_half_are_rows_of_arrays_only_if_chosen_and_if_an_array_fits():
    arrays = draw_masks(40, 0.5, 100, 300, seed=0, stream=2, design="orthogonal")
    np.testing.assert_array_equal(arrays, draw_array_masks(40, 100, 300, seed=0, stream=2))
    for n, p in ((40, 0.4), (1025, 0.5)):
        masks = (draw_masks(n, p, 0, 20, seed=0, stream=0, design=design) for design in ("orthogonal", "random"))
        np.testing.assert_array_equal(*masks)
