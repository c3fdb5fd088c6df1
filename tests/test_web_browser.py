"""The pages in a real browser: files dropped, tracks filtered, tags written, sound played; nothing asked elsewhere."""

import json
import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.audio import decode
from earmark.library import Catalogue, Query
from earmark.testing import click_train, noise, write_wav

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
MANY = 100_000  # tracks of a big library

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Started:
    """A server in a process of its own.

    Args:
        folder: for music, catalogue, journal.
        model: hears.
    """

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.model = folder, model
        self.port = free_port()
        self.address = f"http://localhost:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "earmark", "serve", str(self.folder / "music"), "--no-browser"]
        options = [
            "--port",
            str(self.port),
            "--catalogue",
            str(self.folder / "catalogue.db"),
            "--model",
            str(self.model),
        ]
        environment = {**os.environ, "EARMARK_JOURNAL": str(self.folder / "journal")}
        self.process = subprocess.Popen([*command, *options], env=environment)
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def stop(self, *, kill: bool = False) -> None:
        """Stop it."""
        (self.process.kill if kill else self.process.terminate)()
        self.process.wait(30)


@contextmanager
def running(folder: Path, model: Path) -> Iterator[Started]:
    """A server that is stopped at the end of the block."""
    started = Started(folder, model)
    try:
        yield started
    finally:
        started.stop()


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser in which pages may play sound."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  not every machine that tests has a browser

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield browser
        browser.close()


@contextmanager
def own_tab(folder: Path, model: Path) -> Iterator[tuple[str, Any]]:
    """The address of a server for one test, and a tab."""
    with running(folder, model) as started, chromium() as browser:
        yield started.address, browser.new_page()


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `music` in it."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "music").mkdir()
    for number in range(4):
        sound = click_train(bpm=120 + 4 * number, seconds=20.0, sample_rate=22_050)
        write_wav(folder / "music" / f"track {number} <b>.wav", sound, 22_050)
    return folder


@pytest.fixture(scope="module")
def server(music: Path, tiny: Path) -> Iterator[Started]:
    """Return a server with a library of four tracks that are not scanned yet."""
    with running(music, tiny) as started:
        yield started


@pytest.fixture
def page(server: Started) -> Iterator[Any]:
    """Return a tab; at the end, nothing was asked of any other server, and no script failed."""
    foreign: list[str] = []
    errors: list[str] = []

    def note(request: Any) -> None:  # noqa: ANN401  playwright's
        if not request.url.startswith((server.address, "blob:", "data:")):
            foreign.append(request.url)

    with chromium() as browser:
        tab = browser.new_page(viewport={"width": 1200, "height": 900})
        tab.on("request", note)
        tab.on("pageerror", lambda error: errors.append(str(error)))
        yield tab
    assert foreign == []
    assert errors == []


def _drop(page: Any, server: Started, *files: Path) -> None:  # noqa: ANN401  playwright's
    page.goto(server.address)
    page.set_input_files(".em-drop input", [str(file) for file in files])


def test_dropped_files_are_heard_and_a_click_plays_that_place(page: Any, server: Started, music: Path) -> None:  # noqa: ANN401
    tracks = sorted((music / "music").iterdir())
    _drop(page, server, *tracks[:3], Path(__file__))
    page.wait_for_selector(".em-card[data-state=heard] >> nth=2", timeout=60_000)
    page.wait_for_selector(".em-card[data-state=failed]")
    assert page.locator(".em-status").inner_text() == "3 heard, 1 could not be heard"
    assert page.locator(".em-card h2").first.inner_text() == "track 0 <b>.wav"
    assert "not audio" in page.locator("[role=alert]").inner_text()
    assert page.locator(".em-said").first.inner_text().startswith("120.0")
    page.get_by_label("more of track 0 <b>.wav").click()  # of so many files, each opens on demand
    canvas = page.locator("canvas").first
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 30)
    page.wait_for_function("!document.querySelector('audio').paused")
    assert 9 < page.evaluate("document.querySelector('audio').currentTime") < 13
    canvas.focus()
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    assert page.evaluate("document.querySelector('audio').paused")


