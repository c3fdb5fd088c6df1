"""A scan without hearing, as a process of its own: `python scan_driver.py CATALOGUE FOLDER WORKERS`."""

import sys
import time
from pathlib import Path

import earmark.library.scanning.scan  # noqa: F401  before it begins, so that it is killed while it scans
from earmark.analysis import Analysis
from earmark.library import Catalogue
from earmark.testing.doubles import listen, read_tags


def listen_slowly(path: Path) -> Analysis:
    """Hear so slowly that a scan can be killed at any moment."""
    time.sleep(0.002)
    return listen(path)


def main(catalogue: str, folder: str, workers: str) -> None:
    """Scan a folder; say when it begins, what it has done, and when it is done."""
    with Catalogue(catalogue) as opened:
        _say("begun")
        for _ in opened.scan(folder, listen_slowly, read_tags=read_tags, workers=int(workers)):
            _say("one more")
        _say("done")


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
