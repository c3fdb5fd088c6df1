"""Held-out predictions: every test row of a protocol by a network that has not seen its fold.

A fold whose inputs have not changed need not be fitted again: its predictions can be kept in a folder, under a key made
of all that they depend on, so that an interrupted run goes on where it was.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.files import replacing
from earmark.recipes.house12.fitting import fit, predict
from earmark.recipes.house12.protocols import EvaluationProtocol
from earmark.recipes.house12.recipe import FitConfig
from earmark.recipes.house12.shifts import Pairs
from earmark.recipes.house12.tables import Indices, Rows

Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class HeldOut:
    """Labels (tracks,) and probabilities (tracks, classes) of the test rows, in the order of the folds.

    `rows` (tracks,) are their numbers in the protocol.
    """

    rows: Indices
    labels: Indices
    probabilities: Probabilities


def cross_validate(
    protocol: EvaluationProtocol,
    config: FitConfig,
    *,
    scatter: Sequence[Pairs] = (),
    non_music: Rows | None = None,
    weights: NDArray[np.float32] | None = None,
    keep: Path | None = None,
    progress: Callable[[float], None] = lambda _share: None,
) -> HeldOut:
    """Predict every test row of a protocol by a network that has not seen its fold.

    Args:
        protocol: the rows and the folds.
        config: the settings of each fit.
        scatter: descriptors of other sound whole and cut, coded or damaged, for each kind of damage.
        non_music: descriptors of sounds that are no music, (sounds, 70).
        weights: how much each row counts, 1 if not given.
        keep: a folder for the predictions of the folds that are done; none are kept if not given.
        progress: called with the share that is done.
    """
    predicted = []
    moved = [side for pairs in scatter for side in (pairs.before, pairs.after)]
    for index, (train, test) in enumerate(protocol.folds):

        def report(share: float, index: int = index) -> None:
            progress((index + share) / len(protocol.folds))

        rows, labels = protocol.rows[train], protocol.labels[train]
        genres = protocol.genres and protocol.genres.of(train)
        auxiliary = [each.of(train) for each in protocol.auxiliary]
        weight = None if weights is None else weights[train]
        key = cache_key(
            repr((config, len(protocol.classes), [each.classes for each in auxiliary], genres and genres.styles)),
            [rows, labels, *(each.indices for each in auxiliary), genres and genres.labels.indices, weight],
            [*moved, non_music],
            protocol.rows[test],
        )
        kept = keep / f"{key}.npy" if keep else None
        if kept and kept.exists():
            predicted.append(np.load(kept, allow_pickle=False))
            report(1.0)
            continue
        network = fit(
            rows,
            labels,
            len(protocol.classes),
            config,
            genres=genres,
            auxiliary=auxiliary,
            weights=weight,
            scatter=scatter,
            non_music=non_music,
            progress=report,
        )
        predicted.append(predict(network, protocol.rows[test]))
        if kept:
            _write(kept, predicted[-1])
    tested = np.concatenate([test for _, test in protocol.folds])
    return HeldOut(tested, protocol.labels[tested], np.concatenate(predicted))


def cache_key(*parts: Any) -> str:  # noqa: ANN401  text, arrays, and lists of arrays
    """Sixteen hexadecimal digits that differ where the parts differ."""
    digest = hashlib.sha256()
    for part in parts:
        for each in part if isinstance(part, list) else [part]:
            if isinstance(each, np.ndarray):
                digest.update(f"{each.dtype}{each.shape}".encode())
                digest.update(np.ascontiguousarray(each).tobytes())
            else:
                digest.update(repr(each).encode())
    return digest.hexdigest()[:16]


def _write(path: Path, predicted: Probabilities) -> None:
    with replacing(path) as file:
        np.save(file, predicted, allow_pickle=False)
