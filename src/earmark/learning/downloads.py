"""Sources of openly licensed networks, and the download of their files.

Each file is pinned by its size and its SHA-256, so whoever serves it cannot give anything else. It is written under a
temporary name until it is whole and right; what a cut connection leaves is continued by the next attempt.
"""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from earmark.errors import DownloadError
from earmark.files import put

TIMEOUT = 30  # seconds without an answer
BLOCK = 1 << 16  # bytes

Progress = Callable[[str, float], None]
"""Called with what is being done and which share of it is done (0-1)."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file that somebody else publishes; `size` in bytes."""

    file: str
    url: str
    size: int
    sha256: str
    project: str
    licence: str


YAMNET = Source(
    file="yamnet_spectra_in.tflite",
    url="https://raw.githubusercontent.com/google-coral/coralmicro/main/models/yamnet_spectra_in.tflite",
    size=4_047_424,
    sha256="0a266465c46718f3fcc4137366be82882a8c93bfcc4f0278581a11d11dddcdf9",
    project="coralmicro, Google, https://github.com/google-coral/coralmicro",
    licence="Apache-2.0",
)

MN04 = Source(
    file="mn04_as_mAP_432.pt",
    url="https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1/mn04_as_mAP_432.pt",
    size=4_066_513,
    sha256="899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c",
    project="EfficientAT, F. Schmid, https://github.com/fschmid56/EfficientAT",
    licence="MIT",
)


@dataclass(frozen=True)
class Addable:
    """A model that can be added: its name, what it is in a line, and the files that it is made of."""

    model: str
    summary: str
    sources: tuple[Source, ...]


ADDABLE = {
    "ears": Addable(
        "house12+ears",
        "house12 with two more ears, YAMNet and mn04, which heard two million real recordings",
        (YAMNET, MN04),
    ),
    "house12+yamnet": Addable(
        "house12+yamnet", "house12 with YAMNet for an ear, which heard two million real recordings", (YAMNET,)
    ),
    "yamnet": Addable("yamnet", "40 kinds of music and sound, from two million real recordings", (YAMNET,)),
}
"""The models that can be added, by what they are asked for as."""


def file_at(url: str) -> str:
    """The name of the file at an address."""
    return url.rpartition("/")[2]


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(source: Source, folder: Path, progress: Progress = lambda _title, _share: None) -> Path:
    """The file of a source in a folder: what is there already if it is the right one, else downloaded.

    Raises:
        DownloadError: it cannot be had, or something else comes in its place.
    """
    target = folder / source.file
    if target.is_file() and sha256_of(target) == source.sha256:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{source.file}.part")
    try:
        _download(source, part, progress)
    except urllib.error.HTTPError as error:
        raise DownloadError(source.url, f"the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise DownloadError(source.url, f"cannot be reached: {_reason(error.reason)}") from error
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(source.url, f"the connection broke: {_reason(error)}") from error

    size = part.stat().st_size
    if size < source.size:
        raise DownloadError(
            source.url, f"cut off after {size} of {source.size} bytes; the next attempt continues there"
        )
    if (found := sha256_of(part)) != source.sha256:
        part.unlink()
        raise DownloadError(source.url, f"this is not the expected file: its sha256 is {found}, not {source.sha256}")
    put(part, target)
    return target


def _download(source: Source, part: Path, progress: Progress) -> None:
    """Append to what is there of a file, or begin it anew where the server will not continue."""
    have = part.stat().st_size if part.exists() else 0
    if have >= source.size:  # too much, or all of it and never renamed
        part.unlink()
        have = 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    request = urllib.request.Request(source.url, headers=headers)  # noqa: S310  the addresses are ours
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310  the same
        continued = answer.status == HTTPStatus.PARTIAL_CONTENT
        have = have if continued else 0
        with part.open("ab" if continued else "wb") as file:
            # One byte more than there should be is enough to know that it is another file.
            while have <= source.size and (block := answer.read(min(BLOCK, source.size + 1 - have))):
                file.write(block)
                have += len(block)
                progress(f"download {source.file}", have / source.size)


def _reason(error: object) -> str:
    """The reason of an error, in the words of the system."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
