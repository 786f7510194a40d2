"""The result as data, and the questions that are asked of it."""
