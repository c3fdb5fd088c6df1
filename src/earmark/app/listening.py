"""Files as one model hears them."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.app.progress import Counting, counted, unseen
from earmark.errors import BundleError, FileError
from earmark.runner import Outcome, gather, run_all, sensible_workers

if TYPE_CHECKING:
    from earmark.analysis import Analysis
    from earmark.hearing import Listener

MODEL = "house12"
ORIGINAL = ("emusic", "keras")  # the architectures that the system of 2018 had


def open_listener(model: str = MODEL, *, fast: bool = False, original: bool = False) -> "Listener":
    """Open a model; called in each worker process.

    Raises:
        BundleError: there is no such model, or it is damaged.
    """
    from earmark.hearing import Listener, Model

    return Listener(Model.open(model), fast=fast, original=original)


def listener_of(model: str) -> "Callable[[Path], Analysis]":
    """Hears files with a model, which is opened for the first of them."""
    opened: list[Callable[[Path], Analysis]] = []

    def listen(path: Path) -> "Analysis":
        if not opened:
            opened.append(open_listener(model))
        return opened[0](path)

    return listen


def hear(
    sources: Iterable[str],
    model: str = MODEL,
    *,
    fast: bool = False,
    original: bool = False,
    workers: int = 0,
    progress: Counting = unseen,
) -> "Iterator[Outcome[Analysis]]":
    """Hear files, in their order; what names no file comes first.

    Args:
        sources: files, folders, patterns.
        model: its name or folder.
        fast: hear three excerpts of each file only.
        original: hear ten pieces as one batch, as the system of 2018 did.
        workers: processes; 0 chooses.
        progress: is told of each file.

    Raises:
        BundleError: there is no such model, or it is damaged.
    """
    if original:
        _require_original(model)
    found = list(gather(sources))
    files = [path for path in found if isinstance(path, Path)]
    misses = [path for path in found if isinstance(path, FileError)]
    return chain(misses, hear_files(files, model, fast=fast, original=original, workers=workers, progress=progress))


def _require_original(model: str) -> None:
    """Refuse a model that the ten pieces of the 2018 system were not made for: it would give other answers.

    Raises:
        BundleError: there is no such model, or it is not of that system.
    """
    from earmark.hearing.bundle import locate, read_config

    config = read_config(locate(model))
    kind = config.settings.get("base", {}).get("architecture", config.architecture)  # what was taught hears as its base
    if kind not in ORIGINAL:
        raise BundleError(
            f"{model}: `--windows original` is for models of the 2018 system, such as emusic12; "
            f"this one, of the architecture {kind}, would give wrong answers"
        )


def hear_files(
    files: list[Path],
    model: str = MODEL,
    *,
    fast: bool = False,
    original: bool = False,
    workers: int = 0,
    progress: Counting = unseen,
) -> "Iterator[Outcome[Analysis]]":
    """Hear files, in their order; see `hear`."""
    open_task = partial(open_listener, model, fast=fast, original=original)
    outcomes = run_all(files, open_task, workers or sensible_workers(len(files)))
    return counted(outcomes, len(files), "files", progress)
