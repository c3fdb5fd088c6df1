"""The bodies of requests."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from earmark.dj.course import Energy
from earmark.dj.partner import Mood

Id = Annotated[int, Field(ge=1, lt=2**63)]
StyleName = Annotated[str, Field(min_length=1, max_length=100)]
Tracks = Annotated[
    list[Id],
    Field(min_length=1, max_length=100_000, description="ids of tracks of the library"),
]
FieldName = Literal["genre", "style", "bpm", "key", "energy", "comment", "provenance"]


class Body(BaseModel):
    """A body; what it does not know is an error."""

    model_config = ConfigDict(extra="forbid")


class ScanBody(Body):
    """A folder to scan."""

    folder: Annotated[str, Field(min_length=1, description="one of the folders of the library, or one below")]
    retry: bool = False


class WatchBody(Body):
    """A folder to watch."""

    folder: Annotated[str, Field(min_length=1, description="one of the folders of the library, or one below")]


class TagBody(Body):
    """Tracks whose tags are to be written; what is left out is as in `earmark tag`."""

    tracks: Tracks
    fields: list[FieldName] | None = None
    policy: Literal["fill", "append", "replace"] | None = None
    min_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    write: Annotated[bool, Field(description="write; without it, only the changes are told")] = False


class UndoBody(Body):
    """A run to undo."""

    run: Annotated[str, Field(description='its name; "" for the latest')] = ""


class AuditBody(Body):
    """Parts of an audit."""

    duplicates: bool = True


class SetBody(Body):
    """A set; its ends are ids of tracks, or styles."""

    start: Id | StyleName
    goal: Id | Literal[""] | StyleName = ""
    minutes: Annotated[float, Field(ge=0, le=1440)] = 0.0
    tracks: Annotated[int, Field(ge=0, le=500)] = 0
    play: Annotated[list[Id], Field(max_length=500)] = []
    energy: Energy = Energy.FREE
    repeat_artists: bool = False
    variety: Annotated[float, Field(ge=0, le=1)] = 0.0
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class MixBody(Body):
    """Tracks that are to be mixed, in their order."""

    tracks: Annotated[list[Id], Field(min_length=2, max_length=500)]
    format: Literal["mp3", "flac", "wav", "opus"] = "mp3"


class CorrectionBody(Body):
    """A track, and the style that it is."""

    track: Id
    style: Annotated[str, Field(max_length=100)] = ""


class ModelBody(Body):
    """A model that is to hear: the name of one that is there."""

    model: Annotated[str, Field(max_length=200, pattern=r"^[^/\\\\]*$")] = ""


class TrackBody(Body):
    """A track of the library."""

    track: Id


class MoodBody(Body):
    """A wish for the energy of what the machine plays."""

    mood: Mood = Mood.FOLLOW


class MachineBody(MoodBody):
    """One of the tracks that the machine offers, the best is 0."""

    pick: Annotated[int, Field(ge=0, le=10)] = 0


class ExportBody(Body):
    """Tracks for another program."""

    format: Literal["m3u8", "rekordbox", "traktor", "csv", "json"]
    tracks: Tracks
    name: Annotated[str, Field(min_length=1, max_length=100)] = "earmark"
