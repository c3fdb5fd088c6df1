"""The same recording more than once in a collection.

Files with the same content are known by their hash. Other encodings of a recording are found in two steps, because to
decode everything would take as long as to hear it: tracks of about the same duration whose embeddings point into about
the same direction are candidates, and only their files are decoded and laid over each other (`fingerprint`). A copy
that is cut, or at another speed, is not a candidate.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from earmark.audio import Recording
from earmark.errors import FileError
from earmark.fingerprint import SAME, SAMPLE_RATE, Fingerprint, fingerprint, overlay
from earmark.library.embeddings import Embeddings, read_embeddings
from earmark.library.track import Track

DURATION: Final = 2.0  # seconds by which copies may differ: silence at the ends, the delay of a codec

SIMILARITY: Final = 0.85
"""The least cosine of the embeddings of copies. Measured with `house12` on 37 recordings: 0.898 and more between a
recording and its copies (mp3 at 64 kbit/s, Opus at 48, AAC at 96, 9 dB softer), and between those; between different
ones at most 0.843, save among 18 drum loops, half of whose pairs are above 0.85 (0.95 at most): decoding tells those
apart."""

Fingerprinted: TypeAlias = tuple[Path, Fingerprint] | FileError
FingerprintAll: TypeAlias = Callable[[Sequence[Path]], Iterable[Fingerprinted]]


@dataclass(frozen=True)
class Copies:
    """Tracks with the same recording, two or more, those with the same content side by side.

    `identical` says that all of their files have the same content.
    """

    tracks: tuple[Track, ...]
    identical: bool

    def twins(self) -> list[tuple[Track, ...]]:
        """The files that have their content in common with others, two or more together."""
        by_content: dict[str, list[Track]] = {}
        for track in self.tracks:
            by_content.setdefault(track.content_hash or str(track.path), []).append(track)
        return [tuple(group) for group in by_content.values() if len(group) > 1]


def find_copies(tracks: Iterable[Track], fingerprint_all: FingerprintAll) -> Iterator[Copies | FileError]:
    """Find what is there more than once; files that have vanished are passed over.

    Args:
        tracks: the collection.
        fingerprint_all: gives the fingerprint of each file, or why there is none; `fingerprint_of` does.

    Yields:
        Files with nothing but the same content first, then recordings in several forms, each with all of its files; and
        what could not be decoded.
    """
    groups: dict[str, list[Track]] = {}
    heard = read_embeddings(_firsts(tracks, groups))
    firsts = [group[0] for group in groups.values()]
    place = {track.path: index for index, track in enumerate(firsts)}
    rows = [[place[track.path] for track in each.tracks] for each in heard]
    pairs = sorted(
        (row[one], row[other]) for row, each in zip(rows, heard, strict=True) for one, other in candidates(each)
    )
    asked = sorted({index for pair in pairs for index in pair})
    fingerprints: dict[Path, Fingerprint] = {}
    for outcome in fingerprint_all([firsts[index].path for index in asked]):
        if isinstance(outcome, FileError):
            yield outcome
        else:
            fingerprints[outcome[0]] = outcome[1]
    same = [pair for pair in pairs if _is_same(*(fingerprints.get(firsts[index].path) for index in pair))]
    teams = _teams(same)
    members = list(groups.values())
    merged = {index for team in teams for index in team}
    for index, group in enumerate(members):
        if len(group) > 1 and index not in merged:
            yield Copies(tuple(group), identical=True)
    for team in teams:
        yield Copies(tuple(track for index in team for track in members[index]), identical=False)


def _firsts(tracks: Iterable[Track], groups: dict[str, list[Track]]) -> Iterator[Track]:
    """The first track with each content; all go into the groups, by content and without their analyses."""
    for number, track in enumerate(tracks):
        if not track.missing:
            group = groups.setdefault(track.content_hash or f"no content known {number}", [])
            group.append(replace(track, analysis=None))
            if len(group) == 1:
                yield track


def candidates(heard: Embeddings) -> list[tuple[int, int]]:
    """The pairs of rows that may be the same recording: about as long, and in about the same direction."""
    order = np.argsort(heard.durations, kind="stable")
    durations, directions = heard.durations[order], heard.matrix[order]  # (tracks,), rising; (tracks, dims)
    ends = np.searchsorted(durations, durations + DURATION, "right")
    pairs: list[tuple[int, int]] = []
    for here, end in enumerate(ends.tolist()):
        cosines = directions[here + 1 : end] @ directions[here]  # (tracks of about the same duration,)
        near = order[here + 1 + np.flatnonzero(cosines >= SIMILARITY)].tolist()
        pairs += [(min(int(order[here]), other), max(int(order[here]), other)) for other in near]
    return sorted(pairs)


def fingerprint_of(path: Path) -> tuple[Path, Fingerprint]:
    """Decode a file for its fingerprint.

    Raises:
        UnreadableAudio: there is no audio in it that can be heard.
    """
    with Recording(path) as recording:
        return path, fingerprint(recording.blocks(SAMPLE_RATE))


def open_task() -> Callable[[Path], tuple[Path, Fingerprint]]:
    """The task for worker processes (`runner.run_all`)."""
    return fingerprint_of


def _is_same(one: Fingerprint | None, other: Fingerprint | None) -> bool:
    if one is None or other is None:
        return False
    found = overlay(one, other)
    return found is not None and found.distance < SAME


def _teams(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Teams of what is linked, directly or through others."""
    team_of: dict[int, list[int]] = {}
    for one, other in pairs:
        team, joining = team_of.get(one, [one]), team_of.get(other, [other])
        if team is not joining:
            team += joining
            team_of |= dict.fromkeys(team, team)
    unique = {id(team): sorted(team) for team in team_of.values()}
    return sorted(unique.values())
