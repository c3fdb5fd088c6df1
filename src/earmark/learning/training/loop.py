"""Train a network on a manifest: one loop, read from top to bottom.

    manifest -> cache of windows -> draws -> front end -> body -> loss
                                          each epoch: validation, metrics, checkpoint
    best epoch -> calibration -> test -> bundle with card

A run that was interrupted, killed even, goes on from its checkpoint: on one CPU with the same numbers, bit for bit, as
if nothing had happened; several devices may add up gradients in another order after a break. Several devices or
machines work as one: each computes its share of every round of batches, the gradients are averaged, and the first
process validates and writes.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from earmark.errors import ManifestError
from earmark.learning.bundle_files import require_replaceable
from earmark.learning.data.manifest import Manifest, require_trainable
from earmark.learning.training.augment import mask, mix
from earmark.learning.training.batches import Batch, hear, load
from earmark.learning.training.checkpoint import Progress
from earmark.learning.training.config import Machine, TrainConfig
from earmark.learning.training.optimiser import warm_cosine
from earmark.learning.training.report import Report, conclude
from earmark.learning.training.run import CHECKPOINT, Run, Step, prepare


def ignore(step: Step) -> None:
    """Take note of a step by doing nothing."""


def train(
    manifest: Manifest,
    config: TrainConfig,
    out: Path,
    *,
    machine: Machine | None = None,
    resume: bool = False,
    source: str = "",
    progress: Callable[[Step], None] = ignore,
) -> Report:
    """Train a network, and write it as a bundle with its card.

    Args:
        manifest: the tracks; training learns from `train`, stops and calibrates by `valid`, and measures on `test`.
        config: the recipe.
        out: the bundle to write, a folder; `OUT.training` beside it holds what the run needs.
        machine: what to train on; by default one device, the best there is.
        resume: go on from the checkpoint of an interrupted run.
        source: what the manifest is called, for the bundle's provenance.
        progress: called after each track that is decoded and each step, in the first process.

    Raises:
        ManifestError: nothing can be learned from the manifest, the recipe is of no network that learns from sound, or
            there is a checkpoint already and `resume` was not asked for, or nothing to resume.
        BundleError: something that is no model stands where it is to be written.
    """
    out = out.absolute()
    require_trainable(manifest, source or "the manifest")
    require_replaceable(out)
    _require_text(out.name, source, *manifest.classes)
    folder = out.with_name(out.name + ".training")
    if (folder / CHECKPOINT).exists() and not resume:
        raise ManifestError(
            f"{folder}: there is an unfinished run here; continue it with --resume, or delete the folder to start again"
        )
    if resume and not (folder / CHECKPOINT).exists():
        reason = "the run is finished" if out.exists() else f"there is no unfinished run in {folder}"
        raise ManifestError(f"{out}: nothing to resume: {reason}")
    awake = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(range(torch.cuda.device_count()) if awake else []):
        run = prepare(manifest, config, folder, machine or Machine(), progress)
        while not run.finished:
            _learn(run, progress)
            _validate(run, progress)
        run.network.load_state_dict(run.best)
        report = conclude(run, out, source) if run.fabric.is_global_zero else None
    shared = run.fabric.broadcast(report)
    assert shared is not None  # noqa: S101  the first process made one
    return replace(shared, rank=run.fabric.global_rank)


def _require_text(*names: str) -> None:
    """Refuse names that are no Unicode, as the name of a file may be: a bundle is written as UTF-8."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ManifestError(f"{name!r}: not a name that a model can have: it is not UTF-8") from None


def _learn(run: Run, progress: Callable[[Step], None]) -> None:
    """Learn from an epoch, or from the rest of one that was interrupted."""
    state = run.state
    batches = run.batches(state.epoch)
    total = run.config.epochs * len(batches)
    run.network.train()
    before = time.monotonic()
    for batch in load(run.windows, batches[state.step :], run.machine.workers):
        done = state.epoch * len(batches) + state.step + 1
        for group in run.optimiser.param_groups:
            group["lr"] = run.config.learning_rate * warm_cosine(done / total, run.config.warm_up)
        loss, hits = _step(run, batch)

        size = len(batch.waveform)
        state.step += 1
        state.windows += size
        state.loss += loss * size
        state.hits += hits
        now = time.monotonic()
        seconds, before = now - before, now
        state.seconds += seconds
        if run.fabric.is_global_zero:
            progress(
                Step(
                    stage="train",
                    done=done,
                    total=total,
                    epoch=state.epoch,
                    loss=state.loss / state.windows,
                    hits=state.hits / state.windows,
                    valid=run.lines[-1]["valid"] if run.lines else float("nan"),
                    rate=size * run.fabric.world_size / seconds,
                )
            )
        if now - run.saved > run.machine.checkpoint_seconds:
            run.save()
            run.saved = now


