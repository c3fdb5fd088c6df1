"""Kinds of files with their families of tags and the readers of their layouts: knowledge, as a table.

Conventions: a file is what its content says, not its name.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import mutagen
from mutagen.aiff import AIFF
from mutagen.asf import ASF
from mutagen.dsf import DSF
from mutagen.flac import FLAC
from mutagen.monkeysaudio import MonkeysAudio
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.musepack import Musepack
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggvorbis import OggVorbis
from mutagen.optimfrog import OptimFROG
from mutagen.tak import TAK
from mutagen.trueaudio import TrueAudio
from mutagen.wave import WAVE
from mutagen.wavpack import WavPack

from earmark.audio.opening import require_regular
from earmark.audio.signature import kind_of
from earmark.errors import TagError, UnreadableAudio
from earmark.library.tags.fields import Family
from earmark.library.tags.layouts import ape, asf, flac, id3, iff, mp4, ogg
from earmark.library.tags.layouts.layout import Layout

Open = Callable[[BinaryIO], Layout]


@dataclass(frozen=True)
class Container:
    """A kind of file.

    Attributes:
        name: what people call it.
        suffixes: how its files are usually named.
        family: of its tags.
        reader: the class of mutagen that reads it.
        demuxers: what FFmpeg calls it, separated by commas.
        open: who reads its layout; None where tags are read only.
        compare: how its sound is compared, if nothing else is asked for (`audio_bytes`).
    """

    name: str
    suffixes: tuple[str, ...]
    family: Family
    reader: type[Any]
    demuxers: str
    open: Open | None
    compare: str = "packets"


# fmt: off
CONTAINERS: Final = (
    Container("MP3", (".mp3",), Family.ID3, MP3, "mp3", id3.open_at_head),
    Container("AIFF", (".aiff", ".aif", ".aifc"), Family.ID3, AIFF, "aiff", iff.open_chunks),
    Container("WAV", (".wav",), Family.ID3, WAVE, "wav", iff.open_chunks),
    Container("True Audio", (".tta",), Family.ID3, TrueAudio, "tta", id3.open_at_head),
    Container("FLAC", (".flac",), Family.VORBIS, FLAC, "flac", flac.open_flac),
    Container("Ogg Vorbis", (".ogg", ".oga"), Family.VORBIS, OggVorbis, "ogg", ogg.open_ogg),
    Container("Opus", (".opus",), Family.VORBIS, OggOpus, "ogg", ogg.open_ogg),
    Container("MP4 (AAC, ALAC)", (".m4a", ".mp4", ".m4b"), Family.MP4, MP4, "mov", mp4.open_mp4),
    Container("WavPack", (".wv",), Family.APE, WavPack, "wv", ape.open_at_end),
    # FFmpeg takes the tag for the end of the last packet; it does no harm to what is decoded.
    Container("Monkey's Audio", (".ape",), Family.APE, MonkeysAudio, "ape", ape.open_at_end, "decode"),
    Container("Musepack", (".mpc",), Family.APE, Musepack, "mpc,mpc8", ape.open_at_end),
    Container("TAK", (".tak",), Family.APE, TAK, "tak", ape.open_at_end),
    Container("Windows Media", (".wma",), Family.ASF, ASF, "asf", asf.open_asf),
    Container("Ogg FLAC", (".oga",), Family.VORBIS, OggFLAC, "ogg", None),
    Container("Speex", (".spx",), Family.VORBIS, OggSpeex, "ogg", None),
    Container("OptimFROG", (".ofr",), Family.APE, OptimFROG, "", None),
    Container("DSF", (".dsf",), Family.ID3, DSF, "dsf", None),
)
# fmt: on

_BY_KIND: Final = {container.name: container for container in CONTAINERS}
_READERS: Final = tuple(container.reader for container in CONTAINERS)

# What mutagen lets through beside its own errors when a file is damaged.
_LEAKED: Final = (EOFError, ValueError, IndexError, KeyError, AssertionError, TypeError, struct.error)


def identify(path: Path) -> tuple[Container, Any]:
    """The container of a file, and mutagen's object for it.

    Raises:
        TagError: it cannot be opened, is damaged, or of a kind whose tags are not known.
    """
    found = recognise(path)
    if found is None:
        kind = kind_of(path)
        reason = f"tags of {kind} are neither read nor written" if kind else "tags of this kind of file are not known"
        raise TagError(path, reason)
    return found


def require_writable(path: Path) -> None:
    """Refuse a file whose tags can be read at most.

    Raises:
        TagError: it is such a file, or cannot be opened, or is damaged.
    """
    container, _ = identify(path)
    if container.open is None:
        raise TagError(path, f"tags of {container.name} are read, but not written")


def recognise(path: Path) -> tuple[Container, Any] | None:
    """The same; None for a kind of file whose tags are not known: AAC without a container, Matroska, CAF and others.

    Raises:
        TagError: it cannot be opened, or is damaged.
    """
    try:
        require_regular(path)
    except UnreadableAudio as error:
        raise TagError(path, error.reason) from error
    try:
        kind = kind_of(path)
        if kind and kind not in _BY_KIND:
            return None
        # What cannot be told by its first bytes (an mp3 behind something else) is what its name says.
        file = _BY_KIND[kind].reader(path) if kind else mutagen.File(path, options=_READERS)
    except OSError as error:
        raise TagError(path, _reason(error)) from error
    except mutagen.MutagenError as error:
        raise TagError(path, _reason(error)) from error
    except _LEAKED as error:
        raise TagError(path, "its tags or its structure are damaged") from error
    return next(((container, file) for container in CONTAINERS if type(file) is container.reader), None)


def _reason(error: Exception) -> str:
    """Reason why mutagen gave up: the system's word, or its own."""
    cause = error.args[0] if error.args and isinstance(error.args[0], OSError) else error
    if isinstance(cause, OSError) and cause.strerror:
        return f"it cannot be opened: {cause.strerror}"
    return ": ".join(filter(None, ["its tags or its structure are damaged", str(cause)]))
