"""Taste: recommendations learned from playlists, DJ histories and plays, for tracks that nobody has played, too.

contexts    what was listed or played together: playlists, evenings, and how often each track was played
factors     latent factors of contexts and tracks, by matrix factorisation of implicit feedback; needs the extra `taste`
head        latent factors of a track from its embedding
taste       both together: learned, kept in a file, and asked

After S. Dieleman, "Recommending music on Spotify with deep learning" (2014), with an embedding that was learned already
in the place of the network that was trained there on a million songs.
"""
