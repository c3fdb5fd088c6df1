"""Training a network on labelled tracks: one loop, and what goes into it and comes out of it."""
