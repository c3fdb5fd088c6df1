"""Held-out predictions: every test row of a protocol by a network that has not seen its fold.

A fold whose inputs have not changed need not be fitted again: its answers can be kept in a folder, under a fingerprint
of all that they depend on, so that an interrupted run goes on where it was.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.files import replacing
from earmark.recipes.house12.fitting import FitConfig, fit, ignore, nothing, predict
from earmark.recipes.house12.tables import Indices, Protocol, Rows

Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class HeldOut:
    """Labels (tracks,) and probabilities (tracks, classes) of the test rows, in the order of the folds.

    `rows` (tracks,) says which rows of the protocol they are.
    """

    rows: Indices
    labels: Indices
    probabilities: Probabilities


@dataclass(frozen=True)
class Teaching:
    """What is taught beside the real rows: how recordings are damaged, and what is no music."""

    degrade: Callable[[Rows], Sequence[Rows]] = field(default=nothing)
    strangers: Rows | None = None


def cross_validate(
    protocol: Protocol,
    config: FitConfig,
    *,
    teaching: Teaching | None = None,
    weights: NDArray[np.float32] | None = None,
    keep: Path | None = None,
    progress: Callable[[float], None] = ignore,
) -> HeldOut:
    """Predict every test row of a protocol by a network that has not seen its fold.

    Args:
        protocol: the rows and the folds.
        config: the settings of each fit.
        teaching: what is taught beside the rows.
        weights: how much each row counts, 1 if not given.
        keep: a folder for the answers of the folds that are done; none are kept if not given.
        progress: called with the share that is done.
    """
    teaching = teaching or Teaching()
    answers = []
    for index, (train, test) in enumerate(protocol.folds):

        def report(share: float, index: int = index) -> None:
            progress((index + share) / len(protocol.folds))

        others = [task.of(train) for task in protocol.others]
        weight = None if weights is None else weights[train]
        rows, labels = protocol.rows[train], protocol.labels[train]
        degraded = list(teaching.degrade(rows))
        mark = fingerprint(
            repr((config, len(protocol.classes), [task.classes for task in others])),
            [rows, labels, *(task.labels for task in others), weight, *degraded, teaching.strangers],
            protocol.rows[test],
        )
        kept = keep / f"{mark}.npy" if keep else None
        if kept and kept.exists():
            answers.append(np.load(kept, allow_pickle=False))
            report(1.0)
            continue
        network = fit(
            rows,
            labels,
            len(protocol.classes),
            config,
            others=others,
            weights=weight,
            degrade=lambda _rows, copies=degraded: copies,  # type: ignore[misc]
            strangers=teaching.strangers,
            progress=report,
        )
        answers.append(predict(network, protocol.rows[test]))
        if kept:
            _write(kept, answers[-1])
    tested = np.concatenate([test for _, test in protocol.folds])
    return HeldOut(tested, protocol.labels[tested], np.concatenate(answers))


def fingerprint(*parts: Any) -> str:  # noqa: ANN401  text, arrays, and lists of arrays
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


def _write(path: Path, answers: Probabilities) -> None:
    with replacing(path) as file:
        np.save(file, answers, allow_pickle=False)
