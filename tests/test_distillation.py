"""The ear: its front end, the sound it is taught with, the distillation and the pool that it is a member of."""

import shutil
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import soxr
import torch
from torch import nn

from earmark.audio import decode
from earmark.errors import BundleError, ManifestError
from earmark.learning.networks.ear import BANDS, FRAMES, PATCH, SAMPLE_RATE, EarScores, LogMelPatches, ear
from earmark.learning.networks.pool import FAINT, LogOpinionPool, StyleLikelihood
from earmark.learning.networks.yamnet import classes, patches
from earmark.recipes.distillation import card, distil, fidelity, instruments, samples, scenes, shards, speech
from earmark.recipes.distillation.card import ATTRIBUTION
from earmark.recipes.distillation.distil import DistilConfig
from earmark.recipes.distillation.fidelity import Fidelity
from earmark.recipes.distillation.material import Clip
from earmark.recipes.distillation.recipe import read_recipe
from earmark.recipes.distillation.scenes import Material, scene
from earmark.recipes.distillation.shards import Shard
from earmark.recipes.distillation.teachers import OUTPUTS, TEACHERS
from earmark.recipes.shipped import FILES
from earmark.synth.encoding import write_audio

# --- the network


def test_patches_are_those_of_the_teacher_at_another_rate() -> None:
    generator = np.random.default_rng(0)
    slow = generator.standard_normal(3 * 16_000).astype(np.float32) * 0.1
    fast = soxr.resample(slow, 16_000, SAMPLE_RATE)
    ours = LogMelPatches(PATCH)(torch.from_numpy(fast[None, :PATCH]))[0, 0].T.numpy()  # (96, 64)
    theirs = patches.front_end(slow)[0]
    assert ours.shape == (FRAMES, BANDS)
    assert abs(ours.mean() - theirs.mean()) < 0.05
    assert np.corrcoef(ours.mean(0), theirs.mean(0))[0, 1] > 0.99


def test_a_tone_is_in_the_band_of_its_pitch() -> None:
    time = np.arange(PATCH) / SAMPLE_RATE
    spectrum = LogMelPatches(PATCH)(torch.from_numpy(np.sin(2 * np.pi * 1000 * time)).float()[None])[0, 0]
    corners = np.linspace(1127 * np.log1p(125 / 700), 1127 * np.log1p(7500 / 700), BANDS + 2)
    expected = int(np.abs(corners[1:-1] - 1127 * np.log1p(1000 / 700)).argmin())
    assert int(spectrum.mean(1).argmax()) == expected


@pytest.mark.parametrize(("samples_heard", "count"), [(1000, 1), (64_000, 1), (3 * 64_210, 3), (3 * 64_210 + 9, 3)])
def test_patches_are_spread_over_a_window(samples_heard: int, count: int) -> None:
    assert LogMelPatches(64_210)(torch.zeros(2, samples_heard)).shape == (2, count, BANDS, FRAMES)


def test_the_ear_is_small() -> None:
    network = ear(len(OUTPUTS))
    assert sum(parameter.numel() for parameter in network.parameters()) < 4_000_000


def test_scores_of_patches_are_what_the_ear_says_of_each() -> None:
    torch.manual_seed(0)
    member = EarScores(7, 2.912).eval()
    waveform = 0.1 * torch.randn(2, 2 * 64_210)
    with torch.no_grad():
        scores, embedding = member(waveform)
        first, _ = member(waveform[:, :64_210])
    assert scores.shape == (2, 2, 7)
    assert embedding.shape == (2, 2, 1072)
    torch.testing.assert_close(scores[:, :1], first)


# --- the pool


