"""The server as a process: it ends at once, with one line where it cannot begin."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest

from earmark.errors import EarmarkError
from earmark.testing import click_train, write_wav
from earmark.web.alone import alone

RATE = 22_050


class Process:
    """A server in a process group of its own.

    Args:
        folder: for music and catalogue.
        model: hears.
    """

    def __init__(self, folder: Path, model: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-m", "earmark", "serve", str(folder), "--no-browser", "--port", str(self.port)]
        options = ["--catalogue", str(folder / "catalogue.db"), "--model", str(model)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.process = subprocess.Popen([*command, *options], **pipes, text=True, start_new_session=True)  # type: ignore[call-overload]

    def ask(self, address: str, body: object = None) -> bytes:
        """The answer to a request, from when on the server is there."""
        data = None if body is None else json.dumps(body).encode()
        for _ in range(600):
            try:
                asked = Request(f"http://127.0.0.1:{self.port}{address}", data, {"content-type": "application/json"})
                with urlopen(asked, timeout=120) as answer:  # noqa: S310  our own address
                    read: bytes = answer.read()
                    return read
            except HTTPError:
                raise
            except OSError:
                if self.process.poll() is not None:
                    raise
                time.sleep(0.1)
        raise AssertionError("the server does not answer")


@pytest.fixture
def process(tmp_path: Path, tiny: Path) -> Iterator[Process]:
    """Return a server whose one folder is empty yet."""
    started = Process(tmp_path, tiny)
    yield started
    if started.process.poll() is None:
        os.killpg(started.process.pid, signal.SIGKILL)
    started.process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another thing there")
def test_ctrl_c_ends_it_at_once_whatever_is_under_way(process: Process, tmp_path: Path) -> None:
    (tmp_path / "short").mkdir()
    sound = click_train(bpm=126, seconds=30.0, sample_rate=RATE)
    for number in range(40):
        write_wav(tmp_path / "short" / f"{number}.wav", sound[number:], RATE)
    write_wav(tmp_path / "hour.wav", np.tile(sound, 120), RATE)
    process.ask("/api/watch", {"folder": str(tmp_path / "short")})
    job = json.loads(process.ask("/api/scan", {"folder": str(tmp_path)}))
    codes: list[int] = []

    def hear() -> None:
        try:
            process.ask(f"/api/files/listen?path={tmp_path}/hour.wav")
        except HTTPError as error:
            codes.append(error.code)

    asking = [
        threading.Thread(target=hear),
        threading.Thread(target=process.ask, args=(f"/api/jobs/{job['id']}/events",)),
    ]
    for each in asking:
        each.start()
    time.sleep(1.5)
    began = time.monotonic()
    os.killpg(process.process.pid, signal.SIGINT)
    said, _ = process.process.communicate(timeout=60)
    took = time.monotonic() - began
    for each in asking:
        each.join(10)
    assert said == f"earmark: http://127.0.0.1:{process.port}   (Ctrl-C ends it)\n"
    assert codes in ([503], [500])  # 500: it was past the sound, and is cut off
    assert process.process.returncode == 130
    assert took < 10  # it hears for a minute otherwise; seconds are what a busy machine takes
    (noted,) = (json.loads(path.read_text())["state"] for path in (tmp_path / "catalogue.jobs").glob("*.json"))
    assert noted in ("queued", "running")  # the next server goes on with it


def test_scripts_are_asked_for_again_after_an_upgrade(process: Process) -> None:
    process.ask("/api/jobs")
    with urlopen(f"http://127.0.0.1:{process.port}/static/ask.js", timeout=60) as answer:
        assert answer.headers["cache-control"] == "public, max-age=0"
        assert answer.headers["etag"]


def test_a_second_server_of_a_catalogue_is_refused(process: Process, tmp_path: Path, tiny: Path) -> None:
    process.ask("/api/jobs")
    second = Process(tmp_path, tiny)
    said, _ = second.process.communicate(timeout=60)
    assert second.process.returncode == 1
    assert said.splitlines()[-1].endswith("another `earmark serve` has this catalogue; --catalogue names another one")


def test_a_catalogue_is_free_again(tmp_path: Path) -> None:
    catalogue = tmp_path / "new" / "catalogue.db"
    for _ in range(2):
        with alone(catalogue), pytest.raises(EarmarkError, match="another `earmark serve`"), alone(catalogue):
            pass
    (tmp_path / "file").write_text("")
    with pytest.raises(EarmarkError, match="cannot be written"), alone(tmp_path / "file" / "catalogue.db"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another thing there")
def test_decoded_tracks_go_with_the_server_and_those_of_a_killed_one_with_the_next(tmp_path: Path, tiny: Path) -> None:
    write_wav(tmp_path / "a.wav", click_train(bpm=126, seconds=5.0, sample_rate=RATE), RATE)
    decoded = tmp_path / "catalogue.decoded"
    first = Process(tmp_path, tiny)
    job = json.loads(first.ask("/api/scan", {"folder": str(tmp_path)}))
    while json.loads(first.ask(f"/api/jobs/{job['id']}"))["state"] != "done":
        time.sleep(0.1)
    assert first.ask("/api/tracks/1/decoded").startswith(b"RIFF")
    assert (decoded / "1.wav").is_file()
    os.killpg(first.process.pid, signal.SIGKILL)
    first.process.communicate()
    assert (decoded / "1.wav").is_file()
    second = Process(tmp_path, tiny)
    second.ask("/api/jobs")
    assert not decoded.exists()
    assert second.ask("/api/tracks/1/decoded").startswith(b"RIFF")
    assert [path.name for path in decoded.iterdir()] == ["1.wav"]
    second.process.send_signal(signal.SIGINT)
    second.process.communicate(timeout=20)
    assert not decoded.exists()
