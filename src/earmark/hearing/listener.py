"""The listener: from a file to everything that was heard in it."""

from pathlib import Path

import numpy as np

from earmark.analysis import Analysis
from earmark.audio import Recording, Waveform
from earmark.hearing.model import Heard, Model
from earmark.hearing.original import hear_pieces

FAST_PLACES = (0.3, 0.55, 0.8)  # of the track, where `fast` listens: past the intro, and before the outro


class Listener:
    """Hears files with one model.

    Args:
        model: the model.
        fast: listen to three windows of a long file only, reached by seeking, and leave the rest undecoded.
        original: listen to ten pieces as one batch, as the system of 2018 did.

    Raises:
        ValueError: both ways at once.
    """

    def __init__(self, model: Model, *, fast: bool = False, original: bool = False) -> None:
        if fast and original:
            raise ValueError("a listener hears either three windows or the ten pieces of the original, not both")
        self.model = model
        self.fast = fast
        self.original = original

    def __call__(self, path: Path | str) -> Analysis:
        """Hear a file.

        Raises:
            UnreadableAudio: there is no audio in it that can be heard.
        """
        config = self.model.config
        with Recording(path) as recording:
            heard, duration, warnings = self._hear(recording)
        _, best = heard.timeline.top(1)[0]
        return Analysis(
            path=Path(path),
            duration=duration,
            timeline=heard.timeline,
            families=config.families,
            unknown=best < config.unknown_threshold,
            embedding=heard.embedding,
            model=config.name,
            warnings=warnings,
        )

    def _hear(self, recording: Recording) -> tuple[Heard, float, tuple[str, ...]]:
        """What was heard, the duration in seconds, and what was wrong."""
        if self.original:
            pieces = hear_pieces(self.model, recording)
            return pieces.heard, pieces.duration, pieces.warnings
        excerpts = self._excerpts(recording)
        blocks = recording.blocks(self.model.config.sample_rate)
        heard = self.model.hear_windows(excerpts or self.model.windows(blocks))
        end = float(heard.timeline.starts[-1]) + heard.timeline.window
        duration = recording.duration if excerpts and recording.duration else end
        return heard, duration, tuple(recording.warnings)

    def _excerpts(self, recording: Recording) -> list[tuple[float, Waveform]]:
        """Windows of a long file with their starts in seconds, or none if all of it is to be heard.

        All is heard of a file that ends before it says, too.
        """
        rate, window, duration = self.model.config.sample_rate, self.model.config.window, recording.duration
        if not self.fast or duration is None or duration < 2 * len(FAST_PLACES) * window:
            return []
        excerpts = []
        for share in FAST_PLACES:
            start = share * duration - window / 2
            blocks = list(recording.blocks(rate, start=start, duration=window))
            if sum(block.size for block in blocks) < round(window * rate) - 1:  # rounding may cost a sample
                return []
            excerpts.append((start, np.concatenate(blocks)))
        return excerpts
