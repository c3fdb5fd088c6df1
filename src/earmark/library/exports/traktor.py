"""Traktor NML: the collection with tempo, grid and key, and playlists.

Loaded by "Import Playlist Folder", after which Traktor keeps its own entry of a track that it knows. That is why there
is one folder below the root, and why no entry says when it was changed.

Conventions of the format: times in milliseconds and tempos in BPM with six decimals, sizes in KiB, keys 0-23 from C
major, minor ones from 12; files as volume, folders and name (`places`). A mark of the grid is a cue of type 4.
"""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path, PurePath

from earmark.errors import ExchangeError
from earmark.files import replacing
from earmark.library import places
from earmark.library.exports import facts
from earmark.library.exports.crates import FOLDER, Crate, Grouping, by_style
from earmark.library.exports.grid import marks
from earmark.library.exports.writing import XmlFile, xml_problem
from earmark.library.track import Track

CUE, GRID = 0, 4  # types of cues
NO_PAD = -1


def write(tracks: Sequence[Track], out: Path, grouping: Grouping = by_style) -> None:
    """Write a collection with playlists.

    Args:
        tracks: the collection.
        out: the file, `.nml`.
        grouping: which playlists there are.

    Raises:
        ExchangeError: a file has a name that XML cannot hold.
    """
    with replacing(out) as file:
        xml = XmlFile(file)
        with xml.element("NML", {"VERSION": "19"}):
            xml.leaf("HEAD", {"COMPANY": "www.native-instruments.com", "PROGRAM": "Traktor"})
            xml.leaf("MUSICFOLDERS", {})
            with xml.element("COLLECTION", {"ENTRIES": len(tracks)}):
                for track in tracks:
                    _entry(xml, track)
            with xml.element("PLAYLISTS", {}):
                _playlists(xml, grouping(tracks))


def problem(path: PurePath) -> str:
    """Reason why Traktor cannot be told of a file, or ""."""
    return xml_problem(path)


def _entry(xml: XmlFile, track: Track) -> None:
    reason = problem(track.path)
    if reason:
        raise ExchangeError(f"{track.path!r}: {reason}")
    volume, names = places.to_volume(places.absolute(track.path))
    folders = "".join(f"/:{name}" for name in names[:-1]) + "/:"
    about = {"TITLE": facts.title(track), "ARTIST": track.tags.artist}
    with xml.element("ENTRY", _filled(about)):
        location = {"DIR": folders, "FILE": names[-1], "VOLUME": volume, "VOLUMEID": volume}
        xml.leaf("LOCATION", location)
        if track.tags.album:
            xml.leaf("ALBUM", {"TITLE": track.tags.album})
        xml.leaf("INFO", _info(track))
        bpm = facts.bpm(track)
        if bpm:
            xml.leaf("TEMPO", {"BPM": f"{bpm:.6f}", "BPM_QUALITY": "100.000000"})
        analysis = track.analysis
        if analysis and analysis.key:
            xml.leaf("MUSICAL_KEY", {"VALUE": analysis.key.tonic + 12 * analysis.key.minor})
        if analysis and analysis.rhythm:
            for mark in marks(analysis.rhythm, decimals=6):
                with xml.element("CUE_V2", _cue("AutoGrid", GRID, mark.time, NO_PAD)):
                    xml.leaf("GRID", {"BPM": f"{mark.bpm:.6f}"})
            if analysis.rhythm.downbeats.size:
                xml.leaf("CUE_V2", _cue("n.n.", CUE, float(analysis.rhythm.downbeats[0]), 0))


def _info(track: Track) -> dict[str, object]:
    texts = {"GENRE": facts.genre(track), "COMMENT": track.tags.comment, "KEY": facts.key(track)}
    info: dict[str, object] = dict(_filled(texts))
    if track.analysis:
        info["PLAYTIME"] = math.ceil(track.analysis.duration)
        info["PLAYTIME_FLOAT"] = f"{track.analysis.duration:.6f}"
    info["FILESIZE"] = math.ceil(track.size / 1024)
    return info


def _filled(texts: dict[str, str]) -> dict[str, str]:
    """The attributes that say something; Traktor leaves the others out."""
    return {name: text for name, text in texts.items() if text}


def _cue(name: str, kind: int, seconds: float, pad: int) -> dict[str, object]:
    return {
        "NAME": name,
        "DISPL_ORDER": 0,
        "TYPE": kind,
        "START": f"{seconds * 1000:.6f}",
        "LEN": "0.000000",
        "REPEATS": -1,
        "HOTCUE": pad,
    }


def _playlists(xml: XmlFile, crates: Sequence[Crate]) -> None:
    with (
        xml.element("NODE", {"TYPE": "FOLDER", "NAME": "$ROOT"}),
        xml.element("SUBNODES", {"COUNT": int(bool(crates))}),
    ):
        if not crates:
            return
        with (
            xml.element("NODE", {"TYPE": "FOLDER", "NAME": FOLDER}),
            xml.element("SUBNODES", {"COUNT": len(crates)}),
        ):
            for crate in crates:
                _playlist(xml, crate)


def _playlist(xml: XmlFile, crate: Crate) -> None:
    # The same name has the same number, so that a second export is the same playlist.
    number = hashlib.sha256(f"{FOLDER}/{crate.name}".encode()).hexdigest()[:32]
    about = {"ENTRIES": len(crate.tracks), "TYPE": "LIST", "UUID": number}
    with xml.element("NODE", {"TYPE": "PLAYLIST", "NAME": crate.name}), xml.element("PLAYLIST", about):
        for track in crate.tracks:
            volume, names = places.to_volume(places.absolute(track.path))
            with xml.element("ENTRY", {}):
                xml.leaf("PRIMARYKEY", {"TYPE": "TRACK", "KEY": "/:".join((volume, *names))})
