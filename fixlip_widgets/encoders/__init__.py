"""What a model is, what goes into it, and how a batch of masks becomes a batch of embeddings."""
