"""Support of tokens: sums of significant positive cross-modal terms."""

import numpy as np
import pytest

import fixlip_widgets as fx
from fixlip_widgets.explanation.token_support import token_support


@pytest.fixture(scope="module")
def explanation():
    scene = fx.demo.scene("dog_and_banana")
    model = fx.load_model()
    return fx.explain(scene.image, scene.caption, model=model, grid=(4, 4), budget=2**11, progress=False)


def test_support_sums_the_significant_positive_terms(explanation):
    values, errors = token_support(explanation)
    significant = explanation.significant.interactions[explanation.n_image :, : explanation.n_image]
    for token in range(explanation.n_text):
        terms = explanation.cross[token][significant[token] & (explanation.cross[token] > 0)]
        assert values[token] == pytest.approx(terms.sum())
        assert (errors[token] == 0) == (len(terms) == 0)
    assert values[1] > 0


def test_errors_of_sums_need_the_regression(explanation):
    alone = token_support(explanation.replace())
    np.testing.assert_array_equal(alone.values, token_support(explanation).values)
    assert np.isnan(alone.errors).any()


def test_values_without_interactions_have_no_support(explanation):
    first = explanation.replace(order=1, method="banzhaf_values")
    with pytest.raises(fx.InputError, match="no interactions"):
        token_support(first)
