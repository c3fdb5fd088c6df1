"""Orders in which tracks can be listed: expressions over the columns of `rows.SELECT`.

What has no value of its kind comes last; a probability begins with the highest.
"""

import unicodedata
from typing import Final

from earmark.library.catalogue.rows import spoken

_LAST: Final = "char(1114111)"  # behind every text

SORTS: Final = {
    "added": "tracks.id",
    "title": f"coalesce(nullif(folded(title), ''), {_LAST})",
    "artist": f"coalesce(nullif(folded(artist), ''), {_LAST})",
    "path": "folded(path)",
    "style": f"coalesce(nullif(folded(tracks.style), ''), {_LAST})",
    "probability": "coalesce(-confidence, 1)",
    "bpm": "coalesce(tracks.bpm, 9e9)",
    "key": f"CASE tracks.camelot WHEN '' THEN {_LAST} ELSE printf('%02d', tracks.camelot) || tracks.camelot END",
    "time": "coalesce(duration, 9e9)",
}


def folded(text: str | bytes) -> str:
    """Text as it is sorted: case and accents do not count."""
    letters = unicodedata.normalize("NFKD", spoken(text)).casefold()
    return "".join(each for each in letters if not unicodedata.combining(each)).encode("utf-8", "replace").decode()
