"""Reasons why two tracks sound alike."""

import numpy as np
import pytest

from earmark.analysis import Analysis, Key
from earmark.hearing import Model
from earmark.hearing.qualities import qualities
from earmark.library.likeness import keys_mix, likeness
from earmark.testing.tracks import heard_track, steady


def heard(style: str = "Deep House", bpm: float | None = 124.0, key: str | None = "Am", **more: object) -> Analysis:
    rhythm = None if bpm is None else steady(bpm, 0, 300)
    track = heard_track("/a", {style: 0.9}, rhythm=rhythm, key=Key.from_name(key) if key else None, **more)  # type: ignore[arg-type]
    assert track.analysis
    return track.analysis


def test_all_reasons_in_words() -> None:
    why = likeness(
        heard(bpm=125.0, key="Em"),
        heard(),
        {"bright": 1.5, "calm": 0.9, "even": 2.0},
        {"bright": 1.2, "calm": 1.7, "even": 0.1},
    )
    assert str(why) == "Deep House; tempo -0.8%; key 9A mixes; as loud; both bright, calm"
    assert why.as_json() == {
        "style": "Deep House",
        "family": "House",
        "tempo": {"times": 1.0, "turn": -0.008},
        "key_mixes": True,
        "louder": 0.0,
        "sounds": ["bright", "calm"],
        "text": str(why),
    }


@pytest.mark.parametrize(
    ("bpm", "octave", "words"),
    [
        (124.0, 1.0, "same tempo"),
        (130.0, 1.0, "tempo -4.6%"),
        (62.5, 0.5, "half the tempo -0.8%"),
        (248.0, 2.0, "twice the tempo"),
        (140.0, None, ""),
        (None, None, ""),
    ],
)
def test_tempi_meet_in_three_octaves(bpm: float | None, octave: float | None, words: str) -> None:
    why = likeness(heard("Trance", bpm=bpm, key=None), heard(key="C"))
    assert (why.octave, str(why).removesuffix("as loud").rstrip("; ")) == (octave, words)


def test_family_is_named_where_the_style_differs_and_nothing_of_what_nobody_knows() -> None:
    assert str(likeness(heard("Progressive House", bpm=None, key=None), heard())) == "House family; as loud"
    unknown = likeness(heard(unknown=True, bpm=None), heard(unknown=True, bpm=None))
    assert unknown.style == ""


def test_keys_that_mix_are_neighbours_on_the_wheel() -> None:
    codes = [f"{hour}{letter}" for hour in range(1, 13) for letter in "AB"]
    assert all(sum(keys_mix(one, other) for other in codes) == 4 for one in codes)
    assert all(keys_mix(one, other) == keys_mix(other, one) for one in codes for other in codes)
    assert [code for code in codes if keys_mix("12B", code)] == ["1B", "11B", "12A", "12B"]


def test_words_for_sounds_are_right_about_known_ones() -> None:
    model = Model.open("house12")
    rate = model.config.sample_rate
    time = np.arange(10 * rate) / rate
    rng = np.random.default_rng(0)
    noise = 0.3 * rng.normal(size=time.size)
    hum = 0.5 * np.sin(2 * np.pi * 110 * time) * (1 + 0.2 * np.sin(2 * np.pi * 0.3 * time))
    clicks = np.where(time % 0.5 < 0.01, 1.0, 0.002) * rng.normal(size=time.size)
    pump = 0.5 * np.sin(2 * np.pi * 110 * time) * (time % 0.5 / 0.5) ** 2

    def words(waveform: np.ndarray[tuple[int], np.dtype[np.float64]]) -> set[str]:
        found = qualities(model.config, model.hear(waveform.astype(np.float32)).embedding)
        return {word for word, much in found.items() if much > 1}

    assert words(noise) == {"bright", "noisy", "even", "steady in colour", "with headroom"}
    assert words(hum) == {"dark", "tonal", "steady in colour", "pressed"}
    assert {"bright", "noisy", "with headroom"} <= words(clicks)
    assert words(pump) == {"dark", "tonal", "steady in colour", "pumping"}


def test_a_model_without_descriptors_has_no_words() -> None:
    assert qualities(Model.open("emusic12").config, np.ones(832)) == {}
