"""The collection of Traktor (`collection.nml`), its exported playlists, and its history (`History/history_*.nml`).

What Traktor remembers of an evening is a playlist of type PROTOCOL whose entries say when each track was played, and
whether it was heard outside of the headphones. A day is one number there: year * 65536 + month * 256 + day.
"""

from datetime import datetime, timedelta
from pathlib import Path, PurePath

from earmark.analysis import MAJOR_KEYS, MINOR_KEYS
from earmark.errors import ExchangeError
from earmark.library.imports.records import (
    Collection,
    ImportedTrack,
    Play,
    Playlist,
    day,
    genres_of,
    stars_of,
    tempo,
    whole,
)
from earmark.library.imports.xml import tags
from earmark.library.places import from_volume

ROOT = "$ROOT"  # the name of the folder with all playlists
HIDDEN = "_"  # what the names of Traktor's own lists begin with: _LOOPS, _RECORDINGS
HISTORY = "PROTOCOL"  # the type of a playlist that Traktor wrote while somebody played
KEYS = MAJOR_KEYS + MINOR_KEYS  # by their numbers in the file


def read(path: Path) -> Collection:
    """Read the tracks with their genres, ratings and plays, the playlists and the history.

    Raises:
        ExchangeError: it is no such file.
    """
    reader = _Reader()
    for name, start, attributes in tags(path, "NML", "Traktor"):
        if start:
            reader.start(name, attributes)
        else:
            reader.end(name)
    if not reader.tracks and not reader.playlists and not reader.history:
        raise ExchangeError(f"{path}: there is no track in it")
    return Collection(tuple(reader.tracks), tuple(reader.playlists), tuple(reader.history), reader.elsewhere)


class _Reader:
    """The place in the file, and the tracks and playlists found so far."""

    def __init__(self) -> None:
        self.tracks: list[ImportedTrack] = []
        self.playlists: list[Playlist] = []
        self.history: list[Play] = []
        self.elsewhere = 0
        self._names: list[str] = []  # of the nodes around
        self._kind = ""  # of the playlist around
        self._listed: list[PurePath] = []
        self._entry: dict[str, dict[str, str]] = {}  # attributes of the elements in the entry around

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Go into an element."""
        if name == "NODE":
            self._names.append(attributes.get("NAME", ""))
        elif name == "PLAYLIST":
            self._kind, self._listed = attributes.get("TYPE", ""), []
        elif name == "ENTRY":
            self._entry = {"ENTRY": attributes}
        elif self._entry:
            self._entry.setdefault(name, attributes)  # of several cues, none is asked for

    def end(self, name: str) -> None:
        """Come out of an element."""
        if name == "NODE":
            self._names.pop()
        elif name == "PLAYLIST" and self._kind != HISTORY:
            self._end_playlist()
        elif name == "ENTRY" and "PRIMARYKEY" in self._entry:
            self._end_listed()
        elif name == "ENTRY":
            self._end_track()
        if name == "ENTRY":
            self._entry = {}

    def _end_playlist(self) -> None:
        *folders, title = self._names or [""]
        if not title.startswith(HIDDEN):
            folders = folders[1:] if folders[:1] == [ROOT] else folders
            self.playlists.append(Playlist(title, tuple(folders), tuple(self._listed)))

    def _end_listed(self) -> None:
        place = _place(self._entry["PRIMARYKEY"].get("KEY", ""))
        if place is None:
            return
        self._listed.append(place)
        played = self._entry.get("EXTENDEDDATA")
        if played is not None and self._kind == HISTORY:
            self.history.append(
                Play(
                    place, _moment(played), tempo(played.get("DURATION", "")) or 0.0, played.get("PLAYEDPUBLIC") != "0"
                )
            )

    def _end_track(self) -> None:
        elements = self._entry
        location = elements.get("LOCATION", {})
        folders = location.get("DIR", "").split("/:")
        names = tuple(filter(None, (*folders, location.get("FILE", ""))))
        if not location.get("FILE") or any("\0" in name for name in names):
            self.elsewhere += 1
            return
        info = elements.get("INFO", {})
        self.tracks.append(
            ImportedTrack(
                from_volume(location.get("VOLUME", ""), names),
                elements["ENTRY"].get("TITLE", ""),
                elements["ENTRY"].get("ARTIST", ""),
                genres_of(info.get("GENRE", "")),
                tempo(elements.get("TEMPO", {}).get("BPM", "")),
                _key(elements.get("MUSICAL_KEY", {}).get("VALUE", "")) or info.get("KEY", ""),
                stars_of(info.get("RANKING", "")),
                whole(info.get("PLAYCOUNT", "0")),
                day(info.get("LAST_PLAYED", "")),
            )
        )


def _place(key: str) -> PurePath | None:
    volume, *names = key.split("/:")
    return from_volume(volume, tuple(names)) if names and "\0" not in key else None


def _key(value: str) -> str:
    number = whole(value)
    return "" if number is None or number >= len(KEYS) else KEYS[number]


def _moment(played: dict[str, str]) -> datetime | None:
    number, seconds = whole(played.get("STARTDATE", "")), whole(played.get("STARTTIME", ""))
    if number is None or seconds is None:
        return None
    try:
        return datetime(number >> 16, number >> 8 & 255, number & 255) + timedelta(seconds=seconds)  # noqa: DTZ001
    except (ValueError, OverflowError):
        return None
