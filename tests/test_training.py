"""Training: what is drawn and changed, the loop on tracks that are easy to tell apart, and going on after a break."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from earmark.audio import Waveform
from earmark.errors import EarmarkError, ManifestError
from earmark.hearing import Listener, Model
from earmark.learning import bundle
from earmark.learning.data import manifest as manifests
from earmark.learning.data.manifest import Manifest, ManifestEntry
from earmark.learning.data.windows import WindowCache
from earmark.learning.networks import ARCHITECTURES, AudioNetwork
from earmark.learning.networks.convolutions import Convolutions
from earmark.learning.recipe import checked
from earmark.learning.training import augment, checkpoint, loop
from earmark.learning.training import report as reporting
from earmark.learning.training.batches import epoch_draws, hear, share_of
from earmark.learning.training.checkpoint import Progress
from earmark.learning.training.config import Augmentation, Machine, TrainConfig, read_config
from earmark.learning.training.loop import ignore, train
from earmark.learning.training.objective import OBJECTIVES, Scale
from earmark.learning.training.optimiser import adamw, warm_cosine
from earmark.learning.training.report import Report
from earmark.learning.training.run import CHECKPOINT, CURVES, METRICS, Run, Step, prepare
from earmark.testing import noise, tone, write_wav

RATE = 12_000  # Hz
ROOT = Path(__file__).parents[1]
SMALL = TrainConfig(
    name="small",
    architecture="fcn",
    settings={"depth": 3, "width": 1 / 32, "dropout": 0.0},
    epochs=3,
    batch_size=4,
    learning_rate=1e-2,
    windows=1,
    precision="32-true",
)
CPU = Machine(accelerator="cpu")
NONE = Augmentation(gain=0, shift=0, speed=0, equaliser=0, codec=0, mixup=0, frequency_masks=0, time_masks=0)


def peak(waveform: Waveform) -> float:
    """The frequency of the strongest bin, in Hz."""
    return float(np.abs(np.fft.rfft(waveform * np.hanning(len(waveform)))).argmax() * RATE / len(waveform))


def level(waveform: Waveform) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(waveform, dtype=np.float64)))))


def hiss(seconds: float) -> Waveform:
    return noise(seconds, sample_rate=RATE, rng=np.random.default_rng(1))


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# What is changed in a window


def test_nothing_is_changed_where_nothing_may_be() -> None:
    stretch = hiss(4.0)
    drawn = augment.draw(stretch, 3 * RATE, RATE, NONE, generator())
    assert np.array_equal(drawn, stretch[RATE // 2 : -RATE // 2])


def test_a_short_stretch_is_followed_by_silence() -> None:
    drawn = augment.draw(
        tone(440, 1.0, sample_rate=RATE), 3 * RATE, RATE, Augmentation(equaliser=0, codec=0), generator()
    )
    assert len(drawn) == 3 * RATE
    assert not drawn[int(1.1 * RATE) :].any()


@given(st.integers(0, 1000))
def test_the_gain_stays_in_its_range(seed: int) -> None:
    settings = NONE.model_copy(update={"gain": 6.0})
    stretch = hiss(1.0)
    drawn = augment.draw(stretch, RATE, RATE, settings, generator(seed))
    assert -6.01 < level(drawn) - level(stretch) < 6.01


def test_speed_moves_a_tone_by_as_much() -> None:
    settings = NONE.model_copy(update={"speed": 0.04})
    peaks = [
        peak(augment.draw(tone(1000, 5.0, sample_rate=RATE), 4 * RATE, RATE, settings, generator(seed)))
        for seed in range(30)
    ]
    assert 955 < min(peaks) < 975
    assert 1025 < max(peaks) < 1045


def test_a_shift_moves_a_click_by_no_more_than_allowed() -> None:
    settings = NONE.model_copy(update={"shift": 0.5})
    stretch = np.zeros(5 * RATE, np.float32)
    stretch[len(stretch) // 2] = 1
    places = [augment.draw(stretch, 3 * RATE, RATE, settings, generator(seed)).argmax() / RATE for seed in range(40)]
    assert 1.0 <= min(places) < 1.1
    assert 1.9 < max(places) <= 2.0


def test_the_equaliser_falls_beyond_its_cut_offs_and_bends_little_between() -> None:
    white = hiss(10.0)
    for seed in range(10):
        changed = augment.equalise(white, RATE, generator(seed))
        gain = np.abs(np.fft.rfft(changed)) / np.abs(np.fft.rfft(white))
        decibel = 20 * np.log10(gain[:: len(gain) // 6000][:6000])  # one for each Hz
        assert abs(decibel[1000]) < 1.0
        assert abs(decibel[1000] - decibel[500]) < 3.1
        assert decibel[5] < -30 + 16  # two octaves and more below the lowest cut-off, less the tilt


def test_a_codec_that_leaves_nothing_out_gives_the_waveform_back() -> None:
    waveform = hiss(1.3)
    assert augment.lose(waveform, 400.0) == pytest.approx(waveform, abs=1e-6)


def test_a_codec_keeps_what_is_strong_and_leaves_out_what_is_weak_beside_it() -> None:
    strong, weak = tone(1000, 2.0, sample_rate=RATE), tone(1090, 2.0, sample_rate=RATE) * 0.01
    left = augment.lose(strong + weak, 20.0)[2048:-2048]
    spectrum = np.abs(np.fft.rfft(left * np.hanning(len(left))))
    hz = len(left) / RATE
    assert 20 * np.log10(spectrum[round(1090 * hz)] / spectrum[round(1000 * hz)]) < -50
    assert level(left) == pytest.approx(level(strong), abs=0.1)


def test_masks_cover_no_more_than_allowed_and_leave_the_rest() -> None:
    spectrogram = torch.randn(6, 1, 96, 400)
    settings = Augmentation(frequency_masks=2, frequency_mask=12, time_masks=1, time_mask=24)
    changed = augment.mask(spectrogram, settings, generator())
    kept = changed == spectrogram
    bands, frames = (~kept).all(3)[:, 0].sum(1), (~kept).all(2)[:, 0].sum(1)
    assert 0 < bands.max() <= 24
    assert 0 < frames.max() <= 24
    covered = (~kept).sum((1, 2, 3)).double()
    assert torch.equal(covered, (bands * 400 + frames * 96 - bands * frames).double())
    assert np.isin(changed[~kept].numpy(), spectrogram.mean((1, 2, 3)).numpy()).all()


def test_mixing_shares_waveform_and_target_alike() -> None:
    waveform, target = torch.eye(5, 40), torch.eye(5)
    mixed, wanted = augment.mix(waveform, target, 1.0, generator(3))
    assert mixed[:, :5].numpy() == pytest.approx(wanted.numpy())
    assert wanted.sum(1).numpy() == pytest.approx(np.ones(5))
    assert 0 < float((wanted > 0).sum(1).max()) <= 2
    alone, same = augment.mix(waveform[:1], target[:1], 1.0, generator())
    assert torch.equal(alone, waveform[:1])
    assert torch.equal(same, target[:1])


# Which windows make an epoch


def listed(*counts: int) -> Manifest:
    """A manifest of so many tracks of each class."""
    names = [f"style {index}" for index, count in enumerate(counts) for _ in range(count)]
    return manifests.labelled("styles", [ManifestEntry(Path(f"/{n}.wav"), (name,)) for n, name in enumerate(names)])


def test_without_balance_each_track_is_drawn_once_in_another_order_each_epoch() -> None:
    first, second = (epoch_draws(listed(5, 30), 0.0, 7, epoch) for epoch in (0, 1))
    assert sorted(draw.entry for draw in first) == sorted(draw.entry for draw in second) == list(range(35))
    assert [draw.entry for draw in first] != [draw.entry for draw in second]
    assert first == epoch_draws(listed(5, 30), 0.0, 7, 0)


def test_with_full_balance_classes_come_up_alike() -> None:
    entries = [draw.entry for epoch in range(60) for draw in epoch_draws(listed(5, 45), 1.0, 0, epoch)]
    assert np.mean(np.array(entries) < 5) == pytest.approx(0.5, abs=0.05)
    half = [draw.entry for epoch in range(60) for draw in epoch_draws(listed(5, 45), 0.5, 0, epoch)]
    assert np.mean(np.array(half) < 5) == pytest.approx(0.25, abs=0.05)  # 1 : sqrt(9)


def test_an_epoch_of_a_run_is_balanced_as_its_recipe_says() -> None:
    def drawn(class_balance: float) -> float:
        one = SimpleNamespace(
            manifest=listed(5, 45),
            config=TrainConfig(name="one", batch_size=10, class_balance=class_balance),
            fabric=SimpleNamespace(global_rank=0, world_size=1),
        )
        batches = [batch for epoch in range(60) for batch in Run.batches(cast(Run, one), epoch)]
        return float(np.mean([draw.entry < 5 for batch in batches for draw in batch]))

    assert drawn(1.0) == pytest.approx(0.5, abs=0.05)
    assert drawn(0.0) == pytest.approx(0.1)


@given(st.integers(1, 60), st.integers(1, 8), st.integers(1, 3))
def test_processes_share_an_epoch_without_overlap_and_in_step(tracks: int, size: int, world: int) -> None:
    draws = epoch_draws(listed(tracks), 0.0, 0, 0)
    if tracks < world:
        return
    shares = [share_of(draws, size, rank, world) for rank in range(world)]
    assert len({len(share) for share in shares}) == 1
    taken = [draw.entry for share in shares for batch in share for draw in batch]
    assert len(taken) == len(set(taken))
    assert tracks - len(taken) < min(size, tracks // world) * world
    assert {len(batch) for share in shares for batch in share} == {min(size, tracks // world)}


# The objective of each task


def test_a_scale_is_undone_and_folds_into_the_network() -> None:
    entries = [ManifestEntry(Path(f"/{n}.wav"), values=(100.0 + 10 * n, -0.001 * n)) for n in range(5)]
    scale = Scale.of(Manifest("values", ("tempo", "offset"), tuple(entries)))
    standardised = scale.standardise(torch.tensor([entry.values for entry in entries]))
    assert standardised.mean(0).numpy() == pytest.approx(np.zeros(2), abs=1e-5)
    assert standardised.std(0, correction=0).numpy() == pytest.approx(np.ones(2), abs=1e-5)
    assert scale.restore(standardised.numpy())[:, 0] == pytest.approx([100, 110, 120, 130, 140])
    network = AudioNetwork(1, 3, torch.nn.Identity(), torch.nn.Sequential(torch.nn.Linear(3, 2)))
    waveform = torch.randn(4, 3)
    before = scale.restore(network.body(waveform).detach().numpy())
    scale.fold(network.body)
    assert network.body(waveform).detach().numpy() == pytest.approx(before, rel=1e-5)


def test_styles_are_smoothed_and_tags_too() -> None:
    logits = torch.tensor([[2.0, 0.0]])
    p = torch.softmax(logits, 1)[0].tolist()
    assert float(OBJECTIVES["styles"].loss(logits, torch.tensor([[1.0, 0.0]]), 0.1)) == pytest.approx(
        -(0.95 * np.log(p[0]) + 0.05 * np.log(p[1])), abs=1e-6
    )
    q = torch.sigmoid(logits)[0].tolist()
    assert float(OBJECTIVES["tags"].loss(logits, torch.tensor([[1.0, 0.0]]), 0.2)) == pytest.approx(
        -(0.9 * np.log(q[0]) + 0.1 * np.log(1 - q[0]) + 0.1 * np.log(q[1]) + 0.9 * np.log(1 - q[1])) / 2, abs=1e-6
    )


def test_the_learning_rate_rises_and_falls_to_nothing() -> None:
    factors = [warm_cosine(share, 0.1) for share in np.linspace(0, 1, 101)]
    assert int(np.argmax(factors)) == 10
    assert factors[-1] == pytest.approx(0, abs=1e-9)


# The recipe


def test_a_recipe_is_read_strictly(tmp_path: Path) -> None:
    good = tmp_path / "mine.toml"
    good.write_text("epochs = 3\n[augmentation]\ngain = 1.5\n", encoding="utf-8")
    config = read_config(good)
    assert (config.name, config.epochs, config.augmentation.gain, config.architecture) == ("mine", 3, 1.5, "emusic")
    for text, reason in [
        ("epoch = 3", "epoch: there is no such key"),
        ("epochs = 0", "epochs: Input should be greater than 0"),
        ("[augmentation]\nspeed = 0.7", r"augmentation\.speed: Input should be less than 0\.5"),
        ("epochs =", "not TOML"),
    ]:
        good.write_text(text, encoding="utf-8")
        with pytest.raises(ManifestError, match=rf"mine\.toml: {reason}"):
            read_config(good)
    with pytest.raises(ManifestError, match=r"none\.toml: no such recipe"):
        read_config(tmp_path / "none.toml")


def test_the_recipes_of_the_project_can_be_read() -> None:
    assert read_config(ROOT / "recipes" / "emusic.toml").architecture == "emusic"


def test_the_page_of_training_gives_every_setting_with_its_default() -> None:
    page = (ROOT / "docs/train.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    written = tomllib.loads(block)
    assert written.keys() == TrainConfig.model_fields.keys()
    assert written["augmentation"].keys() == Augmentation.model_fields.keys()
    assert checked(TrainConfig, written | {"settings": {}}, "docs/train.md") == TrainConfig(name="mine")


# The loop


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Sixteen tracks of 30 s: low tones and noise, by eight artists."""
    folder = tmp_path_factory.mktemp("sounds")
    entries = []
    for number in range(16):
        style = ("Hum", "Hiss")[number % 2]
        waveform = (tone(60 + 5 * number, 30.0, sample_rate=RATE), hiss(30.0))[number % 2]
        path = folder / f"{number}.wav"
        write_wav(path, 0.1 * waveform, RATE)
        split = ("train", "train", "train", "train", "valid", "test", "train", "train")[number // 2]
        entries.append(ManifestEntry(path, (style,), artist=f"artist {number // 2}", split=split))
    return manifests.labelled("styles", entries)


@pytest.fixture(scope="module")
def trained(sounds: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "hum"
    report = train(sounds, SMALL, out, machine=CPU)
    assert report.score is not None
    assert (report.epochs, report.score.tracks, report.score.micro[0].value) == (3, 2, 1.0)
    return out


def test_a_trained_network_hears_what_it_was_taught(trained: Path, tmp_path: Path) -> None:
    listen = Listener(Model.open(trained))
    for style, waveform in [("Hum", tone(97, 29.5, sample_rate=RATE)), ("Hiss", hiss(29.5))]:
        write_wav(tmp_path / "new.wav", 0.2 * waveform, RATE)
        assert listen(tmp_path / "new.wav").timeline.top(1)[0][0] == style


def test_a_run_writes_metrics_curves_and_a_card(trained: Path) -> None:
    folder = trained.with_name("hum.training")
    lines = [json.loads(line) for line in (folder / METRICS).read_text(encoding="utf-8").splitlines()]
    assert [line["epoch"] for line in lines] == [0, 1, 2]
    assert all(line["windows"] == 12 for line in lines)
    assert lines[-1]["valid"] == 1.0
    assert 0 < lines[-1]["valid_loss"] < lines[0]["valid_loss"]
    assert (folder / CURVES).read_bytes().startswith(b"\x89PNG")
    assert not (folder / CHECKPOINT).exists()
    card = (trained / "README.md").read_text(encoding="utf-8")
    assert "| tracks | 12 | 2 | 2 |" in card
    assert "On 2 test tracks by 1 named artists" in card
    assert Model.open(trained).config.measures["precision_at_1"] == 1.0


def stop_after(steps: int) -> Callable[[Step], None]:
    """Press Ctrl-C after so many steps of training."""

    def stop(step: Step) -> None:
        if step.stage == "train" and step.done == steps:
            raise KeyboardInterrupt

    return stop


def test_an_interrupted_run_goes_on_bit_for_bit(sounds: Manifest, trained: Path, tmp_path: Path) -> None:
    """Three times: within an epoch, at the end of one, and within the last."""
    out = tmp_path / "hum"
    often = CPU.model_copy(update={"checkpoint_seconds": 0.0})
    for steps in (2, 3, 7):
        with pytest.raises(KeyboardInterrupt):
            train(sounds, SMALL, out, machine=often, progress=stop_after(steps), resume=steps > 2)
    with pytest.raises(
        ManifestError, match="there is an unfinished run here; continue it with --resume, or delete the folder"
    ):
        train(sounds, SMALL, out, machine=CPU)
    train(sounds, SMALL, out, machine=CPU, resume=True)
    assert (out / "weights.safetensors").read_bytes() == (trained / "weights.safetensors").read_bytes()
    assert (out / "model.onnx").read_bytes() == (trained / "model.onnx").read_bytes()
    ours, theirs = (
        [json.loads(line) for line in (folder.with_name("hum.training") / METRICS).read_text("utf-8").splitlines()]
        for folder in (out, trained)
    )
    for one, other in zip(ours, theirs, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_a_checkpoint_of_another_run_is_refused(sounds: Manifest, tmp_path: Path) -> None:
    out = tmp_path / "hum"
    often = CPU.model_copy(update={"checkpoint_seconds": 0.0})
    with pytest.raises(KeyboardInterrupt):
        train(sounds, SMALL, out, machine=often, progress=stop_after(2))
    other = SMALL.model_copy(update={"learning_rate": 1e-4})
    with pytest.raises(ManifestError, match="of a run with another recipe or other tracks"):
        train(sounds, other, out, machine=CPU, resume=True)
    (tmp_path / "hum.training" / CHECKPOINT).write_bytes(b"nonsense")
    with pytest.raises(ManifestError, match="not a checkpoint"):
        train(sounds, SMALL, out, machine=CPU, resume=True)


def test_a_checkpoint_gives_everything_back(tmp_path: Path) -> None:
    def one() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
        network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
        return network, torch.optim.AdamW(network.parameters(), 0.1)

    network, optimiser = one()
    for _ in range(3):
        optimiser.zero_grad()
        network(torch.randn(5, 3)).square().sum().backward()
        optimiser.step()
    far = Progress(epoch=2, step=5, loss=1.25, hits=3.0, windows=20, seconds=7.5, best=0.625, best_epoch=1)
    checkpoint.save(tmp_path / "c", "mine", far, network, optimiser, {"x": torch.arange(3)}, [{"loss": 0.5}])
    again, its_optimiser = one()
    progress, best, lines = checkpoint.load(tmp_path / "c", "mine", again, its_optimiser)
    assert progress == far
    assert lines == [{"loss": 0.5}]
    assert best["x"].tolist() == [0, 1, 2]
    for name, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
    for index, values in optimiser.state_dict()["state"].items():
        for name, value in values.items():
            assert torch.equal(its_optimiser.state_dict()["state"][index][name], value)


def test_tags_are_learned_and_heard_with_a_sigmoid_each(sounds: Manifest, tmp_path: Path) -> None:
    tagged = manifests.labelled(
        "tags",
        [
            replace(entry, labels=(*entry.labels, *(["Both"] if entry.split != "test" else [])))
            for entry in sounds.entries
        ],
    )
    report = train(tagged, SMALL.model_copy(update={"epochs": 2}), tmp_path / "tags", machine=CPU)
    assert report.score is None
    assert report.measures["roc_auc"] == 1.0
    assert sorted(report.measures["roc_auc_of"]) == ["Hiss", "Hum"]  # all or none have the other one
    model = Model.open(tmp_path / "tags")
    noisy, humming = (model.hear(0.1 * wave).timeline for wave in (hiss(29.2), tone(97, 29.2, sample_rate=RATE)))
    assert dict(noisy.top(3))["Hiss"] > 1.5 * dict(humming.top(3))["Hiss"]
    assert dict(humming.top(3))["Hum"] > 1.2 * dict(noisy.top(3))["Hum"]
    assert noisy.mean().sum() > 1.1  # tags do not share one probability


@pytest.mark.slow
def test_values_are_learned_in_their_own_units(sounds: Manifest, tmp_path: Path) -> None:
    entries = [
        replace(entry, labels=(), values=(5000.0 if "Hiss" in entry.labels else 1000.0,)) for entry in sounds.entries
    ]
    valued = Manifest("values", ("brightness",), tuple(entries))
    report = train(valued, SMALL.model_copy(update={"epochs": 4}), tmp_path / "values", machine=CPU)
    model = Model.open(tmp_path / "values")
    assert model.config.task == "values"
    waveforms = np.stack([0.1 * wave[: 1366 * 256] for wave in (tone(80, 30.0, sample_rate=RATE), hiss(30.0))])
    low, high = model.run(waveforms.astype(np.float32))[0][:, 0]
    assert 0 < low < 2500
    assert 3500 < high < 6000
    assert report.measures["rmse_of"]["brightness"] < 1500


class Careless(NamedTuple):
    """A run with one artist on all sides and a file without sound; the state of torch's generator before and after."""

    broken: Path
    dropped: list[Path]
    card: str
    before: torch.Tensor
    after: torch.Tensor


@pytest.fixture(scope="module")
def careless(sounds: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Careless:
    folder = tmp_path_factory.mktemp("careless")
    broken = folder / "broken.wav"
    broken.write_bytes(b"RIFF")
    same = tuple(replace(entry, artist="Same feat. B") for entry in sounds.entries)
    entries = (*same, ManifestEntry(broken, ("Hum",), split="train"))
    torch.manual_seed(5)
    before = torch.get_rng_state()
    once = SMALL.model_copy(update={"epochs": 1})
    report = train(replace(sounds, entries=entries), once, folder / "out", machine=CPU, progress=ignore)
    card = (folder / "out" / "README.md").read_text(encoding="utf-8")
    return Careless(broken, list(report.dropped), card, before, torch.get_rng_state())


def test_a_file_without_sound_is_left_out_and_named(careless: Careless) -> None:
    assert careless.dropped == [careless.broken]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"architecture": "resnet"}, "small: 'resnet' cannot be trained; these can: emusic, fcn"),
        (
            {"architecture": "descriptors", "settings": {}},
            "small: 'descriptors' cannot be trained; these can: ",
        ),
        ({"settings": {"depth": 9}}, "small: settings of fcn: depth must be 3 to 7, not 9"),
        ({"settings": {"colour": 1}}, "small: settings of fcn: .*unexpected keyword argument 'colour'"),
    ],
)
def test_a_recipe_of_no_network_that_learns_from_sound_is_refused(
    sounds: Manifest, tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(ManifestError, match=reason):
        train(sounds, checked(TrainConfig, SMALL.model_dump() | changes, "test"), tmp_path / "out", machine=CPU)


def test_a_card_says_when_an_artist_is_on_several_sides(careless: Careless) -> None:
    warning = "**1 artist is on several sides of the split, so the figures below may flatter.**"
    assert warning in careless.card


def test_a_value_in_thousands_counts_no_more_than_a_small_one() -> None:
    entries = tuple(ManifestEntry(Path(f"/{n}.wav"), values=(100.0 * n, 0.1 * (-1) ** n)) for n in range(6))
    valued = Manifest("values", ("large", "small"), entries)
    scale, truth = Scale.of(valued), valued.targets().astype(np.float64)
    measure = OBJECTIVES["values"].measure
    off = np.zeros_like(truth)
    off[:, 0] = scale.deviation[0]
    assert measure(valued, truth + off, scale) == pytest.approx(-0.5, rel=1e-5)
    off = np.zeros_like(truth)
    off[:, 1] = scale.deviation[1]
    assert measure(valued, truth + off, scale) == pytest.approx(-0.5, rel=1e-5)


@pytest.mark.parametrize("name", ["caf\udce9", "\udcff"])
def test_a_name_that_is_not_unicode_is_refused_before_anything_is_done(
    sounds: Manifest, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ManifestError, match="not a name that a model can have: it is not UTF-8"):
        train(sounds, SMALL, tmp_path / name, machine=CPU)
    with pytest.raises(ManifestError, match="not UTF-8"):
        train(sounds, SMALL, tmp_path / "out", machine=CPU, source=name)
    assert not list(tmp_path.iterdir())


def test_what_was_never_begun_is_not_resumed(sounds: Manifest, tmp_path: Path) -> None:
    reason = f"{tmp_path / 'new'}: nothing to resume: there is no unfinished run in {tmp_path / 'new.training'}"
    with pytest.raises(ManifestError, match=re.escape(reason)):
        train(sounds, SMALL, tmp_path / "new", machine=CPU, resume=True)


def test_a_finished_run_is_not_resumed(sounds: Manifest, trained: Path) -> None:
    with pytest.raises(ManifestError, match="nothing to resume: the run is finished"):
        train(sounds, SMALL, trained, machine=CPU, resume=True)


def test_what_there_is_not_cannot_be_trained_on(sounds: Manifest, tmp_path: Path) -> None:
    with pytest.raises(EarmarkError, match="cannot train on gpuu with 1 devices: "):
        train(sounds, SMALL, tmp_path / "out", machine=Machine(accelerator="gpuu"))


def test_batches_of_one_are_refused(sounds: Manifest, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="small: 12 training tracks in batches of 1 on 1 devices"):
        train(sounds, SMALL.model_copy(update={"batch_size": 1}), tmp_path / "out", machine=CPU)


def test_validation_hears_the_front_end_in_full_precision(sounds: Manifest, tmp_path: Path) -> None:
    heard: list[torch.dtype] = []
    config = SMALL.model_copy(update={"precision": "bf16-mixed", "epochs": 1})
    run = prepare(sounds, config, tmp_path / "out.training", CPU, ignore)
    run.network.front_end.register_forward_hook(lambda _module, _inputs, output: heard.append(output.dtype))
    cast(Convolutions, run.network.body).dense.register_forward_hook(
        lambda _module, _inputs, output: heard.append(output.dtype)
    )
    hear(run.network, run.manifest.part("valid"), run.cache, run.fabric.autocast)
    assert set(heard[::2]) == {torch.float32}
    assert set(heard[1::2]) == {torch.bfloat16}


def test_silent_windows_have_no_vote_in_calibration_and_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = []
    for number, style in enumerate(("Hum", "Hiss", "Hum")):
        waveform = np.zeros(24 * RATE, np.float32)
        if number < 2:  # the third is silent all the way
            waveform[: 8 * RATE] = 0.1 * hiss(8.0)
        write_wav(tmp_path / f"{number}.wav", waveform, RATE)
        entries.append(ManifestEntry(tmp_path / f"{number}.wav", (style,), split="valid"))
    manifest = manifests.labelled("styles", entries)
    cache = WindowCache(tmp_path / "cache", RATE, 4 * RATE, 3)
    truth = dict(zip([entry.path for entry in manifest.entries], manifest.labels(), strict=True))

    def logits_of(path: Path, *, sounding: bool) -> list[float]:
        right = [2.0, 0.0] if truth[path] == 0 else [0.0, 2.0]
        return right if sounding else [0.0, 9.0]

    heard = [
        np.array(
            [logits_of(entry.path, sounding=bool(cache.waveform(entry.path, each).any())) for each in range(3)],
            np.float32,
        )
        for entry in manifest.entries
    ]
    assert [len(np.unique(logits, axis=0)) for logits in heard] == [2, 2, 1]  # some windows sound, some do not
    monkeypatch.setattr(reporting, "hear", lambda *_: heard)
    run = cast(Run, SimpleNamespace(network=None, manifest=manifest, cache=cache))
    kept = reporting.sounding_logits(run, manifest)
    assert [logits.tolist() for logits in kept[:2]] == [[logits_of(entry.path, sounding=True)] for entry in entries[:2]]
    assert kept[2].tolist() == heard[2].tolist()  # there is nothing else to go by


def test_one_class_is_not_enough(sounds: Manifest, tmp_path: Path) -> None:
    hum = manifests.labelled("styles", [entry for entry in sounds.entries if entry.labels == ("Hum",)])
    with pytest.raises(ManifestError, match="at least two classes"):
        train(hum, SMALL, tmp_path / "out", machine=CPU)


def test_the_seed_of_the_caller_is_left_alone(careless: Careless) -> None:
    assert torch.equal(careless.after, careless.before)


# The command


def command(manifest: Path, out: Path, *options: str) -> list[str]:
    recipe = out.with_name("small.toml")
    recipe.write_text(
        'architecture = "fcn"\nepochs = 3\nbatch_size = 2\nwindows = 1\nprecision = "32-true"\n'
        "[settings]\ndepth = 3\nwidth = 0.03125\n",
        encoding="utf-8",
    )
    return [
        *(sys.executable, "-m", "earmark", "train", str(manifest), str(out), "--recipe", str(recipe)),
        *("--accelerator", "cpu", *options),
    ]


ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_two_processes_train_as_one(sounds: Manifest, tmp_path: Path) -> None:
    manifests.write(sounds, tmp_path / "sounds.csv")
    done = subprocess.run(
        command(tmp_path / "sounds.csv", tmp_path / "pair", "--devices", "2"),
        capture_output=True,
        text=True,
        check=False,
        env=ONE_THREAD,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("written: ") == 1
    lines = [json.loads(line) for line in (tmp_path / "pair.training" / METRICS).read_text("utf-8").splitlines()]
    assert [line["windows"] for line in lines] == [12, 12, 12]
    Model.open(tmp_path / "pair").verify()


@pytest.mark.slow
def test_a_killed_run_goes_on_bit_for_bit(sounds: Manifest, tmp_path: Path) -> None:
    manifests.write(sounds, tmp_path / "sounds.csv")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(tmp_path / "sounds.csv", whole), check=True, capture_output=True, env=ONE_THREAD)
    process = subprocess.Popen(command(tmp_path / "sounds.csv", killed), env=ONE_THREAD)
    metrics = tmp_path / "killed.training" / METRICS
    deadline = time.monotonic() + 120
    while not metrics.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not killed.exists()
    subprocess.run(
        command(tmp_path / "sounds.csv", killed, "--resume"), check=True, capture_output=True, env=ONE_THREAD
    )
    assert (killed / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()


def test_training_from_a_bundle_goes_on_with_its_weights(trained: Path) -> None:
    network = bundle.load_network(trained)
    assert isinstance(network, AudioNetwork)
    assert network.sample_rate == RATE
    assert set(network.state_dict()) == set(ARCHITECTURES["fcn"](2, depth=3, width=1 / 32).state_dict())


# A step of the loop, against what stands in the recipe


class Stopped(Exception):  # noqa: N818  no error: the test has seen enough
    pass


OneStep = Callable[..., tuple[Run, Tensor, Tensor, Step]]


@pytest.fixture
def first_step(sounds: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OneStep:
    """A function that trains for one step: the run, the spectrograms that the body got, its logits, the report."""

    def one_step(name: str, **changes: object) -> tuple[Run, Tensor, Tensor, Step]:
        runs: list[Run] = []
        seen: list[tuple[Tensor, Tensor]] = []
        steps: list[Step] = []

        def watched(*arguments: Any) -> Run:  # noqa: ANN401  those of prepare
            runs.append(prepare(*arguments))
            runs[0].network.body.register_forward_hook(
                lambda _module, inputs, outputs: seen.append((inputs[0].detach().clone(), outputs[0].detach().clone()))
            )
            return runs[0]

        def stop(step: Step) -> None:
            if step.stage == "train":
                steps.append(step)
                raise Stopped

        monkeypatch.setattr(loop, "prepare", watched)
        config = SMALL.model_copy(update={"augmentation": NONE, "label_smoothing": 0.0, **changes})
        with pytest.raises(Stopped):
            train(sounds, config, tmp_path / name, machine=CPU, progress=stop)
        return runs[0], *seen[0], steps[0]

    return one_step


def test_masks_cover_what_the_network_learns_from(first_step: OneStep) -> None:
    _, plain, _, _ = first_step("plain")
    masks = NONE.model_copy(update={"frequency_masks": 1, "frequency_mask": 40})
    _, masked, _, _ = first_step("masked", augmentation=masks)
    changed = (masked != plain)[:, 0]  # (batch, bands, frames)
    assert changed.any()
    for number in range(len(plain)):
        bands = changed[number].any(1)
        assert bands.sum() <= 40
        filled = masked[number, 0][bands]
        assert filled.numpy() == pytest.approx(np.full(filled.shape, float(plain[number].mean())), rel=1e-5)


def test_waveforms_are_mixed_before_the_front_end_and_targets_with_them(first_step: OneStep) -> None:
    _, plain, _, _ = first_step("plain")
    mixup = NONE.model_copy(update={"mixup": 5.0})
    _, mixed, logits, step = first_step("mixed", augmentation=mixup)
    assert float((mixed - plain).abs().max()) > 1
    loss = float(step.loss)
    hard = [
        float(torch.nn.functional.cross_entropy(logits, torch.tensor(labels)))
        for labels in itertools.product((0, 1), repeat=len(logits))
    ]
    assert min(abs(loss - each) for each in hard) > 1e-4  # the targets lie between the labels


def test_the_loss_of_a_step_is_that_of_its_tracks_with_smoothed_labels(first_step: OneStep) -> None:
    run, _, logits, step = first_step("smoothed", label_smoothing=0.2)
    part = run.manifest.part("train")
    labels = torch.from_numpy(part.labels()[[draw.entry for draw in run.batches(0)[0]]])
    expected = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.2)
    assert step.loss == pytest.approx(float(expected), abs=1e-6)
    assert step.hits == float((logits.argmax(1) == labels).float().mean())


def test_gradients_are_shortened_and_the_learning_rate_is_that_of_the_step(first_step: OneStep) -> None:
    run, _, _, step = first_step("shortened", gradient_norm=1e-3, warm_up=0.5)
    moments = [state["exp_avg"] for state in run.optimiser.state.values()]  # 0.1 of the first gradient
    norm = float(torch.cat([each.flatten() for each in moments]).norm())
    assert norm == pytest.approx(0.1 * 1e-3, rel=1e-3)
    assert (step.done, step.total) == (1, 9)
    assert {group["lr"] for group in run.optimiser.param_groups} == {1e-2 * warm_cosine(1 / 9, 0.5)}


def test_all_of_the_body_is_optimised_with_the_decay_of_the_recipe(first_step: OneStep) -> None:
    run, _, _, _ = first_step("decayed", weight_decay=0.3)
    decayed, spared = run.optimiser.param_groups
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.3, 0.0)
    optimised = {id(each) for group in (decayed, spared) for each in group["params"]}
    assert optimised == {id(each) for each in run.network.body.parameters()}


def test_weight_decay_shrinks_matrices_and_spares_biases_and_norms() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Linear(2, 2))
    for value in module.parameters():
        torch.nn.init.ones_(value)
    before = {name: value.detach().clone() for name, value in module.named_parameters()}
    for value in module.parameters():
        value.grad = torch.zeros_like(value)
    adamw(module, 0.1, 0.5).step()
    for name, value in module.named_parameters():
        factor = 0.95 if name in ("0.weight", "2.weight") else 1.0
        assert value.detach().numpy() == pytest.approx(before[name].numpy() * factor), name


