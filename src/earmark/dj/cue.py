"""A cue sheet: where in the file of a mix each track begins, for players and for those who cut it up again.

A track begins where its bass takes over: in the middle of its transition. Times are minutes, seconds and frames, of
which there are 75 in a second.
"""

from pathlib import Path
from typing import Final

from earmark.dj.grid import BEATS
from earmark.dj.mixing import Mix
from earmark.dj.playback import Playback

FRAMES: Final = 75  # per second
TYPES: Final = {".wav": "WAVE", ".mp3": "MP3"}  # others are called WAVE, as most programs do


def sheet(mix: Mix, audio: Path) -> str:
    """The text of the cue sheet of a mix, for its sound file."""
    lines = [f"FILE {_quoted(audio.name)} {TYPES.get(audio.suffix.lower(), 'WAVE')}"]
    for number, playback in enumerate(mix.playbacks, start=1):
        lines.append(f"  TRACK {number:02d} AUDIO")
        lines.append(f"    TITLE {_quoted(playback.deck.title or playback.deck.path.stem)}")
        if playback.deck.artist:
            lines.append(f"    PERFORMER {_quoted(playback.deck.artist)}")
        lines.append(f"    INDEX 01 {_time(begins(playback))}")
    return "\n".join(lines) + "\n"


def begins(playback: Playback) -> float:
    """The second of the mix from which on a track is the one that is heard."""
    if playback.came is None:
        return 0.0
    return playback.came_at + playback.came.bass_swap * BEATS * playback.came.beat


def _time(seconds: float) -> str:
    frames = round(seconds * FRAMES)
    return f"{frames // FRAMES // 60:02d}:{frames // FRAMES % 60:02d}:{frames % FRAMES:02d}"


def _quoted(text: str) -> str:
    """A text between quotes; the format has no way to write a quote inside."""
    return '"' + " ".join(text.replace('"', "'").split()) + '"'
