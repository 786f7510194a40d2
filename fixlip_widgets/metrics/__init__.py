"""Metrics: how faithful an explanation is to the game it explains."""

from fixlip_widgets.metrics.fit import r2_score, spearman

__all__ = ["r2_score", "spearman"]