class Says(nn.Module):
    """A member that always says the same."""

    sample_rate, samples = SAMPLE_RATE, 1000

    def __init__(self, values: torch.Tensor) -> None:
        super().__init__()
        self.values = values
        self.peak = 0.0

    def forward(self, waveform: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.peak = float(waveform.abs().max())
        return self.values, torch.ones(len(waveform), *self.values.shape[1:-1], 3)


TABLE = [(0, 0, 1.0), (1, 1, 1.0), (1, 2, 1.0)]  # class 0 is style 0; class 1 is the family of styles 1 and 2


def pooled(descriptors: list[float], scores: list[float], *, level: float = 1.0) -> tuple[np.ndarray, LogOpinionPool]:
    opinions = StyleLikelihood(3, 4, TABLE, music=[2], other=[3])
    pool = LogOpinionPool(Says(torch.tensor([descriptors]).log()), Says(torch.tensor([[scores]])), opinions, 1.0)
    logits, embedding = pool(level * torch.ones(1, 1000))
    assert embedding.shape == (1, 6)
    return logits.softmax(-1)[0].numpy(), pool


def test_a_silent_ear_leaves_the_descriptors_alone() -> None:
    answer, _ = pooled([0.5, 0.3, 0.2], [0.0, 0.0, 1.0, 0.0])
    np.testing.assert_allclose(answer, [0.5, 0.3, 0.2], atol=1e-6)


def test_the_ear_chooses_the_family_and_the_descriptors_the_style_within() -> None:
    answer, _ = pooled([0.5, 0.3, 0.2], [0.0, 0.38, 1.0, 0.0])
    expected = np.array([0.5 * FAINT, 0.3 * 0.4, 0.2 * 0.4])
    np.testing.assert_allclose(answer[1] / answer[2], 1.5, rtol=1e-4)
    np.testing.assert_allclose(answer, expected / expected.sum(), atol=1e-3)


def test_what_is_no_music_is_unlike_anything() -> None:
    answer, _ = pooled([0.9, 0.05, 0.05], [0.0, 0.0, 0.0, 1.0])
    assert answer.max() < 0.36


def test_members_that_contradict_each_other_are_trusted_less() -> None:
    torn, _ = pooled([0.998, 0.001, 0.001], [0.0, 0.98, 1.0, 0.0])
    product = np.array([0.998 * FAINT, 0.001, 0.001])
    assert torn.max() < (product / product.sum()).max() - 0.1


def test_the_ear_hears_every_level_alike() -> None:
    _, pool = pooled([0.5, 0.3, 0.2], [0.0, 0.0, 1.0, 0.0], level=0.05)
    assert pool.ear.peak == pytest.approx(1.0)
    _, pool = pooled([0.5, 0.3, 0.2], [0.0, 0.0, 1.0, 0.0], level=1e-6)
    assert pool.ear.peak == pytest.approx(1e-3)  # what is silence stays silence


# --- the sound


@pytest.mark.parametrize(
    ("value", "written"), [(0, "00"), (0x40, "40"), (0x80, "8100"), (0x2000, "c000"), (0x0FFFFFFF, "ffffff7f")]
)
def test_times_in_midi_files_are_those_of_the_standard(value: int, written: str) -> None:
    assert instruments._variable(value).hex() == written  # noqa: SLF001  the table of the standard


def test_phrases_follow_from_their_seed() -> None:
    assert instruments.phrase(3, 10) == instruments.phrase(3, 10) != instruments.phrase(4, 10)


def test_a_note_sounds_at_its_pitch(tmp_path: Path) -> None:
    recipe = read_recipe(FILES["ear"])
    soundfont = Path(recipe.sound.soundfont)
    if shutil.which("fluidsynth") is None or not soundfont.exists():
        pytest.skip("fluidsynth or its soundfont is not installed")
    song = instruments.midi_file([instruments.Note(0, 0, 4, 69, 100)], {0: 80}, 120)
    instruments.play(song, soundfont, tmp_path / "a.wav", SAMPLE_RATE)
    sound = decode(tmp_path / "a.wav", SAMPLE_RATE)[:SAMPLE_RATE]
    pitch = librosa.yin(sound[4000:], fmin=200, fmax=800, sr=SAMPLE_RATE)
    assert np.median(pitch) == pytest.approx(440, rel=0.01)


def test_a_missing_soundfont_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/bin/true")
    with pytest.raises(ManifestError, match="no such soundfont"):
        instruments.play(b"", tmp_path / "none.sf2", tmp_path / "a.wav", SAMPLE_RATE)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ManifestError, match="fluidsynth"):
        instruments.play(b"", tmp_path / "none.sf2", tmp_path / "a.wav", SAMPLE_RATE)
    with pytest.raises(ManifestError, match="espeak-ng"):
        speech.speak("a", [], tmp_path / "a.wav")


@pytest.fixture
def hits(tmp_path: Path) -> Path:
    """A folder with one sample of every kind: a short burst of noise."""
    folder = tmp_path / "hits"
    folder.mkdir()
    burst = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 2000)).astype(np.float32)
    for kind in ("bd_a", "sn_a", "drum_cymbal_closed", "perc_a", "bass_a", "loop_a", "ambi_a"):
        write_audio(folder / f"{kind}.flac", burst, SAMPLE_RATE)
    return folder