def test_a_folder_that_is_dropped_beside_the_field_is_heard_as_well(page: Any, server: Started, music: Path) -> None:  # noqa: ANN401
    page.goto(server.address)
    page.wait_for_selector(".em-drop")
    mouse = page.context.new_cdp_session(page)
    dragged = {"items": [], "files": [str(music / "music")], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        mouse.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 850, "data": dragged})
    page.get_by_text("4 heard").wait_for(timeout=60_000)
    assert sorted(page.locator(".em-card h2").all_inner_texts()) == [f"track {number} <b>.wav" for number in range(4)]


def test_the_library_is_scanned_filtered_tagged_and_undone(page: Any, server: Started, music: Path) -> None:  # noqa: ANN401
    before = {path: path.read_bytes() for path in (music / "music").iterdir()}
    page.goto(server.address + "/library")
    page.get_by_role("button", name="Scan").click()
    page.get_by_text("4 heard").wait_for(timeout=60_000)
    page.get_by_role("button", name="Audit").click()
    page.get_by_text("0 tags disagree").wait_for(timeout=60_000)
    page.reload()
    page.get_by_text("4 tracks").wait_for()
    page.fill("[data-filter=bpm]", "123-125")
    page.get_by_text("1 track", exact=True).wait_for()
    assert page.locator(".ag-row").count() == 1
    page.locator(".ag-row").first.click()
    page.wait_for_selector("article canvas")
    page.get_by_role("button", name="Show changes of tags").click()
    page.get_by_text("bpm: empty → 124").wait_for()
    assert {path: path.read_bytes() for path in before} == before
    page.get_by_role("button", name="Write them").click()
    page.get_by_text("tag: 1 changed").wait_for(timeout=30_000)
    assert sum(path.read_bytes() != content for path, content in before.items()) == 1
    page.get_by_role("button", name="Undo the last run").click()
    page.get_by_text("undo: 1 restored").wait_for(timeout=30_000)
    assert {path: path.read_bytes() for path in before} == before


def test_keys_colours_and_filters_are_kept(page: Any, server: Started) -> None:  # noqa: ANN401
    page.goto(server.address + "/library")
    page.get_by_role("button", name="Scan").click()
    page.get_by_text("4 tracks").wait_for(timeout=60_000)
    page.fill("[data-filter=bpm]", "123-125")
    page.get_by_text("1 track", exact=True).wait_for()
    page.reload()
    page.get_by_text("1 track", exact=True).wait_for()
    assert page.input_value("[data-filter=bpm]") == "123-125"
    page.locator("h1").click()
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog", name="keys").is_visible()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.dataset.filter") == "words"
    for chosen in ("light", "dark"):
        page.locator("#em-theme").click()
        page.locator(f"#em-theme[aria-label='colours: {chosen}']").wait_for()
    page.goto(server.address + "/models")
    page.locator("body.body--dark").wait_for()
    page.go_back()
    page.get_by_text("1 track", exact=True).wait_for()


def test_a_double_click_plays_a_track_and_the_space_bar_pauses_it(page: Any, server: Started) -> None:  # noqa: ANN401
    page.goto(server.address + "/library")
    page.get_by_role("button", name="Scan").click()
    page.get_by_text("4 tracks").wait_for(timeout=60_000)
    page.locator(".ag-row").nth(1).dblclick()
    page.locator(".em-dock [aria-label^='pause']").wait_for()
    assert 9 < page.evaluate("document.querySelector('.em-dock audio').currentTime") < 13
    page.locator("h1").click()
    page.keyboard.press(" ")
    page.locator(".em-dock [aria-label^='play']").wait_for()
    assert page.evaluate("document.querySelector('.em-dock audio').paused")


