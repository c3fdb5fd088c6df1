"""The bundle: a model on disk, a folder that says what it is, what it was made from and how well it hears.

    config.json          what this module reads: everything about the model that is not a weight
    model.onnx           `waveform` (batch, samples) -> `logits` (batch, styles), `embedding` (batch, dims)
                         and, of a model with an ear for them, `sounds` (batch, classes)
    weights.safetensors  the weights by name, for the network and for its further training
    README.md            the card
    check.npz            a waveform and the logits that it must give
    ATTRIBUTION.md       where it learned from works of others: each with its author, licence and source

Reading is strict: a missing or unknown key, a value of another type, a newer format or a file whose checksum differs
is a `BundleError` that says which.
"""

import io
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self

from earmark.errors import BundleError
from earmark.files import data_folder

FORMAT = 1
TASKS = ("styles", "tags", "values")
CONFIG, NETWORK, WEIGHTS, CARD, CHECK = "config.json", "model.onnx", "weights.safetensors", "README.md", "check.npz"
ATTRIBUTION = "ATTRIBUTION.md"
BEST = "best"  # the name that stands for the first of STRONGEST that is there
STRONGEST = ("house12+ears", "house12")
SHIPPED = Path(__file__).parent.parent / "models"


class AudioInput(Protocol):
    """A network that hears waveforms."""

    @property
    def sample_rate(self) -> int:
        """In Hz."""

    @property
    def samples(self) -> int:
        """In the window of one prediction."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """The content of `config.json`.

    `task` says what the logits mean: `styles` exclude each other (softmax), `tags` do not (a sigmoid each), `values`
    are numbers of any kind, no probabilities at all. The names of the outputs are called `styles` in each case.

    Times are in seconds: a prediction hears `window`, the next one starts `hop` later; a shorter signal is filled up
    with silence to `shortest`. Logits are divided by `temperature` before the softmax. A track whose most probable
    style is below `unknown_threshold` is like nothing that the model knows.
    """

    format: int
    name: str
    task: str
    architecture: str
    settings: dict[str, Any]
    sample_rate: int
    window: float
    hop: float
    shortest: float
    styles: list[str]
    families: dict[str, str]
    temperature: float
    unknown_threshold: float
    provenance: dict[str, Any]
    measures: dict[str, Any]
    sha256: dict[str, str]

    @classmethod
    def of(
        cls,
        network: AudioInput,
        *,
        name: str,
        architecture: str,
        settings: Mapping[str, Any],
        styles: Iterable[str],
        task: str = "styles",
        window: float | None = None,
        hop: float | None = None,
        shortest: float | None = None,
        families: Mapping[str, str] | None = None,
        temperature: float = 1.0,
        unknown_threshold: float = 0.0,
        provenance: Mapping[str, Any],
        measures: Mapping[str, Any] | None = None,
    ) -> Self:
        """The config of a network, with no checksums yet.

        Args:
            network: the sample rate is its own.
            name: of the bundle.
            architecture: how the network is built: a key of the table of architectures.
            settings: of the architecture.
            styles: the names of the outputs, in their order.
            task: one of `TASKS`.
            window: in seconds; by default the network's own number of samples.
            hop: in seconds; by default the window.
            shortest: in seconds; by default the window.
            families: the family of each style; by default those in the table of styles.
            temperature: of the softmax or sigmoid.
            unknown_threshold: of the probability; 0 knows everything.
            provenance: where the model comes from.
            measures: how well it hears, as far as that was measured.
        """
        from earmark.styles import families_of  # noqa: PLC0415  not needed to read a config

        labels = list(styles)
        window = network.samples / network.sample_rate if window is None else window
        return cls(
            format=FORMAT,
            name=name,
            task=task,
            architecture=architecture,
            settings=dict(settings),
            sample_rate=network.sample_rate,
            window=window,
            hop=window if hop is None else hop,
            shortest=window if shortest is None else shortest,
            styles=labels,
            families=families_of(labels) if families is None else dict(families),
            temperature=temperature,
            unknown_threshold=unknown_threshold,
            provenance=dict(provenance),
            measures=dict(measures or {}),
            sha256={},
        )


# What json.loads gives for each field; a whole number may stand where a fraction is meant.
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "list": (list,),
    "dict": (dict,),
}


def read_config(folder: Path) -> Config:
    """Read and check `config.json` of a bundle.

    Raises:
        BundleError: it is missing, no JSON, of a newer format, or a key is missing, unknown or of the wrong type.
    """
    path = folder / CONFIG
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(f"{folder}: not a model: it holds no {CONFIG}") from None
    try:
        raw = json.loads(content)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise BundleError(f"{path}: an object was expected")
    if isinstance(raw.get("format"), int) and raw["format"] > FORMAT:
        raise BundleError(f"{path}: format {raw['format']} is newer than {FORMAT}, which this version of earmark reads")
    return _parse(path, raw)


def _parse(path: Path, raw: Mapping[str, Any]) -> Config:
    wanted = {field.name: str(getattr(field.type, "__name__", field.type)) for field in fields(Config)}
    if missing := wanted.keys() - raw.keys():
        raise BundleError(f"{path}: missing: {', '.join(sorted(missing))}")
    if unknown := raw.keys() - wanted.keys():
        raise BundleError(f"{path}: unknown: {', '.join(sorted(unknown))}")
    for key, kind in wanted.items():
        if not isinstance(raw[key], _JSON_TYPES[kind]) or isinstance(raw[key], bool):
            raise BundleError(f"{path}: {key} is {raw[key]!r}, but must be of type {kind}")
    config = Config(**raw)
    _check_values(path, config)
    return config


def _check_values(path: Path, config: Config) -> None:
    for key in ("sample_rate", "window", "hop", "shortest", "temperature"):
        value = getattr(config, key)
        if not (math.isfinite(value) and value > 0):
            raise BundleError(f"{path}: {key} is {value}, but must be positive")
    if config.task not in TASKS:
        raise BundleError(f"{path}: task is {config.task!r}, but must be one of {', '.join(TASKS)}")
    if not all(isinstance(name, str) for name in (*config.styles, *config.families.values())):
        raise BundleError(f"{path}: the name of a style or of a family is no text")
    if set(config.families) != set(config.styles) or len(set(config.styles)) != len(config.styles):
        raise BundleError(f"{path}: the families do not name each of the styles once")
    if absent := {NETWORK, WEIGHTS, CHECK} - config.sha256.keys():
        raise BundleError(f"{path}: no checksum for {', '.join(sorted(absent))}")


def read_checked(folder: Path, config: Config, name: str) -> bytes:
    """The bytes of one of the files of a bundle.

    Raises:
        BundleError: the file is missing or its checksum is not the one in the config.
    """
    path = folder / name
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise BundleError(f"{path}: missing") from None
    if _digest(io.BytesIO(content)) != config.sha256[name]:
        raise BundleError(f"{path}: damaged: its checksum is not the one in {CONFIG}")
    return content


def require_intact(folder: Path, config: Config, *names: str) -> None:
    """Make sure that some of the files of a bundle are as they were written.

    Raises:
        BundleError: one is missing or its checksum is not the one in the config.
    """
    for name in names:
        path = folder / name
        try:
            with path.open("rb") as file:
                digest = _digest(file)
        except FileNotFoundError:
            raise BundleError(f"{path}: missing") from None
        if digest != config.sha256[name]:
            raise BundleError(f"{path}: damaged: its checksum is not the one in {CONFIG}")


def _digest(file: BinaryIO) -> str:
    import hashlib  # noqa: PLC0415  which brings OpenSSL, and a bundle that was opened before is not read again

    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def shipped() -> dict[str, Path]:
    """The bundles that come with earmark, by name."""
    return _bundles(SHIPPED)


def added() -> dict[str, Path]:
    """The bundles in the user's folder of models, by name."""
    return _bundles(user_models())


