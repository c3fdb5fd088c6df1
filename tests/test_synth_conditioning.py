"""Tracks that follow a row of the tables: the row here is made from a rendered track, so its answer is known."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from earmark.learning.networks.frontend import Descriptors
from earmark.synth import Track, cepstrum, conditioning, render
from earmark.synth.harmony import Key
from earmark.testing import clicks_at, tone

RATE = 22_050


def measured(waveform: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(Descriptors()(torch.from_numpy(waveform)[None])[0])


def row_of(style: str, seed: int, bpm: float) -> dict[str, str]:
    """A row as the tables have it, measured by the front end of the networks."""
    values = measured(render(style, seed, 8.0, sample_rate=RATE, bpm=bpm).waveform)
    row = {f"{index + 1}-descriptor": str(value) for index, value in enumerate(values[:68])}
    return row | {"71-BPMessentia": str(bpm), "80-onset_rate": "5.5"}


def test_cepstra_equal_the_descriptors_of_the_networks() -> None:
    waveform = render("Trance", 1, 4.0, sample_rate=RATE).waveform
    waveform = waveform / np.abs(waveform).max()
    cepstra = cepstrum.by_second(cepstrum.cepstra(cepstrum.magnitudes(waveform, RATE)))
    assert cepstra.mean(axis=(0, 1)) == pytest.approx(measured(waveform)[8:21], abs=0.02)
    assert cepstra.std(axis=1).mean(axis=0) == pytest.approx(measured(waveform)[42:55], abs=0.02)


def test_a_conditioned_track_has_the_tempo_cepstra_and_energy_of_its_row() -> None:
    row = row_of("Deep House", 5, 121.0)
    target = np.array([float(row[f"{index + 1}-descriptor"]) for index in range(68)])
    plain = conditioning.render_row(row, "Techno / Tech House", 7, 8.0, sample_rate=RATE, passes=0)
    followed = conditioning.render_row(row, "Techno / Tech House", 7, 8.0, sample_rate=RATE)
    before = np.abs(measured(plain.waveform)[:68] - target)
    after = np.abs(measured(followed.waveform)[:68] - target)
    assert followed.truth.bpm == plain.truth.bpm
    assert after[8:21].mean() < 0.35 * before[8:21].mean(), "mean cepstra"
    assert after[42:55].mean() < 0.5 * before[42:55].mean(), "deviations of the cepstra"
    assert after[1] < 0.3 * target[1], "energy"
    assert np.abs(followed.audio).max() <= 0.98
    assert np.abs(followed.audio.mean(axis=1)).max() < 2e-3


@pytest.mark.parametrize(("bpm", "folded"), [(87.0, 174.0), (174.0, 174.0), (43.5, 174.0), (122.0, 122.0)])
def test_tempi_fold_into_the_octave_of_the_style(bpm: float, folded: float) -> None:
    low, high = (170.0, 177.0) if folded > 150 else (119.0, 126.0)
    assert conditioning.fold_tempo(bpm, low, high) == folded


def test_the_key_of_a_chroma_vector_is_found() -> None:
    chroma = np.full(12, 0.01)
    chroma[[(7 + step - 9) % 12 for step in (0, 2, 3, 5, 7, 8, 10)]] = 0.1  # G minor, counted from A
    chroma[(7 - 9) % 12] = 0.3
    assert conditioning.nearest_key(chroma, ("minor", "major")) == Key(7, "minor")


def test_energy_is_reached_by_the_limiter() -> None:
    track = render("EDM & Big Room", 2, 4.0, sample_rate=RATE)
    mix = np.sum(list(track.stems.values()), axis=0)
    for energy in (0.15, 0.2, 0.3):
        limited = conditioning.shoulder(mix / conditioning.loudest(mix, energy))
        assert np.abs(limited).max() <= 1
        assert conditioning.power_over_peak(limited.mean(axis=0)) == pytest.approx(energy, rel=0.15)


def test_the_balance_at_the_beats_is_where_the_energy_is() -> None:
    beats = tuple(np.arange(0.1, 3.9, 0.5))
    waveform = clicks_at(beats, 4.0, RATE, hz=1000.0) + tone(100.0, 4.0, RATE, level=0.001)
    balance = conditioning.beat_balance(cepstrum.magnitudes(waveform, RATE), beats)
    assert balance.sum() == pytest.approx(1)
    assert balance.argmax() == 3  # 800 to 1600 Hz
    assert balance[3] > 0.6


def test_a_conditioned_track_takes_the_balance_of_its_row_at_the_beats() -> None:
    wanted = np.array([0.25, 0.15, 0.15, 0.15, 0.15, 0.15])
    row = row_of("Deep House", 5, 121.0)
    asked = row | {f"{81 + band}-balance": str(share) for band, share in enumerate(wanted)}

    def distance(track: Track) -> float:
        heard = conditioning.as_measured(track.audio, RATE)
        found = conditioning.beat_balance(cepstrum.magnitudes(heard, RATE), track.truth.beats)
        return float(np.abs(found - wanted).sum() / 2)

    silent_about_it, told = (
        conditioning.render_row(each, "Deep House", 7, 8.0, sample_rate=RATE) for each in (row, asked)
    )
    assert distance(told) < 0.8 * distance(silent_about_it)


def test_fluctuation_is_the_deviation_within_a_second_against_the_mean() -> None:
    assert conditioning.fluctuation(np.full(60, 0.3)) == pytest.approx(0, abs=1e-12)
    assert conditioning.fluctuation(np.tile([0.0, 0.5], 30)) == pytest.approx(1)
    sections = np.repeat([0.1, 0.4], 20)
    assert conditioning.fluctuation(sections) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("model", "style", "seed"), [("Trance", "Deep House", 0), ("Techno / Tech House", "EDM & Big Room", 6)]
)
def test_the_energy_fluctuates_within_a_second_as_in_the_row(model: str, style: str, seed: int) -> None:
    row = row_of(model, seed, 124.0)
    followed = conditioning.render_row(row, style, seed, 8.0, sample_rate=RATE)
    heard = measured(followed.waveform)
    assert heard[35] == pytest.approx(float(row["36-descriptor"]), rel=0.15)
    assert heard[1] == pytest.approx(float(row["2-descriptor"]), rel=0.1)


def test_the_energy_follows_real_rows_closer_than_before(shared_data: Path) -> None:
    with (shared_data / "beatport_2021jan.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in rows[0] if name.split("-", 1)[0] in {"2", "36"}]  # mean and deviation of the energy
    table = np.array([[float(row[name]) for name in columns] for row in rows])
    genres = {
        "Big Room": "EDM & Big Room",
        "Electro House": "Electro & Future House",
        "Deep House": "Deep House",
        "Dubstep": "Brostep",
        "Trance": "Trance",
        "Drum&Bass": "Drum & Bass",
    }
    distances = []
    for seed, (genre, style) in enumerate(genres.items()):
        chosen = next(index for index, row in enumerate(rows) if row["genre"] == genre)
        for passes in (0, conditioning.PASSES):
            track = conditioning.render_row(rows[chosen], style, seed, 10.0, sample_rate=RATE, passes=passes)
            distances.append(np.abs(measured(track.waveform)[[1, 35]] - table[chosen]) / table.std(axis=0))
    before, after = np.array(distances).reshape(-1, 2, 2).mean(axis=0)
    assert after[0] < 0.5 * before[0], "mean of the energy"
    assert after[1] < min(0.6, before[1]), "its deviation within a second"