def test_a_server_that_is_gone_is_told(page: Any, server: Started) -> None:  # noqa: ANN401
    page.goto(server.address)
    page.route("**/api/files**", lambda route: route.abort())
    page.get_by_text("or choose from your folders").click()
    assert page.get_by_role("alert").inner_text() == "the server does not answer"
    page.route("**/api/corrections", lambda route: route.fulfill(status=422, json={"detail": "it is no table"}))
    page.goto(server.address + "/teach")
    page.get_by_role("alert").wait_for()
    assert page.get_by_role("alert").inner_text() == "it is no table"
    page.route("**/api/booth", lambda route: route.fulfill(status=500, body="Internal Server Error"))
    page.goto(server.address + "/booth")
    assert page.get_by_role("alert").inner_text() == "the server cannot answer this (500)"
    page.route("**/api/tracks/rows**", lambda route: route.abort())
    page.goto(server.address + "/library")
    page.get_by_text("the server does not answer").wait_for()


def test_one_key_says_what_a_track_is_and_the_next_one_comes(page: Any, server: Started, music: Path) -> None:  # noqa: ANN401
    page.goto(server.address + "/library")
    page.get_by_role("button", name="Scan").click()
    page.get_by_text("4 tracks").wait_for(timeout=60_000)
    page.goto(server.address + "/teach")
    page.get_by_text("4 to review").wait_for()
    for _ in range(3):
        page.keyboard.down("7")  # the seventh style; a key that is held speaks of one track
    page.keyboard.up("7")
    page.get_by_text("you said: Trance 1").wait_for()
    page.get_by_text("3 to review").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text("2 to review").wait_for()
    page.fill(".em-other input", "My <own>")
    page.keyboard.press("Enter")
    page.get_by_text("My <own> 1").wait_for()
    page.keyboard.press("s")
    page.get_by_text("there is nothing left to review").wait_for()
    said = (music / "catalogue.corrections.csv").read_text().splitlines()
    assert len(said) == 4
    assert [line.split(",")[1] for line in said[1:]][::2] == ["Trance", "My <own>"]
    page.get_by_role("button", name="Teach a model").click()
    page.get_by_text("there is one track only of").wait_for(timeout=30_000)


def _turns(page: Any, number: int) -> None:  # noqa: ANN401
    """Play some turns of each player; the human plays whatever the search finds that can be played."""
    for turn in range(number):
        for track in range(20):
            page.fill("[type=search]", f"track {track}")
            page.wait_for_timeout(400)
            found = page.locator("[aria-label='tracks to play'] button")
            if not found.count():
                continue
            found.first.click()
            page.locator("[aria-label='what the machine offers'], [role=alert]").first.wait_for(timeout=60_000)
            if page.locator("[aria-label='what the machine offers']").count():
                break
        page.locator("[aria-label='what the machine offers'] ol button").first.click()
        page.locator("[aria-label='the set so far'] li").nth(2 * turn + 1).wait_for(timeout=60_000)


def test_a_turn_in_the_booth_and_a_set(page: Any, server: Started) -> None:  # noqa: ANN401
    page.goto(server.address + "/library")
    page.get_by_role("button", name="Scan").click()
    page.get_by_text("4 tracks").wait_for(timeout=60_000)
    page.goto(server.address + "/booth")
    page.get_by_text("your turn").wait_for()
    _turns(page, 1)
    assert page.locator("[aria-label='the set so far'] li").count() == 2
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download the set").click()
    lines = Path(saved.value.path()).read_text().splitlines()
    assert lines[0] == "#EXTM3U"
    assert sum(line.endswith(".wav") for line in lines) == 2
    page.get_by_role("button", name="Take back").click()
    page.locator("[aria-label='what the machine offers']").wait_for()
    page.get_by_role("button", name="New session").click()
    page.get_by_text("your turn").wait_for()
    page.fill("[type=number]", "5")
    page.get_by_role("button", name="Plan", exact=True).click()
    page.locator("[aria-label='the set'] li, [aria-label='plan a set'] [role=alert]").first.wait_for()


