"""The tracks of a manifest that a model is measured on, and warnings about leaks between training and test."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from earmark.errors import ManifestError
from earmark.hearing.bundle import Config
from earmark.learning.data.manifest import Manifest
from earmark.learning.data.splits import SPLITS, first_artist

ALL = "all"  # in place of the name of a split
FEW_TRACKS = 30
FEW_ARTISTS = 10
NAMED = 5  # so many artists are named; of the rest, the number


@dataclass(frozen=True)
class Selection:
    """The tracks to measure on, the classes that were left out with `left_out` tracks, and warnings in sentences."""

    manifest: Manifest
    skipped: tuple[str, ...]
    left_out: int
    warnings: tuple[str, ...]


def select(manifest: Manifest, name: Path, split: str, models: Sequence[Config], *, skip_unknown: bool) -> Selection:
    """Choose the tracks of one split whose classes all models know.

    Args:
        manifest: the whole of it.
        name: its file.
        split: train, valid, test, or all.
        models: those that will be asked.
        skip_unknown: leave out the classes that a model does not know.

    Raises:
        ManifestError: there is no such track, a model is for another task, or it does not know a class.
    """
    for config in models:
        if config.task != manifest.task:
            raise ManifestError(
                f"{name}: it is about {manifest.task}, but the model {config.name} is for {config.task}"
            )
    part = manifest if split == ALL else manifest.part(split)
    if not part.entries:
        raise ManifestError(f"{name}: no track is in the split {split!r}")
    # What counts is what the part holds: a class of the training tracks alone is asked for by nobody.
    present = {label for entry in part.entries for label in entry.labels}
    asked = [label for label in part.classes if label in present or part.task == "values"]
    unknown = {label: config.name for config in models for label in asked if label not in config.styles}
    if unknown and not skip_unknown:
        listed = ", ".join(f"{label} ({model})" for label, model in unknown.items())
        raise ManifestError(f"{name}: classes that the model does not know: {listed}; --skip-unknown leaves them out")
    chosen = _without(part, set(unknown)) if unknown else part
    chosen = _restricted(chosen, [label for label in asked if label not in unknown])
    if not chosen.entries or not chosen.classes:
        raise ManifestError(f"{name}: the model knows none of the classes")
    return Selection(
        manifest=chosen,
        skipped=tuple(unknown),
        left_out=len(part.entries) - len(chosen.entries),
        warnings=(*_leaks(manifest, chosen, split), *_heard_before(manifest, name, split, models), *_few(chosen)),
    )


def _without(part: Manifest, unknown: set[str]) -> Manifest:
    """The tracks of other styles, all tracks without the tags, or without the values."""
    if part.task == "styles":
        return replace(part, entries=tuple(entry for entry in part.entries if not unknown.intersection(entry.labels)))
    kept = [index for index, name in enumerate(part.classes) if name not in unknown]
    return replace(
        part,
        classes=tuple(part.classes[index] for index in kept),
        entries=tuple(
            replace(
                entry,
                labels=tuple(label for label in entry.labels if label not in unknown),
                values=tuple(entry.values[index] for index in kept if entry.values),
            )
            for entry in part.entries
        ),
    )


def _restricted(part: Manifest, classes: list[str]) -> Manifest:
    return replace(part, classes=tuple(classes))


def _leaks(manifest: Manifest, chosen: Manifest, split: str) -> Iterable[str]:
    """Warn of artists whose tracks may have been trained on."""
    nameless = sum(not first_artist(entry.artist) for entry in chosen.entries)
    if nameless:
        yield (
            f"The artist of {nameless} of the {len(chosen.entries)} tracks is unknown: whether other tracks of "
            "theirs were trained on cannot be told."
        )
    if split in {ALL, "train"}:
        return
    trained = {first_artist(entry.artist) for entry in manifest.part("train").entries} - {""}
    both = sorted({entry.artist for entry in chosen.entries if first_artist(entry.artist) in trained})
    if both:
        others = f" and {len(both) - NAMED} more" if len(both) > NAMED else ""
        yield (
            f"{len(both)} artist{'s are' if len(both) > 1 else ' is'} also in the train part of the manifest: "
            f"{', '.join(both[:NAMED])}{others}. A model trained on it may know them by their sound."
        )


def _heard_before(manifest: Manifest, name: Path, split: str, models: Sequence[Config]) -> Iterable[str]:
    """Warn of a model that was made from these very tracks; one that was trained knows those of train and valid."""
    asked = set(SPLITS) if split == ALL else {split}
    counts = {each: len(manifest.part(each).entries) for each in SPLITS}
    for config in models:
        if not asked.intersection(config.provenance.get("splits", ("train", "valid"))):
            continue
        of_that_name = Path(str(config.provenance.get("manifest", ""))).name == name.name
        if of_that_name or config.provenance.get("tracks") == counts:
            kind = f"called {name.name}" if of_that_name else "with as many tracks in each part as this one"
            yield (
                f"{config.name} says that it was made from a manifest {kind}, and heard some of these tracks then: "
                "the figures say how well it remembers, not how well it hears."
            )


def _few(chosen: Manifest) -> Iterable[str]:
    artists = {first_artist(entry.artist) for entry in chosen.entries} - {""}
    if len(chosen.entries) < FEW_TRACKS:
        yield f"All figures rest on {len(chosen.entries)} tracks: mind the intervals."
    elif artists and len(artists) < FEW_ARTISTS:
        yield f"All figures rest on the tracks of {len(artists)} artists: mind the intervals."
