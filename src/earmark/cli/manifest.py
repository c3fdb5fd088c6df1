"""`earmark manifest`: lists of labelled tracks to learn from."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark.cli.messages import complain, say, some

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from earmark.errors import FileError
    from earmark.learning.data.probing import Probed
    from earmark.learning.data.report import ManifestReport
    from earmark.learning.data.sources import Collected

app = typer.Typer(help="Make and check lists of labelled tracks to learn from.", no_args_is_help=True)

GROUPS = 10  # of the same recording, that are listed in the terminal

Out = Annotated[Path, typer.Argument(help="The manifest to write, .csv or .parquet.")]
Audio = Annotated[Path, typer.Option(help="The folder with the audio files of the data set.")]
Styles = Annotated[bool, typer.Option("--styles", help="Only tracks whose tags name exactly one of the twelve styles.")]
Duplicates = Annotated[
    bool, typer.Option(help="Decode all files and keep the same recording on one side of the split.")
]
Workers = Annotated[int | None, typer.Option(min=1, help="Number of processes; automatic by default.")]
Moved = Annotated[
    list[str] | None,
    typer.Option(metavar="OLD=NEW", help="The new beginning of paths on this machine; may be repeated."),
]
Only = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Only this playlist, or folder of playlists; may be repeated.")
]
Several = Annotated[
    bool,
    typer.Option("--several", help="Any number of labels for a track; without it, tracks with several are left out."),
]
ReportFile = Annotated[Path | None, typer.Option("--report", help="Write the report, with every file left out, here.")]


class Target(StrEnum):
    """The part of a collection that is to be learned."""

    GENRE = "genre"
    PLAYLIST = "playlist"
    RATING = "rating"
    PLAYS = "plays"


From = Annotated[Target, typer.Option("--from", help="Learn from labels, or from numbers of stars or plays.")]


@app.command()
def folder(
    source: Annotated[Path, typer.Argument(help="A folder with a sub-folder for each style.")],
    out: Out,
    duplicates: Duplicates = True,
    workers: Workers = None,
    report: ReportFile = None,
) -> None:
    """From a folder for each style; artist and title from the tags, or from "Artist - Title.mp3"."""
    from earmark.learning.data.sources import from_folder

    _write(from_folder(source), out, duplicates, workers, report)


@app.command()
def tags(
    source: Annotated[Path, typer.Argument(help="A folder; all files below it are looked at.")],
    out: Out,
    duplicates: Duplicates = True,
    workers: Workers = None,
    report: ReportFile = None,
) -> None:
    """From the files' own genre tags: those that name exactly one of the twelve styles, under any of its names."""
    from earmark.learning.data.sources import from_tags

    _write(from_tags(source), out, duplicates, workers, report)


@app.command()
def jamendo(
    tables: Annotated[list[Path], typer.Argument(help="autotagging*.tsv: one, or those of a published split.")],
    out: Out,
    audio: Audio,
    styles: Styles = False,
    duplicates: Duplicates = True,
    workers: Workers = None,
    report: ReportFile = None,
) -> None:
    """From the tables of the MTG-Jamendo data set."""
    from earmark.learning.data.sources import as_styles, from_jamendo

    collected = from_jamendo(tables, audio)
    _write(as_styles(collected) if styles else collected, out, duplicates, workers, report)


@app.command()
def magnatagatune(
    annotations: Annotated[Path, typer.Argument(help="annotations_final.csv")],
    out: Out,
    clips: Annotated[Path, typer.Option(help="clip_info_final.csv")],
    audio: Audio,
    by_folder: Annotated[
        bool, typer.Option("--by-folder", help="The split that papers use; it has artists on several sides.")
    ] = False,
    styles: Styles = False,
    duplicates: Duplicates = True,
    workers: Workers = None,
    report: ReportFile = None,
) -> None:
    """From the tables of the MagnaTagATune data set."""
    from earmark.learning.data.sources import as_styles, from_magnatagatune

    collected = from_magnatagatune(annotations, clips, audio, by_folder=by_folder)
    _write(as_styles(collected) if styles else collected, out, duplicates, workers, report)


@app.command()
def rekordbox(
    collections: Annotated[list[Path], typer.Argument(help='XML from "File > Export Collection in xml format".')],
    out: Out,
    target: From = Target.GENRE,
    only: Only = None,
    several: Several = False,
    styles: Styles = False,
    moved: Moved = None,
    duplicates: Duplicates = True,
    workers: Workers = None,
    report: ReportFile = None,
) -> None:
    """From a collection of rekordbox: your genres, playlists, ratings or plays."""
    collected = _from_program("rekordbox", collections, target, only or (), moved or (), several=several, styles=styles)
    _write(collected, out, duplicates, workers, report)


@app.command()
def traktor(
    collections: Annotated[list[Path], typer.Argument(help="collection.nml, exported playlists, History/*.nml")],
    out: Out,
    target: From = Target.GENRE,
    only: Only = None,
    several: Several = False,
    styles: Styles = False,
    moved: Moved = None,
    duplicates: Duplicates = True,
    workers: Workers = None,
    report: ReportFile = None,
) -> None:
    """From a collection of Traktor: your genres, playlists, ratings or plays."""
    collected = _from_program("traktor", collections, target, only or (), moved or (), several=several, styles=styles)
    _write(collected, out, duplicates, workers, report)


