"""Models, their inputs, and the encoding of batches of masks into embeddings."""
