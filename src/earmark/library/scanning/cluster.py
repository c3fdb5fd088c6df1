"""A scan too big for one machine: on a Ray cluster, from any storage, into Parquet.

    URI -> list of files -> groups -> actors: fetch, hear, read tags -> OUT/part-<group>.parquet

* A *group* is a fixed list of files, named by a hash of it, and becomes one file of rows, which appears whole. So what
  is written is done: an interrupted scan goes on by what is there, and a group that is heard twice, because a machine
  was lost, replaces its own rows and never adds any.
* Each actor opens the model once. A group whose actor died is heard a second time in processes of their own, one for
  each file that is under way: a file over which a decoder crashes is a row like any other bad file.
* Storage is whatever pyarrow knows: a folder, `s3://`, `gs://`, `hdfs://`; files that are not local are fetched one by
  one.

The rows are those of `exports.tables`, errors included. Only this module knows Ray.
"""

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from earmark.audio import SUFFIXES
from earmark.errors import CatalogueError, FileError, MissingExtra, UnreadableAudio
from earmark.library.content import content_hash
from earmark.library.exports import tables
from earmark.library.scanning.examine import Listen, ReadTags, with_tags
from earmark.library.track import Track
from earmark.runner import run, run_all

if TYPE_CHECKING:
    import pyarrow.fs

GROUP: Final = 32  # files: some minutes of work, which is what a lost machine costs
PART: Final = "part-"
BEGUN: Final = ".begun-"


@dataclass(frozen=True)
class Stored:
    """A file in storage: its path there, its size, and when it changed (nanoseconds)."""

    path: str
    size: int
    modified: int


@dataclass(frozen=True)
class GroupResult:
    """A group that is written: how many files it has, and how many of them could not be heard."""

    files: int
    failed: int


@dataclass(frozen=True)
class ActorTask:
    """Work of an actor on a file on its own disk; it travels, so everything in it can be pickled."""

    open_listen: Callable[[], Listen]
    read_tags: ReadTags


