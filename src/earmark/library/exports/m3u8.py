"""M3U8: playlists as UTF-8 text that every player reads.

    #EXTM3U
    #EXTINF:272,Somebody - One
    deep/one.flac

A path is relative to the folder of the playlist where the track lies below it, so that a folder with its playlists can
be moved or copied to a stick; else it is absolute.
"""

from collections.abc import Sequence
from pathlib import Path, PurePath

from earmark.errors import ExchangeError
from earmark.files import replacing
from earmark.library.exports import facts
from earmark.library.exports.crates import Grouping, none
from earmark.library.exports.writing import file_name
from earmark.library.places import absolute
from earmark.library.track import Track


def write(tracks: Sequence[Track], out: Path, grouping: Grouping = none) -> None:
    """Write one playlist with all tracks, or a folder with a playlist for each crate.

    Args:
        tracks: what is in it.
        out: the file, or the folder if there is a grouping.
        grouping: which playlists there are.

    Raises:
        ExchangeError: a line of text cannot hold the name of a file.
    """
    if grouping is none:
        _write(tracks, out)
        return
    for crate in grouping(tracks):
        _write(crate.tracks, out / f"{file_name(crate.name)}.m3u8")


def problem(path: PurePath) -> str:
    """Reason why a playlist cannot name a file, or ""."""
    name = str(path)
    if "\n" in name or "\r" in name:
        return "its name has more than one line"
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8 text"
    return "its name begins or ends with a blank" if name != name.strip() else ""


def _write(tracks: Sequence[Track], out: Path) -> None:
    folder = absolute(out.parent)
    with replacing(out) as file:
        file.write(b"#EXTM3U\n")
        for track in tracks:
            path = absolute(track.path)
            reason = problem(path)
            if reason:
                raise ExchangeError(f"{track.path}: {reason}")
            file.write(f"#EXTINF:{_seconds(track)},{_caption(track)}\n{_path(path, folder)}\n".encode())


def _seconds(track: Track) -> int:
    return round(track.analysis.duration) if track.analysis else -1


def _caption(track: Track) -> str:
    caption = " - ".join(filter(None, (track.tags.artist, facts.title(track))))
    return " ".join(caption.encode("utf-8", "replace").decode().split())  # one line


def _path(path: PurePath, folder: PurePath) -> str:
    if type(path) is not type(folder) or not path.is_relative_to(folder):
        return str(path)
    relative = str(path.relative_to(folder))
    return f"./{relative}" if relative.startswith("#") else relative
