"""`earmark tag`: what was heard, into the files' tags; and back."""

import sys
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from earmark.analysis import Analysis
    from earmark.errors import EarmarkError
    from earmark.library import Catalogue
    from earmark.library.tags import Change, Settings
    from earmark.library.tags.journal import Journal, Run
    from earmark.runner import Outcome


class PolicyName(StrEnum):
    """What happens to a field that says something already."""

    FILL = "fill"
    APPEND = "append"
    REPLACE = "replace"


class Notation(StrEnum):
    """How keys are written."""

    NAME = "name"
    CAMELOT = "camelot"


class Verify(StrEnum):
    """How the sound of a changed copy is compared."""

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
        str, typer.Option(help="Which fields, separated by commas.")
    ] = "genre,style,bpm,key,energy,comment,provenance",
    policy: Annotated[PolicyName, typer.Option(help="What happens to fields that say something.")] = PolicyName.FILL,
    genres: Annotated[int, typer.Option(min=1, help="How many styles the genre may name.")] = 1,
    min_confidence: Annotated[float, typer.Option(min=0, max=1, help="Write only what is at least so sure.")] = 0.5,
    words: Annotated[
        Path | None, typer.Option("--map", help="TOML: your own words for styles, [genre] and [style].")
    ] = None,
    comment_template: Annotated[str, typer.Option(help='For example "{camelot} - Energy {energy}".')] = "",
    key_notation: Annotated[Notation, typer.Option(help="Am or 8A.")] = Notation.NAME,
    bpm_decimals: Annotated[int, typer.Option(min=0, max=2, help="Of the tempo.")] = 2,
    write: Annotated[bool, typer.Option("--write", help="Write; without it, only show what would be.")] = False,
    verify: Annotated[
        Verify | None, typer.Option(help="Compare the sound by its packets (the default) or by decoding all of it.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Give the files of a run their bytes of before back.")] = False,
    runs: Annotated[bool, typer.Option("--runs", help="List the runs that wrote.")] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 chooses.")] = 0,
) -> None:
    """Write styles, tempo and key into the tags of files, or show what would be written."""
    from earmark import __version__
    from earmark.cli.heard import heard
    from earmark.library.tags import Journal, Policy, Settings
    from earmark.library.tags.policy import Words, read_words

    if undo + runs + write > 1:
        raise typer.BadParameter("--write, --undo and --runs exclude each other")
    if catalogue and model:
        raise typer.BadParameter("--catalogue and --model exclude each other")
    journal = Journal()
    if runs:
        _list_runs(journal)
        return
    if undo:
        if paths and len(paths) > 1:
            raise typer.BadParameter("--undo takes one run; `earmark tag --runs` lists them")
        _undo(journal, paths[0] if paths else "", catalogue)
        return
    if not paths:
        raise typer.BadParameter("which files?", param_hint="PATH...")
    settings = Settings(
        fields=tuple(name for part in fields.split(",") if (name := part.strip())),
        policy=Policy(policy),
        genres=genres,
        min_confidence=min_confidence,
        words=read_words(words) if words else Words(),
        comment=comment_template,
        camelot=key_notation is Notation.CAMELOT,
        bpm_decimals=bpm_decimals,
        version=__version__,
    )
    with _noted(catalogue) as noted:
        tally = Tally(journal.start() if write else None, verify or "", noted)
        try:
            for outcome in heard(paths, catalogue, model, workers):
                _tag_one(outcome, settings, tally)
        finally:
            _conclude(tally)
    if tally.refused:
        raise typer.Exit(1)


def _noted(catalogue: Path | None) -> "AbstractContextManager[Catalogue | None]":
    """The catalogue, if there is one, that has to know what is written."""
    from earmark.cli.catalogue import catalogue_path, open_catalogue

    there = catalogue or catalogue_path(None).exists()
    return closing(open_catalogue(catalogue)) if there else nullcontext()


@dataclass
class Tally:
    """What has been done so far; `run` is None where nothing is written, `catalogue` where there is none."""

    run: "Run | None"
    verify: str
    catalogue: "Catalogue | None"
    changed: int = 0
    unchanged: int = 0
    refused: "list[EarmarkError]" = field(default_factory=list)


def _tag_one(outcome: "Outcome[Analysis]", settings: "Settings", tally: Tally) -> None:
    """Show, and if asked for write, the changes of one file; name what cannot be done, and go on."""
    from earmark.cli.heard import note_tags
    from earmark.errors import TagError, UnreadableAudio
    from earmark.library.tags import plan, read, write
    from earmark.library.tags.policy import require_words_known

    if isinstance(outcome, UnreadableAudio):
        _refuse(outcome, tally)
        return
    require_words_known(settings.words, outcome)
    try:
        changes = plan(read(outcome.path), outcome, settings)
        if tally.run and changes:
            write(outcome.path, changes, tally.run, verify=tally.verify)
            note_tags(tally.catalogue, outcome.path)
    except TagError as error:
        _refuse(error, tally)
        return
    tally.changed += bool(changes)
    tally.unchanged += not changes
    if changes:
        _show(outcome.path, changes)


def _show(path: Path, changes: "tuple[Change, ...]") -> None:
    from earmark.cli import show, show_tags

    show.stdout().print(show_tags.difference(path, changes))


def _refuse(error: "EarmarkError", tally: Tally) -> None:
    tally.refused.append(error)
    sys.stderr.write(f"earmark: {error}\n")


def _conclude(tally: Tally) -> None:
    """Say what was done, or would be, and how it is undone."""
    from earmark.cli import show, show_tags

    what = show_tags.conclusion(
        tally.changed, tally.unchanged, len(tally.refused), run=tally.run.name if tally.run else ""
    )
    show.stdout().print(what)


def _list_runs(journal: "Journal") -> None:
    from earmark.cli import show, show_tags

    show.stdout().print(show_tags.runs(journal.runs()))


def _undo(journal: "Journal", name: str, catalogue: Path | None) -> None:
    """Undo a run; name what cannot be undone, and go on."""
    from earmark.cli import show
    from earmark.cli.heard import note_tags
    from earmark.errors import TagError
    from earmark.library.tags import undo

    done = refused = 0
    with _noted(catalogue) as noted:
        for outcome in undo(journal, name):
            if isinstance(outcome, TagError):
                refused += 1
                sys.stderr.write(f"earmark: {outcome}\n")
            else:
                done += 1
                note_tags(noted, outcome)
                show.stdout().print(outcome, soft_wrap=True, markup=False)
    show.stdout().print(f"byte for byte as before: {done}" + (f"; not: {refused}" if refused else ""))
    if refused:
        raise typer.Exit(1)
