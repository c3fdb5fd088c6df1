"""The cost of a set: how well one track follows another, and how well each suits its place.

    cost of a set = sum over its steps of    step.tempo x tempo + step.key x key + step.style x style + ...
                  + sum over its places of   place.tempo x tempo + place.style x style + ... + chance

The weights stand in `weights.toml`, or in a file of the user that names those that differ. The parts:

    tempo    min((difference / spans.tempo)^2, 4); tempos are compared at half and double, too, for `other.double` more
    key      0.25 x (hours apart on Camelot's wheel + 1 if one is minor and the other major), 1 at most
    style    Hellinger distance of the style probabilities, 0-1
    sound    1 - cosine of the embeddings, 0-1
    energy   min((difference / spans.energy)^2, 4)
    clock    ((start - due) / length of a track)^2

A part that is not known of one of the two costs `other.unknown`.

Conventions: rows are rows of `Candidates`; parts of steps are (before, after), of places (tracks,).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earmark.dj.candidates import UNKNOWN, Candidates
from earmark.errors import PlanError

TABLE: Final = Path(__file__).with_name("weights.toml")
MOST: Final = 4.0  # of a squared difference

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class StepWeights:
    """Weights of the parts of a step."""

    tempo: float
    key: float
    style: float
    sound: float
    energy: float


@dataclass(frozen=True)
class PlaceWeights:
    """Weights of the parts of a place."""

    tempo: float
    energy: float
    style: float
    clock: float


@dataclass(frozen=True)
class Spans:
    """Differences that cost 1: of tempos, a share; of energies, 0-1."""

    tempo: float
    energy: float


@dataclass(frozen=True)
class Other:
    """Costs of a tempo counted double and of what is not known, and the seconds in which two tracks overlap."""

    double: float
    unknown: float
    overlap: float


@dataclass(frozen=True)
class Weights:
    """Everything in `weights.toml`, section by section."""

    step: StepWeights
    place: PlaceWeights
    spans: Spans
    other: Other


def read_weights(path: Path | None = None) -> Weights:
    """The weights that come with earmark, with those of a file in their place.

    Raises:
        PlanError: the file cannot be read, or names what there is not, or gives what is no weight.
    """
    shipped = _shipped()
    if path is None:
        return shipped
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # no TOML, or no text
        raise PlanError(f"{path}: {error}") from error
    sections = {field.name: getattr(shipped, field.name) for field in fields(shipped)}
    for name, values in given.items():
        if name not in sections or not isinstance(values, dict):
            raise PlanError(f"{path}: there is no section {name!r}, only {', '.join(sections)}")
        known = [field.name for field in fields(sections[name])]
        for key, value in values.items():
            if key not in known:
                raise PlanError(f"{path}: [{name}] has no {key!r}, only {', '.join(known)}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < np.inf:
                raise PlanError(f"{path}: [{name}] {key} is {value!r}, but must be a number that is not negative")
            if name == "spans" and not value:
                raise PlanError(f"{path}: [{name}] {key} is 0, but a difference must have a size")
        sections[name] = replace(sections[name], **values)
    return replace(shipped, **sections)


@cache
def _shipped() -> Weights:
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return Weights(
        StepWeights(**table["step"]), PlaceWeights(**table["place"]), Spans(**table["spans"]), Other(**table["other"])
    )


def step_parts(
    tracks: Candidates, before: NDArray[np.intp], after: NDArray[np.intp] | slice, weights: Weights
) -> Mapping[str, Matrix]:
    """The parts of the steps from some rows to others, not weighed; "sound" only where there are embeddings.

    Shape: (before, after) each.
    """
    unknown = weights.other.unknown
    parts = {
        "tempo": tempo_part(tracks.bpm[after], tracks.bpm[before][:, None], weights),
        "key": _key_costs(unknown)[tracks.keys[before][:, None], tracks.keys[after]],
        "style": hellinger(tracks.mixtures[before] @ tracks.mixtures[after].T),
        "energy": energy_part(tracks.energy[after], tracks.energy[before][:, None], weights),
    }
    if tracks.sounds.shape[1]:
        cosines = tracks.sounds[before] @ tracks.sounds[after].T
        heard = (tracks.sounds != 0).any(axis=1)
        parts["sound"] = np.where(
            heard[before][:, None] & heard[after], np.clip(1 - cosines, 0, 1), np.float32(unknown)
        )
    return parts


def step_cost(
    tracks: Candidates, before: NDArray[np.intp], after: NDArray[np.intp] | slice, weights: Weights
) -> Matrix:
    """The cost of the steps from some rows to others, (before, after)."""
    parts = step_parts(tracks, before, after, weights)
    cost: Matrix = np.zeros_like(parts["style"])
    for name, part in parts.items():
        cost += np.float32(getattr(weights.step, name)) * part
    return cost


def tempo_part(bpm: Matrix, wanted: Matrix | np.float32, weights: Weights) -> Matrix:
    """The cost of tempos where others are wanted, in any shapes that go together."""
    octaves = np.log2(bpm / wanted)
    folds = np.clip(np.rint(octaves), -1, 1)
    stretch = np.exp2(np.abs(octaves - folds)) - 1
    cost = np.minimum((stretch / weights.spans.tempo) ** 2, MOST) + weights.other.double * np.abs(folds)
    return _known(cost, weights)


def energy_part(energy: Matrix, wanted: Matrix | np.float32, weights: Weights) -> Matrix:
    """The cost of energies where others are wanted, in any shapes that go together."""
    return _known(np.minimum(((energy - wanted) / weights.spans.energy) ** 2, MOST), weights)


def hellinger(coefficients: Matrix) -> Matrix:
    """Hellinger distances, given Bhattacharyya coefficients."""
    distances: Matrix = np.sqrt(np.clip(1 - coefficients, 0, 1))
    return distances


def wheel(before: int, after: int) -> tuple[int, bool]:
    """The way from one key to another: hours clockwise on Camelot's wheel (-5 to 6), and whether the mode changes.

    >>> wheel(14, 16), wheel(14, 15)
    ((1, False), (0, True))
    """
    hours = (after // 2 - before // 2 + 5) % 12 - 5
    return hours, before % 2 != after % 2


@cache
def _key_costs(unknown: float) -> Matrix:
    """The cost from each key to each other, (25, 25); the last is `UNKNOWN`."""
    costs = np.full((UNKNOWN + 1, UNKNOWN + 1), unknown, np.float32)
    for before in range(UNKNOWN):
        for after in range(UNKNOWN):
            hours, mode = wheel(before, after)
            costs[before, after] = min(1.0, 0.25 * (abs(hours) + mode))
    return costs


def _known(cost: Matrix, weights: Weights) -> Matrix:
    """Costs, with that of what is not known where there is no number."""
    known: Matrix = np.where(np.isnan(cost), np.float32(weights.other.unknown), cost).astype(np.float32)
    return known
