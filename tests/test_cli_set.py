"""`earmark set`: what it prints, writes and returns."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from earmark.analysis import Key
from earmark.cli import main
from earmark.library import Catalogue, Tags
from earmark.library.exports import FORMATS
from earmark.testing import tone, write_wav
from earmark.testing.tracks import heard_track, steady

Earmark = Callable[..., tuple[int, str, str]]

TRACKS: Sequence[tuple[str, str, dict[str, float], float, str]] = (
    ("Late", "Ada", {"Deep House": 0.9}, 121.0, "Am"),
    ("Second", "Ada", {"Deep House": 0.7, "Techno / Tech House": 0.2}, 122.0, "Am"),
    ("Half Way", "Bo", {"Deep House": 0.5, "Techno / Tech House": 0.45}, 123.0, "Em"),
    ("Nearly", "Cy", {"Deep House": 0.2, "Techno / Tech House": 0.75}, 125.0, "Bm"),
    ("There", "Di", {"Techno / Tech House": 0.95}, 126.0, "F#m"),
    ("Elsewhere", "Ed", {"Trap": 0.95}, 70.0, "C"),
)


@pytest.fixture
def earmark_(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Earmark:
    """Return what runs the command in this process: exit status, what it printed, and on standard error."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["earmark", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return (code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


