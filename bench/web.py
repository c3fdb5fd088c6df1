"""The pages in a browser: how soon the first is there, how fast 100,000 rows are filtered; and pictures: docs/serve.md.

    python -m bench.web [--tracks 100000] [--pictures docs/images [--music FOLDER]]

Needs Chromium; for the pictures, Pillow and the extra `dj` as well. They show the example tracks and sixty rendered
ones, with made-up names; they are kept in FOLDER, so that another time they need not be rendered again.
"""

import argparse
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.catalogue import fill
from bench.page import ROOT, table, write
from bench.programs import conditions
from playwright.sync_api import sync_playwright

from earmark.app.listening import MODEL
from earmark.hearing.bundle import locate, read_config
from earmark.hearing.listener import version_of
from earmark.library import Catalogue, Tags, Track

EXAMPLES = Path(__file__).parents[1] / "examples"
DOCS = ROOT / "docs" / "serve.md"
ROUNDS = 5
FIRST_PAGE, FILTER = 1500.0, 200.0  # milliseconds, at most
MISTAGGED, UNTAGGED = (4, 30), 5  # the ids of tracks with a wrong genre tag; each fifth has none
MOST = 200_000  # bytes of a picture
SCROLL = "top => window.scrollTo(0, top ? document.querySelector(top).getBoundingClientRect().top + scrollY - 70 : 0)"
ARTISTS = (
    "Mara Veil", "Kilo Harbour", "Oda Linden", "Nightbus 44", "Sable & Fox", "Tomo Hara", "Low Meridian", "Ines Volta",
    "Paper Antenna", "Adeyemi Sound", "Northern Relay", "Cassia Bloom", "Delta Arcade", "Yuki Moreau", "Glass Ferry",
)  # fmt: skip
FIRST = ("Silver", "Midnight", "Hollow", "Golden", "Distant", "Velvet", "Electric", "Slow", "Neon", "Quiet")
SECOND = ("Harbour", "Signal", "Garden", "Engine", "Weather", "Avenue", "Memory", "Horizon")
FILTERS = (
    ("style", "Trance"),
    ("words", "a"),
    ("bpm", "120-128"),
    ("key", "8A"),
    ("family", "House"),
    ("confidence", "sure"),
)


