"""The booth: one session back to back with the machine, kept beside the catalogue and gone on with after a restart.

A catalogue belongs to one thread, so the session has a thread of its own, and its turns come one after the other.
"""

import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from earmark.app.back_to_back import BackToBack
from earmark.app.catalogue import open_catalogue
from earmark.errors import EarmarkError
from earmark.web.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from earmark.dj.partner import Mixed, Pick, Turn
    from earmark.library.track import Summary

T = TypeVar("T")


class Booth:
    """The session of a server. Each method returns at once; what it gives comes when it is its turn.

    Args:
        site: the settings of the server.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="booth")
        self._opened: BackToBack | None = None
        self._mood = "follow"
        self._news = ""

    def state(self) -> "Future[dict[str, Any]]":
        """The session as it stands in JSON: its turns, what was heard last, and what the machine offers on its turn."""
        return self._do(self._state)

    def human(self, track: int) -> "Future[dict[str, Any]]":
        """The human plays a track of the library."""

        def play(session: BackToBack) -> dict[str, Any]:
            found = session.catalogue.by_ids([track])
            if not found:
                raise EarmarkError(f"there is no track {track} in the library")
            self._news = "it heard " + session.human(str(found[0].path))
            return self._state(session)

        return self._do(play)

    def machine(self, pick: int, mood: str) -> "Future[dict[str, Any]]":
        """The machine plays the pick of that number, of those that it offers in a mood."""

        def play(session: BackToBack) -> dict[str, Any]:
            picks = session.picks(mood)
            if pick >= len(picks):
                raise EarmarkError(f"it offers {len(picks)} tracks only")
            self._news = ""
            session.machine(picks[pick], picks)
            return self._state(session)

        return self._do(play)

    def ask(self, mood: str) -> "Future[dict[str, Any]]":
        """Have the machine pick in another mood."""

        def change(session: BackToBack) -> dict[str, Any]:
            self._mood = mood
            return self._state(session)

        return self._do(change)

    def take_back(self) -> "Future[dict[str, Any]]":
        """Take the last turn back."""

        def undo(session: BackToBack) -> dict[str, Any]:
            session.takes_back()
            self._news = ""
            return self._state(session)

        return self._do(undo)

    def begin(self) -> "Future[dict[str, Any]]":
        """Begin a new session; the log of the last one stays as `NAME.b2b.before.json`."""

        def forget() -> dict[str, Any]:
            self._close()
            self._news = ""
            if self._log.exists():
                self._log.replace(self._log.with_suffix(".before.json"))
            shutil.rmtree(self._folder, ignore_errors=True)
            return self._state(self._session())

        return self._thread.submit(forget)

    def transition(self, number: int) -> "Future[Path | None]":
        """The file of the transition to a turn; None if there is none."""

        def find(session: BackToBack) -> Path | None:
            turns = session.session.turns
            mixed = turns[number].mixed if 0 <= number < len(turns) else None
            return mixed.path if mixed and mixed.path.is_file() else None

        return self._do(find)

    def close(self) -> None:
        """End the thread."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=True)

    @property
    def _log(self) -> Path:
        return self._site.catalogue.with_name(self._site.catalogue.stem + ".b2b.json")

    @property
    def _folder(self) -> Path:
        return self._site.catalogue.with_name(self._site.catalogue.stem + ".transitions")

    def _do(self, work: "Callable[[BackToBack], T]") -> "Future[T]":
        return self._thread.submit(lambda: work(self._session()))

    def _session(self) -> BackToBack:
        """The session, opened in its thread when it is first asked for."""
        if self._opened is None:
            catalogue = open_catalogue(self._site.catalogue)
            folder = self._folder if find_spec("python_stretch") else None
            if folder:
                folder.mkdir(exist_ok=True)
            try:
                self._opened = BackToBack(
                    catalogue, self._log, transitions=folder, model=self._site.model, told=self._tell
                )
            except BaseException:
                catalogue.close()
                raise
        return self._opened

    def _tell(self, line: str) -> None:
        self._news = line

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.catalogue.close()
            self._opened = None

    def _state(self, session: BackToBack) -> dict[str, Any]:
        turns = session.session.turns
        human = bool(turns) and turns[-1].player != "human"
        try:
            picks, end = ((), "") if human else (session.picks(self._mood), "")
        except EarmarkError as error:  # nothing is left to play
            picks, end = (), str(error)
        return {
            "turns": [_turn(number, turn) for number, turn in enumerate(turns)],
            "gain": session.gain(turns[-1]) if turns and turns[-1].played.track.id and session.transitions else 0.0,
            "machine_is_next": not human,
            "mood": self._mood,
            "heard": self._news,
            "picks": [_pick(pick) for pick in picks],
            "end": end,
            "transitions": session.transitions is not None,
        }


def _turn(number: int, turn: "Turn") -> dict[str, Any]:
    return {
        "player": turn.player,
        "track": _track(turn.played.track),
        "sounds": list(turn.played.sounds),
        "reasons": list(turn.reasons),
        "transition": _transition(number, turn.mixed) if turn.mixed else None,
    }


def _transition(number: int, mixed: "Mixed") -> dict[str, Any]:
    return {"number": number, "reason": mixed.reason, "joints": asdict(mixed.joints) if mixed.joints else None}


def _pick(pick: "Pick") -> dict[str, Any]:
    return {"track": _track(pick.track), "cost": round(pick.cost, 4), "reasons": list(pick.reasons)}


def _track(track: "Summary") -> dict[str, Any]:
    return {
        "id": track.id,
        "name": track.name(),
        "style": track.style(),
        "bpm": round(track.bpm, 1) if track.bpm else None,
        "key": track.camelot,
        "energy": None if track.energy is None else round(track.energy, 3),
        "duration": round(track.duration, 1),
    }
