"""Estimators of the baseline, main effects and interactions from encoded masks."""

from fixlip_widgets.estimators.crossmodal_regression import Fit, fit_crossmodal
from fixlip_widgets.estimators.joint import fit_joint

__all__ = ["Fit", "fit_crossmodal", "fit_joint"]
