"""Standard errors of sums over several players."""

import numpy as np
import pytest

from fixlip_widgets.estimators.crossmodal_regression import regress
from fixlip_widgets.estimators.standard_errors import standard_errors
from fixlip_widgets.estimators.sums import cross_sum_errors, sum_errors
from tests.estimators.test_coverage import IMAGE, N_IMAGE, N_TEXT, TEXT, everything, sampled

N = N_IMAGE + N_TEXT


def group(*players):
    inside = np.zeros(N, dtype=bool)
    inside[list(players)] = True
    return inside


def fitted(p=0.4, of_text=None, **options):
    text = everything(TEXT, N_TEXT, p) if of_text is None else sampled(TEXT, N_TEXT, p, of_text, 0, 1)
    return regress(sampled(IMAGE, N_IMAGE, p, 500, 0, 0), text, **options)


def test_the_sums_of_one_player_have_the_errors_of_its_interactions():
    for fit in (fitted(ridge=0.0), fitted(ridge=None), fitted(p=0.5, ridge=0.0), fitted(ridge=0.0, of_text=300)):
        errors = standard_errors(fit).interactions
        for player in (2, N_IMAGE + 1):
            others = np.arange(N) != player
            found = sum_errors(fit, group(player)).values[others]
            np.testing.assert_allclose(found, errors[player][others], rtol=2e-2)


def test_the_sum_within_a_pair_has_the_error_of_its_interaction():
    fit = fitted(ridge=None)
    errors = standard_errors(fit).interactions
    for pair in ((0, 3), (1, N_IMAGE), (N_IMAGE, N_IMAGE + 2)):
        np.testing.assert_allclose(sum_errors(fit, group(*pair)).within, errors[pair], rtol=2e-2)


def test_sums_of_unfitted_terms_have_no_errors():
    errors = sum_errors(fitted(pairs=False), group(0, 1, N_IMAGE))
    assert np.isnan(errors.values[:N_IMAGE]).all()
    assert np.isnan([errors.total, errors.within]).all()
    alone = sum_errors(fitted(pairs=False), group(0))
    assert np.isfinite(alone.values[N_IMAGE:]).all()


def test_enumerated_masks_leave_no_error():
    fit = regress(everything(IMAGE, N_IMAGE, 0.4), everything(TEXT, N_TEXT, 0.4))
    assert not sum_errors(fit, group(0, 1)).values.any()


def test_sums_of_chosen_cross_modal_terms_have_the_errors_of_their_groups():
    chosen = np.zeros((N_TEXT, N_IMAGE), dtype=bool)
    chosen[0, [0, 2, 3]] = chosen[1, 1] = True
    for fit in (fitted(ridge=None), fitted(p=0.5, ridge=0.0), fitted(ridge=0.0, of_text=300)):
        found = cross_sum_errors(fit, chosen, scale=2.0)
        assert found[0] == pytest.approx(2 * sum_errors(fit, group(0, 2, 3)).values[N_IMAGE], rel=2e-2)
        assert found[1] == pytest.approx(2 * standard_errors(fit).interactions[N_IMAGE + 1, 1], rel=2e-2)
        assert not found[2:].any()
        single = standard_errors(fit).interactions[N_IMAGE, [0, 2, 3]]
        assert abs(found[0] / 2 / np.hypot.reduce(single) - 1) > 1e-3  # the terms are not independent
