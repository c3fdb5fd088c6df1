"""The pages in a browser: how soon the first is there, how fast 100,000 rows are filtered; and pictures of them.

    python -m bench.web [--tracks 100000] [--pictures docs/images]

Needs Chromium. The pictures show the example tracks.
"""

import argparse
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.catalogue import fill
from playwright.sync_api import sync_playwright

from earmark.library import Catalogue

EXAMPLES = Path(__file__).parents[1] / "examples"
ROUNDS = 5
FILTERS = (("style", "Trance"), ("words", "a"), ("bpm", "120-128"), ("key", "8A"), ("family", "House"))


def main() -> None:
    """Measure, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--pictures", type=Path)
    chosen = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        if chosen.pictures:
            chosen.pictures.mkdir(parents=True, exist_ok=True)
            take_pictures(browser, chosen.pictures)
        if chosen.tracks:
            measure(browser, chosen.tracks)
        browser.close()


def measure(browser: Any, tracks: int) -> None:  # noqa: ANN401  playwright's
    """Print the milliseconds of the first page and of each filter, the median of some rounds."""
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
    print(f"first page: {statistics.median(first):.0f} ms")
    for name, times in filtered.items():
        print(f"{tracks:,} tracks by {name}: {statistics.median(times):.0f} ms")


def _filter(page: Any, name: str, value: str) -> float:  # noqa: ANN401  playwright's
    """Milliseconds from the request to the rows; the field is cleared again."""
    place = page.locator(f"[data-filter={name}]")
    choose = place.select_option if name in ("style", "family", "key") else place.fill
    page.evaluate("earmark.took = 0")
    choose(value)
    page.wait_for_function("earmark.took > 0")
    took = float(page.evaluate("earmark.took"))
    page.evaluate("earmark.took = 0")
    choose("")
    page.wait_for_function("earmark.took > 0")
    return took


def take_pictures(browser: Any, folder: Path) -> None:  # noqa: ANN401  playwright's
    """Take a picture of each page with the example tracks."""
    with tempfile.TemporaryDirectory() as place:
        catalogue = Path(place, "catalogue.db")
        scan = [sys.executable, "-m", "earmark", "scan", str(EXAMPLES), "--catalogue", str(catalogue)]
        subprocess.run(scan, check=True)
        with served(catalogue) as address:
            page = browser.new_page(viewport={"width": 1100, "height": 800})
            page.goto(address)
            page.set_input_files(".em-drop input", [str(each) for each in sorted(EXAMPLES.glob("0[47]*.opus"))])
            page.locator(".em-card[data-state=heard]").nth(1).wait_for(timeout=60_000)
            page.screenshot(path=folder / "serve-listen.png")
            page.emulate_media(color_scheme="dark")
            page.goto(address + "/library")
            page.locator(".ag-row").nth(3).click()
            page.wait_for_selector("article canvas")
            page.wait_for_timeout(1000)
            page.evaluate("window.scrollTo(0, 0)")
            page.screenshot(path=folder / "serve-library.png", full_page=True)
            page.close()


@contextmanager
def served(catalogue: Path) -> Iterator[str]:
    """Serve a catalogue; gives the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--no-browser", "--port", str(port), "--catalogue", str(catalogue)]
    process = subprocess.Popen([sys.executable, "-m", "earmark", "serve", str(EXAMPLES), *options])
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
