"""Random explanations are reproducible and have the requested order."""

import numpy as np
import pytest

from fixlip_widgets import InputError
from fixlip_widgets.explainers.baselines import random_explanation
from tests.golden import tiny_game


def test_the_seed_decides():
    game = tiny_game()
    first, again, other = (random_explanation(game, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.interactions, again.interactions)
    assert (first.interactions != other.interactions).any()
    assert not random_explanation(game, order=1).has_interactions


def test_unsupported_order_is_rejected():
    with pytest.raises(InputError, match="order"):
        random_explanation(tiny_game(), order=3)
