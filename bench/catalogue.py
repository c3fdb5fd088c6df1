"""Speed of a catalogue of a million tracks: opening, filtering, paging, counting.

    python -m bench.catalogue [TRACKS] [FILE]

Makes the catalogue by SQL, or takes FILE if it is there from another time; prints each question with the CPU time and
the wall time of its answer, the median of `ROUNDS`. Aim: at most 100 ms of CPU time for each.
"""

import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from earmark.library import Catalogue, Query
from earmark.styles import styles

ROUNDS = 7
WINDOWS, EMBEDDING, BEATS = 12, 160, 0  # small blobs: no question but a page of tracks looks at them

# 2654435761 is Knuth's multiplier: the numbers 1, 2, 3, ... times it are spread evenly over 32 bits.
ANALYSES = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :tracks),
drawn AS (SELECT n, (n * 2654435761) % 4294967296 AS r, (n * 40503 + 977) % 65536 AS q FROM numbers)
INSERT INTO analyses (id, content, model, duration, unknown, style, family, confidence, bpm, bpm_confidence, bpm_drift,
    tonic, minor, key_confidence, camelot, warnings, window, starts, probabilities, embedding, beats, downbeats)
SELECT n, printf('%032x', r), 1, 180 + r % 300, 0, label, family, (r % 1000) / 1000.0,
    tempo + (q % 100 - 50) / 100.0, 0.9, 0, q % 12, r % 2, 0.5, (q % 12 + 1) || substr('AB', r % 2 + 1, 1), '[]', 29.12,
    zeroblob(8 * :windows), zeroblob(4 * 12 * :windows), zeroblob(4 * :embedding), zeroblob(0), zeroblob(0)
FROM drawn JOIN labels ON labels.k = r / 7 % 12 JOIN tempos ON tempos.k = q / 3 % 8
"""

TRACKS = """
INSERT INTO tracks (id, path, size, modified, fingerprint, missing, error, added, analysis, style, family, bpm, camelot,
    title, artist, album, genres, tag_styles, tag_bpm, tag_key, energy, comment, provenance)
SELECT a.id, '/home/me/Music/' || artist || '/' || artist || ' - ' || title || '.mp3', 8000000 + a.id, a.id, content,
    a.id % 97 = 0, CASE WHEN a.id % 499 = 0 THEN 'its tags cannot be read' ELSE '' END, 0, a.id, style, family, bpm,
    camelot, title, artist, album, json_array(style), '[]', NULL, '', '', '', ''
