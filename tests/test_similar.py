"""`earmark similar`: what is like a track, and what is left out."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earmark.app.similar import similar
from earmark.cli import main
from earmark.errors import CatalogueError, EarmarkError
from earmark.library import Catalogue, Query, Tags
from earmark.testing import noise, write_wav
from earmark.testing.tracks import heard_track

Earmark = Callable[..., tuple[int, str, str]]
STYLES = ("Deep House", "Trance", "Trap")


@pytest.fixture
def earmark_(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Earmark:
    """Return what runs the command in this process: its status, and what it printed."""
    monkeypatch.setenv("EARMARK_CATALOGUE", str(tmp_path / "catalogue.db"))
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["earmark", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfdbinary.readouterr()
        code = ended.value.code
        return code if isinstance(code, int) else 0, os.fsdecode(out), os.fsdecode(err)

    return run


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    """Return a catalogue of 30 tracks: ten of each of three styles, by two artists each; none of the files is there."""
    rng = np.random.default_rng(0)
    with Catalogue(tmp_path / "catalogue.db") as opened:
        for number in range(30):
            style, place = number // 10, np.eye(3)[number // 10] + 0.2 * rng.normal(size=3)
            tags = Tags(title=f"Song {number}", artist=f"{STYLES[style]} artist {number % 2}", genres=(STYLES[style],))
            opened.keep(
                heard_track(
                    f"/m/{number}.mp3",
                    {STYLES[style]: 0.9},
                    embedding=tuple(place.tolist()),
                    tags=tags,
                    duration=200.0 + 5 * number,
                ),
                version="1",
            )
        yield opened


def styles_of(catalogue: Catalogue, *names: str, **more: object) -> list[int]:
    found = similar(catalogue, names, **more)  # type: ignore[arg-type]
    return [(each.track.id - 1) // 10 for each in found.tracks]


def test_tracks_of_the_same_kind_come_first_without_the_seed(catalogue: Catalogue) -> None:
    found = similar(catalogue, ["/m/12.mp3"], limit=9)
    assert {each.track.id for each in found.tracks} == set(range(11, 21)) - {13}
    assert [each.score for each in found.tracks] == sorted((each.score for each in found.tracks), reverse=True)
    assert found.seeds[0].id == 13
    assert str(found.tracks[0].why) == "Trance; as loud"
    assert found.tracks[0].as_json()["like"] == "/m/12.mp3"


def test_conditions_and_seeds_to_be_unlike(catalogue: Catalogue) -> None:
    assert set(styles_of(catalogue, "/m/12.mp3", query=Query(genre="trap"))) == {2}
    assert set(styles_of(catalogue, "/m/2.mp3", "/m/12.mp3", limit=16)) == {0, 1}
    assert set(styles_of(catalogue, "/m/2.mp3", "/m/12.mp3", unlike=["/m/13.mp3"], limit=8)) == {0}


def test_one_track_of_each_artist_and_none_of_the_seed(catalogue: Catalogue) -> None:
    found = similar(catalogue, ["/m/12.mp3"], limit=9, one_per_artist=True)
    artists = [each.track.tags.artist for each in found.tracks]
    assert len(artists) == len(set(artists)) == 5
    assert found.seeds[0].tags.artist not in artists


def test_a_seed_may_be_named_by_words(catalogue: Catalogue) -> None:
    assert similar(catalogue, ["song 12"]).seeds[0].id == 13
    with pytest.raises(
        EarmarkError, match=r"trance artist: that may be any of /m/10\.mp3, .*, \.\.\.; give more words, or the path"
    ):
        similar(catalogue, ["trance artist"])
    with pytest.raises(EarmarkError, match=r"song 99: no file, and no track of the catalogue that was heard"):
        similar(catalogue, ["song 99"])


def test_a_seed_that_is_named_twice_counts_once(catalogue: Catalogue) -> None:
    found = similar(catalogue, ["song 12", "/m/12.mp3", "song 13", "song 12"], limit=3)
    assert [seed.tags.title for seed in found.seeds] == ["Song 12", "Song 13"]
    once = similar(catalogue, ["song 12", "song 13"], limit=3)
    assert [(each.track.id, each.score) for each in found.tracks] == [
        (each.track.id, each.score) for each in once.tracks
    ]


def test_a_seed_must_have_been_heard_by_the_model_that_is_compared(catalogue: Catalogue) -> None:
    catalogue.keep(heard_track("/m/other.mp3", {"Trance": 0.9}, tags=Tags(title="Only"), model="other"), version="1")
    with pytest.raises(CatalogueError, match=r"/m/other\.mp3: \w+ has not heard it; `earmark scan` it first"):
        similar(catalogue, ["only"])


@pytest.mark.parametrize("command", [["similar", "song 12"], ["similar", "/m/12.mp3", "--unlike", "song 2"]])
def test_onnx_runtime_is_not_loaded_where_the_catalogue_knows_all(catalogue: Catalogue, command: list[str]) -> None:
    program = (
        "import sys; from earmark.cli import main\n"
        "try: main()\n"
        "finally: print(sorted({'onnxruntime', 'torch', 'scipy'} & set(sys.modules)), file=sys.stderr)"
    )
    environment = os.environ | {"EARMARK_CATALOGUE": str(catalogue.path)}
    ran = subprocess.run(
        [sys.executable, "-c", program, *command], env=environment, check=True, capture_output=True, text=True
    )
    assert ran.stdout.startswith("like  Trance artist 0 – Song 12")
    assert ran.stderr == "[]\n"


def test_a_catalogue_of_another_version_is_refused(catalogue: Catalogue) -> None:
    catalogue.keep(heard_track("/m/new.mp3", embedding=(1.0, 0.0)), version="2")
    with pytest.raises(CatalogueError, match=r"/m/new\.mp3: the catalogue was filled by another version of test"):
        similar(catalogue, ["/m/new.mp3"])


def test_an_empty_catalogue_says_what_to_do(tmp_path: Path) -> None:
    with (
        Catalogue(tmp_path / "empty.db") as opened,
        pytest.raises(CatalogueError, match=r"no track was heard yet; `earmark scan FOLDER` does it"),
    ):
        similar(opened, ["x"])


def test_copies_of_the_seed_and_of_each_other_are_left_out(catalogue: Catalogue, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    loudness = rng.uniform(0.1, 1, 24).repeat(4000).astype(np.float32)
    sound = np.cumsum(noise(12, rng, 8000)).astype(np.float32) * np.float32(2e-3) * loudness
    write_wav(tmp_path / "seed.wav", sound, 8000)
    write_wav(tmp_path / "softer.wav", sound * np.float32(0.3), 8000)
    write_wav(tmp_path / "another.wav", np.roll(sound[::-1], 500), 8000)
    for name in ("seed", "softer", "another"):
        path = tmp_path / f"{name}.wav"
        known = heard_track(path, embedding=(0.0, 1.0, 0.0), duration=12.0)
        catalogue.keep(replace(known, size=path.stat().st_size, modified=path.stat().st_mtime_ns), version="1")
    twin = heard_track("/m/twin.mp3", embedding=(0.0, 1.0, 0.01), content="content of /m/15.mp3")
    catalogue.keep(twin, version="1")
    names = [each.track.path.name for each in similar(catalogue, [str(tmp_path / "seed.wav")], limit=20).tracks]
    assert names[0] == "another.wav"
    assert not {"seed.wav", "softer.wav"} & set(names)
    assert len({"twin.mp3", "15.mp3"} & set(names)) == 1


# The command


@pytest.fixture
def crate(tmp_path: Path, tiny: Path, earmark_: Earmark) -> Path:
    """Return a folder of six files of two kinds, scanned with the tiny model."""
    folder = tmp_path / "crate"
    folder.mkdir()
    for number in range(3):
        for name, level in {"up": 0.5, "down": -0.5}.items():
            write_wav(
                folder / f"{name}{number}.wav", np.full(8000 + 400 * number, level + 0.01 * number, np.float32), 8000
            )
    assert earmark_("scan", folder, "--model", tiny)[0] == 0
    return folder


def test_a_file_that_is_not_in_the_catalogue_is_heard(
    earmark_: Earmark, crate: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    shutil.copytree(tiny, models / "tiny")
    monkeypatch.setenv("EARMARK_MODELS", str(models))
    write_wav(tmp_path / "new.wav", np.full(9000, 0.48, np.float32), 8000)
    status, out, err = earmark_("similar", tmp_path / "new.wav", "--limit", "3", "--json")
    assert (status, err) == (0, "")
    assert [Path(each["path"]).name[:2] for each in json.loads(out)] == ["up"] * 3
    status, out, _ = earmark_("similar", tmp_path / "new.wav", "--limit", "2", "--paths")
    assert [Path(line).parent for line in out.splitlines()] == [crate] * 2


def test_table_and_playlist(earmark_: Earmark, crate: Path, tmp_path: Path) -> None:
    playlist = tmp_path / "like.m3u8"
    status, out, err = earmark_("similar", crate / "up0.wav", "--limit", "2", "--m3u8", playlist)
    assert status == 0
    first, second, *_ = out.splitlines()
    assert first.startswith("like  up0.wav")
    assert second[6:].startswith("up")
    assert max(map(len, out.splitlines())) <= 80
    assert "written:" in err
    assert len([line for line in playlist.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]) == 3
    again = ("similar", crate / "up0.wav", "--limit", "1", "--m3u8", playlist)
    assert earmark_(*again) == (1, "", f"earmark: {playlist}: it exists already; --replace overwrites it\n")
    assert earmark_(*again, "--replace")[0] == 0
    assert len([line for line in playlist.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--json", "--paths"], "exclude each other"),
        (["--half-double"], "--half-double goes with --bpm"),
        (["--bpm", "fast"], "the tempo is 'fast'"),
        (["--variety", "nan"], "nan is no number"),
        (["--model", "nobody"], "no track was heard yet by nobody"),
    ],
)
def test_what_cannot_be_asked(earmark_: Earmark, crate: Path, arguments: list[str], message: str) -> None:
    status, _, err = earmark_("similar", crate / "up0.wav", *arguments)
    assert status in (1, 2)
    assert message in err
    assert err.count("\n") == 1
