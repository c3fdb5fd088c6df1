"""rekordbox XML: the collection with tempo, grid, key, colour and a cue, and playlists.

The format is Pioneer's "rekordbox xml" 1.0.0. rekordbox shows such a file beside its own collection, from where tracks
and playlists are dragged into it; nothing is changed before.

Conventions of the format: times in seconds with three decimals, tempos in BPM with two, keys as `Key.name` spells them,
one of eight colours for each track. A mark of the grid says in Italian where it is (`Inizio`) and on which beat
(`Battito`).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from earmark.analysis import Rhythm
from earmark.files import replacing
from earmark.library import places
from earmark.library.exports import facts
from earmark.library.exports.crates import FOLDER, Crate, Grouping, by_style
from earmark.library.exports.grid import from_the_start, marks
from earmark.library.exports.writing import XmlFile
from earmark.library.track import Track
from earmark.styles import styles

COLOURS: Final = {
    "rose": "0xFF007F",
    "red": "0xFF0000",
    "orange": "0xFFA500",
    "lemon": "0xFFFF00",
    "green": "0x00FF00",
    "turquoise": "0x25FDE9",
    "blue": "0x0000FF",
    "violet": "0x660099",
}
"""The eight colours of rekordbox. `styles.toml` gives each style one; a style that a user has taught has none."""


@cache
def colour_of_styles() -> dict[str, str]:
    """The colour of each style, as the file writes it."""
    return {style.label: COLOURS[style.rekordbox] for style in styles()}


KINDS: Final = {
    ".mp3": "MP3 File",
    ".m4a": "M4A File",
    ".mp4": "M4A File",
    ".aac": "AAC File",
    ".wav": "WAV File",
    ".aif": "AIFF File",
    ".aiff": "AIFF File",
    ".flac": "FLAC File",
}


def write(tracks: Sequence[Track], out: Path, grouping: Grouping = by_style) -> None:
    """Write a collection with playlists.

    Args:
        tracks: the collection.
        out: the file, `.xml`.
        grouping: which playlists there are.
    """
    numbers = {track.path: number for number, track in enumerate(tracks, 1)}
    with replacing(out) as file:
        xml = XmlFile(file)
        with xml.element("DJ_PLAYLISTS", {"Version": "1.0.0"}):
            xml.leaf("PRODUCT", {"Name": "earmark", "Version": version("earmark"), "Company": ""})
            with xml.element("COLLECTION", {"Entries": len(tracks)}):
                for number, track in enumerate(tracks, 1):
                    _track(xml, track, number)
            with xml.element("PLAYLISTS", {}):
                _playlists(xml, grouping(tracks), numbers)


def _track(xml: XmlFile, track: Track, number: int) -> None:
    analysis = track.analysis
    style = facts.heard_style(track)
    bpm = facts.bpm(track)
    attributes: dict[str, object] = {
        "TrackID": number,
        "Name": facts.title(track),
        "Artist": track.tags.artist,
        "Album": track.tags.album,
        "Genre": facts.genre(track),
        "Kind": KINDS.get(track.path.suffix.lower(), f"{track.path.suffix[1:].upper()} File"),
        "Size": track.size,
        "TotalTime": round(analysis.duration) if analysis else 0,
        "AverageBpm": f"{bpm or 0:.2f}",
        "Comments": track.tags.comment,
        "Location": places.to_url(places.absolute(track.path)),
        "Tonality": facts.key(track),
    }
    if style and style[0] in (colours := colour_of_styles()):
        attributes["Colour"] = colours[style[0]]
    inside = _grid(analysis.rhythm) if analysis and analysis.rhythm else []
    if not inside:
        xml.leaf("TRACK", attributes)
        return
    with xml.element("TRACK", attributes):
        for tag, about in inside:
            xml.leaf(tag, about)


def _grid(rhythm: Rhythm) -> list[tuple[str, dict[str, object]]]:
    """The marks of the grid, and a memory cue on the first downbeat."""
    found: list[tuple[str, dict[str, object]]] = [
        (
            "TEMPO",
            {"Inizio": f"{mark.time:.3f}", "Bpm": f"{mark.bpm:.2f}", "Metro": "4/4", "Battito": mark.beat},
        )
        for mark in from_the_start(marks(rhythm, decimals=2))
    ]
    if rhythm.downbeats.size:
        first = f"{float(rhythm.downbeats[0]):.3f}"
        found.append(("POSITION_MARK", {"Name": "", "Type": "0", "Start": first, "Num": "-1"}))
    return found


def _playlists(xml: XmlFile, crates: Sequence[Crate], numbers: Mapping[Path, int]) -> None:
    with xml.element("NODE", {"Type": "0", "Name": "ROOT", "Count": int(bool(crates))}):
        if not crates:
            return
        with xml.element("NODE", {"Type": "0", "Name": FOLDER, "Count": len(crates)}):
            for crate in crates:
                name = {"Name": crate.name, "Type": "1", "KeyType": "0", "Entries": len(crate.tracks)}
                with xml.element("NODE", name):
                    for track in crate.tracks:
                        xml.leaf("TRACK", {"Key": numbers[track.path]})
