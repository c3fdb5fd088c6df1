"""The listener: from a file to everything that was heard in it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from earmark.analysis import Analysis
from earmark.audio import Recording, Waveform
from earmark.errors import UnreadableAudio
from earmark.hearing.model import Model

FAST_PLACES = (0.3, 0.55, 0.8)  # of the track, where `fast` listens: past the intro, and before the outro


class Listener:
    """Hears files with one model.

    Args:
        model: the model.
        fast: listen to three windows of a long file only, reached by seeking, and leave the rest undecoded.
    """

    def __init__(self, model: Model, *, fast: bool = False) -> None:
        self.model = model
        self.fast = fast

    def __call__(self, path: Path | str) -> Analysis:
        """Hear a file.

        Raises:
            UnreadableAudio: there is no audio in it that can be heard.
        """
        config = self.model.config
        with Recording(path) as recording:
            heard_seconds = 0.0

            def counted(blocks: Iterator[Waveform]) -> Iterator[Waveform]:
                nonlocal heard_seconds
                for block in blocks:
                    heard_seconds += len(block) / config.sample_rate
                    yield block

            places = self._places(recording.duration)
            if places:
                windows = ((start, self._excerpt(recording, start)) for start in places)
            else:
                windows = self.model.windows(counted(recording.blocks(config.sample_rate)))
            heard = self.model.hear_windows(windows)
            duration = recording.duration if places and recording.duration else heard_seconds
        best = heard.timeline.top(1)[0][1]
        return Analysis(
            path=Path(path),
            duration=duration,
            timeline=heard.timeline,
            families=config.families,
            unknown=best < config.unknown_threshold,
            embedding=heard.embedding,
            model=config.name,
            warnings=tuple(recording.warnings),
        )

    def _places(self, duration: float | None) -> list[float]:
        """Where to listen, in seconds; nowhere in particular if the whole track is to be heard."""
        window = self.model.config.window
        if not self.fast or duration is None or duration < 2 * len(FAST_PLACES) * window:
            return []
        return [share * duration - window / 2 for share in FAST_PLACES]

    def _excerpt(self, recording: Recording, start: float) -> Waveform:
        window = self.model.config.window
        blocks = list(recording.blocks(self.model.config.sample_rate, start=start, duration=window))
        if not blocks:
            raise UnreadableAudio(
                recording.path, f"it declares {recording.duration:.1f} s, but nothing is heard at {start:.1f} s"
            )
        return np.concatenate(blocks)
