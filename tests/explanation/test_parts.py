"""Parts of the similarity and their differences."""

from __future__ import annotations

import numpy as np
import pytest

import fixlip_widgets as fx
from fixlip_widgets.explanation.parts import parts, subtract_parts
from fixlip_widgets.pages.wire_format import shares_of
from tests.examples import random_explanation
from tests.golden import tiny_clip, tiny_pixels


def test_the_parts_add_up_to_the_similarity():
    explanation = random_explanation(similarity=12.5)
    *terms, total = parts(explanation)
    assert total.kind == "similarity"
    assert total.value == pytest.approx(12.5)
    assert sum(part.value for part in terms) == pytest.approx(12.5)
    by_kind = {part.kind: part.value for part in terms}
    assert by_kind["residual"] == pytest.approx(explanation.residual)
    assert by_kind["cross"] == pytest.approx(explanation.cross.sum())


def test_without_a_similarity_the_parts_add_up_to_the_surrogate():
    explanation = random_explanation()
    total = parts(explanation)[-1]
    assert total.kind == "surrogate"
    assert total.value == pytest.approx(explanation.predict(np.ones((1, explanation.n_players), dtype=bool))[0])


def test_parts_of_players_that_do_not_exist_are_absent():
    classes = fx.explain_classes(tiny_pixels(), ["cat", "dog"], model=tiny_clip(), budget=300)
    logit, margin = parts(classes["dog"]), parts(classes["dog"] - classes["cat"])
    assert [part.kind for part in logit] == ["baseline", "image", "image_image", "residual", "similarity"]
    assert [part.kind for part in margin] == [part.kind for part in logit]
    assert {share["kind"] for share in shares_of(classes["dog"])["parts"]} == {"image", "image_image"}


def test_differences_of_parts_add_up_to_the_difference_of_similarities():
    b = random_explanation(similarity=12.5)
    a = random_explanation(draw=1, similarity=10.0)
    *terms, total = subtract_parts(parts(b), parts(a))
    assert total.value == pytest.approx(2.5)
    assert sum(part.value for part in terms) == pytest.approx(2.5)


def test_unlike_parts_have_no_difference():
    assert subtract_parts(parts(random_explanation(similarity=12.5)), parts(random_explanation())) == ()
