"""A track as bytes that a browser can play, and as an outline."""

import asyncio
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.responses import StreamingResponse

from earmark.audio import Recording, Waveform
from earmark.errors import UnreadableAudio
from earmark.testing import click_train, tone, write_wav
from earmark.web import sound
from earmark.web.waveform import BINS, RATE, Drawing, Outline, outline

SECONDS = 2.0


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file that no browser is asked to play."""
    path = tmp_path_factory.mktemp("sound") / "tone.wav"
    write_wav(path, tone(441, SECONDS, 44_100), 44_100)
    return path.rename(path.with_suffix(".aifx"))


def _body(response: object) -> bytes:
    assert isinstance(response, StreamingResponse)

    async def read() -> bytes:
        return b"".join([part async for part in response.body_iterator])  # type: ignore[misc]

    return asyncio.run(read())


def test_what_no_browser_plays_becomes_a_wav_file(odd: Path, tmp_path: Path) -> None:
    decoded = tmp_path / "decoded.wav"
    decoded.write_bytes(_body(sound.respond(odd)))
    with wave.open(str(decoded)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (44_100, 1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
    assert samples.size == 44_100 * SECONDS
    assert np.abs(samples - tone(441, SECONDS, 44_100)).max() < 1e-4


@pytest.mark.parametrize(
    ("first", "last"), [(0, 43), (10, 99), (44, 45), (45, 1044), (100_000, 176_443), (176_440, 176_443)]
)
def test_any_part_of_it_is_the_same_bytes(odd: Path, first: int, last: int) -> None:
    whole = _body(sound.respond(odd))
    part = sound.respond(odd, f"bytes={first}-{last}")
    assert part.status_code == 206
    assert part.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
    assert _body(part) == whole[first : last + 1]


def test_the_last_bytes_and_an_open_end(odd: Path) -> None:
    whole = _body(sound.respond(odd))
    assert _body(sound.respond(odd, "bytes=-8")) == whole[-8:]
    assert _body(sound.respond(odd, "bytes=176000-")) == whole[176000:]
    assert _body(sound.respond(odd, "bytes=x-y")) == whole


def test_what_is_damaged_on_the_way_goes_on_in_silence(odd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = Recording.blocks

    def damaged(recording: Recording, rate: int, **named: Any) -> Iterator[Waveform]:  # noqa: ANN401  as `blocks`
        yield next(blocks(recording, rate, **named))[:1000]
        raise UnreadableAudio(recording.path, "damaged")

    whole = _body(sound.respond(odd))
    monkeypatch.setattr(Recording, "blocks", damaged)
    assert _body(sound.respond(odd)) == whole[:2044] + bytes(len(whole) - 2044)


@pytest.mark.parametrize("wanted", ["items=0-4", "bytes=9-5", "bytes=-", "bytes=0-1,4-5", "bytes=" + "9" * 5000 + "-"])
def test_a_range_that_cannot_be_read_asks_for_all(odd: Path, wanted: str) -> None:
    answer = sound.respond(odd, wanted)
    assert (answer.status_code, "content-range" in answer.headers) == (200, False)
    assert int(answer.headers["content-length"]) == 44 + 2 * 44_100 * SECONDS


@pytest.mark.parametrize("wanted", ["bytes=176444-", "bytes=999999-9999999", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(odd: Path, wanted: str) -> None:
    answer = sound.respond(odd, wanted)
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */176444")


def test_the_head_of_a_file_of_fourteen_hours() -> None:
    assert sound.header(2 * 44_100 * 3600 * 14)[4:8] == b"\xff" * 4


def test_a_recording_that_is_shorter_than_was_heard_ends_in_silence(odd: Path) -> None:
    longer = _body(sound.respond(odd, duration=SECONDS + 1))
    assert len(longer) == 44 + 2 * 44_100 * (SECONDS + 1)
    assert not any(longer[-80_000:])


def _drawn(sound: Waveform, *, rate: int = RATE, block: int = 1 << 30) -> Outline:
    drawing = Drawing(rate)
    for start in range(0, len(sound), block):
        drawing.add(sound[start : start + block])
    return drawing.outline()


def test_the_outline_shows_clicks_where_they_are() -> None:
    peaks = _drawn(click_train(bpm=60, seconds=4.0, sample_rate=RATE)).peaks
    assert peaks.size == 4 * BINS
    loud = np.flatnonzero(peaks > 100)
    assert set(loud // BINS) == {0, 1, 2, 3}
    assert (loud % BINS).max() <= 2
    assert _drawn(np.zeros(0, np.float32)).peaks.size == 0
    assert _drawn(np.full(RATE, 2.0, np.float32)).peaks.max() == 255


def test_an_outline_is_the_same_however_the_sound_comes() -> None:
    sound = np.random.default_rng(0).normal(0, 0.3, 3 * RATE + 17).astype(np.float32)
    whole, pieces = _drawn(sound), _drawn(sound, block=1000)
    assert whole.peaks.size == 3 * BINS + 1
    assert whole.peaks[7] == round(255 * min(1.0, float(np.abs(sound[7 * 441 : 8 * 441]).max())))
    assert (pieces.peaks == whole.peaks).all()
    assert (pieces.bands == whole.bands).all()


@pytest.mark.parametrize(("hz", "band"), [(80, 0), (600, 1), (5000, 2)])
@pytest.mark.parametrize("rate", [RATE, 11_025, 48_000])
def test_a_tone_is_drawn_in_its_band(hz: float, band: int, rate: int) -> None:
    drawn = _drawn(tone(hz, 2.0, rate, level=0.4), rate=rate)
    levels = drawn.bands[:, 10:-10].mean(1)
    assert levels[band] == pytest.approx(0.4 * 255, rel=0.1)
    assert np.delete(levels, band).max() < 30
    assert (drawn.bands <= drawn.peaks).all()
    assert drawn.peaks.size == pytest.approx(2 * drawn.bins, abs=1)


def test_a_file_is_outlined_at_its_own_length(odd: Path) -> None:
    peaks = outline(odd, 0).peaks
    assert peaks.size == pytest.approx(SECONDS * BINS, abs=1)
    assert peaks[10:-10].min() > 120  # a tone of level 0.5
