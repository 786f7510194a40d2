"""Sums over groups of players agree with loops over the definition."""

from itertools import combinations

import numpy as np
import pytest

from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.group_sums import group
from tests.examples import random_explanation


@pytest.mark.parametrize("players", [(7,), (0, 7), (8, 2, 5), tuple(range(9))])
def test_sums_are_those_of_the_definition(players):
    explanation = random_explanation()
    pairs, summed = explanation.interactions, group(explanation, players)
    others = [j for j in range(9) if j not in players]
    np.testing.assert_allclose(summed.values, [sum(pairs[i, j] for i in players) for j in range(9)])
    assert summed.total == pytest.approx(sum(pairs[i, j] for i in players for j in others))
    assert summed.within == pytest.approx(sum(pairs[i, j] for i, j in combinations(players, 2)))
    assert summed.players == players


def test_errors_are_known_only_for_sums_of_one_interaction():
    explanation = random_explanation()
    errors = explanation.interactions_se
    np.testing.assert_array_equal(group(explanation, [3]).se, errors[3])
    assert group(explanation, [3, 8]).within_se == errors[3, 8]
    several = group(explanation, [3, 7, 8])
    assert (several.se, several.total_se, several.within_se) == (None, None, None)
    assert group(random_explanation(interactions_se=None), [3]).se is None


@pytest.mark.parametrize("players", [(), (1, 1), (9,)])
def test_a_group_has_distinct_existing_players(players):
    with pytest.raises(InputError):
        group(random_explanation(), players)
