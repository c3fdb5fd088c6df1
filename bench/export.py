"""How far other runtimes are from earmark: an exported model in a browser and in plain Python, on the twelve examples.

    python bench/export.py ONNXRUNTIME_WEB

ONNXRUNTIME_WEB is the folder of that package, as npm installs it; chromium is looked for on the path. Each example is
heard as a WAV file of 16 bits at the model's sample rate, which both read as it is, and by the browser as the opus file
that it is, which it decodes and resamples itself. Printed is the largest distance of a style's probability.
"""

import argparse
import functools
import http.server
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from earmark.audio import decode
from earmark.hearing import Listener, Model
from earmark.learning.onnx_export import export
from earmark.testing import write_wav

ROOT = Path(__file__).parents[1]
HEAR = """async ([model, track]) => {
    const { hear, open } = await import("./hear.js");
    const { styles } = await hear(await open(model), await (await fetch(track)).arrayBuffer());
    return Object.fromEntries(styles.map(({ style, probability }) => [style, probability]));
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is http.server's
        """Nothing."""


def main() -> None:
    """Hear, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("onnxruntime_web", type=Path)
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  of the extra that tests need

    model = Model.open("house12")
    listen = Listener(model, parts=())
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = Path(folder)
        for source in (ROOT / "examples" / "export").iterdir():
            shutil.copy(source, site)
        (site / "node_modules").mkdir()
        (site / "node_modules/onnxruntime-web").symlink_to(given.onnxruntime_web.resolve(), target_is_directory=True)
        export("house12", site / "model.onnx")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        worst: dict[str, list[float]] = {"Python": [], "JavaScript": [], "JavaScript, the opus file": []}
        firsts = 0
        for number, path in enumerate(sorted((ROOT / "examples").glob("*.opus"))):
            track = write_wav(site / f"{number}.wav", decode(path, model.config.sample_rate), model.config.sample_rate)
            shutil.copy(path, site / f"{number}.opus")
            heard, whole = (_shares(listen(each)) for each in (track, path))
            worst["Python"].append(_distance(heard, _printed(site / "model.onnx", track)))
            worst["JavaScript"].append(_distance(heard, page.evaluate(HEAR, ["model.onnx", track.name])))
            resampled = page.evaluate(HEAR, ["model.onnx", f"{number}.opus"])
            worst["JavaScript, the opus file"].append(_distance(whole, resampled))
            firsts += max(whole, key=whole.__getitem__) == max(resampled, key=resampled.__getitem__)
        browser.close()
        server.shutdown()
    print("| | largest distance from earmark | in the middle of the tracks |\n|---|---|---|")
    for name, distances in worst.items():
        print(f"| {name} | {max(distances):.6f} | {sorted(distances)[len(distances) // 2]:.6f} |")
    print(f"\nThe first style of the opus files is the same for {firsts} of {len(distances)}.")


def _shares(analysis: Any) -> dict[str, float]:  # noqa: ANN401
    return dict(analysis.timeline.top(len(analysis.timeline.styles)))


def _printed(model: Path, track: Path) -> dict[str, float]:
    """The three styles that the program in Python prints, with four digits."""
    command = [sys.executable, "-X", "utf8", str(ROOT / "examples/export/hear.py"), str(model), str(track)]
    output = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    lines = [line.split("  ", 1) for line in output.splitlines()]
    return {style: float(share) for share, style in (line for line in lines if len(line) > 1)}


def _distance(heard: dict[str, float], other: dict[str, float]) -> float:
    return max(abs(heard[style] - share) for style, share in other.items())


if __name__ == "__main__":
    main()