def test_mixes_stand_in_the_booth_and_are_deleted(page: Any, server: Started, music: Path) -> None:  # noqa: ANN401
    folder = music / "catalogue.mixes"
    folder.mkdir()
    decisions = {"seconds": 61.5, "tracks": [{"artist": "", "title": f"<b>{name}", "path": "x"} for name in "ABC"]}
    for name in ("one.mp3", "one.cue", "one.json", "two.mp3"):
        (folder / name).write_text(json.dumps(decisions), encoding="utf-8")
    page.goto(server.address + "/booth")
    listed = page.get_by_label("your mixes").get_by_role("listitem")
    listed.nth(1).wait_for()
    one = listed.filter(has_text="<b>A → <b>C")
    assert "3 tracks, 1:02, 1 MB" in one.inner_text()
    assert one.get_by_role("link").all_inner_texts() == ["sound", "cue sheet", "decisions"]
    page.once("dialog", lambda dialog: dialog.dismiss())
    one.get_by_role("button", name="delete").click()
    assert len(list(folder.iterdir())) == 4
    page.once("dialog", lambda dialog: dialog.accept())
    one.get_by_role("button", name="delete").click()
    one.wait_for(state="detached")
    assert listed.count() == 1
    assert [path.name for path in folder.iterdir()] == ["two.mp3"]


def _clicks(folder: Path, tracks: int, *, bpm: int, seconds: float, sample_rate: int) -> None:
    """Write clicks into a folder, each file by one beat a minute faster than the one before."""
    folder.mkdir()
    for number in range(tracks):
        sound = click_train(bpm=bpm + number, seconds=seconds, sample_rate=sample_rate)
        write_wav(folder / f"track {number}.wav", sound, sample_rate)


@pytest.mark.slow
def test_ten_turns_in_the_booth(tmp_path: Path, tiny: Path) -> None:
    _clicks(tmp_path / "music", 12, bpm=120, seconds=30.0, sample_rate=22_050)
    with own_tab(tmp_path, tiny) as (address, tab):
        tab.goto(address + "/library")
        tab.get_by_role("button", name="Scan").click()
        tab.get_by_text("12 tracks").wait_for(timeout=120_000)
        tab.goto(address + "/booth")
        tab.get_by_text("your turn").wait_for()
        _turns(tab, 5)
        names = tab.locator("[aria-label='the set so far'] li").all_inner_texts()
        assert len(names) == len(set(names)) == 10


