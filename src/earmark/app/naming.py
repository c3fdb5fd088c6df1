"""Tracks and styles under the words by which a user calls them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from earmark.app.listening import MODEL, listener_of
from earmark.app.lookup import current
from earmark.app.query import style_named
from earmark.errors import CatalogueError, EarmarkError, FileError
from earmark.files import absolute
from earmark.library import Catalogue, Query, Track
from earmark.library.content import content_hash
from earmark.library.scanning.examine import with_tags
from earmark.library.track import Summary
from earmark.runner import run

if TYPE_CHECKING:
    from earmark.analysis import Analysis

MENTIONED: Final = 5  # tracks that a message names
LOOKED_AT: Final = 200  # tracks with the words, among which one may be called exactly so


class Finder:
    """Finds the tracks and styles of a catalogue that are meant.

    Args:
        catalogue: where they are looked for.
        model: what it heard counts, and nothing else; "" for any model.
        listen: hears a file that the catalogue does not know as it is now; by default with that model.
    """

    def __init__(
        self, catalogue: Catalogue, model: str = "", listen: "Callable[[Path], Analysis] | None" = None
    ) -> None:
        self.catalogue = catalogue
        self.model = model
        self.tracks: dict[Path, Track] = {}
        self._listen = listen or listener_of(model or MODEL)

    def track(self, words: str) -> Track:
        """The track that is meant: by its path, a file that is heard now, or words that one track alone has.

        Raises:
            EarmarkError: there is none, or more than one, or it cannot be heard.
        """
        if found := self._by_path(words):
            return found
        matches = [track for track in self.catalogue.find(Query(words=words), limit=LOOKED_AT) if track.analysis]
        if not matches or not words.strip():
            raise EarmarkError(f"{words}: no file, and no track of the catalogue that was heard, is called so")
        called = [
            track for track in matches if words.casefold() in (track.tags.title.casefold(), track.path.stem.casefold())
        ]
        matches = called if len(called) == 1 else matches
        if len(matches) > 1:
            more = ", ..." if len(matches) > MENTIONED else ""
            names = ", ".join(str(track.path) for track in matches[:MENTIONED])
            raise EarmarkError(f"{words}: that may be any of {names}{more}; give more words, or the path")
        if not self._counts(matches[0].analysis):
            raise CatalogueError(f"{matches[0].path}: {self.model} has not heard it; `earmark scan` it first")
        return self._kept(matches[0])

    def each_once(self, names: Iterable[str]) -> list[Track]:
        """The tracks that are meant, in their order; one that is named twice stands once.

        Raises:
            EarmarkError: as `track`.
        """
        return list({absolute(track.path): track for track in map(self.track, names)}.values())

    def style(self, words: str) -> str:
        """The style of the catalogue that is called so; "" if it is none."""
        try:
            return style_named(words, self.catalogue.families())
        except EarmarkError:
            return ""

    def end(self, words: str) -> Track | str:
        """The track or the style that is meant; a file goes first, then a style, then words of a track."""
        return self._by_path(words) or self.style(words) or self.track(words)

    def ids(self, words: str) -> set[int]:
        """The numbers of all tracks that are meant by a path, or have the words."""
        found = self._by_path(words)
        return {found.id} if found else set(self.catalogue.ids(Query(words=words)).tolist())

    def summaries(self) -> list[Summary]:
        """The tracks that were found so far."""
        return [Summary.of(track) for track in self.tracks.values()]

    def heard(self, path: Path) -> Track:
        """A file that the catalogue does not know, heard now, with its tags.

        Raises:
            EarmarkError: it cannot be heard.
        """
        from earmark.library.tags import read

        outcome = run(path, self._listen)
        if isinstance(outcome, FileError):
            raise outcome
        status = path.stat()
        track = Track(path, status.st_size, status.st_mtime_ns, content_hash(path), analysis=outcome)
        return with_tags(track, read)  # one whose tags cannot be read is called by its name

    def _by_path(self, words: str) -> Track | None:
        if not words:
            return None
        path = Path(words)
        known, there = self.catalogue.track(path), path.is_file()
        if known and self._counts(current(known) if there else known.analysis):
            return self._kept(known)
        return self._kept(self.heard(path)) if there else None

    def _counts(self, analysis: "Analysis | None") -> bool:
        return analysis is not None and (not self.model or analysis.model == self.model)

    def _kept(self, track: Track) -> Track:
        self.tracks[track.path] = track
        return track
