"""Hints: at `earmark teach`, where the model does not know most of what it hears, and at a stronger model."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from earmark.cli.messages import complain

if TYPE_CHECKING:
    from earmark.analysis import Analysis

FEWEST: Final = 10  # tracks, from which on the hint is given


@dataclass
class TeachingHint:
    """A count of the tracks that were heard, and of those among them whose answer is unknown or unsure."""

    heard: int = 0
    doubtful: int = 0

    def note(self, analysis: "Analysis") -> None:
        """Count a track; what is no music is none."""
        from earmark.analysis import Confidence

        confidence = analysis.answer().confidence
        self.heard += confidence is not Confidence.NO_MUSIC
        self.doubtful += confidence in (Confidence.UNSURE, Confidence.UNKNOWN)

    def give(self) -> None:
        """Print one line on standard error, if more than half of at least ten tracks are doubtful."""
        if self.heard >= FEWEST and 2 * self.doubtful > self.heard:
            complain(
                f"{self.doubtful} of {self.heard} tracks are unknown or unsure; `earmark teach` learns your own styles "
                "from a folder for each"
            )


def hint_at_model(model: str) -> None:
    """Print one line on standard error: what `best` stood for, or that a stronger model than the usual one is there."""
    from earmark.app.listening import MODEL
    from earmark.hearing.bundle import BEST, strongest

    if model not in (BEST, MODEL):
        return
    best = strongest()
    if model == BEST:
        complain(f"heard with {best}")
    elif best != MODEL:
        complain(f"heard with {MODEL}; {best} is here too, and hears with more ears: --model {BEST}")
