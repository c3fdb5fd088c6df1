"""`earmark scan`: hear what is new in a folder, into the catalogue."""

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark.cli.hint import TeachingHint
from earmark.cli.messages import complain, say, some
from earmark.cli.shared_options import Catalogued
from earmark.files import as_spelled

if TYPE_CHECKING:
    from earmark.app.scanning import Scan
    from earmark.library import Catalogue
    from earmark.library.scanning.examine import Examiner
    from earmark.library.scanning.scan import ScanResult


def scan(
    source: Annotated[
        str, typer.Argument(metavar="FOLDER", help="A folder with all below it, or one file; with --ray also a URI.")
    ],
    catalogue: Catalogued = None,
    model: Annotated[str, typer.Option(help="A model's name or folder.")] = "house12",
    fast: Annotated[
        bool, typer.Option("--fast", help="Hear three excerpts of each file only: styles, no tempo, key and loudness.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="Number of processes; 0 for automatic.")] = 0,
    watch: Annotated[bool, typer.Option("--watch", help="Keep looking for new files, until Ctrl-C.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Hear everything again.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try files again that could not be heard.")] = False,
    tags: Annotated[bool, typer.Option("--tags", help="Read the tags of unchanged files again.")] = False,
    skipped: Annotated[bool, typer.Option("--skipped", help="List what is left out, and why.")] = False,
    ray: Annotated[str, typer.Option(metavar="ADDRESS", help="Hear on a Ray cluster; `local` starts one.")] = "",
    out: Annotated[str, typer.Option(metavar="DIR", help="With --ray: the folder of the Parquet files.")] = "",
) -> None:
    """Listen to what is new or changed in a folder, and remember it in the catalogue."""
    if bool(ray) != bool(out):
        raise typer.BadParameter("--ray and --out go together")
    if ray:
        if fast or watch or again or retry or tags or skipped or catalogue:
            raise typer.BadParameter("--ray goes with --out, --model and --workers only")
        _scan_on_cluster(source, out, ray, model, workers)
        return
    folder = as_spelled(Path(source))
    if watch and (again or retry or tags or skipped):
        raise typer.BadParameter("--watch does not go with --again, --retry, --tags and --skipped")

    from earmark.app.catalogue import catalogue_path
    from earmark.app.scanning import Scan, examiner
    from earmark.errors import EarmarkError
    from earmark.library import Catalogue

    if not folder.exists():
        raise EarmarkError(f"{folder}: there is no such file or folder")
    path = catalogue_path(catalogue)
    examine = examiner(path, model, fast=fast, again=again)
    with Catalogue(path) as opened:
        if watch:
            counts = _watch(opened, folder, examine, workers)
        else:
            counts = _scan(Scan.of(opened, folder, examine, retry=retry, tags=tags), workers, skipped=skipped)
    if counts["failed"]:
        raise typer.Exit(1)


def _scan(scan: "Scan", workers: int, *, skipped: bool) -> "Counter[str]":
    """Scan once; the work done is summed up even when Ctrl-C ends it."""
    from earmark.app.scanning import problems
    from earmark.cli.progress import counted_progress
    from earmark.errors import EarmarkError

    hint = TeachingHint()
    complaints: list[str | EarmarkError] = []
    try:
        with closing(scan.hear(workers=workers, progress=counted_progress)) as found:
            for each in found:
                complaints += problems(each)
                if each.status == "heard" and not isinstance(each.outcome, EarmarkError) and each.outcome.analysis:
                    hint.note(each.outcome.analysis)
    finally:
        for line in (*complaints, *(scan.changes.skipped if skipped else ())):
            complain(line)
        _summarise(scan.counts, scan.catalogue.path, listed=skipped)
        hint.give()
    return scan.counts


def _watch(catalogue: "Catalogue", folder: Path, examine: "Examiner", workers: int) -> "Counter[str]":
    """Scan for ever, and sum the work up when Ctrl-C ends it."""
    from earmark.app.scanning import watch

    counts: Counter[str] = Counter()
    complain(f"watching {folder}; Ctrl-C ends it")
    try:
        with closing(watch(catalogue, folder, examine, workers=workers)) as found:
            for each in found:
                counts[each.status] += 1
                _tell(each)
    except KeyboardInterrupt:
        pass
    _summarise(counts, catalogue.path)
    return counts


def _tell(found: "ScanResult") -> None:
    """Name the file, the style or family that was heard, and what is wrong with it."""
    from earmark.app.scanning import problems
    from earmark.errors import EarmarkError

    for line in problems(found):
        complain(line)
    if not isinstance(found.outcome, EarmarkError):
        analysis = found.outcome.analysis
        named, share = analysis.verdict() if analysis else ("", 0.0)
        verdict = f"  {named} {share:.2f}" if named else ""
        say(f"{found.status:8}{found.outcome.path}{verdict}")


def _summarise(counts: "Counter[str]", catalogue: Path, *, listed: bool = False) -> None:
    """Print in one line how many files were heard, moved, unchanged and so on."""
    words = {
        "heard": "heard",
        "moved": "moved",
        "known": "known by its sound",
        "retagged": "with other tags",
        "unchanged": "unchanged",
        "back": "found again",
        "missing": "missing",
        "failed": "could not be heard",
        "skipped": "skipped" if listed else "skipped (--skipped lists them)",
    }
    parts = [f"{counts[key]} {word}" for key, word in words.items() if counts[key] or key in ("heard", "unchanged")]
    say(f"{', '.join(parts)}; catalogue: {catalogue}")
    if counts["failing"]:
        files = "file" if counts["failing"] == 1 else "files"
        complain(f"{counts['failing']} unchanged {files} could not be heard in an earlier scan; --retry tries again")


def _scan_on_cluster(uri: str, out: str, address: str, model: str, actors: int) -> None:
    """Scan a collection that is too big for one machine."""
    from earmark.app.scanning import scan_on_cluster
    from earmark.cli.progress import counted_progress

    done = scan_on_cluster(uri, out, address, model, actors=actors, progress=counted_progress)
    if not done.files:
        say(f"nothing new; rows: {out}")
        return
    say(f"{done.files - done.failed} heard, {done.failed} could not be heard; rows: {out}")
    if done.failed:
        complain(f"{some(done.failed, 'file')} could not be heard; the column `error` of {out} says why")
        raise typer.Exit(1)
