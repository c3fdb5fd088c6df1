"""Write the exports of a small collection, as they were when they had been read back by other programs' libraries.

What the tests compare them with is made by `collection` here. pyrekordbox 0.4.4, traktor-nml-utils 4.1.0 and a parser
of crates after Mixxx's description read the values that `tests/test_exports.py` asserts. Written anew, once those tests
pass, by

    python tests/golden/make_exports.py
"""

from pathlib import Path, PurePath
from unittest.mock import patch

from earmark import __version__
from earmark.analysis import Key
from earmark.library.exports import FORMATS
from earmark.library.track import Tags, Track
from earmark.testing.tracks import heard_track, steady

HERE = Path(__file__).parent / "exports"
OUTPUTS = {
    "rekordbox": "collection.xml",
    "traktor": "collection.nml",
    "m3u8": "collection.m3u8",
    "csv": "collection.csv",
    "serato": "_Serato_",
}


def collection() -> list[Track]:
    """Five tracks: two styles, an unknown one, one that is not heard; names that need care."""
    plain = Tags("One", "Somebody", "First", ("Techno",), comment="by hand", bpm=120.0, key="8A")
    awkward = Tags('Two "B" <&> \u2028\nnext line', "Björk & 坂本", comment="a\tb", genres=("Deep; House", "Dub"))
    return [
        heard_track(
            "/music/deep/one.flac",
            {"Deep House": 0.8, "Progressive House": 0.15},
            tags=plain,
            rhythm=steady(122.0, 0.25, 300.0),
            key=Key(9, True, 0.8),
            content="aa",
        ),
        heard_track(
            "/music/trap & bass/Two's #2 100% ♥.mp3",
            {"Trap": 0.9},
            tags=awkward,
            rhythm=steady(140.03, 1.5, 300.0),
            key=Key(6, False, 0.7),
            content="bb",
        ),
        heard_track("/music/three.wav", {"Trap": 0.6}, content="cc"),
        heard_track("/music/four.aiff", {"Techno / Tech House": 0.3}, unknown=True, content="dd"),
        Track(Path("/music/five.mp3"), 100, 0, "ee", error="it is empty"),
    ]


def settled(raw: bytes) -> bytes:
    """An export without what changes with each release."""
    return raw.replace(f'Version="{__version__}"'.encode(), b'Version="x"')


def files(folder: PurePath) -> list[Path]:
    """The exports in a folder, in order."""
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())


if __name__ == "__main__":
    with patch("os.path.ismount", lambda folder: str(folder) == "/"):  # one drive, whatever this machine has
        for form, name in OUTPUTS.items():
            FORMATS[form].write(collection(), HERE / name)
    for path in files(HERE):
        path.write_bytes(settled(path.read_bytes()))
        print(path.relative_to(HERE))
