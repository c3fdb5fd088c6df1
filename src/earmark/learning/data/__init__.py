"""What a network learns from: lists of labelled tracks, where they come from, and their sound in a cache."""
