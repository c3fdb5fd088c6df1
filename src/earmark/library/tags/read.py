"""Tags of a file, in one form for all containers.

A file may hold several: field by field the first that says something counts.

    mp3, tta   ID3v2, then APE, then ID3v1
    WAV        the ID3 chunk, then LIST INFO
    AIFF       the ID3 chunk, then NAME and AUTH
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

from mutagen.id3 import ID3, ID3NoHeaderError, ID3UnsupportedVersionError

from earmark.errors import TagError
from earmark.library.tags.containers import Container, recognise
from earmark.library.tags.fields import Family, Source, collected
from earmark.library.tags.layouts import iff
from earmark.library.tags.layouts.layout import LayoutError, Values
from earmark.library.tags.layouts.older import read_ape
from earmark.library.track import Tags

_ID3: Any = ID3  # mutagen says of few of its classes what they take
WITH_APE: Final = frozenset({"MP3", "True Audio"})
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
    return collected(_sources(path, container, file), container.family)


def _sources(path: Path, container: Container, file: Any) -> list[Source]:  # noqa: ANN401  the same for those below
    """Readers of the texts of one name: the tag, and after it the older ones that count where it says nothing."""
    sources: list[Source] = [] if file.tags is None else [partial(_READERS[container.family], file.tags)]
    if container.name in CHUNKED:
        return [*sources, partial(_given, _chunks(path, required=not sources))]
    if container.name in WITH_APE and (older := _opened(path, read_ape)):
        # mutagen has mixed ID3v1 into ID3v2, and APE stands between the two.
        newest: list[Source] = [partial(_id3, tags)] if (tags := _without_v1(path)) is not None else []
        return [*newest, partial(_given, older), *sources]
    return sources


def _chunks(path: Path, *, required: bool) -> Values:
    """What WAV and AIFF files say in other chunks than ID3: ``LIST INFO``, ``NAME``, ``AUTH``.

    Raises:
        TagError: the chunks are damaged, and nothing else says what it is (`required`).
    """
    try:
        return _opened(path, iff.read_info)
    except LayoutError as error:
        if not required:
            return {}
        raise TagError(path, str(error)) from error


def _opened(path: Path, values: Callable[[BinaryIO], Values]) -> Values:
    with path.open("rb") as file:
        return values(file)


def _without_v1(path: Path) -> Any:  # noqa: ANN401  the same
    """The ID3v2 tag of a file alone, or None."""
    try:
        return _ID3(path, load_v1=False)
    except (ID3NoHeaderError, ID3UnsupportedVersionError):  # the same that mutagen passes over for ID3v1
        return None


def _given(values: Values, name: str) -> list[str]:
    """Texts of a tag that was read already."""
    return [text for key, texts in values.items() if key.casefold() == name.casefold() for text in texts]


def _id3(tags: Any, name: str) -> list[str]:  # noqa: ANN401  the same
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
