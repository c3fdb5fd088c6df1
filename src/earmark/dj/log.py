"""The log of a session as JSON: all that was played, so that the session goes on where it was.

What the crate holds is not in the log: it is read from the catalogue again.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from earmark.dj.joints import Joints
from earmark.dj.partner import HUMAN, MACHINE, Mixed, Played, Turn
from earmark.errors import PlanError
from earmark.files import write_text
from earmark.library.track import Summary

FORMAT: Final = 1


def save(turns: Sequence[Turn], path: Path) -> None:
    """Write the log of a session; the file is whole at any moment."""
    write_text(path, json.dumps({"format": FORMAT, "turns": [_turn(turn) for turn in turns]}, indent=1) + "\n")


def read(path: Path) -> list[Turn]:
    """The turns of a session that was saved.

    Raises:
        PlanError: it cannot be read, or is no log of a session, or of a newer earmark.
    """
    try:
        log = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise PlanError(f"{path}: no log of a session: {error}") from error
    if not isinstance(log, dict) or not isinstance(log.get("turns"), list):
        raise PlanError(f"{path}: no log of a session")
    if log.get("format") != FORMAT:
        raise PlanError(f"{path}: its format is {log.get('format')!r}, not {FORMAT}; it is of another earmark")
    try:
        return [_turn_of(turn) for turn in log["turns"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PlanError(f"{path}: no log of a session: {type(error).__name__}: {error}") from error


def _turn(turn: Turn) -> dict[str, Any]:
    embedding = turn.played.embedding
    return {
        "player": turn.player,
        "track": _track(turn.played.track),
        "sounds": list(turn.played.sounds),
        "embedding": None if embedding is None else [float(f"{value:.6g}") for value in embedding.tolist()],
        "reasons": list(turn.reasons),
        "alternatives": [_track(track) for track in turn.alternatives],
        "transition": turn.mixed and _transition(turn.mixed),
    }


def _turn_of(log: dict[str, Any]) -> Turn:
    if log["player"] not in (HUMAN, MACHINE):
        raise ValueError(f"nobody is called {log['player']!r}")
    embedding, mixed = log["embedding"], log["transition"]
    return Turn(
        player=log["player"],
        played=Played(
            _track_of(log["track"]),
            tuple(log["sounds"]),
            None if embedding is None else np.array(embedding, np.float32),
        ),
        reasons=tuple(log["reasons"]),
        alternatives=tuple(map(_track_of, log["alternatives"])),
        mixed=mixed and _transition_of(mixed),
    )


def _transition(mixed: Mixed) -> dict[str, Any]:
    log = {"path": str(mixed.path), "reason": mixed.reason, "entered": mixed.entered}
    return log if mixed.joints is None else {**log, "joints": asdict(mixed.joints)}


def _transition_of(log: dict[str, Any]) -> Mixed:
    joints = None
    if joined := log.get("joints"):
        before, after = joined["gains"]
        joints = Joints(
            float(joined["left"]), float(joined["joined"]), float(joined["seconds"]), (float(before), float(after))
        )
    return Mixed(Path(log["path"]), log["reason"], float(log["entered"]), joints)


def _track(track: Summary) -> dict[str, Any]:
    return {
        "path": str(track.path),
        "id": track.id,
        "content": track.content_hash,
        "artist": track.artist,
        "title": track.title,
        "duration": track.duration,
        "styles": dict(zip(track.styles, (round(share, 6) for share in track.probabilities.tolist()), strict=True)),
        "bpm": track.bpm,
        "camelot": track.camelot,
        "energy": track.energy,
        "unknown": track.unknown,
    }


def _track_of(log: dict[str, Any]) -> Summary:
    return Summary(
        path=Path(log["path"]),
        content_hash=log["content"],
        title=log["title"],
        artist=log["artist"],
        duration=float(log["duration"]),
        styles=tuple(log["styles"]),
        probabilities=np.array(list(log["styles"].values()), np.float64),
        bpm=log["bpm"],
        camelot=log["camelot"],
        energy=log["energy"],
        unknown=bool(log.get("unknown")),
        id=log["id"],
    )
