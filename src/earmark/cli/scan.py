"""`earmark scan`: hear what is new in a folder, into the catalogue."""

import sys
from collections import Counter
from contextlib import closing, nullcontext
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from earmark.analysis import Analysis
    from earmark.hearing import Listener
    from earmark.library import Catalogue
    from earmark.library.scanning.examine import Examiner
    from earmark.library.scanning.scan import Found


def scan(
    source: Annotated[
        str, typer.Argument(metavar="FOLDER", help="A folder with all below it, or one file; with --ray a URI, too.")
    ],
    catalogue: Annotated[
        Path | None, typer.Option(help="The catalogue; by default $EARMARK_CATALOGUE, else the user's own.")
    ] = None,
    model: Annotated[str, typer.Option(help="A model's name or folder.")] = "house12",
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 chooses.")] = 0,
    watch: Annotated[bool, typer.Option("--watch", help="Keep looking for new files, until Ctrl-C.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Hear everything again.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try files again that could not be heard.")] = False,
    ray: Annotated[str, typer.Option(metavar="ADDRESS", help="Hear on a Ray cluster; `local` starts one.")] = "",
    out: Annotated[str, typer.Option(metavar="DIR", help="With --ray: where Parquet is written.")] = "",
) -> None:
    """Hear what is new or changed in a folder, and remember it."""
    if bool(ray) != bool(out):
        raise typer.BadParameter("--ray and --out go together")
    if ray:
        if watch or again or retry or catalogue:
            raise typer.BadParameter("--ray goes with --out, --model and --workers only")
        from earmark.cli.scan_cluster import scan_on_cluster

        scan_on_cluster(source, out, ray, model, workers)
        return
    folder = Path(source)
    if watch and (again or retry):
        raise typer.BadParameter("--watch goes with neither --again nor --retry")

    from earmark.cli.catalogue import catalogue_path
    from earmark.errors import EarmarkError
    from earmark.hearing.bundle import locate, read_config
    from earmark.hearing.listener import version_of
    from earmark.library import Catalogue, tags
    from earmark.library.scanning.examine import Examiner

    if not folder.exists():
        raise EarmarkError(f"{folder}: there is no such folder")
    version = version_of(read_config(locate(model)))
    place = catalogue_path(catalogue)
    examine = Examiner(place, partial(_listen, model=model), tags.read, version, again=again)
    with Catalogue(place) as opened:
        if watch:
            counts = _watch(opened, folder, examine, workers)
        else:
            counts = _scan(opened, folder, examine, workers, retry=retry)
    if counts["failed"]:
        raise typer.Exit(1)


@cache
def _listener(model: str) -> "Listener":
    """Open the model, once in each process."""
    from earmark.hearing import Listener, Model

    return Listener(Model.open(model))


def _listen(path: Path, *, model: str) -> "Analysis":
    return _listener(model)(path)


def _scan(catalogue: "Catalogue", folder: Path, examine: "Examiner", workers: int, *, retry: bool) -> "Counter[str]":
    """Scan once; what was done is said even when Ctrl-C comes in between."""
    from earmark.errors import EarmarkError
    from earmark.library.scanning.scan import hear, survey
    from earmark.runner import sensible_workers

    surveyed = survey(catalogue, folder, version=examine.version, again=examine.again, retry=retry)
    total = len(surveyed.fresh)
    counts: Counter[str] = Counter(unchanged=surveyed.unchanged, failing=surveyed.failing)
    complaints: list[str] = []
    try:
        with closing(hear(catalogue, surveyed, examine, workers=workers or sensible_workers(total))) as found:
            for each in _with_progress(found, total):
                counts[each.how] += 1
                complaints += _complaints(each)
    finally:
        for line in complaints:
            _complain(line)
        _summarise(counts, catalogue.path)
    if not total and not surveyed.unchanged:
        raise EarmarkError(f"{surveyed.folder}: there is no audio file in this folder")
    return counts


def _watch(catalogue: "Catalogue", folder: Path, examine: "Examiner", workers: int) -> "Counter[str]":
    """Scan for ever, and say what was done when Ctrl-C ends it."""
    from earmark.library.scanning.watch import watch
    from earmark.runner import sensible_workers

    counts: Counter[str] = Counter()
    _complain(f"watching {folder}; Ctrl-C ends it")

    def chosen(files: int) -> int:
        return workers or sensible_workers(files)

    try:
        with closing(watch(catalogue, folder, examine, workers=chosen)) as found:
            for each in found:
                counts[each.how] += 1
                _tell(each)
    except KeyboardInterrupt:
        pass
    _summarise(counts, catalogue.path)
    return counts


def _with_progress(found: "Iterable[Found]", total: int) -> "Iterator[Found]":
    """Show on a terminal how many files are done, at which rate, and how long the rest will take."""
    from earmark.cli.progress import counted_progress
    from earmark.library.scanning.scan import How

    with counted_progress(total, "files") if sys.stderr.isatty() else nullcontext(lambda: None) as advance:
        for each in found:
            if each.how not in (How.BACK, How.MISSING):
                advance()
            yield each


def _complaints(found: "Found") -> list[str]:
    """What was wrong with a file, in lines."""
    from earmark.errors import EarmarkError

    outcome = found.outcome
    if isinstance(outcome, EarmarkError):
        return [str(outcome)]
    heard = outcome.analysis.warnings if outcome.analysis and found.how == "heard" else ()
    return [f"{outcome.path}: warning: {warning}" for warning in (outcome.error, *heard) if warning]


def _tell(found: "Found") -> None:
    """Say what became of one file."""
    from earmark.errors import EarmarkError

    for line in _complaints(found):
        _complain(line)
    if not isinstance(found.outcome, EarmarkError):
        analysis = found.outcome.analysis
        style, share = analysis.timeline.top(1)[0] if analysis else ("", 0.0)
        verdict = f"  {style} {share:.2f}" if analysis and not analysis.unknown else ""
        typer.echo(f"{found.how:8}{found.outcome.path}{verdict}")


def _summarise(counts: "Counter[str]", catalogue: Path) -> None:
    """One line that says what was done."""
    words = {
        "heard": "heard",
        "moved": "moved",
        "known": "known by their sound",
        "unchanged": "unchanged",
        "back": "of them there again",
        "missing": "missing",
        "failed": "could not be heard",
    }
    parts = [f"{counts[key]} {word}" for key, word in words.items() if counts[key] or key in ("heard", "unchanged")]
    typer.echo(f"{', '.join(parts)}; catalogue: {catalogue}")
    if counts["failing"]:
        _complain(f"{counts['failing']} of the unchanged could not be heard before; --retry tries again")


def _complain(line: str) -> None:
    """Print a line on standard error; not by typer, which would write past the progress bar and into it."""
    sys.stderr.write(f"earmark: {line}\n")
