"""Rendered files: the examples, and corpora that survive interruption."""

import csv
import json
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from earmark.synth import STYLES, corpus, render
from earmark.synth.encoding import write_audio

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.opus"))


def decoded(path: Path) -> tuple[npt.NDArray[np.float32], int]:
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    audio = np.concatenate(frames, axis=1).astype(np.float32)
    return audio, rate


def small(out: Path, *, per_style: int = 2, workers: int = 1) -> list[corpus.Progress]:
    return list(
        corpus.render_corpus(out, per_style, 3, workers, seconds=0.5, artists=2, suffix=".flac", styles=STYLES[3:5])
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_half_a_minute_of_clean_music_in_350_kb(path: Path) -> None:
    audio, rate = decoded(path)
    assert path.stat().st_size <= 350_000
    assert rate == 48_000
    assert audio.shape[0] == 2
    assert audio.shape[1] / rate == pytest.approx(30.0, abs=0.1)
    assert -20 < 10 * np.log10(np.mean(audio**2)) < -5, "dBFS RMS"
    assert np.mean(np.abs(audio) >= 1.0) < 1e-4, "clipped by the codec"
    assert np.abs(audio.mean()) < 2e-3


def test_the_examples_say_who_made_them_but_not_their_style() -> None:
    assert len(EXAMPLES) == len(STYLES)
    for path in EXAMPLES:
        with av.open(str(path)) as container:
            tags = {key.lower(): value for key, value in container.streams.audio[0].metadata.items()}
        assert tags["artist"] == "earmark synth"
        assert "earmark" in tags["comment"]
        assert tags["title"]
        assert "genre" not in tags


def test_the_truth_of_the_examples_covers_every_style_once() -> None:
    truths = json.loads((EXAMPLES[0].parent / "truth.json").read_text(encoding="utf-8"))
    assert sorted(truths) == [path.name for path in EXAMPLES]
    assert tuple(truths[path.name]["style"] for path in EXAMPLES) == STYLES
    for truth in truths.values():
        names = [section["name"] for section in truth["sections"]]
        assert {"break", "drop"} <= set(names)
        assert truth["beats"][4] == pytest.approx(4 * 60 / truth["bpm"])


def test_the_same_track_is_encoded_to_the_same_bytes(tmp_path: Path) -> None:
    track = render("Trap", 2, 1.0, sample_rate=48_000)
    for name in ("a.opus", "b.opus"):
        write_audio(tmp_path / name, track.audio, 48_000, tags={"title": "x"})
    assert (tmp_path / "a.opus").read_bytes() == (tmp_path / "b.opus").read_bytes()
    with pytest.raises(ValueError, match=r"cannot encode '\.aac'"):
        write_audio(tmp_path / "a.aac", track.audio, 48_000)
    with pytest.raises(ValueError, match="Opus takes 48000 Hz"):
        write_audio(tmp_path / "c.opus", track.audio, 44_100)


def test_flac_keeps_the_samples_to_16_bits(tmp_path: Path) -> None:
    track = render("Techno / Tech House", 2, 1.0)
    write_audio(tmp_path / "a.flac", track.audio, 44_100)
    audio, rate = decoded(tmp_path / "a.flac")
    back = audio.reshape(-1, 2).T / 32767 if audio.shape[0] == 1 else audio / 32767
    assert rate == 44_100
    assert np.abs(back - track.audio).max() <= 0.51 / 32767


def test_a_corpus_has_a_manifest_and_truth_that_agree(tmp_path: Path) -> None:
    progress = small(tmp_path)
    assert [step.done for step in progress] == [1, 2, 3, 4]
    assert all(step.rendered and step.total == 4 for step in progress)
    with (tmp_path / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == sorted(step.path for step in progress)
    for row in rows:
        truth = json.loads((tmp_path / row["path"]).with_suffix(".json").read_text(encoding="utf-8"))
        assert (row["style"], row["artist"]) == (truth["style"], truth["artist"])
        assert row["split"] in {"train", "valid", "test"}
        assert truth["beats"][1] - truth["beats"][0] == pytest.approx(60 / truth["bpm"])
    assert len({row["artist"] for row in rows}) == 4, "two artists of each style"


def test_an_interrupted_corpus_goes_on_where_it_was(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    small(whole)
    running = corpus.render_corpus(broken, 2, 3, seconds=0.5, artists=2, suffix=".flac", styles=STYLES[3:5])
    first = [next(running), next(running)]
    running.close()
    assert not (broken / "manifest.csv").exists()
    # A track whose truth is missing was interrupted between the two files.
    (broken / first[1].path).with_suffix(".json").unlink()
    kept = (broken / first[0].path).stat().st_mtime_ns
    again = small(broken)
    assert [step.rendered for step in again] == [False, True, True, True]
    assert (broken / first[0].path).stat().st_mtime_ns == kept
    files = {path.relative_to(whole): path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    assert {path.relative_to(broken): path.read_bytes() for path in broken.rglob("*") if path.is_file()} == files


def test_worker_processes_render_what_one_process_renders(tmp_path: Path) -> None:
    small(tmp_path / "one", per_style=1)
    small(tmp_path / "two", per_style=1, workers=2)
    for path in (tmp_path / "one").rglob("*.flac"):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


def test_an_artist_belongs_to_one_split_and_every_style_has_all_three() -> None:
    orders = corpus.plan(40, artists=20)
    for style in STYLES:
        splits: dict[int, set[str]] = {}
        for order in orders:
            if order.style == style:
                splits.setdefault(order.artist, set()).add(order.split)
        assert all(len(names) == 1 for names in splits.values())
        assert set.union(*splits.values()) == {"train", "valid", "test"}
    assert corpus.plan(10, artists=20) == [order for order in orders if int(order.path[-10:-5]) < 10]
