"""Decoded windows on disk, so that an epoch waits for the network and not for decoders.

    cache/3f0c...e1.npy    one file for each track: (windows,) records of crc, scale, heard and 16-bit samples

Conventions:

* A *window* is `samples` long. `per_track` of them are spread evenly over a track, the first at its beginning, the last
  at its end (a single one in its middle); a track that is shorter has one, followed by silence. `heard` says how many
  samples of a window are of the track.
* Samples are 16 bit: `scale` is what a step is worth, the window's peak / 32767. So nothing clips, though a lossy file
  may decode to peaks beyond 1, and a quiet passage has all 16 bits.
* A file's name is a hash of the track's absolute path, size, time of change, and the settings: a track that changes has
  another entry, and one folder serves several settings. Files appear by renaming: what is there is whole, and filling a
  cache that was interrupted goes on where it was.
* Each window has a checksum, verified each time it is read. What is damaged is decoded again, never trusted.
"""

import hashlib
import logging
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tokenize import TokenError
from typing import Final, TypeAlias

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from earmark.audio import Recording, Waveform
from earmark.audio.lengths import TOLERANCE
from earmark.audio.recording import WARM_UP
from earmark.errors import EarmarkError, FileError, UnreadableAudio
from earmark.files import absolute, replacing
from earmark.runner import Task, run_all

logger = logging.getLogger(__name__)

Records: TypeAlias = NDArray[np.void]

FULL_SCALE: Final = 32767
FORMAT: Final = 1  # counts with the settings: a cache of another format is another cache
SILENCE: Final = 1e-20  # a window whose peak is below is silence: what a step is worth would not be a number
STEPPING: Final = 1 / 20
"""Cost of a seek in an mp3, whose packets are passed over one by one: on average that of decoding this share of it."""


@dataclass(frozen=True)
class Windows:
    """The windows of a track, memory-mapped.

    Shape: `steps` (windows, samples) int16; `scales` (windows,), what a step is worth; `heard` (windows,) samples.
    """

    steps: NDArray[np.int16]
    scales: NDArray[np.float32]
    heard: NDArray[np.int32]