def test_pieces_of_samples_follow_from_their_seed(hits: Path) -> None:
    opened = samples.Samples.open(hits, SAMPLE_RATE)
    one, again, other = (samples.piece(opened, seed, 4.0) for seed in (1, 1, 2))
    assert one.shape == (4 * SAMPLE_RATE,)
    assert np.abs(one).max() == pytest.approx(0.8)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_folder_without_samples_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no samples"):
        samples.Samples.open(tmp_path, SAMPLE_RATE)


def clip_of(folder: Path, kind: str, seed: int) -> Clip:
    path = folder / f"{kind}{seed}.wav"
    sound = np.random.default_rng(seed).uniform(-0.5, 0.5, (2, 5 * SAMPLE_RATE)).astype(np.float32)
    write_audio(path, sound, SAMPLE_RATE)
    return Clip(path, kind, "", "train")


def test_scenes_follow_from_their_seed_and_stay_in_range(tmp_path: Path) -> None:
    material = Material.of([clip_of(tmp_path, "synth", 0), clip_of(tmp_path, "samples", 1)], tmp_path / "clips", 5)
    assert set(material.kinds) == {"synth", "samples", "non-music"}
    assert sum(material.kinds.values()) == pytest.approx(1)
    made = [scene(material, seed) for seed in range(12)]
    assert all(each.shape == (scenes.SAMPLES,) and each.dtype == np.float32 for each in made)
    assert max(float(np.abs(each).max()) for each in made) <= 1
    assert all(np.isfinite(each).all() for each in made)
    np.testing.assert_array_equal(made[3], scene(material, 3))
    assert len({each.tobytes() for each in made}) > 10


def test_a_room_adds_a_tail_and_leaves_what_was_before_it() -> None:
    click = np.zeros(scenes.SAMPLES, np.float32)
    click[1000] = 1
    wet = scenes.reverberate(click, np.random.default_rng(0))
    assert np.abs(wet[:1000]).max() < 1e-5
    assert np.abs(wet[1001:5000]).max() > 1e-3


# --- the distillation


def shard_of(seed: int, count: int = 24) -> Shard:
    """Scenes of which a plain rule says what is in them: a class is louder where the patch is."""
    generator = np.random.default_rng(seed)
    level = generator.uniform(-2, 2, (count, 3, 1, 1))
    heard = level + 0.1 * generator.standard_normal((count, 3, BANDS, FRAMES))
    scores = np.full((count, 3, classes.CLASSES), 1e-3)
    scores[..., 236] = 1 / (1 + np.exp(-2 * level[..., 0, 0]))
    scores[..., 235] = 1 - scores[..., 236]
    tags = np.full((count, 50), np.nan)
    tags[::3] = 0.25
    embedding = generator.standard_normal((count, 3, classes.DIMS))
    return Shard(*(each.astype(np.float16) for each in (heard, scores, embedding, tags)))


CONFIG = DistilConfig(
    epochs=3,
    batch_size=12,
    learning_rate=2e-3,
    weight_decay=0.01,
    warm_up=0.1,
    average=0.9,
    music=2,
    styles=10,
    logits=4,
    embedding=1,
    tags=3,
    rare=4,
    seed=0,
)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    made = [tmp_path / f"{number:05d}.npz" for number in range(2)]
    for number, path in enumerate(made):
        shards.write(shard_of(number), path)
    return made


def test_shards_come_back_as_they_were(paths: list[Path]) -> None:
    written, read = shard_of(1), shards.read(paths[1])
    for name in ("patches", "scores", "embedding", "tags"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))


def test_a_student_learns_what_its_teacher_says(paths: list[Path], tmp_path: Path) -> None:
    losses: list[float] = []
    config = CONFIG.model_copy(update={"epochs": 8, "learning_rate": 4e-3})
    weights = distil.distil(paths, config, tmp_path, lambda step: losses.append(step.loss))
    assert len(losses) == 8 * 4
    network = ear(len(OUTPUTS))
    network.body.load_state_dict(dict(weights))
    found = fidelity.compare(network, [shard_of(5, 40)])
    assert found.patches == 120
    assert found.correlations["Techno"] > 0.8
    assert found.correlations["House music"] > 0.8
    assert np.isnan(found.correlations["Disco"])  # the teacher never heard it
    assert found.agreement > 0.8
    assert found.mean > 0.8


