"""Training of the packaged model: pictures, training, evaluation and model card."""
