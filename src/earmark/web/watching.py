"""Folders that are watched as long as the server runs, whether or not a page is open, and again after a restart."""

import json
import threading
import time
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from earmark import files
from earmark.app.scanning import examiner, problems, watch
from earmark.errors import EarmarkError, FileError
from earmark.library import Catalogue, Track
from earmark.web import notes
from earmark.web.site import Site

AGAIN: Final = 30.0  # seconds after a fault, until the folder is looked at again


@dataclass(frozen=True)
class Watched:
    """A folder that is watched.

    Attributes:
        folder: with all below it.
        found: files that were new, changed, moved or gone since it is watched.
        last: the name of the last one.
        problem: with the last file that had one, or with the folder itself; "" for none.
    """

    folder: str
    found: int = 0
    last: str = ""
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """The folder as it stands in JSON."""
        return asdict(self)


class _Ended(Exception):  # noqa: N818  no error: somebody asked for it
    """The folder is no longer to be watched, or by another model."""


class Watches:
    """The folders that a server watches.

    Args:
        site: the settings of the server.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._known: dict[str, Watched] = {}
        self._ends: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []

    def resume(self) -> None:
        """Watch the folders again that the last server watched."""
        for folder in notes.read(self._note, lambda names: [Path(name) for name in names]) or ():
            if self._site.may_scan(folder):
                self.begin(folder)

    def begin(self, folder: Path) -> Watched:
        """Watch a folder; one that is watched already goes on."""
        name = str(folder)
        with self._lock:
            if name not in self._known:
                self._known[name], self._ends[name] = Watched(name), threading.Event()
                arguments = name, self._ends[name]
                thread = threading.Thread(target=self._watch, args=arguments, daemon=True, name="watching")
                thread.start()
                self._threads = [*(each for each in self._threads if each.is_alive()), thread]
                self._write()
            return self._known[name]

    def end(self, folder: Path) -> None:
        """Watch a folder no longer; the file that is being heard is still committed."""
        with self._lock:
            if self._known.pop(str(folder), None):
                self._ends.pop(str(folder)).set()
                self._write()

    def all(self) -> list[Watched]:
        """The folders that are watched."""
        with self._lock:
            return list(self._known.values())

    def close(self) -> None:
        """End all threads; the next server goes on."""
        with self._lock:
            for end in self._ends.values():
                end.set()

    def wait(self, seconds: float) -> None:
        """Wait until all threads have ended, but not for ever."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    @property
    def _note(self) -> Path:
        return self._site.catalogue.with_name(self._site.catalogue.stem + ".watched.json")

    def _write(self) -> None:
        files.write_text(self._note, json.dumps(list(self._known)))

    def _watch(self, folder: str, end: threading.Event) -> None:
        """Look at a folder again and again; after a fault, too."""
        while not end.is_set():
            try:
                self._look(folder, end)
            except _Ended:
                continue
            except EarmarkError as error:
                self._tell(folder, end, problem=str(error))
            except Exception as error:  # noqa: BLE001  the one boundary of a thread
                self._tell(folder, end, problem=f"earmark itself failed over this: {error!r}")
            end.wait(AGAIN)

    def _look(self, folder: str, end: threading.Event) -> None:
        model = self._site.model

        def sleep(seconds: float) -> None:
            if end.wait(seconds) or self._site.model != model:
                raise _Ended

        with Catalogue(self._site.catalogue) as opened:
            found = watch(opened, Path(folder), examiner(self._site.catalogue, model), sleep=sleep)
            with closing(found):
                for each in found:
                    lines = problems(each)
                    last = each.outcome.path.name if isinstance(each.outcome, Track | FileError) else ""
                    self._tell(folder, end, found=1, last=last, problem=str(lines[-1]) if lines else "")
                    if end.is_set():
                        return

    def _tell(self, folder: str, end: threading.Event, *, found: int = 0, last: str = "", problem: str = "") -> None:
        with self._lock:
            if not end.is_set() and (known := self._known.get(folder)):
                self._known[folder] = replace(
                    known, found=known.found + found, last=last or known.last, problem=problem or known.problem
                )
