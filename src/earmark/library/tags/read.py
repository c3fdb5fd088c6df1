"""Tags of a file, in one form for all containers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from earmark.errors import TagError
from earmark.library.tags.containers import Container, recognise
from earmark.library.tags.fields import Family, collected
from earmark.library.tags.layouts import iff
from earmark.library.tags.layouts.layout import LayoutError
from earmark.library.track import Tags

CHUNKED: Final = frozenset({"WAV", "AIFF"})
OLD_COMMENT: Final = "ID3v1 Comment"  # what mutagen calls it


def read(path: Path) -> Tags:
    """Read the tags of a file; they are empty where there are none, or of a kind that is not known.

    Raises:
        TagError: the file cannot be opened, or is damaged.
    """
    found = recognise(path)
    return read_identified(path, *found) if found else Tags()


def read_identified(path: Path, container: Container, file: Any) -> Tags:  # noqa: ANN401  mutagen's classes have no common type
    """The tags of a file that mutagen has opened."""
    if file.tags is None and container.name in CHUNKED:
        return _read_chunks(path)
    if file.tags is None:
        return Tags()
    texts = _READERS[container.family]
    return collected(lambda name: texts(file.tags, name), container.family)


def _read_chunks(path: Path) -> Tags:
    """Tags of a WAV or AIFF file without an ID3 chunk, from its other chunks: ``LIST INFO``, ``NAME``, ``AUTH``."""
    try:
        with path.open("rb") as file:
            values = iff.read_info(file)
    except LayoutError as error:
        raise TagError(path, str(error)) from error
    return collected(lambda name: list(values.get(name, ())), Family.ID3)


def _id3(tags: Any, name: str) -> list[str]:  # noqa: ANN401  the same for those below
    identity, _, description = name.partition(":")
    if identity == "TXXX":
        frames = [frame for frame in tags.getall("TXXX") if frame.desc.casefold() == description.casefold()]
    elif identity == "COMM":
        wanted = OLD_COMMENT if tags.version[0] == 1 else ""
        frames = [frame for frame in tags.getall("COMM") if frame.desc == wanted][:1]
    else:
        frames = tags.getall(identity)
    return [str(text) for frame in frames for text in (frame.genres if identity == "TCON" else frame.text)]


def _vorbis(tags: Any, name: str) -> list[str]:  # noqa: ANN401  the same
    return [value for key, value in tags if key.casefold() == name.casefold()]


def _mp4(tags: Any, name: str) -> list[str]:  # noqa: ANN401  the same
    found = [value for key in tags if key.casefold() == name.casefold() for value in tags[key]]
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in found]


def _ape(tags: Any, name: str) -> list[str]:  # noqa: ANN401  the same
    value = tags.get(name)
    return list(value) if value is not None and value.kind == 0 else []


def _asf(tags: Any, name: str) -> list[str]:  # noqa: ANN401  the same
    return [str(value) for key, value in tags if key.casefold() == name.casefold()]


_READERS: Final[dict[Family, Callable[[Any, str], list[str]]]] = {
    Family.ID3: _id3,
    Family.VORBIS: _vorbis,
    Family.MP4: _mp4,
    Family.APE: _ape,
    Family.ASF: _asf,
}
