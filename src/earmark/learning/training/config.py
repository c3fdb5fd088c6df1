"""The recipe of a training run, in TOML, and the machine that it runs on.

The recipe decides what comes out; the machine only how long it takes. They are apart so that one recipe fits a laptop
and a cluster.
"""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from pydantic import ValidationError as PydanticError

from earmark.errors import ManifestError


class Augmentation(BaseModel):
    """What is changed in a window each time it is drawn, so that no two draws sound the same."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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


class TrainConfig(BaseModel):
    """A recipe."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    summary: str = ""
    notes: str = ""  # what else the card says under "What to know before trusting it"
    architecture: str = "emusic"
    settings: dict[str, Any] = {}
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
    assistant: str = ""  # a model whose opinions are learned beside the labels; "" for none
    assistant_weight: PositiveFloat = 1.0  # of them, in the loss


class Machine(BaseModel):
    """What a recipe runs on; see Lightning Fabric for `accelerator`, `devices` and `nodes`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such recipe") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: not TOML: {error}") from error
    return checked({"name": path.stem} | raw, path)


def checked(raw: dict[str, Any], name: Path | str) -> TrainConfig:
    """The recipe of plain values.

    Raises:
        ManifestError: a key or a value is not what it should be; the message names the first.
    """
    try:
        return TrainConfig.model_validate(raw)
    except PydanticError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        reason = "there is no such key" if first["type"] == "extra_forbidden" else first["msg"]
        raise ManifestError(f"{name}: {key}: {reason}") from error
