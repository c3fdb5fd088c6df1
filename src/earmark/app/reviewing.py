"""Reviewing what was heard: which tracks to look at first, what the user says they are, and a model taught by it.

What the user says is kept beside the catalogue as a manifest, so that `earmark teach` and any spreadsheet read it. The
first tracks to review are those that would teach the most: of which the model is least sure, and which are unlike those
that were reviewed, or stand before them in the queue.

Reference: B. Settles, "Active learning literature survey", 2009, on uncertainty and on batches that are diverse.
"""

import csv
import io
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from earmark import files
from earmark.app.progress import Counting, Staging, unseen, unstaged
from earmark.errors import EarmarkError, ManifestError, MissingExtra
from earmark.library import Catalogue, Track

if TYPE_CHECKING:
    from earmark.app.teaching import Taught

COLUMNS: Final = ("path", "style", "artist", "title")
TAUGHT: Final = "mine"  # the name of the model that the page teaches
FEWEST: Final = 2  # tracks of a style that can be taught

_writing = Lock()  # one correction after the other: each is written with all before it


@dataclass(frozen=True)
class Correction:
    """A track and the style that it is, as the user says; the artist keeps tests honest."""

    path: Path
    style: str
    artist: str = ""
    title: str = ""


class Corrections:
    """What the user says of tracks: a manifest beside the catalogue.

    Args:
        path: the .csv file; there may be none yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, catalogue: Path) -> "Corrections":
        """Those of a catalogue."""
        return cls(catalogue.with_name(catalogue.stem + ".corrections.csv"))

    def all(self) -> dict[Path, Correction]:
        """The corrections by the path of their track, in the order in which they were made.

        Raises:
            ManifestError: the file holds something else.
        """
        if not self.path.exists():
            return {}
        try:
            header, *rows = csv.reader(io.StringIO(self.path.read_text(encoding="utf-8-sig"), newline=""), strict=True)
        except UnicodeDecodeError:
            raise ManifestError(f"{self.path}: it is no UTF-8; save it as CSV UTF-8") from None
        except (csv.Error, ValueError) as error:  # an empty file, too
            raise ManifestError(f"{self.path}: it is no table of corrections: {error}") from None
        if tuple(header) != COLUMNS:
            raise ManifestError(f"{self.path}: its first line must be {','.join(COLUMNS)}")
        if wrong := next((row for row in rows if row and len(row) != len(COLUMNS)), None):
            raise ManifestError(f"{self.path}: {','.join(wrong)}: a line has {len(COLUMNS)} columns")
        said = (Correction(Path(path), style, artist, title) for path, style, artist, title in filter(None, rows))
        return {each.path: each for each in said}

    def add(self, track: Track, style: str) -> None:
        """Say what a track is, instead of what was said of it before.

        Raises:
            ManifestError: the name of the file, or of the style, cannot be written as text.
        """
        style = " ".join(style.split())
        if not style:
            raise ManifestError("a style needs a name")
        made = Correction(track.path, style, track.tags.artist, track.tags.title)
        with _writing:
            self._write({**self.all(), track.path: made})

    def remove(self, path: Path) -> None:
        """Take back what was said of a track."""
        with _writing:
            kept = self.all()
            kept.pop(path, None)
            self._write(kept)

    def _write(self, kept: dict[Path, Correction]) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([str(each.path), each.style, each.artist, each.title] for each in kept.values())
        try:
            files.write_text(self.path, text.getvalue())
        except UnicodeEncodeError:
            raise ManifestError(f"{self.path}: a name in it is no text, so it cannot be written") from None


def queue(catalogue: Catalogue, corrections: Corrections, limit: int) -> list[tuple[Track, float]]:
    """The tracks to review first, each with what it is expected to teach (0-1).

    That is the entropy of the answer, as a share of the greatest possible, times how far the track is from those that
    were reviewed or stand before it: 1 minus the highest cosine of their embeddings, at least 0.

    Args:
        catalogue: the open catalogue.
        corrections: what the user has said.
        limit: how many tracks at most.
    """
    import numpy as np

    column = catalogue.embeddings()
    summaries = {each.id: each for each in catalogue.summaries()}
    rows = [row for row, number in enumerate(column.ids.tolist()) if number in summaries]
    if not rows:
        return []
    ids = column.ids[rows].tolist()
    matrix = np.asarray(column.matrix[rows], np.float32)
    centred = matrix - matrix.mean(0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    gain = np.array([_entropy(summaries[number].probabilities) for number in ids])
    said = corrections.all()
    for row, number in enumerate(ids):
        if summaries[number].path in said:
            gain *= 1 - np.maximum(centred @ centred[row], 0)
            gain[row] = 0
    chosen: list[tuple[int, float]] = []
    for _ in range(min(limit, len(ids))):
        best = int(gain.argmax())
        if gain[best] <= 0:
            break
        chosen.append((ids[best], float(gain[best])))
        gain *= 1 - np.maximum(centred @ centred[best], 0)
        gain[best] = 0
    tracks = catalogue.by_ids([number for number, _ in chosen])
    return [(track, share) for track, (_, share) in zip(tracks, chosen, strict=True)]


def _entropy(probabilities: Any) -> float:  # noqa: ANN401  an array; NumPy is imported when it is needed
    import numpy as np

    shares = np.asarray(probabilities, np.float64)
    shares = shares[shares > 0] / shares.sum()
    return float(-(shares * np.log(shares)).sum() / np.log(max(2, len(probabilities))))


@dataclass(frozen=True)
class Lesson:
    """A model that was taught by corrections, and its answers beside those of the model before, on the same tracks.

    Attributes:
        model: the folder of the new model; None if it is not usable yet.
        tracks: that were predicted by heads that had not heard their artists.
        right: how many of them the new model names right.
        before: how many of them the catalogue names right.
        reason: why it is not usable yet; "" if it is.
    """

    model: Path | None
    tracks: int
    right: int
    before: int
    reason: str

    def as_json(self) -> dict[str, Any]:
        """The lesson as it stands in JSON."""
        return {**vars(self), "model": str(self.model) if self.model else None}


def teach(
    catalogue: Catalogue,
    corrections: Corrections,
    out: Path,
    *,
    model: str,
    counting: Counting = unseen,
    progress: Staging = unstaged,
) -> Lesson:
    """Teach a model by what the user said, and compare it with what the catalogue says of the same tracks.

    Args:
        catalogue: says what was heard before.
        corrections: the lesson.
        out: the folder of the new model.
        model: the one that hears.
        counting: is told of each track that is heard.
        progress: is told how much of each stage is done.

    Raises:
        EarmarkError: too little was said to teach anything.
        MissingExtra: the extra `teach` is not installed.
    """
    from earmark.app.teaching import teach as taught_by

    if find_spec("sklearn") is None:
        raise MissingExtra("teaching a model", "teach")
    said = corrections.all()
    _require_enough(said)
    taught = taught_by(corrections.path, out, model, counting=counting, progress=progress)
    tracks, right = _held_out(taught)
    before = sum(_heard(catalogue, path) == said[path].style for path in _measured(taught))
    return Lesson(out if taught.written else None, tracks, right, before, taught.unusable)


def _heard(catalogue: Catalogue, path: Path) -> str:
    """The style that the catalogue names first; "" if it does not know the file."""
    track = catalogue.track(path)
    return track.analysis.timeline.top(1)[0][0] if track and track.analysis else ""


def _require_enough(said: dict[Path, Correction]) -> None:
    counts: dict[str, int] = {}
    for each in said.values():
        counts[each.style] = counts.get(each.style, 0) + 1
    few = [style for style, count in counts.items() if count < FEWEST]
    if len(counts) < 2:  # noqa: PLR2004  one style cannot be told from another
        raise EarmarkError("say of some tracks which style they are: two styles at the least, with two tracks each")
    if few:
        raise EarmarkError(f"there is one track only of {', '.join(few)}; two are the least")


def _measured(taught: "Taught") -> list[Path]:
    """The tracks whose artists the head had not heard when it named them."""
    labelled, folds = taught.study.labelled, taught.study.folds
    return [entry.path for entry, known in zip(labelled.entries, folds.measured, strict=True) if known]


def _held_out(taught: "Taught") -> tuple[int, int]:
    """How many tracks were measured, and how many of them were named right."""
    found = taught.study.accuracy
    return (found.tracks, round(found.micro.value * found.tracks)) if found else (0, 0)
