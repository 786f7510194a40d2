"""Regressions stay in memory as long as their explanation, and only the latest ones."""

import gc
import weakref

from fixlip_widgets.estimators.crossmodal_regression import regress
from fixlip_widgets.explanation import kept_fits
from fixlip_widgets.explanation.kept_fits import keep_fit, kept_fit
from tests.estimators.test_coverage import IMAGE, N_IMAGE, N_TEXT, TEXT, everything, sampled
from tests.examples import random_explanation


def kept(seed=0):
    explanation = random_explanation()
    keep_fit(explanation, regress(sampled(IMAGE, N_IMAGE, 0.5, 100, seed, 0), everything(TEXT, N_TEXT, 0.5)), 2.0)
    return explanation


def test_a_regression_is_kept_as_long_as_its_explanation():
    explanation = kept()
    found = kept_fit(explanation)
    assert found is not None
    assert found.scale == 2.0
    assert kept_fit(explanation.replace()) is None
    regression = weakref.ref(found.regression)
    del found, explanation
    gc.collect()
    assert regression() is None


def test_only_the_latest_regressions_are_kept(monkeypatch):
    monkeypatch.setattr(kept_fits, "MOST_BYTES", 1)
    first, second = kept(0), kept(1)
    assert kept_fit(first) is None
    assert kept_fit(second) is not None
