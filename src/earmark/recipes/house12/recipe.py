"""The recipe of a model from measured tables: its settings, as they stand in a TOML file beside this module.

What is not a count is a share (0-1) unless said.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from earmark.learning import recipe
from earmark.learning.recipe import Recipe

Share = Annotated[float, Field(ge=0, le=1)]


class Windows(Recipe):
    """The windows of a waveform that a model hears, in seconds."""

    window: PositiveFloat
    hop: PositiveFloat
    shortest: PositiveFloat


class SyntheticConfig(Recipe):
    """The synthetic sound whose descriptors are kept in `file`: damaged tracks, half the drums, no music."""

    file: Annotated[Path, Field(strict=False)]
    per_style: PositiveInt  # tracks
    seed: NonNegativeInt


class RecordingsConfig(Recipe):
    """Recordings of real music: the descriptors of wholes, excerpts and copies are kept in `file`."""

    file: Annotated[Path, Field(strict=False)]
    works: PositiveInt  # at most
    seed: NonNegativeInt


class HalfTimeConfig(Recipe):
    """A style that no table has: the rows of another one, with half the drums."""

    style: str
    source: str
    weight: NonNegativeFloat  # of such a row, where a measured one has 1


class FitConfig(Recipe):
    """The settings of one fit."""

    members: PositiveInt = 8
    hidden: Annotated[tuple[PositiveInt, ...], Field(strict=False)] = (256, 256)
    knots: PositiveInt = 33
    harmonics: PositiveInt = 1
    epochs: PositiveInt = 60
    batch_size: PositiveInt = 128
    learning_rate: PositiveFloat = 2e-3
    weight_decay: NonNegativeFloat = 1e-2
    dropout: float = Field(default=0.4, ge=0, lt=1)
    noise: NonNegativeFloat = 0.2  # deviation, in units of the normal scores (about 1)
    tempo_noise: NonNegativeFloat = 0.0  # deviation, of the tempo
    label_smoothing: Share = 0.1
    class_balance: Share = 0.5  # 0: every row counts alike, 1: every class
    degraded: Share = 0.0  # of the real rows in a batch are as an excerpt or a damaged recording would give them
    varispeed: float = Field(default=0.0, ge=0, lt=1)  # how far a degraded recording may be off its speed, either way
    mixed: Share = 0.0  # of a real row may be of another one, at most; so is its target
    non_music: Share = 0.0  # of a batch
    auxiliary: NonNegativeFloat = 1.0  # weight of each auxiliary loss, where that of the labels has 1
    seed: NonNegativeInt = 0


class TableRecipe(Recipe):
    """A recipe: what is trained on what, and what its card says."""

    name: str = Field(min_length=1)
    summary: str
    notes: str  # a list in Markdown: what to know before trusting it
    windows: Windows
    synthetic: SyntheticConfig
    recordings: RecordingsConfig
    half_time: HalfTimeConfig
    fit: FitConfig
    unknown: Share  # of the real tracks that may be called unknown, though they are music


def read_recipe(path: Path) -> TableRecipe:
    """Read a recipe; its files of measured descriptors lie beside it.

    Raises:
        ManifestError: it is missing, no TOML, or has a key or a value that it should not have.
    """
    found = recipe.read(TableRecipe, path)
    beside = {
        name: part.model_copy(update={"file": path.parent / part.file})
        for name, part in (("synthetic", found.synthetic), ("recordings", found.recordings))
    }
    return found.model_copy(update=beside)