def test_draws_of_a_run_follow_its_recipe(sounds: Manifest, tmp_path: Path) -> None:
    few = [entry for number, entry in enumerate(sounds.entries) if number % 2 or number in (0, 8, 10)]
    uneven = manifests.labelled("styles", few)  # one Hum among six Hisses to learn from
    for balance in (0.0, 1.0):
        config = SMALL.model_copy(update={"class_balance": balance, "seed": 3})
        run = prepare(uneven, config, tmp_path / "uneven.training", CPU, ignore)
        draws = epoch_draws(uneven.part("train"), balance, 3, 1)
        assert [draw for batch in run.batches(1) for draw in batch] == draws[:4]


@pytest.mark.parametrize(
    ("epoch", "best_epoch", "finished"), [(3, 0, False), (4, 0, True), (9, 6, False), (10, 9, True)]
)
def test_a_run_ends_after_its_epochs_or_when_patience_is_over(
    sounds: Manifest, tmp_path: Path, *, epoch: int, best_epoch: int, finished: bool
) -> None:
    config = SMALL.model_copy(update={"epochs": 10, "patience": 3})
    run = prepare(sounds, config, tmp_path / "out.training", CPU, ignore)
    run.state = Progress(epoch=epoch, best_epoch=best_epoch)
    assert run.finished is finished


