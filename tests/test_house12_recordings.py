"""Descriptors of real recordings: whole and cut, narrowed, coded and mastered anew."""

from pathlib import Path

import numpy as np
import pytest

from earmark.errors import TableError
from earmark.recipes import music
from earmark.recipes.house12 import recordings
from earmark.recipes.house12.recipe import RecordingsConfig, read_recipe
from earmark.recipes.house12.recordings import DAMAGE, HEARD, KINDS, RATE, coded, mastered, narrowed, rows_of
from earmark.recipes.shipped import FILES
from earmark.testing import noise, write_wav

SOUND = noise(13.0, np.random.default_rng(0), RATE, level=0.3).astype(np.float32)


def level_above(waveform: np.ndarray, hertz: float) -> float:
    """Share of the power above a frequency, in dB."""
    spectrum = np.abs(np.fft.rfft(waveform)) ** 2
    return float(10 * np.log10(spectrum[np.fft.rfftfreq(waveform.size, 1 / RATE) > hertz].sum() / spectrum.sum()))


def test_a_narrow_band_ends_below_ten_kilohertz() -> None:
    narrow = [narrowed(SOUND, np.random.default_rng(seed)) for seed in range(4)]
    assert all(level_above(each, 12_600) < -60 for each in narrow)  # 10 kHz and a quarter of it
    assert len({round(level_above(each, 6_000)) for each in narrow}) > 1


def test_a_coded_sound_is_the_same_sound_with_loss() -> None:
    lossy = coded(SOUND, np.random.default_rng(1))
    assert lossy.shape == SOUND.shape
    assert lossy.std() > 0.01
    assert not np.allclose(lossy, SOUND, atol=0.01)


def test_another_master_is_as_long_and_as_loud_as_can_be() -> None:
    for seed in range(4):
        loud = mastered(SOUND, np.random.default_rng(seed))
        assert loud.shape == SOUND.shape
        assert np.abs(loud).max() == pytest.approx(0.9, abs=1e-6)


def test_the_whole_comes_first_then_its_excerpts_under_each_damage() -> None:
    found = list(rows_of(SOUND, np.random.default_rng(0)))
    kinds = [kind for kind, _ in found]
    assert kinds[:5] == ["as it is, whole", "as it is, 10 s", "as it is, 10 s", "as it is, 8 s", "as it is, 8 s"]
    assert kinds[5:] == [f"{damage}, {length}" for damage in list(DAMAGE)[1:] for length in ("whole", "10 s", "8 s")]
    assert all(row.shape == (70,) and np.isfinite(row).all() for _, row in found)
    assert {row.tobytes() for _, row in found}.__len__() == len(found)


def test_works_of_authors_that_are_held_out_are_not_measured(shared_music: Path) -> None:
    config = RecordingsConfig(file=Path("any"), works=1000, seed=1)
    excerpts = music.read(shared_music)
    works = recordings.chosen(config, shared_music)
    unheard = music.held_out(excerpts)
    assert len(works) == len({each.work for each in works}) > 100
    assert not {each.author for each in works} & unheard
    assert all(each.electronic for each in works)
    few = recordings.chosen(config.model_copy(update={"works": 7}), shared_music)
    assert few == works[:7]


def test_music_is_measured_in_pairs_and_kept(tmp_path: Path) -> None:
    lines = ["file,source,inner,licence,artist,title,group,electronic"]
    for number in range(9):
        write_wav(tmp_path / f"{number}.wav", SOUND * np.float32((1 + number) / 10), RATE)
        lines.append(f"{number}.wav,s,{number},CC0,,,album,1")
    (tmp_path / music.MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8")
    shares: list[float] = []
    config = RecordingsConfig(file=Path("any"), works=8, seed=1)
    pairs = recordings.measure(config, tmp_path, shares.append)
    assert shares == [count / 8 for count in range(1, 9)]
    assert set(pairs) <= set(KINDS)
    assert pairs["as it is, 8 s"].before.shape == (16, 70)
    assert pairs["coded, whole"].after.shape == (8, 70)
    assert pairs["narrow, whole"].after[:, 3].max() < pairs["narrow, whole"].before[:, 3].min()  # the centroid falls
    recordings.save(pairs, tmp_path / "kept.npz")
    kept = recordings.load(tmp_path / "kept.npz")
    assert list(kept) == list(pairs)
    for kind, each in pairs.items():
        assert kept[kind].after == pytest.approx(each.after, rel=1e-3, abs=1e-6)


def test_the_shipped_descriptors_are_of_many_recordings() -> None:
    pairs = recordings.load(read_recipe(FILES["house12"]).recordings.file)
    assert set(pairs) <= set(KINDS)
    assert sum(len(each.before) for each in pairs.values()) > 1000
    text = FILES["house12"].with_name("house12-recordings.md").read_text(encoding="utf-8")
    assert "From these 80 works" in text
    assert text.count("\n| ") == 80 + 1


@pytest.mark.parametrize("content", [b"no archive", None])
def test_a_file_that_is_missing_or_of_another_kind_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.npz"
    if content:
        path.write_bytes(content)
    with pytest.raises(TableError, match=r"other\.npz: (not the|no such) descriptors of recordings"):
        recordings.load(path)


def test_the_rate_is_that_of_the_descriptors() -> None:
    assert (RATE, HEARD) == (44_100, 22_050)
