"""Other explanations of the same game, to compare with: first-order values."""

from fixlip_widgets.baselines.values import banzhaf_values, shapley_values

__all__ = ["banzhaf_values", "shapley_values"]
