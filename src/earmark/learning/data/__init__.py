"""Lists of labelled tracks, where they come from, and caches of their windows and embeddings."""