def at_hand() -> dict[str, Path]:
    """All bundles that have a name, those that come with earmark first; an added one cannot take the name of those."""
    return shipped() | added() | shipped()


def strongest() -> str:
    """The name of the strongest model of styles that is there."""
    here = at_hand()
    return next(name for name in STRONGEST if name in here)


def user_models() -> Path:
    """The folder of the models that a user adds: `EARMARK_MODELS`, or the user's folder for data."""
    if chosen := os.environ.get("EARMARK_MODELS"):
        return Path(chosen)
    return data_folder() / "models"


def _bundles(folder: Path) -> dict[str, Path]:
    return {
        config.parent.name: config.parent
        for config in sorted(folder.glob(f"*/{CONFIG}"))
        if not config.parent.name.startswith(".")  # one that is just being written
    }


def locate(source: str | Path) -> Path:
    """The folder of a bundle, given the name of one that comes with earmark or was added, `best`, or a path.

    Raises:
        BundleError: it is none of them.
    """
    named = at_hand()
    if str(source) == BEST and BEST not in named:
        source = strongest()
    if str(source) in named:
        return named[str(source)]
    folder = Path(source)
    if not folder.is_dir():
        raise BundleError(
            f"{source}: there is no model of this name and no such folder; the models are {', '.join(named)}; "
            f"{_way_to(str(source))}"
        )
    return folder


def _way_to(name: str) -> str:
    """The command that makes a model of this name, as far as there is one."""
    if name == STRONGEST[0]:
        return "`earmark models add ears` makes it"
    one, plus, other = name.partition("+")
    joined = f"`earmark pool house12-pool {one} {other} OUT` makes one model of two, of descriptors and an ear"
    return "`earmark models` says which can be added" + (f"; {joined}" if plus and one and other else "")