def test_the_network_of_the_best_epoch_is_kept(
    sounds: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measures = iter([0.5, 0.9, 0.1])
    styles = replace(OBJECTIVES["styles"], measure=lambda *_: next(measures))
    monkeypatch.setitem(OBJECTIVES, "styles", styles)
    runs: list[Run] = []
    states: list[dict[str, Tensor]] = []

    def state() -> dict[str, Tensor]:
        return {name: value.clone() for name, value in runs[0].network.state_dict().items()}

    def watched(*arguments: Any) -> Run:  # noqa: ANN401  those of prepare
        runs.append(prepare(*arguments))
        return runs[0]

    def note(step: Step) -> None:
        if step.closed:
            states.append(state())

    def concluded(run: Run, out: Path, _source: str) -> Report:
        states.append(state())
        return Report(out, run.state.epoch, run.state.best_epoch, {}, None, {})

    monkeypatch.setattr(loop, "prepare", watched)
    monkeypatch.setattr(loop, "conclude", concluded)
    report = train(sounds, SMALL, tmp_path / "out", machine=CPU, progress=note)
    assert (report.epochs, report.best_epoch) == (3, 1)
    *epochs, kept = states
    assert [all(torch.equal(kept[name], each[name]) for name in kept) for each in epochs] == [False, True, False]


def test_a_checkpoint_whose_account_is_damaged_is_refused(tmp_path: Path) -> None:
    network = torch.nn.Linear(2, 2)
    optimiser = adamw(network, 0.1, 0.0)
    path = tmp_path / CHECKPOINT
    for account in ("{", "[]", '{"run_id": "me"}', '{"run_id": "me", "progress": {"epochs": 1}, "lines": []}'):
        save_file(network.state_dict(), path, {"run": account})
        with pytest.raises(ManifestError, match="not a checkpoint"):
            checkpoint.load(path, "me", network, optimiser)
