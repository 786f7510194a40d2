"""``stop_at``: encode only until the explanation is as precise as asked."""

import math

import numpy as np
import pytest

import fixlip_widgets as fx
from fixlip_widgets.explainers.stopping import extend_until
from fixlip_widgets.explanation.precision import relative_error
from fixlip_widgets.support.checks import MIN_BUDGET
from tests.examples import random_explanation
from tests.golden import load, tiny_clip, tiny_game, tiny_pixels

BUDGET = 2**17


def explained(**options):
    return fx.explain(tiny_pixels(), str(load("tiny_clip_expected")["captions"][0]), model=tiny_clip(), **options)


def test_precision_is_the_typical_error_of_cross_modal_terms_relative_to_the_largest():
    explanation = random_explanation()
    n, pairs, errors = explanation.n_image, np.zeros((9, 9)), np.full((9, 9), 7.0)
    pairs[2, n] = pairs[n, 2] = -5.0
    errors[:n, n:] = errors[n:, :n].T[:] = 0.1
    errors[0, n] = math.nan
    precise = explanation.replace(interactions=pairs, interactions_se=errors)
    assert relative_error(precise) == pytest.approx(0.02)
    assert relative_error(explanation.replace(interactions_se=np.zeros((9, 9)))) == 0.0
    assert math.isnan(relative_error(explanation.replace(interactions_se=None)))
    patches = random_explanation(tokens=())
    typical = np.sqrt(np.nanmean(np.square(patches.interactions_se[np.triu_indices(6, 1)])))
    assert relative_error(patches) == pytest.approx(typical / np.abs(patches.interactions).max())
    values = explanation.replace(interactions=np.zeros((9, 9)), order=1, main_se=np.full(9, 0.5))
    assert relative_error(values) == pytest.approx(0.5 / np.abs(values.main).max())


def test_encoding_stops_as_soon_as_the_asked_precision_is_reached():
    stopped = explained(budget=BUDGET, stop_at=0.1)
    assert relative_error(stopped) <= 0.1
    assert MIN_BUDGET < stopped.budget < BUDGET
    half = explained(budget=stopped.budget // 2)
    assert not relative_error(half) <= 0.1
    again = explained(budget=stopped.budget)
    np.testing.assert_allclose(stopped.interactions, again.interactions, atol=1e-4)
    assert (stopped.image_encodes, stopped.text_encodes) == (again.image_encodes, again.text_encodes)


def test_the_budget_is_used_up_if_it_does_not_suffice_for_the_precision():
    stopped = explained(budget=2**13, stop_at=1e-6)
    assert stopped.budget == 2**13
    np.testing.assert_allclose(stopped.interactions, explained(budget=2**13).interactions, atol=1e-4)


def test_progress_counts_the_encodings_of_the_whole_budget():
    explainer = fx.IncrementalExplainer(tiny_game())
    expected = sum(explainer.missing(0.5, 2**13))
    states = []
    extend_until(explainer, 0.5, 2**13, 1e-6, explainer.explanation, states.append)
    assert {state.total for state in states} == {expected}
    assert [state.done for state in states] == sorted(state.done for state in states)
    assert states[-1].done == explainer.image_encodes + explainer.text_encodes


@pytest.mark.parametrize("stop_at", [0, 1, -0.1, math.nan, True, "0.1"])
def test_a_precision_that_is_none_is_refused(stop_at):
    with pytest.raises(fx.InputError, match="stop_at"):
        explained(stop_at=stop_at)


def test_methods_without_a_pool_refuse_a_precision():
    with pytest.raises(fx.InputError, match="stop_at"):
        explained(stop_at=0.1, method="shapley")
