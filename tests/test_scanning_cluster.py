"""Scans on a cluster: the same rows as on one machine, none lost and none twice, whatever is killed."""

import importlib
import logging
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from earmark.analysis import Analysis
from earmark.errors import CatalogueError, MissingExtra, TagError, UnreadableAudio
from earmark.library import tags
from earmark.library.scanning import cluster
from earmark.library.scanning.cluster import ActorTask, GroupResult, Stored
from earmark.library.track import Tags
from earmark.testing import actors, tone, write_wav
from earmark.timeline import Timeline


class Listen:
    """Hears the level of a file; slowly, so that something can be killed in between."""

    def __init__(self, folder: str, seconds: float) -> None:
        self.wait = partial(time.sleep, seconds)
        Path(folder, f"opened-{os.getpid()}").touch()

    def __call__(self, path: Path) -> Analysis:
        self.wait()
        if path.name.startswith("crash"):
            os._exit(9)
        if path.name.startswith("bad"):
            raise UnreadableAudio(path, "it is bad")
        level = float(path.name[:3]) / 100
        timeline = Timeline(("Loud", "Quiet"), np.array([0.0]), 1.0, np.array([[level, 1 - level]], np.float32))
        return Analysis(path, 1.0, timeline, {"Loud": "Any", "Quiet": "Any"}, False, np.ones(2, np.float32), "tiny")


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    (folder / "deep").mkdir(parents=True)
    for number in range(24):
        write_wav(folder / ("deep" if number % 3 else ".") / f"{number:03d}.wav", tone(200 + number, 0.1, 8000), 8000)
    (folder / "bad.mp3").write_bytes(b"nothing")  # no tags can be read from it, and nothing can be heard
    (folder / "notes.txt").write_text("no audio")
    (folder / ".hidden.wav").write_bytes(b"")
    return folder


def task(tmp_path: Path, seconds: float = 0.0) -> ActorTask:
    (tmp_path / "opened").mkdir(exist_ok=True)
    return ActorTask(partial(Listen, str(tmp_path / "opened"), seconds), tags.read)


def rows_of(out: Path) -> list[dict[str, Any]]:
    parts = sorted(out.glob("part-*.parquet"))
    return sorted((row for part in parts for row in pq.read_table(part).to_pylist()), key=lambda row: row["path"])


def on_one_machine(music: Path, out: Path, work: ActorTask) -> list[dict[str, Any]]:
    """The rows, group by group, without a cluster."""
    actor = cluster.Actor(str(music), str(out), work)
    for stored in cluster.survey(str(music)):
        actor({"files": [vars(stored)]})
    return rows_of(out)


