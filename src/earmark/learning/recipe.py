"""A recipe: the settings of something that learns, in TOML, checked key by key before anything begins.

A setting is what its type says and nothing near it: `"60"` is no number of epochs, and a key that is misspelt is an
error, never a default.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

import earmark
from earmark.errors import ManifestError


class Recipe(BaseModel):
    """Settings: no unknown keys, no values of another type, none that is not finite, none that changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    _origin: str = PrivateAttr(default="")

    @property
    def origin(self) -> str:
        """The file that it was read from, as the provenance of a model names it; empty if there is none.

        A file of the package is named from `earmark/` on, any other by its last part: a model tells nobody's folders.
        """
        return self._origin


R = TypeVar("R", bound=Recipe)


def read(kind: type[R], path: Path, defaults: Mapping[str, Any] | None = None) -> R:
    """Read a recipe.

    Args:
        kind: the settings that it has.
        path: a TOML file.
        defaults: of keys that it leaves out, beside those of `kind`.

    Raises:
        ManifestError: it is missing, no TOML, or has a key or a value that it should not have.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such recipe") from None
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: not TOML: {error}") from error
    found = checked(kind, {**(defaults or {}), **raw}, path)
    found._origin = _named(path)  # noqa: SLF001  its own module
    return found


def _named(path: Path) -> str:
    around = Path(earmark.__file__).resolve().parents[1]
    inside = path.resolve()
    return inside.relative_to(around).as_posix() if inside.is_relative_to(around / "earmark") else path.name


def checked(kind: type[R], settings: Mapping[str, Any], source: Path | str) -> R:
    """Check settings that are at hand as plain values.

    Args:
        kind: the settings that there are.
        settings: their values.
        source: the file or the model that they belong to, for the message.

    Raises:
        ManifestError: a key or a value is not what it should be; the message names the first.
    """
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "settings"
        reason = "there is no such key" if first["type"] == "extra_forbidden" else first["msg"]
        reason = reason.removeprefix("Value error, ")  # of a validator of ours, whose message is whole
        raise ManifestError(f"{source}: {key}: {reason}") from error
