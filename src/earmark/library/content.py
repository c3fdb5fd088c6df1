"""Content hashes: the same hash for the same sound, bit for bit, whatever the name and the tags of a file.

The packets of compressed sound are hashed as the demultiplexer gives them. Where they lie in the file, what stands
before, between and after them (tags, covers, cue points, seek tables) does not count, so a file that was renamed, moved
or tagged by any program keeps its hash, and nothing need be decoded.

Conventions: hex, 32 digits. Only whole blocks of `BLOCK` bytes count, and never the last packet: of some formats
(Monkey's Audio, FLAC with an ID3v1 tag) the demultiplexer takes a tag at the end for sound. A file that cannot be
demultiplexed is hashed byte by byte: when it is renamed it is still known to be bad.

The hash says "the same file"; `earmark.fingerprint` says "the same recording", in another encoding too.
"""

import hashlib
from pathlib import Path
from typing import Any, Final

from earmark.audio import Recording
from earmark.audio.opening import require_regular
from earmark.errors import UnreadableAudio

BLOCK: Final = 65536  # bytes; 1.6 s of mp3 at 320 kbit/s
DIGEST: Final = 16  # bytes: two of a billion files agree by chance with a probability of 1e-21


def content_hash(path: Path) -> str:
    """Hash of what a file holds.

    Raises:
        UnreadableAudio: its bytes cannot be read.
    """
    try:
        return _of_packets(path) or bytes_hash(path)
    except UnreadableAudio:
        return bytes_hash(path)


def _of_packets(path: Path) -> str:
    """The hash of the sound; "" where there is none."""
    with Recording(path) as recording:
        digest = _digest(f"{recording.codec} {recording.sample_rate} {recording.channels} ".encode())
        whole = None  # the digest at the end of the last whole block
        beyond = 0  # bytes after that
        packets = recording.packets()
        last: Any = next(packets, b"")  # hashlib takes packets as they are, which their types do not say
        for packet in packets:
            beyond += last.size
            if beyond < BLOCK:
                digest.update(last)
            else:
                beyond %= BLOCK
                content = memoryview(last)
                end = len(content) - beyond
                digest.update(content[:end])
                whole = digest.copy()
                digest.update(content[end:])
            last = packet
        if whole:
            return whole.hexdigest()
        digest.update(last)  # a short file has nothing else
        return digest.hexdigest() if beyond or bytes(last) else ""


def bytes_hash(path: Path) -> str:
    """The hash of all bytes of a file, sound or not.

    Raises:
        UnreadableAudio: they cannot be read.
    """
    require_regular(path)
    digest = _digest(b"bytes ")
    try:
        with path.open("rb") as file:
            while block := file.read(16 * BLOCK):
                digest.update(block)
    except OSError as error:
        raise UnreadableAudio(path, f"it cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def _digest(salt: bytes) -> "hashlib.blake2b":
    return hashlib.blake2b(salt, digest_size=DIGEST)