def test_what_is_kept_is_the_moving_average_of_the_weights(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    students: list[distil.Student] = []
    initial: list[dict[str, torch.Tensor]] = []

    class Watched(distil.Student):
        def __init__(self) -> None:
            super().__init__()
            students.append(self)
            initial.append(weights_of(self))

    def weights_of(student: distil.Student) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone() for name, value in student.body.state_dict().items()}

    monkeypatch.setattr(distil, "Student", Watched)
    trajectory: list[dict[str, torch.Tensor]] = []
    config = CONFIG.model_copy(update={"epochs": 1, "average": 0.25})
    found = distil.distil(paths, config, tmp_path, lambda _: trajectory.append(weights_of(students[0])))
    kernel = "dense.weight"
    expected = initial[0][kernel]
    for keep, weights in zip([0.1, 2 / 11, 0.25, 0.25], trajectory, strict=True):  # less at the beginning
        expected = keep * expected + (1 - keep) * weights[kernel]
    torch.testing.assert_close(found[kernel], expected, rtol=0, atol=1e-6)
    assert (found[kernel] - trajectory[-1][kernel]).abs().max() > 1e-5
    counted = next(name for name, value in found.items() if not value.is_floating_point())
    assert int(found[counted]) == 4  # steps are not averaged


def test_kinds_of_music_weigh_more_in_the_loss(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = distil.importance(CONFIG)
    assert set(weight[list(classes.STYLES)].tolist()) == {10.0}
    others = [number for number in distil.MUSIC if number not in classes.STYLES]
    assert set(weight[others].tolist()) == {2.0}
    assert weight[:132].tolist() == [1.0] * 132
    assert weight[277:].tolist() == [1.0] * (521 - 277)
    met: list[torch.Tensor] = []
    loss_of = distil.loss_of

    def recorded(*arguments: Any) -> torch.Tensor:  # noqa: ANN401  those of `loss_of`
        met.append(arguments[3])
        return loss_of(*arguments)

    monkeypatch.setattr(distil, "loss_of", recorded)
    distil.distil(paths[:1], CONFIG.model_copy(update={"epochs": 1}), tmp_path, lambda _: None)
    assert len(met) == 2
    assert all(torch.equal(each, weight) for each in met)


def loss_with(config: DistilConfig, weight: torch.Tensor, wrong: int | None, **off: float) -> float:
    """The loss of a student that is right but for one class, or for the tags or the embedding."""
    shard = shard_of(0, 6)
    taught = distil.TrainingSet(
        *(torch.from_numpy(getattr(shard, name)).float() for name in ("patches", "scores", "embedding", "tags"))
    )
    logits = taught.scores.clamp(1e-4, 1 - 1e-4).logit()
    if wrong is not None:
        logits[..., wrong] += 1
    tags = torch.full((6, 50), 0.25).logit() + off.get("tags", 0)
    embedding = taught.embedding + off.get("embedding", 0)
    return float(distil.loss_of((logits, embedding, tags), taught, torch.arange(6), weight, config))


def test_the_loss_counts_each_part_by_its_weight() -> None:
    weight = distil.importance(CONFIG)

    def extra(wrong: int, each: torch.Tensor = weight, **changes: float) -> float:
        config = CONFIG.model_copy(update=changes)
        return loss_with(config, each, wrong) - loss_with(config, each, None)

    # A class that is faint for all: its scores are 0.001, one logit too high.
    faint = next(number for number in classes.STYLES if number not in {235, 236})
    assert extra(faint) == pytest.approx(10 * extra(0), rel=1e-2)
    assert extra(faint, torch.ones(521)) == pytest.approx(extra(0, torch.ones(521)), rel=1e-2)
    both, one = extra(0), extra(0, logits=0.0)
    assert both - one == pytest.approx(4 * 3 * 1 / float(weight.sum()) / 3, rel=1e-2)  # a squared logit, weighed
    exact = loss_with(CONFIG, weight, None)
    assert loss_with(CONFIG, weight, None, embedding=2.0) - exact == pytest.approx(4 * CONFIG.embedding, rel=1e-2)
    known = 0.25 * np.log(0.25) + 0.75 * np.log(0.75)
    tags = torch.full((1,), 0.25).logit() + 1
    said = float(tags.sigmoid())
    expected = CONFIG.tags * (known - 0.25 * np.log(said) - 0.75 * np.log(1 - said))
    assert loss_with(CONFIG, weight, None, tags=1.0) - exact == pytest.approx(expected, rel=1e-2)


def test_the_outputs_of_an_ear_are_those_of_its_teachers() -> None:
    assert list(TEACHERS) == ["yamnet", "musicnn"]
    assert [len(teacher.outputs) for teacher in TEACHERS.values()] == [521, 50]
    assert OUTPUTS[0].startswith("AudioSet 0: ")
    assert OUTPUTS[521] == "Million Song: rock"
    assert len(set(OUTPUTS)) == 571
    for teacher in TEACHERS.values():
        assert teacher.credit in ATTRIBUTION


def test_a_teacher_whose_file_is_missing_is_named(tmp_path: Path) -> None:
    teachers = shards.Teachers(tmp_path)
    with pytest.raises(BundleError, match=r"yamnet_spectra_in\.tflite"):
        _ = teachers.yamnet
    with pytest.raises(BundleError, match=r"MSD_musicnn\.h5"):
        _ = teachers.musicnn


def test_an_interrupted_distillation_ends_as_if_nothing_had_been(paths: list[Path], tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    expected = distil.distil(paths, CONFIG, whole, lambda _: None)

    class Stop(Exception):  # noqa: N818  no error
        pass

    def stop(step: distil.Step) -> None:
        if step.done == 7:
            raise Stop

    with pytest.raises(Stop):
        distil.distil(paths, CONFIG, broken, stop, checkpoint_seconds=0)
    seen: list[int] = []
    found = distil.distil(paths, CONFIG, broken, lambda step: seen.append(step.done), checkpoint_seconds=0)
    assert seen == list(range(7, 13))
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)


def test_a_checkpoint_of_another_recipe_is_refused(paths: list[Path], tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"epochs": 1})
    distil.distil(paths[:1], config, tmp_path, lambda _: None)
    with pytest.raises(ManifestError, match="another recipe"):
        distil.distil(paths[:1], config.model_copy(update={"seed": 1}), tmp_path, lambda _: None)


