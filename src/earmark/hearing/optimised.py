"""Optimised networks: what ONNX Runtime makes of a network on its first opening, kept for the next ones.

To open a network, ONNX Runtime folds constants, joins operators and lays weights out for the processor, for longer than
it then takes to hear a window. What comes out of that opens in a quarter of the time and gives the same answers, to the
last bit: that is tried before it is kept.

Conventions: an *entry* is a folder in `optimised_networks`. It is made for the network and weights of a bundle, for
ONNX Runtime as it is installed and for the processor; and for the very files of the bundle, which were checked then, as
long as they keep their size, inode and time of change: others are checked first. Its own files have checksums. Whatever
is wrong with an entry, a new one is made from the bundle; where none can be written, a bundle is opened without.
"""

import json
import logging
import os
import platform
import shutil
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from earmark.errors import BundleError
from earmark.files import cache_folder, replacing_folder
from earmark.hearing import bundle
from earmark.hearing.bundle import Config
from earmark.hearing.session import REFUSALS, RUNTIME, Session, open_and_save, open_optimised, open_session

KEPT: Final = 8
"""Number of entries that are kept: those that were used last."""

REVISION: Final = 1  # raised when `session` opens networks in another way, or an entry holds other files
NETWORK, ENTRY = "network.onnx", "entry.json"

logger = logging.getLogger(__name__)


def optimised_networks() -> Path:
    """The folder of the entries; it may be deleted at any time."""
    return cache_folder() / "networks"


def open_network(folder: Path, config: Config) -> Session:
    """Open the network of a bundle: by its entry, or by its own files, which are checked; then an entry is made.

    Raises:
        BundleError: network or weights of the bundle are damaged or missing, or ONNX Runtime cannot run them.
    """
    made_for = _made_for(folder, config)
    if session := _open_entry(made_for):
        return session
    bundle.require_intact(folder, config, bundle.NETWORK, bundle.WEIGHTS)
    try:
        return _make_entry(made_for, folder, config)
    except (BundleError, OSError) as error:
        # A user without a home, a folder that cannot be written, a full disk, a network that does not come out the
        # same: no entry then. If the bundle itself is at fault, this says so.
        logger.info("%s: its network is not kept as optimised: %s", folder, error)
        return open_session(folder / bundle.NETWORK)


def _entry(made_for: str) -> Path:
    return optimised_networks() / f"{zlib.crc32(made_for.encode()):08x}"


def _open_entry(made_for: str) -> Session | None:
    """Open an entry; None if there is none that can be read, or if it is damaged."""
    reason: object = "damaged"
    try:
        entry = _entry(made_for)
        found = json.loads((entry / ENTRY).read_bytes())
        if found == {"made_for": made_for, "crc32": {name: checksum(entry / name) for name in found["crc32"]}}:
            session = open_optimised(entry / NETWORK)
            with suppress(OSError):  # where nothing can be written, nothing is removed either
                os.utime(entry)
            return session
    except OSError as error:  # as a rule there is none
        logger.debug("no optimised network: %s", error)
        return None
    except (BundleError, LookupError, TypeError, ValueError) as error:
        reason = error
    logger.warning("%s: an optimised network is made anew: %s", entry, reason)
    return None


def _make_entry(made_for: str, folder: Path, config: Config) -> Session:
    """Open the network of a bundle that was checked, and make an entry of it.

    Raises:
        BundleError: ONNX Runtime cannot run it or write it, or the entry would give other answers.
        OSError: the entry cannot be written.
    """
    entry = _entry(made_for)
    with replacing_folder(entry) as fresh:
        # A name that no other entry has: a network cannot find the weights of one that takes its place meanwhile.
        session = open_and_save(folder / bundle.NETWORK, fresh / NETWORK, f"weights-{os.urandom(8).hex()}.bin")
        _require_same(session, open_optimised(fresh / NETWORK), config)
        checksums = {path.name: checksum(path) for path in fresh.iterdir()}
        (fresh / ENTRY).write_text(json.dumps({"made_for": made_for, "crc32": checksums}), encoding="utf-8")
    by_use = sorted(entry.parent.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
    for old in by_use[KEPT:]:  # what was left unfinished, too
        shutil.rmtree(old, ignore_errors=True)
    return session


def _made_for(folder: Path, config: Config) -> str:
    """All that decides whether an entry can stand for a bundle, as JSON.

    Raises:
        BundleError: network or weights are missing.
    """
    files: list[Any] = []
    for name in (bundle.NETWORK, bundle.WEIGHTS):
        try:
            status = (folder / name).stat()
        except FileNotFoundError:
            raise BundleError(f"{folder / name}: missing") from None
        files.append([config.sha256[name], status.st_size, status.st_mtime_ns, status.st_ino])
    return json.dumps([REVISION, files, RUNTIME, processor()])


def processor() -> list[Any]:
    """The kind of processor, as far as layouts depend on it: the instructions that it has."""
    found = [platform.machine(), np.show_config(mode="dicts").get("SIMD Extensions")]
    described = Path("/proc/cpuinfo")  # of Linux; macOS names its chips in the version of the system
    if not described.exists():
        return [*found, platform.version(), os.environ.get("PROCESSOR_IDENTIFIER", "")]
    with described.open(encoding="utf-8", errors="replace") as lines:
        wanted = (line for line in lines if line.partition("\t")[0].strip() in ("flags", "Features", "isa", "cpu"))
        return [*found, next(wanted, "")]


def _require_same(direct: Session, kept: Session, config: Config) -> None:
    """Make sure that an entry gives the answers of the bundle.

    Raises:
        BundleError: it does not.
    """
    samples = np.arange(round(config.shortest * config.sample_rate), dtype=np.float32)
    inputs = {"waveform": np.sin(samples**2 / 1e5)[None]}  # (1, samples), a sweep
    try:
        one, other = (session.run(None, inputs) for session in (direct, kept))
    except (ValueError, *REFUSALS) as error:  # of a network that does not take waveforms: whoever opens it says so
        raise BundleError(f"{config.name}: {error}") from error
    if [output.tobytes() for output in one] != [output.tobytes() for output in other]:
        raise BundleError(f"{config.name}: its optimised network gives other answers")


def checksum(path: Path) -> int:
    """The CRC-32 of a file; quicker than a cryptographic digest, and nobody else writes here."""
    found, buffer = 0, memoryview(bytearray(1 << 18))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(buffer):
            found = zlib.crc32(buffer[:size], found)
    return found
