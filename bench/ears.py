"""mn04 as an ear of a pool, at 22,050 Hz, beside mn04 as it was published, at 32,000 Hz; the cost of three ears.

    python bench/ears.py FOLDER... --teachers TEACHERS

FOLDER holds music: one in `--every` of its files is heard, stretches of ten seconds, 20 s apart, a minute at most.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from earmark.audio import decode
from earmark.hearing import Model
from earmark.learning.downloads import MN04
from earmark.learning.networks import mn04
from earmark.learning.networks.mn04_ear import HEARD, Mn04Ear
from earmark.learning.networks.yamnet.classes import NAMES, STYLES

SUFFIXES = {".aiff", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav"}
SECONDS, APART, LONGEST = 10, 20, 60


def stretches(path: Path, rate: int) -> list[torch.Tensor]:
    """Stretches of ten seconds, (1, samples), with a peak of 1, as a pool gives them to its ear."""
    waveform = decode(path, rate, duration=LONGEST)
    starts = range(0, int(len(waveform) / rate) - SECONDS + 1, APART)
    cut = [torch.from_numpy(waveform[start * rate : (start + SECONDS) * rate])[None] for start in starts]
    return [stretch / stretch.abs().max().clamp_min(1e-3) for stretch in cut]


@torch.no_grad()
def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--teachers", type=Path, required=True)
    parser.add_argument("--every", type=int, default=11)
    options = parser.parse_args()
    torch.set_num_threads(1)
    published = mn04.read(options.teachers / MN04.file)
    ear = Mn04Ear().eval()
    ear.network.load_state_dict(published.state_dict())
    scores: dict[str, list[torch.Tensor]] = {"published": [], "ear": [], "empty": []}
    distances = []
    for folder in options.folders:
        files = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
        for path in files[:: options.every] if len(files) > options.every else files:
            pairs = zip(stretches(path, mn04.SAMPLE_RATE), stretches(path, ear.sample_rate), strict=False)
            for high, low in pairs:
                whole, heard = published.front_end(high), ear.front_end(low)
                distances.append(float((whole[..., 2 : 2 + heard.shape[-1]] - heard)[:, :, :HEARD].abs().mean()))
                empty = heard.clone()
                empty[:, :, HEARD:] = (np.log(mn04.OFFSET) + 4.5) / 5
                for name, spectrogram in (("published", whole), ("ear", heard), ("empty", empty)):
                    scores[name].append(mn04.of_yamnet(published.hear(spectrogram)[0]))
    found = {name: torch.cat(rows)[:, list(STYLES)].numpy() for name, rows in scores.items()}
    true = found.pop("published")
    print(f"{len(true)} stretches; spectra in the {HEARD} bands that are heard: mean distance {np.mean(distances):.4f}")
    for name, values in found.items():
        by_class = [np.corrcoef(true[:, index], values[:, index])[0, 1] for index in range(len(STYLES))]
        same = (true.argmax(1) == values.argmax(1)).mean()
        each = ", ".join(f"{NAMES[number]} {value:.3f}" for number, value in zip(STYLES, by_class, strict=True))
        print(f"{name}: correlation {np.mean(by_class):.3f} ({each}); the loudest is the same in {same:.0%}")
    for model in ("house12", "house12+ears"):
        print(f"{model}: {1000 * processor_seconds(model):.0f} ms of processor time for a window of 29.12 s")


def processor_seconds(name: str) -> float:
    """The median processor time for a window of noise, of nine."""
    model = Model.open(name)
    rate = model.config.sample_rate
    window = np.random.default_rng(0).normal(0, 0.1, (1, round(model.config.window * rate))).astype(np.float32)
    model.run(window)
    times = []
    for _ in range(9):
        start = time.process_time()
        model.run(window)
        times.append(time.process_time() - start)
    return float(np.median(times))


if __name__ == "__main__":
    main()
