"""Metrics of explanations: faithfulness to the game, and localisation of the named objects."""

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
