"""Metrics: how faithful an explanation is to its game, and whether it points at the right places."""

from fixlip_widgets.metrics.curves import Curves, insertion_deletion
from fixlip_widgets.metrics.fit import r2_score, spearman
from fixlip_widgets.metrics.pointing import Pointing, pointing_game
from fixlip_widgets.metrics.sampled import Faithfulness, Sample, faithfulness, sample

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
