"""The REST API: the same answers as the command line, and clear refusals."""

import errno
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from earmark.app.listening import open_listener
from earmark.audio import Recording
from earmark.errors import BundleError, CatalogueError, EarmarkError
from earmark.hearing import Model
from earmark.library import Catalogue
from earmark.library.track import Tags
from earmark.runner import StoppedError
from earmark.testing import click_train, write_wav
from earmark.testing.tracks import heard_track, steady
from earmark.web import api
from earmark.web.booth import Booth
from earmark.web.decoded import Decoded
from earmark.web.ears import BusyError, Ears, Heard, LateError
from earmark.web.guard import Guard
from earmark.web.jobs import ACTIVE, Jobs
from earmark.web.names import legible
from earmark.web.pages.library import told
from earmark.web.pages.models import figures
from earmark.web.site import Site
from earmark.web.watching import Watched, Watches
from earmark.web.works import mixes_folder, works


class Server:
    """A server in this process, with a tiny model and a small library."""

    def __init__(self, folder: Path, model: Path, **limits: Any) -> None:  # noqa: ANN401  fields of `Site`
        music = folder / "music"
        music.mkdir()
        for number in range(3):
            write_wav(music / f"{number}.wav", click_train(bpm=120 + number, seconds=3.0, sample_rate=22_050), 22_050)
        self.music = music
        self.site = Site(folder / "catalogue.db", (music,), str(model), jobs=folder / "jobs", **limits)
        self.ears = Ears(lambda: self.site.model, self.site.waiting_limit, patience=self.site.patience)
        self.booth = Booth(self.site)
        self.jobs = Jobs(self.site.jobs, works(self.site))
        whole = FastAPI()
        self.watches = Watches(self.site)
        decoded = Decoded(folder / "decoded")
        self.api = api.application(self.site, self.ears, self.jobs, self.booth, self.watches, decoded)
        whole.mount("/api", self.api)
        whole.add_middleware(Guard, site=self.site)
        self.whole = whole
        self.client = TestClient(whole, base_url="http://localhost")

    def close(self) -> None:
        """End its threads."""
        self.watches.close()
        self.jobs.close()
        self.booth.close()
        self.ears.close()

    def job(self, answer: Any) -> dict[str, Any]:  # noqa: ANN401  a response
        """Wait for a job to end."""
        assert answer.status_code == 202, answer.text
        for _ in range(1200):
            job: dict[str, Any] = self.client.get(f"/api/jobs/{answer.json()['id']}").json()
            if job["state"] not in ("queued", "running"):
                return job
            time.sleep(0.05)
        raise AssertionError("the job does not end")


