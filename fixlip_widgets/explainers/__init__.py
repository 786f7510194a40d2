"""Explanations of a game: FIxLIP, Shapley interactions and the baselines."""

from fixlip_widgets.explainers.recording import record

__all__ = ["record"]
