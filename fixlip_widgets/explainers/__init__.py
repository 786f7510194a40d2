"""From a game to an explanation: FIxLIP, Shapley interactions, and the baselines."""
