"""`earmark tag`: what was heard, into the files' tags; and back."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark.cli.messages import complain, some

if TYPE_CHECKING:
    from earmark.app.tagging import TagOutcome, Tally
    from earmark.library.tags.journal import Journal, Run

FIRST = 20  # files whose changes a dry run shows


class PolicyName(StrEnum):
    """Treatment of a field that holds something already."""

    FILL = "fill"
    APPEND = "append"
    REPLACE = "replace"


class Notation(StrEnum):
    """Notation of keys."""

    NAME = "name"
    CAMELOT = "camelot"


class Verify(StrEnum):
    """Comparison of the sound before and after a write."""

    PACKETS = "packets"
    DECODE = "decode"


def tag(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH...", help="Audio files, folders, patterns; with --undo, the run (the latest)."),
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option(help="Write what `earmark scan` heard; by default where it knows the file.")
    ] = None,
    model: Annotated[str, typer.Option(help="Hear all files with this model: a name or folder.")] = "",
    fields: Annotated[
        str, typer.Option(help="The fields to write, separated by commas.")
    ] = "genre,style,bpm,key,energy,comment,provenance",
    policy: Annotated[
        PolicyName, typer.Option(help="What is done with fields that are not empty: fill leaves them as they are.")
    ] = PolicyName.FILL,
    genres: Annotated[int, typer.Option(min=1, help="The most styles that the genre names.")] = 1,
    min_confidence: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="The least certainty to write.  [default: 0.75, of tempo and key 0.5]"),
    ] = None,
    family: Annotated[
        bool, typer.Option("--family/--no-family", help="Name the family as genre where no style is sure.")
    ] = True,
    words: Annotated[
        Path | None, typer.Option("--map", help="TOML: your own words for styles, [genre] and [style].")
    ] = None,
    comment_template: Annotated[str, typer.Option(help='For example "{camelot} - Energy {energy}".')] = "",
    key_notation: Annotated[Notation, typer.Option(help="Am or 8A.")] = Notation.NAME,
    bpm_decimals: Annotated[int, typer.Option(min=0, max=2, help="Decimals of the tempo.")] = 2,
    write: Annotated[bool, typer.Option("--write", help="Write; without it, only show the changes.")] = False,
    diff: Annotated[
        bool,
        typer.Option("--diff", help="Show the changes of every file; without it, of the first 20 if none is written."),
    ] = False,
    damaged: Annotated[
        bool, typer.Option("--damaged", help="Also write to files that are cut off or damaged.")
    ] = False,
    verify: Annotated[
        Verify | None, typer.Option(help="Compare the sound by its packets (the default) or by decoding all of it.")
    ] = None,
    touch: Annotated[
        bool,
        typer.Option("--touch", help="Set the time of change to now, for servers that look at it."),
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Restore the files of a run, byte for byte.")] = False,
    runs: Annotated[bool, typer.Option("--runs", help="List the runs that wrote tags.")] = False,
    workers: Annotated[int, typer.Option(min=0, help="Number of processes; 0 for automatic.")] = 0,
) -> None:
    """Write styles, tempo and key into the tags of files, or show what would be written."""
    from earmark import __version__
    from earmark.app.catalogue import open_if_any
    from earmark.app.lookup import heard
    from earmark.app.tagging import Tally
    from earmark.app.tagging import tag as run_on
    from earmark.cli.progress import counted_progress
    from earmark.library.tags import Journal, Policy, Settings
    from earmark.library.tags.policy import Words, read_words

    if undo + runs + write > 1:
        raise typer.BadParameter("--write, --undo and --runs exclude each other")
    if touch and not (write or undo):
        raise typer.BadParameter("--touch goes with --write or --undo")
    if catalogue and model:
        raise typer.BadParameter("--catalogue and --model exclude each other")
    journal = Journal()
    if runs:
        _list_runs(journal)
        return
    if undo:
        if paths and len(paths) > 1:
            raise typer.BadParameter("--undo takes one run; `earmark tag --runs` lists them")
        _undo(journal, paths[0] if paths else "", catalogue, touch=touch)
        return
    if not paths:
        raise typer.BadParameter("name the files or folders to tag")
    settings = Settings(
        fields=tuple(name for part in fields.split(",") if (name := part.strip())),
        policy=Policy(policy),
        genres=genres,
        min_confidence=min_confidence,
        family=family,
        words=read_words(words) if words else Words(),
        comment=comment_template,
        camelot=key_notation is Notation.CAMELOT,
        bpm_decimals=bpm_decimals,
        version=__version__,
    )
    run = journal.start() if write else None
    tally = Tally()
    with open_if_any(catalogue) as known:
        found = heard(paths, catalogue, model, workers=workers, progress=counted_progress)
        try:
            written = run_on(found, settings, run, verify=verify or "", touch=touch, catalogue=known, damaged=damaged)
            for outcome in written:
                tally.add(outcome)
                _show(outcome, changes=diff or (not write and tally.changed <= FIRST))
        finally:
            _conclude(tally, run, hidden=0 if diff or write else max(0, tally.changed - FIRST))
    if tally.refused:
        raise typer.Exit(1)


def _show(outcome: "TagOutcome", *, changes: bool) -> None:
    """Show the changes of one file, if that is wanted, or complain that there can be none."""
    from earmark.cli import show, show_tags
    from earmark.errors import EarmarkError

    if isinstance(outcome, EarmarkError):
        complain(outcome)
    elif outcome.changes and changes:
        show.stdout().print(show_tags.difference(outcome.path, outcome.changes))


def _conclude(tally: "Tally", run: "Run | None", hidden: int) -> None:
    """Count the files that were changed, or would be, and tell how it is undone; `hidden` were not shown."""
    from earmark.cli import show, show_tags

    if hidden:
        show.stdout().print(f"and {some(hidden, 'file')} more; --diff shows every one")
    show.stdout().print(show_tags.conclusion(tally, run.name if run else ""))


def _list_runs(journal: "Journal") -> None:
    from earmark.cli import show, show_tags

    show.stdout().print(show_tags.runs(journal.runs()))


def _undo(journal: "Journal", name: str, catalogue: Path | None, *, touch: bool) -> None:
    """Undo a run; name each file that is again what it was, and each that is not."""
    from earmark.app.catalogue import open_if_any
    from earmark.app.tagging import undo
    from earmark.cli import show
    from earmark.errors import TagError

    done = refused = 0
    with open_if_any(catalogue) as known:
        for outcome in undo(journal, name, touch=touch, catalogue=known):
            if isinstance(outcome, TagError):
                refused += 1
                complain(outcome)
            else:
                done += 1
                show.stdout().print(outcome, soft_wrap=True, markup=False)
    show.stdout().print(
        f"{some(done, 'file')} restored, byte for byte" + (f"; {refused} not restored" if refused else "")
    )
    if refused:
        raise typer.Exit(1)
