"""How the packaged model was made: pictures, training, evaluation and model card."""
