"""What each part of hearing costs in a running process: CPU time, as a multiple of decoding the same file.

    python -m bench.parts [FILE]

Writes the section `parts` of docs/benchmarks.md. Without a file it takes five minutes of the examples. The parts take
turns; the figure is the median of the ratios of the rounds. docs/decisions/019-one-pass-several-spectra.md draws its
conclusions from it.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.arguments import arguments
from bench.page import table, write
from bench.programs import conditions, median, track

from earmark.audio import Recording, Sound, Waveform
from earmark.hearing import Model, bundle
from earmark.hearing.activity import Activity
from earmark.hearing.key import PitchAccumulator, estimate_key
from earmark.hearing.loudness import KWeighting, Meter, true_peak
from earmark.hearing.optimised import open_network
from earmark.hearing.rhythm import OnsetAccumulator, estimate_rhythm
from earmark.hearing.session import open_session

ROUNDS = 5


def decode(path: Path) -> None:
    """Decode and throw away."""
    with Recording(path) as recording:
        for packet in recording.packets():
            packet.decode()


def parts(path: Path, model: Model) -> dict[str, Callable[[], object]]:
    """Each part on what it gets from the parts before it, which is held in memory."""
    rate = model.config.sample_rate
    sounds: list[Sound] = []
    with Recording(path) as recording:
        blocks = list(recording.blocks(rate, tap=sounds.append))
    windows = [waveform for _, waveform in model.windows(blocks)]
    onsets = OnsetAccumulator(rate)
    heard_by(onsets, blocks)
    envelopes = onsets.envelopes()

    def mixed() -> None:
        with Recording(path) as recording:
            for _ in recording.blocks(rate, tap=lambda _: None):
                pass

    def weighted() -> None:
        weighting = KWeighting(len(sounds[0].channels), sounds[0].rate)
        for sound in sounds:
            weighting.filter(sound.channels)

    def peaks() -> None:
        peak = 0.0
        for sound in sounds:
            peak = true_peak(sound.channels, sound.rate, peak)

    def loudness() -> None:
        meter = Meter()
        for sound in sounds:
            meter.add(sound)
        meter.loudness()

    def key() -> None:
        pitches = PitchAccumulator(rate)
        heard_by(pitches, blocks)
        estimate_key(pitches.pitches())

    return {
        "decoding alone": lambda: decode(path),
        "decoding, mixing, resampling": mixed,
        "the network": lambda: [model.run(window[None]) for window in windows],
        "activity": lambda: heard_by(Activity(rate), windows),
        "onsets": lambda: heard_by(OnsetAccumulator(rate), blocks),
        "tempo, beats and bars from them": lambda: estimate_rhythm(envelopes),
        "key": key,
        "loudness": loudness,
        "of it the weighting": weighted,
        "of it true peaks": peaks,
    }


def openings(model: Model) -> dict[str, Callable[[], object]]:
    """What opening a network costs once, not for each track."""

    def directly() -> None:
        bundle.require_intact(model.folder, model.config, bundle.NETWORK, bundle.WEIGHTS)
        open_session(model.folder / bundle.NETWORK)

    kept = partial(open_network, model.folder, model.config)
    return {"opening the network from its own files, once": directly, "opening it as it was kept": kept}


def heard_by(accumulator: OnsetAccumulator | PitchAccumulator | Activity, blocks: list[Waveform]) -> None:
    """Give all blocks to an accumulator."""
    for block in blocks:
        accumulator.add(block)


def main() -> None:
    """Measure, and write the section."""
    given = arguments(__doc__, "[FILE]")
    path = Path(*given) if given else track(300)
    model = Model.open("house12")
    ways = {**parts(path, model), **openings(model)}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS + 1):
        for name, way in ways.items():
            before = time.process_time()
            way()
            seconds[name].append(time.process_time() - before)
    whole = seconds["decoding alone"][1:]
    rows = [
        (name, median([one / other for one, other in zip(values[1:], whole, strict=True)]))
        for name, values in seconds.items()
    ]
    write(
        "parts",
        f"""{conditions()}
Five minutes of mp3 in one process; decoding is earmark's own, by PyAV; the median of {ROUNDS} rounds
(smallest–largest).

{table(("part", "multiple of decoding"), rows)}""",
    )


if __name__ == "__main__":
    main()
