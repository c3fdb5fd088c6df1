"""The collection of rekordbox, from its XML ("File > Export Collection in xml format")."""

from pathlib import Path, PurePath

from earmark.errors import ExchangeError
from earmark.library.imports.records import (
    Collection,
    ImportedTrack,
    Playlist,
    day,
    genres_of,
    stars_of,
    tempo,
    whole,
)
from earmark.library.imports.xml import tags
from earmark.library.places import from_url

ROOT = "ROOT"  # the name of the folder with all playlists
FOLDER, PLAYLIST = "0", "1"  # types of nodes


def read(path: Path) -> Collection:
    """Read the tracks with their genres, ratings and plays, and the playlists.

    Raises:
        ExchangeError: it is no such file.
    """
    tracks: dict[str, ImportedTrack] = {}  # by number
    playlists: list[Playlist] = []
    nodes: list[tuple[str, str, list[PurePath]]] = []  # those around: type, name, tracks
    elsewhere = 0
    for name, start, attributes in tags(path, "DJ_PLAYLISTS", "rekordbox"):
        if name == "NODE" and start:
            nodes.append((attributes.get("Type", FOLDER), attributes.get("Name", ""), []))
        elif name == "NODE":
            kind, title, listed = nodes.pop()
            if kind == PLAYLIST:
                folders = tuple(folder for _, folder, _ in nodes)
                playlists.append(Playlist(title, folders[1:] if folders[:1] == (ROOT,) else folders, tuple(listed)))
        elif name == "TRACK" and start and nodes:
            place = _listed(attributes.get("Key", ""), tracks)
            if place is not None:
                nodes[-1][2].append(place)
        elif name == "TRACK" and start:
            track = _track(attributes)
            if track is None:
                elsewhere += 1
            else:
                tracks[attributes.get("TrackID", f"no number {len(tracks)}")] = track
    if not tracks and not playlists and not elsewhere:
        raise ExchangeError(f"{path}: there is no track in it")
    return Collection(tuple(tracks.values()), tuple(playlists), (), elsewhere)


def _track(attributes: dict[str, str]) -> ImportedTrack | None:
    place = from_url(attributes.get("Location", ""))
    if place is None:
        return None
    return ImportedTrack(
        place,
        attributes.get("Name", ""),
        attributes.get("Artist", ""),
        genres_of(attributes.get("Genre", "")),
        tempo(attributes.get("AverageBpm", "")),
        attributes.get("Tonality", ""),
        stars_of(attributes.get("Rating", "")),
        whole(attributes.get("PlayCount", "")),
        day(attributes.get("LastPlayed", "")),
    )


def _listed(key: str, tracks: dict[str, ImportedTrack]) -> PurePath | None:
    """The track that an entry of a playlist names, by its number or by its URL; None for a stream."""
    return tracks[key].path if key in tracks else from_url(key)
