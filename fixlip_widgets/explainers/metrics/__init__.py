"""Metrics: how faithful an explanation is to its game, and whether it points at the right places."""

from fixlip_widgets.explainers.metrics.curves import Curves, insertion_deletion
from fixlip_widgets.explainers.metrics.fit import r2_score, spearman
from fixlip_widgets.explainers.metrics.pointing import Pointing, pointing_game
from fixlip_widgets.explainers.metrics.sampled import Faithfulness, Sample, faithfulness, sample

__all__ = [
    "Curves",
    "Faithfulness",
    "Pointing",
    "Sample",
    "faithfulness",
    "insertion_deletion",
    "pointing_game",
    "r2_score",
    "sample",
    "spearman",
]
