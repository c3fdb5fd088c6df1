"""A collection of tracks: what is known of them, what stands in their files, and how other programs get to know it.

It takes any callable from a path to an `Analysis`; it never imports the networks.
"""

from earmark.library.catalogue import Catalogue, Query
from earmark.library.track import Tags, Track

__all__ = ["Catalogue", "Query", "Tags", "Track"]
