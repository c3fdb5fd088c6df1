"""How closely an ear follows its teachers, beside the first ear and the teachers themselves: writes a JSON file.

    python bench/ear.py EAR.safetensors --music MUSIC --teachers TEACHERS --real FOLDER --first HOUSE12 OUT

HOUSE12 is the bundle `house12` of a version before this ear.

Held-out music and real files in stretches of 10 s (and held-out music in stretches of 3 s and of 29.12 s), for each
class; the answers of the teachers are kept in OUT.cache, as asking them takes some minutes of a processor.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from earmark.hearing.session import open_session
from earmark.learning.bundle import export_onnx
from earmark.learning.networks import ARCHITECTURES
from earmark.learning.networks.ear import EarScores
from earmark.recipes import music
from earmark.recipes.distillation import card, fidelity, teachers
from earmark.recipes.distillation.fidelity import Judged
from earmark.recipes.distillation.recipe import read_recipe
from earmark.recipes.distillation.teachers import OUTPUTS
from earmark.recipes.shipped import FILES

TOUCHING = 0.97  # seconds from one patch of the first ear to the next: all of a stretch is heard
SHIPPED = 2.912  # seconds, as it is shipped
WINDOW = 29.12  # seconds
TURNS = 30


class First(nn.Module):
    """The first ear, out of a pool that has it, as `fidelity.answers` asks: logits of its mean scores."""

    def __init__(self, pool: Path, every: float) -> None:
        super().__init__()
        weights = load_file(pool / "weights.safetensors")
        self.scores = EarScores(len(OUTPUTS), every)
        self.scores.load_state_dict({name[4:]: value for name, value in weights.items() if name.startswith("ear.")})

    def forward(self, waveform: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As every network answers."""
        scores, embedding = self.scores(waveform)
        return scores.mean(1).clamp(1e-7, 1 - 1e-7).logit(), embedding.mean(1)


class InTurn(nn.Module):
    """An ear that is asked about ten seconds after ten seconds; the mean of its scores."""

    def __init__(self, network: nn.Module, samples: int) -> None:
        super().__init__()
        self.network, self.samples = network, samples

    def forward(self, waveform: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As every network answers."""
        parts = [self.network(part) for part in torch.split(waveform, self.samples, 1)]
        scores = torch.stack([logits.sigmoid() for logits, _ in parts]).mean(0)
        return scores.clamp(1e-7, 1 - 1e-7).logit(), parts[0][1]


def judged(name: str, paths: list[Path], folder: Path, cache: Path, seconds: float, asked: tuple[str, ...]) -> Judged:
    """The answers of the teachers about files, kept."""
    path = cache / f"{name}.npz"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = fidelity.judge(paths, teachers.opened(folder, torch.device("cpu"), asked), seconds)
        np.savez(path, waveforms=fresh.waveforms, **fresh.scores)  # type: ignore[arg-type]
    with np.load(path) as arrays:
        return Judged(arrays["waveforms"], {key: arrays[key] for key in arrays if key != "waveforms"})


def milliseconds(networks: dict[str, nn.Module], samples: int) -> dict[str, dict[str, float]]:
    """Median and best processor time of one thread for a window, in turns, so that what else runs hits all alike."""
    sessions = {
        name: open_session(Path(name), export_onnx(network, samples, any_length=False))
        for name, network in networks.items()
    }
    waveform = (0.1 * np.random.default_rng(0).standard_normal((1, samples))).astype(np.float32)
    taken: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(TURNS):
        for name, session in sessions.items():
            began = time.thread_time()
            session.run(None, {"waveform": waveform})
            taken[name].append(1000 * (time.thread_time() - began))
    return {name: {"median": float(np.median(each)), "best": min(each)} for name, each in taken.items()}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("ear", "out"):
        parser.add_argument(name, type=Path)
    for name in ("music", "teachers", "real", "first"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--network", default="bag")
    parser.add_argument("--tags", action="store_true", help="ask musicnn as well, which takes long")
    given = parser.parse_args()
    torch.set_num_threads(1)

    network = ARCHITECTURES["ear10"](len(OUTPUTS), **read_recipe(FILES["ear"]).networks[given.network]).eval()
    network.load_state_dict(load_file(given.ear))
    excerpts = music.read(given.music)
    unheard = music.held_out(excerpts)
    held = [given.music / each.file for each in excerpts if each.author in unheard]
    electronic = [given.music / each.file for each in excerpts if each.author in unheard and each.electronic]
    real = sorted(path for path in given.real.rglob("*.*") if path.suffix not in {".md", ".txt", ".json", ".csv"})
    cache = given.out.with_name(given.out.name + ".cache")
    asked = tuple(teachers.TEACHERS) if given.tags else ("YAMNet", "mn04")
    found: dict[str, object] = json.loads(given.out.read_text(encoding="utf-8")) if given.out.exists() else {}
    tagged = " with tags" if given.tags else ""
    for name, paths, seconds in (
        ("real files, 10 s", real, 10.0),
        ("held-out music, 10 s", held, 10.0),
        ("held-out electronic music, 10 s", electronic, 10.0),
        ("held-out music, 3 s", held, 3.0),
        ("held-out music, 29.12 s", held, WINDOW),
    ):
        sound = judged(name + tagged, paths, given.teachers, cache, seconds, asked)
        students: dict[str, nn.Module] = {
            "new ear": network,
            "first ear, touching patches": First(given.first, TOUCHING).eval(),
        }
        if seconds > SHIPPED:
            students["first ear, as shipped"] = First(given.first, SHIPPED).eval()
        if seconds == WINDOW:
            students["new ear, ten seconds at a time"] = InTurn(network, 10 * 22_050)
        rows = {title: fidelity.compare(fidelity.answers(each, sound), sound) for title, each in students.items()}
        found[name + tagged] = {title: each.as_json() for title, each in (rows | card.of_teachers(sound)).items()}
        given.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
        print(name, {title: round(each.mean, 3) for title, each in rows.items()}, flush=True)
    found["milliseconds of one thread for 29.12 s"] = milliseconds(
        {"new ear": network, "first ear, as shipped": First(given.first, SHIPPED).eval()}, round(WINDOW * 22_050)
    )
    given.out.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
