"""Genre tags that disagree with what was heard, and the same recording more than once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from earmark.app.progress import Counting, counted, unseen
from earmark.errors import FileError
from earmark.library import Catalogue
from earmark.library.audit import GenreAudit, audit_genres
from earmark.library.duplicates import Copies, Fingerprinted, find_copies, open_task
from earmark.runner import run_all, sensible_workers

COUNTS = ("agreed", "unsure", "unheard", "untagged", "unnamed")
COLUMNS = ("finding", "path", "tag", "heard", "probability", "family", "same_family", "doubt", "group", "count")
"""The columns of `Audit.rows`."""


@dataclass(frozen=True)
class Audit:
    """The findings; None for what was not asked for.

    Attributes:
        genres: the tags that disagree, and how many agree.
        copies: the groups of files with the same content or recording.
        failures: files that could not be decoded.
    """

    genres: GenreAudit | None = None
    copies: tuple[Copies, ...] | None = None
    failures: tuple[FileError, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The findings as they stand in JSON; what was not asked for is not in it."""
        answer: dict[str, Any] = {}
        if self.genres is not None:
            answer["disagreements"] = [
                {
                    "path": str(each.track.path),
                    "tag": list(each.track.tags.genres),
                    "tag_styles": list(each.tagged),
                    "heard": each.heard,
                    "probability": round(each.probability, 4),
                    "family": each.family,
                    "same_family": each.same_family,
                    "doubt": round(each.doubt, 4),
                }
                for each in self.genres.disagreements
            ]
            answer["counts"] = {name: getattr(self.genres, name) for name in COUNTS}
            answer["unknown_words"] = self.genres.words
        if self.copies is not None:
            answer["duplicates"] = [
                {
                    "identical": group.identical,
                    "paths": [str(track.path) for track in group.tracks],
                    "same_content": [[str(track.path) for track in twins] for twins in group.twins()],
                }
                for group in self.copies
            ]
        return answer

    def rows(self) -> Iterator[dict[str, Any]]:
        """The findings one by one, each with some of `COLUMNS`."""
        answer = self.as_json()
        for each in answer.get("disagreements", ()):
            row = {name: each[name] for name in COLUMNS if name in each}
            yield {"finding": "genre", **row, "tag": ";".join(each["tag"])}
        for word, count in answer.get("unknown_words", {}).items():
            yield {"finding": "unknown word", "tag": word, "count": count}
        for number, group in enumerate(answer.get("duplicates", ()), 1):
            twins = {path for paths in group["same_content"] for path in paths}
            for path in group["paths"]:
                finding = "same content" if path in twins else "same recording"
                yield {"finding": finding, "path": path, "group": number, "count": len(group["paths"])}


def audit(
    catalogue: Catalogue,
    *,
    genres: bool = True,
    duplicates: bool = True,
    min_doubt: float = 0.5,
    workers: int = 0,
    progress: Counting = unseen,
) -> Audit:
    """Audit the tracks of a catalogue.

    Args:
        catalogue: the open catalogue.
        genres: compare genre tags with what was heard.
        duplicates: look for the same recording; decodes what may be one.
        min_doubt: leave out tags that are doubted less (0-1).
        workers: processes that decode; 0 chooses.
        progress: is told of each file that is decoded.
    """
    found = copies = None
    failures: list[FileError] = []
    if genres:
        found = audit_genres(catalogue.tracks())
        sure = tuple(each for each in found.disagreements if each.doubt >= min_doubt)
        found = replace(found, disagreements=sure)
    if duplicates:

        def decode(paths: Sequence[Path]) -> Iterator[Fingerprinted]:
            outcomes = run_all(paths, open_task, workers or sensible_workers(len(paths)))
            return counted(outcomes, len(paths), "files", progress)

        outcomes = list(find_copies(catalogue.tracks(), decode))
        failures = [each for each in outcomes if isinstance(each, FileError)]
        copies = tuple(each for each in outcomes if isinstance(each, Copies))
    return Audit(found, copies, tuple(failures))