def _step(run: Run, batch: Batch) -> tuple[float, float]:
    """Take one step down the gradient; the loss of the batch, and the number of its windows that were right.

    All that is random follows from the step's place in the run, so that it is the same after an interruption.
    """
    augmentation = run.config.augmentation
    generator = np.random.default_rng((run.config.seed, run.state.epoch, run.state.step, run.fabric.global_rank))
    torch.manual_seed(int(generator.integers(2**62)))  # dropout
    waveform, target = batch.waveform.to(run.fabric.device), batch.target.to(run.fabric.device)
    waveform, target = mix(waveform, target, augmentation.mixup, generator)
    target, pseudo_labels = target[:, : len(run.manifest.classes)], target[:, len(run.manifest.classes) :]
    target = run.scale.standardise(target)
    with torch.no_grad():
        spectrogram = mask(run.network.front_end(waveform), augmentation, generator)  # (batch, 1, bands, frames)
    logits, second = run.body(spectrogram.contiguous(memory_format=torch.channels_last))
    logits = logits.float()
    loss = run.objective.loss(logits, target, run.config.label_smoothing)
    if run.config.assistants:
        disagreement = binary_cross_entropy_with_logits(second.float(), pseudo_labels, reduction="none").sum(1).mean()
        loss = loss + run.config.assistant_weight * disagreement
    run.stepper.zero_grad()
    run.fabric.backward(loss)
    run.fabric.clip_gradients(run.body, run.stepper, max_norm=run.config.gradient_norm)
    run.stepper.step()
    return float(loss.detach()), float(run.objective.hits(logits.detach(), target))


def _validate(run: Run, progress: Callable[[Step], None]) -> None:
    """Close an epoch: hear the validation tracks, keep the best network, and write everything down."""
    state, fabric = run.state, run.fabric
    sums = torch.tensor([state.loss, state.hits, state.windows], device=fabric.device)
    loss, hits, windows = torch.as_tensor(fabric.all_reduce(sums, reduce_op="sum")).tolist()
    valid = valid_loss = float("nan")
    if fabric.is_global_zero:
        part = run.manifest.part("valid")
        heard = hear(run.network, part, run.cache, fabric.autocast)
        predicted = np.stack([run.objective.predict(run.scale.restore(logits)) for logits in heard])
        valid = run.objective.measure(part, predicted, run.scale)
        targets = torch.from_numpy(np.repeat(part.targets(), [len(logits) for logits in heard], axis=0))
        every = torch.from_numpy(np.concatenate(heard))
        valid_loss = float(run.objective.loss(every, run.scale.standardise(targets), 0.0))
    valid, valid_loss = fabric.broadcast((valid, valid_loss))
    best, best_epoch = state.best, state.best_epoch
    if valid > best or not run.best:
        best, best_epoch = valid, state.epoch
        run.best = {name: tensor.detach().cpu().clone() for name, tensor in run.network.state_dict().items()}
    share = (state.epoch + 1) / run.config.epochs
    line = {
        "epoch": state.epoch,
        "loss": loss / windows,
        "hits": hits / windows,
        "valid": valid,
        "valid_loss": valid_loss,
        "learning_rate": run.config.learning_rate * warm_cosine(share, run.config.warm_up),
        "windows": int(windows),
        "seconds": round(state.seconds, 3),
    }
    run.lines.append(line)
    run.state = Progress(epoch=state.epoch + 1, best=best, best_epoch=best_epoch)
    run.record()
    run.save()
    if fabric.is_global_zero:
        done, total = (epochs * len(run.batches(0)) for epochs in (run.state.epoch, run.config.epochs))
        figures = {name: line[name] for name in ("loss", "hits", "valid")}
        progress(Step("train", done, total, epoch=state.epoch, closed=True, **figures))