def storage(uri: str) -> "tuple[pyarrow.fs.FileSystem, str]":
    """The file system of a URI or a local path, and the path in it.

    Raises:
        MissingExtra: pyarrow is not installed.
        CatalogueError: there is no such storage.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415  not in the base install
        from pyarrow import fs  # noqa: PLC0415  the same
    except ModuleNotFoundError:
        raise MissingExtra("scanning on a cluster", "cluster") from None
    try:
        if "://" in uri:
            found: tuple[fs.FileSystem, str] = fs.FileSystem.from_uri(uri)
            return found
        return fs.LocalFileSystem(), Path(uri).absolute().as_posix()
    except (pa.ArrowInvalid, OSError) as error:
        raise CatalogueError(f"{uri}: {error}") from error


def survey(uri: str) -> list[Stored]:
    """The audio files below a URI, in the order of their names.

    Raises:
        CatalogueError: there is no such folder, or no audio file in it.
    """
    from pyarrow import fs  # noqa: PLC0415  not in the base install

    system, root = storage(uri)
    try:
        infos = system.get_file_info(fs.FileSelector(root, recursive=True))
    except OSError as error:
        raise CatalogueError(f"{uri}: {error}") from error
    found = [
        Stored(info.path, info.size, info.mtime_ns or 0)
        for info in infos
        if info.is_file and PurePosixPath(info.path).suffix.lower() in SUFFIXES and not info.base_name.startswith(".")
    ]
    if not found:
        raise CatalogueError(f"{uri}: there is no audio file in this folder")
    return sorted(found, key=lambda each: each.path)


def written(out: str) -> set[tuple[str, int, int]]:
    """Path, size and time of change of each file of which there is a row."""
    import pyarrow.parquet as pq  # noqa: PLC0415  not in the base install

    known: set[tuple[str, int, int]] = set()
    system, root = storage(out)
    for part in _parts(system, root):
        columns = pq.read_table(part, columns=["path", "size", "modified"], filesystem=system).to_pydict()
        known |= set(zip(columns["path"], columns["size"], columns["modified"], strict=True))
    return known


def scan(
    uri: str,
    out: str,
    task: ActorTask,
    *,
    address: str,
    actors: int | None = None,
    group: int = GROUP,
) -> Generator[tuple[int, GroupResult], None, None]:
    """Hear all files below a URI that have no row yet.

    Args:
        uri: a local folder, or a URI that pyarrow knows.
        out: where the Parquet files go, the same.
        task: what is done with a file.
        address: of the Ray cluster; "local" starts one on this machine.
        actors: how many at most; as many as the cluster has processors, if not given.
        group: files in one Parquet file.

    Yields:
        How many files there are to hear, with each group that is written.

    Raises:
        MissingExtra: Ray is not installed.
        CatalogueError: there is no such storage, or no audio in it.
    """
    try:
        ray: Any = import_module("ray")  # not in the base install, and mostly untyped
        data: Any = import_module("ray.data")
    except ModuleNotFoundError:
        raise MissingExtra("scanning on a cluster", "cluster") from None
    known = written(out)
    missing = [each for each in survey(uri) if (name_of(uri, each), each.size, each.modified) not in known]
    if not missing:
        return
    groups = [missing[start : start + group] for start in range(0, len(missing), group)]
    if not ray.is_initialized():
        ray.init(address=None if address == "local" else address, log_to_driver=False, logging_level=logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # it tells of every run
    data.DataContext.get_current().enable_progress_bars = False
    most = min(actors or int(ray.cluster_resources().get("CPU", 1)), len(groups))
    items = [{"files": [vars(each) for each in files]} for files in groups]
    heard = data.from_items(items, override_num_blocks=len(groups)).map(
        Actor,
        fn_constructor_args=(uri, out, task),
        compute=data.ActorPoolStrategy(min_size=1, max_size=most),
        num_cpus=1,
    )
    for row in heard.iter_rows():
        yield len(missing), GroupResult(int(row["files"]), int(row["failed"]))


class Actor:
    """Hears groups of files; lives in a process of the cluster."""

    def __init__(self, uri: str, out: str, task: ActorTask) -> None:
        self.uri = uri
        self.source, _ = storage(uri)
        self.target, self.out = storage(out)
        self.target.create_dir(self.out, recursive=True)
        self.task = task
        self.examine = _Examine(task.open_listen(), task.read_tags)

    def __call__(self, row: dict[str, Any]) -> dict[str, int]:
        """Hear a group and write its rows."""
        files = [Stored(**each) for each in row["files"]]
        name = name_of_group(self.uri, files)
        begun = f"{self.out}/{BEGUN}{name}"
        again = self.target.get_file_info(begun).is_file
        self.target.open_output_stream(begun).close()
        with tempfile.TemporaryDirectory() as folder:
            local = [self._fetch(each, Path(folder, str(index))) for index, each in enumerate(files)]
            tracks = self._carefully(local) if again else [run(path, self.examine) for path in local]
        rows = [self._row(each, track) for each, track in zip(files, tracks, strict=True)]
        self._write(rows, name)
        self.target.delete_file(begun)
        return {"files": len(rows), "failed": sum(bool(each["error"]) and each["style"] is None for each in rows)}

    def _fetch(self, stored: Stored, folder: Path) -> Path:
        """The file itself if it is local, else a copy of the same name; none if it cannot be fetched."""
        if self.source.type_name == "local":
            return Path(stored.path)
        folder.mkdir()
        path = folder / PurePosixPath(stored.path).name
        try:
            with self.source.open_input_stream(stored.path) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target)
        except OSError:
            path.unlink(missing_ok=True)
        return path

    def _carefully(self, paths: Sequence[Path]) -> list[Track | FileError]:
        """The same in processes of their own, as an actor has died over these files."""
        return list(run_all(paths, self.task_of_process, 2))

    @property
    def task_of_process(self) -> "_Open":
        """Opens the model in a process."""
        return _Open(self.task)

    def _row(self, stored: Stored, outcome: Track | FileError) -> dict[str, Any]:
        path = Path(name_of(self.uri, stored))
        if isinstance(outcome, FileError):
            outcome = Track(path, stored.size, stored.modified, "", error=outcome.reason)
        track = replace(outcome, size=stored.size, modified=stored.modified)
        return tables.row(track) | tables.details(track) | {"path": name_of(self.uri, stored)}

    def _write(self, rows: Sequence[dict[str, Any]], name: str) -> None:
        import pyarrow as pa  # noqa: PLC0415  not in the base install
        import pyarrow.parquet as pq  # noqa: PLC0415  the same

        fresh = f"{self.out}/.{PART}{name}"
        schema = tables.schema()
        with self.target.open_output_stream(fresh) as file:
            pq.write_table(pa.Table.from_pylist(list(rows), schema), file)
        self.target.move(fresh, f"{self.out}/{PART}{name}.parquet")


@dataclass(frozen=True)
class _Examine:
    """The examination of a file for its row; size and time are those in the storage."""

    listen: Listen
    read_tags: ReadTags

    def __call__(self, path: Path) -> Track:
        track = with_tags(Track(path, 0, 0, content_hash(path)), self.read_tags)
        try:
            return replace(track, analysis=self.listen(path))
        except UnreadableAudio as error:
            return replace(track, error=error.reason)


@dataclass(frozen=True)
class _Open:
    task: ActorTask

    def __call__(self) -> _Examine:
        return _Examine(self.task.open_listen(), self.task.read_tags)


def name_of(uri: str, stored: Stored) -> str:
    """Name of a file in the rows: its path, with the scheme of the URI that it was found by."""
    scheme, separator, _ = uri.partition("://")
    return f"{scheme}://{stored.path}" if separator and scheme != "file" else stored.path


def name_of_group(uri: str, files: Sequence[Stored]) -> str:
    """The hash by which a group is known."""
    text = "\n".join(f"{name_of(uri, each)} {each.size} {each.modified}" for each in files)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _parts(system: "pyarrow.fs.FileSystem", root: str) -> list[str]:
    from pyarrow import fs  # noqa: PLC0415  not in the base install

    infos = system.get_file_info(fs.FileSelector(root, allow_not_found=True))
    return [info.path for info in infos if info.base_name.startswith(PART)]
