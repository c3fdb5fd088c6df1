"""The channel strip of one track: its sound at its place in the mix, its level, its equaliser, its echo.

Conventions: positions are samples of the mix; sound is float32, (2, samples).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from earmark.dj.equaliser import equalised, reach
from earmark.dj.playback import Playback
from earmark.dj.sound import SEAM, Stereo, playing

if TYPE_CHECKING:
    from collections.abc import Iterator

OUTLINE: Final = 20  # levels per second
ECHOES: Final = 8
FAINTER: Final = 0.6  # each echo than the one before
HIGH: Final = np.array([[0.0], [1.0], [0.8]])  # gains of the bands of an echo: no second bass
REMEMBERED: Final = 2.5  # seconds that are held, because the last beat may be wanted once more


@dataclass(frozen=True)
class Outline:
    """The highest level of a track, with its gain but before the equaliser, in `OUTLINE` stretches a second.

    `at` is where in the mix the first one begins, in seconds; `levels` are linear, (stretches,).
    """

    at: float
    levels: NDArray[np.float32]


class Strip:
    """One track of a mix that is made block after block.

    Args:
        playback: where it sounds.
        rate: of the mix, in Hz.
        gain: its level.
    """

    def __init__(self, playback: Playback, rate: int, gain: float) -> None:
        self.playback = playback
        self.at, self.until = round(playback.at * rate), round(playback.until * rate)
        self._rate = rate
        self._gain = np.float32(gain)
        self._reach = reach(rate)
        self._blocks: Iterator[Stereo] | None = None
        self._held = np.empty((2, 0), np.float32)  # what is known of it, from `first` on
        self._first = self.at
        self._echo: Stereo | None = None
        self._outline: list[NDArray[np.float32]] = []
        self._outlined = 0  # where the outline begins

    def add(self, mixed: Stereo, start: int) -> None:
        """Add what of the track sounds in the next block of the mix, which begins at `start`."""
        stop = start + mixed.shape[1]
        if start < self.until and stop > self.at:
            sound = self._read(start - self._reach, stop + self._reach)
            plain = sound[:, self._reach : self._reach + mixed.shape[1]]
            self._note(plain, start)
            gains = self.playback.gains(np.arange(start, stop) / self._rate)
            mixed += plain if np.all(gains == 1) else equalised(sound, gains, self._rate)
        if stop > self.until:
            if self.playback.went and self.playback.went.technique.name == "echo out":
                self._add_echo(mixed, start)
            self._blocks, self._held = iter(()), np.empty((2, 0), np.float32)  # the file is closed

    def outline(self) -> Outline:
        """The outline of all blocks."""
        return Outline(self._outlined / self._rate, np.concatenate([np.empty(0, np.float32), *self._outline]))

    def _read(self, start: int, stop: int) -> Stereo:
        """The track between two positions, with its gain; silence where it does not play."""
        if self._blocks is None:
            self._blocks = playing(self.playback, self._rate)
        arrived = [self._held]
        until = self._first + self._held.shape[1]
        while until < stop and (block := next(self._blocks, None)) is not None:
            arrived.append(block * self._gain)
            until += block.shape[1]
        self._held = np.concatenate(arrived, axis=1)
        out = np.zeros((2, stop - start), np.float32)
        first, last = max(start, self._first), min(stop, until)
        if last > first:
            out[:, first - start : last - start] = self._held[:, first - self._first : last - self._first]
        spare = max(0, min(stop - round(REMEMBERED * self._rate), until) - self._first)
        self._held = self._held[:, spare:].copy() if spare else self._held
        self._first += spare
        return out

    def _add_echo(self, mixed: Stereo, start: int) -> None:
        """Add the last beat before the end, again and again."""
        if self._echo is None:
            self._echo = self._last_beat()
        first = max(start, self.until)
        last = min(start + mixed.shape[1], self.until + self._echo.shape[1])
        if last > first:
            mixed[:, first - start : last - start] += self._echo[:, first - self.until : last - self.until]

    def _last_beat(self) -> Stereo:
        """The echoes of the last beat, without its bass."""
        went = self.playback.went
        beat = round(went.beat * self._rate) if went else self._rate
        last = self._read(self.until - beat, self.until)
        places = np.arange(beat)
        fade = np.minimum(1, np.minimum(places, places[::-1]) / (SEAM * self._rate)).astype(np.float32)
        padded = np.pad(last * fade, ((0, 0), (self._reach, self._reach)))
        high = equalised(padded, np.broadcast_to(HIGH, (len(HIGH), beat)), self._rate)
        return np.concatenate([high * np.float32(FAINTER**number) for number in range(1, ECHOES + 1)], axis=1)

    def _note(self, sound: Stereo, start: int) -> None:
        """Keep the outline of a block."""
        if not self._outline:
            self._outlined = start
        step = self._rate // OUTLINE
        level = np.abs(sound).max(0)
        self._outline.append(np.pad(level, (0, -level.size % step)).reshape(-1, step).max(1))
