"""Who made a track and what it is called: from its tags, else from the name of its file."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

# What each field is called: by mutagen's "easy" interface, in Vorbis comments and APE tags (where case does not count);
# in the ID3 chunk of wav, aiff and dsf; in ASF.
FIELDS = {
    "artist": ("artist", "TPE1", "Author"),
    "title": ("title", "TIT2", "Title"),
    "genre": ("genre", "TCON", "WM/Genre"),
}

# "03 - Artist - Title", "03. Artist - Title", "03 Artist - Title", "Artist - Title"
FILE_NAME = re.compile(r"(?:\d{1,3}(?:\.|\s+-)\s+|0\d\s+)?(?P<artist>\S.*?)\s+[-–]\s+(?P<title>.*\S)")


@dataclass(frozen=True)
class Names:
    """What the tags of a file say, each "" where they do not.

    Attributes:
        artist: as credited.
        title: of the track.
        genre: as it stands there; several are separated by `;`.
        damage: why the tags cannot be read.
    """

    artist: str = ""
    title: str = ""
    genre: str = ""
    damage: str = ""


def from_tags(path: Path) -> Names:
    """Read the tags of a file."""
    import mutagen  # noqa: PLC0415  so that `earmark --help` and manifests of others do without

    try:
        file = mutagen.File(path, easy=True)
    except mutagen.MutagenError as error:
        return Names(damage=f"its tags cannot be read: {error}")
    tags = file.tags if file is not None else None
    if not tags:
        return Names()
    return Names(
        **{
            field: next((text for name in names if name in tags if (text := _text(tags[name]))), "")
            for field, names in FIELDS.items()
        }
    )


def _text(value: object) -> str:
    """The text of a tag: a list of texts, or a frame of ID3 with such a list."""
    values = getattr(value, "text", value)
    texts = values if isinstance(values, list) else [values]
    return ";".join(text for each in texts if (text := str(each).strip(" \0")))


def from_file_name(path: Path) -> Names:
    """Read the name of a file such as "Artist - Title.mp3"; a track number may come first.

    >>> from_file_name(Path("03 - Somebody & Else - One - Live.flac"))
    Names(artist='Somebody & Else', title='One - Live', genre='', damage='')
    """
    found = FILE_NAME.fullmatch(path.stem)
    return Names(found["artist"], found["title"]) if found else Names(title=path.stem)


def of(path: Path) -> Names:
    """What the tags say, and the name of the file where they are silent."""
    tags, name = from_tags(path), from_file_name(path)
    return replace(tags, artist=tags.artist or name.artist, title=tags.title or name.title)
