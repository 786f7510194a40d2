"""Explanations as immutable data, and operations on them."""
