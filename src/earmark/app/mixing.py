"""A set rendered as one mix, with its cue sheet, its picture and every decision."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.app.exporting import require_free
from earmark.app.lookup import heard
from earmark.app.progress import Counting, Staging, unseen, unstaged
from earmark.errors import EarmarkError, FileError, TagError
from earmark.files import absolute, write_text
from earmark.runner import gather

if TYPE_CHECKING:
    from earmark.analysis import Analysis
    from earmark.dj.deck import Deck
    from earmark.dj.mixing import Mix

FEWEST = 2  # tracks of a mix


@dataclass
class Mixed:
    """A mix that was written.

    Attributes:
        mix: what was played, and where.
        files: the sound, the cue sheet, the picture, the decisions.
        failures: the tracks that were left out.
    """

    mix: "Mix"
    files: tuple[Path, ...]
    failures: list[FileError] = field(default_factory=list)


def mix(
    sources: Sequence[str],
    out: Path,
    *,
    catalogue: Path | None = None,
    model: str = "",
    technique: str = "",
    loudness: float | None = None,
    replace: bool = False,
    workers: int = 0,
    counting: Counting = unseen,
    staging: Staging = unstaged,
) -> Mixed:
    """Mix tracks into one file, and write a cue sheet, a picture and the decisions beside it.

    Args:
        sources: a playlist or another file that names a set; or files, folders, patterns, in their order.
        out: the sound file; the others have its name and `.cue`, `.svg`, `.json`.
        catalogue: where analyses are looked up; by default in the user's, else the files are heard.
        model: hear with this model instead.
        technique: the name of one for all transitions; by default the styles decide.
        loudness: of the loud parts of each track, in LUFS.
        replace: overwrite what is there.
        workers: processes that hear; 0 chooses.
        counting: is told of each file that is heard.
        staging: is told how far the mix is.

    Raises:
        EarmarkError: there is something at `out` already, or less than two tracks could be heard.
    """
    from earmark.dj import cue, picture, recorder
    from earmark.dj.mixing import LOUDNESS, render
    from earmark.dj.techniques import named
    from earmark.dj.transition import plan

    recorder.rate_of(out)
    if technique:
        named(technique)
    beside = {suffix: out.with_suffix(suffix) for suffix in (".cue", ".svg", ".json")}
    for path in (out, *beside.values()):
        require_free(path, replace=replace)
    files, failures = _files(sources)
    asked = {*map(absolute, files), *map(absolute, sources)}
    for path in (out, *beside.values()):
        if absolute(path) in asked:
            raise EarmarkError(f"{path}: it is what is to be mixed, and would be overwritten")
    decks, unheard = _decks(files, catalogue, model, workers, counting)
    failures += unheard
    if len(decks) < FEWEST:
        reason = f"; {failures[0]}" if failures else ""
        raise EarmarkError(f"a mix takes two tracks at least, not {len(decks)}{reason}")
    transitions = []
    after = 0.0
    for one, two in zip(decks, decks[1:], strict=False):
        transitions.append(plan(one, two, after=after, technique=technique))
        after = transitions[-1].entered
    with staging() as progress:
        mixed = render(decks, transitions, out, loudness=LOUDNESS if loudness is None else loudness, progress=progress)
    write_text(beside[".cue"], cue.sheet(mixed, out))
    write_text(beside[".svg"], picture.picture(mixed))
    write_text(beside[".json"], json.dumps({"file": out.name, **mixed.as_json()}, indent=2) + "\n")
    return Mixed(mixed, (out, *beside.values()), failures)


def _files(sources: Sequence[str]) -> tuple[list[Path], list[FileError]]:
    """The files of a set in their order, and what names none."""
    from earmark.dj import setlist

    named: list[str] = []
    for source in sources:
        if setlist.is_setlist(Path(source)):
            named += map(str, setlist.read(Path(source)))
        else:
            named.append(source)
    found = list(gather(named))
    return [each for each in found if isinstance(each, Path)], [each for each in found if isinstance(each, FileError)]


def _decks(
    files: list[Path], catalogue: Path | None, model: str, workers: int, counting: Counting
) -> "tuple[list[Deck], list[FileError]]":
    """The tracks on decks, in their order, and those that cannot be heard."""
    from earmark.dj.deck import load
    from earmark.library.tags import read

    known: dict[Path, Analysis] = {}
    failures: list[FileError] = []
    unique = list(dict.fromkeys(map(str, files)))
    for outcome in heard(unique, catalogue, model, workers=workers, progress=counting):
        if isinstance(outcome, FileError):
            failures.append(outcome)
        else:
            known[absolute(outcome.path)] = outcome
    decks: dict[Path, Deck] = {}
    for path, analysis in known.items():
        try:
            tags = read(path)
        except TagError:
            title = artist = ""
        else:
            title, artist = tags.title, tags.artist
        try:
            decks[path] = load(analysis, title=title, artist=artist)
        except FileError as error:
            failures.append(error)
    return [decks[absolute(path)] for path in files if absolute(path) in decks], failures
