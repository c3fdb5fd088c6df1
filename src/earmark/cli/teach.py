"""`earmark teach`: your own styles, from your own crates."""

from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.messages import complain, say


def teach(
    source: Annotated[Path, typer.Argument(metavar="FOLDER|MANIFEST", help="A folder for each style, or a manifest.")],
    out: Annotated[Path, typer.Argument(help="The model to write, a folder.")],
    model: Annotated[str, typer.Option(help="The model that hears: its name or folder.")] = "house12",
    head: Annotated[str, typer.Option(help="A kind of head (docs/teach.md lists them); auto tries all.")] = "auto",
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
    workers: Annotated[int, typer.Option(min=0, help="Number of processes; 0 for automatic.")] = 0,
    anyway: Annotated[bool, typer.Option("--anyway", help="Write a model that is not usable yet, too.")] = False,
) -> None:
    """Teach a model new styles from labelled tracks; write it with held-out figures and a list of doubtful labels."""
    from earmark.app.teaching import teach as run
    from earmark.cli import show, show_teach
    from earmark.cli.progress import counted_progress, titled_progress

    taught = run(
        source,
        out,
        model,
        head=head,
        with_styles=with_styles,
        splits=split or (),
        report=report,
        cache=cache,
        workers=workers,
        anyway=anyway,
        counting=counted_progress,
        progress=titled_progress,
        complain=complain,
    )
    for part in show_teach.study(taught.study, taught.merging):
        show.stdout().print(part)
    if taught.written:
        say(f"written: {out}, {taught.report}")
    if taught.unusable:
        complain(f"not usable yet: {taught.unusable}" + ("" if taught.written else "; not written without --anyway"))
    if taught.failures or not taught.written:
        raise typer.Exit(1)
