"""The REST API answers what the command line prints, field by field."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_web_api import Server  # type: ignore[import-not-found]  # it stands beside this file

from earmark.cli import main
from earmark.library import Catalogue
from earmark.library.track import Tags
from earmark.testing import click_train, write_wav
from earmark.testing.tracks import heard_track, steady

Printed = Callable[..., str]


@pytest.fixture
def server(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Return a server whose three files are in its library, and twelve more tracks that are no files."""
    monkeypatch.setenv("EARMARK_JOURNAL", str(tmp_path / "journal"))
    monkeypatch.setenv("EARMARK_CATALOGUE", str(tmp_path / "catalogue.db"))
    monkeypatch.setenv("EARMARK_MODELS", str(tiny.parent))
    monkeypatch.setattr("earmark.app.taste.data_folder", lambda: tmp_path)
    made = Server(tmp_path, tiny)
    yield made
    made.close()


@pytest.fixture
def crate(server: Server) -> Server:
    """Return a server with twelve tracks of two styles by twelve artists."""
    with Catalogue(server.site.catalogue) as opened:
        for number in range(12):
            style = ("Trance", "Techno / Tech House")[number % 2]
            tags = Tags(title=f"title {number}", artist=f"artist {number}")
            near = (float(number % 2), 1.0, number / 12)
            path = server.music / f"track {number}.mp3"
            rhythm = steady(128.0 + number / 4, 0.1, 300)
            opened.keep(heard_track(path, {style: 0.9}, tags=tags, rhythm=rhythm, embedding=near))
    return server


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Printed:
    """Return what runs the command in this process and returns what it printed."""

    def run(*arguments: str | Path) -> str:
        monkeypatch.setattr(sys, "argv", ["earmark", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = map(os.fsdecode, capfdbinary.readouterr())
        assert not ended.value.code, err
        return out

    return run


def _without(found: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name not in names} for each in found]


def test_listen(server: Server, printed: Printed, tiny: Path) -> None:
    path = server.music / "1.wav"
    (said,) = json.loads(printed("listen", path, "--json", "--detail", "--top", "2", "--model", tiny))
    with path.open("rb") as file:
        sent = server.client.post("/api/listen?detail=true&top=2", files={"file": (str(path), file)}).json()
    there = server.client.get("/api/files/listen", params={"path": str(path), "detail": True, "top": 2}).json()
    for found in (sent, there):
        assert _without([found], "headline", "track") == [said]


def test_find(crate: Server, printed: Printed) -> None:
    said = json.loads(printed("find", "artist", "--style", "Trance", "--bpm", "128-130", "--json"))
    found = crate.client.get("/api/tracks?words=artist&style=Trance&bpm=128-130").json()
    assert len(said) > 2
    assert found == {"count": len(said), "tracks": said}
    for word, expected in (("sure", 12), ("likely", 0)):
        said = json.loads(printed("find", "--confidence", word, "--json"))
        assert len(said) == expected
        assert crate.client.get(f"/api/tracks?confidence={word}").json() == {"count": expected, "tracks": said}


def test_similar(crate: Server, printed: Printed) -> None:
    said = json.loads(printed("similar", "title 0", "--json", "--limit", "4"))
    assert len(said) == 4
    (seed,) = crate.client.get("/api/tracks?words=title+0").json()["tracks"]
    assert crate.client.get(f"/api/tracks/{seed['id']}/similar?limit=4").json() == said


def test_recommend(crate: Server, printed: Printed, tmp_path: Path) -> None:
    pytest.importorskip("implicit")
    for name, first in (("one", 0), ("two", 1)):
        lines = [str(crate.music / f"track {number}.mp3") for number in range(first, 12, 2)]
        (tmp_path / f"{name}.m3u8").write_text("\n".join(["#EXTM3U", *lines[:5]]) + "\n")
    printed("learn-taste", tmp_path / "one.m3u8", tmp_path / "two.m3u8")
    said = json.loads(printed("recommend", "--json", "--limit", "2"))
    assert len(said) == 2
    assert crate.client.get("/api/recommend?limit=2").json() == said


def test_set(crate: Server, printed: Printed) -> None:
    said = json.loads(printed("set", "--from", "Techno / Tech House", "--to", "Trance", "--tracks", "5", "--json"))
    body = {"start": "Techno / Tech House", "goal": "Trance", "tracks": 5}
    found = crate.client.post("/api/set", json=body).json()
    ids = [step.pop("id") for step in found["tracks"]]
    assert found == said
    assert len(ids) == 5


def test_audit(crate: Server, printed: Printed) -> None:
    said = json.loads(printed("audit", "--json", "--no-duplicates"))
    done = crate.job(crate.client.post("/api/audit", json={"duplicates": False}))
    for group in (*done["result"].get("disagreements", ()), *done["result"].get("duplicates", ())):
        group.pop("tracks")
    assert done["result"] == said


def test_mix(server: Server, printed: Printed, tmp_path: Path) -> None:
    pytest.importorskip("python_stretch")
    for number in range(2):
        sound = click_train(bpm=124, seconds=30.0, sample_rate=22_050)
        write_wav(server.music / f"long {number}.wav", sound, 22_050)
    server.job(server.client.post("/api/scan", json={"folder": str(server.music)}))
    tracks = server.client.get("/api/tracks?words=long").json()["tracks"]
    printed("mix", *(track["path"] for track in tracks), tmp_path / "mix.flac")
    done = server.job(
        server.client.post("/api/mix", json={"tracks": [each["id"] for each in tracks], "format": "flac"})
    )
    sound_name, *_, decisions = done["result"]["files"]
    assert server.client.get(f"/api/mixes/{sound_name}").content == (tmp_path / "mix.flac").read_bytes()
    said = json.loads((tmp_path / "mix.json").read_text())
    assert server.client.get(f"/api/mixes/{decisions}").json() == {**said, "file": sound_name}


def test_tag_and_undo(server: Server, printed: Printed) -> None:
    """The command has no JSON for these; the files say whether it is the same."""

    def contents() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(server.music.iterdir())}

    server.job(server.client.post("/api/scan", json={"folder": str(server.music)}))
    before = contents()
    tracks = [track["id"] for track in server.client.get("/api/tracks").json()["tracks"]]
    server.job(server.client.post("/api/tag", json={"tracks": tracks, "write": True, "min_confidence": 0.0}))
    by_api = contents()
    assert by_api != before
    server.job(server.client.post("/api/undo", json={}))
    assert contents() == before
    printed("tag", server.music, "--write", "--min-confidence", "0")
    by_command = contents()
    assert by_command == by_api
    printed("tag", "--undo")
    assert contents() == before