def main() -> None:
    """Measure, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--music", type=Path)
    chosen = parser.parse_args()
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        if chosen.pictures:
            chosen.pictures.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory() as rendered:
                take_pictures(browser, chosen.pictures, (chosen.music or Path(rendered)) / "Music")
        if chosen.tracks:
            measure(browser, chosen.tracks)
        browser.close()


def measure(browser: Any, tracks: int) -> None:  # noqa: ANN401  playwright's
    """Write the milliseconds of the first page and of each filter into the page, the median of some rounds."""
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder, "catalogue.db")
        fill(catalogue, tracks)
        with Catalogue(catalogue) as opened:
            there = opened.count()  # some are missing
        with served(catalogue) as address:
            first: list[float] = []
            filtered: dict[str, list[float]] = {name: [] for name, _ in FILTERS}
            for _ in range(ROUNDS):
                page = browser.new_context().new_page()  # nothing is in its cache
                began = time.perf_counter()
                page.goto(address)
                page.wait_for_selector(".em-drop")
                first.append(1000 * (time.perf_counter() - began))
                page.goto(address + "/library")
                page.get_by_text(f"{there:,} tracks").wait_for()
                for name, value in FILTERS:
                    filtered[name].append(_filter(page, name, value))
                page.close()
    rows = [_row("the first page, with nothing in the browser's cache", first, FIRST_PAGE)]
    rows += [
        _row(f"{tracks:,} tracks filtered by {name}, the request", times, FILTER) for name, times in filtered.items()
    ]
    write("web", f"{conditions()}\n\n{table(('what', 'median (smallest–largest)', 'target'), rows)}", DOCS)


def _row(what: str, times: list[float], most: float) -> tuple[str, str, str]:
    """A row of the table, in milliseconds."""
    middle = statistics.median(times)
    missed = ": missed" if middle > most else ""
    return what, f"{middle:.0f} ({min(times):.0f}–{max(times):.0f}) ms", f"at most {most:.0f} ms{missed}"


def _filter(page: Any, name: str, value: str) -> float:  # noqa: ANN401  playwright's
    """Milliseconds from the request to the rows; the field is cleared again."""
    place = page.locator(f"[data-filter={name}]")
    choose = place.select_option if name in ("style", "family", "key", "confidence") else place.fill
    page.evaluate("earmark.took = 0")
    choose(value)
    page.wait_for_function("earmark.took > 0")
    took = float(page.evaluate("earmark.took"))
    page.evaluate("earmark.took = 0")
    choose("")
    page.wait_for_function("earmark.took > 0")
    return took


def take_pictures(browser: Any, folder: Path, music: Path) -> None:  # noqa: ANN401  playwright's
    """Take a picture of each page, with the example tracks and a library of rendered ones."""
    catalogue = fill_library(music)
    with served(catalogue, music) as address:
        tab = partial(_tab, browser, address)
        with tab("/", 1200, 840) as page:
            page.set_input_files(".em-drop input", str(EXAMPLES / "12-trap.opus"))
            page.locator(".em-card[data-state=heard]").wait_for(timeout=60_000)
            page.get_by_role("button", name="Why?").click()
            page.locator(".em-spectrum").wait_for(timeout=60_000)
            _take(page, folder / "serve-listen.png", top=".em-card")
        for scheme in ("dark", "light"):
            with tab("/library", 1440, 900, scheme) as page:
                page.locator(".ag-row").nth(6).dblclick()
                page.locator("[aria-label^='pause']").first.wait_for()
                page.wait_for_timeout(2000)
                _take(page, folder / ("serve-library.png" if scheme == "dark" else "serve-library-light.png"))
        with tab("/teach", 1200, 720) as page:
            page.locator("article canvas").wait_for()
            page.keyboard.press("Enter")
            page.get_by_text("you said:").wait_for()
            _take(page, folder / "serve-teach.png")
        with tab("/booth", 1200, 900, "dark") as page:
            _play_back_to_back(page)
            _take(page, folder / "serve-booth.png")
        with tab("/models", 1200, 960) as page:
            page.locator(".em-confusion").first.wait_for()
            _take(page, folder / "serve-models.png")


@contextmanager
def _tab(browser: Any, address: str, place: str, width: int, height: int, scheme: str = "light") -> Iterator[Any]:  # noqa: ANN401
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.goto(address + place)
    page.wait_for_timeout(1500)
    yield page
    page.close()


def _take(page: Any, out: Path, top: str = "") -> None:  # noqa: ANN401  playwright's
    """Take what is seen, from an element on; in 256 colours where that is needed."""
    from PIL import Image  # noqa: PLC0415  for pictures only

    page.evaluate(SCROLL, top)
    page.wait_for_timeout(1500)
    page.screenshot(path=out)
    if out.stat().st_size > MOST:
        colours = Image.open(out).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        colours.save(out, optimize=True)


def _play_back_to_back(page: Any) -> None:  # noqa: ANN401  playwright's
    """Two turns each, and the second transition as it plays."""
    for turn, style in enumerate(("deep house", "trance")):
        page.fill("[type=search]", style)
        page.locator("[aria-label='tracks to play'] button").nth(1).wait_for()
        page.wait_for_timeout(500)
        page.locator("[aria-label='tracks to play'] button").nth(turn).click()
        page.locator("[aria-label='what the machine offers'] ol button").first.click(timeout=120_000)
        page.locator("[aria-label='the set so far'] li").nth(2 * turn + 1).wait_for(timeout=120_000)
    page.get_by_role("button", name="Hear the transition").click()
    page.locator("[aria-label='pause the set']").wait_for()
    page.wait_for_timeout(20_000)


def fill_library(music: Path) -> Path:
    """Render tracks of all styles, hear them with the examples, and give them made-up names; the catalogue."""
    catalogue = music.with_name("catalogue.db")
    if not catalogue.exists():
        rendered = [str(music / "rendered"), "--per-style", "5", "--artists", "5", "--seconds", "60"]
        shutil.copytree(EXAMPLES, music, dirs_exist_ok=True, ignore=shutil.ignore_patterns("export", "*.json"))
        _earmark("synth", "corpus", *rendered)
        _earmark("scan", str(music), "--catalogue", str(catalogue))
    generator = random.Random(0)  # noqa: S311  names, no secrets
    names = [f"{first} {second}" for first in FIRST for second in SECOND]
    generator.shuffle(names)
    with Catalogue(catalogue) as opened:
        for track in opened.tracks():
            tags = Tags(names.pop(), ARTISTS[track.id % len(ARTISTS)], genres=_genre(track, music))
            opened.keep(replace(track, tags=tags, analysis=None), version=version_of(read_config(locate(MODEL))))
    return catalogue


def _genre(track: Track, music: Path) -> tuple[str, ...]:
    """A genre tag by the name of the file or its folder; of some tracks none, of some a wrong one."""
    if track.id in MISTAGGED:
        return ("Trance",)
    name = track.path.parent.name if track.path.parent != music else track.path.stem.partition("-")[2]
    return (name.replace("-", " ").title(),) if track.id % UNTAGGED else ()


def _earmark(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "earmark", *arguments], check=True)


@contextmanager
def served(catalogue: Path, music: Path = EXAMPLES) -> Iterator[str]:
    """Serve a catalogue and its folder; gives the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--no-browser", "--port", str(port), "--catalogue", str(catalogue)]
    process = subprocess.Popen([sys.executable, "-m", "earmark", "serve", str(music), *options])
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
