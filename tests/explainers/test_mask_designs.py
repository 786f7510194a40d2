"""Masks from orthogonal arrays, from the argument to the result."""

import numpy as np
import pytest

import fixlip_widgets as fx
from fixlip_widgets.explanation.comparison import subtract
from fixlip_widgets.pages.provenance import provenance, reproduction
from tests.golden import tiny_clip, tiny_game, tiny_pixels

BOUND = ("standard errors", "upper bounds: 95 % intervals cover at least 95 % of the terms")


def explained(masks, p=0.5):
    explainer = fx.IncrementalExplainer(tiny_game(), masks=masks)
    explainer.extend(p, 2**12)
    return explainer, explainer.explanation()


def test_explanations_record_how_masks_were_drawn():
    for masks in ("orthogonal", "random"):
        explanation = explained(masks)[1]
        arrays = masks == "orthogonal"
        assert explanation.masks == masks
        assert explanation.conservative_errors == arrays
        rows = provenance(explanation)
        assert dict(rows)["masks"].startswith(masks)
        assert (BOUND in rows) == arrays
    values = explained("orthogonal")[0].banzhaf_values()
    assert values.conservative_errors


def test_code_that_reproduces_an_explanation_names_a_design_other_than_the_default():
    assert "masks='random'" in reproduction(explained("random")[1])
    assert "masks='random'" in reproduction(explained("random")[1].replace(masks=""))  # of an earlier version
    assert "masks=" not in reproduction(explained("orthogonal")[1])


def test_errors_at_other_p_are_upper_bounds_only_if_arrays_contribute():
    assert not explained("orthogonal", p=0.3)[1].conservative_errors
    explainer, _ = explained("orthogonal")
    assert explainer.explanation(0.45).conservative_errors


def test_a_difference_has_upper_bounds_if_either_side_has():
    arrays, random = explained("orthogonal")[1], explained("random")[1]
    for one, other in ((arrays, random), (random, arrays)):
        assert subtract(one, other).explanation.conservative_errors
    assert not subtract(random, random).explanation.conservative_errors


def test_designs_share_neither_masks_nor_their_held_out_masks_with_the_fit():
    arrays, random = (explained(masks)[0].pools for masks in ("orthogonal", "random"))
    assert not np.array_equal(arrays.image.modality(0.5).masks, random.image.modality(0.5).masks)
    np.testing.assert_array_equal(arrays.held_out.modality(0.5).masks, random.held_out.modality(0.5).masks)


def test_a_saved_pool_of_arrays_resumes_bit_for_bit(tmp_path):
    explainer, before = explained("orthogonal")
    explainer.save(tmp_path / "pool.npz")
    resumed = fx.IncrementalExplainer.load(tmp_path / "pool.npz", tiny_game())
    assert resumed.masks == "orthogonal"
    np.testing.assert_array_equal(resumed.explanation().interactions, before.interactions)
    for each in (explainer, resumed):
        each.extend(0.5, 2**13)
    np.testing.assert_array_equal(resumed.explanation().interactions, explainer.explanation().interactions)


def test_other_captions_of_an_explainer_use_its_design():
    explainer, _ = explained("orthogonal")
    other = explainer.with_game(tiny_game(1))
    assert other.masks == other.pools.text.design == "orthogonal"
    explainer.set_text("another caption")
    assert explainer.pools.text.design == "orthogonal"


def test_an_unknown_design_is_rejected():
    with pytest.raises(fx.InputError, match="orthogonal, random"):
        fx.IncrementalExplainer(tiny_game(), masks="sobol")
    with pytest.raises(fx.InputError, match="draws masks of its own"):
        fx.explain(tiny_pixels(), "a dog", model=tiny_clip(), method="shapley", masks="random")
