"""Facts about a track for other programs: the words of its tags where it has some, else what was heard.

Tempo and key are the other way round: what was heard counts, because that is what a grid is made of.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from earmark.analysis import Key
from earmark.library.track import Track


def heard_style(track: Track) -> tuple[str, float] | None:
    """The style that was heard and its probability (0-1); None where none is probable enough to be named."""
    if track.analysis is None or track.analysis.unknown:
        return None
    return track.analysis.timeline.top(1)[0]


def heard_family(track: Track) -> str | None:
    """The most probable family; None where no style is probable enough to be named."""
    if track.analysis is None or track.analysis.unknown:
        return None
    return track.analysis.family()[0]


def title(track: Track) -> str:
    """The title, or the name of the file without its suffix."""
    return track.tags.title or track.path.stem


def genre(track: Track) -> str:
    """The user's own genres; the style that was heard where there are none."""
    if track.tags.genres:
        return "; ".join(track.tags.genres)
    style = heard_style(track)
    return style[0] if style else ""


def bpm(track: Track) -> float | None:
    """The tempo; None where there is none, or no sensible one."""
    heard = track.analysis.rhythm if track.analysis is not None else None
    tempo = heard.bpm if heard is not None else track.tags.bpm
    return tempo if tempo is not None and math.isfinite(tempo) and tempo > 0 else None


def key(track: Track) -> str:
    """The key as `Key.name` spells it, or what else stands in the tags, such as `8A`; "" where unknown."""
    if track.analysis is not None and track.analysis.key is not None:
        return track.analysis.key.name()
    try:
        return Key.from_name(track.tags.key).name()
    except ValueError:
        return track.tags.key


def certain(tracks: Iterable[Track], minimum: float) -> Iterator[Track]:
    """The tracks, with styles of a probability (0-1) below the minimum taken for unknown."""
    for track in tracks:
        style = heard_style(track)
        if track.analysis is not None and style and style[1] < minimum:
            yield replace(track, analysis=replace(track.analysis, unknown=True))
        else:
            yield track


def in_heard_words(tracks: Iterable[Track]) -> Iterator[Track]:
    """The tracks, with the style that was heard in place of their own genres."""
    for track in tracks:
        style = heard_style(track)
        yield replace(track, tags=replace(track.tags, genres=(style[0],))) if style else track


def light(track: Track) -> Track:
    """The track without what no DJ program asks for, so that a large collection can be held at once."""
    if track.analysis is None:
        return track
    slim = replace(track.analysis, embedding=track.analysis.embedding[:0].copy(), loudness=None)
    if slim.rhythm is not None and slim.rhythm.downbeats.size:
        slim = replace(slim, rhythm=replace(slim.rhythm, beats=slim.rhythm.beats[:1].copy()))
    return replace(track, analysis=slim)
