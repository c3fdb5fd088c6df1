"""The recipe of the ear: who is held out, the bank, the scenes, the teachers, the training, and what is measured."""

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
import torch
from torch import Tensor, nn
from typer.testing import CliRunner

from earmark.cli import app
from earmark.errors import BundleError, ManifestError
from earmark.learning.networks.ear10 import ear10
from earmark.learning.networks.network import AudioNetwork
from earmark.learning.networks.yamnet import classes
from earmark.learning.networks.yamnet.network import YamnetEar
from earmark.recipes import music
from earmark.recipes.distillation import bank, card, distil, fidelity, recipe, scenes, teachers
from earmark.recipes.distillation.bank import RATE, Bank
from earmark.recipes.distillation.fidelity import Fidelity, Judged
from earmark.recipes.distillation.material import Clip
from earmark.recipes.distillation.recipe import read_recipe
from earmark.recipes.distillation.teachers import TEACHERS, Answer, musicnn
from earmark.recipes.music import Excerpt
from earmark.recipes.shipped import FILES
from earmark.synth.corpus import plan
from earmark.synth.encoding import write_audio

RECIPE = FILES["ear"]
SHARED = Path(__file__).parents[2] / "shared"


# --- real music


def excerpt(source: str, artist: str, number: int, *, electronic: bool = True) -> Excerpt:
    group = f"{source}/{artist.lower() or 'unknown'}"
    return Excerpt(
        f"{number}.opus", source, f"{artist}{number}.ogg", "CC0-1.0", artist, f"t{number}", group, electronic
    )


def test_a_hand_is_held_out_or_learned_from_for_good_and_nobody_is_in_both() -> None:
    works = [excerpt("deb:a", f"artist{number % 9}", number) for number in range(60)]
    works += [excerpt("deb:b", f"artist{number % 9}", number) for number in range(60, 70)]  # the same, elsewhere
    works += [excerpt("deb:c", "", number) for number in range(70, 80)]
    unheard = music.held_out(works)
    assert unheard == music.held_out(list(reversed(works)))
    assert 0 < len(unheard) < 9
    share = len({each.work for each in works if each.author in unheard}) / len({each.work for each in works})
    assert 0.05 < share <= 0.2
    assert {each.author for each in works if each.artist == ""} == {"deb:c/unknown"}


def test_names_of_one_artist_are_one_hand() -> None:
    assert {excerpt("deb:x", name, 0).author for name in ("elysis", "www-elysis-de")} == {"elysis"}


def test_a_hand_of_many_works_is_learned_from() -> None:
    works = [excerpt("deb:a", "busy", number) for number in range(music.LARGEST + 1)]
    works += [excerpt("deb:a", f"other{number}", 100 + number) for number in range(100)]
    assert "busy" not in music.held_out(works)
    assert music.held_out(works)


def test_every_work_is_named_with_its_licence_once() -> None:
    text = music.attribution("ear", [excerpt("deb:a", "Ann|a", 1), excerpt("deb:a", "Ann|a", 1), excerpt("b", "", 2)])
    assert text.count("| Ann/a | t1 | CC0-1.0 | deb:a, `Ann/a1.ogg` |") == 1
    assert "| (not named) | t2 | CC0-1.0 | b, `2.ogg` |" in text
    assert "2 works (3 excerpts)" in text


def test_a_folder_without_a_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such manifest of music"):
        music.read(tmp_path)
    (tmp_path / music.MANIFEST).write_text("file,source\na,b\n", encoding="utf-8")
    with pytest.raises(ManifestError, match="no column"):
        music.read(tmp_path)


@pytest.mark.skipif(not (SHARED / "music").exists(), reason="../shared/music is not there")
def test_the_split_of_the_music_at_hand_is_that_of_the_shipped_ear() -> None:
    excerpts = music.read(SHARED / "music")
    unheard = music.held_out(excerpts)
    works = {each.work for each in excerpts if each.electronic}
    out = {each.work for each in excerpts if each.electronic and each.author in unheard}
    assert (len(out), len(works)) == (35, 272)
    assert not {each.artist for each in excerpts if each.author in unheard and each.artist} & {
        each.artist for each in excerpts if each.author not in unheard
    }


