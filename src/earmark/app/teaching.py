"""A model of the user's own styles, from labelled tracks; needs the extra `teach`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.app.listening import MODEL
from earmark.app.progress import Counting, Staging, unseen, unstaged
from earmark.errors import FileError
from earmark.runner import sensible_workers

if TYPE_CHECKING:
    from earmark.learning.data.embeddings import Embedded
    from earmark.learning.teaching import Merging, Study

AUTO = "auto"  # all kinds of head


@dataclass(frozen=True)
class Taught:
    """A model that was taught.

    Attributes:
        study: the accuracy, the learning curve, the doubtful labels.
        merging: how the styles of both models get along; None without the model's own styles.
        report: the folder of the report.
        failures: the files that cannot be heard.
        unusable: the reason that the model is not usable yet, in words; "" if there is none.
        written: whether model and report were written.
    """

    study: "Study"
    merging: "Merging | None"
    report: Path
    failures: tuple[FileError, ...]
    unusable: str
    written: bool


def teach(
    source: Path,
    out: Path,
    model: str = MODEL,
    *,
    head: str = AUTO,
    with_styles: Path | None = None,
    splits: Sequence[str] = (),
    report: Path | None = None,
    cache: Path | None = None,
    workers: int = 0,
    anyway: bool = False,
    counting: Counting = unseen,
    progress: Staging = unstaged,
    complain: Callable[[object], None] = lambda _: None,
) -> Taught:
    """Teach a model new styles; one that is not usable is measured, but not written.

    Args:
        source: a folder for each style, or a manifest.
        out: the model to write, a folder.
        model: the one that hears: its name or folder.
        head: the kind that answers; "auto" tries all kinds.
        with_styles: keep the model's own styles beside the new ones; a folder or manifest with music of other kinds.
        splits: of the manifest to learn from; all by default.
        report: the folder of the report; by default OUT-report.
        cache: the folder where embeddings are kept; by default the user's.
        workers: processes that hear; 0 chooses.
        anyway: write a model that is not usable, too.
        counting: is told of each track that is heard.
        progress: is told how much of each stage of the study is done.
        complain: is told at once, by a line or the error itself, of each track that is left out or cannot be heard.

    Raises:
        ManifestError: there is nothing that styles could be learned from.
        EarmarkError: there is no such head.
        BundleError: there is no such model, or something else than a model stands at `out`.
    """
    from earmark.hearing.bundle import locate
    from earmark.learning import teaching
    from earmark.learning.bundle_files import require_replaceable
    from earmark.learning.data.embeddings import default_cache, embed

    def hear(paths: Sequence[Path]) -> "list[Embedded]":
        heard = []
        with counting(len(paths), "tracks") as advance:
            for outcome in embed(paths, base, folder, workers or sensible_workers(len(paths))):
                advance()
                if isinstance(outcome, FileError):
                    failures.append(outcome)
                    complain(outcome)
                else:
                    heard.append(outcome)
        return heard

    failures: list[FileError] = []
    if head != AUTO:
        teaching.require_head(head)
    require_replaceable(out)
    base, folder = locate(model), cache or default_cache()
    if with_styles:
        teaching.require_mergeable(base)
    collected = teaching.read(source, tuple(splits))
    for dropped in collected.dropped:
        complain(f"{dropped.path}: left out: {dropped.reason}")
    others = teaching.read_others(with_styles) if with_styles else ()
    heard = hear([entry.path for entry in collected.manifest.entries])
    labelled = teaching.prepare(collected.manifest, heard, source)
    other_music = None
    if with_styles:
        labelled, other_music = teaching.other_tracks(
            labelled, hear([entry.path for entry in others]), others, with_styles
        )
    kinds = tuple(teaching.HEADS) if head == AUTO else (head,)
    with progress() as advance:
        study = teaching.study(labelled, kinds, progress=advance)
    report = report or out.with_name(out.name + "-report")
    merging = teaching.measure_merging(study, base, other_music) if other_music else None
    unusable = teaching.reason_against(study, merging)
    written = anyway or not unusable
    if written:
        teaching.write(study, base, out, report, others=other_music, measured=merging, source=source.name)
    return Taught(study, merging, report, tuple(failures), unusable, written)