@pytest.fixture(autouse=True)
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the catalogue that the command finds: from Deep House to Techno, and a track that leads elsewhere."""
    path = tmp_path / "catalogue.db"
    monkeypatch.setenv("EARMARK_CATALOGUE", str(path))
    with Catalogue(path) as opened:
        for title, artist, shares, bpm, key in TRACKS:
            track = heard_track(
                tmp_path / f"{title}.mp3",
                shares,
                tags=Tags(title, artist),
                rhythm=steady(bpm, 0.5, 300.0),
                key=Key.from_name(key),
                embedding=tuple(shares.get(style, 0.01) for style in ("Deep House", "Techno / Tech House", "Trap")),
            )
            opened.keep(track, version="1")
    return path


def titles(out: str) -> list[str]:
    return [track["title"] for track in json.loads(out)["tracks"]]


def test_a_journey_goes_from_style_to_style_with_reasons(earmark_: Earmark) -> None:
    status, out, err = earmark_("set", "--from", "late", "--to", "techno", "--tracks", "4", "--json")
    made = json.loads(out)
    assert (status, err) == (0, "")
    assert titles(out) == ["Late", "Half Way", "Nearly", "There"]
    assert made["exact"] is True
    assert made["duration"] == 3 * 270 + 300
    assert [track["start"] for track in made["tracks"]] == [0, 270, 540, 810]
    assert made["tracks"][1]["reasons"][:3] == ["stays Deep House", "121 → 123 BPM (+1.7%)", "8A → 9A, a fifth up"]
    assert made["tracks"][3]["reasons"][0] == "stays Techno / Tech House"
    assert made["tracks"][1]["parts"].keys() == {"tempo", "key", "style", "energy", "sound"}
    assert made["tracks"][1]["parts"]["key"] == 0.25


def test_the_table_shows_each_track_and_its_reasons(earmark_: Earmark) -> None:
    status, out, err = earmark_("set", "--from", "late ada", "--to", "There", "--tracks", "3", "--repeat-artists")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "  1     0:00  Ada – Late  Deep House"
    assert lines[1].strip() == "121.0 BPM  8A  energy 8  the first track; 0% of the way"
    assert lines[4] == "  3     9:00  Di – There  Techno / Tech House"
    assert lines[5].endswith("100% of the way")
    assert err.startswith("3 tracks, 14:00; cost ")
    assert err.endswith(", no cheaper one of so many exists\n")


def test_what_must_be_played_is_and_what_is_avoided_is_not(earmark_: Earmark, tmp_path: Path) -> None:
    wish = ("set", "--from", tmp_path / "Late.mp3", "--tracks", "3", "--json")
    assert titles(earmark_(*wish)[1]) == ["Late", "Half Way", "Nearly"]
    assert "Elsewhere" in titles(earmark_(*wish, "--play", "elsewhere")[1])
    assert "Half Way" not in titles(earmark_(*wish, "--avoid", "bo")[1])
    assert titles(earmark_(*wish, "--repeat-artists")[1])[1] == "Second"
    assert titles(earmark_(*wish, "--bpm", "125-127")[1]) == ["Late", "Nearly", "There"]


def test_a_seed_gives_the_same_set_again(earmark_: Earmark) -> None:
    wish = ("set", "--from", "late ada", "--tracks", "3", "--variety", "3", "--json")
    first = json.loads(earmark_(*wish)[1])
    again = json.loads(earmark_(*wish, "--seed", str(first["seed"]))[1])
    assert again == first
    assert len({tuple(titles(earmark_(*wish, "--seed", str(seed))[1])) for seed in range(6)}) > 1


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in ("serato", "parquet")])
def test_a_set_is_written_in_its_order_in_every_format(earmark_: Earmark, tmp_path: Path, form: str) -> None:
    out = tmp_path / f"set{FORMATS[form].suffix}"
    wish = ("set", "--from", "There", "--to", "late ada", "--tracks", "3", "--out", out, "--name", "Friday")
    status, _, err = earmark_(*wish)
    assert (status, err.count("\n")) == (0, 2)
    assert err.endswith(f"\nearmark: written: {out}\n")
    text = out.read_text(encoding="utf-8")
    assert text.index("There.mp3") < text.index("Late.mp3")
    if form == "rekordbox":
        lists = ET.fromstring(text).iter("NODE")  # noqa: S314  our own
        (friday,) = [node for node in lists if node.get("Name") == "Friday"]
        assert len(friday) == 3
    status, _, err = earmark_(*wish)
    assert (status, err) == (1, f"earmark: {out}: it exists already; --replace overwrites it\n")
    assert earmark_(*wish, "--replace")[0] == 0


def test_a_set_is_written_as_a_crate(earmark_: Earmark, tmp_path: Path) -> None:
    wish = ("set", "--from", "There", "--tracks", "3", "--out", tmp_path, "--format", "serato", "--name", "Friday")
    assert earmark_(*wish)[0] == 0
    assert [path.name for path in tmp_path.rglob("*Friday.crate")] == ["earmark%%Friday.crate"]


def test_a_set_is_drawn(earmark_: Earmark, tmp_path: Path) -> None:
    picture = tmp_path / "set.svg"
    wish = ("set", "--from", "late", "--to", "techno", "--tracks", "4", "--picture", picture)
    assert earmark_(*wish)[0] == 0
    drawn = ET.parse(picture).getroot()  # noqa: S314  our own
    texts = [text.text or "" for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text[:1].isdigit() and "  " in text] == [
        "1  Late",
        "2  Half Way",
        "3  Nearly",
        "4  There",
    ]
    assert {"tempo", "121", "123", "125", "126", "energy", "journey", "key", "8A", "9A", "10A", "11A"} <= set(texts)
    rectangles = list(drawn.iter("{http://www.w3.org/2000/svg}rect"))[1:]
    ends = [float(each.get("x", "")) + float(each.get("width", "")) for each in rectangles]
    assert ends == sorted(ends)
    assert ends[-1] <= 1200
    status, _, err = earmark_(*wish)
    assert (status, err) == (1, f"earmark: {picture}: it exists already; --replace overwrites it\n")


def test_nothing_is_written_where_one_of_the_outputs_may_not_be(earmark_: Earmark, tmp_path: Path) -> None:
    playlist, picture = tmp_path / "set.m3u8", tmp_path / "set.svg"
    wish = ("set", "--from", "late", "--tracks", "3", "--out", playlist, "--picture", picture)
    picture.write_text("mine", encoding="utf-8")
    status, out, err = earmark_(*wish)
    assert (status, out, err) == (1, "", f"earmark: {picture}: it exists already; --replace overwrites it\n")
    assert not playlist.exists()
    picture.unlink()
    playlist.write_text("mine", encoding="utf-8")
    assert earmark_(*wish)[0] == 1
    assert not picture.exists()
    status, _, err = earmark_(*wish[:5], "--out", tmp_path / "a.json", "--picture", tmp_path / "a.json")
    assert status == 2
    assert err.startswith("earmark: --out and --picture cannot be the same file; ")
    assert not (tmp_path / "a.json").exists()


def test_a_file_that_was_not_scanned_is_heard(earmark_: Earmark, tmp_path: Path) -> None:
    path = tmp_path / "new.wav"
    write_wav(path, tone(440, 8.0), 22_050)
    status, out, _ = earmark_("set", "--from", path, "--tracks", "2", "--json")
    assert status == 0
    assert json.loads(out)["tracks"][0]["path"] == str(path)


def test_own_weights_change_the_set(earmark_: Earmark, tmp_path: Path) -> None:
    weights = tmp_path / "weights.toml"
    weights.write_text("[step]\ntempo = 0\nkey = 0\nstyle = 0\nsound = 0\nenergy = 0\n", encoding="utf-8")
    wish = ("set", "--from", "late ada", "--tracks", "3", "--json")
    assert json.loads(earmark_(*wish, "--weights", weights)[1])["cost"] == 0
    weights.write_text("[step]\nkeys = 0\n", encoding="utf-8")
    status, _, err = earmark_(*wish, "--weights", weights)
    assert (status, err.split(": ", 2)[2]) == (1, "[step] has no 'keys', only tempo, key, style, sound, energy\n")


@pytest.mark.parametrize(
    ("options", "status", "reason"),
    [
        (("--from", "nothing"), 1, "nothing: no file, and no track of the catalogue that was heard, is called so"),
        (("--from", "There", "--to", "brostep"), 1, "no track that may be played is mostly Brostep"),
        (("--from", "ada", "--tracks", "9"), 1, "ada: that may be any of "),
        (("--from", "There", "--tracks", "9"), 1, "tracks to choose from: 6, fewer than the 9 of the set"),
        (("--from", "There", "--tracks", "6"), 1, "one track for each artist makes 5, fewer than the 6 of the set"),
        (("--from", "There", "--tracks", "3", "--minutes", "9"), 2, "--minutes and --tracks exclude each other"),
        (("--from", "There", "--out", "set.doc"), 2, "set.doc: no format has the suffix '.doc'; --format names one"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    earmark_: Earmark, options: Sequence[str], status: int, reason: str
) -> None:
    given, out, err = earmark_("set", *options)
    assert (given, out) == (status, "")
    assert err.startswith(f"earmark: {reason}")
    assert err.count("\n") == 1
