"""Phrases for sampled instruments: random pieces of General MIDI, played by fluidsynth from a soundfont.

The synthesizer's music is all of one workshop. Sampled pianos, strings, choirs, guitars, brass and drum kits widen what
a student hears. A piece has a tempo, a key, a progression of four chords, a drum pattern and one to five parts; what it
is called does not matter, because teachers say what it sounds like.

Needs the program `fluidsynth` and a General MIDI soundfont (FluidR3, MIT licence). The recipe uses them, nothing else.
"""

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from earmark.errors import ManifestError

TICKS = 480  # of a beat
DRUM_CHANNEL = 9
DRUM_KITS = (0, 8, 16, 24, 25, 25, 32, 40, 48)  # standard, room, power, electronic, TR-808, jazz, brush, orchestra
KICK, RIM, SNARE, CLAP, CLOSED, OPEN, RIDE, COWBELL = 36, 37, 38, 39, 42, 46, 51, 56
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10), (0, 1, 3, 5, 7, 8, 10))

BASSES = tuple(range(32, 40))
CHORDS = (*range(8), *range(16, 24), *range(24, 32), *range(48, 56), *range(61, 64), *range(88, 96))
LEADS = (*range(8, 16), *range(56, 88), *range(104, 112))
SOUNDS = tuple(range(96, 128))


@dataclass(frozen=True)
class Note:
    """A note: start and length in beats, pitch and velocity as MIDI counts them."""

    channel: int
    start: float
    length: float
    pitch: int
    velocity: int


def phrase(seed: int, seconds: float) -> bytes:
    """A random piece as a Standard MIDI File of one track."""
    rng = np.random.default_rng(seed)
    tempo = float(rng.choice([rng.uniform(60, 180), rng.normal(126, 3), rng.normal(172, 4), rng.normal(95, 8)]))
    tempo = float(np.clip(tempo, 50, 200))
    beats = int(seconds * tempo / 60)
    scale, tonic = SCALES[rng.integers(len(SCALES))], int(rng.integers(12))
    progression = [0, *rng.choice([0, 2, 3, 4, 5], 3)]
    notes: list[Note] = []
    programs: dict[int, int] = {DRUM_CHANNEL: int(rng.choice(DRUM_KITS))}
    parts = rng.permutation(["drums", "bass", "chords", "lead", "lead", "sound"])[: rng.integers(1, 6)]
    for channel, part in enumerate(parts):
        if part == "drums":
            notes += _drums(rng, beats)
            continue
        families = {"bass": BASSES, "chords": CHORDS, "lead": LEADS, "sound": SOUNDS}
        programs[channel] = int(rng.choice(families[part]))
        notes += _part(rng, part, channel, beats, tonic, scale, progression)
    return midi_file(notes, programs, tempo)


def _drums(rng: np.random.Generator, beats: int) -> list[Note]:
    """A pattern of one bar, repeated: four to the floor, a break, or anything."""
    steps = 16
    chance = np.zeros((8, steps))
    kind = rng.integers(4)
    if kind == 0:
        chance[0, ::4] = 1
        chance[rng.choice([2, 3]), 4::8] = 0.9
        chance[5, 2::4] = 0.8
    elif kind == 1:
        chance[0, [0, 10]] = 1
        chance[2, [4, 12]] = 1
    elif kind == 2:  # noqa: PLR2004  the third pattern
        chance[0, 0] = chance[2, 8] = 1
    chance += rng.random((8, steps)) ** rng.uniform(2, 6)
    chance[4, :: int(rng.choice([1, 2, 4]))] += 0.7
    bar = rng.random((8, steps)) < chance
    pitches = (KICK, RIM, SNARE, CLAP, CLOSED, OPEN, RIDE, COWBELL)
    kept = rng.random(8) < 0.75  # noqa: PLR2004  share of the instruments
    return [
        Note(DRUM_CHANNEL, beat + step / 4, 0.2, pitches[row], int(rng.integers(60, 127)))
        for beat in range(0, beats, 4)
        for row, step in zip(*np.nonzero(bar), strict=True)
        if kept[row]
    ]


def _part(
    rng: np.random.Generator,
    part: str,
    channel: int,
    beats: int,
    tonic: int,
    scale: tuple[int, ...],
    progression: list[int],
) -> list[Note]:
    """One instrument over the progression, a chord for each bar."""
    octave = {"bass": 36, "chords": 60, "lead": 72, "sound": 60}[part]
    rhythm = np.flatnonzero(rng.random(16) < rng.uniform(0.1, 0.8)) / 4
    degrees = rng.integers(0, 7, 16)
    held = part in {"chords", "sound"} and rng.random() < 0.6  # noqa: PLR2004  share of the pads
    notes = []
    for beat in range(0, beats, 4):
        root = progression[beat // 4 % len(progression)]
        velocity = int(rng.integers(50, 120))
        if held:
            pitches = [_pitch(octave, tonic, scale, root + step) for step in (0, 2, 4)]
            notes += [Note(channel, beat, 4, pitch, velocity) for pitch in pitches]
            continue
        for index, place in enumerate(rhythm):
            steps = {"bass": (0,), "chords": (0, 2, 4)}.get(part, (int(degrees[index]),))
            pitches = [_pitch(octave, tonic, scale, root + step) for step in steps]
            notes += [Note(channel, beat + place, 0.3, pitch, velocity) for pitch in pitches]
    return notes


def _pitch(octave: int, tonic: int, scale: tuple[int, ...], degree: int) -> int:
    return octave + tonic + scale[degree % 7] + 12 * (degree // 7)


def midi_file(notes: Iterable[Note], programs: dict[int, int], tempo: float) -> bytes:
    """A Standard MIDI File, format 0 (MIDI 1.0 specification, RP-001)."""
    events: list[tuple[float, bytes]] = [
        (0, b"\xff\x51\x03" + round(60e6 / tempo).to_bytes(3, "big")),
        *((0, bytes([0xC0 | channel, program])) for channel, program in programs.items()),
    ]
    for note in notes:
        pitch = min(max(note.pitch, 0), 127)
        events.append((note.start, bytes([0x90 | note.channel, pitch, note.velocity])))
        events.append((note.start + note.length, bytes([0x80 | note.channel, pitch, 0])))
    track, now = b"", 0
    for beat, message in sorted(events, key=lambda event: event[0]):
        tick = round(beat * TICKS)
        track += _variable(tick - now) + message
        now = tick
    track += b"\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS) + b"MTrk" + struct.pack(">I", len(track)) + track


def _variable(value: int) -> bytes:
    """A number in groups of seven bits, as MIDI files write times."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def play(midi: bytes, soundfont: Path, out: Path, sample_rate: int) -> None:
    """Play a MIDI file into a stereo 16-bit .wav.

    Raises:
        ManifestError: fluidsynth is not installed, or cannot read the soundfont.
    """
    program = shutil.which("fluidsynth")
    if program is None:
        raise ManifestError("the recipe plays sampled instruments: it needs the program fluidsynth")
    if not soundfont.exists():
        raise ManifestError(f"{soundfont}: no such soundfont")
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder, "phrase.mid")
        song.write_bytes(midi)
        command = [program, "-ni", "-q", "-g", "0.5", "-r", str(sample_rate), "-F", str(out), str(soundfont), str(song)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own words
    if done.returncode or not out.exists():
        raise ManifestError(f"{soundfont}: fluidsynth cannot play it: {done.stderr.strip()[-200:]}")
