"""`earmark b2b`: back to back with the machine, one track each in turn."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from earmark.cli.export_library import Format
from earmark.cli.messages import complain, say, some
from earmark.cli.shared_options import Catalogued

if TYPE_CHECKING:
    from collections.abc import Sequence

    from earmark.app.back_to_back import BackToBack
    from earmark.cli.player import Player
    from earmark.dj.partner import Pick

MOODS: Final = {"f": "follow", "c": "contrast", "u": "up", "d": "down"}
YOURS: Final = "you play (words or a path; live; Enter: the machine; b: take back; q: quit) "
MINE: Final = "Enter plays 1; 2-4: another; f c u d: follow, contrast, energy up, down; b: take back; q: quit "


class Quit(Exception):  # noqa: N818  no error
    """The human has enough."""


def b2b(
    session: Annotated[
        Path | None, typer.Argument(metavar="[LOG]", help="The file of the session: gone on with if it is there.")
    ] = None,
    among: Annotated[
        str, typer.Option(help="The machine plays only tracks with these words, as in `earmark find`.")
    ] = "",
    bpm: Annotated[str, typer.Option(help="The machine plays only tracks of this tempo: 126, or 124-128.")] = "",
    family: Annotated[str, typer.Option(help="The machine plays only tracks of this family of styles.")] = "",
    repeat_artists: Annotated[
        bool, typer.Option("--repeat-artists", help="Allow artists that were played before.")
    ] = False,
    weights: Annotated[
        Path | None, typer.Option(help="A TOML file with weights of your own; see docs/sets.md.")
    ] = None,
    transitions: Annotated[bool, typer.Option(help="Render the transitions; needs the extra `dj`.")] = True,
    folder: Annotated[
        Path | None, typer.Option(help="Keep the transitions in this folder; by default they go at the end.")
    ] = None,
    player: Annotated[
        str, typer.Option(help="The program that plays; by default ffplay where there is one; none for silence.")
    ] = "",
    device: Annotated[str, typer.Option(help="The sound device of `live`; by default that of the system.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write the session as a set to this file at the end.")] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="The format of that file; by default by its suffix.")
    ] = None,
    name: Annotated[str, typer.Option(help="The name of the playlist in that file.")] = "back to back",
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite an earlier file.")] = False,
    catalogue: Catalogued = None,
) -> None:
    """Play back to back with the machine: it hears what you play, answers from the catalogue, and says why."""
    from earmark.app.back_to_back import BackToBack
    from earmark.app.catalogue import open_catalogue
    from earmark.app.exporting import form_of, require_writable
    from earmark.app.query import query
    from earmark.cli.player import Player

    sound = Player(player)
    with open_catalogue(catalogue) as opened, ExitStack() as stack:
        stack.callback(sound.stop)
        rendered = None
        if transitions and _can_mix():
            rendered = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="earmark-")))
        try:
            chosen = form.value if form else form_of(out) if out else ""
            if out:
                require_writable(chosen, out, replace=replace)
            played = BackToBack(
                opened,
                session,
                query=query(opened, words=among, bpm=bpm, family=family),
                repeat_artists=repeat_artists,
                weights=weights,
                transitions=rendered,
                told=complain,
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        if played.session.turns:
            say(f"going on after {some(len(played.session.turns), 'turn')}")
        _play(played, sound, device)
        if out and played.session.turns:
            played.export(chosen, out, name, replace=replace)
            say(f"written: {out}")


def _can_mix() -> bool:
    """Whether the extra that transitions need is there; if not, that is said."""
    from importlib.util import find_spec

    if find_spec("python_stretch"):
        return True
    complain("no transitions: they need pip install 'earmark[dj]'")
    return False


def _play(played: "BackToBack", sound: "Player", device: str) -> None:
    """Turn after turn, until the human has enough."""
    from earmark.dj.partner import HUMAN
    from earmark.errors import EarmarkError

    while True:
        mine = bool(played.session.turns) and played.session.turns[-1].player == HUMAN
        try:
            if not mine:
                mine = _human(played, sound, device)
            if mine:
                _machine(played, sound)
        except EarmarkError as error:
            complain(error)
            if mine:  # the machine has nothing left
                return
        except Quit:
            return


def _human(played: "BackToBack", sound: "Player", device: str) -> bool:
    """The human's turn; whether the machine is next."""
    from earmark.cli.progress import working

    words = _ask(YOURS)
    if words == "b":
        say(f"taken back: {played.takes_back().played.track.name()}")
        return False
    if not words:
        return not played.session.turns
    with working("listening"):
        said = played.human_live(device) if words == "live" else played.human(words)
    turn = played.session.turns[-1]
    say(f"heard: {turn.played.track.name()}: {said}")
    if turn.mixed:
        say(f"  transition: {turn.mixed.reason}")
        sound.play(turn.mixed.path)
    return True


def _machine(played: "BackToBack", sound: "Player") -> None:
    """The machine's turn: it offers, the human lets it play."""
    from earmark.cli.progress import working

    picks = played.picks()
    while True:
        _show(picks)
        key = _ask(MINE)
        if key == "b" and played.session.turns:
            say(f"taken back: {played.takes_back().played.track.name()}")
            return
        if key in MOODS:
            picks = played.picks(MOODS[key])
        elif not key or key in map(str, range(1, len(picks) + 1)):
            break
        else:
            complain(f"{key}: no such key")
    pick = picks[int(key or 1) - 1]
    with working("mixing"):
        turn = played.machine(pick, picks)
    say(f"plays: {pick.track.name()}")
    if turn.mixed:
        say(f"  transition: {turn.mixed.reason}")
    sound.play(turn.mixed.path if turn.mixed else pick.track.path)


def _show(picks: "Sequence[Pick]") -> None:
    """The pick and its alternatives, with the reasons of each."""
    for number, pick in enumerate(picks, 1):
        say(f"  {number}  {pick.track.name()}: {'; '.join(pick.reasons)}")


def _ask(prompt: str) -> str:
    """A line of the human, without blanks around it.

    Raises:
        Quit: it is q, or there is no more.
    """
    sys.stderr.write(prompt)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        sys.stderr.write("\n")
    if not line or line.strip() == "q":
        raise Quit
    return line.strip()
