"""Many pairs: explained in one run on this machine or a Ray cluster, kept as Parquet, and read back."""
