"""A collection of tracks: the catalogue of what was heard, the tags in the files, and the way to other programs.

catalogue    everything that is known of each track, in one SQLite file
scanning     a folder into the catalogue, or into Parquet on a cluster
tags         the tags of a file, read and changed without harm
exports      the collection for other programs
imports      the collections of other programs
audit        genre tags that disagree with what was heard
duplicates   the same recording more than once
embeddings   the embeddings of a collection as matrices, and nearest neighbours
similarity   tracks that sound alike, with hubs corrected
content      the content hash of a file
places       paths in the words of other programs
track        the records `Track` and `Tags`

Whatever hears a file is a callable from a path to an `Analysis`; the networks are never imported.
"""

from earmark.library.catalogue import Catalogue, Query
from earmark.library.track import Tags, Track

__all__ = ["Catalogue", "Query", "Tags", "Track"]
