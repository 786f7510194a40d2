"""Baseline explanations of the same game: values, gradients, attention, path integrals and random numbers."""

from fixlip_widgets.explainers.baselines.chance import random_explanation
from fixlip_widgets.explainers.baselines.exclip import exclip
from fixlip_widgets.explainers.baselines.gradients import game_attention, grad_eclip
from fixlip_widgets.explainers.baselines.values import banzhaf_values, shapley_values

__all__ = ["banzhaf_values", "exclip", "game_attention", "grad_eclip", "random_explanation", "shapley_values"]