FROM analyses AS a JOIN (
    SELECT id,
        one.word || ' ' || two.word || substr(' (Original Mix) (Extended Mix) (Dub)', 1 + id % 3 * 15, 15) AS title,
        three.word || ' ' || (id / 11 % 5000) AS artist, four.word || ' EP' AS album
    FROM analyses
    JOIN words AS one ON one.k = id % 1999
    JOIN words AS two ON two.k = id / 7 % 1999
    JOIN words AS three ON three.k = id / 11 % 1999
    JOIN words AS four ON four.k = id / 13 % 1999
) AS named ON named.id = a.id
"""


def fill(path: Path, tracks: int) -> None:
    """Make a catalogue of so many tracks: twelve styles, eight tempos, 24 keys, 1 % missing, 0.2 % with an error."""
    Catalogue(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    connection.execute("CREATE TEMP TABLE labels (k INTEGER PRIMARY KEY, label, family)")
    connection.execute("CREATE TEMP TABLE tempos (k INTEGER PRIMARY KEY, tempo)")
    connection.execute("CREATE TEMP TABLE words (k INTEGER PRIMARY KEY, word)")
    connection.executemany(
        "INSERT INTO labels VALUES (?, ?, ?)", [(key, style.label, style.family) for key, style in enumerate(styles())]
    )
    connection.executemany("INSERT INTO tempos VALUES (?, ?)", enumerate([124, 126, 126, 128, 128, 140, 174, 90]))
    connection.executemany("INSERT INTO words VALUES (?, ?)", enumerate(_words()))
    families = {style.label: style.family for style in styles()}
    models = "INSERT INTO models VALUES (1, 'bench', '', json(?), json(?))"
    connection.execute(models, (json.dumps(list(families)), json.dumps(families)))
    connection.execute(ANALYSES, {"tracks": tracks, "windows": WINDOWS, "embedding": EMBEDDING})
    connection.execute(TRACKS)
    connection.execute("COMMIT")
    connection.execute("INSERT INTO search (search) VALUES ('optimize')")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _words() -> list[str]:
    """1999 words that can be spoken."""
    syllables = [head + tail for head in "bcdfghklmnprstvz" for tail in ("a", "e", "i", "o", "u", "ai", "ou")]  # 112
    return [syllables[k % 112].title() + syllables[k // 112 * 5 % 112] for k in range(1999)]


def measure(ask: Callable[[], object]) -> tuple[float, float, object]:
    """CPU and wall time of an answer in milliseconds, the median of the rounds, and the answer."""
    cpu, wall = [], []
    for _ in range(ROUNDS):
        before = time.process_time(), time.perf_counter()
        answer = ask()
        cpu.append(time.process_time() - before[0])
        wall.append(time.perf_counter() - before[1])
    return statistics.median(cpu) * 1000, statistics.median(wall) * 1000, answer


def questions(catalogue: Catalogue, tracks: int) -> dict[str, Callable[[], object]]:
    """The queries that are timed, by name."""
    queries = {
        "everything": Query(),
        "a style": Query(style="Trance"),
        "the largest family": Query(family="House"),
        "124 to 128 BPM": Query(bpm=(124, 128)),
        "style, 124 to 128 BPM, key": Query(style="Techno / Tech House", bpm=(124, 128), keys=("8A",)),
        "family, 124 to 128 BPM, three keys": Query(family="House", bpm=(124, 128), keys=("8A", "7A", "8B")),
        "a word of half the titles": Query(words="mix"),
        "that word and a style": Query(words="mix", style="Trance"),
        "two letters": Query(words="ba"),
        "genre tag": Query(genre="deep house"),
        "with errors": Query(failed=True),
        "missing": Query(missing=True),
        "a style at a tempo that none has": Query(style="Trance", bpm=(60, 61)),
    }
    asked: dict[str, Callable[[], object]] = {"open": lambda: Catalogue(catalogue.path).close()}
    for name, query in queries.items():
        asked[f"count: {name}"] = partial(catalogue.count, query)
        asked[f"first page of 50: {name}"] = partial(_page, catalogue, query, 0)
        asked[f"page in the middle: {name}"] = partial(_page, catalogue, query, tracks // 2)
    asked["one path"] = lambda: catalogue.track("/home/me/Music/Nothing/x.mp3")
    return asked


def _page(catalogue: Catalogue, query: Query, after: int) -> int:
    return len(catalogue.find(query, after=after, limit=50))


def main(tracks: int = 1_000_000, file: Path | None = None) -> None:
    """Make the catalogue, ask, print."""
    with tempfile.TemporaryDirectory() as folder:
        path = file or Path(folder, "million.db")
        if not path.exists():
            begin = time.perf_counter()
            fill(path, tracks)
            print(f"made in {time.perf_counter() - begin:.0f} s")
        print(f"{tracks:,} tracks, {path.stat().st_size / tracks:.0f} bytes each; SQLite {sqlite3.sqlite_version}")
        print(f"{'question':55} {'CPU ms':>8} {'wall ms':>8}  answer")
        with Catalogue(path) as catalogue:
            for name, ask in questions(catalogue, tracks).items():
                cpu, wall, answer = measure(ask)
                print(f"{name:55} {cpu:8.1f} {wall:8.1f}  {answer if answer is not None else ''}")


if __name__ == "__main__":
    from bench.arguments import arguments  # tests take the rest from elsewhere

    given = arguments(__doc__, "[TRACKS]", "[FILE]")
    main(*(kind(value) for kind, value in zip((int, Path), given, strict=False)))
