"""Explanations of a game: FIxLIP, Shapley interactions and the baselines."""
