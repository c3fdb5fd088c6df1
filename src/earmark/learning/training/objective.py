"""Objectives, one for each task: the loss of a batch, its hits, the prediction for a track, the measure to stop by.

Conventions: logits and targets (batch, classes); track logits are lists of (windows, classes), one for each track.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from earmark.learning.data.manifest import Manifest
from earmark.measures.classification import apply_temperature
from earmark.measures.ranking import roc_auc
from earmark.measures.regression import rmse

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Objective:
    """The objective of a task.

    Attributes:
        loss: mean over the batch, from logits, targets and the share of label smoothing.
        hits: number of windows of a batch that were right.
        predict: prediction for a track from the logits of its windows, (classes,).
        measure: quality of the predictions for all tracks, in the units of the network; the larger the better.
        measure_name: its name, for readers.
    """

    loss: Callable[[Tensor, Tensor, float], Tensor]
    hits: Callable[[Tensor, Tensor], Tensor]
    predict: Callable[[Logits], NDArray[np.float64]]
    measure: Callable[[Manifest, NDArray[np.float64], "Scale"], float]
    measure_name: str


def _cross_entropy(logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
    return functional.cross_entropy(logits, target, label_smoothing=smoothing)


def _binary_cross_entropy(logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, target * (1 - smoothing) + smoothing / 2)


def _squared_error(logits: Tensor, target: Tensor, smoothing: float) -> Tensor:  # noqa: ARG001  values are not smoothed
    return functional.mse_loss(logits, target)


def _top_hits(logits: Tensor, target: Tensor) -> Tensor:
    return (logits.argmax(1) == target.argmax(1)).sum()


def _tag_hits(logits: Tensor, target: Tensor) -> Tensor:
    return ((logits > 0) == (target > 0.5)).float().mean(1).sum()  # noqa: PLR2004  mixed targets lie between


def _no_hits(logits: Tensor, target: Tensor) -> Tensor:  # noqa: ARG001  a number is never quite right
    return torch.zeros(())


def _mean_probability(logits: Logits) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = apply_temperature(logits, 1.0).mean(0)
    return mean


def _mean_sigmoid(logits: Logits) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = (0.5 + 0.5 * np.tanh(logits.astype(np.float64) / 2)).mean(0)
    return mean


def _mean_value(logits: Logits) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = logits.mean(0, dtype=np.float64)
    return mean


def _accuracy(manifest: Manifest, predicted: NDArray[np.float64], _scale: "Scale") -> float:
    return float((predicted.argmax(1) == manifest.labels()).mean())


def mean_auc(manifest: Manifest, predicted: NDArray[np.float64]) -> float:
    """The mean ROC-AUC of the tags that some tracks have and others have not; 0.5 if there is none."""
    truth = manifest.targets() > 0
    areas = [
        roc_auc(truth[:, tag], predicted[:, tag])
        for tag in range(truth.shape[1])
        if truth[:, tag].any() and not truth[:, tag].all()
    ]
    return float(np.mean(areas)) if areas else 0.5


def _area(manifest: Manifest, predicted: NDArray[np.float64], _scale: "Scale") -> float:
    return mean_auc(manifest, predicted)


def _negative_error(manifest: Manifest, predicted: NDArray[np.float64], scale: "Scale") -> float:
    """The mean RMSE in deviations: a value in thousands counts no more than one between 0 and 1."""
    truth = manifest.targets().astype(np.float64)
    errors = np.array([rmse(truth[:, each], predicted[:, each]) for each in range(truth.shape[1])])
    return -float((errors / scale.deviation.numpy()).mean())


@dataclass(frozen=True)
class Scale:
    """Units: networks learn values of zero mean and unit deviation over the training tracks; others are left alone.

    Shape: mean and deviation (classes,).
    """

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """The scale of a manifest's targets."""
        targets = torch.from_numpy(manifest.targets())
        if manifest.task != "values":
            return cls(torch.zeros(targets.shape[1]), torch.ones(targets.shape[1]))
        return cls(targets.mean(0), targets.std(0, correction=0).clamp_min(1e-6))

    def standardise(self, target: Tensor) -> Tensor:
        """Targets in the units of the network."""
        return (target - self.mean.to(target.device)) / self.deviation.to(target.device)

    def restore(self, logits: Logits) -> Logits:
        """Logits in the units of the manifest."""
        restored: Logits = logits * self.deviation.numpy() + self.mean.numpy()
        return restored

    @torch.no_grad()
    def fold(self, body: nn.Module) -> None:
        """Build the scale into the last linear layer, so that logits come in the units of the manifest."""
        last = [layer for layer in body.modules() if isinstance(layer, nn.Linear)][-1]
        last.weight.mul_(self.deviation[:, None])
        last.bias.mul_(self.deviation).add_(self.mean)


OBJECTIVES = {
    "styles": Objective(_cross_entropy, _top_hits, _mean_probability, _accuracy, "precision@1"),
    "tags": Objective(_binary_cross_entropy, _tag_hits, _mean_sigmoid, _area, "ROC-AUC"),
    "values": Objective(_squared_error, _no_hits, _mean_value, _negative_error, "-RMSE in deviations"),
}
