"""Records of a collection that other programs keep: the user's own genres, playlists, ratings and plays.

Conventions: a track is known by its place (`places`), the absolute path on the machine that the collection comes from.
What a program does not say is "" or () or None.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePath


@dataclass(frozen=True)
class ImportedTrack:
    """A track as another program describes it.

    Attributes:
        path: its place.
        title: as in the program.
        artist: as credited.
        genres: in the user's words.
        bpm: tempo.
        key: as it stands there: `Am`, `8A`, `1m`.
        rating: stars, 1-5; None where nobody has given any.
        plays: how often it was played; None where the program does not count.
        last_played: when.
    """

    path: PurePath
    title: str = ""
    artist: str = ""
    genres: tuple[str, ...] = ()
    bpm: float | None = None
    key: str = ""
    rating: int | None = None
    plays: int | None = None
    last_played: date | None = None


@dataclass(frozen=True)
class Playlist:
    """A playlist: its name, the names of the folders it is in, and its tracks in their order."""

    name: str
    folders: tuple[str, ...]
    tracks: tuple[PurePath, ...]


@dataclass(frozen=True)
class Play:
    """A track that was played: when, in the time of that place; for how many seconds; and whether others heard it."""

    path: PurePath
    at: datetime | None
    seconds: float
    public: bool


@dataclass(frozen=True)
class Collection:
    """Content of one file; `elsewhere` counts the tracks that are no files: streams of a service."""

    tracks: tuple[ImportedTrack, ...] = ()
    playlists: tuple[Playlist, ...] = ()
    history: tuple[Play, ...] = ()
    elsewhere: int = 0


def joined(collections: Sequence[Collection]) -> Collection:
    """Several collections as one; of a track that is in many, the first description counts."""
    tracks = {track.path: track for each in reversed(collections) for track in reversed(each.tracks)}
    order = dict.fromkeys(track.path for each in collections for track in each.tracks)
    return Collection(
        tuple(tracks[path] for path in order),
        tuple(playlist for each in collections for playlist in each.playlists),
        tuple(play for each in collections for play in each.history),
        sum(each.elsewhere for each in collections),
    )


def genres_of(text: str) -> tuple[str, ...]:
    """The genres in one field, each once; only `;` separates, because a slash is part of many a name.

    >>> genres_of("Techno (Peak Time / Driving); Dub;Techno (Peak Time / Driving)")
    ('Techno (Peak Time / Driving)', 'Dub')
    """
    return tuple(dict.fromkeys(filter(None, (genre.strip() for genre in text.split(";")))))


def stars_of(text: str) -> int | None:
    """Stars (1-5) from 0, 51, ... 255, as ID3, rekordbox and Traktor count them; None for none.

    >>> stars_of("204"), stars_of("0")
    (4, None)
    """
    value = whole(text)
    return max(1, min(5, round(value / 51))) if value else None


def whole(text: str) -> int | None:
    """A number that is not negative, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004  64 bits


def tempo(text: str) -> float | None:
    """A tempo in BPM; None where there is none, which programs write as 0."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def day(text: str) -> date | None:
    """A day from `2024-07-01` or `2024/7/1`."""
    try:
        year, month, number = map(int, text.replace("/", "-").split("-"))
        return date(year, month, number)
    except ValueError:
        return None