@pytest.mark.parametrize("place", ["/", "/library", "/teach", "/booth", "/models"])
def test_a_phone_shows_the_whole_header_and_scrolls_down_only(page: Any, server: Started, place: str) -> None:  # noqa: ANN401
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(server.address + place)
    page.wait_for_selector("h1")
    for part in page.locator(".em-nav a, .em-nav button").all():
        box = part.bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 390, part.inner_text()
    bottom = page.locator(".em-header").evaluate("header => header.getBoundingClientRect().bottom")
    assert page.locator("h1").first.bounding_box()["y"] >= bottom
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("place", ["/", "/library", "/teach", "/booth", "/models"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_barrier(page: Any, server: Started, place: str, scheme: str) -> None:  # noqa: ANN401
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415  the same

    page.emulate_media(color_scheme=scheme)
    page.goto(server.address + place)
    page.wait_for_timeout(1000)
    found = Axe().run(page).response["violations"]
    serious = [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found
               if each["impact"] in ("serious", "critical")]  # fmt: skip
    assert serious == []


def test_a_scan_is_stopped_from_the_library_and_what_was_heard_stays(tmp_path: Path, tiny: Path) -> None:
    _clicks(tmp_path / "music", 100, bpm=60, seconds=60.0, sample_rate=8_000)
    with own_tab(tmp_path, tiny) as (address, tab):
        tab.goto(address + "/library")
        assert not tab.get_by_role("button", name="Stop").is_visible()
        tab.get_by_role("button", name="Scan").click()
        tab.get_by_text("scan: ").wait_for()
        tab.reload()  # another page may stop it
        tab.get_by_role("button", name="Stop").click()
        tab.get_by_text(re.compile(r"scan: stopped at \d+ of 100 files")).wait_for(timeout=30_000)
        tab.get_by_role("button", name="Stop").wait_for(state="hidden")
    with Catalogue(tmp_path / "catalogue.db") as opened:
        assert 0 < opened.count() < 100


def test_a_job_that_ran_when_the_server_was_killed_goes_on(tmp_path: Path, tiny: Path) -> None:
    import httpx2  # noqa: PLC0415  this test only

    _clicks(tmp_path / "music", 30, bpm=100, seconds=10.0, sample_rate=22_050)
    with running(tmp_path, tiny) as started:
        asked = httpx2.post(started.address + "/api/scan", json={"folder": str(tmp_path / "music")}).json()
        job: dict[str, Any] = {"done": 0}
        while job["done"] < 3:
            job = httpx2.get(f"{started.address}/api/jobs/{asked['id']}").json()
            time.sleep(0.05)
        assert job["state"] == "running"
        started.stop(kill=True)
        started.start()
        for _ in range(600):
            job = httpx2.get(f"{started.address}/api/jobs/{asked['id']}").json()
            if job["state"] == "done":
                break
            time.sleep(0.1)
        assert job["state"] == "done"
        result = job["result"]
        assert result["heard"] + result["unchanged"] == 30
        assert result["unchanged"] >= 3


@pytest.mark.slow
def test_a_hundred_thousand_rows_are_filtered_at_once(tmp_path: Path, tiny: Path) -> None:
    (tmp_path / "music").mkdir()
    script = Path(__file__).parents[1] / "bench" / "catalogue.py"
    runpy.run_path(str(script))["fill"](tmp_path / "catalogue.db", MANY)
    with Catalogue(tmp_path / "catalogue.db") as opened:
        there, trance = opened.count(), opened.count(Query(style="Trance"))
    assert there > 0.95 * MANY
    with own_tab(tmp_path, tiny) as (address, tab):
        tab.goto(address + "/library")
        tab.get_by_text(f"{there:,} tracks").wait_for()
        tab.select_option("[data-filter=style]", "Trance")
        tab.get_by_text(f"{trance:,} tracks").wait_for()
        assert tab.evaluate("earmark.took") < 1000  # milliseconds; `python -m bench.web` measures it


RENDERED = """async () => {
  const { default: SetPlayer, RATE, itemsOf } = await import("/static/set_player.js");
  const state = await (await fetch("/api/booth")).json();
  const items = itemsOf(state.turns, state.gain);
  const context = new OfflineAudioContext(2, 90 * RATE, RATE);
  const player = new SetPlayer(context);
  player.items = items;
  player.ahead = Infinity;
  player.playing = true;
  player.next = { index: 0, sample: 0, at: null };
  while (player.next.index < items.length) await player.proceed(player.turn);
  const begin = player.pieces[0].at;
  const sound = (await context.startRendering()).getChannelData(0);
  const joints = [items[0].to, items[0].to + items[1].to];
  return {
    turns: state.turns,
    around: joints.map((joint) => Array.from(sound.slice(begin + joint - 22050, begin + joint + 22050))),
    length: player.next.at - begin,
  };
}"""


JOINED_LATER = """async () => {
  const { default: SetPlayer, RATE, itemsOf } = await import("/static/set_player.js");
  const state = await (await fetch("/api/booth")).json();
  const items = itemsOf(state.turns, state.gain);
  const until = async (true_) => {
    for (let look = 0; look < 200 && !true_(); look++) await new Promise((ready) => setTimeout(ready, 50));
  };
  const left = items[0].to;
  const player = new SetPlayer(new AudioContext({ sampleRate: RATE }));
  player.items = [{ ...items[0], to: null }];
  player.play(0, left - 5 * RATE);
  await until(() => player.pieces.some((piece) => piece.from + piece.count > left));
  player.update(items);
  await until(() => player.pieces.some((piece) => piece.key === items[1].key));
  const pieces = player.pieces.filter((piece) => piece.count);
  const plain = pieces.map(({ key, from, count, at }) => ({ key, from, count, at }));
  player.pause();
  return { left, keys: items.map((item) => item.key), pieces: plain };
}"""


def test_the_set_plays_from_track_to_transition_to_track_on_the_sample(tmp_path: Path, tiny: Path) -> None:
    """What the browser renders around both joints is what lies in the files there, at the gain of the transition."""
    pytest.importorskip("python_stretch")
    (tmp_path / "music").mkdir()
    for number in range(2):
        clicks = click_train(bpm=124 + 2 * number, seconds=50.0, sample_rate=44_100)
        hiss = noise(50.0, np.random.default_rng(number), 44_100, level=0.05)
        write_wav(tmp_path / "music" / f"track {number}.wav", clicks + hiss, 44_100)
    with own_tab(tmp_path, tiny) as (address, tab):
        tab.goto(address + "/library")
        tab.get_by_role("button", name="Scan").click()
        tab.get_by_text("2 tracks").wait_for(timeout=60_000)
        tab.goto(address + "/booth")
        tab.get_by_text("your turn").wait_for()
        _turns(tab, 1)
        found, later = tab.evaluate(RENDERED), tab.evaluate(JOINED_LATER)
        tab.get_by_role("button", name="Hear the transition").click()
        tab.wait_for_timeout(2500)
        names = [turn["track"]["name"] for turn in found["turns"]]
        place = float(tab.get_by_label(f"position in {names[0]}").get_attribute("aria-valuenow") or "nan")
        said = tab.get_by_label("the set, playing").inner_text()
    pieces = later["pieces"]  # the transition came while its first track was playing, and scheduled further
    assert [key for key, _ in groupby(piece["key"] for piece in pieces)] == later["keys"][:2]
    assert all(one["at"] + one["count"] == other["at"] for one, other in pairwise(pieces))
    last, first = next(pair for pair in pairwise(pieces) if pair[0]["key"] != pair[1]["key"])
    assert (last["from"] + last["count"], first["from"]) == (later["left"], 0)
    joints = found["turns"][1]["transition"]["joints"]
    old, new = (decode(tmp_path / "music" / name, 44_100) for name in names)
    mixed = decode(tmp_path / "catalogue.transitions" / "transition-01.flac", 44_100)
    left, joined = round(joints["left"] * 44_100), round(joints["joined"] * 44_100)
    levels = [0.85 * 10 ** (gain / 20) for gain in joints["gains"]]
    around = [np.array(each) for each in found["around"]]
    coming = np.concatenate([levels[0] * old[left - 22_050 : left], 0.85 * mixed[:22_050]])
    going = np.concatenate([0.85 * mixed[-22_050:], levels[1] * new[joined : joined + 22_050]])
    np.testing.assert_allclose(around[0], coming, atol=1e-3)
    np.testing.assert_allclose(around[1], going[: around[1].size], atol=1e-3)
    assert max(_longest_silence(each) for each in around) < 0.010
    assert found["length"] == left + mixed.size + new.size - joined
    assert joints["left"] - 6 <= place <= joints["left"] - 2
    assert "the transition begins in 0:0" in said


def _longest_silence(sound: NDArray[np.float64]) -> float:
    """The longest stretch below -70 dBFS, in seconds."""
    loud = np.flatnonzero(np.abs(sound) > 10**-3.5)
    return float(np.diff(loud, prepend=-1, append=sound.size).max()) / 44_100
