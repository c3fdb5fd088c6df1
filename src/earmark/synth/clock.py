"""Musical time: from bars and sixteenths to samples, with swing.

A *step* is a sixteenth note; a bar has 16. Swing delays every odd sixteenth by a share of a step: 0 is straight,
0.33 is a triplet shuffle.
"""

from __future__ import annotations

from dataclasses import dataclass

STEPS_PER_BAR = 16
BEATS_PER_BAR = 4


@dataclass(frozen=True)
class Clock:
    """Tempo, swing and the moment of the first downbeat (`lead_in`, seconds)."""

    bpm: float
    sample_rate: int
    swing: float = 0.0
    lead_in: float = 0.0

    @property
    def step_seconds(self) -> float:
        """Length of a sixteenth in seconds."""
        return 15.0 / self.bpm

    @property
    def bar_seconds(self) -> float:
        """Length of a bar in seconds."""
        return 240.0 / self.bpm

    def seconds(self, step: float) -> float:
        """The moment of a step, counted from the first downbeat; odd sixteenths are swung."""
        late = self.swing if round(step) == step and int(step) % 2 else 0.0
        return self.lead_in + (step + late) * self.step_seconds

    def sample(self, step: float) -> int:
        """The sample at which a step begins."""
        return round(self.seconds(step) * self.sample_rate)

    def beats(self, seconds: float) -> tuple[float, ...]:
        """All beats before `seconds`."""
        interval = 60.0 / self.bpm
        count = max(0, int((seconds - self.lead_in) / interval - 1e-9) + 1)
        return tuple(self.lead_in + beat * interval for beat in range(count))