def test_scenes_in_which_a_style_is_heard_come_more_often() -> None:
    shard = shard_of(0, 200)
    shard.scores[:150, :, list(classes.KINDS)] = 0
    taught = distil.TrainingSet(
        *(torch.from_numpy(getattr(shard, name)) for name in ("patches", "scores", "embedding", "tags"))
    )
    drawn = torch.cat([distil.epoch_order(taught, CONFIG, epoch) for epoch in range(50)])
    often = torch.bincount(drawn, minlength=200).float()
    assert often[150:].mean() / often[:150].mean() == pytest.approx(5, rel=0.15)


def test_a_class_that_hardly_varies_has_no_correlation() -> None:
    ramp = np.linspace(0, 1, 50, dtype=np.float32)
    assert fidelity.correlation(ramp, 2 * ramp) == pytest.approx(1)
    assert fidelity.correlation(ramp, 1 - ramp) == pytest.approx(-1)
    assert np.isnan(fidelity.correlation(ramp, 0.01 * ramp))


def test_the_shipped_recipe_can_be_read_and_others_are_refused(tmp_path: Path) -> None:
    assert read_recipe(FILES["ear"]).distil.epochs > 1
    with pytest.raises(ManifestError, match="no such recipe"):
        read_recipe(tmp_path / "none.toml")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text((FILES["ear"]).read_text().replace("epochs", "rounds"))
    with pytest.raises(ManifestError, match=r"wrong\.toml: distil\.epochs: Field required"):
        read_recipe(wrong)


def test_the_card_of_an_ear_counts_its_sound_and_says_how_closely_it_follows() -> None:
    clips = [Clip(Path("/a.wav"), "tone", "", "train"), Clip(Path("/b.wav"), "voice", "", "train")]
    clips = [clips[0], *clips]
    measured = {"held-out scenes": Fidelity(9, {"Techno": 0.5, "Trance": float("nan")}, 0.25, 0.1)}
    text = card.write("ear", "an ear", clips, 1200, measured)
    assert text.startswith("# ear\n\nAn ear.\n\nWaveform in (mono, 22,050 Hz), 571 logits out: ")
    assert "about 1,200 scenes of three seconds:\n\n- 2 files of kind `tone`\n- 1 files of kind `voice`\n" in text
    assert "| class | held-out scenes (9 patches) |\n|---|---|\n| Techno | 0.50 |\n| Trance |  |\n" in text
    assert max(map(len, text.splitlines())) <= 120
