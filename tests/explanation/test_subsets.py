"""The subset search agrees with exhaustive search, and ends only if no exchange improves the coalition."""

import numpy as np
import pytest

from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation import subsets
from fixlip_widgets.explanation.subsets import best_subset, best_subsets
from tests.examples import dog_and_hydrant


def random_game(n, seed, density=1.0):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.normal(size=(n, n)) * (rng.random((n, n)) < density), 1)
    return rng.normal(size=n), upper + upper.T


def value(main, interactions, players):
    inside = list(players)
    return main[inside].sum() + interactions[np.ix_(inside, inside)].sum() / 2


def best_by_enumeration(main, interactions, sign):
    n = len(main)
    masks = ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(float)
    values = masks @ main + 0.5 * ((masks @ interactions) * masks).sum(axis=1)
    best = np.full(n + 1, -np.inf)
    np.maximum.at(best, masks.sum(axis=1).astype(int), sign * values)
    return sign * best


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("density", [0.3, 1.0])
@pytest.mark.parametrize("n", [1, 2, 5, 9, 12])
def test_every_size_equals_enumeration(n, density, sign):
    for seed in range(10):
        main, interactions = random_game(n, seed, density)
        found = best_subsets(main, interactions, sign)
        np.testing.assert_allclose([v for _, v in found], best_by_enumeration(main, interactions, sign), atol=1e-9)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("density", [0.3, 1.0])
def test_the_search_alone_equals_enumeration(monkeypatch, density, sign):
    """Disable the exhaustive search for few players."""
    monkeypatch.setattr(subsets, "_EXACT", 0)
    for seed in range(60):
        main, interactions = random_game(3 + seed % 10, seed, density)
        found = best_subsets(main, interactions, sign)
        np.testing.assert_allclose([v for _, v in found], best_by_enumeration(main, interactions, sign), atol=1e-9)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("n", [8, 30])
def test_no_exchange_improves_a_subset(n, sign):
    main, interactions = random_game(n, seed=n)
    for players, best in best_subsets(main, interactions, sign):
        for leaving in players:
            for entering in set(range(n)) - set(players):
                swapped = (set(players) - {leaving}) | {entering}
                assert sign * value(main, interactions, swapped) <= sign * best + 1e-9


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("n", [6, 25])
def test_value_is_that_of_the_players_returned(n, sign):
    main, interactions = random_game(n, seed=n)
    for size, (players, best) in enumerate(best_subsets(main, interactions, sign)):
        assert len(players) == size
        assert list(players) == sorted(set(players))
        assert best == pytest.approx(value(main, interactions, players), abs=1e-9)


def test_one_size_and_all_sizes_agree():
    explanation = dog_and_hydrant()
    at_once = best_subsets(explanation.main, explanation.interactions, -1)
    for size in (0, 1, 7, 30, 56, 57):
        players, best = explanation.subset(size, -1)
        assert players == at_once[size][0]
        assert best == pytest.approx(at_once[size][1])


def test_no_player_has_value_zero_and_all_players_the_whole_sum():
    explanation = dog_and_hydrant()
    assert explanation.subset(0) == ((), 0.0)
    players, total = explanation.subset(explanation.n_players)
    assert players == tuple(range(57))
    everyone = np.ones((1, 57), dtype=bool)
    assert total == pytest.approx(explanation.predict(everyone)[0] - explanation.baseline)


def test_least_similar_subsets_of_a_real_explanation_are_far_below_greedy_ones():
    """Mean over the sizes 1 to n − 1, without the baseline; greedy growth from every player alone reaches −5.5."""
    explanation = dog_and_hydrant()
    values = [v for _, v in best_subsets(explanation.main, explanation.interactions, -1)]
    assert np.mean(values[1:-1]) <= -9.3


def test_equal_players_and_no_interactions_end_the_search():
    players, best = best_subset(np.ones(20), np.zeros((20, 20)), 4)
    assert (len(players), best) == (4, 4.0)


@pytest.mark.parametrize("size", [-1, 6, 2.5, "two", None])
def test_invalid_sizes_are_rejected(size):
    with pytest.raises(InputError, match="size"):
        best_subset(*random_game(5, 0), size)


@pytest.mark.parametrize("sign", [0, 2, True, "+"])
def test_invalid_signs_are_rejected(sign):
    with pytest.raises(InputError, match="sign"):
        best_subset(*random_game(5, 0), 2, sign)


@pytest.mark.parametrize(
    ("main", "interactions", "says"),
    [
        (np.ones(3), np.zeros((2, 2)), "shape"),
        (np.ones((3, 1)), np.zeros((3, 3)), "shape"),
        (np.ones(0), np.zeros((0, 0)), "shape"),
        (np.array([1.0, np.nan]), np.zeros((2, 2)), "finite"),
        (np.ones(2), np.array([[0.0, 1.0], [2.0, 0.0]]), "symmetric"),
        (np.ones(2), np.eye(2), "diagonal"),
    ],
)
def test_invalid_arrays_are_rejected(main, interactions, says):
    with pytest.raises(InputError, match=says):
        best_subsets(main, interactions)


def test_rounding_is_not_an_asymmetry():
    main, pairs = random_game(9, seed=0)
    noisy = pairs + 1e-7 * np.triu(np.ones((9, 9)), 1)
    for (players, value), (same, exact) in zip(best_subsets(main, noisy), best_subsets(main, pairs), strict=True):
        assert players == same
        assert value == pytest.approx(exact, abs=1e-5)


@pytest.mark.parametrize("n", [9, 30])
@pytest.mark.parametrize("sign", [1, -1])
def test_selected_sizes_agree_with_all_sizes(n, sign):
    main, interactions = random_game(n, seed=1)
    every = best_subsets(main, interactions, sign)
    assert best_subsets(main, interactions, sign, (4, 0, n, 2)) == [every[4], every[0], every[n], every[2]]
    assert best_subsets(main, interactions, sign, ()) == []
    assert best_subsets(main, interactions, sign, range(8)) == best_subsets(main, interactions, sign)[:8]
