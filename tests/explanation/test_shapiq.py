"""To shapiq and back: the same numbers, under shapiq's names; and shapiq computes what this package computes."""

import builtins

import numpy as np
import pytest
import shapiq

from fixlip_widgets import InputError
from fixlip_widgets.estimators import exact
from fixlip_widgets.explanation.explanation import Explanation
from tests.examples import dog_and_hydrant, random_explanation


def first_order(**fields):
    return random_explanation(interactions=np.zeros((9, 9)), order=1, **fields)


@pytest.mark.parametrize("method", ["banzhaf", "shapley"])
@pytest.mark.parametrize("order", [1, 2])
def test_a_round_trip_changes_no_number(method, order):
    explanation = (first_order if order == 1 else random_explanation)(method=method, budget=4096, p=0.7)
    back = Explanation.from_shapiq(
        explanation.to_shapiq(), explanation.tokens, explanation.grid, p=0.7, caption=explanation.caption
    )
    assert back.baseline == explanation.baseline
    np.testing.assert_array_equal(back.main, explanation.main)
    np.testing.assert_array_equal(back.interactions, explanation.interactions)
    for name in ("method", "order", "budget", "p", "caption", "tokens", "grid"):
        assert getattr(back, name) == getattr(explanation, name)


@pytest.mark.parametrize(
    ("method", "order", "index"),
    [
        ("banzhaf", 2, "FBII"),
        ("shapley", 2, "FSII"),
        ("banzhaf", 1, "BV"),
        ("shapley", 1, "SV"),
        ("banzhaf_values", 1, "BV"),
        ("shapley_values", 1, "SV"),
    ],
)
def test_shapiq_knows_the_index_and_every_term(method, order, index):
    explanation = (first_order if order == 1 else random_explanation)(method=method)
    values = explanation.to_shapiq()
    assert (values.index, values.max_order, values.n_players) == (index, order, 9)
    assert values.baseline_value == values[()] == explanation.baseline
    assert values[(4,)] == explanation.main[4]
    assert len(values.dict_values) == 1 + 9 + (36 if order == 2 else 0)
    if order == 2:
        assert values[(2, 7)] == explanation.interactions[2, 7]


def test_a_real_explanation_goes_there_and_back():
    explanation = dog_and_hydrant()
    back = Explanation.from_shapiq(explanation.to_shapiq(), explanation.tokens, explanation.grid)
    np.testing.assert_array_equal(back.cross, explanation.cross)


@pytest.mark.parametrize(("index", "order"), [("FBII", 2), ("FSII", 2), ("BV", 1), ("SV", 1)])
def test_shapiqs_exact_computation_agrees_with_ours(index, order):
    n, table = 6, np.random.default_rng(0).normal(size=64)

    class Table(shapiq.Game):
        def value_function(self, coalitions):
            return table[coalitions @ (1 << np.arange(n))]

    theirs = shapiq.ExactComputer(game=Table(n_players=n, normalize=False), n_players=n)(index, order)
    found = Explanation.from_shapiq(theirs, tokens=("a", "b"), grid=(2, 2))
    ours = (exact.banzhaf_interactions if "B" in index else exact.shapley_interactions)(table, order=order)
    np.testing.assert_allclose(found.main, ours.main, atol=1e-7)  # shapiq enforces by a penalty
    np.testing.assert_allclose(found.interactions, ours.interactions, atol=1e-7)


def test_missing_terms_are_zero():
    values = shapiq.InteractionValues(
        np.array([1.0, 2.0]),
        index="FSII",
        max_order=2,
        n_players=3,
        min_order=1,
        baseline_value=0.5,
        interaction_lookup={(0,): 0, (1, 2): 1},
    )
    explanation = Explanation.from_shapiq(values, tokens=("a",), grid=(1, 2))
    assert explanation.baseline == 0.5
    np.testing.assert_array_equal(explanation.main, [1, 0, 0])
    np.testing.assert_array_equal(explanation.interactions, [[0, 0, 0], [0, 0, 2], [0, 2, 0]])


def test_a_method_without_an_index_requires_one():
    explanation = first_order(method="grad_eclip")
    with pytest.raises(InputError, match="grad_eclip"):
        explanation.to_shapiq()
    assert explanation.to_shapiq(index="SV").index == "SV"


def test_mismatched_values_are_rejected():
    values = random_explanation().to_shapiq()
    with pytest.raises(InputError, match="9 players"):
        Explanation.from_shapiq(values, tokens=("a", "b"), grid=(2, 3))
    with pytest.raises(InputError, match="order 3"):
        random_explanation(order=3).to_shapiq()


def test_a_missing_shapiq_is_reported_with_the_install_command(monkeypatch):
    plain = builtins.__import__

    def missing(name, *rest):
        if name == "shapiq":
            raise ImportError(name)
        return plain(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"pip install 'fixlip-widgets\[shapiq\]'"):
        random_explanation().to_shapiq()
