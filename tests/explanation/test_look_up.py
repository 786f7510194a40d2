"""Terms are looked up by their players, listed by kind and sign, and printed."""

import numpy as np
import pytest

from fixlip_widgets import InputError
from fixlip_widgets.explanation.triples import Triples
from tests.examples import random_explanation


def third_order():
    rng = np.random.default_rng(0)
    n_image, n_text = 6, 3
    blocks = []
    for outer, inner in ((n_text, n_image), (n_image, n_text)) * 2:
        upper = np.triu(rng.uniform(0.5, 1, size=(outer, inner, inner)), 1)
        blocks.append(upper + upper.transpose(0, 2, 1))
    return random_explanation(order=3, triples=Triples(*blocks))


def test_terms_are_looked_up_by_names_and_indices_in_any_order():
    explanation = random_explanation()
    assert explanation["dog"] == explanation.main[8]
    assert explanation["red", "dog"] == explanation["dog", "red"] == explanation.interactions[7, 8]
    assert explanation[2, "dog"] == explanation["patch (1, 3)", 8] == explanation.interactions[2, 8]


def test_third_order_terms_are_looked_up_by_three_players():
    explanation = third_order()
    for players, value, _ in zip(*explanation.triples.terms(), strict=True):
        assert explanation[tuple(players[::-1].tolist())] == value
    assert explanation[0, 1, 2] == 0.0, "image–image–image terms are not fitted"


@pytest.mark.parametrize(
    ("players", "message"),
    [
        (("dog", "dog"), "not distinct"),
        (("dog", 8), "not distinct"),
        (("dog", "cat"), "'cat' is not a player"),
        ((0, 1, 2), "3 players were given, but the explanation has terms of up to 2"),
        ((), "0 players"),
        (99, "Player 99 does not exist"),
    ],
)
def test_terms_that_do_not_exist_are_refused(players, message):
    with pytest.raises(InputError, match=message):
        _ = random_explanation()[players]


def test_first_order_explanations_have_no_interactions_to_look_up():
    explanation = random_explanation(order=1, method="banzhaf_values")
    assert explanation["dog"] == explanation.main[8]
    with pytest.raises(InputError, match="terms of up to 1"):
        _ = explanation["dog", "red"]


def test_an_explanation_is_not_a_sequence():
    with pytest.raises(TypeError):
        iter(random_explanation())


@pytest.mark.parametrize(
    "kind", ["image", "text", "image_image", "cross", "text_text", "image_image_text", "image_text_text"]
)
@pytest.mark.parametrize("sign", [None, 1, -1, "positive", "negative", "both"])
def test_top_lists_the_strongest_terms_of_a_kind_and_sign(kind, sign):
    explanation = third_order()
    terms = explanation.top(1000, kind=kind, sign=sign)
    values = [term.value for term in terms]
    assert values == sorted(values, key=lambda value: -abs(value))
    direction = {"positive": 1, "negative": -1, "both": None}.get(sign, sign)
    assert direction is None or all(value * direction > 0 for value in values)
    assert {explanation.kind_of(term.players) for term in terms} <= {kind}
    frame = explanation.to_frame()
    listed = frame[frame["kind"] == kind]["value"].to_numpy()
    assert len(terms) == len(listed if direction is None else listed[listed * direction > 0])
    assert [term.players for term in explanation.top(2, kind, sign)] == [term.players for term in terms[:2]]
    for term in terms[:3]:
        assert explanation[term.players] == term.value


def test_kinds_that_an_explanation_does_not_have_are_empty_lists():
    assert random_explanation().top(kind="image_image_text") == []
    assert random_explanation(order=1, method="banzhaf_values").top(kind="cross") == []


@pytest.mark.parametrize("wrong", [{"kind": "circle"}, {"sign": 2}, {"sign": "up"}])
def test_unknown_kinds_and_signs_are_refused(wrong):
    with pytest.raises(InputError, match="must be"):
        random_explanation().top(**wrong)


def test_print_shows_the_strongest_terms_with_their_errors():
    explanation = random_explanation()
    caption, summary, *rows = str(explanation).splitlines()
    assert caption == "a red dog"
    assert summary == explanation.summary()
    assert len(rows) == 12
    first = explanation.top(1)[0]
    assert rows[0].split("±")[0].split() == [*" × ".join(first.names).split(), f"{first.value:+#9.3g}".strip()]
    assert repr(explanation).startswith("<Explanation of")
