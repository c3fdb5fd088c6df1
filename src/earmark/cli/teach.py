"""`earmark teach`: your own styles, from your own crates."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from earmark.errors import UnreadableAudio
    from earmark.learning.data.embeddings import Embedded


AUTO = "auto"  # all kinds of head


def teach(
    source: Annotated[Path, typer.Argument(metavar="FOLDER|MANIFEST", help="A folder for each style, or a manifest.")],
    out: Annotated[Path, typer.Argument(help="The model to write, a folder.")],
    model: Annotated[str, typer.Option(help="The model that hears: its name or folder.")] = "house12",
    head: Annotated[str, typer.Option(help="A kind of head (docs/teach.md lists them); auto tries all.")] = AUTO,
    with_styles: Annotated[
        Path | None,
        typer.Option(
            metavar="OTHERS",
            help="Keep the model's own styles beside yours; OTHERS: a folder or manifest with music of other kinds.",
        ),
    ] = None,
    split: Annotated[
        list[str] | None, typer.Option(help="Learn from this split of a manifest only; may be repeated.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Where the report goes; by default OUT-report.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Where embeddings are kept.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 chooses.")] = 0,
) -> None:
    """Teach a model new styles from labelled tracks; write it with held-out figures and a list of doubtful labels."""
    from earmark.cli import show_teach
    from earmark.cli.progress import titled_progress
    from earmark.cli.show import stdout
    from earmark.hearing.bundle import locate
    from earmark.learning import teaching
    from earmark.learning.bundle import require_replaceable
    from earmark.learning.data.embeddings import default_cache

    if head != AUTO:
        teaching.require_head(head)
    require_replaceable(out)
    base, folder = locate(model), cache or default_cache()
    if with_styles:
        teaching.require_mergeable(base)
    collected = teaching.read(source, tuple(split or ()))
    for dropped in collected.dropped:
        typer.echo(f"earmark: {dropped.path}: left out: {dropped.reason}", err=True)
    manifest = collected.manifest
    others = teaching.read_others(with_styles) if with_styles else ()
    failures: list[UnreadableAudio] = []
    heard = _hear([entry.path for entry in manifest.entries], base, folder, workers, failures)
    labelled = teaching.prepare(manifest, heard, source)
    other_music = None
    if with_styles:
        labelled, other_music = teaching.other_tracks(
            labelled, _hear([entry.path for entry in others], base, folder, workers, failures), others, with_styles
        )
    with titled_progress() as progress:
        kinds = tuple(teaching.HEADS) if head == AUTO else (head,)
        study = teaching.study(labelled, kinds, progress=progress)
    report = report or out.with_name(out.name + "-report")
    merging = teaching.write(study, base, out, report, others=other_music, source=source.name)
    console = stdout()
    for part in show_teach.study(study, merging):
        console.print(part)
    typer.echo(f"written: {out}, {report}")
    if failures:
        raise typer.Exit(1)


def _hear(
    paths: "Sequence[Path]", model: Path, cache: Path, workers: int, failures: "list[UnreadableAudio]"
) -> "list[Embedded]":
    """Embed files with a bar; say on standard error, and note, what could not be heard."""
    from earmark.cli.progress import counted_progress
    from earmark.errors import UnreadableAudio
    from earmark.learning.data.embeddings import embed
    from earmark.runner import sensible_workers

    heard = []
    with counted_progress(len(paths), "tracks") as advance:
        for outcome in embed(paths, model, cache, workers or sensible_workers(len(paths))):
            advance()
            if isinstance(outcome, UnreadableAudio):
                failures.append(outcome)
                typer.echo(f"earmark: {outcome}", err=True)
            else:
                heard.append(outcome)
    return heard
