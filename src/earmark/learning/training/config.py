"""The recipe of a training run, in TOML, and the machine that it runs on.

The recipe decides what comes out; the machine only how long it takes. They are apart so that one recipe fits a laptop
and a cluster.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from earmark.learning import recipe
from earmark.learning.recipe import Recipe


class Augmentation(Recipe):
    """Changes of a window each time it is drawn, so that no two draws sound the same."""

    gain: NonNegativeFloat = 6.0  # dB, up or down
    shift: NonNegativeFloat = 1.0  # seconds, to either side
    speed: float = Field(default=0.03, ge=0, lt=0.5)  # share by which it plays faster or slower, pitch and all
    equaliser: float = Field(default=0.3, ge=0, le=1)  # probability of band limits and a tilted spectrum
    codec: float = Field(default=0.2, ge=0, le=1)  # probability of what a lossy codec leaves out
    mixup: NonNegativeFloat = 0.2  # alpha of the beta distribution; 0 for none
    frequency_masks: NonNegativeInt = 2
    frequency_mask: NonNegativeInt = 12  # bands at most
    time_masks: NonNegativeInt = 2
    time_mask: NonNegativeInt = 24  # frames at most


class TrainConfig(Recipe):
    """A recipe."""

    name: str = Field(min_length=1)
    summary: str = ""
    notes: str = ""  # what else the card says under "What to know before trusting it"
    architecture: str = "emusic"
    settings: dict[str, Any] = Field(default_factory=dict)
    epochs: PositiveInt = 30
    batch_size: PositiveInt = 16  # of each device
    learning_rate: PositiveFloat = 1e-3
    weight_decay: NonNegativeFloat = 1e-2
    warm_up: float = Field(default=0.05, gt=0, lt=1)  # share of all steps
    gradient_norm: PositiveFloat = 5.0  # longer gradients are shortened to this
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    class_balance: float = Field(default=0.5, ge=0, le=1)  # 0: every track is drawn alike, 1: every class
    windows: PositiveInt = 2  # kept of each track
    patience: PositiveInt = 8  # epochs without improvement before it stops
    precision: Literal["32-true", "bf16-mixed"] = "bf16-mixed"
    seed: int = Field(default=0, ge=0, lt=2**63)
    unknown: float = Field(
        default=0.02, ge=0, lt=1
    )  # share of the validation tracks that may be called unlike anything known
    augmentation: Augmentation = Augmentation()
    assistant: str | list[str] = ""  # a model whose pseudo-labels are learned beside the labels, or several
    assistant_weight: PositiveFloat = 1.0  # of them, in the loss

    @property
    def assistants(self) -> tuple[str, ...]:
        """Names or folders of the assistants, none where the recipe has none."""
        if isinstance(self.assistant, str):
            return (self.assistant,) if self.assistant else ()
        return tuple(self.assistant)


class Machine(Recipe):
    """The machine that a recipe runs on; see Lightning Fabric for `accelerator`, `devices` and `nodes`."""

    accelerator: str = "auto"
    devices: PositiveInt = 1  # of each node
    nodes: PositiveInt = 1
    workers: NonNegativeInt = 0  # processes that prepare windows; 0: the training process itself
    decoders: PositiveInt = 1  # processes that fill the cache
    checkpoint_seconds: NonNegativeFloat = 60.0  # between two checkpoints; at the end of an epoch there always is one


def read_config(path: Path) -> TrainConfig:
    """Read a recipe; without a `name` it is called after its file.

    Raises:
        ManifestError: it is missing, no TOML, or has a key or a value that it should not have.
    """
    return recipe.read(TrainConfig, path, {"name": path.stem})