def test_files_are_found_in_any_depth_and_only_audio(music: Path) -> None:
    found = [Path(each.path).name for each in cluster.survey(str(music))]
    assert len(found) == 25
    assert {"bad.mp3", "000.wav", "023.wav"} <= set(found)
    assert found == [Path(each.path).name for each in cluster.survey(music.as_uri())]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="none"):
        cluster.survey(str(tmp_path / "none"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CatalogueError, match="no audio file"):
        cluster.survey(str(tmp_path / "empty"))
    with pytest.raises(CatalogueError, match="nothing://"):
        cluster.storage("nothing://here")


def test_files_keep_the_scheme_of_their_storage() -> None:
    stored = Stored("bucket/a b.mp3", 1, 2)
    assert cluster.name_of("s3://bucket", stored) == "s3://bucket/a b.mp3"
    assert cluster.name_of("file:///music", Stored("/music/a.mp3", 1, 2)) == "/music/a.mp3"
    assert cluster.name_of("/music", Stored("/music/a.mp3", 1, 2)) == "/music/a.mp3"


def test_a_group_is_known_by_its_files() -> None:
    one, other = Stored("/a.mp3", 1, 2), Stored("/a.mp3", 1, 3)
    assert cluster.name_of_group("/", [one]) == cluster.name_of_group("/", [one])
    assert len({cluster.name_of_group("/", files) for files in ([one], [other], [one, other])}) == 3


def test_rows_say_what_was_heard_and_what_was_not(music: Path, tmp_path: Path) -> None:
    rows = on_one_machine(music, tmp_path / "out", task(tmp_path))
    assert len(rows) == 25
    by_name = {Path(row["path"]).name: row for row in rows}
    assert by_name["bad.mp3"]["error"] == "it is bad"
    assert by_name["bad.mp3"]["style"] is None
    assert by_name["020.wav"]["style"] == "Quiet"
    assert by_name["020.wav"]["probability"] == pytest.approx(0.8)
    assert by_name["020.wav"]["size"] == (music / "deep" / "020.wav").stat().st_size
    assert by_name["020.wav"]["embedding"] == [1.0, 1.0]
    assert cluster.written(str(tmp_path / "out")) == {(row["path"], row["size"], row["modified"]) for row in rows}


def test_a_file_whose_tags_cannot_be_read_is_heard(tmp_path: Path) -> None:
    write_wav(tmp_path / "020.wav", tone(200, 0.1, 8000), 8000)

    def read_tags(path: Path) -> Tags:
        raise TagError(path, "damaged on purpose")

    work = ActorTask(task(tmp_path).open_listen, read_tags)
    (row,) = on_one_machine(tmp_path, tmp_path / "out", work)
    assert (row["error"], row["style"]) == ("its tags cannot be read: damaged on purpose", "Quiet")


def test_a_group_that_is_heard_twice_has_its_rows_once(music: Path, tmp_path: Path) -> None:
    work = task(tmp_path)
    assert on_one_machine(music, tmp_path / "out", work) == on_one_machine(music, tmp_path / "out", work)
    assert len(list((tmp_path / "out").iterdir())) == 25


def test_a_file_that_kills_the_decoder_is_a_row(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for name in ("010.wav", "crash.wav", "020.wav"):
        write_wav(music / name, tone(200, 0.1, 8000), 8000)
    actor = cluster.Actor(str(music), str(tmp_path / "out"), task(tmp_path))
    files = cluster.survey(str(music))
    # As an actor leaves it that has died over this group.
    (tmp_path / "out" / f"{cluster.BEGUN}{cluster.name_of_group(str(music), files)}").touch()
    assert actor({"files": [vars(each) for each in files]}) == {"files": 3, "failed": 1}
    assert [row["error"] for row in rows_of(tmp_path / "out")] == ["", "", "the decoder crashed over it"]
    assert not list((tmp_path / "out").glob(".*"))


def test_what_is_not_on_this_machine_is_fetched_first(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from an object store; a file that cannot be fetched is a row like any other bad file."""
    store = fs.SubTreeFileSystem(str(music), fs.LocalFileSystem())
    true_storage = cluster.storage
    monkeypatch.setattr(cluster, "storage", lambda uri: (store, "") if uri == "store://music" else true_storage(uri))
    work = task(tmp_path)
    heard: list[Path] = []

    def read_tags(path: Path) -> Tags:
        heard.append(path)
        return tags.read(path)

    actor = cluster.Actor("store://music", str(tmp_path / "out"), ActorTask(work.open_listen, read_tags))
    files = [Stored("000.wav", 1, 2), Stored("deep/020.wav", 3, 4), Stored("gone.wav", 5, 6)]
    assert actor({"files": [vars(each) for each in files]}) == {"files": 3, "failed": 1}
    first, second, gone = rows_of(tmp_path / "out")
    assert (first["path"], first["size"], first["modified"], first["style"]) == ("store://000.wav", 1, 2, "Quiet")
    assert (second["path"], second["probability"]) == ("store://deep/020.wav", pytest.approx(0.8))
    assert (gone["path"], gone["style"]) == ("store://gone.wav", None)
    assert gone["error"] == "there is no such file"
    assert [path.name for path in heard] == ["000.wav", "020.wav"]
    assert not any(path.is_relative_to(music) or path.exists() for path in heard)  # copies, which are gone again


# A pool of actors, with or without Ray


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for Ray by actors in processes of their own."""
    for name, module in actors.modules().items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.usefixtures("pool")
def test_an_interrupted_scan_goes_on_by_what_is_written(music: Path, tmp_path: Path) -> None:
    expected = on_one_machine(music, tmp_path / "alone", task(tmp_path))
    out = tmp_path / "out"
    running = cluster.scan(str(music), str(out), task(tmp_path), address="local", group=4)
    assert next(running) == (25, GroupResult(4, 0))  # the first names are those of the folder on top, sorted
    running.close()
    begun = rows_of(out)
    assert [row for row in expected if row["path"] in {each["path"] for each in begun}] == begun
    assert len(begun) in (4, 8)  # the group that was under way may have been finished
    rest = list(cluster.scan(str(music), str(out), task(tmp_path), address="local", group=4))
    assert {total for total, _ in rest} == {25 - len(begun)}
    assert sum(group.files for _, group in rest) == 25 - len(begun)
    assert sum(group.failed for _, group in rest) == 1
    assert rows_of(out) == expected
    assert not list(cluster.scan(str(music), str(out), task(tmp_path), address="local"))  # all is written
    write_wav(music / "024.wav", tone(300, 0.1, 8000), 8000)
    assert list(cluster.scan(str(music), str(out), task(tmp_path), address="local")) == [(1, GroupResult(1, 0))]
    assert len(rows_of(out)) == 26


@pytest.mark.usefixtures("pool")
def test_an_actor_that_is_killed_costs_no_row(music: Path, tmp_path: Path) -> None:
    expected = on_one_machine(music, tmp_path / "alone", task(tmp_path))
    (opened,) = (tmp_path / "opened").iterdir()  # by this process
    out = tmp_path / "out"
    killed: list[int] = []
    for _ in cluster.scan(str(music), str(out), task(tmp_path, 0.05), address="local", group=8):
        if not killed:
            (actor,) = set((tmp_path / "opened").iterdir()) - {opened}
            killed.append(int(actor.name.partition("-")[2]))
            os.kill(killed[0], signal.SIGKILL)
    assert rows_of(out) == expected
    assert max(Counter(row["path"] for row in rows_of(out)).values()) == 1


@pytest.mark.usefixtures("pool")
def test_a_file_that_kills_its_actor_is_a_row_and_the_scan_goes_on(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for name in ("010.wav", "crash.wav", "020.wav", "030.wav"):
        write_wav(music / name, tone(200, 0.1, 8000), 8000)
    out = tmp_path / "out"
    found = list(cluster.scan(str(music), str(out), task(tmp_path), address="local", group=2))
    assert found == [(4, GroupResult(2, 0)), (4, GroupResult(2, 1))]
    assert {Path(row["path"]).name: row["error"] for row in rows_of(out)} == {
        "010.wav": "",
        "020.wav": "",
        "030.wav": "",
        "crash.wav": "the decoder crashed over it",
    }
    assert not list(out.glob(".*"))


def test_without_ray_a_scan_says_what_to_install(music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"scanning on a cluster needs more .*earmark\[cluster\]"):
        next(cluster.scan(str(music), str(tmp_path / "out"), task(tmp_path), address="local"))


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cluster of two nodes on this machine."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'earmark[cluster]'")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # where its workers find `Listen`
    made = importlib.import_module("ray.cluster_utils").Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 80_000_000}
    )
    second = made.add_node(num_cpus=2, object_store_memory=80_000_000)
    ray.init(address=made.address, log_to_driver=False, logging_level=logging.ERROR)
    yield made, second
    ray.shutdown()
    made.shutdown()


@pytest.mark.slow
def test_a_node_that_is_killed_costs_no_row(music: Path, tmp_path: Path, nodes: Any) -> None:  # noqa: ANN401
    made, second = nodes
    expected = on_one_machine(music, tmp_path / "alone", task(tmp_path))
    out = tmp_path / "out"
    done = 0
    for total, group in cluster.scan(str(music), str(out), task(tmp_path, 0.4), address=made.address, group=2):
        assert total == 25
        if done == 0:
            made.remove_node(second, allow_graceful=False)
        done += group.files
    found = rows_of(out)
    assert max(Counter(row["path"] for row in found).values()) == 1
    assert found == expected
    assert done == 25
    assert not list(cluster.scan(str(music), str(out), task(tmp_path), address=made.address))  # all is written
    write_wav(music / "024.wav", tone(300, 0.1, 8000), 8000)
    assert [each.files for _, each in cluster.scan(str(music), str(out), task(tmp_path), address=made.address)] == [1]
    assert len(rows_of(out)) == 26
