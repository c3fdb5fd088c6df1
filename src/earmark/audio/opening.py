"""A path as libav's container and sound stream."""

import stat
from pathlib import Path
from typing import Final, cast

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard

from earmark.audio.flac import in_order
from earmark.errors import UnreadableAudio

SUFFIXES: Final = frozenset(
    ".aac .ac3 .aif .aifc .aiff .ape .au .avi .caf .dff .dsf .eac3 .flac .m4a .m4b .m4p .m4v .mka .mkv .mov .mp2"  # noqa: SIM905
    " .mp3 .mp4 .mpc .oga .ogg .ogv .opus .spx .tak .tta .w64 .wav .wave .webm .wma .wmv .wv".split()
)
"""Suffixes, in lower case, of files that are worth opening; those of videos among them."""

# Containers of sound. Anything else that FFmpeg could open (playlists, images, text) is refused unopened: a playlist
# with the name of an mp3 must not make us read other files. MPEG-TS, MPEG-PS and FLV may grow streams while they are
# read, for which PyAV 18 reads beyond the end of a list.
_CONTAINERS: Final = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,iff,matroska,mov,mp3,mpc,mpc8,ogg,tak,tta,w64,wav,wv"
)

# Where time stamps count samples (proven by the tests), and how to get near one: by the demultiplexer's own seek where
# it lands at or before the packet, else by passing packets over undecoded, a tenth of the cost of decoding them. An mp3
# or AAC stream has no index, and its seek is a guess from the bit rate.
_SEEKING: Final = frozenset({"flac", "mov,mp4,m4a,3gp,3g2,mj2", "ogg"})
_SEEKING_PCM: Final = frozenset({"aiff", "caf", "w64", "wav"})  # with compressed sound inside, stamps are off
STEPPING: Final = frozenset({"aac", "mp3", "tta", "wv"})

LOWEST_RATE: Final = 1_000
HIGHEST_RATE: Final = 12_000_000
"""Sample rates that sound may have, in Hz: of DSD1024, taken for PCM as libav does, at most."""

# Codec tags of protected sound in MP4: iTunes, Common Encryption, Audible.
_ENCRYPTED: Final = frozenset({"drms", "enca", "aavd", "adrm"})


def require_regular(path: Path) -> int:
    """Refuse what is no regular file, before it is opened: a pipe would keep us waiting for ever.

    Returns:
        Its size in bytes.

    Raises:
        UnreadableAudio: it is something else, or there is no such file.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableAudio(path, _reason(error)) from error
    except ValueError as error:  # a null byte in the name
        raise UnreadableAudio(path, "no file can have this name") from error
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableAudio(path, "it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableAudio(path, "it is not a regular file")
    return status.st_size


def open_sound(path: Path) -> tuple[InputContainer, AudioStream]:
    """Open a file at its best audio stream, with the others switched off."""
    if not require_regular(path):
        raise UnreadableAudio(path, "the file is empty")
    whitelists = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
    try:
        # "file:", or a colon in the name would end a protocol; "replace", as tags come in any encoding.
        container = av.open(
            in_order(path) or f"file:{path}", "r", metadata_errors="replace", container_options=whitelists
        )
    except (av.error.FFmpegError, OSError) as error:
        raise UnreadableAudio(path, _reason(error)) from error
    stream = cast(AudioStream | None, container.streams.best("audio"))
    if stream is None or stream.codec_context is None or _is_encrypted(stream):
        container.close()
        raise UnreadableAudio(
            path, "no sound was found in it" if stream is None else "its sound is encrypted or of an unknown codec"
        )
    if not LOWEST_RATE <= stream.codec_context.sample_rate <= HIGHEST_RATE:
        container.close()
        raise UnreadableAudio(path, f"its sample rate would be {stream.codec_context.sample_rate} Hz: damaged")
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all  # the pictures of a video are not even read
    stream.codec_context.thread_count = 1  # more of them save no time here, and the other cores have files of their own
    return container, stream


def _is_encrypted(stream: AudioStream) -> bool:
    try:
        return stream.codec_tag in _ENCRYPTED
    except UnicodeDecodeError:  # PyAV takes a tag for ASCII
        return False


def _reason(error: OSError | av.error.FFmpegError) -> str:
    """Say why a file could not be opened."""
    match error:
        case FileNotFoundError():
            return "there is no such file"
        case PermissionError():
            return "permission denied"
        case OSError():
            return f"it cannot be opened: {error.strerror}"
        case _:
            return "it is not audio, or damaged beyond recognition"


def ticks_per_sample(container: InputContainer, stream: AudioStream) -> int | None:
    """Return the units of the stream's clock per sample, or None where the clock cannot tell samples apart."""
    name, codec = container.format.name, stream.codec_context
    seeking = name in _SEEKING or (name in _SEEKING_PCM and codec.name.startswith("pcm_"))
    if stream.time_base is None or not (seeking or name in STEPPING):
        return None
    ticks = 1 / (stream.time_base * codec.sample_rate)
    return int(ticks) if ticks.denominator == 1 else None
