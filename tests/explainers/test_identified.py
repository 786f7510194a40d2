"""Terms with too few masks have no standard errors and are not marked as identified."""

import numpy as np
import pytest

from fixlip_widgets import IncrementalExplainer, VisionLanguageGame
from tests.golden import tiny_clip, tiny_game, tiny_pixels


def explained(budget, p=0.5):
    explainer = IncrementalExplainer(tiny_game())
    explainer.extend(p, budget)
    return explainer


@pytest.mark.parametrize("options", [{"p": 0.5}, {"p": 0.3}, {"p": 0.3, "ridge": 0.0}])
def test_too_few_masks_give_no_standard_errors(options):
    """Drawn at this p, or at another one, where a handful of masks count."""
    small = IncrementalExplainer(tiny_game())
    small.extend(options["p"], 2**6)
    far = IncrementalExplainer(tiny_game())
    far.extend(options["p"], 2**12)
    for explanation in (small.explanation(**options), far.explanation(**{**options, "p": 0.95})):
        assert explanation.effective_image_masks < 20
        off_diagonal = ~np.eye(explanation.n_players, dtype=bool)
        assert np.isnan(explanation.interactions_se[off_diagonal]).all()
        assert np.isnan(explanation.main_se).all()
        assert np.isnan(explanation.baseline_se)


def test_a_saturated_fit_without_ridge_has_errors_of_cross_modal_terms_only():
    explainer = IncrementalExplainer(tiny_game())
    explainer.extend(0.3, 2**12)
    explanation = explainer.explanation(ridge=0.0)
    assert not explanation.identified["image_image"]
    assert np.isnan(explanation.interactions_se[0, 1])
    assert np.isfinite(explanation.interactions_se[:16, 16:]).all()
    sums = explainer.group([0], explanation)
    assert np.isfinite(sums.se[16:]).all()
    assert np.isnan(sums.se[1:16]).all()


def test_all_masks_of_a_modality_determine_its_terms():
    for caption in ("cat", "a cat"):
        few = IncrementalExplainer(VisionLanguageGame(tiny_clip(), tiny_pixels(), caption, grid=(1, 2)))
        few.extend(0.5, 2**10)
        assert all(few.explanation().identified.values())


def test_a_pair_of_complements_is_one_unit_and_so_is_a_mask_that_repeats():
    explainer = IncrementalExplainer(tiny_game(batch_size=16))
    explainer.extend(0.5, 196)  # 28 masks are 14 pairs, and 16 patches
    assert explainer.probabilities == {0.5: 28}
    assert not explainer.explanation().identified["cross"]
    often = IncrementalExplainer(tiny_game(grid=(3, 3)))
    often.extend(0.97, 2**13)
    assert often.explanation().effective_image_masks > 46 > often.image_encodes
    assert not often.explanation().identified["image_image"]


def test_a_group_has_the_errors_of_its_explanation():
    explainer = explained(2**13)
    for ridge in (None, 0.0, 0.5, 50.0):
        explanation = explainer.explanation(ridge=ridge)
        others = np.arange(explanation.n_players) != 3
        errors = explainer.group([3], explanation).se
        np.testing.assert_allclose(errors[others], explanation.interactions_se[3][others], rtol=2e-2)


def test_another_p_reports_its_own_budget():
    explainer = explained(2**14, p=0.5)
    assert explainer.explanation().budget == 2**14
    assert explainer.explanation(0.7).budget < 2**13