@dataclass(frozen=True)
class WindowCache:
    """The windows of tracks, in a folder.

    Attributes:
        folder: the folder; made with the first track.
        sample_rate: in Hz.
        samples: length of a window.
        per_track: number of windows of a track that is longer than one.
    """

    folder: Path
    sample_rate: int
    samples: int
    per_track: int

    def fill(self, paths: Iterable[Path], workers: int = 1) -> Iterator[Path | FileError]:
        """Decode the tracks that are not here yet.

        Yields:
            Each track in its order, as soon as it is here, or why it cannot be heard.
        """
        return run_all(paths, partial(_filler, self), workers)

    def windows(self, path: Path) -> Windows:
        """The windows of a track, without a look at their checksums; they are decoded now if they are not here.

        Raises:
            UnreadableAudio: the track cannot be heard.
        """
        records = self._open(path)
        if records is None:
            records = self._make(path)
        return Windows(records["steps"], records["scale"], records["heard"])

    def waveform(self, path: Path, index: int) -> Waveform:
        """One window of a track; it is decoded now if it is not here or not what was written.

        Raises:
            UnreadableAudio: the track cannot be heard.

        Shape: (samples,).
        """
        records = self._open(path)
        if records is None or not _is_sound(records, index):
            records = self._make(path)
        waveform: Waveform = records["steps"][index] * records["scale"][index]
        return waveform

    def verify(self) -> list[Path]:
        """Look at the checksums of all tracks here, and remove what is damaged or unfinished.

        Returns:
            The files that were removed.
        """
        removed = list(self.folder.glob(".*.part"))
        for file in sorted(self.folder.glob("*.npy")):
            records = _read(file)
            if records is None or not all(_is_sound(records, index) for index in range(len(records))):
                removed.append(file)
        for file in removed:
            file.unlink()
        return removed

    def file_of(self, path: Path) -> Path:
        """The file with the windows of a track, whether it is there or not.

        Raises:
            UnreadableAudio: there is no such track.
        """
        try:
            status = path.stat()
        except OSError as error:
            raise UnreadableAudio(path, f"it cannot be opened: {error.strerror}") from None
        settings = (FORMAT, self.sample_rate, self.samples, self.per_track)
        cache_key = repr((str(absolute(path)), status.st_size, status.st_mtime_ns, settings))
        return self.folder / f"{hashlib.sha256(cache_key.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.npy"

    def _open(self, path: Path) -> Records | None:
        records = _read(self.file_of(path))
        return records if records is not None and records.dtype == _record(self.samples) else None

    def _make(self, path: Path) -> Records:
        """Decode a track and write its windows."""
        file = self.file_of(path)
        waveforms, heard = self._decode(path)
        peaks = np.abs(waveforms).max(1)  # (windows,)
        records = np.zeros(len(waveforms), _record(self.samples))
        records["heard"] = heard
        records["scale"] = np.where(peaks > SILENCE, peaks, 1) / FULL_SCALE
        records["steps"] = np.round(waveforms / records["scale"][:, None]).clip(-FULL_SCALE, FULL_SCALE)
        records["crc"] = [_checksum(records, index) for index in range(len(records))]
        try:
            with replacing(file) as stream:
                np.save(stream, records)
        except OSError as error:
            raise EarmarkError(f"{self.folder}: the cache cannot be written: {error.strerror}") from error
        return records

    def _decode(self, path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The windows of a track, and how many samples of each are of the track.

        Shape: (windows, samples), (windows,).
        """
        with Recording(path) as recording:
            sought = self._seek(recording)
            if sought is not None:
                return sought, np.full(len(sought), self.samples)
            waveform = np.concatenate([*recording.blocks(self.sample_rate), np.empty(0, np.float32)])
        for warning in recording.warnings:
            logger.warning("%s: %s", path, warning)
        heard = min(self.samples, waveform.size)
        padded = np.pad(waveform, (0, self.samples - heard))
        waveforms = np.stack([padded[start : start + self.samples] for start in self._starts(waveform.size)])
        return waveforms, np.full(len(waveforms), heard)

    def _seek(self, recording: Recording) -> NDArray[np.float32] | None:
        """The same windows of a long track, without decoding what is between them.

        Shape: (windows, samples); None where that does not pay, or where the file is not what it says.
        """
        duration, window = recording.duration or 0.0, self.samples / self.sample_rate
        if self.per_track * (window + WARM_UP + STEPPING * duration) > duration:
            return None
        try:
            # From shortly before the declared end: how long it is to the sample, no header says.
            end = round((duration - TOLERANCE) * self.sample_rate)
            rest = sum(block.size for block in recording.blocks(self.sample_rate, start=end / self.sample_rate))
            excerpts = [
                [*recording.blocks(self.sample_rate, start=start / self.sample_rate, duration=window)]
                for start in self._starts(end + rest)
            ]
        except UnreadableAudio:  # there, but perhaps not everywhere
            return None
        whole = rest > 0 and all(sum(block.size for block in excerpt) == self.samples for excerpt in excerpts)
        return np.stack([np.concatenate(excerpt) for excerpt in excerpts]) if whole else None

    def _starts(self, length: int) -> list[int]:
        """The starts of the windows in a track of so many samples."""
        last = max(0, length - self.samples)
        if self.per_track == 1:
            return [last // 2]
        return sorted({round(start) for start in np.linspace(0, last, self.per_track)})


def _filler(cache: WindowCache) -> Task[Path]:
    def fill(path: Path) -> Path:
        cache.windows(path)
        return path

    return fill


def _record(samples: int) -> np.dtype[np.void]:
    return np.dtype([("crc", "<u4"), ("scale", "<f4"), ("heard", "<i4"), ("steps", "<i2", (samples,))])


def _read(file: Path) -> Records | None:
    """The records of a file; None where there is none, or something else."""
    try:
        records = open_memmap(file, mode="r")
    except (OSError, ValueError, EOFError, SyntaxError, TokenError):  # what a header that is no header brings about
        return None
    whole = records.ndim == 1 and len(records) and (records.dtype.names or ())[:1] == ("crc",)
    return records if whole else None


def _is_sound(records: Records, index: int) -> bool:
    return bool(records["crc"][index] == _checksum(records, index))


def _checksum(records: Records, index: int) -> int:
    """The checksum of all of a record that follows its checksum."""
    row = records[index : index + 1].view(np.uint8)
    return zlib.crc32(row[records.dtype["crc"].itemsize :].data)