@pytest.fixture
def server(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Return a server whose journal is a temporary folder."""
    monkeypatch.setenv("EARMARK_JOURNAL", str(tmp_path / "journal"))
    made = Server(tmp_path, tiny)
    yield made
    made.close()


@pytest.fixture
def full(server: Server) -> Server:
    """Return a server with four tracks, of which one is missing and one could not be heard."""
    with Catalogue(server.site.catalogue) as opened:
        for name, shares, bpm in (("a", {"Trance": 0.9}, 138.0), ("b", {"Techno / Tech House": 0.6}, 130.0)):
            tags = Tags(title=f"<b>{name}</b>", artist="Artist & Co", genres=("Tag",))
            track = heard_track(server.music / f"{name}.wav", shares, tags=tags, rhythm=steady(bpm, 0.1, 300))
            opened.keep(track)
        gone = opened.keep(heard_track(server.music / "gone.wav", {"Trap": 0.8}))
        opened.mark([gone.id], missing=True)
    return server


def test_a_file_that_is_sent_is_heard_as_on_the_command_line(server: Server, tiny: Path) -> None:
    path = server.music / "1.wav"
    answer = server.client.post("/api/listen?detail=true&top=2", files={"file": ("<i>x</i>.wav", path.read_bytes())})
    assert answer.status_code == 200
    expected = open_listener(str(tiny))(path)
    found = answer.json()
    assert found.pop("headline") == str(expected.answer())
    assert found.pop("track") is None
    assert found == {**json.loads(json.dumps(expected.as_json(top=2, detail=True))), "path": "<i>x</i>.wav"}


def test_nothing_of_an_upload_is_kept(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(uploads))
    for content in ((server.music / "1.wav").read_bytes(), b"no music"):
        server.client.post("/api/listen", files={"file": ("x.wav", content)})
    assert list(uploads.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_an_upload_lies_on_the_disk_once_while_it_is_heard(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unnamed() -> int:
        opened = [str(handle.resolve()) for handle in Path("/proc/self/fd").iterdir()]
        return sum(path.startswith(str(tmp_path)) and path.endswith("(deleted)") for path in opened)

    held: list[int] = []
    hear = Ears.heard

    def look(ears: Ears, path: Path, model: str = "") -> Heard:
        held.append(unnamed())
        return hear(ears, path, model)

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(Ears, "heard", look)
    write_wav(tmp_path / "long.wav", click_train(bpm=120, seconds=60.0, sample_rate=22_050), 22_050)
    answer = server.client.post("/api/listen", files={"file": ("x.wav", (tmp_path / "long.wav").read_bytes())})
    assert answer.status_code == 200
    assert held == [0]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd.wav", "..", "a/b/c.wav", "x" * 3000, "né\x00.wav"])
def test_the_name_of_an_upload_leads_nowhere(server: Server, name: str) -> None:
    answer = server.client.post("/api/listen", files={"file": (name, (server.music / "1.wav").read_bytes())})
    assert answer.status_code in (200, 422), answer.text


def test_a_name_that_no_file_can_have_is_text_in_the_answer_alone(server: Server) -> None:
    head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="x.m\x00p3"\r\n\r\n'
    content = head + (server.music / "1.wav").read_bytes() + b"\r\n--B--\r\n"
    kind = {"content-type": "multipart/form-data; boundary=B"}
    assert server.client.post("/api/listen", content=content, headers=kind).json()["path"] == "x.m\x00p3"


def test_pages_show_what_is_no_text_in_a_name_as_a_question_mark() -> None:
    found = {"paths": ["/m/caf\udce9.wav", "/m/日本 é.wav"], "tracks": [1, None], "share": 0.5}
    assert legible(found) == {**found, "paths": ["/m/caf?.wav", "/m/日本 é.wav"]}
    assert told(Watched("/m", 1, "caf\udce9.wav")).endswith("the last one caf?.wav")


@pytest.mark.skipif(sys.platform != "linux", reason="names are text there")
def test_a_file_whose_name_is_no_text_hides_no_other(server: Server) -> None:
    (server.music / "1.wav").rename(os.fsdecode(os.fsencode(server.music) + b"/caf\xe9.wav"))
    server.job(server.client.post("/api/scan", json={"folder": str(server.music)}))
    found = server.client.get("/api/tracks").json()["tracks"]
    assert [Path(track["path"]).name for track in found] == ["0.wav", "2.wav", "caf\udce9.wav"]
    assert server.client.get("/api/tracks/rows").json()["rows"][2]["name"] == "caf?.wav"  # as a page shows it
    assert len(server.client.post("/api/tag", json={"tracks": [1, 2, 3]}).json()["differences"]) == 3
    looked = server.client.get("/api/files", params={"folder": str(server.music)}).json()["files"]
    assert [each["name"] for each in looked] == ["0.wav", "2.wav"]  # what cannot be asked for is not offered


@pytest.mark.parametrize(
    ("name", "content", "address", "reason"),
    [
        ("map.npz", b"PK\x03\x04", "map", "this map is damaged; arrange it again"),
        ("map.npz", b"", "map", "this map is damaged; arrange it again"),
        ("corrections.csv", b"path,style,artist,title\n\xe9,,,\n", "corrections", "save it as CSV UTF-8"),
        ("corrections.csv", b"path,style,artist,title\n/a,b\n", "review", "/a,b: a line has 4 columns"),
        ("corrections.csv", b"", "corrections", "no table of corrections"),
        ("b2b.json", b"{", "booth", "no log of a session"),
    ],
)
def test_a_damaged_file_beside_the_catalogue_is_named(
    full: Server, name: str, content: bytes, address: str, reason: str
) -> None:
    damaged = full.site.catalogue.with_name(f"catalogue.{name}")
    damaged.write_bytes(content)
    answer = full.client.get(f"/api/{address}")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"{damaged}: ")
    assert reason in answer.json()["detail"]


def test_damaged_notes_are_left_out(server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("model", "watched"):
        (tmp_path / f"catalogue.{name}.json").write_text("{")
    server.watches.resume()
    assert server.watches.all() == []
    assert server.site.choice.chosen == ""
    assert [line.partition(": ")[0] for line in caplog.messages] == [
        str(tmp_path / "catalogue.watched.json"),
        str(tmp_path / "catalogue.model.json"),
    ]


def test_corrections_from_several_pages_are_all_kept(full: Server) -> None:
    def say(number: int) -> int:
        return int(full.client.post("/api/corrections", json={"track": number, "style": "Trap"}).status_code)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(say, [1, 2, 3] * 5)) == [200] * 15
    assert len(full.client.get("/api/corrections").json()) == 3


def test_a_spreadsheet_may_save_the_corrections(full: Server) -> None:
    saved = full.site.catalogue.with_name("catalogue.corrections.csv")
    saved.write_bytes(b"\xef\xbb\xbfpath,style,artist,title\r\n/a,Trap,,\r\n")
    assert full.client.get("/api/corrections").json() == [{"path": "/a", "style": "Trap", "artist": "", "title": ""}]


def test_a_full_disk_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("earmark.files.write_text", full)
    answer = server.client.post("/api/watch", json={"folder": str(server.music)})
    assert (answer.status_code, answer.json()) == (507, {"detail": os.strerror(errno.ENOSPC)})


def test_a_fault_of_earmark_is_told_as_json(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earmark.web.watching.Watches.all", lambda _: 1 / 0)
    client = TestClient(server.whole, base_url="http://localhost", raise_server_exceptions=False)
    answer = client.get("/api/watch")
    assert answer.status_code == 500
    assert answer.json()["detail"].startswith("earmark itself failed over this")


def test_what_is_no_audio_says_so(server: Server) -> None:
    answer = server.client.post("/api/listen", files={"file": ("x.mp3", b"nothing" * 100)})
    assert answer.status_code == 415
    assert "not audio" in answer.json()["detail"]
    assert "upload" not in answer.text


def test_when_too_many_wait_the_next_is_refused_and_none_is_lost(tmp_path: Path, tiny: Path) -> None:
    server = Server(tmp_path, tiny, waiting_limit=3)
    content = (server.music / "1.wav").read_bytes()

    def send(_: int) -> int:
        return int(server.client.post("/api/listen", files={"file": ("x.wav", content)}).status_code)

    with ThreadPoolExecutor(50) as pool:
        codes = list(pool.map(send, range(50)))
    assert len(codes) == 50
    assert set(codes) <= {200, 429}
    assert codes.count(200) >= 3
    assert server.client.post("/api/listen", files={"file": ("x.wav", content)}).status_code == 200
    server.ears.close()


def test_a_place_in_the_waiting_room_is_given_back(tiny: Path, tmp_path: Path) -> None:
    ears = Ears(lambda: str(tiny), waiting=0, threads=1)
    missing = tmp_path / "none.wav"
    for _ in range(3):
        assert "no such file" in str(ears.hear(missing).result(10))
        time.sleep(0.05)
    import threading  # noqa: PLC0415  used here only

    go = threading.Event()
    ears.do(lambda: go.wait(10))
    with pytest.raises(BusyError, match="too many files wait"):
        ears.hear(missing)
    go.set()
    ears.close()


def test_an_answer_that_takes_too_long_is_given_up(tmp_path: Path, tiny: Path) -> None:
    server = Server(tmp_path, tiny, patience=0.0)
    answer = server.client.post("/api/listen", files={"file": ("x.wav", (server.music / "1.wav").read_bytes())})
    assert answer.status_code == 504
    server.ears.close()


def test_a_model_that_is_replaced_or_deleted_is_noticed(tmp_path: Path, tiny: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(tiny, own)
    ears = Ears(lambda: str(own), waiting=1)
    first = ears.model
    assert ears.model is first
    os.utime(own / "config.json", ns=(1, 1))
    assert ears.model is not first
    shutil.rmtree(own)
    with pytest.raises(BundleError, match="own"):
        _ = ears.model
    ears.close()


def test_a_file_is_given_up_when_nobody_waits_for_it(tmp_path: Path, tiny: Path) -> None:
    path = tmp_path / "x.wav"
    write_wav(path, click_train(bpm=120, seconds=3.0, sample_rate=22_050), 22_050)
    late = Ears(lambda: str(tiny), waiting=1, patience=-1.0)
    with pytest.raises(LateError, match="in time"):
        late.hear(path).result(10)
    late.close()
    stopped = Ears(lambda: str(tiny), waiting=1)
    stopped.stop()
    with pytest.raises(StoppedError, match="the server stops"):
        stopped.hear(path)
    with pytest.raises(StoppedError):  # under way
        stopped.heard(path)


def test_a_folder_of_the_library_is_scanned_and_no_other(server: Server) -> None:
    done = server.job(server.client.post("/api/scan", json={"folder": str(server.music)}))
    assert done["state"] == "done"
    assert done["result"]["heard"] == 3
    for folder in ("/etc", str(server.music / ".."), str(server.music.parent), "a\x00b"):
        assert server.client.post("/api/scan", json={"folder": folder}).status_code == 403


def test_a_folder_is_watched_until_that_is_ended_and_after_a_restart(server: Server) -> None:
    def watched() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = server.client.get("/api/watch").json()
        return found

    def until(found: int) -> dict[str, Any]:
        for _ in range(300):
            if watched()[0]["found"] >= found:
                return watched()[0]
            time.sleep(0.1)
        raise AssertionError(f"it found no {found} files: {watched()}")

    assert server.client.post("/api/watch", json={"folder": "/etc"}).status_code == 403
    assert server.client.post("/api/watch", json={"folder": str(server.music)}).json()["found"] == 0
    same = server.client.post("/api/watch", json={"folder": f"{server.music}/inner/.."})
    assert same.json()["folder"] == str(server.music)
    assert len(watched()) == 1
    assert server.client.post("/api/watch", json={"folder": f"{server.music}/none"}).status_code == 404
    until(3)
    write_wav(server.music / "late.wav", click_train(bpm=124, seconds=3.0, sample_rate=22_050), 22_050)
    assert until(4) == {"folder": str(server.music), "found": 4, "last": "late.wav", "problem": ""}
    assert server.client.get("/api/tracks?words=late").json()["count"] == 1
    server.watches.close()
    again = Watches(server.site)
    again.resume()
    assert [each.folder for each in again.all()] == [str(server.music)]
    again.end(server.music)
    third = Watches(server.site)
    third.resume()
    assert third.all() == []
    assert server.client.delete("/api/watch", params={"folder": str(server.music)}).json() == []


def test_a_folder_is_looked_through_and_its_files_are_heard_without_the_library(server: Server, tiny: Path) -> None:
    (server.music / "inner").mkdir()
    (server.music / "a text.txt").write_text("no music")
    top = server.client.get("/api/files").json()
    assert top["folders"] == [{"name": "music", "path": str(server.music)}]
    found = server.client.get("/api/files", params={"folder": str(server.music)}).json()
    assert [each["name"] for each in found["folders"]] == ["inner"]
    assert [each["name"] for each in found["files"]] == ["0.wav", "1.wav", "2.wav"]
    path = found["files"][1]["path"]
    answer = server.client.get("/api/files/listen", params={"path": path, "top": 2}).json()
    expected = open_listener(str(tiny))(Path(path))
    assert answer["headline"] == str(expected.answer())
    assert {name: answer[name] for name in ("path", "styles")} == {
        name: expected.as_json(top=2)[name] for name in ("path", "styles")
    }
    sound = server.client.get("/api/files/sound", params={"path": path}, headers={"range": "bytes=0-3"})
    assert sound.content == b"RIFF"
    assert server.client.get("/api/files/why", params={"path": path}).json()["style"] == answer["styles"][0]["style"]


@pytest.mark.parametrize("place", ["/etc", "{music}/..", "{music}/link", "{music}/../secret.wav", "music", "a\x00b"])
def test_nothing_outside_the_folders_is_seen_heard_or_played(server: Server, place: str) -> None:
    (server.music.parent / "secret.wav").write_bytes((server.music / "1.wav").read_bytes())
    (server.music / "link").symlink_to(server.music.parent / "secret.wav")
    name = place.format(music=server.music)
    assert server.client.get("/api/files", params={"folder": name}).status_code == 403
    for part in ("listen", "why", "similar", "sound"):
        assert server.client.get(f"/api/files/{part}", params={"path": name}).status_code == 403
    assert server.client.get("/api/files/sound", params={"path": str(server.music / "none.wav")}).status_code == 404


def test_events_tell_how_a_job_goes_on_and_end_with_it(server: Server) -> None:
    asked = server.client.post("/api/scan", json={"folder": str(server.music)}).json()
    with server.client.stream("GET", f"/api/jobs/{asked['id']}/events") as answer:
        told = [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line]
    assert told[-1]["state"] == "done"
    assert all(job["id"] == asked["id"] for job in told)


def test_tracks_are_found_under_all_conditions(full: Server) -> None:
    def names(query: str) -> list[str]:
        answer = full.client.get(f"/api/tracks?{query}")
        assert answer.status_code == 200, answer.text
        return [Path(track["path"]).name for track in answer.json()["tracks"]]

    assert names("") == ["a.wav", "b.wav"]
    assert names("style=trance") == ["a.wav"]
    assert names("bpm=129-131") == ["b.wav"]
    assert names("missing=true") == ["gone.wav"]
    assert names("words=artist&sort=bpm") == ["b.wav", "a.wav"]
    assert full.client.get("/api/tracks?style=polka").status_code == 422
    assert full.client.get("/api/tracks?bpm=fast").json()["detail"].startswith("the tempo is 'fast'")


def test_rows_come_from_any_place_on(full: Server) -> None:
    answer = full.client.get("/api/tracks/rows?start=1&limit=1").json()
    assert answer["count"] == 2
    (row,) = answer["rows"]
    assert (row["style"], row["bpm"], row["name"]) == ("Techno / Tech House", 130.0, "Artist & Co – <b>b</b>")
    backwards = full.client.get("/api/tracks/rows?sort=bpm&descending=true").json()
    assert [row["bpm"] for row in backwards["rows"]] == [138.0, 130.0]


def test_rows_are_filtered_by_the_confidence_in_the_style(full: Server) -> None:
    def names(query: str) -> list[str]:
        return [Path(row["path"]).name for row in full.client.get(f"/api/tracks/rows?{query}").json()["rows"]]

    assert names("confidence=sure") == ["a.wav"]  # Trance .9
    assert names("confidence=likely") == ["b.wav"]  # Techno .6
    assert names("confidence=unsure") == []
    assert names("confidence=sure&missing=true") == ["gone.wav"]
    assert names("confidence=sure&style=techno") == []
    assert full.client.get("/api/tracks/rows?confidence=certain").status_code == 422


def test_a_log_of_the_catalogue_that_vanishes_meanwhile_is_no_fault(
    full: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "exists", lambda _: True)  # it did a moment ago: who closes the catalogue deletes it
    assert full.client.get("/api/tracks/rows").json()["count"] == 2


def test_rows_show_what_was_scanned_meanwhile(full: Server) -> None:
    assert full.client.get("/api/tracks/rows").json()["count"] == 2
    with Catalogue(full.site.catalogue) as opened:
        opened.keep(heard_track(full.music / "c.wav"))
    assert full.client.get("/api/tracks/rows").json()["count"] == 3


def test_a_track_and_its_sound_and_its_outline(server: Server) -> None:
    server.job(server.client.post("/api/scan", json={"folder": str(server.music)}))
    (first, *_) = server.client.get("/api/tracks").json()["tracks"]
    number = first["id"]
    assert len(server.client.get(f"/api/tracks/{number}").json()["heard"]["styles"]) >= 2
    sound = server.client.get(f"/api/tracks/{number}/sound", headers={"range": "bytes=0-3"})
    assert (sound.status_code, sound.content) == (206, b"RIFF")
    drawn = server.client.get(f"/api/tracks/{number}/waveform").json()
    assert len(drawn["peaks"]) == 3 * drawn["bins"]
    Path(first["path"]).unlink()
    assert server.client.get(f"/api/tracks/{number}/sound").status_code == 404


def test_an_upload_that_is_in_the_library_is_known_and_compared(
    server: Server, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARMARK_MODELS", str(tiny.parent))  # a model is found again by its name
    server.job(server.client.post("/api/scan", json={"folder": str(server.music)}))
    (first, *others) = server.client.get("/api/tracks").json()["tracks"]
    sound = Path(first["path"]).read_bytes()
    assert server.client.post("/api/listen", files={"file": ("x.wav", sound)}).json()["track"] == first["id"]
    answer = server.client.post("/api/similar", files={"file": ("x.wav", sound)})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert {each["id"] for each in found} == {each["id"] for each in others}  # a copy of the seed is left out
    assert all("like" not in each for each in found)  # where the upload lay is nobody's business


def test_an_upload_is_decoded_and_heard_once_for_all_questions(
    server: Server, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARMARK_MODELS", str(tiny.parent))
    server.job(server.client.post("/api/scan", json={"folder": str(server.music)}))
    opened, decoded = Model.open, []
    models: list[str] = []
    blocks = Recording.blocks

    def counted(recording: Recording, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401  as `Recording.blocks`
        if "tap" in named and "upload" in recording.path.name:  # a listener's; copies are looked for in parts of it
            decoded.append(recording.path)
        return blocks(recording, *arguments, **named)

    monkeypatch.setattr(Recording, "blocks", counted)

    def noted(name: str) -> Model:
        models.append(name)
        return opened(name)

    monkeypatch.setattr(Model, "open", noted)
    sound = (server.music / "1.wav").read_bytes()
    server.client.post("/api/listen?waveform=true", files={"file": ("x.wav", sound)})
    server.client.post("/api/why", files={"file": ("x.wav", sound)})
    server.client.post("/api/similar", files={"file": ("x.wav", sound)})
    assert len(decoded) == 1
    assert models == [str(tiny)]


def test_reasons_are_told_for_an_upload_and_for_a_track(server: Server) -> None:
    server.job(server.client.post("/api/scan", json={"folder": str(server.music)}))
    (first, *_) = server.client.get("/api/tracks").json()["tracks"]
    of_track = server.client.get(f"/api/tracks/{first['id']}/why").json()
    of_upload = server.client.post("/api/why", files={"file": ("x.wav", Path(first["path"]).read_bytes())}).json()
    assert of_track == of_upload
    assert of_track["style"] == first["heard"]["styles"][0]["style"]
    assert len(of_track["stretches"]) == 10
    assert server.client.get(f"/api/tracks/{first['id']}/why?style=Polka").status_code == 422
    assert server.client.post("/api/why", files={"file": ("x.wav", b"no")}).status_code == 415


@pytest.fixture
def crate(server: Server) -> Server:
    """Return a server with twelve tracks of two styles by twelve artists."""
    with Catalogue(server.site.catalogue) as opened:
        for number in range(12):
            style = ("Trance", "Techno / Tech House")[number % 2]
            tags = Tags(title=f"title {number}", artist=f"artist {number}")
            near = (float(number % 2), 1.0, number / 12)
            rhythm = steady(128.0 + number / 4, 0.1, 300)
            path = server.music / f"track {number}.mp3"
            opened.keep(heard_track(path, {style: 0.9}, tags=tags, rhythm=rhythm, embedding=near))
    return server


def test_ten_turns_back_to_back_and_no_track_twice(crate: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earmark.app.back_to_back.BackToBack._sounds", lambda *_: ("drum machine",))
    monkeypatch.setattr("earmark.app.back_to_back.BackToBack._mix", lambda *_: None)
    state = crate.client.get("/api/booth").json()
    assert state["turns"] == []
    assert len(state["picks"]) == 4
    for turn in range(5):
        played = [each["track"]["id"] for each in state["turns"]]
        mine = next(number for number in range(1, 13) if number not in played)
        state = crate.client.post("/api/booth/human", json={"track": mine}).json()
        assert "with drum machine" in state["heard"]
        assert state["machine_is_next"]
        refused = crate.client.post("/api/booth/human", json={"track": mine})
        assert (refused.status_code, refused.json()["detail"]) == (422, "it is the machine's turn")
        wanted = state["picks"][turn % 2]["track"]["id"]
        state = crate.client.post("/api/booth/machine", json={"pick": turn % 2}).json()
        assert state["turns"][-1]["track"]["id"] == wanted
        assert state["turns"][-1]["reasons"]
    ids = [each["track"]["id"] for each in state["turns"]]
    assert len(ids) == len(set(ids)) == 10
    assert len(crate.client.post("/api/booth/back").json()["turns"]) == 9
    again = Booth(crate.site)  # after a restart
    assert len(again.state().result(10)["turns"]) == 9
    again.close()
    assert crate.client.post("/api/booth/new").json()["turns"] == []
    assert crate.client.get("/api/booth/transitions/0").status_code == 404


def test_a_booth_before_the_first_scan_says_what_to_do(tmp_path: Path) -> None:
    booth = Booth(Site(tmp_path / "not yet" / "catalogue.db"))
    with pytest.raises(CatalogueError, match="`earmark scan FOLDER` makes one"):
        booth.state().result(10)
    booth.close()


def test_a_model_is_chosen_and_the_one_before_comes_back(tmp_path: Path) -> None:
    site = Site.of(tmp_path / "catalogue.db")
    assert (site.model, site.choice.before) == ("house12", "")
    with pytest.raises(EarmarkError, match="no other model heard before"):
        site.choose("")
    with pytest.raises(BundleError, match="none"):
        site.choose("none")
    site.choose("emusic12")
    assert (site.model, site.choice.before) == ("emusic12", "house12")
    site.choose(site.choice.before)
    assert (site.model, site.choice.before) == ("house12", "emusic12")


def test_a_model_that_the_command_line_names_stays(server: Server, tiny: Path) -> None:
    refused = server.client.post("/api/model", json={"model": "emusic12"})
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith(f"the server was started with --model {tiny}")
    assert server.client.get("/api/model").json() == {"model": str(tiny), "before": ""}


def test_tracks_that_sound_alike(crate: Server) -> None:
    found = crate.client.get("/api/tracks/1/similar?limit=3").json()
    assert len(found) == 3
    assert all(each["heard"]["styles"][0]["style"] == "Trance" for each in found)
    assert found[0]["score"] >= found[1]["score"]
    assert crate.client.get("/api/tracks/99/similar").status_code == 422


def test_the_map_has_every_track(crate: Server) -> None:
    found = crate.client.get("/api/map").json()
    assert found["ids"] == list(range(1, 13))
    assert sorted(found["styles"]) == ["Techno / Tech House", "Trance"]
    with Catalogue(crate.site.catalogue) as opened:
        opened.keep(heard_track(crate.music / "late.mp3", {"Trap": 0.9}, embedding=(0.5, 1.0, 0.5)))
    assert crate.client.get("/api/map").json()["ids"] == list(range(1, 14))


def test_without_a_taste_nothing_is_recommended_and_why_is_said(
    crate: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earmark.app.taste.data_folder", lambda: tmp_path / "data")
    answer = crate.client.get("/api/recommend")
    assert answer.status_code == 422
    assert "learn-taste" in answer.json()["detail"]


def test_a_mix_is_a_job_with_four_files(server: Server) -> None:
    pytest.importorskip("python_stretch")
    for number in range(2):
        sound = click_train(bpm=124, seconds=30.0, sample_rate=22_050)
        write_wav(server.music / f"long {number}.wav", sound, 22_050)
    server.job(server.client.post("/api/scan", json={"folder": str(server.music)}))
    found = server.client.get("/api/tracks?words=long").json()["tracks"]
    body = {"tracks": [track["id"] for track in found], "format": "flac"}
    done = server.job(server.client.post("/api/mix", json=body))
    assert done["state"] == "done", done["error"]
    assert [name.rpartition(".")[2] for name in done["result"]["files"]] == ["flac", "cue", "svg", "json"]
    mixed, cue = (server.client.get(f"/api/mixes/{name}").content for name in done["result"]["files"][:2])
    assert mixed.startswith(b"fLaC")
    assert b"TRACK 02 AUDIO" in cue
    assert server.client.get("/api/mixes/..%2Fcatalogue.db").status_code == 404
    assert server.client.post("/api/mix", json={"tracks": [found[0]["id"]]}).status_code == 422
    (listed,) = server.client.get("/api/mixes").json()
    assert (listed["name"], listed["files"]) == (done["id"], done["result"]["files"])
    assert listed["tracks"] == ["long 0", "long 1"]
    assert listed["seconds"] == pytest.approx(60, abs=30)


def test_mixes_are_listed_and_deleted_and_nothing_else_is(server: Server) -> None:
    assert server.client.get("/api/mixes").json() == []
    folder = mixes_folder(server.site)
    folder.mkdir()
    decisions = {"seconds": 61.5, "tracks": [{"artist": "A", "title": "<b>", "path": "a.wav"}] * 2}
    for number, name in enumerate(("one.mp3", "one.cue", "one.svg", "one.json", "two.flac")):
        (folder / name).write_text(json.dumps(decisions), encoding="utf-8")
        os.utime(folder / name, (1000 + number, 1000 + number))
    size = len(json.dumps(decisions))
    two = {"name": "two", "files": ["two.flac"], "bytes": size, "made": 1004.0, "seconds": None, "tracks": []}
    one = {"name": "one", "files": ["one.mp3", "one.cue", "one.svg", "one.json"], "bytes": 4 * size, "made": 1003.0}
    assert server.client.get("/api/mixes").json() == [two, {**one, "seconds": 61.5, "tracks": ["A – <b>"] * 2}]
    (server.site.catalogue.parent / "kept.mp3").write_bytes(b"kept")
    for name in ("..%2Fkept", "../kept", "..", ".", "*", "one.mp3", "three"):
        assert server.client.delete(f"/api/mixes/{name}").status_code in (404, 405), name
    foreign = {"origin": "http://evil.example"}
    assert server.client.delete("/api/mixes/one", headers=foreign).status_code == 403
    assert len(list(folder.iterdir())) == 5
    assert server.client.delete("/api/mixes/one").json() == [two]
    assert [path.name for path in folder.iterdir()] == ["two.flac"]
    assert (server.site.catalogue.parent / "kept.mp3").read_bytes() == b"kept"


def test_a_mix_that_is_being_rendered_is_not_deleted(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    monkeypatch.setitem(server.jobs.works, "mix", lambda _, __: go.wait(10) and {"files": []})
    job = server.jobs.ask("mix", {"tracks": []})
    folder = mixes_folder(server.site)
    folder.mkdir()
    (folder / f"{job.id}.mp3").write_bytes(b"sound")
    assert server.client.get("/api/mixes").json() == []
    assert server.client.delete(f"/api/mixes/{job.id}").status_code == 404
    go.set()
    _end(server.jobs, job.id)
    assert server.client.delete(f"/api/mixes/{job.id}").json() == []
    assert list(folder.iterdir()) == []


def test_a_set_from_a_style_to_a_track(crate: Server) -> None:
    body = {"start": "Techno / Tech House", "goal": 1, "tracks": 5}
    found = crate.client.post("/api/set", json=body).json()
    assert len(found["tracks"]) == 5
    assert found["tracks"][-1]["path"].endswith("track 0.mp3")
    refused = crate.client.post("/api/set", json={"start": "/etc/passwd", "tracks": 3})
    assert refused.status_code == 422
    assert "no style of this catalogue" in refused.json()["detail"]


@pytest.mark.parametrize(("form", "beginning"), [("m3u8", b"#EXTM3U"), ("rekordbox", b"<?xml"), ("csv", b"")])
def test_tracks_are_exported_in_their_order(crate: Server, form: str, beginning: bytes) -> None:
    answer = crate.client.post("/api/export", json={"format": form, "tracks": [3, 1], "name": "two"})
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(beginning)
    assert answer.content.index(b"track%202" if form == "rekordbox" else b"track 2") < answer.content.index(
        b"track%200" if form == "rekordbox" else b"track 0"
    )


@pytest.mark.parametrize("number", ["0", "-1", "99", str(2**70), "abc"])
def test_a_track_that_there_is_not(full: Server, number: str) -> None:
    assert full.client.get(f"/api/tracks/{number}").status_code in (404, 422)


def test_without_a_catalogue_the_answer_says_so(server: Server) -> None:
    answer = server.client.get("/api/tracks")
    assert answer.status_code == 404
    assert "catalogue" in answer.json()["detail"]


def test_a_catalogue_that_cannot_be_read_is_another_answer_than_none(server: Server) -> None:
    server.site.catalogue.write_bytes(b"no catalogue" * 100)
    answer = server.client.get("/api/tracks")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"{server.site.catalogue}: ")


def test_tags_are_shown_written_and_undone(server: Server) -> None:
    server.job(server.client.post("/api/scan", json={"folder": str(server.music)}))
    tracks = [track["id"] for track in server.client.get("/api/tracks").json()["tracks"]]
    before = {path.name: path.read_bytes() for path in server.music.iterdir()}
    body = {"tracks": tracks, "min_confidence": 0.0}
    shown = server.client.post("/api/tag", json=body).json()["differences"]
    assert all(each["changes"] for each in shown)
    assert {path.name: path.read_bytes() for path in server.music.iterdir()} == before
    written = server.job(server.client.post("/api/tag", json={**body, "write": True}))
    assert written["result"]["changed"] == 3
    assert all(path.read_bytes() != before[path.name] for path in server.music.iterdir())
    assert [run["name"] for run in server.client.get("/api/runs").json()] == [written["result"]["run"]]
    undone = server.job(server.client.post("/api/undo", json={"run": written["result"]["run"]}))
    assert undone["result"] == {"restored": 3, "refused": 0}
    assert {path.name: path.read_bytes() for path in server.music.iterdir()} == before


def test_undoing_is_stopped_between_two_files_and_gone_on_with(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.job(server.client.post("/api/scan", json={"folder": str(server.music)}))
    tracks = [track["id"] for track in server.client.get("/api/tracks").json()["tracks"]]
    before = {path.name: path.read_bytes() for path in server.music.iterdir()}
    server.job(server.client.post("/api/tag", json={"tracks": tracks, "min_confidence": 0.0, "write": True}))

    def stop(_: object, __: Path) -> None:
        (running,) = (job["id"] for job in server.client.get("/api/jobs").json() if job["state"] == "running")
        assert server.client.delete(f"/api/jobs/{running}").status_code == 200

    with monkeypatch.context() as patched:
        patched.setattr("earmark.app.tagging.note_tags", stop)
        stopped = server.job(server.client.post("/api/undo", json={}))
    assert (stopped["state"], stopped["done"], stopped["total"], stopped["unit"]) == ("cancelled", 1, 3, "files")
    assert [(run["files"], run["undone"]) for run in server.client.get("/api/runs").json()] == [(3, 1)]
    assert sum(path.read_bytes() == before[path.name] for path in server.music.iterdir()) == 1
    undone = server.job(server.client.post("/api/undo", json={}))
    assert (undone["result"], undone["total"]) == ({"restored": 2, "refused": 0}, 2)
    assert {path.name: path.read_bytes() for path in server.music.iterdir()} == before


def arrange_for_ever(_: object, told: Callable[[float], None]) -> None:
    told(0.25)
    time.sleep(60)


def test_arranging_the_map_is_stopped_and_leaves_the_one_that_is_there(
    crate: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert crate.job(crate.client.post("/api/map"))["result"] == {"arranged": 12}
    arranged = crate.site.catalogue.with_name("catalogue.map.npz")
    there = arranged.read_bytes()
    monkeypatch.setattr("earmark.app.atlas._neighbours", arrange_for_ever)
    began = time.monotonic()
    asked = crate.client.post("/api/map")
    while (job := crate.client.get(f"/api/jobs/{asked.json()['id']}").json())["done"] < 25:
        assert job["state"] in ("queued", "running")
        time.sleep(0.05)
    assert (job["total"], job["unit"]) == (100, "% arranged")
    crate.client.delete(f"/api/jobs/{job['id']}")
    assert crate.job(asked)["state"] == "cancelled"
    assert time.monotonic() - began < 30
    assert arranged.read_bytes() == there


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own")
def test_a_link_to_itself_lies_in_no_folder_of_the_server(server: Server) -> None:
    loop = server.music / "loop"
    loop.symlink_to(loop)
    assert not server.site.may_scan(loop)
    assert server.client.post("/api/scan", json={"folder": str(loop)}).status_code == 403
    assert server.client.get("/api/files", params={"folder": str(loop)}).status_code == 403


def test_a_killed_server_goes_on_with_the_same_run_of_tags(server: Server) -> None:
    server.job(server.client.post("/api/scan", json={"folder": str(server.music)}))
    tracks = [track["id"] for track in server.client.get("/api/tracks").json()["tracks"]]
    before = {path.name: path.read_bytes() for path in server.music.iterdir()}
    server.job(server.client.post("/api/tag", json={"tracks": tracks[:1], "min_confidence": 0.0, "write": True}))
    second = server.client.post("/api/tag", json={"tracks": tracks[1:2], "min_confidence": 0.0, "write": True})
    written = server.job(second)
    # As a server leaves it that was killed when the second file of this job was written, and the third was not.
    noted = {**written, "state": "running", "arguments": {**written["arguments"], "tracks": tracks[1:]}}
    del noted["seconds_left"]
    (server.site.jobs / f"{written['id']}.json").write_text(json.dumps(noted), encoding="utf-8")
    again = Jobs(server.site.jobs, works(server.site))
    assert _end(again, written["id"]) == {"run": written["result"]["run"], "changed": 1, "unchanged": 1, "refused": 0}
    assert [run["files"] for run in server.client.get("/api/runs").json()] == [2, 1]

    undone = server.job(server.client.post("/api/undo", json={}))
    assert undone["result"] == {"restored": 2, "refused": 0}
    # As a server leaves it that was killed when all was restored, before that was noted: the run before stays.
    noted = {**undone, "state": "running"}
    del noted["seconds_left"]
    (server.site.jobs / f"{undone['id']}.json").write_text(json.dumps(noted), encoding="utf-8")
    third = Jobs(server.site.jobs, works(server.site))
    assert _end(third, undone["id"]) == {"restored": 0, "refused": 0}
    assert [path.name for path in server.music.iterdir() if path.read_bytes() != before[path.name]] == ["0.wav"]
    again.close()
    third.close()


def _end(jobs: Jobs, name: str) -> Any:  # noqa: ANN401  the result of a work
    for _ in range(1200):
        if (job := jobs.get(name)) and job.state not in ACTIVE:
            assert job.state == "done", job.error
            return job.result
        time.sleep(0.05)
    raise AssertionError("the job does not end")


def test_tags_of_a_track_that_there_is_not_are_refused(full: Server) -> None:
    bodies: tuple[dict[str, Any], ...] = (
        {"tracks": [99]},
        {"tracks": []},
        {"tracks": [1], "policy": "burn"},
        {"tracks": [1], "more": 1},
    )
    for body in bodies:
        assert full.client.post("/api/tag", json=body).status_code == 422


def test_the_audit_is_a_job(full: Server) -> None:
    done = full.job(full.client.post("/api/audit", json={"duplicates": False}))
    assert done["result"]["counts"]["unnamed"] == 2


def test_models_and_cards(server: Server) -> None:
    found = {model["name"]: model for model in server.client.get("/api/models").json()}
    score = found["house12"]["scores"][0]
    assert (score["tracks"], score["classes"]) == (2100, 11)
    assert figures(score).startswith(f"right at first {score['micro'][0][0]:.2f}".replace("0.", "."))
    assert found["house12"]["families"]["Trance"] == "Trance"
    assert server.client.get("/api/models/house12/card").text.startswith("# house12")
    assert server.client.get("/api/models/none/card").status_code == 404


def test_the_description_works_without_a_network(server: Server) -> None:
    page = server.client.get("/api/docs").text
    assert "https://" not in page
    assert server.client.get("/api/static-offline-docs/swagger-ui-bundle.js").status_code == 200
    assert "/listen" in server.client.get("/api/openapi.json").json()["paths"]


@pytest.mark.slow
def test_the_api_keeps_to_its_description(full: Server) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    schema = schemathesis.openapi.from_asgi("/openapi.json", full.api)
    for result in schema.get_all_operations():
        operation = result.ok()
        from hypothesis import HealthCheck, given, settings  # noqa: PLC0415  this test only

        @given(case=operation.as_strategy())
        @settings(max_examples=20, suppress_health_check=list(HealthCheck))
        def check(case: Any) -> None:  # noqa: ANN401  schemathesis's
            answer = case.call()
            assert answer.status_code < 500, answer.text

        check()
