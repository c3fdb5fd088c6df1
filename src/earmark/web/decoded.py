"""Tracks decoded to WAV, for a player that joins them on the sample.

Each browser has its own idea where the sound of an mp3 begins, so a player that is to meet a transition on the sample
takes its samples from here: two channels of 16 bits at the rate of the transitions. The last few files stay, in a
folder beside the catalogue that goes with the server; if that was killed, the next one deletes it.
"""

import shutil
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Final

from earmark.dj.recorder import recorder
from earmark.dj.sound import stereo

RATE: Final = 44_100  # Hz
KEPT: Final = 6  # files; ten megabytes for each minute


class Decoded:
    """Files decoded to WAV, the last ones that were asked for.

    Args:
        folder: for them alone; what an earlier server left there is deleted.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: OrderedDict[tuple[Path, int], Path] = OrderedDict()
        self._lock = threading.Lock()
        self._number = 0
        self.close()

    def file(self, path: Path) -> Path:
        """The WAV file with the sound of a file; one is decoded at a time.

        Raises:
            UnreadableAudio: it cannot be decoded.
        """
        key = path, path.stat().st_mtime_ns
        with self._lock:
            if key not in self._files:
                self._number += 1
                out = self._folder / f"{self._number}.wav"
                with recorder(out) as write:
                    for block in stereo(path, RATE):
                        write(block)
                self._files[key] = out
            self._files.move_to_end(key)
            while len(self._files) > KEPT:
                _, oldest = self._files.popitem(last=False)
                with suppress(OSError):  # Windows keeps what is being sent; it goes with the folder
                    oldest.unlink()
            return self._files[key]

    def close(self) -> None:
        """Delete all of them."""
        shutil.rmtree(self._folder, ignore_errors=True)
