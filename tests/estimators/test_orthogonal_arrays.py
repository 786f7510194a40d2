import itertools

import numpy as np
import pytest

from fixlip_widgets.estimators.orthogonal_arrays import MOST_PLAYERS, array_length, draw_array_masks


def array(n, seed=0, index=0):
    length = array_length(n)
    return draw_array_masks(n, index * length, (index + 1) * length, seed=seed, stream=0)


def counts_of_states(masks, players):
    """Return how many masks keep each subset of ``players``."""
    return np.bincount(masks[:, players] @ (1 << np.arange(len(players))), minlength=2 ** len(players))


@pytest.mark.parametrize("n", [16, 11])
def test_any_five_players_of_a_small_array_take_all_states_equally_often(n):
    masks = array(n)
    assert len({mask.tobytes() for mask in masks}) == len(masks) or n < 16
    for players in itertools.combinations(range(n), 5):
        np.testing.assert_array_equal(counts_of_states(masks, list(players)), 256 // 32)


@pytest.mark.parametrize("n", [64, 49, 256, 196])
def test_any_five_players_of_a_large_array_take_all_states_equally_often(n):
    masks, random = array(n), np.random.default_rng(0)
    for _ in range(300 if n <= 64 else 40):
        players = random.choice(n, 5, replace=False)
        np.testing.assert_array_equal(counts_of_states(masks, players), len(masks) // 32)


def test_all_products_of_up_to_five_of_64_columns_have_mean_zero():
    """Five columns are orthogonal if every two disjoint sets of at most two and three are."""
    signs = np.where(array(64, seed=1), 1.0, -1.0)
    columns = signs[:, np.random.default_rng(0).choice(64, 24, replace=False)].T
    sets = {
        size: [np.prod(columns[list(c)], axis=0) for c in itertools.combinations(range(24), size)] for size in (2, 3)
    }
    products = np.array(sets[3]) @ np.array(sets[2]).T  # a set within the other leaves a product of one column
    np.testing.assert_array_equal(products, 0)


def test_the_largest_array_has_rows_at_few_distances():
    """Words of a Kerdock code of length n differ in 0, (n ± √n)/2, n/2 or n places."""
    masks = draw_array_masks(MOST_PLAYERS, 0, 2000, seed=0, stream=0).astype(np.float64)
    distances = masks @ (1 - masks).T + (1 - masks) @ masks.T
    assert set(np.unique(distances)) == {0, 496, 512, 528, 1024}
    assert (distances == 0).sum() == 2000


@pytest.mark.parametrize("n", [5, 16, 40, 64])
def test_rows_are_complement_pairs(n):
    masks = array(n)
    np.testing.assert_array_equal(masks[::2], ~masks[1::2])


@pytest.mark.parametrize("cut", [1, 2, 255, 256, 257, 700])
def test_a_longer_stream_keeps_earlier_masks_across_arrays(cut):
    whole = draw_array_masks(13, 0, 1000, seed=3, stream=1)
    parts = [draw_array_masks(13, *ends, seed=3, stream=1) for ends in ((0, cut), (cut, cut), (cut, 1000))]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_arrays_seeds_and_streams_are_independent():
    base = array(64)
    others = array(64, index=1), array(64, seed=1), draw_array_masks(64, 0, 4096, seed=0, stream=1)
    for other in others:
        assert abs((base == other).mean() - 0.5) < 0.02
        assert np.abs(np.corrcoef(base.T, other.T)[:64, 64:]).max() < 0.1


def test_every_position_of_the_stream_is_a_uniform_mask():
    masks = np.stack([draw_array_masks(6, 0, 40, seed=seed, stream=0) for seed in range(3000)])
    states = masks @ (1 << np.arange(6))
    for position in (0, 1, 17, 38):
        frequencies = np.bincount(states[:, position], minlength=64)
        assert np.square(frequencies - 3000 / 64).sum() / (3000 / 64) < 110  # chi-squared, 63 degrees: p = 0.0002