@app.command()
def playlists(
    files: Annotated[list[Path], typer.Argument(help="Playlists .m3u8 or .m3u; each is a label.")],
    out: Out,
    several: Several = False,
    styles: Styles = False,
    moved: Moved = None,
    duplicates: Duplicates = True,
    workers: Workers = None,
    report: ReportFile = None,
) -> None:
    """From playlists: each is a label."""
    collected = _from_program("m3u", files, Target.PLAYLIST, (), moved or (), several=several, styles=styles)
    _write(collected, out, duplicates, workers, report)


def _from_program(
    program: str,
    files: "Sequence[Path]",
    target: Target,
    only: "Sequence[str]",
    moved: "Sequence[str]",
    *,
    several: bool,
    styles: bool,
) -> "Collected":
    """Collect the labelled tracks of a DJ program; say how many of its tracks are streams."""
    from earmark.learning.data.collections import LABELS, from_collection
    from earmark.learning.data.sources import as_styles
    from earmark.library.imports import IMPORTERS, joined

    if target.value not in LABELS and (several or styles):
        raise typer.BadParameter(f"--several and --styles are for labels, not for {target.value}")
    places: dict[str, Path] = {}
    for each in moved:
        old, separator, new = each.partition("=")
        if not separator or not old or not new:
            raise typer.BadParameter(f"--moved must be of the form OLD=NEW, not {each!r}", param_hint="--moved")
        places[old] = Path(new)
    collection = joined([IMPORTERS[program](file) for file in files])
    if collection.elsewhere:
        complain(f"left out: {some(collection.elsewhere, 'track')} of streaming services, which are no files")
    collected = from_collection(collection, target.value, several=several or styles, only=only, moved=places)
    return as_styles(collected) if styles else collected


@app.command()
def check(
    manifest: Annotated[Path, typer.Argument(help="The manifest, .csv or .parquet.")],
    duplicates: Annotated[bool, typer.Option(help="Decode all files and look for the same recording.")] = False,
    workers: Workers = None,
    report: ReportFile = None,
) -> None:
    """Say what is in a manifest, and whether something can be learned from it; exit status 1 if not."""
    from earmark.learning.data.completion import complete
    from earmark.learning.data.manifest import read, require_trainable
    from earmark.learning.data.sources import Collected

    listed = read(manifest)
    heard = _listen(Collected(listed, published=True), duplicates, workers)
    found = complete(Collected(listed, published=True), heard)[1]
    _show(found, manifest, report)
    require_trainable(listed, manifest)
    if found.dropped:
        raise typer.Exit(1)


def _write(collected: "Collected", out: Path, duplicates: bool, workers: int | None, report: Path | None) -> None:
    """Hear the files of a manifest, write it, and say what is in it."""
    from earmark.errors import ManifestError
    from earmark.learning.data.completion import complete
    from earmark.learning.data.formats import require_known
    from earmark.learning.data.manifest import write

    require_known(out)
    manifest, found = complete(collected, _listen(collected, duplicates, workers))
    if manifest.entries:
        write(manifest, out)
    _show(found, out, report)
    if not manifest.entries:
        raise ManifestError(f"{out}: not written: no track is left")
    say(f"written: {out}")


def _listen(collected: "Collected", duplicates: bool, workers: int | None) -> "Iterator[Probed | FileError]":
    """Open or decode the files; say at once which cannot be heard, and on a terminal how far it is."""
    from earmark.cli.progress import counted_progress
    from earmark.errors import FileError
    from earmark.learning.data.probing import probe
    from earmark.runner import sensible_workers

    paths = [entry.path for entry in collected.manifest.entries]
    outcomes = probe(paths, fingerprints=duplicates, workers=workers or sensible_workers(len(paths)))
    with counted_progress(len(paths), "files") as advance:
        for outcome in outcomes:
            if isinstance(outcome, FileError):
                complain(outcome)
            advance()
            yield outcome


def _show(found: "ManifestReport", manifest: Path, page: Path | None) -> None:
    from earmark.cli import show
    from earmark.files import write_text

    show.stdout().print(_tables(found))
    for warning in found.warnings():
        complain(f"warning: {warning}")
    if page:
        write_text(page, found.markdown(manifest.name), errors="backslashreplace")


def _tables(found: "ManifestReport") -> "RenderableType":
    """A report on the terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from earmark.learning.data.report import COLUMNS

    table = Table(box=None, header_style="dim")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == COLUMNS[0] else "right")
    for row in found.classes:
        table.add_row(*map(Text, row.cells()))
    table.add_row(*(Text(cell, "bold") for cell in found.total.cells()))
    parts: list[RenderableType] = [table, *(Text(f"  {remark}") for remark in found.remarks())]
    if found.dropped:
        reasons = Table(f"left out: {len(found.dropped)}", "reason", box=None, header_style="dim")
        for reason, count in found.reasons().items():
            reasons.add_row(str(count), Text(reason))
        parts += ["", reasons]
    for group in (found.duplicates or ())[:GROUPS]:
        parts.append(Text(f"same recording: {', '.join(path.name for path in group)}", "dim"))
    if found.duplicates and len(found.duplicates) > GROUPS:
        parts.append(Text(f"and {len(found.duplicates) - GROUPS} more; --report lists all", "dim"))
    return Group(*parts)
