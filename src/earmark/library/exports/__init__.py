"""A collection for other programs: one row per format in `FORMATS`.

formats     the table: name, suffix, writer, playlists, and the files that a format cannot name
crates      the playlists that are made of what was heard
facts       the title, genre, tempo and key that a program is told
grid        the beat grid as DJ programs keep it
writing     XML, and names that every system allows

Files appear when they are whole. A track whose file a format cannot name is an `ExchangeError`; `Format.problem` tells
so before.
"""

from earmark.library.exports.crates import GROUPINGS, Crate, Grouping, named
from earmark.library.exports.facts import certain, in_heard_words, light
from earmark.library.exports.formats import FORMATS, Format

__all__ = ["FORMATS", "GROUPINGS", "Crate", "Format", "Grouping", "certain", "in_heard_words", "light", "named"]