# --- the bank


def test_the_bank_holds_files_and_tracks_and_keeps_them(tmp_path: Path) -> None:
    time = np.arange(2 * 22_050) / 22_050
    tone = (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    write_audio(tmp_path / "a.wav", np.stack([tone, tone]), 22_050)
    order = plan(1, seconds=2.0, styles=["Techno / Tech House"])[0]
    clips = [
        Clip("music", "a.wav", "train", tmp_path / "a.wav"),
        Clip("synth", order.path, "train", order),
    ]
    shares: list[float] = []
    held = bank.bank(clips, tmp_path / "bank", 0, 1, shares.append)
    assert shares == [0.5, 1.0]
    assert set(held.kinds) == {"music", "synth", "non-music"}
    first = held.sound[: held.lengths[0]].float() / 32768
    assert held.lengths[0] == 2 * RATE
    assert int(torch.fft.rfft(first).abs().argmax()) == 880  # half hertz
    assert float(first.abs().max()) == pytest.approx(0.5, abs=0.02)
    again = bank.bank(clips, tmp_path / "bank", 0, 1, shares.append)
    assert shares == [0.5, 1.0]  # it was there
    assert torch.equal(again.sound, held.sound)
    bank.bank(clips[:1], tmp_path / "bank", 0, 1, shares.append)
    assert shares[2:] == [1.0]  # other clips, another bank


def test_an_interrupted_bank_is_filled_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = []
    for number in range(4):
        tone = np.full(RATE + number, 0.1 * (number + 1), np.float32)
        write_audio(tmp_path / f"{number}.wav", np.stack([tone, tone]), RATE)
        clips.append(Clip("music", f"{number}.wav", "train", tmp_path / f"{number}.wav"))
    whole = bank.bank(clips, tmp_path / "whole", 0, 1)
    heard: list[str] = []

    def hears(clip: Clip) -> bank.Steps:
        heard.append(clip.name)
        if heard.count("2.wav") == 1 and clip.name == "2.wav":
            raise KeyboardInterrupt
        return hear(clip)

    hear = bank.hear
    monkeypatch.setattr(bank, "hear", hears)
    with pytest.raises(KeyboardInterrupt):
        bank.bank(clips, tmp_path / "bank", 0, 1)
    for name in (bank.PART, bank.JOURNAL):
        with (tmp_path / "bank" / name).open("ab") as file:  # what was cut off in the middle of a clip
            file.write(b'["music", "2.w')
    again = bank.bank(clips, tmp_path / "bank", 0, 1)
    assert heard == ["0.wav", "1.wav", "2.wav", "2.wav", "3.wav"]
    assert torch.equal(again.sound, whole.sound)
    assert again.lengths.tolist() == whole.lengths.tolist()
    assert sorted(path.name for path in (tmp_path / "bank").iterdir()) == ["sound.i16", "sound.json"]


def test_a_bank_that_was_begun_with_other_clips_is_begun_anew(tmp_path: Path) -> None:
    for name, level in (("a.wav", 0.1), ("b.wav", 0.2)):
        write_audio(tmp_path / name, np.full((2, RATE), level, np.float32), RATE)
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / bank.PART).write_bytes(bytes(2 * RATE))
    (tmp_path / "bank" / bank.JOURNAL).write_text(f'["music", "a.wav", {RATE}]\n', encoding="utf-8")
    held = bank.bank([Clip("music", "b.wav", "train", tmp_path / "b.wav")], tmp_path / "bank", 0, 1)
    assert float(held.sound[:RATE].float().mean() / 32768) == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_cannot_be_read_is_left_out_and_named(tmp_path: Path, workers: int) -> None:
    write_audio(tmp_path / "a.wav", np.full((2, RATE), 0.1, np.float32), RATE)
    (tmp_path / "b.wav").write_text("no sound")
    clips = [Clip("music", name, "train", tmp_path / name) for name in ("b.wav", "a.wav")]
    for _ in range(2):  # filled, and as it is kept
        held = bank.bank(clips, tmp_path / "bank", 0, workers)
        assert held.unread == held.to(torch.device("cpu")).unread == ("b.wav",)
        assert held.kinds["music"].tolist() == [1]


