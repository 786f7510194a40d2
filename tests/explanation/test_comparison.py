"""B − A: players are matched by position and common words, errors add in quadrature, other pairs are rejected."""

import numpy as np
import pytest

from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.comparison import label, subtract
from tests.examples import random_explanation

PICTURE = np.zeros((32, 48, 3), dtype=np.uint8)


def pair(a_words="a red dog", b_words="a red dog", **fields):
    a = random_explanation(tokens=tuple(a_words.split()), draw=1, image=PICTURE, **fields)
    return a, random_explanation(tokens=tuple(b_words.split()), draw=2, image=PICTURE, **fields)


def test_with_one_caption_every_value_is_subtracted():
    a, b = pair()
    difference = subtract(b, a)
    explanation = difference.explanation
    np.testing.assert_allclose(explanation.interactions, b.interactions - a.interactions)
    np.testing.assert_allclose(explanation.main, b.main - a.main)
    assert explanation.baseline == pytest.approx(b.baseline - a.baseline)
    np.testing.assert_allclose(explanation.main_se, np.hypot(a.main_se, b.main_se))
    np.testing.assert_allclose(explanation.interactions_se, np.hypot(a.interactions_se, b.interactions_se))
    assert np.isnan(explanation.interactions_se[0, 1]), "unknown stays unknown"
    masks = np.random.default_rng(0).random((20, 9)) < 0.5
    np.testing.assert_allclose(explanation.predict(masks), b.predict(masks) - a.predict(masks))
    assert difference.unmatched == ()


@pytest.mark.parametrize(
    ("of_a", "of_b", "exists"),
    [
        ("banzhaf", "exclip", True),
        ("grad_eclip", "grad_eclip", True),
        ("banzhaf", "grad_eclip", False),
        ("game_attention", "banzhaf", False),
        ("game_attention", "grad_eclip", False),
    ],
)
def test_only_values_with_a_common_unit_are_subtracted(of_a, of_b, exists):
    a, b = pair()
    a, b = a.replace(method=of_a), b.replace(method=of_b)
    if exists:
        np.testing.assert_allclose(subtract(b, a).explanation.main, b.main - a.main)
    else:
        with pytest.raises(InputError, match="not in logits and cannot be subtracted"):
            subtract(b, a)


def test_words_that_only_one_caption_has_count_as_zero_in_the_other():
    a, b = pair("a red dog", "a big red dog today")
    difference = subtract(b, a)
    assert difference.unmatched == (7, 10)
    assert difference.explanation.tokens == b.tokens
    np.testing.assert_array_equal(difference.explanation.interactions[7], b.interactions[7])
    np.testing.assert_array_equal(difference.explanation.interactions_se[:, 10], b.interactions_se[:, 10])
    matched_b, matched_a = [*range(6), 6, 8, 9], [*range(9)]
    np.testing.assert_allclose(
        difference.explanation.interactions[np.ix_(matched_b, matched_b)],
        b.interactions[np.ix_(matched_b, matched_b)] - a.interactions[np.ix_(matched_a, matched_a)],
    )
    assert subtract(a, b).unmatched == ()


def test_repeated_words_are_matched_in_order():
    a, b = pair("a cat and a dog", "a dog")
    difference = subtract(b, a)
    np.testing.assert_allclose(difference.explanation.main[6:], b.main[6:] - a.main[[9, 10]])


def test_unknown_errors_stay_unknown():
    a, b = pair()
    explanation = subtract(b, a.replace(interactions_se=None)).explanation
    assert explanation.interactions_se is None
    assert explanation.main_se is not None


def test_against_a_first_order_method_attributions_are_subtracted():
    a, b = pair()
    first = a.replace(order=1, interactions=np.zeros((9, 9)), interactions_se=None, method="banzhaf_values")
    explanation = subtract(b, first).explanation
    assert not explanation.has_interactions
    np.testing.assert_allclose(explanation.main, b.first_order() - a.main)
    assert explanation.main_se is None


def test_different_grids_and_images_are_rejected():
    a, b = pair()
    with pytest.raises(InputError, match="3×2 patches and the other 2×3"):
        subtract(b, random_explanation(3, 2))
    with pytest.raises(InputError, match="different images"):
        subtract(b, a.replace(image=PICTURE + 1))


def test_a_label_has_caption_method_and_p():
    a, _ = pair(p=0.3)
    assert label(a.replace(caption="a red dog")) == "“a red dog” · FIxLIP (weighted Banzhaf) · p 0.3"
    assert label(a.replace(method="shapley")) == f"“{a.caption}” · Shapley interactions"
    assert label(a.replace(order=3)).split(" · ")[2] == "order 3"
