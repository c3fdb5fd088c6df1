"""Artist and title from the name of a file, for tracks whose tags say nothing."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from earmark.library.track import Tags

# "03 - Artist - Title", "03. Artist - Title", "03 Artist - Title", "Artist - Title"
PATTERN: Final = re.compile(r"(?:\d{1,3}(?:\.|\s+-)\s+|0\d\s+)?(?P<artist>\S.*?)\s+[-–]\s+(?P<title>.*\S)")


def read(path: Path) -> Tags:
    """Artist and title of a file called like "Artist - Title.mp3"; a track number may come first.

    Any other name is a title.

    >>> found = read(Path("03 - Somebody & Else - One - Live.flac"))
    >>> found.artist, found.title
    ('Somebody & Else', 'One - Live')
    """
    found = PATTERN.fullmatch(path.stem)
    return Tags(artist=found["artist"], title=found["title"]) if found else Tags(title=path.stem)


def complete(tags: Tags, path: Path) -> Tags:
    """Tags with the artist and the title of the file name where they have none."""
    named = read(path)
    return replace(tags, artist=tags.artist or named.artist, title=tags.title or named.title)