# --- scenes


@pytest.fixture(scope="module")
def tones() -> Bank:
    """Two clips: a tone of 1 kHz, and noise that is shorter than most scenes."""
    generator = np.random.default_rng(0)
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(12 * RATE) / RATE)
    noise = 0.3 * generator.uniform(-1, 1, RATE // 2)
    sound = np.round(np.concatenate([tone, noise]) * 32767).astype(np.int16)
    return bank.of(torch.from_numpy(sound), [("music", len(tone)), ("synth", len(noise))])


def test_scenes_follow_from_their_seed_and_stay_in_range(tones: Bank) -> None:
    one, again, other = (scenes.scenes(tones, np.random.default_rng(seed), 24, 1.0) for seed in (1, 1, 2))
    assert one.shape == (24, RATE)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert bool(one.isfinite().all())
    assert float(one.abs().max()) <= 1
    full = (one.abs().amax(1) > 0.999).float().mean()
    assert 0.4 < float(full) < 0.95  # what is published touches full scale


def test_silence_stays_silent() -> None:
    silent = bank.of(torch.zeros(RATE, dtype=torch.int16), [("music", RATE)])
    assert float(scenes.scenes(silent, np.random.default_rng(0), 16, 1.0).abs().max()) == 0


def test_a_stretch_at_another_speed_has_another_pitch(tones: Bank) -> None:
    only = Bank(tones.sound, tones.starts, tones.lengths, {"music": tones.kinds["music"]})
    heard = scenes.stretches(only, np.random.default_rng(0), 40, RATE)
    pitches = torch.fft.rfft(heard).abs().argmax(1).float()  # Hz
    assert 0.3 < float((pitches == 1000).float().mean()) < 0.7
    assert float(pitches.min()) > 1000 * 2**-0.41
    assert float(pitches.max()) < 1000 * 2**0.41
    assert len(pitches.unique()) > 10


def test_a_room_adds_a_tail_and_keeps_the_click() -> None:
    click = torch.zeros(1, RATE)
    click[0, 1000] = 1
    noise = torch.Generator().manual_seed(0)
    spectrum = torch.fft.rfft(click) * scenes.rooms(1, RATE, np.random.default_rng(0), noise)
    wet = torch.fft.irfft(spectrum, RATE)[0]
    assert float(wet[1000]) == pytest.approx(1, abs=0.2)
    assert float(wet[1001:4000].abs().max()) > 1e-3
    assert float(wet[:900].abs().max()) < float(wet[1001:4000].abs().max())


def test_a_codec_leaves_the_strong_and_loses_the_faint() -> None:
    time = torch.arange(RATE) / RATE
    strong, faint = torch.sin(2 * torch.pi * 2000 * time), 0.01 * torch.sin(2 * torch.pi * 2150 * time)
    coded = scenes.coded_badly((strong + faint)[None], torch.tensor([[12.0]]))[0]
    spectrum = torch.fft.rfft(coded[1024 : 1024 + RATE // 2]).abs() / (RATE / 4)  # 2-Hz bins
    assert float(spectrum[1000]) == pytest.approx(1, abs=0.05)
    assert float(spectrum[1075]) < 0.005


@pytest.mark.parametrize("rate", [16_000, 22_050])
def test_another_sample_rate_is_what_a_resampler_gives(rate: int) -> None:
    generator = np.random.default_rng(0)
    sound = np.cumsum(generator.standard_normal(2 * RATE)).astype(np.float32)
    sound = (sound - sound.mean()) / np.abs(sound).max()
    ours = scenes.at(rate, torch.from_numpy(sound)[None])[0].numpy()
    theirs = soxr.resample(sound, RATE, rate)
    assert ours.shape == theirs.shape
    middle = slice(rate // 4, -rate // 4)
    assert np.corrcoef(ours[middle], theirs[middle])[0, 1] > 0.9999


# --- teachers


@pytest.mark.skipif(not (SHARED / "teachers").exists(), reason="../shared/teachers is not there")
@pytest.mark.parametrize("name", TEACHERS)
def test_every_teacher_of_the_table_answers_as_its_row_promises(name: str) -> None:
    teacher = TEACHERS[name]
    (ask,) = teachers.opened(SHARED / "teachers", torch.device("cpu"), [name]).values()
    time = torch.arange(3 * teacher.sample_rate) / teacher.sample_rate
    with torch.no_grad():
        answer = ask(torch.stack([0.5 * torch.sin(2 * torch.pi * 440 * time), torch.zeros_like(time)]))
    outputs = classes.CLASSES if teacher.kind == teachers.CLASSES else len(musicnn.TAGS)
    assert answer.scores.shape == (2, {"YAMNet": 3, "mn04": 1, "musicnn": 1}[name], outputs)
    assert answer.embedding.shape[2] == teacher.dims
    assert 0 <= float(answer.scores.min()) < float(answer.scores.max()) <= 1
    if teacher.kind == teachers.CLASSES:
        tone, silence = answer.mean().scores
        assert float(silence[classes.SILENCE]) > 0.1 > float(tone[classes.SILENCE])


@pytest.mark.skipif(not (SHARED / "teachers").exists(), reason="../shared/teachers is not there")
def test_yamnet_in_batches_sees_what_it_sees_elsewhere() -> None:
    ask = teachers.Yamnet(SHARED / "teachers" / TEACHERS["YAMNet"].source.file)
    waveform = 0.1 * torch.randn(2, 2 * 22_050, generator=torch.Generator().manual_seed(0))
    expected = YamnetEar().front_end(waveform)
    torch.testing.assert_close(ask._patches(waveform), expected, atol=2e-4, rtol=1e-4)  # noqa: SLF001  what is compared


def test_a_file_that_is_no_teacher_is_refused(tmp_path: Path) -> None:
    for teacher in TEACHERS.values():
        with pytest.raises(BundleError, match=r"No such file|not the"):
            teacher.open(tmp_path / teacher.source.file)


# --- the distillation


class Loudness(nn.Module):
    """A teacher with a plain rule: the louder it is, the more it is techno, and the less house."""

    def __init__(self, dims: int, places: int) -> None:
        super().__init__()
        self.dims, self.places = dims, places
        self.register_buffer("nothing", torch.zeros(1))

    def forward(self, waveform: Tensor) -> Answer:
        level = waveform.square().mean(1, keepdim=True).sqrt().clamp(0, 1)
        scores = torch.full((len(waveform), self.places, classes.CLASSES), 1e-3)
        scores[..., 236], scores[..., 235] = level, (0.7 - level).clamp(0, 1)
        return Answer(scores, level[:, None].expand(-1, self.places, self.dims))


@pytest.fixture
def loud() -> dict[str, nn.Module]:
    return {"YAMNet": Loudness(1024, 1), "mn04": Loudness(384, 1)}


SMALL = {"stages": [[4, 4, 4, 0, 0], [8, 4, 2, 1, 2]], "width": 16, "dilations": [], "hidden": 32}
CONFIG = read_recipe(RECIPE).distil.model_copy(update={"steps": 6, "batch_size": 6, "trial": 0.34, "average": 0.8})


def tiny_network() -> AudioNetwork:
    return ear10(len(teachers.OUTPUTS), **SMALL)  # type: ignore[arg-type]


def never(_: nn.Module) -> float:
    raise AssertionError("there is nothing to choose from")


def test_a_student_comes_nearer_to_its_teachers(tones: Bank, loud: dict[str, nn.Module], tmp_path: Path) -> None:
    told: list[distil.Step] = []
    config = CONFIG.model_copy(update={"steps": 40, "batch_size": 4})
    distilled = distil.distil(tones, loud, {"one": SMALL}, config, tmp_path, never, told.append)
    network = distilled.network
    assert (distilled.name, distilled.trial, distilled.steps) == ("one", None, 40)
    assert [step.done for step in told] == [10, 20, 30, 40]
    assert told[-1].loss < 0.95 * told[0].loss
    generator = torch.Generator().manual_seed(0)
    level = torch.linspace(0.01, 0.5, 24)[:, None]
    heard = (level * torch.randn(24, 22_050, generator=generator)).clamp(-1, 1)
    scores = {key: ask(heard).mean().scores.numpy() for key, ask in loud.items()}
    judged = Judged(heard.numpy(), scores)
    found = fidelity.compare(fidelity.answers(network, judged), judged)
    assert found.stretches == 24
    assert np.isnan(found.correlations["Disco"])  # nobody ever heard it
    assert np.isnan(found.tags)  # nobody was asked


def test_an_interrupted_distillation_ends_as_if_nothing_had_been(
    tones: Bank, loud: dict[str, nn.Module], tmp_path: Path
) -> None:
    candidates = {"one": SMALL, "two": SMALL | {"width": 8}}

    def prefers_two(network: nn.Module) -> float:
        return -float(sum(parameter.numel() for parameter in network.parameters()))

    def run(folder: Path, steps_before_a_break: int | None) -> distil.Distilled:
        folder.mkdir(exist_ok=True)
        asked = _stopping(loud, steps_before_a_break)
        return distil.distil(
            tones, asked, candidates, CONFIG, folder, prefers_two, lambda _: None, checkpoint_seconds=0
        )

    whole = run(tmp_path / "whole", None)
    assert whole.name == "two"
    assert whole.trial is not None
    assert whole.trial.figures["two"] > whole.trial.figures["one"]
    assert (whole.trial.steps, whole.steps) == (3, 6)  # the first share that is .34 or more is that of three steps
    for steps in (1, 4):  # in the trial, and after it
        folder = tmp_path / f"broken{steps}"
        with pytest.raises(KeyboardInterrupt):
            run(folder, steps)
        again = run(folder, None)
        assert (again.name, again.trial, again.steps) == (whole.name, whole.trial, whole.steps)
        for key, value in whole.network.state_dict().items():
            torch.testing.assert_close(again.network.state_dict()[key], value, rtol=0, atol=0, msg=key)


def _stopping(ears: dict[str, nn.Module], steps: int | None) -> dict[str, nn.Module]:
    """The same teachers, of whom one is interrupted after some steps."""

    class Stops(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner, self.left = inner, steps

        def forward(self, waveform: Tensor) -> Answer:
            if self.left is not None:
                if self.left == 0:
                    raise KeyboardInterrupt
                self.left -= 1
            answer: Answer = self.inner(waveform)
            return answer

    first, *others = ears
    return {first: Stops(ears[first])} | {name: ears[name] for name in others}


def test_what_is_kept_is_the_moving_average_of_the_weights(
    tones: Bank, loud: dict[str, nn.Module], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = "one.body.dense.weight"
    trajectory: list[Tensor] = []
    average = distil._Run._average  # noqa: SLF001  what is watched

    def watched(run: Any, keep: float) -> None:  # noqa: ANN401  a run
        if not trajectory:
            trajectory.append(run.averaged[kernel].clone())
        trajectory.append(run.students.state_dict()[kernel].clone())
        average(run, keep)

    monkeypatch.setattr(distil._Run, "_average", watched)  # noqa: SLF001
    config = CONFIG.model_copy(update={"steps": 4, "batch_size": 2, "average": 0.25})
    network = distil.distil(tones, loud, {"one": SMALL}, config, tmp_path, never, lambda _: None).network
    expected = trajectory[0]
    for keep, weights in zip([0.1, 2 / 11, 0.25, 0.25], trajectory[1:], strict=True):  # less at the beginning
        expected = keep * expected + (1 - keep) * weights
    found = network.state_dict()["body.dense.weight"]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert (found - trajectory[-1]).abs().max() > 1e-5
    counted = next(value for value in network.state_dict().values() if not value.is_floating_point())
    assert int(counted) == 4  # steps are not averaged


def test_kinds_of_music_weigh_more_in_the_loss() -> None:
    weight = distil.importance(CONFIG.model_copy(update={"music": 2.0, "styles": 10.0}))
    assert set(weight[list(classes.STYLES)].tolist()) == {10.0}
    others = [number for number in distil.MUSIC if number not in classes.STYLES]
    assert set(weight[others].tolist()) == {2.0}
    assert weight[:132].tolist() == [1.0] * 132
    assert weight[277:].tolist() == [1.0] * (521 - 277)


ALONE = CONFIG.model_copy(
    update=dict.fromkeys(("logits", "follow", "patches", "embedding", "tags"), 0.0) | {"music": 2.0, "styles": 10.0}
)


def loss_with(wrong: int | None = None, *, seconds: float = 0.0, off: float = 0.0, **weights: float) -> float:
    """The loss of a student that is right but for one class that is a logit too high, and what else is given."""
    generator = torch.Generator().manual_seed(0)
    scores = torch.full((6, classes.CLASSES), 1e-3)
    scores[:, 236] = torch.linspace(0.1, 0.9, 6)
    scores[:, 235] = 1 - scores[:, 236]
    patches = torch.full((6, 10, classes.CLASSES), 1e-3)
    teacher = torch.randn(6, 1024, generator=generator)
    heard = distil.Taught(torch.zeros(6, 1), scores, patches, [teacher], torch.full((2, 50), 0.25))
    logits = torch.cat([scores.logit(), torch.full((6, 50), 0.25).logit()], 1)
    if wrong is not None:
        logits[:, wrong] += 1
    scaled = nn.functional.batch_norm(teacher, None, None, training=True).clamp(-8, 8)
    answer = (logits, patches.logit() + seconds, [scaled + off])
    config = ALONE.model_copy(update=weights)
    return float(distil.loss_of(answer, heard, distil.importance(config), config))


def test_the_loss_counts_each_part_by_its_weight() -> None:
    faint = next(number for number in classes.STYLES if number not in {235, 236})
    known = loss_with()

    def cost(score: float) -> float:  # of a logit too much, as surprise
        own = 1 / (1 + np.exp(-np.log(score / (1 - score)) - 1))
        right = score * np.log(score) + (1 - score) * np.log(1 - score)
        return float(right - score * np.log(own) - (1 - score) * np.log(1 - own))

    assert loss_with(0) - known == pytest.approx(cost(1e-3), rel=0.02)
    assert loss_with(faint) - known == pytest.approx(10 * cost(1e-3), rel=0.02)
    weight = float(distil.importance(ALONE).sum())
    assert loss_with(0, logits=4.0) - loss_with(0) == pytest.approx(4 / weight, rel=0.02)  # a squared logit, weighed
    assert loss_with(follow=5.0) == pytest.approx(known, abs=1e-3)  # what varies is followed
    right = loss_with(patches=0.3)
    assert loss_with(patches=0.3, seconds=1.0) - right == pytest.approx(0.3 * weight * cost(1e-3), rel=0.02)
    assert loss_with(off=2.0) == pytest.approx(known)
    assert loss_with(off=2.0, embedding=3.0) - known == pytest.approx(3 * 4, rel=1e-3)
    tags = loss_with(521, tags=3.0) - loss_with(tags=3.0)
    assert tags == pytest.approx(3.0 * cost(0.25) / 50, rel=0.02)


def test_a_checkpoint_of_another_recipe_is_refused(tones: Bank, loud: dict[str, nn.Module], tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"steps": 1})
    distil.distil(tones, loud, {"one": SMALL}, config, tmp_path, never, lambda _: None)
    with pytest.raises(ManifestError, match="another recipe"):
        distil.distil(
            tones, loud, {"one": SMALL}, config.model_copy(update={"seed": 1}), tmp_path, never, lambda _: None
        )


def test_what_is_taught_is_the_mean_of_the_teachers_that_name_classes(tones: Bank) -> None:
    def always(value: float, places: int, outputs: int, dims: int) -> Callable[[Tensor], Answer]:
        return lambda heard: Answer(
            torch.full((len(heard), places, outputs), value), torch.zeros(len(heard), places, dims)
        )

    asked = {"YAMNet": always(0.2, 10, 521, 1024), "mn04": always(0.6, 1, 521, 384), "musicnn": always(0.5, 3, 50, 753)}
    config = CONFIG.model_copy(update={"batch_size": 8, "tag_share": 0.25})
    step = next(
        step
        for step in range(50)
        if np.random.default_rng([config.seed, step]).choice(list(distil.LENGTHS), p=list(distil.LENGTHS.values()))
        == 10
    )
    heard = distil.taught(tones, asked, config, step)  # type: ignore[arg-type]
    assert heard.waveform.shape == (8, 220_500)
    torch.testing.assert_close(heard.scores, torch.full((8, 521), 0.4))
    torch.testing.assert_close(heard.patches, torch.full((8, 10, 521), 0.2))
    torch.testing.assert_close(heard.tags, torch.full((2, 50), 0.5))


# --- measuring


def test_correlations_over_a_batch_are_those_of_numpy() -> None:
    generator = np.random.default_rng(0)
    one, other = generator.uniform(size=(2, 30, 4)).astype(np.float32)
    other[:, 3] = 0.5  # never varies
    found = distil.correlations(torch.from_numpy(one), torch.from_numpy(other)).numpy()
    expected = [np.corrcoef(one[:, column], other[:, column])[0, 1] for column in range(3)]
    np.testing.assert_allclose(found, [*expected, 1], atol=1e-5)


def test_a_class_that_hardly_varies_has_no_correlation() -> None:
    ramp = np.linspace(0, 1, 50, dtype=np.float32)
    assert fidelity.correlation(ramp, 2 * ramp) == pytest.approx(1)
    assert fidelity.correlation(ramp, 1 - ramp) == pytest.approx(-1)
    assert np.isnan(fidelity.correlation(ramp, 0.01 * ramp))


def test_files_are_heard_in_stretches_and_the_rest_is_left(tmp_path: Path, loud: dict[str, nn.Module]) -> None:
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (2, round(2.7 * 22_050))).astype(np.float32)
    write_audio(tmp_path / "a.wav", sound, 22_050)
    judged = fidelity.judge([tmp_path / "a.wav"], loud, seconds=1.0)
    assert judged.waveforms.shape == (2, 22_050)
    assert {name: scores.shape for name, scores in judged.scores.items()} == {"YAMNet": (2, 521), "mn04": (2, 521)}


def test_a_file_to_measure_on_that_cannot_be_heard_is_left_out(tmp_path: Path, loud: dict[str, nn.Module]) -> None:
    write_audio(tmp_path / "a.wav", np.full((2, 2 * 22_050), 0.1, np.float32), 22_050)
    (tmp_path / "b.wav").write_text("no sound")
    judged = fidelity.judge([tmp_path / "b.wav", tmp_path / "a.wav"], loud, seconds=1.0)
    assert judged.unread == (tmp_path / "b.wav",)
    assert len(judged.waveforms) == 2
    with pytest.raises(ManifestError, match="none of 1 files has 1 s that can be heard"):
        fidelity.judge([tmp_path / "b.wav"], loud, seconds=1.0)


def test_recipes_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such recipe"):
        read_recipe(tmp_path / "none.toml")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(RECIPE.read_text(encoding="utf-8").replace("steps =", "rounds ="), encoding="utf-8")
    with pytest.raises(ManifestError, match=r"wrong\.toml: distil\.steps: Field required"):
        read_recipe(wrong)


def test_the_card_says_what_could_not_be_read_and_where_the_training_ended() -> None:
    clips = [Clip("music", str(number), "train", Path("/a.wav")) for number in range(3)]
    judged = Judged(np.ones((9, 1), np.float32), dict.fromkeys(("YAMNet", "mn04"), np.ones((9, 521), np.float32)))
    choice = card.chosen(distil.Distilled("bag", tiny_network(), None, 1500), 3168)
    text = card.write("ear", "an ear", clips, {"1", "2"}, 1.5, "bag", choice, {}, {"held-out music": judged})
    assert "| music | 1 | 55% |" in text
    assert "**2 of 3 clips could not be read where it was trained**, and were not heard." in text
    words = " ".join(text.split())
    assert "One architecture was trained; nothing was chosen by what is held out." in words
    assert "**The training ended after 1,500 of 3,168 steps**" in words


def test_a_work_that_could_not_be_read_is_marked() -> None:
    works = [excerpt("deb:a", "Ann", 1), excerpt("deb:a", "Ben", 2), excerpt("deb:a", "Ben", 2)]
    works[2] = replace(works[2], file="3.opus")
    text = music.attribution("ear", works, {"1.opus", "3.opus"})
    assert "| Ann | t1 | CC0-1.0 | deb:a, `Ann1.ogg` | not read |" in text
    assert "| Ben | t2 | CC0-1.0 | deb:a, `Ben2.ogg` |  |" in text  # another excerpt of it was
    assert "marked *not read*" in text
    assert "not read" not in music.attribution("ear", works, {"3.opus"})


@pytest.mark.skipif(not (SHARED / "music").exists(), reason="../shared/music is not there")
def test_the_list_of_works_that_ships_is_that_of_the_music_at_hand() -> None:
    with (SHARED / "music" / music.MANIFEST).open(encoding="utf-8", newline="") as file:
        works = {(line["source"], line["inner"]) for line in csv.DictReader(file)}
    text = music.attribution("ear", music.read(SHARED / "music"))
    assert text.count("\n| ") == len(works) + 1


def test_the_card_of_an_ear_counts_its_sound_and_compares_it_with_its_teachers() -> None:
    clips = [Clip("music", str(number), "train", Path("/a.wav")) for number in range(3)]
    clips.append(Clip("music", "unheard", "test", Path("/b.wav")))
    generator = np.random.default_rng(0)
    one, other = generator.uniform(size=(2, 9, classes.CLASSES)).astype(np.float32)
    judged = Judged(np.zeros((9, 1), np.float32), {"YAMNet": one, "mn04": other})
    follows = Fidelity(9, dict.fromkeys((classes.NAMES[number] for number in classes.STYLES), 0.5), 0.25, float("nan"))
    trial = distil.Trial({"bag": 0.7, "full": 0.6}, 82)
    choice = card.chosen(distil.Distilled("bag", tiny_network(), trial, 3168), 3168)
    text = card.write(
        "ear", "an ear", clips, (), 1.5, "bag", choice, {"held-out music": follows}, {"held-out music": judged}
    )
    assert text.startswith(
        "# ear\n\nAn ear.\n\nWaveform in (mono, 22,050 Hz, any length from one second on), 571 logits"
    )
    assert "| music | 3 | 55% |\n| contrast |  | 8% |\n" in text
    columns = ("held-out music (9 stretches)", "YAMNet and the mean (9 stretches)", "mn04 and the mean (9 stretches)")
    assert "| class | " + " | ".join(columns) + " | YAMNet and mn04 (9 stretches) |\n" in text
    expected = np.corrcoef(one[:, 236], other[:, 236])[0, 1]
    assert re.search(rf"\| Techno \| 0\.50 \| 0\.\d\d \| 0\.\d\d \| {expected:.2f} \|", text)
    assert "after 82 of 3,168 steps: `bag` 0.700, `full` 0.600; `bag` went on." in " ".join(text.split())
    assert "could not be read" not in text
    assert "ended" not in text
    assert all(teacher.credit.partition(" (")[0] in text for teacher in TEACHERS.values())
    assert max(len(line) for line in text.splitlines() if not line.startswith("|")) <= 120


def test_the_command_ends_with_1_where_a_work_could_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follows = Fidelity(9, dict.fromkeys((classes.NAMES[number] for number in classes.STYLES), 0.5), 0.25, float("nan"))
    given = ["distil", "ear", str(tmp_path / "ear"), "--music", "m", "--tables", "t", "--teachers", "s"]
    for unread, status in (((), 0), (("a.opus",), 1)):
        report = recipe.Report({"held-out music": follows}, unread)
        monkeypatch.setattr(recipe, "train", lambda *_, report=report, **__: report)
        answer = CliRunner().invoke(app, given)
        assert answer.exit_code == status
        assert ("a.opus: it could not be read; left out" in answer.stderr) == bool(unread)
