"""The listener: from a file to everything that was heard in it."""

from pathlib import Path

import numpy as np

from earmark.analysis import Analysis
from earmark.audio import Recording, Waveform
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
            excerpts = self._excerpts(recording)
            heard = self.model.hear_windows(excerpts or self.model.windows(recording.blocks(config.sample_rate)))
            declared = recording.duration
        timeline = heard.timeline
        _, best = timeline.top(1)[0]
        return Analysis(
            path=Path(path),
            duration=declared if excerpts and declared else float(timeline.starts[-1]) + timeline.window,
            timeline=timeline,
            families=config.families,
            unknown=best < config.unknown_threshold,
            embedding=heard.embedding,
            model=config.name,
            warnings=tuple(recording.warnings),
        )

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
